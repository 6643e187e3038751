"""One VIEW for two that follow each other, where there is one."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

from anh_rollup.encoding.tensors import Shape
from anh_rollup.tensor.building.movement import row_major
from anh_rollup.tensor.opcodes import MOST_VIEW_DIMENSIONS


@dataclass(frozen=True, slots=True)
class View:
    """Which elements a VIEW takes: offset + sum of i_d * strides_d, for i over dims in row-major order."""

    offset: int
    dims: tuple[int, ...]
    strides: tuple[int, ...]

    @classmethod
    def of(cls, attributes: Sequence[int]) -> "View":
        """The map of an instruction's attributes."""
        count = attributes[1]
        return cls(attributes[0], tuple(attributes[2 : 2 + count]), tuple(attributes[2 + count :]))

    @property
    def attributes(self) -> tuple[int, ...]:
        """The attributes of the instruction."""
        return (self.offset, len(self.dims), *self.dims, *self.strides)

    @property
    def is_identity(self) -> bool:
        """Whether it takes its elements in their order, from the first on."""
        return self.offset == 0 and self.strides == row_major(self.dims)

    def simplified(self) -> "View":
        """The same map with as few dims as it needs."""
        dims: list[int] = []
        strides: list[int] = []
        for size, stride in zip(self.dims, self.strides, strict=True):
            if size == 1:
                continue
            if dims and strides[-1] == stride * size:
                dims[-1], strides[-1] = dims[-1] * size, stride
            else:
                dims.append(size)
                strides.append(stride)
        return View(self.offset, tuple(dims), tuple(strides))


_IDENTITY: Final = View(0, (), ())


def composed(inner: View, outer: View) -> View | None:
    """The map that takes by `outer` what `inner` gave; None where no single VIEW does.

    Each step of `outer` must move along one dim of `inner` without passing its end; a dim of `outer` that
    covers several dims of `inner` is split first.
    """
    apart = row_major(inner.dims)
    start = _places(outer.offset, inner.dims, apart)
    reached = list(start)
    offset = inner.offset + sum(place * stride for place, stride in zip(start, inner.strides, strict=True))
    dims: list[int] = []
    strides: list[int] = []
    for size, stride in zip(outer.dims, outer.strides, strict=True):
        split = _split(size, stride, inner.dims, apart)
        if split is None:
            return None
        for count, axis, step in split:
            dims.append(count)
            strides.append(step * inner.strides[axis] if axis >= 0 else 0)
            if axis >= 0:
                reached[axis] += (count - 1) * step
    if any(place >= size for place, size in zip(reached, inner.dims, strict=True)):
        return None
    result = View(offset, tuple(dims), tuple(strides)).simplified()
    return result if len(result.dims) <= MOST_VIEW_DIMENSIONS else None


def _places(flat: int, dims: Sequence[int], apart: Sequence[int]) -> list[int]:
    return [flat // stride % size for size, stride in zip(dims, apart, strict=True)]


def _split(
    size: int, stride: int, dims: Sequence[int], apart: Sequence[int]
) -> list[tuple[int, int, int]] | None:
    """One dim of the outer map as (count, axis of the inner one, step along it), outermost first."""
    if stride == 0 or size == 1:
        return [(size, -1, 0)]
    if stride < 0:
        return None
    parts: list[tuple[int, int, int]] = []
    for axis in range(len(dims) - 1, -1, -1):
        if size == 1:
            break
        if stride >= apart[axis] * dims[axis]:
            continue
        if stride % apart[axis]:
            return None
        step = stride // apart[axis]
        room = dims[axis] // step if dims[axis] % step == 0 else -(-dims[axis] // step)
        if size <= room:
            parts.append((size, axis, step))
            size = 1
        elif dims[axis] % step == 0 and size % room == 0:
            parts.append((room, axis, step))
            size, stride = size // room, stride * room
        else:
            return None
    return parts[::-1] if size == 1 else None


def transposition(shape: Shape, order: Sequence[int]) -> View:
    """The map that puts axes of a tensor of this shape into another order."""
    strides = row_major(shape)
    return View(0, tuple(shape[axis] for axis in order), tuple(strides[axis] for axis in order))


def flat(shape: Shape) -> View:
    """The map that only gives a tensor another shape."""
    return View(0, (prod(shape),), (1,))
