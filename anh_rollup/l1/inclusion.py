"""Where blocks and transactions stand on L1: their batch, its finality, Merkle proofs that it holds them."""

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.errors import L1RejectedError
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.l1.posted_batch import PostedBatch
from anh_rollup.primitives import BlockNumber, Digest
from anh_rollup.protocol.derivation import L2Block, Placement

MOST_TREES: Final = 8
"""Trees that are kept (choice): the newest batches are the ones that are asked for."""


@dataclass(frozen=True, slots=True)
class OpenedBatch:
    """A batch whose root can be opened.

    Attributes:
        tree: Over keccak-256 of each of its own records.
        firsts: Place of the first own record of each of its blocks, by the block's height.
    """

    tree: MerkleTree
    firsts: dict[BlockNumber, int]


class OpenedBatches:
    """The batches that were asked for last; usable from several threads.

    Args:
        block: A sealed block by its height, or None.
    """

    def __init__(self, block: Callable[[BlockNumber], L2Block | None]) -> None:
        self._block = block
        self._lock = threading.Lock()
        self._opened: OrderedDict[Digest, OpenedBatch] = OrderedDict()

    def open(self, batch: PostedBatch) -> OpenedBatch | None:
        """A batch with own transactions; None where the sealed blocks are not (yet) what it brought."""
        with self._lock:
            opened = self._opened.get(batch.commitment) or self._build(batch)
            if opened is not None:
                self._opened[batch.commitment] = opened
                self._opened.move_to_end(batch.commitment)
                if len(self._opened) > MOST_TREES:
                    self._opened.popitem(last=False)
            return opened

    def _build(self, batch: PostedBatch) -> OpenedBatch | None:
        leaves: list[Digest] = []
        firsts: dict[BlockNumber, int] = {}
        for number in map(BlockNumber, range(batch.first_block, batch.end_block)):
            block = self._block(number)
            if block is None:
                return None
            firsts[number] = len(leaves)
            leaves += [keccak256(record) for record in block.own_records]
        tree = MerkleTree(leaves) if leaves else None
        if tree is None or tree.root != batch.header.transactions_root:
            return None
        return OpenedBatch(tree, firsts)


class PostedBlocks:
    """What the batches on L1 say about the blocks of a chain; usable from several threads.

    Args:
        reader: The order that L1 holds; whoever owns it refreshes it.
        block: A block of the chain by its height, or None.
    """

    def __init__(self, reader: OrderReader, block: Callable[[BlockNumber], L2Block | None]) -> None:
        self._reader = reader
        self._opened = OpenedBatches(block)
        self._final_block = BlockNumber(0)

    def read_finality(self, client: L1Client) -> None:
        """Asks L1 for its finalized block; where L1 has no such notion, nothing is final.

        Raises:
            TransientL1Error: L1 cannot be read.
        """
        try:
            block = client.block("finalized")
        except L1RejectedError:
            block = None
        self.finalize(BlockNumber(0) if block is None else block.number)

    def finalize(self, l1_block: BlockNumber) -> None:
        """Notes that L1's blocks up to this one are final."""
        self._final_block = l1_block

    @property
    def finalized_number(self) -> BlockNumber:
        """Height of the last block whose batch is in an L1 block that is final."""
        batches = self._reader.batches
        final = bisect_right(batches, self._final_block, key=lambda batch: batch.l1_block)
        return BlockNumber(batches[final - 1].end_block - 1 if final else 0)

    def batch_of(self, block: BlockNumber) -> PostedBatch | None:
        """The batch on L1 that holds a block, or None."""
        batches = self._reader.batches
        place = bisect_right(batches, block, key=lambda batch: batch.first_block) - 1
        held = batches[place] if place >= 0 else None
        return held if held is not None and block < held.end_block else None

    def inclusion(self, placement: Placement) -> tuple[PostedBatch, int, list[bytes]] | None:
        """The batch of a transaction, its place among the batch's own transactions, and its Merkle proof.

        Returns:
            None where no batch on L1 holds it or the chain's blocks are not (yet) the batch's, and where it
            was forced (the queue holds its hash then).
        """
        block = placement.block
        batch = None if block is None else self.batch_of(block.number)
        if block is None or batch is None or placement.index < block.forced:
            return None
        opened = self._opened.open(batch)
        if opened is None:
            return None
        place = opened.firsts[block.number] + placement.index - block.forced
        return batch, place, list(opened.tree.proof(place))
