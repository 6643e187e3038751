"""Merkle trees over the own transactions of batches, for proofs that a batch holds a transaction."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.l1.order_reader import PostedBatch
from anh_rollup.primitives import BlockNumber, Digest
from anh_rollup.protocol.derivation import L2Block

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
