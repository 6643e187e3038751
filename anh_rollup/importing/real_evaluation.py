"""A record in float64: what the network computes apart from number formats, and the ranges that occur."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
import torch

from anh_rollup.importing.record import UNBOUNDED, Operation, RealNode, Reals, Record
from anh_rollup.importing.views import View
from anh_rollup.tensor.opcodes import Relation

#: A rule gives a node's elements from those of its inputs.
Rule = Callable[[RealNode, Sequence[Reals]], Reals]


def evaluate(record: Record, fields: Sequence[Reals]) -> Reals:
    """The output for one sample, (*shape) in float64.

    Args:
        record: The network.
        fields: One sample of each input.
    """
    *_, (_, last) = values(record, fields)
    return last


def values(
    record: Record, fields: Sequence[Reals], replaced: Callable[[int, Reals], Reals] = lambda _, found: found
) -> Iterator[tuple[int, Reals]]:
    """Place and elements of every node for one sample, in order; each is dropped after its last use.

    Args:
        record: The network.
        fields: One sample of each input.
        replaced: What later nodes read of a node, from its place and what was computed.
    """
    last_use = {source: place for place, node in enumerate(record.nodes) for source in node.inputs}
    alive: dict[int, Reals] = {}
    for place, node in enumerate(record.nodes):
        if node.operation is Operation.FIELD:
            found = np.asarray(fields[node.attributes[0]], np.float64).reshape(node.shape)
        elif node.operation is Operation.CONSTANT:
            found = node.elements
        else:
            found = replaced(place, compute(node, [alive[source] for source in node.inputs]))
        alive[place] = found
        yield place, found
        for source in {place, *node.inputs}:
            if last_use.get(source, -1) <= place:
                del alive[source]


def compute(node: RealNode, inputs: Sequence[Reals]) -> Reals:
    """The elements of a node that is neither field nor constant."""
    with np.errstate(all="ignore"):
        raw = np.asarray(_RULES[node.operation](node, inputs), np.float64).reshape(node.shape)
        is_bounded = node.operation is not Operation.PAD and node.bounds != UNBOUNDED
        return np.clip(raw, *node.bounds) if is_bounded else raw


def _matmul(_node: RealNode, inputs: Sequence[Reals]) -> Reals:
    x, w = inputs[:2]
    sums = x @ np.swapaxes(w, -1, -2)
    return sums + inputs[2] if len(inputs) > 2 else sums


def _conv(node: RealNode, inputs: Sequence[Reals]) -> Reals:
    x, w = inputs[:2]
    stride_h, stride_w, top, left, bottom, right, dilation_h, dilation_w, groups = node.attributes
    if x.ndim == 2:
        x, w = x[None], w[:, None]
    image = torch.from_numpy(np.pad(x, ((top, bottom), (left, right), (0, 0)))).permute(2, 0, 1)[None]
    kernel = torch.from_numpy(np.ascontiguousarray(w)).permute(0, 3, 1, 2)
    sums = torch.nn.functional.conv2d(
        image, kernel, stride=(stride_h, stride_w), dilation=(dilation_h, dilation_w), groups=groups
    )
    result: Reals = sums[0].permute(1, 2, 0).numpy()
    return result + inputs[2] if len(inputs) > 2 else result


def _div(node: RealNode, inputs: Sequence[Reals]) -> Reals:
    a, b = inputs
    # As the instruction has it: 0 / 0 is 0, and of integers the quotient is the integer not above.
    quotient = np.where((a == 0) & (b == 0), 0.0, np.divide(a, b))
    return np.floor(quotient) if node.is_whole else quotient


_RELATIONS: Final[dict[Relation, Callable[..., Reals]]] = {
    Relation.EQUAL: np.equal,
    Relation.NOT_EQUAL: np.not_equal,
    Relation.LESS: np.less,
    Relation.LESS_OR_EQUAL: np.less_equal,
    Relation.GREATER: np.greater,
    Relation.GREATER_OR_EQUAL: np.greater_equal,
}


def _compare(node: RealNode, inputs: Sequence[Reals]) -> Reals:
    return _RELATIONS[Relation(node.attributes[0])](*inputs)


def _function(node: RealNode, inputs: Sequence[Reals]) -> Reals:
    if node.function is None:
        raise TypeError("a FUNCTION without a function")
    return node.function(inputs[0])


def _folded(node: RealNode, x: Reals) -> Reals:
    first, count = node.attributes
    return x.reshape(*x.shape[:first], -1, *x.shape[first + count :])


def _sum(node: RealNode, inputs: Sequence[Reals]) -> Reals:
    return np.asarray(_folded(node, inputs[0]).sum(node.attributes[0]) * node.factor)


def _largest(node: RealNode, inputs: Sequence[Reals]) -> Reals:
    return np.asarray(_folded(node, inputs[0]).max(node.attributes[0]))


def _argmax(node: RealNode, inputs: Sequence[Reals]) -> Reals:
    return np.asarray(_folded(node, inputs[0]).argmax(node.attributes[0]), np.float64)


def _view(node: RealNode, inputs: Sequence[Reals]) -> Reals:
    view = View.of(node.attributes)
    x = np.ascontiguousarray(inputs[0]).reshape(-1)
    apart = tuple(stride * x.itemsize for stride in view.strides)
    return np.lib.stride_tricks.as_strided(x[view.offset :], view.dims, apart).reshape(node.shape)


def _pad(node: RealNode, inputs: Sequence[Reals]) -> Reals:
    x = inputs[0]
    result = np.full(node.shape, node.bounds[0])
    inside, shown = [], []
    for before, own, wide in zip(node.attributes, x.shape, node.shape, strict=True):
        first, last = max(0, before), max(0, min(wide, own + before))
        inside.append(slice(first, max(first, last)))
        shown.append(slice(first - before, max(first, last) - before))
    result[tuple(inside)] = x[tuple(shown)]
    return result


def _gather(node: RealNode, inputs: Sequence[Reals]) -> Reals:
    x, places = inputs
    axis = node.attributes[0]
    return np.take(x, places.astype(np.int64), axis=axis, mode="clip")


_RULES: Final[dict[Operation, Rule]] = {
    Operation.MATMUL: _matmul,
    Operation.CONV: _conv,
    Operation.ADD: lambda _, inputs: np.add(*inputs),
    Operation.SUB: lambda _, inputs: np.subtract(*inputs),
    Operation.MUL: lambda _, inputs: np.multiply(*inputs),
    Operation.DIV: _div,
    Operation.SQRT: lambda _, inputs: np.sqrt(np.maximum(inputs[0], 0)),
    Operation.ABS: lambda _, inputs: np.abs(inputs[0]),
    Operation.MIN: lambda _, inputs: np.minimum(*inputs),
    Operation.MAX: lambda _, inputs: np.maximum(*inputs),
    Operation.COMPARE: _compare,
    Operation.SELECT: lambda _, inputs: np.where(inputs[0] != 0, inputs[1], inputs[2]),
    Operation.FUNCTION: _function,
    Operation.CLAMP: lambda _, inputs: inputs[0],
    Operation.FLOOR: lambda _, inputs: np.floor(inputs[0]),
    Operation.SUM: _sum,
    Operation.LARGEST: _largest,
    Operation.ARGMAX: _argmax,
    Operation.VIEW: _view,
    Operation.PAD: _pad,
    Operation.CONCAT: lambda node, inputs: np.concatenate(inputs, axis=node.attributes[0]),
    Operation.GATHER: _gather,
}
