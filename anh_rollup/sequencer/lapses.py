"""Giving rewards back that nobody has earned: `Claims.lapse`, where the reward is worth the transaction.

Anybody may do it (`anh job refund`); the sequencer does it for the larger rewards, so that most users need
not know of it. What is to be done is read from L1 each time, never remembered.
"""

from collections.abc import Sequence
from typing import Final

from anh_rollup.l1.contracts.claims import Claims
from anh_rollup.l1.job_ender import JobEnder
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.l1.types import Cursor, TransactionRequest
from anh_rollup.primitives import Gas, Seconds
from anh_rollup.protocol.orders import OrderedJob

MOST_LAPSES: Final = 4
"""Jobs of one round (choice): batches do not wait long behind them."""

LEAST_WORTH: Final = 2
"""How often a reward has to be what giving it back costs (choice)."""


class Lapser:
    """Ends jobs whose time is over; `look` is for the thread that refreshes the reader, `step` for another.

    Args:
        reader: The order that L1 holds; somebody else refreshes it.
        claims: The contract.
        sender: Who pays for the gas.
        settlement: Seconds after a job's deadline in which a claim may become final.
    """

    def __init__(
        self, reader: OrderReader, claims: Claims, sender: TransactionSender, settlement: Seconds
    ) -> None:
        self._reader = reader
        self._claims = claims
        self._sender = sender
        self._settlement = settlement
        self._seen: Cursor | None = None
        self._late: Sequence[OrderedJob] = ()
        self._ender = JobEnder(sender, self._is_worth)

    def look(self) -> None:
        """Finds the jobs whose time is over, and of which L1 has not said so yet.

        Raises:
            TransientL1Error: The time of an L1 block cannot be read.
        """
        cursor = self._reader.cursor
        if cursor == self._seen:
            return
        now = self._reader.time(cursor.number)
        late = {job.transaction for job in self._reader.jobs() if job.ends_at(self._settlement) <= now}
        unsettled = self._reader.unsettled_jobs() if late else ()
        self._late = [job for job in unsettled if job.transaction in late]
        self._seen = cursor

    def step(self) -> list[OrderedJob]:
        """Ends a few of the jobs that were found, where it is worth it; those that were ended.

        Raises:
            TransientL1Error: L1 cannot be reached.
        """
        number = self._reader.cursor.number
        some = self._ender.untried(self._late, number)[:MOST_LAPSES]
        return self._ender.end([(job, self._request(job)) for job in some], number)

    def _request(self, job: OrderedJob) -> TransactionRequest:
        batch = self._reader.batch(job.batch)
        record = None if batch is None else batch.record_at(job.index)
        return self._claims.lapse(record or b"", job.job)

    def _is_worth(self, job: OrderedJob, gas: Gas) -> bool:
        """Whether a reward is far above what it costs to give it back."""
        return job.reward > LEAST_WORTH * gas * self._sender.price()
