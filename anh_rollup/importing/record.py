"""The record of a network: the instructions of tensor programs, on real numbers, in order.

A record stands between an ONNX graph and a program: shapes are fixed and operators are gone, number formats
are not chosen yet. `real_evaluation` evaluates it in float64, which checks the lowering by itself and shows
ranges; `emission` replays it into a `ProgramBuilder`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anh_rollup.encoding.tensors import Shape

#: Real numbers, row-major.
Reals = NDArray[np.float64]


class Operation(StrEnum):
    """What a node of a record computes; the counterparts of the instructions in docs/tensor-programs.md."""

    FIELD = "FIELD"
    CONSTANT = "CONSTANT"
    MATMUL = "MATMUL"
    CONV = "CONV"
    ADD = "ADD"
    SUB = "SUB"
    MUL = "MUL"
    DIV = "DIV"
    SQRT = "SQRT"
    ABS = "ABS"
    MIN = "MIN"
    MAX = "MAX"
    COMPARE = "COMPARE"
    SELECT = "SELECT"
    FUNCTION = "FUNCTION"
    CLAMP = "CLAMP"
    FLOOR = "FLOOR"
    SUM = "SUM"
    LARGEST = "LARGEST"
    ARGMAX = "ARGMAX"
    VIEW = "VIEW"
    PAD = "PAD"
    CONCAT = "CONCAT"
    GATHER = "GATHER"


#: The bounds of what is not saturated.
UNBOUNDED: Final = (-inf, inf)


@dataclass(frozen=True, slots=True)
class Function:
    """A function of one real number, which becomes a table.

    Attributes:
        name: For people.
        apply: The function, element by element, on float64.
        flat: Outside of this interval it is constant, as far as anyone can see; infinite where it is not.
        of_root: Whether it is twice itself at the root of its argument, as a logarithm is.
    """

    name: str
    apply: Callable[[Reals], Reals]
    flat: tuple[float, float] = (-inf, inf)
    of_root: bool = False

    def __call__(self, x: Reals) -> Reals:
        """The function, element by element."""
        return self.apply(np.clip(x, *self.flat))


@dataclass(frozen=True, slots=True, eq=False)
class RealNode:
    """One node of a record.

    Attributes:
        operation: What it computes.
        shape: Its dimensions.
        inputs: Places of its inputs in the record, all before its own.
        attributes: Integers: of a MATMUL none; of a CONV the last nine of the instruction; of a COMPARE the
            relation; of reductions first axis and count; of VIEW, CONCAT and GATHER the instruction's; of a
            PAD the margins before; of a FIELD its index.
        array: A constant's elements.
        function: A FUNCTION's.
        bounds: Where its elements are saturated; a PAD's fill, twice.
        factor: What a SUM is multiplied by: 1, or one over the terms for a mean.
        is_whole: Whether all elements are integers.
        source: The node of the graph that it comes from.
        tie: Nodes with the same one, as those of a loop's rounds, get one range, so one format.
    """

    operation: Operation
    shape: Shape
    inputs: tuple[int, ...] = ()
    attributes: tuple[int, ...] = ()
    array: NDArray[Any] | None = None
    function: Function | None = None
    bounds: tuple[float, float] = UNBOUNDED
    factor: float = 1.0
    is_whole: bool = False
    source: str = ""
    tie: tuple[int, int] | None = None

    @property
    def group(self) -> tuple[object, ...] | None:
        """What nodes of one range have in common; None where a node has its own."""
        return None if self.tie is None else (self.tie, self.operation, self.shape)

    @property
    def is_weight(self) -> bool:
        """Whether a training may change it: a constant of several real numbers."""
        return self.array is not None and self.array.dtype.kind == "f" and self.array.size > 1

    @property
    def elements(self) -> Reals:
        """A constant's elements in float64."""
        return np.zeros(self.shape) if self.array is None else np.asarray(self.array, np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """An input of the network.

    Attributes:
        name: As the graph has it.
        shape: As the graph has it, with the dimension for samples that is always 1.
        is_whole: Whether it holds integers.
        is_truth: Whether it holds truth values.
        bounds: The least and the largest number of its type, where that is an integer of 8 or 16 bits.
    """

    name: str
    shape: Shape
    is_whole: bool
    is_truth: bool = False
    bounds: tuple[int, int] | None = None

    @property
    def sample_shape(self) -> Shape:
        """The shape of one sample: without a leading dimension of 1."""
        return self.shape[1:] if self.shape[:1] == (1,) else self.shape


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """A network with fixed shapes, on real numbers.

    Attributes:
        nodes: In order; every node is needed for the last one, which is the output, but for fields.
        fields: The inputs, by index.
        output_name: Name of the output in the graph.
    """

    nodes: tuple[RealNode, ...]
    fields: tuple[Field, ...]
    output_name: str

    def readers(self) -> list[list[int]]:
        """For each node the places of those that read it."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for place, node in enumerate(self.nodes):
            for source in set(node.inputs):
                found[source].append(place)
        return found
