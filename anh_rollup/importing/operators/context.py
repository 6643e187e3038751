"""What a handler knows of its node."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, helper

from anh_rollup.importing.errors import KnownValueNeededError, OnnxFileError, OperatorRefusedError
from anh_rollup.importing.onnx_file import MOST_NAME, array_of, node_name
from anh_rollup.importing.reals import Folding, Operand, Tensor

Array = NDArray[Any]
T = TypeVar("T")

#: Operators to which an input without elements means something: none of it, or that it is left out.
TAKES_EMPTY: Final = frozenset({"Concat", "Resize"})

#: Elements of an array that a handler makes of shapes, such as places or weights (choice).
MOST_PLACES: Final = 1 << 24

#: A handler gives a node's outputs; a single one as it is.
Handler = Callable[["Context"], Operand | tuple[Operand, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """One node, its inputs, and where its lowering is recorded.

    Attributes:
        node: The node.
        opset: Version of the operators.
        inputs: Its inputs; None for optional ones that are left out.
        reals: The recorder.
    """

    node: NodeProto
    opset: int
    inputs: list[Operand | None]
    reals: Folding

    def refuse(self, reason: str) -> OperatorRefusedError:
        """The error that says why this node is refused."""
        return OperatorRefusedError(self.node.op_type[:MOST_NAME], node_name(self.node), reason)

    def unknown(self, value: Tensor, name: str) -> KnownValueNeededError:
        """The error that says that a value, by this name, has to be known."""
        reason = f"its {name} depends on the network's input"
        fields = self.reals.fields_behind(value.place)
        return KnownValueNeededError(self.node.op_type[:MOST_NAME], node_name(self.node), reason, fields)

    def has(self, place: int) -> bool:
        """Whether an input is there."""
        return place < len(self.inputs) and self.inputs[place] is not None

    def operand(self, place: int) -> Operand:
        """An input."""
        found = self.inputs[place] if place < len(self.inputs) else None
        if found is None:
            raise self.refuse(f"input {place} is missing")
        return found

    def tensor(self, place: int) -> Tensor:
        """An input as a tensor, be it known or not."""
        return self.reals.as_tensor(self.operand(place))

    def refuse_empty(self) -> None:
        """Refuses inputs without elements, and known ones that are no numbers.

        Raises:
            OperatorRefusedError: There is one.
        """
        for each in self.inputs:
            if each is not None and 0 in each.shape and self.node.op_type not in TAKES_EMPTY:
                raise self.refuse("an input without elements")
            if isinstance(each, np.ndarray) and each.dtype.kind not in "fiub":
                raise self.refuse(f"a known input of type {each.dtype}")

    def padded(self, x: Tensor, margins: Sequence[tuple[int, int]], fill: float) -> Tensor:
        """Puts (before, after) elements around x on each axis; negative margins cut.

        Raises:
            OperatorRefusedError: Nothing is left along an axis.
        """
        self.refuse_nothing([a + size + b for size, (a, b) in zip(x.shape, margins, strict=True)])
        return self.reals.padded(x, margins, fill)

    def refuse_nothing(self, shape: Sequence[int]) -> None:
        """Refuses a shape of which nothing is left.

        Raises:
            OperatorRefusedError: A dimension is below 1.
        """
        if min(shape, default=1) < 1:
            raise self.refuse(f"nothing is left in shape {list(shape)[:8]}")

    def bound(self, *sizes: int) -> None:
        """Refuses to make an array of these sizes if that is too large.

        Raises:
            OperatorRefusedError: It has more than `MOST_PLACES` elements.
        """
        if prod(max(0, size) for size in sizes) > MOST_PLACES:
            raise self.refuse(f"more than {MOST_PLACES} places or weights")

    def indices(self, shape: Sequence[int]) -> list[Array]:
        """For each axis of a shape, the index along it of each of its places."""
        self.bound(len(shape), *shape)
        return list(np.indices(tuple(shape)))

    def array(self, place: int, name: str) -> Array:
        """An input that must be known, such as a shape."""
        found = self.operand(place)
        if isinstance(found, Tensor):
            raise self.unknown(found, name)
        return found

    def integers(self, place: int, name: str) -> list[int]:
        """A known list of integers."""
        array = self.array(place, name)
        if array.dtype.kind not in "iu":
            raise self.refuse(f"its {name} are no integers")
        return [int(each) for each in array.reshape(-1)]

    def listed(self, place: int, name: str, since: int) -> list[int]:
        """A known list of integers that was an attribute before an opset; empty where it is left out."""
        if self.opset < since:
            return self.attribute(name, list[int]())
        return self.integers(place, name) if self.has(place) else []

    def optional(self, place: int, name: str) -> Array | None:
        """An input that must be known if it is there."""
        return self.array(place, name) if self.has(place) else None

    def attribute(self, name: str, default: T) -> T:
        """An attribute of the type of its default.

        Raises:
            OperatorRefusedError: It has another type.
        """
        for each in self.node.attribute:
            if each.name == name:
                value: Any = helper.get_attribute_value(each)
                value = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
                value = list(value) if isinstance(default, list) else value
                if default is not None and not isinstance(value, (type(default), int)):
                    raise self.refuse(f"attribute {name} is a {type(value).__name__}")
                return cast(T, value)
        return default

    def dtype(self, name: str) -> np.dtype[Any]:
        """A type that an attribute names; float32 where it is left out."""
        return np.dtype(helper.tensor_dtype_to_np_dtype(self.attribute(name, 1)))

    def constant(self, name: str) -> Array | None:
        """An attribute that is a tensor."""
        for each in self.node.attribute:
            if each.name == name and each.HasField("t"):
                return array_of(each.t)
        return None

    def graph(self, name: str) -> GraphProto:
        """An attribute that is a graph.

        Raises:
            OnnxFileError: It is missing.
        """
        for each in self.node.attribute:
            if each.name == name and each.HasField("g"):
                graph: GraphProto = each.g
                return graph
        raise OnnxFileError(f"{self.node.op_type[:MOST_NAME]} {node_name(self.node)!r} has no {name}")

    def axis(self, rank: int, default: int, name: str = "axis") -> int:
        """The attribute `axis`, counted from the start."""
        return self.placed(self.attribute(name, default), rank)

    def placed(self, axis: int, rank: int) -> int:
        """An axis counted from the start."""
        if not -rank <= axis < rank:
            raise self.refuse(f"axis {axis} of a tensor with {rank} axes")
        return axis % rank

    def axes(self, rank: int, place: int, default: Sequence[int]) -> list[int]:
        """Axes that are an input or an attribute, counted from the start, ascending."""
        given: Sequence[int]
        if self.has(place):
            given = self.integers(place, "axes")
        else:
            given = self.attribute("axes", list[int]()) or default
        return sorted({self.placed(int(axis), rank) for axis in given})


def real(array: Array) -> Array:
    """A known array in float64, for weights."""
    return np.asarray(array, np.float64)
