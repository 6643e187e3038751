"""Turns for what takes much of a machine: a few at a time; of those that wait, the urgent and cheap first."""

from bisect import insort
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from threading import Condition

from anh_rollup.errors import AnhError


class TurnLostError(AnhError):
    """Too many cheaper ones wait for a turn.

    Attributes:
        cost: What the turn was asked for.
    """

    def __init__(self, cost: int) -> None:
        super().__init__(
            f"no turn for an evaluation of {cost} multiply-adds: enough cheaper ones wait",
            remedy="Nothing: it is tried again. If that lasts, use a faster machine, or a second challenger.",
        )
        self.cost = cost


class Turns:
    """Turns that threads wait for. Waiting takes a thread, so the dearest of too many waits no longer.

    Args:
        most_at_once: Turns at a time.
        most_waiting: Threads that wait, at most.
    """

    def __init__(self, most_at_once: int, most_waiting: int) -> None:
        self._condition = Condition()
        self._free = most_at_once
        self._most_waiting = most_waiting
        self._waiting: list[tuple[bool, int, int]] = []
        self._tickets = count()

    @property
    def waiting(self) -> tuple[int, ...]:
        """What those cost that wait, the next one first."""
        with self._condition:
            return tuple(cost for _, cost, _ in self._waiting)

    @contextmanager
    def take(self, cost: int, *, urgent: bool = False) -> Iterator[None]:
        """A turn, after all cheaper ones that wait, and earlier ones of the same cost; urgent ones go first.

        Args:
            cost: What it costs, in multiply-adds.
            urgent: Whether a clock runs: it goes before all that is not urgent, whatever that costs.

        Raises:
            TurnLostError: So many cheaper ones wait that this one must not.
        """
        self._begin((not urgent, cost, next(self._tickets)))
        try:
            yield
        finally:
            with self._condition:
                self._free += 1
                self._condition.notify_all()

    def _begin(self, own: tuple[bool, int, int]) -> None:
        with self._condition:
            insort(self._waiting, own)
            if not self._is_next(own):
                del self._waiting[self._most_waiting :]
                self._condition.notify_all()
            self._condition.wait_for(lambda: own not in self._waiting or self._is_next(own))
            if own not in self._waiting:
                raise TurnLostError(own[1])
            self._waiting.remove(own)
            self._free -= 1
            self._condition.notify_all()

    def _is_next(self, own: tuple[bool, int, int]) -> bool:
        return self._free > 0 and self._waiting[0] == own
