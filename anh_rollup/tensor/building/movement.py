"""Operations that move elements without changing them."""

from collections.abc import Sequence
from math import prod

from anh_rollup.encoding.tensors import Shape
from anh_rollup.tensor.building.arithmetic import Arithmetic
from anh_rollup.tensor.building.node import Node
from anh_rollup.tensor.errors import ShapeRefusedError
from anh_rollup.tensor.opcodes import Opcode


def row_major(shape: Shape) -> tuple[int, ...]:
    """How many elements apart neighbours along each axis are."""
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


class Movement(Arithmetic):
    """Reshape, transpose, slice, tile, pad, concatenate, gather, windows."""

    def view(
        self,
        x: Node,
        shape: Shape,
        *,
        offset: int = 0,
        dims: Sequence[int] | None = None,
        strides: Sequence[int],
    ) -> Node:
        """Elements of x at offset + sum(i_d * stride_d), for i over `dims`, read as `shape`.

        Args:
            x: The input.
            shape: Output shape.
            offset: Flat index of the first element.
            dims: What the flat output index is unravelled over; the output shape where not given.
            strides: One for each of `dims`, in elements of x.
        """
        over = tuple(shape) if dims is None else tuple(dims)
        attributes = (offset, len(over), *over, *strides)
        return self.emit(Opcode.VIEW, (x,), attributes, scale=x.scale, shape=tuple(shape), saturate=False)

    def reshape(self, x: Node, shape: Shape) -> Node:
        """The same elements in another shape; one dimension may be -1, for whatever is left."""
        size, known = x.value.size, prod(each for each in shape if each != -1)
        if shape.count(-1) > 1 or known < 1 or size % known:
            raise ShapeRefusedError("reshape", f"{x.shape} to {shape}")
        full = tuple(size // known if each == -1 else each for each in shape)
        return self.view(x, full, dims=(size,), strides=(1,))

    def transpose(self, x: Node, axes: Sequence[int] | None = None) -> Node:
        """The axes in another order; reversed where none is given."""
        order = [x.axis(axis) for axis in axes] if axes is not None else list(range(len(x.shape)))[::-1]
        if sorted(order) != list(range(len(x.shape))):
            raise ShapeRefusedError("transpose", f"axes {order} of shape {x.shape}")
        strides = row_major(x.shape)
        return self.view(x, tuple(x.shape[axis] for axis in order), strides=[strides[axis] for axis in order])

    def index(self, x: Node, key: tuple[int | slice, ...]) -> Node:
        """Takes x[key] as numpy has it, for integers and slices with any step."""
        if len(key) > len(x.shape):
            raise ShapeRefusedError("slice", f"{len(key)} indices of shape {x.shape}")
        offset, shape, strides = 0, [], []
        full = (*key, *(slice(None),) * (len(x.shape) - len(key)))
        for each, size, stride in zip(full, x.shape, row_major(x.shape), strict=True):
            if isinstance(each, int):
                if not -size <= each < size:
                    raise ShapeRefusedError("slice", f"index {each} of {size}")
                offset += each % size * stride
                continue
            start, stop, step = each.indices(size)
            offset += start * stride
            shape.append(len(range(start, stop, step)))
            strides.append(step * stride)
        return self.view(x, tuple(shape), offset=offset, strides=strides)

    def expand(self, x: Node, shape: Shape) -> Node:
        """Stretches x to a shape that it broadcasts to."""
        rank = len(shape)
        own = (1,) * (rank - len(x.shape)) + x.shape
        if len(own) != rank or any(size not in (1, wide) for size, wide in zip(own, shape, strict=True)):
            raise ShapeRefusedError("expand", f"{x.shape} to {shape}")
        strides = [0 if size == 1 else stride for size, stride in zip(own, row_major(own), strict=True)]
        return self.view(x, shape, strides=strides)

    def tile(self, x: Node, repeats: Sequence[int]) -> Node:
        """Repeats x so many times along each axis."""
        if len(repeats) != len(x.shape):
            raise ShapeRefusedError("tile", f"{len(repeats)} counts for shape {x.shape}")
        dims = [each for pair in zip(repeats, x.shape, strict=True) for each in pair]
        strides = [each for stride in row_major(x.shape) for each in (0, stride)]
        shape = tuple(count * size for count, size in zip(repeats, x.shape, strict=True))
        return self.view(x, shape, dims=dims, strides=strides)

    def pad(self, x: Node, margins: Sequence[tuple[int, int]], *, fill: int = 0) -> Node:
        """Puts (before, after) elements, the integer `fill`, around x on each axis; negative margins cut."""
        if len(margins) != len(x.shape):
            raise ShapeRefusedError("pad", f"{len(margins)} margins for shape {x.shape}")
        shape = tuple(before + size + after for size, (before, after) in zip(x.shape, margins, strict=True))
        attributes = (fill, *(before for before, _ in margins))
        return self.emit(Opcode.PAD, (x,), attributes, scale=x.scale, shape=shape, saturate=False)

    def concat(self, nodes: Sequence[Node], axis: int = 0) -> Node:
        """Nodes one after the other along an axis, with their largest scale."""
        if not nodes:
            raise ShapeRefusedError("CONCAT", "nothing to concatenate")
        same = self.aligned(nodes)
        return self.emit(Opcode.CONCAT, same, (same[0].axis(axis),), scale=same[0].scale, saturate=False)

    def gather(self, x: Node, indices: Node, axis: int = 0) -> Node:
        """Takes x at these indices of an axis, each moved inside; an embedding is a gather of axis 0."""
        return self.emit(Opcode.GATHER, (x, indices), (x.axis(axis),), scale=x.scale, saturate=False)

    def windows(self, x: Node, kernel: tuple[int, int], stride: tuple[int, int]) -> Node:
        """All windows of x (H,W,C): shape (Ho,Wo,kh,kw,C)."""
        if len(x.shape) != 3:
            raise ShapeRefusedError("windows", f"{x.shape} is no (H,W,C)")
        height, width, channels = x.shape
        rows, columns = (height - kernel[0]) // stride[0] + 1, (width - kernel[1]) // stride[1] + 1
        down, along, apart = row_major(x.shape)
        strides = (stride[0] * down, stride[1] * along, down, along, apart)
        return self.view(x, (rows, columns, *kernel, channels), strides=strides)
