"""The meaning of every instruction on a device of torch, in int64: the counterpart of `operations`.

A tensor here has a leading sample axis of length N, or of 1 where it is the same for every sample. Nothing is
multiplied as int64 matrices, which graphics processors do not do: that is for `device_products`.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import Final

import torch
from torch import Tensor

from anh_rollup.evaluation.device_products import device_product
from anh_rollup.evaluation.steps import Step
from anh_rollup.evaluation.torch_step import aligned
from anh_rollup.tensor.opcodes import LinearFlags, Opcode, Reduction, Relation
from anh_rollup.tensor.shapes import Window, window

#: Elements that a convolution unfolds at once (choice: 512 MiB as float64).
MOST_UNFOLDED: Final = 1 << 26

#: From a step, its inputs as int64, and what slices are worth (`device_product`), to unclamped results.
Rule = Callable[[Step, Sequence[Tensor], int], Tensor]


def apply(step: Step, inputs: Sequence[Tensor], worth: int) -> Tensor:
    """An instruction's elements, clamped: int32 (N or 1, *shape), on the device of its inputs.

    Args:
        step: The instruction.
        inputs: int32 tensors, each (N or 1, *shape).
        worth: How many products of int8 slices are faster than one in float64.
    """
    if step.value.opcode is None:
        raise TypeError(f"a {step.value.name} is no instruction")
    raw = _RULES[step.value.opcode](step, [each.to(torch.int64) for each in inputs], worth)
    return raw.clamp(step.value.low, step.value.high).to(torch.int32)


def round_shift(numbers: Tensor, shift: Tensor | int) -> Tensor:
    """rs(v, s) for each element: v / 2^s rounded half up; v * 2^-s for a negative s."""
    shifts = torch.as_tensor(shift, dtype=torch.int64, device=numbers.device)
    right, left = shifts.clamp(min=0), (-shifts).clamp(min=0)
    half = torch.where(right > 0, torch.ones_like(right) << (right - 1).clamp(min=0), 0)
    return ((numbers + half) >> right) << left


def _finished(step: Step, sums: Tensor, extras: Sequence[Tensor]) -> Tensor:
    """Bias and rounding shift of sums of products (N, ..., channels)."""
    shift, guard, flags = step.value.attributes[:3]
    rows = [each.reshape(each.shape[0], *(1,) * (sums.ndim - 2), each.shape[1]) for each in extras]
    shifts: Tensor | int = rows[-1] if flags & LinearFlags.SHIFTS else shift
    if flags & LinearFlags.BIAS:
        sums = sums + (rows[0] << (shifts - guard))
    return round_shift(sums, shifts)


def _matmul(step: Step, inputs: Sequence[Tensor], worth: int) -> Tensor:
    x, w = inputs[:2]
    magnitudes = (step.magnitudes[0], step.magnitudes[1])
    if w.ndim == 3:
        w = w[0] if w.shape[0] == 1 else w
        x = x.reshape(x.shape[0], -1, x.shape[-1])
    sums = device_product(x, w, magnitudes, worth)
    return _finished(step, sums.reshape(sums.shape[0], *step.value.shape), inputs[2:])


def _conv(step: Step, inputs: Sequence[Tensor], worth: int) -> Tensor:
    x, w = inputs[:2]
    g = window(step.shapes[0], step.shapes[1], step.value.attributes)
    image = x.reshape(x.shape[0], g.height, g.width, g.channels)
    kernel = w.reshape(w.shape[0], g.groups, g.outputs // g.groups, -1, g.group_channels)
    taps = torch.cartesian_prod(
        torch.arange(g.kernel_h, device=x.device), torch.arange(g.kernel_w, device=x.device)
    )
    at_once = max(1, MOST_UNFOLDED // (x.shape[0] * g.out_h * g.out_w * g.channels))
    sums = torch.zeros((), dtype=torch.int64, device=x.device)
    for start in range(0, len(taps), at_once):
        some = slice(start, start + at_once)
        rows = _unfolded(image, g, taps[some])
        weights = kernel[:, :, :, some].flatten(3)
        sums = sums + _grouped(step, rows, weights, worth)
    return _finished(step, sums.transpose(1, 2).reshape(-1, *step.value.shape), inputs[2:])


def _unfolded(image: Tensor, g: Window, taps: Tensor) -> Tensor:
    """What some taps read: (N, groups, places, taps of them x channels of a group), zero outside."""
    places = []
    for axis, (size, count) in enumerate(((g.height, g.out_h), (g.width, g.out_w))):
        starts = torch.arange(count, device=image.device) * g.stride[axis] - g.top_left[axis]
        places.append((starts[:, None] + taps[:, axis] * g.dilation[axis], size))
    (rows, height), (columns, width) = places
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
    taken = image[:, rows.clamp(0, height - 1)[:, None], columns.clamp(0, width - 1)]
    taken = taken * inside[..., None]
    split = taken.reshape(len(image), g.out_h * g.out_w, len(taps), g.groups, g.group_channels)
    return split.permute(0, 3, 1, 2, 4).flatten(3)


def _grouped(step: Step, rows: Tensor, weights: Tensor, worth: int) -> Tensor:
    """Products of rows (N, groups, places, K) and weights (N or 1, groups, outputs, K)."""
    magnitudes = (step.magnitudes[0], step.magnitudes[1])
    if len(weights) > 1:
        return device_product(rows, weights, magnitudes, worth)
    samples, groups, places, terms = rows.shape
    if groups == 1:
        return device_product(rows, weights[0, 0], magnitudes, worth)
    together = rows.transpose(0, 1).reshape(groups, samples * places, terms)
    sums = device_product(together, weights[0], magnitudes, worth)
    return sums.reshape(groups, samples, places, -1).transpose(0, 1)


def _sum_of(sign: int) -> Rule:
    def rule(step: Step, inputs: Sequence[Tensor], _worth: int) -> Tensor:
        p, q, shift = step.value.attributes
        a, b = aligned(inputs)
        return round_shift((a << p) + sign * (b << q), shift)

    return rule


def _mul(step: Step, inputs: Sequence[Tensor], _worth: int) -> Tensor:
    a, b = aligned(inputs)
    return round_shift(a * b, step.value.attributes[0])


def _shift(step: Step, inputs: Sequence[Tensor], _worth: int) -> Tensor:
    return round_shift(inputs[0], step.value.attributes[0])


def _elementwise(operation: Callable[..., Tensor]) -> Rule:
    return lambda _step, inputs, _worth: operation(*aligned(inputs))


_RELATIONS: Final = {
    Relation.EQUAL: torch.eq,
    Relation.NOT_EQUAL: torch.ne,
    Relation.LESS: torch.lt,
    Relation.LESS_OR_EQUAL: torch.le,
    Relation.GREATER: torch.gt,
    Relation.GREATER_OR_EQUAL: torch.ge,
}


def _compare(step: Step, inputs: Sequence[Tensor], _worth: int) -> Tensor:
    found: Tensor = _RELATIONS[Relation(step.value.attributes[0])](*aligned(inputs))
    return found.to(torch.int64)


def _select(_step: Step, inputs: Sequence[Tensor], _worth: int) -> Tensor:
    c, a, b = aligned(inputs)
    return torch.where(c != 0, a, b)


def _table(step: Step, inputs: Sequence[Tensor], _worth: int) -> Tensor:
    x, t = inputs
    origin, size = step.value.attributes
    d = x - origin
    i = (d >> size).clamp(0, t.shape[1] - 2)
    f = (d - (i << size)).clamp(0, 1 << size)
    left = _looked_up(t, i)
    # At the right end f is the whole step, which gives the last entry exactly.
    return left + round_shift((_looked_up(t, i + 1) - left) * f, size)


def _looked_up(t: Tensor, places: Tensor) -> Tensor:
    if len(t) == 1:
        return t[0][places]
    samples = max(len(t), len(places))
    flat = places.reshape(len(places), -1).expand(samples, -1)
    return t.expand(samples, -1).gather(1, flat).reshape(samples, *places.shape[1:])


def _div(step: Step, inputs: Sequence[Tensor], _worth: int) -> Tensor:
    a, b = aligned(inputs)
    ends = torch.where(a < 0, step.value.low, torch.zeros_like(a))
    by_zero = torch.where(a > 0, step.value.high, ends)
    quotient = torch.div(a << step.value.attributes[0], torch.where(b == 0, 1, b), rounding_mode="floor")
    return torch.where(b == 0, by_zero, quotient)


def _sqrt(step: Step, inputs: Sequence[Tensor], _worth: int) -> Tensor:
    radicand = inputs[0].clamp(min=0) << step.value.attributes[0]
    # Float64 is off by at most one below 2^62.
    root = radicand.to(torch.float64).sqrt().to(torch.int64)
    root = root - (root * root > radicand).to(torch.int64)
    return root + ((root + 1) * (root + 1) <= radicand).to(torch.int64)


def _reduce(step: Step, inputs: Sequence[Tensor], _worth: int) -> Tensor:
    kind, shift, first, count = step.value.attributes
    folded = inputs[0].flatten(first + 1, first + count)
    if kind == Reduction.SUM:
        return round_shift(folded.sum(first + 1), shift)
    largest = folded.amax(first + 1, keepdim=True)
    if kind == Reduction.MAX:
        return largest.squeeze(first + 1)
    terms = folded.shape[first + 1]
    places = torch.arange(terms, device=folded.device).reshape(-1, *(1,) * (folded.ndim - first - 2))
    return torch.where(folded == largest, places, terms).amin(first + 1)


def _view(step: Step, inputs: Sequence[Tensor], _worth: int) -> Tensor:
    x, (offset, count) = inputs[0], step.value.attributes[:2]
    sizes, strides = step.value.attributes[2 : 2 + count], step.value.attributes[2 + count :]
    shown = torch.full((1,), offset, dtype=torch.int64, device=x.device)
    for size, stride in zip(sizes, strides, strict=True):
        shown = (shown[:, None] + torch.arange(size, device=x.device) * stride).flatten()
    return x.reshape(len(x), -1)[:, shown].reshape(len(x), *step.value.shape)


def _pad(step: Step, inputs: Sequence[Tensor], _worth: int) -> Tensor:
    fill, before = step.value.attributes[0], step.value.attributes[1:]
    x = inputs[0]
    result = torch.full((len(x), *step.value.shape), fill, dtype=x.dtype, device=x.device)
    inside, shown = [slice(None)], [slice(None)]
    for margin, size, wide in zip(before, step.shapes[0], step.value.shape, strict=True):
        first, last = max(0, margin), max(0, min(wide, size + margin))
        inside.append(slice(first, max(first, last)))
        shown.append(slice(first - margin, max(first - margin, last - margin)))
    result[tuple(inside)] = x[tuple(shown)]
    return result


def _concat(step: Step, inputs: Sequence[Tensor], _worth: int) -> Tensor:
    samples = max(len(each) for each in inputs)
    return torch.cat([each.expand(samples, *each.shape[1:]) for each in inputs], step.value.attributes[0] + 1)


def _gather(step: Step, inputs: Sequence[Tensor], _worth: int) -> Tensor:
    x, axis = inputs[0], step.value.attributes[0] + 1
    places = inputs[1].clamp(0, x.shape[axis] - 1)
    if len(places) == 1:
        return x.index_select(axis, places.flatten()).reshape(len(x), *step.value.shape)
    lead, behind = prod(x.shape[1:axis]), prod(x.shape[axis + 1 :])
    flat = places.reshape(len(places), 1, -1, 1).expand(-1, lead, -1, behind)
    table = x.reshape(len(x), lead, x.shape[axis], behind).expand(len(places), -1, -1, -1)
    return table.gather(2, flat).reshape(len(places), *step.value.shape)


_RULES: Final[dict[Opcode, Rule]] = {
    Opcode.MATMUL: _matmul,
    Opcode.CONV: _conv,
    Opcode.ADD: _sum_of(1),
    Opcode.SUB: _sum_of(-1),
    Opcode.MUL: _mul,
    Opcode.SHIFT: _shift,
    Opcode.MIN: _elementwise(torch.minimum),
    Opcode.MAX: _elementwise(torch.maximum),
    Opcode.ABS: _elementwise(torch.abs),
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
