"""What roles ask of the order: which jobs wait, and what stands in a batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from anh_rollup.protocol.jobs import Job


@dataclass(frozen=True, slots=True)
class OrderedJob:
    """A job in the order whose reward lies in escrow.

    Attributes:
        batch: Number of the Inbox batch that holds its transaction.
        batch_commitment: The Inbox's commitment of that batch.
        index: Place among the batch's own transactions.
        transaction: keccak of the transaction's record.
        job: The job.
        reward: Wei in escrow on the L2.
    """

    batch: int
    batch_commitment: bytes
    index: int
    transaction: bytes
    job: Job
    reward: int


@dataclass(frozen=True, slots=True)
class OrderedBatch:
    """A batch as the Inbox commits to it, with its transactions.

    Attributes:
        number: From 1.
        previous: Commitment of the batch before.
        transactions_root: Root over the records' hashes; zeros for an empty batch.
        count: Number of its own transactions.
        data: Hash of its bytes.
        forced_end: Queue entries consumed by this and all earlier batches.
        records: The records of its own transactions; empty where its bytes are void.
    """

    number: int
    previous: bytes
    transactions_root: bytes
    count: int
    data: bytes
    forced_end: int
    records: tuple[bytes, ...]

    @property
    def is_void(self) -> bool:
        """Whether its bytes are not what it commits to: none of its transactions counts, or can be opened."""
        return len(self.records) != self.count


class Order(Protocol):
    """The order as a follower derives it from L1."""

    def refresh(self) -> bool:
        """Takes in what is new; whether there was anything."""
        ...

    def jobs(self) -> Sequence[OrderedJob]:
        """The jobs whose reward is in escrow, in order."""
        ...

    def batch(self, number: int) -> OrderedBatch | None:
        """A batch, or None where there is none."""
        ...

    def record(self, transaction: bytes) -> bytes | None:
        """The record whose keccak is `transaction`, wherever it is ordered; None where it is not."""
        ...
