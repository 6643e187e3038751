"""Shapes: bounds, broadcasting, and which output shape each instruction has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

from anh_rollup.encoding import tensors
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.tensors import CHUNK_ELEMENTS, MOST_ELEMENTS, MOST_RANK, Shape
from anh_rollup.tensor.errors import ShapeRefusedError
from anh_rollup.tensor.opcodes import BROADCASTING, MOST_TERMS, Opcode

#: A long sum is shown as at most this many partials, of at least this many terms (docs/tensor-programs.md).
MOST_BLOCKS: Final = 64
LEAST_BLOCK: Final = 512


def check_shape(operation: str, shape: Shape) -> None:
    """Raises `ShapeRefusedError` where a shape has too many dimensions or elements, or one not above 0."""
    try:
        tensors.check_shape(shape)
    except EncodingError as error:
        wanted = f"at most {MOST_RANK} dimensions of at least 1 and {MOST_ELEMENTS} elements"
        raise ShapeRefusedError(operation, f"shape {str(shape)[:120]} needs {wanted}") from error


def broadcast(operation: str, shapes: Sequence[Shape]) -> Shape:
    """The shape that all of `shapes` stretch to: aligned at the right, each dimension equal or 1."""
    rank = max(len(shape) for shape in shapes)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    result = tuple(max(sizes) for sizes in zip(*padded, strict=True))
    for shape in padded:
        if any(size not in (1, wide) for size, wide in zip(shape, result, strict=True)):
            raise ShapeRefusedError(operation, f"shapes {', '.join(map(str, shapes))} do not broadcast")
    return result


@dataclass(frozen=True, slots=True)
class Window:
    """The geometry of a CONV, with a one-dimensional one read as height 1.

    Attributes:
        height, width, channels: Of the input.
        outputs: Output channels O.
        kernel_h, kernel_w: Kernel size.
        group_channels: Input channels of one group, C/g.
        groups: Number of groups g.
        stride, top_left, dilation: (vertical, horizontal).
        out_h, out_w: Output size.
    """

    height: int
    width: int
    channels: int
    outputs: int
    kernel_h: int
    kernel_w: int
    group_channels: int
    groups: int
    stride: tuple[int, int]
    top_left: tuple[int, int]
    dilation: tuple[int, int]
    out_h: int
    out_w: int

    @property
    def terms(self) -> int:
        """K, the products in one output element, taps outside the input included."""
        return self.kernel_h * self.kernel_w * self.group_channels


def reach(kernel: int, dilation: int) -> int:
    """Places that a kernel of so many taps covers along a dimension."""
    return dilation * (kernel - 1) + 1


def window_count(places: int, kernel: int, stride: int, dilation: int) -> int:
    """How many windows there are along a dimension of so many places, margins included; below 1 for none."""
    return (places - reach(kernel, dilation)) // stride + 1


def window(x: Shape, w: Shape, attributes: Sequence[int]) -> Window:
    """The geometry of a CONV of `x` (H,W,C) or (L,C) with `w` (O,kh,kw,C/g) or (O,k,C/g).

    Raises:
        ShapeRefusedError: Where they do not fit, or no output would be left.
    """
    if len(x) not in (2, 3) or len(w) != len(x) + 1:
        raise ShapeRefusedError("CONV", f"input {x} and kernel {w} are no (H,W,C) and (O,kh,kw,C/g)")
    height, width, channels = (1, *x)[-3:]
    outputs, kernel_h, kernel_w, group_channels = w if len(w) == 4 else (w[0], 1, w[1], w[2])
    stride_h, stride_w, top, left, bottom, right, dilation_h, dilation_w, groups = attributes[3:12]
    if len(x) == 2 and (stride_h, top, bottom, dilation_h) != (1, 0, 0, 1):
        raise ShapeRefusedError("CONV", "a one-dimensional convolution has vertical attributes")
    if channels != group_channels * groups or outputs % groups != 0:
        raise ShapeRefusedError("CONV", f"{groups} groups do not divide input {x} and kernel {w}")
    out_h = window_count(height + top + bottom, kernel_h, stride_h, dilation_h)
    out_w = window_count(width + left + right, kernel_w, stride_w, dilation_w)
    if out_h < 1 or out_w < 1:
        raise ShapeRefusedError("CONV", f"kernel {w} is larger than the padded input {x}")
    return Window(
        height, width, channels, outputs, kernel_h, kernel_w, group_channels, groups,
        (stride_h, stride_w), (top, left), (dilation_h, dilation_w), out_h, out_w,
    )  # fmt: skip


def term_count(opcode: Opcode, inputs: Sequence[Shape], attributes: Sequence[int]) -> int:
    """K: how many terms one output element folds; 1 for what is not foldable."""
    if opcode is Opcode.MATMUL:
        return inputs[0][-1]
    if opcode is Opcode.CONV:
        return prod(inputs[1][1:])
    if opcode is Opcode.REDUCE:
        first, count = attributes[2:4]
        return prod(inputs[0][first : first + count])
    return 1


def block_size(terms: int) -> int:
    """B(K): terms that one partial covers, so that at most 64 blocks cover all and chunks are not split."""
    share = -(-terms // MOST_BLOCKS)
    return max(LEAST_BLOCK, CHUNK_ELEMENTS * -(-share // CHUNK_ELEMENTS))


def block_count(terms: int) -> int:
    """How many blocks cover `terms` terms: 1 to 64."""
    return -(-terms // block_size(terms))


def infer_shape(
    opcode: Opcode, inputs: Sequence[Shape], attributes: Sequence[int], declared: Shape | None = None
) -> Shape:
    """The output shape of an instruction.

    Args:
        opcode: The instruction.
        inputs: Shapes of its inputs, as many as it takes.
        attributes: Its attributes, within their bounds.
        declared: The output shape that was asked for. VIEW and PAD are free in it and need one.

    Raises:
        ShapeRefusedError: Where the inputs do not fit each other or `declared`.
    """
    found = _shape_of(opcode, inputs, attributes, declared)
    check_shape(opcode.name, found)
    if declared is not None and found != declared:
        raise ShapeRefusedError(opcode.name, f"output shape {declared}, expected {found}")
    terms = term_count(opcode, inputs, attributes)
    if terms > MOST_TERMS:
        raise ShapeRefusedError(
            opcode.name, f"{terms} terms in one element, at most {MOST_TERMS} are allowed"
        )
    return found


def _shape_of(
    opcode: Opcode, inputs: Sequence[Shape], attributes: Sequence[int], declared: Shape | None
) -> Shape:
    if opcode in BROADCASTING:
        return broadcast(opcode.name, inputs)
    if opcode in _FREE_SHAPES:
        if declared is None:
            raise ShapeRefusedError(opcode.name, "its output shape is not given")
        return _FREE_SHAPES[opcode](inputs[0], attributes, declared)
    rule = _SHAPES.get(opcode)
    return inputs[0] if rule is None else rule(inputs, attributes)


def _matmul(inputs: Sequence[Shape], _attributes: Sequence[int]) -> Shape:
    x, w = inputs[:2]
    fits = len(x) >= 1 and len(w) >= 2 and x[-1] == w[-1]
    if len(w) >= 3:
        fits = fits and len(x) == len(w) and x[:-2] == w[:-2]
    if not fits:
        raise ShapeRefusedError(
            "MATMUL", f"{x} by {w} are no (P...,K) by (N,K), nor (B...,M,K) by (B...,N,K)"
        )
    _check_channels("MATMUL", inputs, w[-2])
    return (*x[:-1], w[-2])


def _conv(inputs: Sequence[Shape], attributes: Sequence[int]) -> Shape:
    geometry = window(inputs[0], inputs[1], attributes)
    _check_channels("CONV", inputs, geometry.outputs)
    shape = (geometry.out_h, geometry.out_w, geometry.outputs)
    return shape if len(inputs[0]) == 3 else shape[1:]


def _check_channels(operation: str, inputs: Sequence[Shape], channels: int) -> None:
    for extra in inputs[2:]:
        if extra != (channels,):
            raise ShapeRefusedError(operation, f"bias or shifts of shape {extra}, expected {(channels,)}")


def _table(inputs: Sequence[Shape], _attributes: Sequence[int]) -> Shape:
    if len(inputs[1]) != 1 or inputs[1][0] < 2:
        raise ShapeRefusedError("TABLE", f"table of shape {inputs[1]}, expected (n,) with n at least 2")
    return inputs[0]


def _reduce(inputs: Sequence[Shape], attributes: Sequence[int]) -> Shape:
    first, count = attributes[2:4]
    if first + count > len(inputs[0]):
        raise ShapeRefusedError("REDUCE", f"axes {first} to {first + count - 1} of shape {inputs[0]}")
    return inputs[0][:first] + inputs[0][first + count :]


def _concat(inputs: Sequence[Shape], attributes: Sequence[int]) -> Shape:
    axis, first = attributes[0], inputs[0]
    if axis >= len(first):
        raise ShapeRefusedError("CONCAT", f"axis {axis} of shape {first}")
    for shape in inputs[1:]:
        if len(shape) != len(first) or shape[:axis] + shape[axis + 1 :] != first[:axis] + first[axis + 1 :]:
            raise ShapeRefusedError("CONCAT", f"shapes {first} and {shape} differ beside axis {axis}")
    return (*first[:axis], sum(shape[axis] for shape in inputs), *first[axis + 1 :])


def _gather(inputs: Sequence[Shape], attributes: Sequence[int]) -> Shape:
    axis, x = attributes[0], inputs[0]
    if axis >= len(x):
        raise ShapeRefusedError("GATHER", f"axis {axis} of shape {x}")
    return x[:axis] + inputs[1] + x[axis + 1 :]


def _view(x: Shape, attributes: Sequence[int], declared: Shape) -> Shape:
    offset, count = attributes[:2]
    dims, strides = attributes[2 : 2 + count], attributes[2 + count :]
    if prod(dims) != prod(declared):
        raise ShapeRefusedError("VIEW", f"dims {tuple(dims)} do not have the count of {declared}")
    reach = [(size - 1) * stride for size, stride in zip(dims, strides, strict=True)]
    first, last = offset + sum(min(0, r) for r in reach), offset + sum(max(0, r) for r in reach)
    if first < 0 or last >= prod(x):
        raise ShapeRefusedError("VIEW", f"elements {first} to {last} of a tensor of {prod(x)}")
    return declared


def _pad(x: Shape, attributes: Sequence[int], declared: Shape) -> Shape:
    if len(attributes) != 1 + len(x) or len(declared) != len(x):
        raise ShapeRefusedError("PAD", f"{len(attributes) - 1} margins for shapes {x} and {declared}")
    return declared


_FREE_SHAPES: Final[dict[Opcode, Callable[[Shape, Sequence[int], Shape], Shape]]] = {
    Opcode.VIEW: _view,
    Opcode.PAD: _pad,
}
_SHAPES: Final[dict[Opcode, Callable[[Sequence[Shape], Sequence[int]], Shape]]] = {
    Opcode.MATMUL: _matmul,
    Opcode.CONV: _conv,
    Opcode.TABLE: _table,
    Opcode.REDUCE: _reduce,
    Opcode.CONCAT: _concat,
    Opcode.GATHER: _gather,
}
