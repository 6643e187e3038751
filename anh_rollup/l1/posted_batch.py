"""A batch as L1 holds it, with what it became."""

from dataclasses import dataclass

from anh_rollup.encoding.batches import BatchHeader
from anh_rollup.primitives import BlockNumber, Digest


@dataclass(frozen=True, slots=True)
class PostedBatch:
    """A batch on L1 and what it became.

    Attributes:
        header: What the Inbox committed to.
        commitment: Its commitment.
        first_block: Height of its first L2 block.
        end_block: One above the height of its last; equal to `first_block` where it brought none.
        transaction: Hash of the L1 transaction that posted it.
        l1_block: Number of that transaction's block.
        l1_hash: Hash of that block.
    """

    header: BatchHeader
    commitment: Digest
    first_block: BlockNumber
    end_block: BlockNumber
    transaction: bytes
    l1_block: BlockNumber
    l1_hash: bytes
