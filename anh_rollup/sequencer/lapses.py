"""Giving rewards back that nobody has earned: `Claims.lapse`, where the reward is worth the transaction.

Anybody may do it (`anh job refund`); the sequencer does it for the larger rewards, so that most users need
not know of it. What is to be done is read from L1 each time, never remembered.
"""

import logging
from collections.abc import Sequence
from typing import Final

from anh_rollup.errors import AnhError
from anh_rollup.l1.contracts.claims import Claims
from anh_rollup.l1.errors import L1RevertedError
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.l1.types import Cursor, TransactionRequest
from anh_rollup.primitives import BlockNumber, Seconds
from anh_rollup.protocol.orders import OrderedJob

LOG = logging.getLogger(__name__)

MOST_LAPSES: Final = 4
"""Jobs of one round (choice): batches do not wait long behind them."""

LEAST_WORTH: Final = 2
"""How often a reward has to be what giving it back costs (choice)."""

RETRY_BLOCKS: Final = 300
"""L1 blocks after which a job is tried again that was not worth it: an hour on Ethereum (choice)."""


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
        self._tried: dict[bytes, BlockNumber] = {}

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
        found = [(job, self._request(job)) for job in self._untried()]
        worth = [each for each in found if self._is_worth(*each)]
        if not worth:
            return []
        outcomes = self._sender.send_all([request for _, request in worth])
        ended = []
        for (job, _), outcome in zip(worth, outcomes, strict=True):
            if isinstance(outcome, AnhError):
                LOG.warning("job 0x%s is not ended: %s", job.transaction.hex(), outcome.message)
            else:
                LOG.info("job 0x%s is over: %d wei go back", job.transaction.hex(), job.reward)
                ended.append(job)
        return ended

    def _untried(self) -> list[OrderedJob]:
        """Jobs that were not tried for a while, and are from now on."""
        late, number = self._late, self._reader.cursor.number
        known = {job.transaction for job in late}
        latest = number - RETRY_BLOCKS
        self._tried = {key: at for key, at in self._tried.items() if key in known and at > latest}
        untried = [job for job in late if job.transaction not in self._tried][:MOST_LAPSES]
        self._tried |= {job.transaction: number for job in untried}
        return untried

    def _request(self, job: OrderedJob) -> TransactionRequest:
        batch = self._reader.batch(job.batch)
        record = None if batch is None else batch.record_at(job.index)
        return self._claims.lapse(record or b"", job.job)

    def _is_worth(self, job: OrderedJob, request: TransactionRequest) -> bool:
        """Whether a reward is far above what it costs to give it back."""
        try:
            gas = self._sender.client.estimate_gas(request, self._sender.address)
        except L1RevertedError as error:
            LOG.info("job 0x%s cannot be ended: %s", job.transaction.hex(), error.reason)
            return False
        return job.reward > LEAST_WORTH * gas * self._sender.price()
