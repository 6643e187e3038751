"""The order with called jobs: what contracts wait for, as a follower tells it, beside what is ordered."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from anh_rollup.errors import AnhError
from anh_rollup.primitives import BatchNumber
from anh_rollup.protocol.orders import OrderedBatch, OrderedJob, OrderFollower

LOG = logging.getLogger(__name__)

Ask = Callable[[], Sequence[OrderedJob]]
"""The called jobs that executions wait for now; raises `AnhError` where nobody answers."""


@dataclass(slots=True)
class CalledJobs:
    """An `OrderFollower` that has called jobs, too. `poll` it, from a thread of its own.

    Attributes:
        order: The order, derived from L1.
        ask: Asks a follower. It is believed: what it makes up costs the work for it, and no bond.
    """

    order: OrderFollower
    ask: Ask
    _called: tuple[OrderedJob, ...] = ()
    _told: str = field(default="")

    def poll(self) -> None:
        """Asks again. While the follower is away, what it said last holds: own claims are about it."""
        try:
            self._called = tuple(self.ask())
        except AnhError as error:
            if error.message != self._told:
                LOG.warning("%s; next: %s", error.message, error.remedy)
            self._told = error.message
        else:
            self._told = ""

    def called(self) -> Sequence[OrderedJob]:
        """Those that executions wait for, the first one first."""
        return self._called

    def refresh(self) -> bool:
        """Takes in what is new on L1."""
        return self.order.refresh()

    def jobs(self) -> Sequence[OrderedJob]:
        """The jobs whose reward is in escrow, and behind them those that executions wait for."""
        return [*self.order.jobs(), *self._called]

    def batch(self, number: BatchNumber) -> OrderedBatch | None:
        """A batch, or None where there is none."""
        return self.order.batch(number)

    def record(self, transaction: bytes) -> bytes | None:
        """The record whose keccak is `transaction`, wherever it is ordered."""
        return self.order.record(transaction)
