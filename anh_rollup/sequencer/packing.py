"""Which of the blocks that wait make a batch. Only the whole batch says how long it is."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

from anh_rollup.encoding.batches import BATCH_HEAD_SIZE, Batch, encode_batch
from anh_rollup.l1.side_process import SideProcess
from anh_rollup.protocol.derivation import L2Block, batch_of
from anh_rollup.protocol.sealed import block_size

MOST_BLOCKS: Final = 65_535
"""Blocks of a batch (uint16)."""

MOST_GAIN: Final = 2
"""How often what is sure to fit a batch is tried at most: packing halves transfers at best (choice)."""

FEW: Final = 500
"""Transactions that are packed in this process: that takes some 20 ms, which nobody notices (choice)."""


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """A batch, and its bytes.

    Attributes:
        batch: The batch.
        payload: `encode_batch` of it.
    """

    batch: Batch
    payload: bytes


@dataclass(frozen=True, slots=True)
class Packer:
    """Packs batches.

    Attributes:
        side: Where batches of more than `FEW` transactions are packed, so that admission need not wait for
            the interpreter's lock; without it all are packed here.
    """

    side: SideProcess | None = None

    def pack(self, blocks: Sequence[L2Block], most_bytes: int) -> PackedBatch:
        """The first blocks that fit one batch; at least one, as every block is smaller than a batch.

        Raises:
            SideProcessError: The process beside this one failed.
        """
        sure = max(1, _sure_to_fit(blocks[:MOST_BLOCKS], most_bytes))
        batch = batch_of(blocks[: min(MOST_BLOCKS, MOST_GAIN * sure)])
        if self.side is None or sum(len(block.records) for block in batch.blocks) <= FEW:
            count, payload = largest(batch, sure, most_bytes)
        else:
            count, payload = self.side.run(largest, batch, sure, most_bytes)
        return PackedBatch(_first(batch, count), payload)


def largest(batch: Batch, sure: int, most_bytes: int) -> tuple[int, bytes]:
    """How many of the first blocks fit, found by halving, and their bytes.

    Args:
        batch: The blocks.
        sure: How many of them are taken anyway.
        most_bytes: What may be taken.
    """
    payloads = dict[int, bytes]()

    def size(count: int) -> int:
        payloads[count] = encode_batch(_first(batch, count))
        return len(payloads[count])

    more = range(sure + 1, len(batch.blocks) + 1)
    count = sure + bisect_right(more, most_bytes, key=size)
    return count, payloads.get(count) or encode_batch(_first(batch, count))


def _first(batch: Batch, count: int) -> Batch:
    return replace(batch, blocks=batch.blocks[:count])


def _sure_to_fit(blocks: Sequence[L2Block], most_bytes: int) -> int:
    """How many of the first blocks fit one batch, however little packing gains."""
    ends = accumulate([block_size(block) for block in blocks], initial=BATCH_HEAD_SIZE)
    return sum(end <= most_bytes for end in ends) - 1
