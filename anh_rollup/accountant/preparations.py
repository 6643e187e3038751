"""What takes long before it can be sent: prepared in threads, so that no round waits for it."""

from collections.abc import Callable, Collection, Hashable
from contextlib import nullcontext
from typing import Final

from anh_rollup.background import Background
from anh_rollup.evaluation.turns import Turns
from anh_rollup.l1.disputes import Call
from anh_rollup.l1.errors import TransientL1Error

#: Pieces of work at a time, and of those what computes and what waits for that (choices): heavy traces take
#: much memory, and enough threads are left for evaluations and for what is light.
MOST_AT_ONCE: Final = 64
MOST_HEAVY: Final = 2
MOST_WAITING: Final = 32

#: Multiply-adds that need no turn (choice): a fifth of a second at the slowest rate (`workload.MOST_WORK`).
MOST_LIGHT: Final = 1 << 27


class Preparations:
    """Calls that are being prepared, and those that are ready to be sent."""

    def __init__(self) -> None:
        self._background = Background(MOST_AT_ONCE, (TransientL1Error,))
        self._turns = Turns(MOST_HEAVY, MOST_WAITING)
        self._ready: dict[Hashable, Call | None] = {}

    def begin_round(self, wanted: Collection[Hashable]) -> None:
        """Begins a round, and lets go of what is ready for none of these actions."""
        self._background.begin_round()
        for action in self._ready.keys() - set(wanted):
            self._ready.pop(action, None)

    def begin(self, key: Hashable, name: str, work: Callable[[], object]) -> None:
        """Begins work unless there is some for this key, or it failed lately."""
        if key not in self._ready:
            self._background.begin(key, name, work)

    def keep(self, action: Hashable, cost: int, make: Callable[[], Call | None]) -> None:
        """Makes the call of an action: at once where that is light, otherwise when its turn comes.

        Args:
            action: The action.
            cost: Multiply-adds that making it takes.
            make: Makes it; None where there is nothing to send.

        Raises:
            TurnLostError: Enough cheaper ones wait; it is for a later round.
            AnhError: It cannot be made.
        """
        with nullcontext() if cost <= MOST_LIGHT else self._turns.take(cost):
            self._ready[action] = make()

    def take(self, action: Hashable) -> Call | None:
        """The call of an action; None where there is none, or it is not ready."""
        return self._ready.pop(action, None)

    def wait(self, seconds: float) -> None:
        """Waits until nothing is being prepared, but no longer than so many seconds."""
        self._background.wait(seconds)

    def close(self) -> None:
        """Begins nothing more."""
        self._background.close()
