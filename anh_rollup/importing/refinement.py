"""What a network's ranges ask for: other instructions where a number format alone would lose small numbers.

Patterns, whoever exported the network: what is divided by its own root mean square, in rows of very different
size; scores of a softmax beside masks; what no reader sees (`interest.py`); logarithms over several orders of
magnitude.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import inf, isfinite
from typing import Any, Final

import numpy as np

from anh_rollup.importing.interest import interests
from anh_rollup.importing.ranges import Range
from anh_rollup.importing.record import UNBOUNDED, Function, Operation, RealNode, Record
from anh_rollup.importing.recorder import trimmed

#: Mean squares that differ by more than this factor have their rows brought to one size (choice: 7 bits of
#: what is squared, and as many are left above 2^-16).
MOST_SPREAD: Final = 2.0**14
#: The most that a row is multiplied by: with the 30 bits of what it multiplies, float64 stays exact.
MOST_FACTOR: Final = 2.0**20
#: A function of a root is looked up over a range with no more between its ends (choice).
MOST_RATIO: Final = 16.0
#: The least argument that a logarithm of numbers up to 1 is exact for.
_LEAST: Final = 2.0**-30

_BOUNDED: Final = frozenset({Operation.ADD, Operation.SUB, Operation.MUL, Operation.SELECT})


def refined(record: Record, ranges: Sequence[Range]) -> Record:
    """The same network with these patterns rewritten; the same record where there are none.

    Args:
        record: The network.
        ranges: Where each node's numbers lie.
    """
    refinement = _Refinement(record, ranges)
    for place in range(len(record.nodes)):
        refinement.take(place)
    if not refinement.has_changed:
        return record
    return trimmed(Record(tuple(refinement.nodes), record.fields, record.output_name))


class _Refinement:
    """Nodes as they come, each with its place among those that are kept."""

    def __init__(self, record: Record, ranges: Sequence[Range]) -> None:
        self.nodes: list[RealNode] = []
        self.has_changed = False
        self._old, self._ranges, self._readers = record.nodes, ranges, record.readers()
        self._interests = interests(record.nodes, ranges)
        self._places: list[int] = []

    def take(self, place: int) -> None:
        """Adds the next node of the record, or what stands for it."""
        node = self._old[place]
        found = None
        if node.operation is Operation.DIV:
            found = self._quotient(node)
        elif node.operation is Operation.FUNCTION and node.function is not None and node.function.of_root:
            found = self._of_root(node, node.function)
        elif node.operation in _BOUNDED and node.bounds == UNBOUNDED:
            found = self._scores(place)
            found = self._seen(place) if found is None else found
        self.has_changed |= found is not None
        self._places.append(self._kept(node) if found is None else found)

    def _kept(self, node: RealNode, **rest: Any) -> int:
        inputs = tuple(self._places[each] for each in node.inputs)
        return self._add(replace(node, inputs=inputs, **rest))

    def _add(self, node: RealNode) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _new(self, like: RealNode, operation: Operation, inputs: Sequence[int], **rest: Any) -> int:
        """A node whose shape and source are those of another."""
        return self._add(RealNode(operation, like.shape, tuple(inputs), source=like.source, **rest))

    def _constant(self, number: float, source: str) -> int:
        return self._add(RealNode(Operation.CONSTANT, (), array=np.array(number), source=source))

    def _scores(self, place: int) -> int | None:
        """Scores that are not kept farther down than a softmax looks, below the least maximum of a row."""
        low = -inf
        for reader in self._readers[place]:
            node = self._old[reader]
            if node.operation is Operation.SUB and node.inputs[0] == place and node.bounds[1] == 0:
                top = self._before_views(node.inputs[1])
                if self._old[top].operation is Operation.LARGEST and self._old[top].inputs == (place,):
                    low = self._ranges[top].low + node.bounds[0]
                    continue
            elif node.operation is Operation.LARGEST:
                continue
            return None
        if not isfinite(low) or low <= self._ranges[place].low:
            return None
        return self._kept(self._old[place], bounds=(low, inf))

    def _seen(self, place: int) -> int | None:
        """A value that saturates where its readers see no difference, if it is much wider."""
        seen, at = self._interests[place], self._ranges[place]
        if not at.magnitude > 2 * seen.magnitude > 0:
            return None
        return self._kept(self._old[place], bounds=(seen.low, seen.high))

    def _before_views(self, place: int) -> int:
        while self._old[place].operation is Operation.VIEW:
            place = self._old[place].inputs[0]
        return place

    def _of_root(self, node: RealNode, function: Function) -> int | None:
        """A function with f(x) = 2 f(root of x), of as many roots as bring its range together."""
        at, count = self._ranges[node.inputs[0]], 0
        ratio = at.high / max(at.low, at.high * _LEAST) if at.high > 0 else 1.0
        while ratio > MOST_RATIO:
            ratio, count = ratio**0.5, count + 1
        if not count:
            return None
        x = self._places[node.inputs[0]]
        for _ in range(count):
            x = self._new(node, Operation.SQRT, [x])
        apart = 2.0**count
        near = Function(function.name, lambda at: apart * function.apply(at), function.flat)
        return self._add(replace(node, inputs=(x,), function=near))

    def _quotient(self, node: RealNode) -> int | None:
        """A row over its root mean square, where rows differ: each is brought to the size of the largest."""
        x, root = node.inputs[0], self._before_views(node.inputs[1])
        found = self._mean_square(x, root)
        if found is None:
            return None
        mean, epsilon = found
        at = self._ranges[mean]
        if at.high <= max(at.low, 0.0) * MOST_SPREAD or not 0 < self._ranges[x].magnitude < inf:
            return None
        size, factor, wide = self._factor(x, self._old[mean], self._old[node.inputs[1]])
        row = self._new(self._old[x], Operation.MUL, [self._places[x], wide], bounds=(-size, size))
        square = self._new(self._old[x], Operation.MUL, [row, row])
        total = self._add(replace(self._old[mean], inputs=(square,)))
        if epsilon:
            part = self._new(self._old[mean], Operation.MUL, [factor, self._constant(epsilon, node.source)])
            moved = self._new(self._old[mean], Operation.MUL, [part, factor])
            total = self._new(self._old[mean], Operation.ADD, [total, moved])
        deviation = self._add(replace(self._old[root], inputs=(total,)))
        return self._add(replace(node, inputs=(row, self._viewed(node.inputs[1], deviation))))

    def _mean_square(self, x: int, root: int) -> tuple[int, float] | None:
        """The place of the mean of the squares of x and what is added to it, if `root` is its root."""
        if self._old[root].operation is not Operation.SQRT:
            return None
        mean, epsilon = self._old[root].inputs[0], 0.0
        if self._old[mean].operation is Operation.ADD:
            pair = sorted(
                self._old[mean].inputs, key=lambda at: self._old[at].operation is Operation.CONSTANT
            )
            mean, known = pair[0], self._old[pair[1]]
            if known.operation is not Operation.CONSTANT or known.elements.size != 1:
                return None
            epsilon = max(0.0, float(known.elements.reshape(-1)[0]))
        square = self._old[mean].inputs[0] if self._old[mean].operation is Operation.SUM else mean
        is_square = self._old[square].operation is Operation.MUL and self._old[square].inputs == (x, x)
        return (mean, epsilon) if is_square and square != mean else None

    def _factor(self, x: int, mean: RealNode, shown: RealNode) -> tuple[float, int, int]:
        """What the largest number is, how many times as large as each row it is, and that beside the rows."""
        size = self._ranges[x].magnitude
        sizes = self._new(self._old[x], Operation.ABS, [self._places[x]])
        largest = self._new(mean, Operation.LARGEST, [sizes], attributes=mean.attributes)
        least = self._constant(size / MOST_FACTOR, mean.source)
        largest = self._new(mean, Operation.MAX, [largest, least])
        times = self._new(mean, Operation.DIV, [self._constant(size, mean.source), largest])
        factor = self._new(mean, Operation.FLOOR, [times], is_whole=True)
        return size, factor, self._viewed_like(shown, factor)

    def _viewed_like(self, shown: RealNode, place: int) -> int:
        """A node's elements by the view that another is, if it is one."""
        if shown.operation is not Operation.VIEW:
            return place
        return self._add(replace(shown, inputs=(place,), is_whole=self.nodes[place].is_whole))

    def _viewed(self, shown: int, place: int) -> int:
        return self._viewed_like(self._old[shown], place)
