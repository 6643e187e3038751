"""keccak-256 of one string and of many rows of one size."""

from collections.abc import Callable
from itertools import islice
from struct import iter_unpack
from typing import Final, Protocol

from sha3 import keccak_256

from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.primitives import Digest

Bytes = bytes | bytearray | memoryview
"""What may be hashed: anything that lies in memory as one stretch of bytes."""


class _Sponge(Protocol):
    def digest(self) -> bytes:
        """The 32 bytes."""


# safe-pysha3's C sponge: the fastest of what is installed (benchmarks/encoding.py).
_sponge: Final[Callable[[Bytes], _Sponge]] = keccak_256


# Hashes that are Python objects at a time; as one each they would take more than twice their bytes.
_SLAB: Final = 1 << 16


def keccak256(data: Bytes) -> Digest:
    """The keccak-256 hash (the padding of Ethereum, not of SHA-3) of `data`."""
    return Digest(_sponge(data).digest())


def hash_rows(data: Bytes, row_size: int) -> bytes:
    """The hashes of consecutive rows of `row_size` bytes, one after the other: 32 bytes a row.

    Raises:
        EncodingError: `data` is not a whole number of rows (WRONG_LENGTH).
    """
    if row_size < 1 or len(data) % row_size:
        message = f"{len(data)} bytes are not a whole number of rows of {row_size} bytes"
        raise EncodingError(EncodingReason.WRONG_LENGTH, message)
    rows = iter_unpack(f"{row_size}s", data)
    slabs = []
    while slab := b"".join([_sponge(row).digest() for (row,) in islice(rows, _SLAB)]):
        slabs.append(slab)
    return b"".join(slabs)
