"""Many rows of one size hashed by compiled code: `hashing` imports this once there is enough to hash."""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anh_rollup.kernels import keccak
from anh_rollup.kernels.keccak import BLOCK_SIZE, Rows
from anh_rollup.kernels.threads import in_parts, processors
from anh_rollup.primitives import DIGEST_SIZE

#: Rows that are worth a part of their own (choice: some 0.3 milliseconds).
PART_ROWS: Final = 1 << 12


def hash_rows(data: memoryview, row_size: int, *, turned: bool) -> bytes:
    """The hashes of as many rows as can be read in whole blocks; none where no code runs from memory.

    Args:
        data: The rows, one behind the other.
        row_size: Bytes of a row.
        turned: Whether the bytes of each 4 are taken in the opposite order.
    """
    places = np.arange(len(data) // row_size, dtype=np.int32)
    hashes = np.empty((len(places), DIGEST_SIZE), np.uint8)
    return hashes[: hash_into(data, row_size, hashes, places, turned=turned)].tobytes()


def hash_into(
    data: memoryview, row_size: int, hashes: NDArray[np.uint8], places: NDArray[np.int32], *, turned: bool
) -> int:
    """Writes the hashes of as many rows as can be read in whole blocks; says how many.

    Args:
        data: At least as many rows as places, one behind the other.
        row_size: Bytes of a row.
        hashes: Where the hashes belong, (N, 32), side by side.
        places: For each row which of these.
        turned: Whether the bytes of each 4 are taken in the opposite order.
    """
    compiled, padding = keccak.kernel(), _padding(row_size)
    blocks = row_size // BLOCK_SIZE + 1
    count = min(len(places), max(0, (len(data) - BLOCK_SIZE * blocks) // row_size + 1))
    if compiled is None or count == 0:
        return 0
    rows = np.frombuffer(data, np.uint8)
    told = Rows(
        rows=rows.ctypes.data,
        hashes=hashes.ctypes.data,
        places=places.ctypes.data,
        row_size=row_size,
        last_row=count - 1,
        last_block=blocks - 1,
        masks=padding[0].ctypes.data,
        pads=padding[1].ctypes.data,
        turned=turned,
    )
    groups = -(-count // compiled.lanes)
    in_parts(lambda start, stop: compiled(told, start, stop), groups, count // PART_ROWS, processors())
    return count


@lru_cache(maxsize=256)
def _padding(row_size: int) -> NDArray[np.uint8]:
    """Masks and bits of padding, (2, 2, 136): for a block before the last one, and for the last one."""
    padding, used = np.zeros((2, 2, BLOCK_SIZE), np.uint8), row_size % BLOCK_SIZE
    padding[0, 0] = padding[0, 1, :used] = 0xFF
    padding[1, 1, used] = 0x01
    padding[1, 1, -1] |= 0x80
    return padding
