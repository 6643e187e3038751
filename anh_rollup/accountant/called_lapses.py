"""Ending called jobs that nobody has done: `Claims.lapseCalled`, so that what waits for them goes on.

Nobody is paid for it: who works for contracts keeps their chain going. Anybody else may do it, too
(`anh job lapse`). What is to be done is what a follower says that executions wait for.
"""

from collections.abc import Callable, Sequence
from typing import Final

from anh_rollup.l1.contracts.claims import Claims
from anh_rollup.l1.job_ender import JobEnder
from anh_rollup.l1.sender import MOST_IN_FLIGHT, TransactionSender
from anh_rollup.primitives import Seconds
from anh_rollup.protocol.orders import OrderedJob

MOST_LAPSES: Final = 16
"""Jobs within `job_ender.RETRY_BLOCKS` (choice): a million gas. To call for a training costs less on L2
than to end it on L1, and whoever calls for thousands must not empty this account."""


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
        self._ender = JobEnder(sender)

    def step(self) -> list[OrderedJob]:
        """Ends what is over; the jobs that were ended.

        Raises:
            TransientL1Error: L1 cannot be reached.
        """
        waiting = self._waiting()
        if not waiting:
            return []
        head = self._sender.client.head()
        over = [job for job in waiting if job.ends_at(self._settlement) <= head.time]
        untried = self._ender.untried(over, head.number)
        some = untried[: min(MOST_IN_FLIGHT, MOST_LAPSES - self._ender.tried)]
        return self._ender.end([(job, self._claims.lapse_called(job.job)) for job in some], head.number)
