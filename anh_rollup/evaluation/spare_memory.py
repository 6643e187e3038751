"""Memory for arrays of one kind that was written to before it is needed, or that an earlier one has left.

A system looks for memory when it is first written to. In a virtual machine the host may have to look as well:
milliseconds for each MiB, many times what it takes to compute a trace and to hash it.
"""

from collections import deque
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class SpareMemory:
    """Memory for arrays of one shape; at most one array's lies idle. Several threads may use it.

    Args:
        shape: Of each array.
        dtype: Of its elements.
    """

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        self._shape, self._dtype = shape, dtype
        self._idle: deque[NDArray[Any]] = deque(maxlen=1)
        self._making = Lock()

    def make_ready(self) -> None:
        """Takes memory for the next array, unless some lies idle.

        It does nothing while another thread makes some.
        """
        if self._making.acquire(blocking=False):
            try:
                if not self._idle:
                    self._idle.append(self._written())
            finally:
                self._making.release()

    def take(self) -> NDArray[Any]:
        """An array: zeros, or what an earlier one held. Its memory comes back when nothing lies in it."""
        try:
            memory = self._idle.pop()
        except IndexError:
            memory = self._written()
        return np.asarray(_Lent(memory, self._idle))

    def _written(self) -> NDArray[Any]:
        """New memory, written by one thread.

        Where several first write to one large page, each clears one, and all but one are thrown away; a host
        is no faster for several (both measured).
        """
        memory = np.empty(self._shape, self._dtype)
        memory.fill(0)
        return memory


class _Lent:
    """What an array and its views lie on: gone with the last of them."""

    def __init__(self, memory: NDArray[Any], idle: deque[NDArray[Any]]) -> None:
        self._memory, self._idle = memory, idle
        self.__array_interface__ = memory.__array_interface__

    def __del__(self) -> None:
        self._idle.append(self._memory)
