"""Giving a job's reward back to who ordered it: anybody may tell L1 that nobody can earn it any more."""

from anh_rollup.cli.l1_view import L1View
from anh_rollup.client.wording import show_time
from anh_rollup.errors import AnhError
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.l1.types import TransactionRequest
from anh_rollup.protocol.orders import OrderedJob


class NotOverError(AnhError):
    """A job whose reward somebody can still earn.

    Attributes:
        ends_at: L1 time from which on nobody can.
    """

    def __init__(self, ends_at: int) -> None:
        super().__init__(
            f"a claim about the job may become final until {show_time(ends_at)}",
            remedy="Wait until then; L1's clock counts.",
        )
        self.ends_at = ends_at


class RewardGoneError(AnhError):
    """A job whose reward is paid out, or on its way back."""

    def __init__(self) -> None:
        super().__init__(
            "the job's reward is paid out, or goes back already",
            remedy="See what became of it with `anh job status`.",
        )


def refund_of(view: L1View, reader: OrderReader, ordered: OrderedJob) -> TransactionRequest:
    """The transaction by which a job's reward goes back.

    Args:
        view: The rollup's L1, read up to now.
        reader: The order, read up to now.
        ordered: The job.

    Raises:
        RewardGoneError: There is no reward to give back.
        NotOverError: It is too early.
    """
    if all(each.transaction != ordered.transaction for each in reader.unsettled_jobs()):
        raise RewardGoneError
    ends_at = ordered.ends_at(view.deployment.rules.settlement)
    if view.client.head().time < ends_at:
        raise NotOverError(ends_at)
    batch = reader.batch(ordered.batch)
    record = None if batch is None else batch.record_at(ordered.index)
    return view.contracts.claims.lapse(record or b"", ordered.job)
