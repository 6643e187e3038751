"""keccak-256 of one string and of many rows of one size."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from struct import iter_unpack
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from sha3 import keccak_256

from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.primitives import DIGEST_SIZE, Digest

Bytes = bytes | bytearray | memoryview
"""What may be hashed: anything that lies in memory as one stretch of bytes."""

Hashes = NDArray[np.uint8]
"""Hashes side by side, (N, 32)."""

Places = NDArray[np.int32]
"""Which of them."""

MANY: Final = 24
"""Rows that compiled code hashes (measured: from here on it takes less time than single sponges)."""

COUNTED: Final = 1 << 12
"""Rows of what counts as much to hash (choice): a role that hashes no networks compiles nothing."""

WORTH: Final = 1 << 18
"""Rows whose hashes take as long as it takes to compile (measured: 0.2 seconds; 80 MiB of memory, too)."""


class _Sponge(Protocol):
    def digest(self) -> bytes:
        """The 32 bytes."""


# safe-pysha3's C sponge: the fastest of what is installed (benchmarks/encoding.py).
_sponge: Final[Callable[[Bytes], _Sponge]] = keccak_256


# Hashes that are Python objects at a time; as one each they would take more than twice their bytes.
_SLAB: Final = 1 << 16


@dataclass(slots=True)
class Bulk:
    """Compiled code, once so much was hashed without it that it would have paid to compile it.

    Attributes:
        rows: How many were hashed without, of those that count.
    """

    rows: int = 0

    def expect(self, rows: int) -> None:
        """Compiles if it pays for so many rows, as well."""
        if self.rows < WORTH <= self.rows + rows:
            self.rows = WORTH
            self.hash_rows(memoryview(bytes(MANY * DIGEST_SIZE)), DIGEST_SIZE, turned=False)

    def hash_rows(self, data: memoryview, row_size: int, *, turned: bool) -> bytes:
        """The hashes of the first rows, of none or of most: see `bulk_hashing`."""
        compiled = self._compiled(len(data) // row_size)
        return b"" if compiled is None else bytes(compiled.hash_rows(data, row_size, turned=turned))

    def hash_into(
        self, data: memoryview, row_size: int, hashes: Hashes, places: Places, *, turned: bool
    ) -> int:
        """Of how many of the first rows it wrote the hashes: see `bulk_hashing`."""
        compiled = self._compiled(len(places))
        return (
            0 if compiled is None else int(compiled.hash_into(data, row_size, hashes, places, turned=turned))
        )

    def _compiled(self, count: int) -> Any:
        """What hashes so many rows; None where they do not pay for it."""
        if self.rows < WORTH and count >= COUNTED:
            self.rows += count
        if self.rows < WORTH or count < MANY:
            return None
        return import_module("anh_rollup.encoding.bulk_hashing")


_bulk: Final = Bulk()


def expect_rows(rows: int) -> None:
    """Says that so many rows will have to be hashed in little time: what pays for them is compiled now."""
    _bulk.expect(rows)


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
    view = memoryview(data)
    hashes = _bulk.hash_rows(view, row_size, turned=False)
    return hashes + _one_by_one(view[len(hashes) // DIGEST_SIZE * row_size :], row_size)


def hash_numbers(rows: NDArray[np.int32]) -> bytes:
    """The hashes of the rows of an array (N, numbers), each number as four bytes, the highest first."""
    width = rows.shape[1]
    view = np.ascontiguousarray(rows, np.int32).reshape(-1).view(np.uint8).data
    hashes = _bulk.hash_rows(view, 4 * width, turned=True)
    firsts = range(len(hashes) // DIGEST_SIZE, len(rows), _SLAB)
    slabs = (rows[first : first + _SLAB].astype(">i4").tobytes() for first in firsts)
    return b"".join([hashes, *(_one_by_one(slab, 4 * width) for slab in slabs)])


def hash_into(
    data: NDArray[np.uint8], row_size: int, hashes: Hashes, places: Places, *, turned: bool
) -> None:
    """Writes the hash of each of the first rows where it belongs.

    Args:
        data: At least as many rows as places, one behind the other, each of a multiple of 4 bytes.
        row_size: Bytes of a row.
        hashes: Where they belong, (N, 32), side by side.
        places: For each row which of these.
        turned: Whether the bytes of each 4 are taken in the opposite order.
    """
    done, count = _bulk.hash_into(data.data, row_size, hashes, places, turned=turned), len(places)
    for first in range(done, count, _SLAB):
        own = places[first : first + _SLAB]
        slab = data[first * row_size : (first + len(own)) * row_size]
        rows = slab.view(np.uint32).byteswap().tobytes() if turned else slab.tobytes()
        hashes[own] = np.frombuffer(_one_by_one(rows, row_size), np.uint8).reshape(-1, DIGEST_SIZE)


def _one_by_one(data: Bytes, row_size: int) -> bytes:
    rows = iter_unpack(f"{row_size}s", data)
    slabs = []
    while slab := b"".join([_sponge(row).digest() for (row,) in islice(rows, _SLAB)]):
        slabs.append(slab)
    return b"".join(slabs)
