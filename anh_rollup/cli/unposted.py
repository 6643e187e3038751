"""What the L2 says about a job that no batch on L1 holds yet."""

from collections.abc import Mapping
from typing import Any

from anh_rollup.client.l2 import L2AnswerError, L2Client
from anh_rollup.client.wording import show_time
from anh_rollup.errors import AnhError
from anh_rollup.l1 import wire
from anh_rollup.l1.errors import L1AnswerError


class UnknownTransactionError(AnhError):
    """A transaction that the L2 does not know.

    Attributes:
        transaction: Its hash.
    """

    def __init__(self, transaction: bytes) -> None:
        super().__init__(
            f"the L2 knows no transaction 0x{transaction.hex()}",
            remedy="Give the hash that ordering the job printed, and the --l2 that it was sent to.",
        )
        self.transaction = transaction


def unposted_job(l2: L2Client, transaction: bytes) -> str | None:
    """How far a job has come on the L2, and its deadline, in two lines.

    None where the transaction is no order, or one that does not wait for a batch: settled, or without effect.

    Args:
        l2: The rollup's L2.
        transaction: The hash that the L2 gave.

    Raises:
        UnknownTransactionError: The L2 has no such transaction, neither waiting nor in a block.
        L2AnswerError: The L2's answer is malformed.
        AnhError: The L2 does not answer, or refuses.
    """
    job = l2.job("0x" + transaction.hex())
    if job is None and l2.record("eth_getTransactionByHash", "0x" + transaction.hex()) is None:
        raise UnknownTransactionError(transaction)
    state = None if job is None else job.get("state")
    if job is None or state not in ("waiting", "open"):
        return None
    deadline = f"deadline: {show_time(_quantity('deadline', job, _terms(job).get('deadline')))}"
    if state == "waiting":
        return f"received by the L2, waiting for its block\n{deadline}"
    number = _quantity("block", job, job.get("blockNumber"))
    return f"ordered in L2 block {number}, waiting for its batch\n{deadline}"


def _terms(job: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an answer says that is to be done; nothing where it is malformed."""
    terms = job.get("job")
    return terms if isinstance(terms, Mapping) else {}


def _quantity(name: str, job: Mapping[str, Any], value: object) -> int:
    try:
        return wire.quantity(f"a job's {name}", value)
    except L1AnswerError as error:
        raise L2AnswerError(f"a job's {name}", job) from error
