"""What all families share: cases as parallel arrays, and bytes that look random but never change.

forge reads an array of numbers or of hex strings with one call, hence a table of cases is an object of
equally long arrays; a list inside a case is one hex string of its packed elements. A number that may pass
2**53 is a decimal string.
"""

from collections.abc import Sequence

import numpy as np

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.tensors import Elements

Row = dict[str, int | bytes | str]
"""One case: its columns by name."""

Cell = int | str
Table = dict[str, list[Cell]]
Vectors = dict[str, Table]


def table(rows: Sequence[Row]) -> Table:
    """Parallel arrays of rows that all have the same columns."""
    return {column: [_cell(row[column]) for row in rows] for column in rows[0]}


def packed_uint32s(values: Sequence[int]) -> bytes:
    """Numbers as four big-endian bytes each."""
    return b"".join([value.to_bytes(4, "big") for value in values])


def some_bytes(seed: str, size: int) -> bytes:
    """Bytes made from `seed` alone."""
    blocks = [keccak256(f"{seed} {block}".encode()) for block in range(-(-size // 32))]
    return b"".join(blocks)[:size]


def some_elements(seed: str, shape: tuple[int, ...], bits: int = 32) -> Elements:
    """Elements of `bits` bits in two's complement, made from `seed` alone."""
    count = int(np.prod(shape))
    words = np.frombuffer(some_bytes(seed, 4 * count), ">i4").astype(np.int32)
    return (words >> (32 - bits)).reshape(shape)


def _cell(value: int | bytes | str) -> Cell:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return value
