"""The fast exact evaluator: the same bytes as the reference, on ordinary floating-point BLAS.

Every element is an int32, so float64 holds it exactly. A sum of products of integers is exact in a float of
p bits, in any order and on any hardware, while the sum of the products' magnitudes is at most 2^p. So a linear
instruction runs as one float32 (p = 24) or float64 (p = 53) product where its operands are small enough. What
float64 cannot carry exactly is left to the reference's int64 rules.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from anh_rollup.evaluation.errors import SourcesRefusedError
from anh_rollup.evaluation.operations import apply, view_indices
from anh_rollup.evaluation.sources import Sources, check_sources
from anh_rollup.tensor.opcodes import LinearFlags, Opcode, Reduction, Relation
from anh_rollup.tensor.program import Kind, Program, Value
from anh_rollup.tensor.program import Tensor as Elements
from anh_rollup.tensor.shapes import Window, term_count, window

#: Integers up to 2^24 and 2^53 are exact in these types.
EXACT: Final = ((24, torch.float32), (53, torch.float64))

#: Elements of one value for all samples that are evaluated at once: it bounds memory (choice: 64 MiB).
MOST_ELEMENTS: Final = 1 << 23


@dataclass(frozen=True, slots=True)
class TorchEvaluator:
    """Evaluates many samples at once. Implements `Evaluator`.

    Attributes:
        batch: Most samples at once.
    """

    batch: int = 1024

    def evaluate(self, program: Program, sources: Sources) -> Elements:
        """The output for every sample: int32 array (N, *output shape). See `Evaluator.evaluate`."""
        check_sources(program, sources)
        step = max(1, min(self.batch, MOST_ELEMENTS // _largest(program)))
        result = np.empty((sources.count, *program.output.shape), dtype=np.int32)
        for start in range(0, sources.count, step):
            stop = min(start + step, sources.count)
            for output in _values(program, sources.samples(start, stop)):
                last = output
            result[start:stop] = last.numpy()
        return result

    def trace(self, program: Program, sources: Sources, sample: int) -> list[Elements]:
        """Every value for one sample, in program order: int32 arrays. See `Evaluator.trace`."""
        check_sources(program, sources)
        if not 0 <= sample < sources.count:
            raise SourcesRefusedError(f"sample {sample}", f"{sources.count} samples are given")
        one = sources.samples(sample, sample + 1)
        return [value[0, ...].numpy().astype(np.int32) for value in _values(program, one)]


def _largest(program: Program) -> int:
    """Elements of the largest array for one sample, the unfolded inputs of convolutions among them."""
    sizes = [value.size for value in program.values]
    for place, value in enumerate(program.values):
        if value.opcode is Opcode.CONV:
            terms = term_count(Opcode.CONV, program.input_shapes(place), value.attributes)
            sizes.append(value.size // value.shape[-1] * terms)
    return max(sizes)


def _values(program: Program, sources: Sources) -> Iterator[Tensor]:
    """Every value in order, as float64 (N or 1, *shape); each is dropped after its last use."""
    last_use = {each: user for user, value in enumerate(program.values) for each in value.inputs}
    alive: dict[int, Tensor] = {}
    for each, value in enumerate(program.values):
        if value.kind is Kind.INSTRUCTION:
            computed = _instruction(program, each, [alive[source] for source in value.inputs])
        elif value.kind is Kind.CONSTANT:
            computed = _floats(program.constants[value.constant][np.newaxis])
        else:
            computed = _floats(sources.of(value.kind, value.index))
        alive[each] = computed
        for source in {each, *value.inputs}:
            if last_use.get(source, -1) <= each:
                del alive[source]
        yield computed


def _floats(elements: Elements) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(elements)).to(torch.float64)


def _instruction(program: Program, place: int, inputs: Sequence[Tensor]) -> Tensor:
    """An instruction's elements, clamped; by the reference's rule where no exact float rule applies."""
    value = program.values[place]
    rule = _RULES.get(value.opcode) if value.opcode is not None else None
    raw = None if rule is None else rule(value, inputs)
    if raw is None:
        wide = apply(value, [each.numpy().astype(np.int64) for each in inputs])
        return torch.from_numpy(wide.astype(np.float64))
    return raw if _is_within(program, value) else raw.clamp_(value.low, value.high)


def _is_within(program: Program, value: Value) -> bool:
    """Whether what a moving instruction shows is in its bounds anyhow; such results may share memory."""
    if value.opcode is not Opcode.VIEW:
        return False
    source = program.intervals[value.inputs[0]]
    return value.low <= source.low and source.high <= value.high


def _magnitude(x: Tensor) -> int:
    """The largest absolute value that is there."""
    low, high = torch.aminmax(x)
    return int(max(-low.item(), high.item(), 1))


def _round_shift(numbers: Tensor, shift: Tensor | int) -> Tensor:
    """rs(v, s) in place, for s >= 0, where v + 2^(s-1) is exact in float64."""
    if isinstance(shift, int):
        if shift == 0:
            return numbers
        return numbers.add_(2.0 ** (shift - 1)).mul_(2.0**-shift).floor_()
    half = torch.where(shift > 0, torch.exp2(shift - 1), 0.0)
    return numbers.add_(half).mul_(torch.exp2(-shift)).floor_()


def _finish(value: Value, sums: Tensor, extras: Sequence[Tensor], bound: int) -> Tensor | None:
    """Bias and rounding of a linear instruction; None where float64 is too narrow for them.

    Args:
        value: The instruction.
        sums: Exact sums of products (N, ..., channels), to be overwritten.
        extras: Bias and shifts as far as the flags name them, each (N or 1, channels).
        bound: No sum is larger.
    """
    shift, guard, flags = value.attributes[:3]
    rows = [each.reshape(each.shape[0], *(1,) * (sums.ndim - 2), each.shape[1]) for each in extras]
    shifts: Tensor | int = rows[-1] if flags & LinearFlags.SHIFTS else shift
    most_shift = int(shifts.max()) if isinstance(shifts, Tensor) else shifts
    bias_bound = _magnitude(rows[0]) << (most_shift - guard) if flags & LinearFlags.BIAS else 0
    if bound + bias_bound + (1 << most_shift) > 1 << 53:
        return None
    if flags & LinearFlags.BIAS:
        power = torch.exp2(shifts - guard) if isinstance(shifts, Tensor) else 2.0 ** (shifts - guard)
        sums += rows[0] * power
    return _round_shift(sums, shifts)


def _product(x: Tensor, w: Tensor, terms: int) -> tuple[Tensor, int] | None:
    """The product of x and w over their last axes with a bound of its elements; None where it is not exact."""
    most_w = _magnitude(w)
    most_x = _magnitude(x)
    bound = most_x * most_w * terms
    for bits, dtype in EXACT:
        if bound <= 1 << bits:
            product = x.to(dtype) @ w.to(dtype).transpose(-1, -2)
            return product.to(torch.float64), bound
    return None


def _matmul(value: Value, inputs: Sequence[Tensor]) -> Tensor | None:
    x, w = inputs[:2]
    found = _product(x, w[0] if w.ndim == 3 and w.shape[0] == 1 else w, x.shape[-1])
    if w.ndim == 3 and w.shape[0] != 1:
        rows = x.reshape(x.shape[0], -1, x.shape[-1])
        found = _product(rows, w, x.shape[-1])
    if found is None:
        return None
    sums = found[0].reshape(found[0].shape[0], *value.shape)
    return _finish(value, sums, inputs[2:], found[1])


def _conv(value: Value, inputs: Sequence[Tensor]) -> Tensor | None:
    x, w = inputs[:2]
    if w.shape[0] != 1:
        return None
    g = window(tuple(x.shape[1:]), tuple(w.shape[1:]), value.attributes)
    image = _padded(x.reshape(x.shape[0], g.height, g.width, g.channels), value.attributes[5:9])
    patches = _patches(image, g)
    kernel = w.reshape(g.groups, g.outputs // g.groups, -1)
    if g.groups == 1:
        found = _product(patches.reshape(-1, kernel.shape[-1]), kernel[0], kernel.shape[-1])
    else:
        grouped = patches.reshape(-1, g.kernel_h * g.kernel_w, g.groups, g.group_channels)
        rows = grouped.permute(2, 0, 1, 3).reshape(g.groups, -1, kernel.shape[-1])
        found = _product(rows, kernel, kernel.shape[-1])
    if found is None:
        return None
    sums = found[0] if g.groups == 1 else found[0].permute(1, 0, 2)
    return _finish(value, sums.reshape(x.shape[0], *value.shape), inputs[2:], found[1])


def _padded(image: Tensor, sides: Sequence[int]) -> Tensor:
    top, left, bottom, right = sides
    if not any(sides):
        return image.contiguous()
    return torch.nn.functional.pad(image, (0, 0, left, right, top, bottom))


def _patches(image: Tensor, g: Window) -> Tensor:
    """What each output element reads: (N, out_h, out_w, kernel_h, kernel_w, channels), without a copy."""
    samples, row, column, _ = image.stride()
    strides = (
        samples,
        row * g.stride[0],
        column * g.stride[1],
        row * g.dilation[0],
        column * g.dilation[1],
        1,
    )
    size = (image.shape[0], g.out_h, g.out_w, g.kernel_h, g.kernel_w, g.channels)
    return image.as_strided(size, strides)


def _aligned(inputs: Sequence[Tensor]) -> list[Tensor]:
    rank = max(each.ndim for each in inputs)
    return [each.reshape(each.shape[0], *(1,) * (rank - each.ndim), *each.shape[1:]) for each in inputs]


def _shifted(raw: Tensor, shift: int, bound: int) -> Tensor | None:
    """rs(raw, shift) for numbers up to a bound; None where float64 is too narrow."""
    if shift < 0:
        return raw.mul_(2.0**-shift) if bound << -shift <= 1 << 53 else None
    return _round_shift(raw, shift) if bound + (1 << shift) <= 1 << 53 else None


def _sum(value: Value, inputs: Sequence[Tensor], sign: int) -> Tensor | None:
    p, q, shift = value.attributes
    a, b = _aligned(inputs)
    bound = (_magnitude(a) << p) + (_magnitude(b) << q)
    if bound > 1 << 53:
        return None
    return _shifted(a * 2.0**p + b * (sign * 2.0**q), shift, bound)


def _add(value: Value, inputs: Sequence[Tensor]) -> Tensor | None:
    return _sum(value, inputs, 1)


def _sub(value: Value, inputs: Sequence[Tensor]) -> Tensor | None:
    return _sum(value, inputs, -1)


def _mul(value: Value, inputs: Sequence[Tensor]) -> Tensor | None:
    a, b = _aligned(inputs)
    bound = _magnitude(a) * _magnitude(b)
    return None if bound > 1 << 53 else _shifted(a * b, value.attributes[0], bound)


def _shift(value: Value, inputs: Sequence[Tensor]) -> Tensor | None:
    return _shifted(inputs[0].clone(), value.attributes[0], _magnitude(inputs[0]))


def _min(_value: Value, inputs: Sequence[Tensor]) -> Tensor:
    return torch.minimum(*_aligned(inputs))


def _max(_value: Value, inputs: Sequence[Tensor]) -> Tensor:
    return torch.maximum(*_aligned(inputs))


def _abs(_value: Value, inputs: Sequence[Tensor]) -> Tensor:
    return inputs[0].abs()


_RELATIONS: Final[dict[Relation, Callable[[Tensor, Tensor], Tensor]]] = {
    Relation.EQUAL: torch.eq,
    Relation.NOT_EQUAL: torch.ne,
    Relation.LESS: torch.lt,
    Relation.LESS_OR_EQUAL: torch.le,
    Relation.GREATER: torch.gt,
    Relation.GREATER_OR_EQUAL: torch.ge,
}


def _compare(value: Value, inputs: Sequence[Tensor]) -> Tensor:
    return _RELATIONS[Relation(value.attributes[0])](*_aligned(inputs)).to(torch.float64)


def _select(_value: Value, inputs: Sequence[Tensor]) -> Tensor:
    c, a, b = _aligned(inputs)
    return torch.where(c != 0, a, b)


def _reduce(value: Value, inputs: Sequence[Tensor]) -> Tensor | None:
    kind, shift, first, count = value.attributes
    folded = inputs[0].flatten(first + 1, first + count)
    if kind == Reduction.MAX:
        return folded.amax(first + 1)
    if kind == Reduction.ARGMAX:
        return None
    bound = _magnitude(folded) * folded.shape[first + 1]
    return None if bound > 1 << 53 else _shifted(folded.sum(first + 1), shift, bound)


def _view(value: Value, inputs: Sequence[Tensor]) -> Tensor:
    flat = inputs[0].reshape(inputs[0].shape[0], -1)
    indices = torch.from_numpy(view_indices(value.attributes))
    if len(indices) != flat.shape[1] or not torch.equal(indices, torch.arange(len(indices))):
        flat = flat[:, indices]
    return flat.reshape(flat.shape[0], *value.shape)


def _concat(value: Value, inputs: Sequence[Tensor]) -> Tensor:
    samples = max(each.shape[0] for each in inputs)
    full = [each.expand(samples, *each.shape[1:]) for each in inputs]
    return torch.cat(full, dim=value.attributes[0] + 1)


_RULES: Final[dict[Opcode, Callable[[Value, Sequence[Tensor]], Tensor | None]]] = {
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
    Opcode.REDUCE: _reduce,
    Opcode.VIEW: _view,
    Opcode.CONCAT: _concat,
}
"""Exact float64 rules; None as a result hands the instruction to the reference's rule."""
