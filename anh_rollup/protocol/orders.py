"""What roles ask of the order: which jobs wait, and what stands in a batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from anh_rollup.encoding.batches import BatchHeader
from anh_rollup.primitives import BatchNumber, Seconds, Wei
from anh_rollup.protocol.jobs import Job


@dataclass(frozen=True, slots=True)
class OrderedJob:
    """A job in the order whose reward lies in escrow.

    Attributes:
        batch: Number of the Inbox batch that holds its transaction.
        batch_commitment: The Inbox's commitment of that batch.
        index: Place in the batch: its own transactions first, then those from the queue.
        transaction: keccak of the transaction's record.
        job: The job.
        reward: Wei in escrow on the L2.
    """

    batch: BatchNumber
    batch_commitment: bytes
    index: int
    transaction: bytes
    job: Job
    reward: Wei

    def ends_at(self, settlement: Seconds) -> Seconds:
        """The L1 time from which on nobody can earn the reward any more: it can be given back.

        Args:
            settlement: Seconds after the deadline in which a claim may become final.
        """
        return Seconds(self.job.deadline + settlement)


@dataclass(frozen=True, slots=True)
class OrderedBatch:
    """A batch with its transactions.

    Attributes:
        header: What the Inbox committed to.
        records: The records of its own transactions; empty where its bytes are void.
        forced: The records that it takes from the queue of forced transactions.
        previous: The header of the batch before; None for the first batch.
    """

    header: BatchHeader
    records: tuple[bytes, ...]
    forced: tuple[bytes, ...] = ()
    previous: BatchHeader | None = None

    @property
    def is_void(self) -> bool:
        """Whether its bytes are not what it commits to: none of its transactions counts, or can be opened."""
        return len(self.records) != self.header.count

    def record_at(self, index: int) -> bytes | None:
        """The record at a place of the batch, the forced ones last; None where there is none."""
        return self.records[index] if 0 <= index < len(self.records) else self.forced_at(index)

    def forced_at(self, index: int) -> bytes | None:
        """The forced record at a place behind the batch's own transactions; None where there is none."""
        place = index - self.header.count
        return self.forced[place] if 0 <= place < len(self.forced) else None


class OrderFollower(Protocol):
    """The order as a follower derives it from L1."""

    def refresh(self) -> bool:
        """Takes in what is new; whether there was anything."""
        ...

    def jobs(self) -> Sequence[OrderedJob]:
        """The jobs whose reward is in escrow, in order."""
        ...

    def batch(self, number: BatchNumber) -> OrderedBatch | None:
        """A batch, or None where there is none."""
        ...

    def record(self, transaction: bytes) -> bytes | None:
        """The record whose keccak is `transaction`, wherever it is ordered; None where it is not."""
        ...
