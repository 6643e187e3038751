"""The torch backend's reductions and index maps. Windows are strided views, which nothing copies."""

from collections.abc import Sequence
from math import prod
from typing import Final

import torch
from torch import Tensor

from anh_rollup.evaluation.steps import FLOAT64_EXACT, Step
from anh_rollup.evaluation.torch_step import Rule, shifted
from anh_rollup.tensor.opcodes import Opcode, Reduction


def _reduce(step: Step, inputs: Sequence[Tensor]) -> Tensor | None:
    kind, shift, first, count = step.value.attributes
    whole = inputs[0].flatten(first + 1, first + count)
    if kind == Reduction.ARGMAX:
        # torch promises the first of several maxima.
        return whole.argmax(first + 1).to(torch.float64)
    if kind == Reduction.MAX:
        return whole.amax(first + 1)
    most = step.magnitudes[0] * whole.shape[first + 1]
    return shifted(whole.sum(first + 1), shift, most) if most <= FLOAT64_EXACT else None


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


def _view(step: Step, inputs: Sequence[Tensor]) -> Tensor:
    return strided(inputs[0], step.value.attributes).reshape(inputs[0].shape[0], *step.value.shape)


def _pad(step: Step, inputs: Sequence[Tensor]) -> Tensor:
    x, value = inputs[0], step.value
    fill, before = value.attributes[0], value.attributes[1:]
    result = x.new_full((x.shape[0], *value.shape), float(fill))
    inside, shown = [slice(None)], [slice(None)]
    for margin, size, wide in zip(before, x.shape[1:], value.shape, strict=True):
        first, last = max(0, margin), max(0, min(wide, size + margin))
        inside.append(slice(first, max(first, last)))
        shown.append(slice(first - margin, max(first - margin, last - margin)))
    result[tuple(inside)] = x[tuple(shown)]
    return result


def _concat(step: Step, inputs: Sequence[Tensor]) -> Tensor:
    samples = max(each.shape[0] for each in inputs)
    whole = [each.expand(samples, *each.shape[1:]) for each in inputs]
    return torch.cat(whole, step.value.attributes[0] + 1)


def _gather(step: Step, inputs: Sequence[Tensor]) -> Tensor:
    # Tables of a model are int32.
    return _taken(step, inputs).to(torch.float64)


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
