"""Ending called jobs that nobody has done: `Claims.lapseCalled`, so that what waits for them goes on.

Nobody is paid for it: who works for contracts keeps their chain going. Anybody else may do it, too
(`anh job lapse`). What is to be done is what a follower says that executions wait for.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from anh_rollup.errors import AnhError
from anh_rollup.l1.contracts.claims import Claims
from anh_rollup.l1.errors import L1RevertedError
from anh_rollup.l1.sender import MOST_IN_FLIGHT, TransactionSender
from anh_rollup.l1.types import Block, TransactionRequest
from anh_rollup.primitives import BlockNumber, Seconds
from anh_rollup.protocol.orders import OrderedJob

LOG = logging.getLogger(__name__)

RETRY_BLOCKS: Final = 300
"""L1 blocks after which a job is tried again that waits still: an hour on Ethereum (choice)."""

MOST_LAPSES: Final = 16
"""Jobs within `RETRY_BLOCKS` (choice): a million gas. To call for a training costs less on L2 than to end it
on L1, and whoever calls for thousands must not empty this account."""


class CalledLapser:
    """Ends called jobs whose time is over; call `step` again and again.

    Args:
        waiting: The called jobs that executions wait for, the first one first.
        claims: The contract.
        sender: Who pays for the gas.
        settlement: Seconds after a job's deadline in which a claim may become final.
    """

    def __init__(
        self,
        waiting: Callable[[], Sequence[OrderedJob]],
        claims: Claims,
        sender: TransactionSender,
        settlement: Seconds,
    ) -> None:
        self._waiting = waiting
        self._claims = claims
        self._sender = sender
        self._settlement = settlement
        self._tried: dict[bytes, BlockNumber] = {}

    def step(self) -> list[OrderedJob]:
        """Ends what is over; the jobs that were ended.

        Raises:
            TransientL1Error: L1 cannot be reached.
        """
        waiting = self._waiting()
        if not waiting:
            return []
        head = self._sender.client.head()
        found = [(job, self._claims.lapse_called(job.job)) for job in self._untried(waiting, head)]
        possible = [each for each in found if self._is_possible(*each)]
        outcomes = self._sender.send_all([request for _, request in possible]) if possible else []
        self._tried |= {job.transaction: head.number for job, _ in found}
        ended = []
        for (job, _), outcome in zip(possible, outcomes, strict=True):
            if isinstance(outcome, AnhError):
                LOG.warning("called job 0x%s is not ended: %s", job.transaction.hex(), outcome.message)
            else:
                LOG.info("called job 0x%s is over: nobody has done it", job.transaction.hex())
                ended.append(job)
        return ended

    def _untried(self, waiting: Sequence[OrderedJob], head: Block) -> list[OrderedJob]:
        """Jobs whose time is over and that were not tried for a while, as many as one group may have."""
        self._tried = {key: at for key, at in self._tried.items() if at > head.number - RETRY_BLOCKS}
        over = (job for job in waiting if job.ends_at(self._settlement) <= head.time)
        untried = [job for job in over if job.transaction not in self._tried]
        return untried[: min(MOST_IN_FLIGHT, MOST_LAPSES - len(self._tried))]

    def _is_possible(self, job: OrderedJob, request: TransactionRequest) -> bool:
        """Whether L1 has not ended the job already: the follower may not have read that yet."""
        try:
            self._sender.client.estimate_gas(request, self._sender.address)
        except L1RevertedError as error:
            LOG.info("called job 0x%s cannot be ended: %s", job.transaction.hex(), error.reason)
            return False
        return True
