"""Work on fixed memory that is noted while it is done, and done again without a look at the program.

A network of many small instructions takes longer to be looked at than to be computed. Here the second
evaluation of as many samples is a few calls: of one kernel that calls the others, and of Python where there
is no kernel.
"""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from anh_rollup.evaluation import runner_kernel
from anh_rollup.evaluation.arena import Arena, address_of, unowned
from anh_rollup.evaluation.runner_kernel import CALL, Calls
from anh_rollup.kernels.machine_code import Kernel, Processor, kernel_of
from anh_rollup.kernels.threads import in_parts, processors

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A kernel, what it is told, how many units there are, and how many parts are worth a thread."""

    kernel: Kernel
    record: ctypes.Structure
    count: int
    most: int

    def __call__(self) -> None:
        """Does all of it."""
        threads = processors() if self.most > 1 else 1
        in_parts(lambda start, stop: self.kernel(self.record, start, stop), self.count, self.most, threads)


@dataclass(slots=True)
class Tape:
    """What was done, in order; or only what does it, where nothing is noted.

    Attributes:
        processor: What kernels are compiled for.
        keeps: Whether work is noted.
        arena: Where its results lie; where there is none, each in memory of its own.
        owner: Whom the work is for from now on: a profile names it.
        runs: Whether work is done, and not only noted.
    """

    processor: Processor
    keeps: bool = False
    arena: Arena | None = None
    owner: object = None
    runs: bool = True
    _noted: list[tuple[object, Callable[[], object]]] = field(default_factory=list)
    _kept: list[Any] = field(default_factory=list)
    _joined: list[Callable[[], object]] | None = None

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike = np.float64) -> Array:
        """Memory for a result."""
        return np.empty(shape, dtype) if self.arena is None else self.arena.empty(shape, dtype)

    def kernel(self, build: Callable[[Processor], Kernel]) -> Kernel:
        """A kernel for the tape's processor."""
        return kernel_of(build, self.processor)

    def call(
        self, kernel: Kernel, record: ctypes.Structure, count: int, most: int, arrays: Sequence[Array]
    ) -> None:
        """Has a kernel work.

        Args:
            kernel: The kernel.
            record: What it is told.
            count: How many units.
            most: In how many parts, at most.
            arrays: Whatever the record has addresses of.
        """
        self._do(Call(kernel, record, count, most), arrays)

    def do(self, work: Callable[..., object], *arrays: Array) -> None:
        """Has Python work on arrays."""
        held = [unowned(each) if self._is_own(each) else each for each in arrays]
        self._do(lambda: work(*held), ())

    def _do(self, work: Callable[[], object], arrays: Sequence[Array]) -> None:
        if self.runs:
            work()
        if self.keeps:
            self._noted.append((self.owner, work))
            self._kept.extend(each for each in arrays if not self._is_own(each))

    def _is_own(self, array: Array) -> bool:
        return self.arena is not None and self.arena.holds(array)

    def join(self) -> list[Callable[[], object]]:
        """All that was noted, ready to be done."""
        if self._joined is None:
            self._joined = list(self._joining())
        return self._joined

    def again(self) -> None:
        """Does all that was noted once more."""
        for each in self.join():
            each()

    def timed(self) -> Iterator[tuple[float, object]]:
        """The same, with the seconds and the owner of each piece of work."""
        for owner, work in self._noted:
            start = perf_counter()
            work()
            yield perf_counter() - start, owner

    def _joining(self) -> Iterator[Callable[[], object]]:
        """Work, with calls that no thread is worth put together."""
        small: list[Call] = []
        for _, work in self._noted:
            if isinstance(work, Call) and work.most <= 1:
                small.append(work)
                continue
            if small:
                yield self._together(small)
                small = []
            yield work
        if small:
            yield self._together(small)

    def _together(self, calls: Sequence[Call]) -> Call:
        rows = [(each.kernel.address, ctypes.addressof(each.record), 0, each.count) for each in calls]
        table = np.array(rows, dtype=CALL)
        self._kept.extend((table, *calls))
        return Call(self.kernel(runner_kernel.compiled_for), Calls(address_of(table)), len(table), 1)
