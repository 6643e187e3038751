"""Which input elements one output element is computed from: what a challenger opens and the arbiter reads."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from anh_rollup.encoding.tensors import Shape
from anh_rollup.evaluation.errors import ElementRefusedError
from anh_rollup.protocol.evaluated import Indices
from anh_rollup.tensor.opcodes import BROADCASTING, FOLDABLE, Opcode
from anh_rollup.tensor.program import Program, Tensor, Value
from anh_rollup.tensor.shapes import block_count, block_size, window

_NONE: Final[Indices] = np.empty(0, dtype=np.int64)


def element_dependencies(
    program: Program,
    value: int,
    element: int,
    block: int | None = None,
    *,
    trace: Sequence[Tensor] | None = None,
) -> tuple[Indices, ...]:
    """The flat indices of the input elements that one element, or one block of its terms, comes from.

    Args:
        program: The program.
        value: Id of an instruction.
        element: Flat index of the output element.
        block: Number of a block of terms of a MATMUL, CONV or REDUCE; None for the whole element. A block
            reads no bias and no shifts.
        trace: Every value's elements for the sample. With it TABLE and GATHER, which read where other
            elements point, give the elements that are read; without it, all that could be.

    Returns:
        For each input in order its indices, strictly ascending; an empty array for an input that is not read.

    Raises:
        ElementRefusedError: Where there is no such instruction, element or block.
    """
    check_element(program, value, element)
    instruction = program.values[value]
    if instruction.opcode in FOLDABLE:
        return _foldable(program, value, element, block)
    if block is not None:
        raise ElementRefusedError(value, f"{instruction.name} has no blocks of terms")
    shapes = program.input_shapes(value)
    if instruction.opcode in BROADCASTING:
        place = [int(at) for at in np.unravel_index(element, instruction.shape)]
        return tuple(_broadcast_index(shape, place) for shape in shapes)
    if instruction.opcode in _POINTED:
        seen = None if trace is None else [trace[source].reshape(-1) for source in instruction.inputs]
        return _POINTED[instruction.opcode](instruction, shapes, element, seen)
    if instruction.opcode in _MAPPED:
        return _MAPPED[instruction.opcode](instruction, shapes, element)
    return (_one(element),)


def finish_dependencies(program: Program, value: int, element: int) -> tuple[Indices, ...]:
    """The input elements that turn an element's partials into the element: its channel's bias and shift.

    Returns and raises as `element_dependencies`, with empty arrays for x and w.
    """
    check_element(program, value, element)
    instruction = program.values[value]
    if instruction.opcode is Opcode.REDUCE:
        return (_NONE,)
    if instruction.opcode not in FOLDABLE:
        raise ElementRefusedError(value, f"{instruction.name} does not fold terms")
    extra = _one(element % instruction.shape[-1])
    return (_NONE, _NONE, *(extra for _ in instruction.inputs[2:]))


def check_element(program: Program, value: int, element: int) -> None:
    """Raises `ElementRefusedError` where the program has no such instruction, or that no such element."""
    if not 0 <= value < len(program.values) or program.values[value].opcode is None:
        raise ElementRefusedError(value, "no instruction of this program")
    size = program.values[value].size
    if not 0 <= element < size:
        raise ElementRefusedError(value, f"element {element} of {size}")


def linear_terms(program: Program, value: int, element: int) -> tuple[Indices, Indices]:
    """For every term of a MATMUL's or CONV's element the indices in x and w; -1 in x for a tap outside it."""
    instruction = program.values[value]
    x, w = program.input_shapes(value)[:2]
    if instruction.opcode is Opcode.MATMUL:
        terms, channels = x[-1], w[-2]
        row, channel = divmod(element, channels)
        group = row // x[-2] if len(w) > 2 else 0
        along = np.arange(terms, dtype=np.int64)
        return row * terms + along, (group * channels + channel) * terms + along
    return _conv_terms(instruction, x, w, element)


def _conv_terms(instruction: Value, x: Shape, w: Shape, element: int) -> tuple[Indices, Indices]:
    g = window(x, w, instruction.attributes)
    place, channel = divmod(element, g.outputs)
    row, column = divmod(place, g.out_w)
    dy, dx, c = (
        each.reshape(-1) for each in np.indices((g.kernel_h, g.kernel_w, g.group_channels), dtype=np.int64)
    )
    rows = row * g.stride[0] - g.top_left[0] + dy * g.dilation[0]
    columns = column * g.stride[1] - g.top_left[1] + dx * g.dilation[1]
    inside = (rows >= 0) & (rows < g.height) & (columns >= 0) & (columns < g.width)
    first = channel // (g.outputs // g.groups) * g.group_channels
    x_terms = np.where(inside, (rows * g.width + columns) * g.channels + first + c, -1)
    return x_terms, channel * g.terms + np.arange(g.terms, dtype=np.int64)


def terms_of(program: Program, value: int) -> int:
    """K: how many terms an element of this MATMUL, CONV or REDUCE folds.

    Raises:
        ElementRefusedError: Where the value is no such instruction.
    """
    instruction = program.values[value]
    if instruction.opcode not in FOLDABLE:
        raise ElementRefusedError(value, f"{instruction.name} does not fold terms")
    return program.terms(value)


def reduced_terms(program: Program, value: int, element: int) -> Indices:
    """For every term of a REDUCE's element, in order, the index in x."""
    first, count = program.values[value].attributes[2:4]
    shape = program.input_shapes(value)[0]
    inner = int(np.prod(shape[first + count :], dtype=np.int64))
    terms = int(np.prod(shape[first : first + count], dtype=np.int64))
    outer, rest = divmod(element, inner)
    return (outer * terms + np.arange(terms, dtype=np.int64)) * inner + rest


def _foldable(program: Program, value: int, element: int, block: int | None) -> tuple[Indices, ...]:
    instruction = program.values[value]
    chosen = _chosen_terms(program, value, block)
    if instruction.opcode is Opcode.REDUCE:
        return (reduced_terms(program, value, element)[chosen],)
    x_terms, w_terms = (each[chosen] for each in linear_terms(program, value, element))
    extras = finish_dependencies(program, value, element)[2:]
    if block is not None:
        extras = tuple(_NONE for _ in extras)
    return (x_terms[x_terms >= 0], w_terms, *extras)


def _chosen_terms(program: Program, value: int, block: int | None) -> slice:
    if block is None:
        return slice(None)
    terms = terms_of(program, value)
    if not 0 <= block < block_count(terms):
        raise ElementRefusedError(value, f"block {block} of {block_count(terms)}")
    return slice(block * block_size(terms), (block + 1) * block_size(terms))


def _one(index: int) -> Indices:
    return np.array([index], dtype=np.int64)


def _broadcast_index(shape: Shape, place: Sequence[int]) -> Indices:
    index = 0
    for size, at in zip(shape, place[len(place) - len(shape) :], strict=True):
        index = index * size + (at if size > 1 else 0)
    return _one(index)


def _table(
    instruction: Value, shapes: Sequence[Shape], element: int, seen: Sequence[Tensor] | None
) -> tuple[Indices, ...]:
    last = shapes[1][0] - 1
    if seen is None:
        return _one(element), np.arange(last + 1, dtype=np.int64)
    origin, step = instruction.attributes
    distance = int(seen[0][element]) - origin
    if distance < 0:
        return _one(element), _one(0)
    left = distance >> step
    read = _one(last) if left >= last else np.array([left, left + 1], dtype=np.int64)
    return _one(element), read


def _gather(
    instruction: Value, shapes: Sequence[Shape], element: int, seen: Sequence[Tensor] | None
) -> tuple[Indices, ...]:
    axis = instruction.attributes[0]
    x, indices = shapes
    inner = int(np.prod(x[axis + 1 :], dtype=np.int64))
    pointers = int(np.prod(indices, dtype=np.int64))
    rest, after = divmod(element, inner)
    before, pointer = divmod(rest, pointers)
    if seen is None:
        pointed = np.arange(x[axis], dtype=np.int64)
    else:
        pointed = _one(min(max(int(seen[1][pointer]), 0), x[axis] - 1))
    return (before * x[axis] + pointed) * inner + after, _one(pointer)


def _view(instruction: Value, _shapes: Sequence[Shape], element: int) -> tuple[Indices, ...]:
    offset, count = instruction.attributes[:2]
    dims, strides = instruction.attributes[2 : 2 + count], instruction.attributes[2 + count :]
    place = np.unravel_index(element, dims)
    return (_one(offset + sum(int(at) * stride for at, stride in zip(place, strides, strict=True))),)


def _pad(instruction: Value, shapes: Sequence[Shape], element: int) -> tuple[Indices, ...]:
    index = 0
    place = np.unravel_index(element, instruction.shape)
    for at, before, size in zip(place, instruction.attributes[1:], shapes[0], strict=True):
        if not 0 <= int(at) - before < size:
            return (_NONE,)
        index = index * size + int(at) - before
    return (_one(index),)


def _concat(instruction: Value, shapes: Sequence[Shape], element: int) -> tuple[Indices, ...]:
    axis = instruction.attributes[0]
    place = [int(at) for at in np.unravel_index(element, instruction.shape)]
    found = []
    for shape in shapes:
        here = 0 <= place[axis] < shape[axis]
        found.append(_one(int(np.ravel_multi_index(place, shape))) if here else _NONE)
        place[axis] -= shape[axis]
    return tuple(found)


_MAPPED: Final[dict[Opcode, Callable[[Value, Sequence[Shape], int], tuple[Indices, ...]]]] = {
    Opcode.VIEW: _view,
    Opcode.PAD: _pad,
    Opcode.CONCAT: _concat,
}
_POINTED: Final[
    dict[Opcode, Callable[[Value, Sequence[Shape], int, Sequence[Tensor] | None], tuple[Indices, ...]]]
] = {
    Opcode.TABLE: _table,
    Opcode.GATHER: _gather,
}
