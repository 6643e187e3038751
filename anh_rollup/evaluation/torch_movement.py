"""The torch backend's reductions and index maps. Windows are strided views, which nothing copies."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import prod
from typing import Final

import numpy as np
import torch
from torch import Tensor

from anh_rollup.encoding.tensors import Shape
from anh_rollup.evaluation.pass_kernel import Order
from anh_rollup.evaluation.passes import rounding_of
from anh_rollup.evaluation.torch_passes import copy_into, folded, laid_out
from anh_rollup.evaluation.torch_step import Rule, Step
from anh_rollup.tensor.opcodes import Opcode, Reduction

#: Up to so many terms are folded in one pass, which reads windows where they lie.
MOST_SLICES: Final = 64
#: Up to so many elements torch moves by itself, without its threads (torch's own grain).
SMALL: Final = 1 << 15
#: Views whose steps are kept (choice: those of several networks).
KEPT_VIEWS: Final = 1 << 12


def _reduce(step: Step, inputs: Sequence[Tensor]) -> Tensor | None:
    kind, shift, first, count = step.value.attributes
    x = inputs[0]
    if kind == Reduction.ARGMAX:
        # torch promises the first of several maxima.
        return x.flatten(first + 1, first + count).argmax(first + 1).to(torch.float64)
    if kind == Reduction.MAX:
        return _together(step, x, Order.GREATER, {}, np.maximum)
    terms = prod(x.shape[first + 1 : first + 1 + count])
    rounding = rounding_of(shift, step.magnitudes[0] * terms)
    return None if rounding is None else _together(step, x, Order.SUM, rounding, np.add)


def _together(step: Step, x: Tensor, order: Order, rounding: Mapping[str, float], join: np.ufunc) -> Tensor:
    """Folds axes: where they are few and more lies behind them, window by window in one pass."""
    _, _, first, count = step.value.attributes
    axes = range(first + 1, first + 1 + count)
    last = {**rounding, "low": step.value.low, "high": step.value.high}
    if axes.stop < x.ndim and 1 < prod(x.shape[each] for each in axes) <= MOST_SLICES:
        done = folded(x, axes, order, last)
        if done is not None:
            return done
    whole = x.numpy().reshape(*x.shape[: axes.start], -1, *x.shape[axes.stop :])
    result = torch.from_numpy(np.asarray(join.reduce(whole, axis=axes.start)))
    return result.add_(rounding["half"]).mul_(rounding["unit"]).floor_() if rounding else result


def strided(x: Tensor, attributes: Sequence[int]) -> Tensor:
    """What a VIEW with these attributes shows of x (N, *shape): (N, *dims), mostly without a copy."""
    x = laid_out(x)
    offset, count = attributes[:2]
    dims, strides = attributes[2 : 2 + count], attributes[2 + count :]
    # torch has no negative strides: start at the other end and turn the axis round.
    backwards = [axis + 1 for axis, stride in enumerate(strides) if stride < 0]
    start = offset + sum((dims[axis - 1] - 1) * strides[axis - 1] for axis in backwards)
    size, apart = (x.shape[0], *dims), (x.numel() // x.shape[0], *(abs(stride) for stride in strides))
    shown = x.as_strided(size, apart, x.storage_offset() + start)
    return shown.flip(backwards) if backwards else shown


def _view(step: Step, inputs: Sequence[Tensor]) -> Tensor:
    x, value = laid_out(inputs[0]), step.value
    shown = _shown(value.attributes, value.shape, x.shape[0], x.numel() // x.shape[0])
    if shown is None:
        return laid_out(strided(x, value.attributes)).view(x.shape[0], *value.shape)
    size, steps, start = shown
    return x.as_strided(size, steps, x.storage_offset() + start)


@lru_cache(maxsize=KEPT_VIEWS)
def _shown(
    attributes: tuple[int, ...], shape: Shape, samples: int, elements: int
) -> tuple[Shape, Shape, int] | None:
    """Sizes, steps and start of what a VIEW shows of samples of so many elements; None where it copies."""
    if any(each < 0 for each in attributes[2:]):
        return None
    whole = torch.empty((samples, elements), dtype=torch.float64, device="meta")
    try:
        shown = strided(whole, attributes).view(samples, *shape)
    except RuntimeError:
        return None
    return tuple(shown.shape), shown.stride(), attributes[0]


def _pad(step: Step, inputs: Sequence[Tensor]) -> Tensor:
    x, value = inputs[0], step.value
    fill, before = value.attributes[0], value.attributes[1:]
    result = torch.from_numpy(np.full((x.shape[0], *value.shape), float(fill)))
    inside, shown = [slice(None)], [slice(None)]
    for margin, size, wide in zip(before, x.shape[1:], value.shape, strict=True):
        first, last = max(0, margin), max(0, min(wide, size + margin))
        inside.append(slice(first, max(first, last)))
        shown.append(slice(first - margin, max(first - margin, last - margin)))
    copy_into(result[tuple(inside)], x[tuple(shown)])
    return result


def _concat(step: Step, inputs: Sequence[Tensor]) -> Tensor:
    samples = max(each.shape[0] for each in inputs)
    if samples * step.value.size <= SMALL:
        return torch.cat(
            [each.expand(samples, *each.shape[1:]) for each in inputs], step.value.attributes[0] + 1
        )
    result, start = inputs[0].new_empty((samples, *step.value.shape)), 0
    axis = step.value.attributes[0] + 1
    for each in inputs:
        part = result.narrow(axis, start, each.shape[axis])
        copy_into(part, each.expand(samples, *each.shape[1:]))
        start += each.shape[axis]
    return result


def _gather(step: Step, inputs: Sequence[Tensor]) -> Tensor:
    taken = _taken(step, inputs)
    # Tables of a model are int32.
    return taken if taken.dtype == torch.float64 else torch.from_numpy(taken.numpy().astype(np.float64))


def _taken(step: Step, inputs: Sequence[Tensor]) -> Tensor:
    """What GATHER takes, of its input's type."""
    x, axis = inputs[0], step.value.attributes[0]
    samples = max(x.shape[0], inputs[1].shape[0])
    places = inputs[1].clamp(0, x.shape[axis + 1] - 1).to(torch.int64)
    if places.shape[0] == 1:
        return x.index_select(axis + 1, places.reshape(-1)).reshape(x.shape[0], *step.value.shape)
    flat = places.reshape(samples, -1)
    if x.shape[0] == 1:
        taken = x[0].index_select(axis, flat.reshape(-1))
        split = taken.reshape(*x.shape[1 : axis + 1], *flat.shape, *x.shape[axis + 2 :])
        return split.movedim(axis, 0).reshape(samples, *step.value.shape)
    lead, behind = prod(x.shape[1 : axis + 1]), prod(x.shape[axis + 2 :])
    table = x.reshape(samples, lead, x.shape[axis + 1], behind)
    spread = flat[:, None, :, None].expand(samples, lead, flat.shape[1], behind)
    return table.gather(2, spread).reshape(samples, *step.value.shape)


MOVEMENT: Final[dict[Opcode, Rule]] = {
    Opcode.REDUCE: _reduce,
    Opcode.VIEW: _view,
    Opcode.PAD: _pad,
    Opcode.CONCAT: _concat,
    Opcode.GATHER: _gather,
}
"""The rule of each reduction and index map."""
