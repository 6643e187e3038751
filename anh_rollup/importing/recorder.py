"""Putting a record together, node by node; views of views become one view."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anh_rollup.encoding.tensors import Shape
from anh_rollup.importing.errors import OperatorRefusedError
from anh_rollup.importing.record import Field, Operation, RealNode, Record
from anh_rollup.importing.views import View, composed, flat, transposition
from anh_rollup.tensor.building.movement import row_major
from anh_rollup.tensor.program import MOST_VALUES

#: Elements of one value that is not stored in the file, and of all values of a sample (choices).
MOST_ELEMENTS: Final = 1 << 27
MOST_TOGETHER: Final = 1 << 33
#: Elements of all constants (choice).
MOST_CONSTANT: Final = 1 << 29

#: What has the format of what it reads, or none; a round may have more or fewer of them than the next.
_UNTIED: Final = frozenset({Operation.CONSTANT, Operation.VIEW})


class Recorder:
    """Nodes in the order in which they were added. Places of nodes are what operations take and give.

    Attributes:
        source: The node of the graph that is being lowered; new nodes take its name.
    """

    def __init__(self) -> None:
        self.source = ""
        self._tie: tuple[int, int] | None = None
        self._nodes: list[RealNode] = []
        self._elements = 0
        self._constant_elements = 0
        self._fields: list[Field] = []
        self._constants: dict[tuple[Shape, str, bytes], int] = {}

    def node(self, place: int) -> RealNode:
        """The node at a place."""
        return self._nodes[place]

    def shape(self, place: int) -> Shape:
        """The shape of the node at a place."""
        return self._nodes[place].shape

    def add(self, operation: Operation, shape: Shape, inputs: Sequence[int] = (), **rest: Any) -> int:
        """Adds a node with these fields of `RealNode`.

        Raises:
            OperatorRefusedError: It would be too large, or there are too many.
        """
        self._check_size(operation, shape)
        tie = None if operation in _UNTIED else self._tie
        self._nodes.append(
            RealNode(operation, tuple(shape), tuple(inputs), source=self.source, tie=tie, **rest)
        )
        self._tie = self._tie if tie is None else (tie[0], tie[1] + 1)
        return len(self._nodes) - 1

    def _check_size(self, operation: Operation, shape: Shape) -> None:
        size = prod(shape)
        if operation is not Operation.CONSTANT and size > MOST_ELEMENTS:
            raise self._too_large(f"a value of {size} elements, {MOST_ELEMENTS} are the most")
        self._elements += size
        if len(self._nodes) >= MOST_VALUES or self._elements > MOST_TOGETHER:
            raise self._too_large(f"more than {MOST_VALUES} values, or {MOST_TOGETHER} elements of them")

    def _too_large(self, reason: str) -> OperatorRefusedError:
        return OperatorRefusedError("a network", self.source, reason)

    @contextmanager
    def round(self, loop: int) -> Iterator[None]:
        """One round of a loop: what it adds is tied to what other rounds of the same loop add in its place.

        Args:
            loop: A number of the loop's own, as `count` before its first round.
        """
        outer, self._tie = self._tie, (loop, 0)
        try:
            yield
        finally:
            self._tie = outer

    @property
    def count(self) -> int:
        """How many nodes there are."""
        return len(self._nodes)

    def fields_behind(self, place: int) -> tuple[str, ...]:
        """Names of the inputs that a node depends on."""
        wanted = {place}
        for at in range(place, -1, -1):
            if at in wanted:
                wanted.update(self._nodes[at].inputs)
        nodes = [self._nodes[at] for at in sorted(wanted)]
        return tuple(
            self._fields[each.attributes[0]].name for each in nodes if each.operation is Operation.FIELD
        )

    def field(self, field: Field) -> int:
        """Adds the next input of the network; its node has the shape of one sample."""
        index = len(self._fields)
        self._fields.append(field)
        return self.add(Operation.FIELD, field.sample_shape, attributes=(index,), is_whole=field.is_whole)

    def constant(self, array: NDArray[Any]) -> int:
        """Adds a constant, or finds the same one."""
        array = np.ascontiguousarray(array)
        key = (
            array.shape,
            array.dtype.str,
            array.tobytes() if array.size <= 4096 else id(array).to_bytes(8, "big"),
        )
        if key not in self._constants:
            self._constant_elements += array.size
            if self._constant_elements > MOST_CONSTANT:
                raise self._too_large(f"constants of more than {MOST_CONSTANT} elements together")
            whole = array.dtype.kind in "iub"
            self._constants[key] = self.add(Operation.CONSTANT, array.shape, array=array, is_whole=whole)
        return self._constants[key]

    def view(self, x: int, shape: Shape, view: View) -> int:
        """Elements of a node by a map, read as a shape; no node where all stay where they are."""
        node = self._nodes[x]
        view = view.simplified()
        if node.operation is Operation.VIEW:
            joined = composed(View.of(node.attributes), view)
            if joined is not None:
                return self.view(node.inputs[0], shape, joined)
        same = view.is_identity and prod(view.dims) == prod(node.shape)
        if same and node.shape == tuple(shape):
            return x
        if node.operation is Operation.CONSTANT and node.array is not None:
            if prod(shape) > max(MOST_ELEMENTS, node.array.size):
                raise self._too_large(f"a constant of {prod(shape)} elements, {MOST_ELEMENTS} are the most")
            return self.constant(_taken(node.array, shape, view))
        whole = node.is_whole
        return self.add(Operation.VIEW, shape, (x,), attributes=view.attributes, is_whole=whole)

    def reshape(self, x: int, shape: Shape) -> int:
        """The same elements in another shape."""
        return self.view(x, shape, flat(self.shape(x)))

    def transpose(self, x: int, order: Sequence[int], shape: Shape | None = None) -> int:
        """The axes in another order, read as a shape."""
        own = self.shape(x)
        wanted = tuple(own[axis] for axis in order) if shape is None else shape
        return self.view(x, wanted, transposition(own, order))

    def finish(self, output: int, name: str) -> Record:
        """The record whose output is this node; what it does not need is left out, but for fields."""
        if self._nodes[output].operation in (Operation.FIELD, Operation.CONSTANT):
            whole, shape = self._nodes[output].is_whole, self.shape(output)
            view = View(0, shape, row_major(shape))
            output = self.add(Operation.VIEW, shape, (output,), attributes=view.attributes, is_whole=whole)
        return trimmed(Record(tuple(self._nodes[: output + 1]), tuple(self._fields), name))


def trimmed(record: Record) -> Record:
    """The record without the nodes that its output does not need; fields stay."""
    needed = {len(record.nodes) - 1}
    for place in range(len(record.nodes) - 1, -1, -1):
        if place in needed:
            needed.update(record.nodes[place].inputs)
    kept = [
        place
        for place, node in enumerate(record.nodes)
        if place in needed or node.operation is Operation.FIELD
    ]
    places = {old: new for new, old in enumerate(kept)}
    nodes = tuple(
        replace(record.nodes[old], inputs=tuple(places[each] for each in record.nodes[old].inputs))
        for old in kept
    )
    return Record(nodes, record.fields, record.output_name)


def _taken(array: NDArray[Any], shape: Shape, view: View) -> NDArray[Any]:
    places = np.full((), view.offset, np.int64)
    for size, stride in zip(view.dims, view.strides, strict=True):
        places = places[..., None] + np.arange(size, dtype=np.int64) * stride
    return array.reshape(-1)[places.reshape(-1)].reshape(shape)
