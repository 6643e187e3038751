"""Executes strict transactions several at a time: workers and this process share what is ready."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from typing import Final, Protocol

from anh_rollup.world.engine import Outcome, Run
from anh_rollup.world.schedule import Schedule
from anh_rollup.world.worker import Task
from anh_rollup.world.worker_pool import Pool

FEWEST: Final = 32
"""Transactions of a round from which on workers pay. Measured: with so many light ones, handing out, reading
state and keeping take as much processor time here as executing all of them does."""

BATCH_GAS: Final = 4_000_000
"""Gas limits of a batch, if it is more than one transaction (choice: a message for a few milliseconds)."""


class Steps(Protocol):
    """What a round does with single transactions, each of which it asks for once."""

    def task(self, key: int) -> Task:
        """All that a worker needs; what the transaction depends on is kept by now."""
        ...

    def keep(self, key: int, task: Task, outcome: Outcome) -> None:
        """Keeps what a worker has found out."""
        ...

    def execute(self, key: int) -> None:
        """Executes it here, and keeps what comes of it."""
        ...


@dataclass(frozen=True, slots=True)
class Rounds:
    """Carries out rounds on a pool.

    Attributes:
        pool: Where batches are executed.
        require_open: Called between two steps; raises where nothing more is to be done.
    """

    pool: Pool
    require_open: Callable[[], None]

    def execute(self, runs: Mapping[int, Run], steps: Steps) -> None:
        """Executes strict transactions by key; whatever else they depend on is executed.

        Each is kept as soon as what it depends on is. What `steps` raises ends the round.
        """
        schedule, out = Schedule(runs), _Out(self.pool, steps)
        with ExitStack() as failed:
            failed.callback(self.pool.forget)
            while not schedule.is_over:
                self.require_open()
                out.hand(schedule)
                answered = list(out.answered(patient=not schedule.ready))
                for key in answered:
                    schedule.done(key)
                if not answered and schedule.ready:
                    (key,) = schedule.take()
                    steps.execute(key)
                    schedule.done(key)
            failed.pop_all()


class _Out:
    """The batches of one round that are out."""

    def __init__(self, pool: Pool, steps: Steps) -> None:
        self._pool = pool
        self._steps = steps
        self._numbers = count()
        self._out: dict[int, dict[int, Task]] = {}

    def hand(self, schedule: Schedule) -> None:
        """Hands out batches while there is room; about as much stays here as each worker gets."""
        room = self._pool.room()
        while room and schedule.ready > 1:
            most = max(1, schedule.ready // (2 * (self._pool.working + 1)))
            tasks = {key: self._steps.task(key) for key in schedule.take(most, BATCH_GAS)}
            number = next(self._numbers)
            self._out[number] = tasks
            self._pool.send(number, tuple(tasks.values()))
            room -= 1

    def answered(self, *, patient: bool) -> Iterable[int]:
        """Keeps what has come back, does again what got lost, and gives the keys."""
        for number, outcomes in self._pool.answers(patient=patient and bool(self._out)):
            for (key, task), outcome in zip(self._out.pop(number).items(), outcomes, strict=True):
                if outcome is None:
                    self._steps.execute(key)
                else:
                    self._steps.keep(key, task, outcome)
                yield key
