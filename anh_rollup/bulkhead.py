"""Work on what strangers make, item by item: what one item breaks stays with that item.

Below the supervisor any exception ends here, with two more places nearer to strangers' bytes: `storage` makes
typed errors of what reading them raises, and the challenger goes on where one artifact cannot be read, or one
property of a claim not be judged. A claim, job, demand or game whose bytes
break our code must not end a role, or its author could stop every honest one at the price of a bond.
"""

import logging
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, field
from typing import Final

from anh_rollup.errors import AnhError

LOG = logging.getLogger(__name__)

#: After failures in a row an item is left for twice as many rounds each time, up to this (choice).
MOST_ROUNDS: Final = 32

#: Rounds after which an item that is due and does not come back is gone (choice: more than any work lasts).
ROUNDS_OF_ABSENCE: Final = 1_000


@dataclass(slots=True)
class Bulkhead:
    """Runs the work on single items, and leaves those that failed for some rounds.

    Failures of an item that stays away for `ROUNDS_OF_ABSENCE` after it is due are forgotten.

    Attributes:
        healing: Errors that time or others heal, so that the item is tried again in the next round.
        passing: Errors after which an item is left for some rounds; any other ends it until it is forgotten.
    """

    healing: tuple[type[AnhError], ...] = ()
    passing: tuple[type[Exception], ...] = (Exception,)
    _round: int = 0
    _failures: dict[Hashable, int] = field(default_factory=dict)
    _due: dict[Hashable, int] = field(default_factory=dict)
    _ended: set[Hashable] = field(default_factory=set)

    @property
    def ended(self) -> frozenset[Hashable]:
        """The items that are not worked on any more."""
        return frozenset(self._ended)

    def begin_round(self) -> None:
        """Begins the next round."""
        self._round += 1
        for key in [key for key, due in list(self._due.items()) if self._round > due + ROUNDS_OF_ABSENCE]:
            self._forget_failures(key)

    def forget_all_but(self, keys: Collection[Hashable]) -> None:
        """Lets go of all other items: nobody will ask for them again."""
        self._ended.intersection_update(keys)

    def is_due(self, key: Hashable) -> bool:
        """Whether an item is to be worked on in this round: it did not fail, or was left for long enough."""
        return key not in self._ended and self._round >= self._due.get(key, 0)

    def run(self, key: Hashable, name: str, work: Callable[[], object]) -> bool:
        """Works on an item; whether that succeeded.

        Args:
            key: What the item is known by.
            name: What the log calls it.
            work: The work. Only what is no `Exception` leaves this call.
        """
        try:
            work()
        except AnhError as error:
            left = self._leave(key, error)
            LOG.warning("%s: %s; next: %s It is %s.", name, error.message, error.remedy, left)
        except Exception as error:
            left = self._leave(key, error)
            LOG.warning(
                "%s: unexpected %s (%s); next: report it with this trace, the others go on. "
                "It is %s.",
                name, type(error).__name__, error, left, exc_info=True,
            )  # fmt: skip
        else:
            self._forget_failures(key)
            return True
        return False

    def _forget_failures(self, key: Hashable) -> None:
        self._failures.pop(key, None)
        self._due.pop(key, None)

    def _leave(self, key: Hashable, error: Exception) -> str:
        """Leaves an item for as long as its error asks for; until when, in words."""
        if isinstance(error, self.healing):
            return "tried again in the next round"
        if not isinstance(error, self.passing):
            self._ended.add(key)
            return "left until the next start"
        failures = self._failures.get(key, 0) + 1
        rounds = min(2**failures, MOST_ROUNDS)
        self._failures[key], self._due[key] = failures, self._round + rounds
        return f"tried again in {rounds} rounds"
