"""A value of a program under construction, which reads like a number in formulas."""

from dataclasses import dataclass
from typing import Protocol, Union

from anh_rollup.encoding.tensors import Shape
from anh_rollup.tensor.errors import ShapeRefusedError
from anh_rollup.tensor.opcodes import Relation
from anh_rollup.tensor.ranges import Interval
from anh_rollup.tensor.values import Value

Operand = Union["Node", int, float]


class Calculator(Protocol):
    """What a node asks of its builder when it stands in a formula."""

    def add(self, a: Operand, b: Operand) -> "Node":
        """Sum a + b."""
        ...

    def sub(self, a: Operand, b: Operand) -> "Node":
        """Difference a - b."""
        ...

    def mul(self, a: Operand, b: Operand) -> "Node":
        """Product a * b."""
        ...

    def abs(self, x: "Node") -> "Node":
        """The magnitude."""
        ...

    def matmul(self, a: "Node", b: "Node") -> "Node":
        """Matrix product a @ b."""
        ...

    def compare(self, a: Operand, relation: Relation, b: Operand) -> "Node":
        """1 where the relation holds, else 0."""
        ...

    def index(self, x: "Node", key: tuple[int | slice, ...]) -> "Node":
        """x[key]."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One value of a program under construction.

    Attributes:
        builder: The builder that it belongs to.
        id: Its place in the program.
        value: The value itself.
        interval: Where its elements provably lie.
    """

    builder: Calculator
    id: int
    value: Value
    interval: Interval

    @property
    def shape(self) -> Shape:
        """Its dimensions."""
        return self.value.shape

    @property
    def scale(self) -> int:
        """Its fraction bits: an element stands for element / 2^scale."""
        return self.value.scale

    def axis(self, axis: int) -> int:
        """An axis counted from the end where it is negative, as one counted from the start."""
        rank = len(self.shape)
        if not -rank <= axis < rank:
            raise ShapeRefusedError(self.value.name, f"axis {axis} of shape {self.shape}")
        return axis % rank

    def __add__(self, other: Operand) -> "Node":
        return self.builder.add(self, other)

    def __radd__(self, other: Operand) -> "Node":
        return self.builder.add(other, self)

    def __sub__(self, other: Operand) -> "Node":
        return self.builder.sub(self, other)

    def __rsub__(self, other: Operand) -> "Node":
        return self.builder.sub(other, self)

    def __mul__(self, other: Operand) -> "Node":
        return self.builder.mul(self, other)

    def __rmul__(self, other: Operand) -> "Node":
        return self.builder.mul(other, self)

    def __matmul__(self, other: "Node") -> "Node":
        return self.builder.matmul(self, other)

    def __neg__(self) -> "Node":
        return self.builder.sub(0, self)

    def __abs__(self) -> "Node":
        return self.builder.abs(self)

    def __lt__(self, other: Operand) -> "Node":
        return self.builder.compare(self, Relation.LESS, other)

    def __le__(self, other: Operand) -> "Node":
        return self.builder.compare(self, Relation.LESS_OR_EQUAL, other)

    def __gt__(self, other: Operand) -> "Node":
        return self.builder.compare(self, Relation.GREATER, other)

    def __ge__(self, other: Operand) -> "Node":
        return self.builder.compare(self, Relation.GREATER_OR_EQUAL, other)

    def __getitem__(self, key: int | slice | tuple[int | slice, ...]) -> "Node":
        return self.builder.index(self, key if isinstance(key, tuple) else (key,))

    def __iter__(self) -> None:
        raise TypeError("a node does not iterate; take x[i] for each i")
