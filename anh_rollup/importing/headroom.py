"""Ranges with headroom for a training, which changes weights, and so all that is computed with them."""

from collections.abc import Sequence
from typing import Final

from anh_rollup.importing.ranges import Range, clamped, propagated, together
from anh_rollup.importing.record import UNBOUNDED, Operation, RealNode, Record
from anh_rollup.importing.setting import Setting
from anh_rollup.importing.weights import reach

#: What has the numbers of what it reads.
_MOVED: Final = frozenset(
    {Operation.VIEW, Operation.PAD, Operation.CONCAT, Operation.GATHER, Operation.LARGEST}
)
#: What multiplies numbers that all may become larger, and what adds up such products.
_PRODUCTS: Final = frozenset({Operation.MUL, Operation.MATMUL})
_SUMS: Final = frozenset({Operation.ADD, Operation.SUB, Operation.SUM})
#: A product of what grows gets the headroom of so many factors at most (choice: a square's).
MOST_FACTORS: Final = 2
#: Where numbers are taken to lie that are all zero so far, as those behind weights of zero (choice).
_ASSUMED: Final = Range(-1.0, 1.0)


def with_headroom(record: Record, ranges: Sequence[Range], setting: Setting) -> list[Range]:
    """Wider ranges, but for what is an integer, and never wider than what holds for whatever weights.

    Args:
        record: A network.
        ranges: Where each node's numbers lie with the weights at hand.
        setting: How much headroom there is.
    """
    found: list[Range] = []
    enforced: list[Range] = []
    degrees: list[int] = []
    for node, before in zip(record.nodes, ranges, strict=True):
        at, proven = before, _proven(record, node, before, enforced)
        degrees.append(_degree(record, node, degrees))
        if node.is_weight:
            edge = reach(node.elements, setting)
            at = Range(-edge, edge)
        elif node.operation in _MOVED:
            at = propagated(node, [found[each] for each in node.inputs], _sources(record, node))
        elif node.inputs and not node.is_whole:
            wide = (before if before.magnitude else _ASSUMED).widened(setting.headroom ** degrees[-1])
            at = wide.within(proven)
        found.append(at)
        enforced.append(clamped(at, proven))
    return together(record, found)


def _sources(record: Record, node: RealNode) -> list[RealNode]:
    return [record.nodes[each] for each in node.inputs]


def _proven(record: Record, node: RealNode, at: Range, enforced: Sequence[Range]) -> Range:
    """Where a node's elements lie for all weights, as far as its inputs' ranges tell."""
    sources = _sources(record, node)
    if not sources:
        return Range(*UNBOUNDED) if node.is_weight else at
    if any(each.is_weight for each in sources):
        return Range(*node.bounds)
    return propagated(node, [enforced[each] for each in node.inputs], sources)


def _degree(record: Record, node: RealNode, degrees: Sequence[int]) -> int:
    """How many factors that a training changes a node multiplies."""
    known = [each.operation is Operation.CONSTANT for each in _sources(record, node)]
    own = [degrees[each] for each, one in zip(node.inputs, known, strict=True) if not one]
    if node.operation in _PRODUCTS:
        return min(sum(own), MOST_FACTORS)
    return max(own, default=1) if node.operation in _SUMS | _MOVED else 1
