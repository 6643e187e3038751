"""What readers of a value can tell apart: beyond it, a value may as well saturate.

A function that is flat beyond some argument asks for no format wider than that, nor does a sum that it reads
for a wider term: a GELU's tanh reads a cube that is a thousand times as large as what it sees.
"""

from collections.abc import Sequence
from math import inf
from typing import Final

from anh_rollup.importing.ranges import Range
from anh_rollup.importing.record import UNBOUNDED, Operation, RealNode

EVERYTHING: Final = Range(*UNBOUNDED)
_NOTHING: Final = Range(inf, -inf)


def interests(nodes: Sequence[RealNode], ranges: Sequence[Range]) -> list[Range]:
    """For each node where its elements may be saturated without any difference to the last node.

    Args:
        nodes: Of a record, in order.
        ranges: Where the elements of each lie.
    """
    found = [_NOTHING] * len(nodes)
    found[-1] = EVERYTHING
    for place in range(len(nodes) - 1, -1, -1):
        node = nodes[place]
        own = found[place] if node.bounds == UNBOUNDED else _common(found[place], Range(*node.bounds))
        for source in set(node.inputs):
            found[source] = found[source].union(_asked(nodes, ranges, node, own, source))
    return found


def _common(a: Range, b: Range) -> Range:
    low, high = max(a.low, b.low), min(a.high, b.high)
    return Range(low, high) if low < high else b


def _asked(
    nodes: Sequence[RealNode], ranges: Sequence[Range], node: RealNode, own: Range, source: int
) -> Range:
    """What one reader can tell apart of a source, if of its own result that is `own`."""
    if node.operation is Operation.FUNCTION and node.function is not None:
        return Range(*node.function.flat)
    if node.operation in (Operation.VIEW, Operation.CLAMP):
        return own
    if len(node.inputs) != 2 or node.inputs[0] == node.inputs[1]:
        return EVERYTHING
    other = node.inputs[node.inputs[0] == source]
    if node.operation is Operation.MUL and nodes[other].operation is Operation.CONSTANT:
        factors = nodes[other].elements
        if factors.size and factors.min() > 0:
            least, most = float(factors.min()), float(factors.max())
            return Range(
                own.low / (least if own.low < 0 else most), own.high / (least if own.high > 0 else most)
            )
    if node.operation is Operation.ADD or (node.operation is Operation.SUB and source == node.inputs[0]):
        at = (
            ranges[other]
            if node.operation is Operation.ADD
            else Range(-ranges[other].high, -ranges[other].low)
        )
        return Range(own.low - at.high, own.high - at.low)
    return EVERYTHING
