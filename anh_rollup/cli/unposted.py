"""What the L2 says about a job that no batch on L1 holds yet."""

from anh_rollup.cli.l2 import L2AnswerError, L2Client
from anh_rollup.l1 import wire
from anh_rollup.l1.errors import L1AnswerError


def unposted_job(l2: L2Client, transaction: bytes) -> str | None:
    """How far a job has come on the L2, in words; None where the L2 knows no such job, or one without effect.

    Args:
        l2: The rollup's L2.
        transaction: The hash that the L2 gave.

    Raises:
        L2AnswerError: The L2's answer is malformed.
        AnhError: The L2 does not answer, or refuses.
    """
    job = l2.job("0x" + transaction.hex())
    state = None if job is None else job.get("state")
    if job is None or state not in ("waiting", "open"):
        return None
    if state == "waiting":
        return "received by the L2, waiting for its block"
    try:
        number = wire.quantity("a job's block", job.get("blockNumber"))
    except L1AnswerError as error:
        raise L2AnswerError("a job's block", job) from error
    return f"ordered in L2 block {number}, waiting for its batch"
