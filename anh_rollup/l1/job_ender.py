"""Sending what ends jobs whose time is over, where it is worth it, and each job only once in a while."""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from anh_rollup.errors import AnhError
from anh_rollup.l1.errors import L1RevertedError
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.l1.types import TransactionRequest
from anh_rollup.primitives import BlockNumber, Gas
from anh_rollup.protocol.orders import OrderedJob

LOG = logging.getLogger(__name__)

RETRY_BLOCKS: Final = 300
"""L1 blocks after which a job is tried again that was not ended: an hour on Ethereum (choice)."""

Ending = tuple[OrderedJob, TransactionRequest]
"""A job, and the call that ends it."""


class JobEnder:
    """Ends jobs, and remembers for a while which ones it has tried.

    Args:
        sender: Who pays for the gas.
        is_worth: Whether a job is ended, though that costs so much gas.
    """

    def __init__(
        self, sender: TransactionSender, is_worth: Callable[[OrderedJob, Gas], bool] = lambda _job, _gas: True
    ) -> None:
        self._sender = sender
        self._is_worth = is_worth
        self._tried: dict[bytes, BlockNumber] = {}

    @property
    def tried(self) -> int:
        """How many jobs were tried within `RETRY_BLOCKS`, as of the latest `untried`."""
        return len(self._tried)

    def untried(self, jobs: Sequence[OrderedJob], number: BlockNumber) -> list[OrderedJob]:
        """Those that were not tried within `RETRY_BLOCKS` before an L1 block."""
        self._tried = {key: at for key, at in self._tried.items() if at > number - RETRY_BLOCKS}
        return [job for job in jobs if job.transaction not in self._tried]

    def end(self, endings: Sequence[Ending], number: BlockNumber) -> list[OrderedJob]:
        """Ends jobs in one group of transactions; those that were ended.

        Args:
            endings: The jobs with their calls; all of them are tried from now on.
            number: The newest L1 block.

        Raises:
            TransientL1Error: L1 cannot be reached; none of them counts as tried.
        """
        chosen = [each for each in endings if self._is_chosen(*each)]
        outcomes = self._sender.send_all([request for _, request in chosen]) if chosen else []
        self._tried |= {job.transaction: number for job, _ in endings}
        return [job for (job, _), outcome in zip(chosen, outcomes, strict=True) if _is_ended(job, outcome)]

    def _is_chosen(self, job: OrderedJob, request: TransactionRequest) -> bool:
        """Whether L1 would end the job, which it may have done already, and that is worth its gas."""
        try:
            gas = self._sender.client.estimate_gas(request, self._sender.address)
        except L1RevertedError as error:
            LOG.info("job 0x%s cannot be ended: %s", job.transaction.hex(), error.reason)
            return False
        return self._is_worth(job, gas)


def _is_ended(job: OrderedJob, outcome: object) -> bool:
    if isinstance(outcome, AnhError):
        LOG.warning("job 0x%s is not ended: %s", job.transaction.hex(), outcome.message)
        return False
    LOG.info("job 0x%s is over: nobody has done it", job.transaction.hex())
    return True
