"""Reading bytes that a stranger sent: every length is checked before anything is taken or allocated."""

from typing import Final

import numpy as np
import numpy.typing as npt

from anh_rollup.encoding.errors import EncodingError, EncodingReason

_INT32_SIZE: Final = 4


class Reader:
    """A place in a byte string, and what it is called in errors."""

    __slots__ = ("_at", "_data", "_name")

    def __init__(self, data: bytes, name: str) -> None:
        self._data = data
        self._name = name
        self._at = 0

    @property
    def offset(self) -> int:
        """Bytes already read."""
        return self._at

    @property
    def left(self) -> int:
        """Bytes not yet read."""
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        """The next `size` bytes.

        Raises:
            EncodingError: Fewer are left (TRUNCATED).
        """
        return bytes(self._data[self._skip(size) : self._at])

    def uint(self, size: int) -> int:
        """The next `size` bytes as an unsigned number.

        Raises:
            EncodingError: Fewer are left (TRUNCATED).
        """
        return int.from_bytes(self.take(size), "big")

    def signed(self, size: int) -> int:
        """The next `size` bytes as a two's complement number.

        Raises:
            EncodingError: Fewer are left (TRUNCATED).
        """
        return int.from_bytes(self.take(size), "big", signed=True)

    def int32s(self, count: int) -> npt.NDArray[np.int32]:
        """The next `count` int32 elements, as one axis.

        Raises:
            EncodingError: Fewer are left (TRUNCATED).
        """
        first = self._skip(count * _INT32_SIZE)
        return np.frombuffer(self._data, ">i4", count, first).astype(np.int32)

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(self.left)

    def end(self) -> None:
        """Refuses bytes that are left over (TRAILING)."""
        if self.left:
            message = f"{self.left} bytes follow {self._name}"
            raise EncodingError(EncodingReason.TRAILING, message)

    def _skip(self, size: int) -> int:
        """Where the next `size` bytes start; they count as read."""
        if size > self.left:
            message = f"{self._name} ends after {len(self._data)} bytes, {size - self.left:#x} too early"
            raise EncodingError(EncodingReason.TRUNCATED, message)
        first = self._at
        self._at += size
        return first
