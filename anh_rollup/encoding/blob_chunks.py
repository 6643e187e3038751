"""What a whole blob carries, and chunks of it: 32 field elements each, 128 a blob.

The Solidity twin is contracts/arbiters/BlobArbiter.sol.
"""

from typing import Final

import numpy as np

from anh_rollup.encoding.blobs import BLOB_ELEMENTS, CARRIED_SIZE, FIELD_ELEMENT_SIZE
from anh_rollup.encoding.hashing import hash_rows
from anh_rollup.encoding.merkle import MerkleTree

CHUNK_ELEMENTS: Final = 32
"""Field elements of a chunk."""

CHUNK_SIZE: Final = CHUNK_ELEMENTS * CARRIED_SIZE
"""Bytes that a chunk carries."""

BLOB_CHUNKS: Final = BLOB_ELEMENTS // CHUNK_ELEMENTS
"""Chunks of a blob."""

LOW_BYTES: Final = BLOB_CHUNKS * CHUNK_SIZE
"""Bytes that a blob carries: the low 31 of each element."""


def contents_of(blob: bytes) -> bytes:
    """All that a blob's elements are: their low 31 bytes, and the first bytes unless all of those are 0.

    A first byte is below 0x74: 7 bits of each stand behind the low bytes, packed, 3,584 bytes in all.
    """
    rows = np.frombuffer(blob, np.uint8).reshape(BLOB_ELEMENTS, FIELD_ELEMENT_SIZE)
    low, first = rows[:, 1:].tobytes(), rows[:, :1]
    return low + np.packbits(np.unpackbits(first, axis=1)[:, 1:]).tobytes() if first.any() else low


def open_chunk(blob: bytes, index: int) -> tuple[bytes, tuple[bytes, ...]]:
    """What a chunk of a blob carries, with its siblings in the tree over the blob's chunks, from the bottom.

    Args:
        blob: The blob.
        index: The chunk's place in it, 0 to 127.
    """
    low = contents_of(blob)[:LOW_BYTES]
    tree = MerkleTree(hash_rows(low, CHUNK_SIZE))
    return low[CHUNK_SIZE * index : CHUNK_SIZE * (index + 1)], tuple(tree.proof(index))
