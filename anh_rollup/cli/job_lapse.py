"""Ending a training that nobody has done for a contract: anybody may, and what waits for it goes on."""

from collections.abc import Sequence

from anh_rollup.cli.job_refund import NotOverError
from anh_rollup.errors import AnhError
from anh_rollup.l1.contracts.claims import Claims
from anh_rollup.l1.types import TransactionRequest
from anh_rollup.primitives import Seconds
from anh_rollup.protocol.orders import OrderedJob


class NotWaitedForError(AnhError):
    """A training for which no execution of the follower waits.

    Attributes:
        terms: Its terms.
    """

    def __init__(self, terms: bytes) -> None:
        super().__init__(
            f"no contract waits for a training 0x{terms.hex()}",
            remedy="Ask the follower with anh_getWaiting; what is final or has lapsed is not in it any more.",
        )
        self.terms = terms


def lapse_of(
    waiting: Sequence[OrderedJob], terms: bytes, claims: Claims, now: Seconds, settlement: Seconds
) -> TransactionRequest:
    """The transaction by which a called training ends without a result.

    Args:
        waiting: What a follower's executions wait for.
        terms: Which of them.
        claims: The contract.
        now: L1's time.
        settlement: Seconds after a deadline in which a claim may become final.

    Raises:
        NotWaitedForError: It is not among them.
        NotOverError: It is too early.
    """
    found = [each for each in waiting if each.transaction == terms]
    if not found:
        raise NotWaitedForError(terms)
    ends_at = found[0].ends_at(settlement)
    if now < ends_at:
        raise NotOverError(ends_at)
    return claims.lapse_called(found[0].job)
