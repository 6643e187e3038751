"""The compiled backend's reductions and index maps. Windows are strided views, which nothing copies."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from anh_rollup.evaluation.compiled_passes import Floats, copy_into, fill, folded, laid_out, limited
from anh_rollup.evaluation.pass_kernel import Order
from anh_rollup.evaluation.passes import rounding_of
from anh_rollup.evaluation.steps import Step
from anh_rollup.evaluation.tape import Tape
from anh_rollup.tensor.opcodes import Opcode, Reduction

#: Up to so many terms are folded in one pass, which reads windows where they lie.
MOST_SLICES: Final = 64

Rule = Callable[[Tape, Step, Sequence[Floats]], Floats | None]


def _reduce(tape: Tape, step: Step, inputs: Sequence[Floats]) -> Floats | None:
    """Folds axes: where they are few and more lies behind them, window by window in one pass."""
    kind, shift, first, count = step.value.attributes
    if kind == Reduction.ARGMAX:
        return None
    x, axes = inputs[0], range(first + 1, first + 1 + count)
    terms = prod(x.shape[each] for each in axes)
    rounding = rounding_of(shift, step.magnitudes[0] * terms) if kind == Reduction.SUM else {}
    if rounding is None:
        return None
    order, join = (Order.SUM, np.add) if kind == Reduction.SUM else (Order.GREATER, np.maximum)
    last = {**rounding, "low": step.value.low, "high": step.value.high}
    if axes.stop < x.ndim and 1 < terms <= MOST_SLICES:
        done = folded(tape, x, axes, order, last)
        if done is not None:
            return done
    sums: Floats = tape.empty((x.shape[0], *step.value.shape))
    tape.do(_joined(join, axes), sums, x)
    return limited(tape, sums, last)


def _joined(join: np.ufunc, axes: range) -> Callable[[Floats, Floats], object]:
    def work(result: Floats, x: Floats) -> None:
        whole = x.reshape(*x.shape[: axes.start], -1, *x.shape[axes.stop :])
        join.reduce(whole, axis=axes.start, out=result)

    return work


def _view(tape: Tape, step: Step, inputs: Sequence[Floats]) -> Floats:
    x, value = laid_out(tape, inputs[0]), step.value
    offset, count = value.attributes[:2]
    dims, strides = value.attributes[2 : 2 + count], value.attributes[2 + count :]
    flat = x.reshape(x.shape[0], -1)
    steps = (flat.strides[0], *(flat.itemsize * each for each in strides))
    shown = as_strided(flat[:, offset:], (x.shape[0], *dims), steps)
    return _shaped(tape, shown, (x.shape[0], *value.shape))


def _shaped(tape: Tape, x: Floats, shape: tuple[int, ...]) -> Floats:
    """The same elements in another shape, copied where they must be."""
    result: Floats = x.reshape(shape)
    return result if np.may_share_memory(result, x) else laid_out(tape, x).reshape(shape)


def _pad(tape: Tape, step: Step, inputs: Sequence[Floats]) -> Floats:
    x, value = inputs[0], step.value
    number, before = value.attributes[0], value.attributes[1:]
    result: Floats = tape.empty((x.shape[0], *value.shape))
    fill(tape, result, number)
    inside, shown = [slice(None)], [slice(None)]
    for margin, size, wide in zip(before, x.shape[1:], value.shape, strict=True):
        first, last = max(0, margin), max(0, min(wide, size + margin))
        inside.append(slice(first, max(first, last)))
        shown.append(slice(first - margin, max(first - margin, last - margin)))
    copy_into(tape, result[tuple(inside)], x[tuple(shown)])
    return result


def _concat(tape: Tape, step: Step, inputs: Sequence[Floats]) -> Floats:
    axis, start = step.value.attributes[0] + 1, 0
    samples = max(each.shape[0] for each in inputs)
    result: Floats = tape.empty((samples, *step.value.shape))
    for each in inputs:
        size = each.shape[axis]
        part: NDArray[Any] = result[(slice(None),) * axis + (slice(start, start + size),)]
        copy_into(tape, part, np.broadcast_to(each, (samples, *each.shape[1:])))
        start += size
    return result


MOVEMENT: Final[dict[Opcode, Rule]] = {
    Opcode.REDUCE: _reduce,
    Opcode.VIEW: _view,
    Opcode.PAD: _pad,
    Opcode.CONCAT: _concat,
}
"""The rule of each reduction and index map: results before the clamp; None where it needs int64."""
