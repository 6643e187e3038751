"""The exact meaning of every instruction on whole arrays: int64 numpy, written to be read.

An array here has a leading sample axis of length N, or of 1 where it is the same for every sample; the
rest is the value's shape. docs/tensor-programs.md says the same for one element. Programs are checked before
they come here, so nothing overflows.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anh_rollup.tensor.opcodes import LinearFlags, Opcode, Reduction, Relation
from anh_rollup.tensor.program import Value
from anh_rollup.tensor.shapes import window

Wide = NDArray[np.int64]


def apply(value: Value, inputs: Sequence[Wide]) -> Wide:
    """An instruction's elements, clamped.

    Args:
        value: The instruction.
        inputs: Its inputs' arrays, each (N or 1, *shape).

    Returns:
        Array (N or 1, *value.shape).
    """
    if value.opcode is None:
        raise TypeError(f"a {value.name} is no instruction")
    return np.clip(_RULES[value.opcode](value, inputs), value.low, value.high)


def round_shift(numbers: Wide, shift: Wide | int) -> Wide:
    """rs(v, s) for each element: v / 2^s rounded half up; v * 2^-s for a negative s."""
    right, left = np.maximum(shift, 0), np.maximum(-np.asarray(shift), 0)
    addend = np.where(right > 0, np.int64(1) << np.maximum(right - 1, 0), 0)
    result: Wide = ((numbers + addend) >> right) << left
    return result


def integer_root(numbers: Wide) -> Wide:
    """floor(sqrt(v)) for each element of at least 0 and at most 2^62."""
    # Float64 is off by at most one below 2^62.
    root = np.sqrt(numbers.astype(np.float64)).astype(np.int64)
    root -= root * root > numbers
    root += (root + 1) * (root + 1) <= numbers
    return root


def view_indices(attributes: Sequence[int]) -> Wide:
    """The input element that each output element of a VIEW shows: one flat index each."""
    offset, count = attributes[:2]
    indices = np.array([offset], dtype=np.int64)
    for size, stride in zip(attributes[2 : 2 + count], attributes[2 + count :], strict=True):
        indices = np.add.outer(indices, np.arange(size, dtype=np.int64) * stride).ravel()
    return indices


def finish_linear(value: Value, sums: Wide, extras: Sequence[Wide]) -> Wide:
    """Bias and rounding shift of MATMUL and CONV, before the clamp.

    Args:
        value: The instruction.
        sums: Exact sums of products (N, ..., channels).
        extras: Bias and shifts as far as the flags name them, each (N or 1, channels).
    """
    shift, guard, flags = value.attributes[:3]
    rows = [each.reshape(each.shape[0], *(1,) * (sums.ndim - 2), each.shape[1]) for each in extras]
    shifts: Wide | int = rows[-1] if flags & LinearFlags.SHIFTS else shift
    if flags & LinearFlags.BIAS:
        sums = sums + (rows[0] << (shifts - guard))
    return round_shift(sums, shifts)


def _matmul(value: Value, inputs: Sequence[Wide]) -> Wide:
    x, w = inputs[:2]
    if w.ndim == 3:
        rows = x.reshape(x.shape[0], -1, x.shape[-1])
        sums = rows @ w.transpose(0, 2, 1)
        sums = sums.reshape(sums.shape[0], *value.shape)
    else:
        sums = x @ np.swapaxes(w, -1, -2)
    return finish_linear(value, sums, inputs[2:])


def _conv(value: Value, inputs: Sequence[Wide]) -> Wide:
    x, w = inputs[:2]
    g = window(x.shape[1:], w.shape[1:], value.attributes)
    image = x.reshape(x.shape[0], g.height, g.width, g.channels)
    kernel = w.reshape(w.shape[0], g.groups, g.outputs // g.groups, g.kernel_h, g.kernel_w, g.group_channels)
    samples = max(x.shape[0], w.shape[0])
    sums = np.zeros((samples, g.groups, g.out_h * g.out_w, g.outputs // g.groups), dtype=np.int64)
    for dy, dx in np.ndindex(g.kernel_h, g.kernel_w):
        rows = np.arange(g.out_h) * g.stride[0] - g.top_left[0] + dy * g.dilation[0]
        columns = np.arange(g.out_w) * g.stride[1] - g.top_left[1] + dx * g.dilation[1]
        taps = _taps(image, rows, columns)
        taps = taps.reshape(x.shape[0], g.out_h * g.out_w, g.groups, g.group_channels)
        sums += taps.transpose(0, 2, 1, 3) @ kernel[:, :, :, dy, dx].transpose(0, 1, 3, 2)
    sums = sums.transpose(0, 2, 1, 3).reshape(samples, *value.shape)
    return finish_linear(value, sums, inputs[2:])


def _taps(image: Wide, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Wide:
    """`image` (N, height, width, channels) at these rows and columns, zero where they are outside."""
    height, width = image.shape[1:3]
    inside = np.logical_and.outer((rows >= 0) & (rows < height), (columns >= 0) & (columns < width))
    # Both at once: some rows of all columns can be far more than what is asked for.
    taken = image[:, rows.clip(0, height - 1)[:, np.newaxis], columns.clip(0, width - 1)]
    taken[:, ~inside] = 0
    return taken


def _aligned(inputs: Sequence[Wide]) -> list[Wide]:
    """The inputs with ones put in after the sample axis, so that numpy broadcasts them from the right."""
    rank = max(each.ndim for each in inputs)
    return [each.reshape(each.shape[0], *(1,) * (rank - each.ndim), *each.shape[1:]) for each in inputs]


def _add(value: Value, inputs: Sequence[Wide]) -> Wide:
    p, q, shift = value.attributes
    a, b = _aligned(inputs)
    return round_shift((a << p) + (b << q), shift)


def _sub(value: Value, inputs: Sequence[Wide]) -> Wide:
    p, q, shift = value.attributes
    a, b = _aligned(inputs)
    return round_shift((a << p) - (b << q), shift)


def _mul(value: Value, inputs: Sequence[Wide]) -> Wide:
    a, b = _aligned(inputs)
    return round_shift(a * b, value.attributes[0])


def _shift(value: Value, inputs: Sequence[Wide]) -> Wide:
    return round_shift(inputs[0], value.attributes[0])


def _min(_value: Value, inputs: Sequence[Wide]) -> Wide:
    return np.minimum(*_aligned(inputs))


def _max(_value: Value, inputs: Sequence[Wide]) -> Wide:
    return np.maximum(*_aligned(inputs))


def _abs(_value: Value, inputs: Sequence[Wide]) -> Wide:
    return np.abs(inputs[0])


_RELATIONS: Final = {
    Relation.EQUAL: np.equal,
    Relation.NOT_EQUAL: np.not_equal,
    Relation.LESS: np.less,
    Relation.LESS_OR_EQUAL: np.less_equal,
    Relation.GREATER: np.greater,
    Relation.GREATER_OR_EQUAL: np.greater_equal,
}


def _compare(value: Value, inputs: Sequence[Wide]) -> Wide:
    a, b = _aligned(inputs)
    return _RELATIONS[Relation(value.attributes[0])](a, b).astype(np.int64)


def _select(_value: Value, inputs: Sequence[Wide]) -> Wide:
    c, a, b = _aligned(inputs)
    return np.where(c != 0, a, b)


def _table(value: Value, inputs: Sequence[Wide]) -> Wide:
    x, t = inputs
    origin, step = value.attributes
    last = t.shape[1] - 1
    d = x - origin
    i = np.clip(d >> step, 0, last - 1)
    f = np.clip(d - (i << step), 0, 1 << step)
    left = _looked_up(t, i)
    # At the right end f is the whole step, which gives the last entry exactly.
    return left + round_shift((_looked_up(t, i + 1) - left) * f, step)


def _looked_up(t: Wide, indices: Wide) -> Wide:
    flat = np.take_along_axis(t, indices.reshape(indices.shape[0], -1), axis=1)
    return flat.reshape(flat.shape[0], *indices.shape[1:])


def _div(value: Value, inputs: Sequence[Wide]) -> Wide:
    a, b = _aligned(inputs)
    by_zero = np.where(a > 0, value.high, np.where(a < 0, value.low, 0))
    return np.where(b == 0, by_zero, (a << value.attributes[0]) // np.where(b == 0, 1, b))


def _sqrt(value: Value, inputs: Sequence[Wide]) -> Wide:
    return integer_root(np.maximum(inputs[0], 0) << value.attributes[0])


def _reduce(value: Value, inputs: Sequence[Wide]) -> Wide:
    kind, shift, first, count = value.attributes
    x = inputs[0]
    start, stop = first + 1, first + 1 + count
    folded: Wide = x.reshape(*x.shape[:start], -1, *x.shape[stop:])
    if kind == Reduction.SUM:
        return round_shift(np.add.reduce(folded, axis=start), shift)
    if kind == Reduction.MAX:
        return np.asarray(np.maximum.reduce(folded, axis=start), dtype=np.int64)
    return np.asarray(np.argmax(folded, axis=start), dtype=np.int64)


def _view(value: Value, inputs: Sequence[Wide]) -> Wide:
    x = inputs[0]
    flat = x.reshape(x.shape[0], -1)
    return flat[:, view_indices(value.attributes)].reshape(x.shape[0], *value.shape)


def _pad(value: Value, inputs: Sequence[Wide]) -> Wide:
    x = inputs[0]
    fill, before = value.attributes[0], value.attributes[1:]
    result = np.full((x.shape[0], *value.shape), fill, dtype=np.int64)
    inside, shown = [slice(None)], [slice(None)]
    for margin, size, wide in zip(before, x.shape[1:], value.shape, strict=True):
        first, last = max(0, margin), max(0, min(wide, size + margin))
        inside.append(slice(first, last))
        shown.append(slice(first - margin, max(first - margin, last - margin)))
    result[tuple(inside)] = x[tuple(shown)]
    return result


def _concat(value: Value, inputs: Sequence[Wide]) -> Wide:
    samples = max(each.shape[0] for each in inputs)
    full = [np.broadcast_to(each, (samples, *each.shape[1:])) for each in inputs]
    return np.concatenate(full, axis=value.attributes[0] + 1)


def _gather(value: Value, inputs: Sequence[Wide]) -> Wide:
    x, indices = inputs
    axis = value.attributes[0]
    inside = np.clip(indices, 0, x.shape[axis + 1] - 1)
    if inside.shape[0] == 1:
        taken: Wide = np.take(x, inside[0], axis=axis + 1)
        return taken
    full = np.broadcast_to(x, (inside.shape[0], *x.shape[1:]))
    return np.stack([np.take(each, rows, axis=axis) for each, rows in zip(full, inside, strict=True)])


_RULES: Final[dict[Opcode, Callable[[Value, Sequence[Wide]], Wide]]] = {
    Opcode.MATMUL: _matmul,
    Opcode.CONV: _conv,
    Opcode.ADD: _add,
    Opcode.SUB: _sub,
    Opcode.MUL: _mul,
    Opcode.SHIFT: _shift,
    Opcode.MIN: _min,
    Opcode.MAX: _max,
    Opcode.ABS: _abs,
    Opcode.COMPARE: _compare,
    Opcode.SELECT: _select,
    Opcode.TABLE: _table,
    Opcode.DIV: _div,
    Opcode.SQRT: _sqrt,
    Opcode.REDUCE: _reduce,
    Opcode.VIEW: _view,
    Opcode.PAD: _pad,
    Opcode.CONCAT: _concat,
    Opcode.GATHER: _gather,
}
