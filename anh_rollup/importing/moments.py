"""Normalizations as exporters write them out, by the instructions that lose the fewest bits.

A variance as E[x^2] - E[x]^2 is a small difference of large numbers wherever x is far from zero;
E[(x - E[x])^2] is the same number without it. A row times one over its deviation is the row over its
deviation, rounded once, with proven bounds. So whoever exported a normalization, it becomes the one that
`refinement` knows.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import inf, prod, sqrt
from typing import Final

from anh_rollup.encoding.tensors import Shape
from anh_rollup.importing.record import UNBOUNDED, Operation, RealNode, Record
from anh_rollup.importing.recorder import trimmed
from anh_rollup.importing.views import View, flat

#: A factor this near to one over a count is meant to be it: float32 writes it with 24 bits.
_NEARLY: Final = 2.0**-22


def centred_moments(record: Record) -> Record:
    """The same network with these patterns rewritten, and without nodes that compute the same twice."""
    moments = _Moments()
    for node in record.nodes:
        moments.take(node)
    return trimmed(Record(tuple(moments.nodes), record.fields, record.output_name))


class _Moments:
    """Nodes as they come, each with its place among those that are kept."""

    def __init__(self) -> None:
        self.nodes: list[RealNode] = []
        self._places: list[int] = []
        self._known: dict[tuple[object, ...], int] = {}

    def take(self, node: RealNode) -> None:
        """Adds the next node of the record, or what stands for it."""
        here = replace(node, inputs=tuple(self._places[each] for each in node.inputs))
        found = None if here.is_whole else self._better(here)
        self._places.append(self._add(here) if found is None else found)

    def _better(self, node: RealNode) -> int | None:
        """What stands for a node; None where it stays."""
        if node.operation is Operation.SUB:
            return self._variance(node)
        if node.operation is Operation.MAX:
            return self._square(node)
        found = self._mean(node) if node.operation in (Operation.MUL, Operation.DIV) else None
        return self._quotient(node) if found is None and node.operation is Operation.MUL else found

    def _add(self, node: RealNode) -> int:
        """The place of a node, or of one that computes the same."""
        array = None if node.array is None else id(node.array)
        key = (
            *(node.operation, node.shape, node.inputs, node.attributes, array, node.function),
            *(node.bounds, node.factor, node.is_whole, node.tie),
        )
        if key not in self._known:
            self._known[key] = len(self.nodes)
            self.nodes.append(node)
        return self._known[key]

    def _new(self, like: RealNode, operation: Operation, shape: Shape, *inputs: int) -> int:
        return self._add(RealNode(operation, shape, inputs, source=like.source))

    def _number(self, place: int) -> float | None:
        """The number that a node is; None where it is not one."""
        node = self.nodes[place]
        is_one = node.operation is Operation.CONSTANT and node.elements.size == 1
        return float(node.elements.reshape(-1)[0]) if is_one else None

    def _pairs(self, node: RealNode) -> Sequence[tuple[int, int]]:
        """A node's two inputs, in both orders where these mean the same."""
        a, b = node.inputs
        return [(a, b), (b, a)] if node.operation is Operation.MUL else [(a, b)]

    def _terms(self, total: RealNode) -> int:
        first, count = total.attributes
        return prod(self.nodes[total.inputs[0]].shape[first : first + count])

    def _mean(self, node: RealNode) -> int | None:
        """A sum times one over its terms, or over them, is one instruction."""
        for place, other in self._pairs(node):
            total, number = self.nodes[place], self._number(other)
            if total.operation is not Operation.SUM or not number or total.is_whole:
                continue
            terms = self._terms(total)
            factor = total.factor * (number if node.operation is Operation.MUL else 1 / number)
            fits = total.bounds == UNBOUNDED and total.shape == node.shape
            if fits and abs(factor * terms - 1) < _NEARLY:
                return self._add(replace(total, factor=1 / terms, bounds=node.bounds))
        return None

    def _variance(self, node: RealNode) -> int | None:
        """The mean of squares less the mean's square is the mean of the squares of what is apart from it."""
        mean = self._squared(node.inputs[1])
        if mean is None:
            return None
        squares, total = self.nodes[node.inputs[0]], self.nodes[mean]
        if not self._are_means(squares, total) or self._squared(squares.inputs[0]) != total.inputs[0]:
            return None
        x = total.inputs[0]
        apart = self._new(node, Operation.SUB, self.nodes[x].shape, x, self._widened(mean, x))
        square = self._new(node, Operation.MUL, self.nodes[x].shape, apart, apart)
        return self._bounded(replace(squares, inputs=(square,), source=node.source), node.bounds)

    def _are_means(self, squares: RealNode, total: RealNode) -> bool:
        """Whether two nodes are means over the same axes."""
        same = squares.operation is Operation.SUM and total.operation is Operation.SUM
        return (
            same
            and squares.attributes == total.attributes
            and squares.bounds in (UNBOUNDED, (0.0, inf))
            and total.bounds == UNBOUNDED
            and squares.factor == total.factor == 1 / self._terms(total)
        )

    def _squared(self, place: int) -> int | None:
        """What a node is the square of."""
        node = self.nodes[place]
        is_square = node.operation is Operation.MUL and node.inputs[0] == node.inputs[1]
        return node.inputs[0] if is_square and node.bounds == UNBOUNDED else None

    def _widened(self, mean: int, x: int) -> int:
        """A mean as it broadcasts along the axes that it is over."""
        node, shape = self.nodes[mean], self.nodes[x].shape
        if not node.attributes[0]:
            return mean
        attributes = flat(node.shape).simplified().attributes
        wide = _kept_shape(shape, node.attributes)
        return self._add(RealNode(Operation.VIEW, wide, (mean,), attributes, source=node.source))

    def _square(self, node: RealNode) -> int | None:
        """A mean of squares is not below zero."""
        for place, other in (node.inputs, node.inputs[::-1]):
            number = self._number(other)
            total = self.nodes[place]
            if number is None or number > 0 or total.operation is not Operation.SUM or total.factor < 0:
                continue
            if total.shape == node.shape and self._squared(total.inputs[0]) is not None:
                return self._bounded(total, node.bounds)
        return None

    def _bounded(self, total: RealNode, bounds: tuple[float, float]) -> int:
        """A sum of squares with bounds; none where the lower one says what is known."""
        return self._add(replace(total, bounds=UNBOUNDED if bounds[0] <= 0 and bounds[1] == inf else bounds))

    def _quotient(self, node: RealNode) -> int | None:
        """A row times one over its root mean square, and a gain: the row over it, times the gain."""
        for x, factor in self._pairs(node):
            for shown, gain in [(factor, None), *self._factors(factor)]:
                over = self._over(x, shown, node)
                if over is None:
                    continue
                if gain is not None:
                    return self._add(replace(node, inputs=(over, gain)))
                return over if node.bounds == UNBOUNDED else None
        return None

    def _factors(self, place: int) -> list[tuple[int, int | None]]:
        node = self.nodes[place]
        if node.operation is not Operation.MUL or node.bounds != UNBOUNDED:
            return []
        return [(a, b) for a, b in self._pairs(node)]

    def _over(self, x: int, shown: int, node: RealNode) -> int | None:
        """X over what `shown` is one over, if that is the root of its mean square."""
        view = inner = self.nodes[shown]
        if view.operation is Operation.VIEW:
            inner = self.nodes[view.inputs[0]]
        if inner.operation is not Operation.DIV or inner.is_whole or self._number(inner.inputs[0]) != 1:
            return None
        root = inner.inputs[1]
        total = self._under_root(x, root)
        if total is None:
            return None
        if view is not inner:
            if not View.of(view.attributes).is_identity:
                return None
            root = self._add(replace(view, inputs=(root,)))
        row, most = self.nodes[x], sqrt(self._terms(total))
        if _trailing(self.nodes[root].shape) != _trailing(_kept_shape(row.shape, total.attributes)):
            return None
        divided = RealNode(Operation.DIV, row.shape, (x, root), bounds=(-most, most), source=node.source)
        return self._add(divided)

    def _under_root(self, x: int, place: int) -> RealNode | None:
        """The mean of the squares of x, if a node is its root, whatever was added to it."""
        root = self.nodes[place]
        if root.operation is not Operation.SQRT or root.bounds != UNBOUNDED:
            return None
        total = self.nodes[root.inputs[0]]
        if total.operation is Operation.ADD:
            moved = [a for a, b in (total.inputs, total.inputs[::-1]) if (self._number(b) or 0.0) > 0]
            total = self.nodes[moved[0]] if moved else total
        if total.operation is not Operation.SUM or self._squared(total.inputs[0]) != x:
            return None
        return total if total.factor == 1 / self._terms(total) else None


def _kept_shape(shape: Shape, axes: Sequence[int]) -> Shape:
    """A shape with dimensions of 1 for so many axes from the first one on."""
    first, count = axes
    return (*shape[:first], *(1,) * count, *shape[first + count :])


def _trailing(shape: Shape) -> Shape:
    """A shape without the dimensions of 1 that it begins with."""
    at = next((place for place, size in enumerate(shape) if size > 1), len(shape))
    return shape[at:]
