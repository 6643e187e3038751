"""Memory for arrays that come and go in an order that is repeated: what one leaves, another one takes."""

from bisect import insort
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

#: Arrays begin at multiples of so many bytes: a line of the processor's cache.
ALIGNMENT: Final = 64

#: Bytes that are asked of the system at once (choice: what nobody writes takes no memory).
CHUNK: Final = 1 << 25


class Arena:
    """Gives memory that is free again once no array lies in it any more.

    Addresses stay good as long as the arena lives. It is no more than one thread's at a time.
    """

    def __init__(self, beside: "Arena | None" = None) -> None:
        """Has no memory yet, or another one's.

        Args:
            beside: One whose memory it uses, too: who writes into arrays of one loses what is in the other's.
        """
        self._chunks: list[NDArray[np.uint8]] = [] if beside is None else beside._chunks  # noqa: SLF001
        self._free: list[tuple[int, int]] = sorted(map(_inside, self._chunks))

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike = np.float64) -> NDArray[Any]:
        """An array whose elements are whatever they are."""
        kind = np.dtype(dtype)
        size = -(-max(1, prod(shape) * kind.itemsize) // ALIGNMENT) * ALIGNMENT
        return np.asarray(_Block(self, self._taken(size), size, shape, kind))

    def holds(self, array: NDArray[Any]) -> bool:
        """Whether an array lies in it."""
        place = address_of(array)
        return any(0 <= place - address_of(chunk) < len(chunk) for chunk in self._chunks)

    def free(self, start: int, size: int) -> None:
        """Takes bytes back, and joins them with what is free on either side."""
        insort(self._free, (start, size))
        place = self._free.index((start, size))
        for left in (place, place - 1):
            if left >= 0 and left + 1 < len(self._free):
                (first, own), (second, other) = self._free[left : left + 2]
                if first + own == second:
                    self._free[left : left + 2] = [(first, own + other)]

    def _taken(self, size: int) -> int:
        """The lowest place that is large enough."""
        for place, (start, own) in enumerate(self._free):
            if own >= size:
                self._free[place : place + 1] = [(start + size, own - size)] if own > size else []
                return start
        chunk = np.empty(max(size, CHUNK) + ALIGNMENT, dtype=np.uint8)
        self._chunks.append(chunk)
        self.free(*_inside(chunk))
        return self._taken(size)


def _inside(chunk: NDArray[np.uint8]) -> tuple[int, int]:
    """Where the first line of a chunk begins, and how many bytes are usable from there on."""
    start = address_of(chunk)
    return -(-start // ALIGNMENT) * ALIGNMENT, len(chunk) - ALIGNMENT


class _Block:
    """What arrays in an arena lie on: gone with the last of them."""

    def __init__(
        self, arena: Arena, start: int, size: int, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> None:
        self._place = (arena, start, size)
        self.__array_interface__ = {
            "version": 3,
            "shape": shape,
            "typestr": dtype.str,
            "data": (start, False),
        }

    def __del__(self) -> None:
        arena, start, size = self._place
        arena.free(start, size)


class _Address:
    """The memory of an array, which it does not keep."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.__array_interface__ = {**array.__array_interface__, "strides": array.strides}


def unowned(array: NDArray[Any]) -> NDArray[Any]:
    """The same array, without a hold on its memory."""
    return np.asarray(_Address(array))


def address_of(array: NDArray[Any]) -> int:
    """Of its elements; a third of the time that `ctypes` takes for it."""
    address: int = array.__array_interface__["data"][0]
    return address
