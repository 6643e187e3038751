"""The meaning of every instruction on any device of torch: the counterpart of `operations`.

A tensor here has a leading sample axis of length N, or of 1 where it is the same for every sample. Elements
are float64 where a program's proven ranges say that no intermediate passes 2^53, and int64 where they do not:
the same rules do for both. Sums of products that stay within 2^24 are float32.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anh_rollup.evaluation import operations
from anh_rollup.evaluation.exact_sums import FLOAT64_EXACT, LINEAR
from anh_rollup.evaluation.steps import FLOAT32_EXACT, Step
from anh_rollup.evaluation.torch_convolution import convolve
from anh_rollup.evaluation.torch_products import exact_product
from anh_rollup.tensor.opcodes import LinearFlags, Opcode, Reduction, Relation
from anh_rollup.tensor.ranges import rounding_addend
from anh_rollup.tensor.shapes import term_count

#: From a step, its inputs, and what slices are worth (`exact_product`), to unclamped results.
Rule = Callable[[Step, Sequence[Tensor], int], Tensor]

#: What only moves elements takes them as they are.
_MOVING: Final = (Opcode.VIEW, Opcode.PAD, Opcode.GATHER)
#: Their results may share memory with an input.
_SHARING: Final = (Opcode.SHIFT, Opcode.VIEW)


def input_types(step: Step, *, narrow: bool) -> list[torch.dtype | None]:
    """The types in which an instruction reads its inputs; None for any.

    Args:
        step: The instruction.
        narrow: Whether products in float32 are exact where their sums are.
    """
    count, opcode = len(step.intervals), step.value.opcode
    if opcode in LINEAR:
        is_narrow = narrow and _largest(step) <= FLOAT32_EXACT
        return [*[torch.float32 if is_narrow else torch.float64] * 2, *[torch.int64] * (count - 2)]
    if opcode in _MOVING:
        return [None, torch.int64][:count]
    is_wide = opcode in (Opcode.TABLE, Opcode.SQRT) or _largest(step) > FLOAT64_EXACT
    return [torch.int64 if is_wide else torch.float64] * count


def _largest(step: Step) -> int:
    """The largest magnitude on the way to an instruction's results; 0 for one of its inputs."""
    opcode, attributes, most = step.value.opcode, step.value.attributes, step.magnitudes
    if opcode in LINEAR:
        shift, guard, flags = attributes[:3]
        shift = step.intervals[-1].high if flags & LinearFlags.SHIFTS else shift
        bias = most[2] << (shift - guard) if flags & LinearFlags.BIAS else 0
        return step.sums + bias + rounding_addend(shift)
    if opcode in (Opcode.ADD, Opcode.SUB):
        p, q, shift = attributes
        return (most[0] << p) + (most[1] << q) + rounding_addend(shift)
    if opcode in (Opcode.MUL, Opcode.SHIFT):
        return prod(most) + rounding_addend(attributes[0])
    if opcode is Opcode.REDUCE:
        return most[0] * term_count(opcode, step.shapes, attributes) + rounding_addend(attributes[1])
    if opcode is Opcode.DIV:
        # Below 2^53 the float quotient never reaches an integer that the true quotient stays below.
        return (most[0] << attributes[0]) + most[1] + 1
    return 0


def apply(step: Step, inputs: Sequence[Tensor], worth: int) -> Tensor:
    """An instruction's elements, clamped: (N or 1, *shape), on the device of its inputs.

    Args:
        step: The instruction.
        inputs: Tensors of the types that `input_types` names, each (N or 1, *shape).
        worth: How many products of int8 slices are faster than one in float64.

    Returns:
        int32 where such elements were only moved, else float64.
    """
    value = step.value
    if value.opcode is None:
        raise TypeError(f"a {value.name} is no instruction")
    if step.has_wide_margins:
        return _by_reference(step, inputs)
    raw = _RULES[value.opcode](step, inputs, worth)
    result = raw if raw.dtype == torch.int32 else raw.to(torch.float64)
    if step.raw.low >= value.low and step.raw.high <= value.high:
        return result
    clamp = torch.clamp if value.opcode in _SHARING else torch.clamp_
    return clamp(result, value.low, value.high)


def _by_reference(step: Step, inputs: Sequence[Tensor]) -> Tensor:
    """The reference's rule, which looks at nothing but taps inside the input."""
    wide = operations.apply(step.value, [each.to(torch.int64).cpu().numpy() for each in inputs])
    return torch.from_numpy(wide.astype(np.float64)).to(inputs[0].device)


def on_arrays(step: Step) -> Callable[..., None]:
    """Work that gives an array an instruction's elements, from arrays of float64."""

    def work(result: NDArray[np.float64], *inputs: NDArray[np.float64]) -> None:
        types = input_types(step, narrow=False)
        with torch.inference_mode():
            given = [torch.from_numpy(each).to(wanted) for each, wanted in zip(inputs, types, strict=True)]
            result[...] = apply(step, given, 0).numpy()

    return work


def aligned(inputs: Sequence[Tensor]) -> list[Tensor]:
    """The inputs with ones put in after the sample axis, so that torch broadcasts them from the right."""
    rank = max(each.ndim for each in inputs)
    return [each.reshape(each.shape[0], *(1,) * (rank - each.ndim), *each.shape[1:]) for each in inputs]


def round_shift(numbers: Tensor, shift: Tensor | int, addend: Tensor | int = 0) -> Tensor:
    """rs(v + a, s) for each element: by 2^s and rounded half up; a negative s is no tensor, and a is 0."""
    half: Tensor | int
    unit: Tensor | float
    if isinstance(shift, Tensor):
        half, unit = (1 << shift) >> 1, 1 / (1 << shift).to(numbers.dtype)
    elif shift == 0 and isinstance(addend, int):
        return numbers
    else:
        half, unit = rounding_addend(shift), 2.0**-shift
    added = addend + half
    moved = numbers + (added.to(numbers.dtype) if isinstance(added, Tensor) else added)
    if numbers.is_floating_point():
        return moved.mul_(unit).floor_()
    return moved << -shift if isinstance(shift, int) and shift < 0 else moved >> shift


def _finished(step: Step, sums: Tensor, extras: Sequence[Tensor]) -> Tensor:
    """Bias and rounding shift of sums of products (N, ..., channels)."""
    shift, guard, flags = step.value.attributes[:3]
    rows = [each.reshape(each.shape[0], *(1,) * (sums.ndim - 2), each.shape[1]) for each in extras]
    shifts: Tensor | int = rows[-1] if flags & LinearFlags.SHIFTS else shift
    if _largest(step) > FLOAT64_EXACT:
        sums = sums.to(torch.int64)
    return round_shift(sums, shifts, rows[0] << (shifts - guard) if flags & LinearFlags.BIAS else 0)


def _matmul(step: Step, inputs: Sequence[Tensor], worth: int) -> Tensor:
    x, w = inputs[:2]
    if w.ndim == 3:
        x = x.reshape(x.shape[0], -1, x.shape[-1])
    sums = exact_product(x, w[0] if w.shape[0] == 1 else w, step.magnitudes[:2], step.sums, worth)
    return _finished(step, sums.reshape(sums.shape[0], *step.value.shape), inputs[2:])


def _conv(step: Step, inputs: Sequence[Tensor], worth: int) -> Tensor:
    sums = convolve(step, inputs[0], inputs[1], worth)
    return _finished(step, sums.reshape(sums.shape[0], *step.value.shape), inputs[2:])


def _sum_of(sign: int) -> Rule:
    def rule(step: Step, inputs: Sequence[Tensor], _worth: int) -> Tensor:
        p, q, shift = step.value.attributes
        a, b = aligned(inputs)
        return round_shift(torch.add(a * (1 << p) if p else a, b, alpha=sign << q), shift)

    return rule


def _mul(step: Step, inputs: Sequence[Tensor], _worth: int) -> Tensor:
    a, b = aligned(inputs)
    return round_shift(a * b, step.value.attributes[0])


def _shift(step: Step, inputs: Sequence[Tensor], _worth: int) -> Tensor:
    return round_shift(inputs[0], step.value.attributes[0])


def _elementwise(operation: Callable[..., Tensor]) -> Rule:
    return lambda _step, inputs, _worth: operation(*aligned(inputs))


#: What a relation asks of two tensors, element by element.
RELATIONS: Final[dict[Relation, Callable[[Tensor, Tensor], Tensor]]] = {
    Relation.EQUAL: torch.eq,
    Relation.NOT_EQUAL: torch.ne,
    Relation.LESS: torch.lt,
    Relation.LESS_OR_EQUAL: torch.le,
    Relation.GREATER: torch.gt,
    Relation.GREATER_OR_EQUAL: torch.ge,
}


def _compare(step: Step, inputs: Sequence[Tensor], _worth: int) -> Tensor:
    return RELATIONS[Relation(step.value.attributes[0])](*aligned(inputs)).to(torch.float64)


def _select(_step: Step, inputs: Sequence[Tensor], _worth: int) -> Tensor:
    c, a, b = aligned(inputs)
    return torch.where(c != 0, a, b)


def _table(step: Step, inputs: Sequence[Tensor], _worth: int) -> Tensor:
    x, t = inputs
    origin, size = step.value.attributes
    d = x - origin
    i = (d >> size).clamp_(0, t.shape[1] - 2)
    f = d.sub_(i << size).clamp_(0, 1 << size)
    left = _looked_up(t, i)
    # At the right end f is the whole step, which gives the last entry exactly.
    return left + round_shift((_looked_up(t, i.add_(1)) - left).mul_(f), size)


def _looked_up(t: Tensor, places: Tensor) -> Tensor:
    samples = max(len(t), len(places))
    if len(t) == 1:
        return t[0].index_select(0, places.flatten()).reshape(places.shape)
    flat = places.reshape(len(places), -1).expand(samples, -1)
    return t.gather(1, flat).reshape(samples, *places.shape[1:])


def _div(step: Step, inputs: Sequence[Tensor], _worth: int) -> Tensor:
    a, b = aligned(inputs)
    numerator, divisor = a * (1 << step.value.attributes[0]), torch.where(b == 0, 1, b)
    if a.is_floating_point():
        quotient = (numerator / divisor).floor_()
    else:
        quotient = torch.div(numerator, divisor, rounding_mode="floor")
    if step.intervals[1].low > 0 or step.intervals[1].high < 0:
        return quotient
    ends = torch.where(a < 0, step.value.low, torch.zeros_like(a))
    return torch.where(b == 0, torch.where(a > 0, step.value.high, ends), quotient)


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
    if kind == Reduction.MAX:
        return folded.amax(first + 1)
    # torch promises the first of several maxima.
    return folded.argmax(first + 1)


def strided(x: Tensor, attributes: Sequence[int]) -> Tensor:
    """What a VIEW with these attributes shows of x (N, *shape): (N, *dims), mostly without a copy."""
    x = x.contiguous()
    offset, count = attributes[:2]
    dims, strides = attributes[2 : 2 + count], attributes[2 + count :]
    # torch has no negative strides: start at the other end and turn the axis round.
    backwards = [axis + 1 for axis, stride in enumerate(strides) if stride < 0]
    start = offset + sum((dims[axis - 1] - 1) * strides[axis - 1] for axis in backwards)
    size, apart = (x.shape[0], *dims), (x.numel() // x.shape[0], *(abs(stride) for stride in strides))
    shown = x.as_strided(size, apart, x.storage_offset() + start)
    return shown.flip(backwards) if backwards else shown


def _view(step: Step, inputs: Sequence[Tensor], _worth: int) -> Tensor:
    return strided(inputs[0], step.value.attributes).reshape(len(inputs[0]), *step.value.shape)


def _pad(step: Step, inputs: Sequence[Tensor], _worth: int) -> Tensor:
    fill, before = step.value.attributes[0], step.value.attributes[1:]
    x = inputs[0]
    result = x.new_full((len(x), *step.value.shape), fill)
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
    if len(x) == 1:
        taken = x[0].index_select(axis - 1, places.flatten())
        split = taken.reshape(*x.shape[1:axis], len(places), -1, *x.shape[axis + 1 :])
        return split.movedim(axis - 1, 0).reshape(len(places), *step.value.shape)
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
