"""Instructions that are not needed: what a sum of products can do along with its own work.

A factor or addend for each channel becomes part of weights and bias; a clamp becomes the bounds of the
instruction before it; a quotient that is rounded down is one instruction. All only where nobody else reads
what lies between.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from anh_rollup.importing.real_evaluation import compute
from anh_rollup.importing.record import UNBOUNDED, Operation, RealNode, Reals, Record
from anh_rollup.importing.recorder import trimmed

_PER_CHANNEL: Final = frozenset({Operation.MUL, Operation.ADD, Operation.SUB})
_LINEAR: Final = frozenset({Operation.MATMUL, Operation.CONV})
#: What saturates by itself as it computes.
_BOUNDED: Final = frozenset(
    {
        Operation.MATMUL,
        Operation.CONV,
        Operation.ADD,
        Operation.SUB,
        Operation.MUL,
        Operation.DIV,
        Operation.SUM,
        Operation.SQRT,
        Operation.MIN,
        Operation.MAX,
        Operation.SELECT,
    }
)


def fused(record: Record) -> Record:
    """The same network in fewer nodes."""
    fusion = _Fusion(record)
    for node in record.nodes:
        fusion.take(node)
    return trimmed(Record(tuple(fusion.nodes), record.fields, record.output_name))


class _Fusion:
    """Nodes as they come, each with its place among those that are kept."""

    def __init__(self, record: Record) -> None:
        self.nodes: list[RealNode] = []
        self._places: list[int] = []
        self._readers = [len(each) for each in record.readers()]
        self._readers[-1] += 1

    def take(self, node: RealNode) -> None:
        """Adds the next node of the record, or merges it with the one that it reads."""
        here = replace(node, inputs=tuple(self._places[each] for each in node.inputs))
        sources = [self.nodes[each] for each in here.inputs]
        is_last = len(self._places) == len(self._readers) - 1
        if sources and not is_last and all(each.operation is Operation.CONSTANT for each in sources):
            here = _computed(here, sources)
        alone = [self._places[each] for each in dict.fromkeys(node.inputs) if self._readers[each] == 1]
        merged = next((found for into in alone if (found := self._merged(into, here)) is not None), here)
        self.nodes.append(merged)
        self._places.append(len(self.nodes) - 1)

    def _merged(self, into: int, node: RealNode) -> RealNode | None:
        """What a node is together with the one at `into`, of which it is the only reader."""
        first = self.nodes[into]
        if first.bounds != UNBOUNDED or first.shape != node.shape:
            return None
        if node.operation is Operation.CLAMP:
            return replace(first, bounds=node.bounds) if first.operation in _BOUNDED else None
        if node.operation is Operation.FLOOR and first.operation is Operation.DIV:
            return replace(first, is_whole=True)
        # Sums of integers stay what they are: they are exact.
        is_real = not (first.is_whole or node.is_whole)
        if first.operation in _LINEAR and node.operation in _PER_CHANNEL and is_real:
            return self._with_row(first, node, into)
        return None

    def _with_row(self, first: RealNode, node: RealNode, into: int) -> RealNode | None:
        weight, *bias = (self.nodes[each] for each in first.inputs[1:])
        other = [self.nodes[each] for each in node.inputs if each != into]
        is_batched = first.operation is Operation.MATMUL and len(weight.shape) != 2
        is_turned = node.operation is Operation.SUB and node.inputs[0] != into
        known = all(each.operation is Operation.CONSTANT for each in (weight, *bias))
        row = _row(other[0], first.shape[-1]) if len(other) == 1 else None
        if row is None or not known or is_batched or is_turned:
            return None
        kernel, old = weight.elements, bias[0].elements if bias else np.zeros(first.shape[-1])
        if node.operation is Operation.MUL:
            kernel = kernel * row.reshape(-1, *(1,) * (kernel.ndim - 1))
            return self._linear(first, kernel, old * row if bias else None, node.bounds)
        moved = old - row if node.operation is Operation.SUB else old + row
        return self._linear(first, None, moved, node.bounds)

    def _linear(
        self, first: RealNode, kernel: Reals | None, bias: Reals | None, bounds: tuple[float, float]
    ) -> RealNode:
        """The sum of products with another kernel or bias."""
        inputs = [first.inputs[0], first.inputs[1] if kernel is None else self._constant(kernel, first)]
        inputs += [] if bias is None else [self._constant(bias, first)]
        return replace(first, inputs=tuple(inputs), bounds=bounds)

    def _constant(self, array: Reals, near: RealNode) -> int:
        self.nodes.append(RealNode(Operation.CONSTANT, array.shape, array=array, source=near.source))
        return len(self.nodes) - 1


def _computed(node: RealNode, sources: Sequence[RealNode]) -> RealNode:
    """The constant that a node of constants is."""
    elements = compute(node, [each.elements for each in sources])
    array = elements.astype(np.int64) if node.is_whole else elements
    return RealNode(Operation.CONSTANT, node.shape, array=array, is_whole=node.is_whole, source=node.source)


def _row(node: RealNode, channels: int) -> Reals | None:
    """A constant as one number for each channel; None where it is none."""
    if node.operation is not Operation.CONSTANT:
        return None
    if any(size != 1 for size in node.shape[:-1]) or node.shape[-1:] not in ((), (1,), (channels,)):
        return None
    return np.broadcast_to(node.elements.reshape(-1), (channels,)).astype(np.float64)
