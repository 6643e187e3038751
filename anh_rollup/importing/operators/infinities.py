"""Where a value is minus infinity, which no number format has: found from the constants that it is made of.

Attention writes masks as minus infinity and asks later which rows are masked as a whole. A mask's number is
replaced (`masks.py`), so such a question is answered by truth values that follow the same way as the mask.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from anh_rollup.importing.operators.context import Context, Handler
from anh_rollup.importing.reals import Folding, Operand, Tensor
from anh_rollup.importing.record import Operation, RealNode
from anh_rollup.tensor.opcodes import Relation

#: What only moves elements.
_MOVING: Final = frozenset({Operation.VIEW, Operation.CONCAT, Operation.GATHER, Operation.PAD})


def is_lowest(c: Context, x: Tensor) -> Tensor:
    """Whether elements are minus infinity.

    Raises:
        OperatorRefusedError: An infinite constant reaches x by a way on which it is not followed.
    """
    found = _Search(c).place(x.place)
    place = _falses(c.reals, c.reals.shape(x.place)) if found is None else found
    return replace(x, place=place, dtype=np.dtype(np.bool_))


def _falses(reals: Folding, shape: tuple[int, ...]) -> int:
    return reals.constant(np.zeros(shape, np.bool_))


class _Search:
    """Nodes of truth values for nodes of a record; None for those that are finite everywhere."""

    def __init__(self, c: Context) -> None:
        self._c, self._reals = c, c.reals
        self._found: dict[int, int | None] = {}

    def place(self, place: int) -> int | None:
        """The node that says where a node is minus infinity."""
        left = [place]
        while left:
            at = left[-1]
            missing = [each for each in self._reals.node(at).inputs if each not in self._found]
            if at not in self._found and not missing:
                self._found[at] = self._of(self._reals.node(at))
            left = left[:-1] if at in self._found else left + missing
        return self._found[place]

    def _of(self, node: RealNode) -> int | None:
        if node.operation is Operation.CONSTANT:
            lowest = np.isneginf(node.elements)
            return self._reals.constant(lowest) if lowest.any() else None
        inputs = [self._found[each] for each in node.inputs]
        if all(each is None for each in inputs):
            return None
        filled = [
            _falses(self._reals, self._reals.shape(own)) if each is None else each
            for own, each in zip(node.inputs, inputs, strict=True)
        ]
        if node.operation is Operation.ADD:
            return self._add(node, Operation.MAX, filled)
        if node.operation is Operation.SELECT and inputs[0] is None:
            return self._add(node, Operation.SELECT, [node.inputs[0], *filled[1:]])
        if node.operation in _MOVING and (node.operation is not Operation.GATHER or inputs[1] is None):
            moved = filled[:1] + list(node.inputs[1:]) if node.operation is Operation.GATHER else filled
            return self._add(node, node.operation, moved, node.attributes)
        if node.operation is Operation.LARGEST:
            ones = self._reals.constant(np.ones((), np.bool_))
            turned = self._reals.add(
                Operation.SUB, self._reals.shape(filled[0]), [ones, filled[0]], is_whole=True
            )
            finite = self._add(node, Operation.LARGEST, [turned], node.attributes)
            return self._add(node, Operation.SUB, [ones, finite])
        raise self._c.refuse(f"infinite numbers behind {node.operation} of node {node.source!r}")

    def _add(
        self, node: RealNode, operation: Operation, inputs: list[int], attributes: tuple[int, ...] = ()
    ) -> int:
        bounds = {"bounds": (0.0, 0.0)} if operation is Operation.PAD else {}
        return self._reals.add(operation, node.shape, inputs, attributes=attributes, is_whole=True, **bounds)


def is_infinite(c: Context) -> Operand:
    """Whether elements are infinite; only minus infinity is in networks, as a mask."""
    x = c.tensor(0)
    if not c.attribute("detect_negative", 1):
        return np.zeros(x.shape, np.bool_)
    return is_lowest(c, x)


def is_no_number(c: Context) -> Operand:
    """Whether elements are no numbers: none is where no infinite constant is before it."""
    x = c.tensor(0)
    if c.reals.node(is_lowest(c, x).place).operation is not Operation.CONSTANT:
        raise c.refuse("infinite numbers before it")
    return np.zeros(x.shape, np.bool_)


def equal(c: Context) -> Operand:
    """Whether two numbers are the same."""
    a, b = c.operand(0), c.operand(1)
    for x, y in ((a, b), (b, a)):
        if isinstance(x, Tensor) and not isinstance(y, Tensor) and y.size and np.isneginf(y).all():
            shape = np.broadcast_shapes(x.shape, y.shape)
            return c.reals.expanded(is_lowest(c, x), shape)
    return c.reals.compare(a, Relation.EQUAL, b)


INFINITIES: Final[dict[str, Handler]] = {"Equal": equal, "IsInf": is_infinite, "IsNaN": is_no_number}
