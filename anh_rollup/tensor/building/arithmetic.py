"""Element-wise operations: sums, products, comparisons, choices. Scales are aligned without being asked."""

from collections.abc import Sequence

from anh_rollup.tensor.building.core import InstructionList
from anh_rollup.tensor.building.node import Node, Operand
from anh_rollup.tensor.opcodes import Opcode, Relation


class Arithmetic(InstructionList):
    """Element-wise operations; two operands broadcast as numpy's do."""

    def add(
        self,
        a: Operand,
        b: Operand,
        *,
        scale: int | None = None,
        low: int | None = None,
        high: int | None = None,
    ) -> Node:
        """Sum a + b. The result has the larger of the two scales unless `scale` says otherwise."""
        return self._weighted(Opcode.ADD, a, b, scale, (low, high))

    def sub(
        self,
        a: Operand,
        b: Operand,
        *,
        scale: int | None = None,
        low: int | None = None,
        high: int | None = None,
    ) -> Node:
        """Difference a - b. The result has the larger of the two scales unless `scale` says otherwise."""
        return self._weighted(Opcode.SUB, a, b, scale, (low, high))

    def mul(
        self,
        a: Operand,
        b: Operand,
        *,
        scale: int | None = None,
        low: int | None = None,
        high: int | None = None,
    ) -> Node:
        """Product a * b. Its scale is that of a node multiplied by a number, else the larger of the two."""
        first, second = self._factor(a), self._factor(b)
        nodes = [operand.scale for operand in (a, b) if isinstance(operand, Node)]
        wanted = max(nodes or [first.scale]) if scale is None else scale
        shift = first.scale + second.scale - wanted
        return self.emit(Opcode.MUL, (first, second), (shift,), scale=wanted, low=low, high=high)

    def square(
        self, x: Node, *, scale: int | None = None, low: int | None = 0, high: int | None = None
    ) -> Node:
        """Product x * x, at least 0."""
        return self.mul(x, x, scale=scale, low=low, high=high)

    def div(
        self,
        a: Operand,
        b: Operand,
        *,
        scale: int | None = None,
        low: int | None = None,
        high: int | None = None,
    ) -> Node:
        """Quotient a / b rounded down; `high`, `low` or 0 where b is 0. It has the scale of a unless told."""
        first, second = self._like(a, b), self._factor(b)
        wanted = first.scale if scale is None else scale
        # The quotient of the integers has scale first - second; the power moves it to the wanted one.
        power = wanted - first.scale + second.scale
        if power < 0:
            first, power = self.rescale(first, first.scale + power), 0
        return self.emit(Opcode.DIV, (first, second), (power,), scale=wanted, low=low, high=high)

    def sqrt(self, x: Node, *, scale: int | None = None) -> Node:
        """The square root, rounded down; 0 of what is negative. The result has the scale of x unless told."""
        wanted = x.scale if scale is None else scale
        power = 2 * wanted - x.scale
        if power < 0:
            x, power = self.rescale(x, 2 * wanted), 0
        return self.emit(Opcode.SQRT, (x,), (power,), scale=wanted)

    def rescale(self, x: Node, scale: int) -> Node:
        """The same numbers with another count of fraction bits, rounded half up; x itself where it has it."""
        if x.scale == scale:
            return x
        return self.emit(Opcode.SHIFT, (x,), (x.scale - scale,), scale=scale, saturate=False)

    def clamp(self, x: Node, *, low: int | None = None, high: int | None = None) -> Node:
        """Saturates x at `low` and `high`, in integer units."""
        return self.emit(Opcode.SHIFT, (x,), (0,), scale=x.scale, low=low, high=high, saturate=False)

    def relu(self, x: Node) -> Node:
        """max(x, 0). A linear operation with low=0 does the same in one instruction less."""
        return self.clamp(x, low=0)

    def abs(self, x: Node) -> Node:
        """The magnitude."""
        return self.emit(Opcode.ABS, (x,), scale=x.scale, saturate=False)

    def minimum(self, a: Operand, b: Operand) -> Node:
        """The smaller of two."""
        return self._joined(Opcode.MIN, a, b)

    def maximum(self, a: Operand, b: Operand) -> Node:
        """The larger of two."""
        return self._joined(Opcode.MAX, a, b)

    def compare(self, a: Operand, relation: Relation, b: Operand) -> Node:
        """1 where the relation holds, else 0, with scale 0."""
        nodes = self.aligned((self._like(a, b), self._like(b, a)))
        return self.emit(Opcode.COMPARE, nodes, (relation,))

    def equal(self, a: Operand, b: Operand) -> Node:
        """1 where two are the same, else 0."""
        return self.compare(a, Relation.EQUAL, b)

    def where(self, condition: Node, a: Operand, b: Operand) -> Node:
        """Takes a where the condition is not 0, else b."""
        chosen = self.aligned((self._like(a, b), self._like(b, a)))
        return self.emit(Opcode.SELECT, (condition, *chosen), scale=chosen[0].scale, saturate=False)

    def aligned(self, nodes: Sequence[Node]) -> list[Node]:
        """The nodes with their largest scale."""
        scale = max(node.scale for node in nodes)
        return [self.rescale(node, scale) for node in nodes]

    def _joined(self, opcode: Opcode, a: Operand, b: Operand) -> Node:
        nodes = self.aligned((self._like(a, b), self._like(b, a)))
        return self.emit(opcode, nodes, scale=nodes[0].scale, saturate=False)

    def _weighted(
        self,
        opcode: Opcode,
        a: Operand,
        b: Operand,
        scale: int | None,
        bounds: tuple[int | None, int | None],
    ) -> Node:
        first, second = self._like(a, b), self._like(b, a)
        common = max(first.scale, second.scale)
        wanted = common if scale is None else scale
        attributes = (common - first.scale, common - second.scale, common - wanted)
        return self.emit(opcode, (first, second), attributes, scale=wanted, low=bounds[0], high=bounds[1])
