"""Programs: values in order, checked as a whole when put together. A `Program` that exists is valid."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anh_rollup.encoding.artifacts import ProgramHeader
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.encoding.tensors import Shape, TensorTree
from anh_rollup.primitives import Digest
from anh_rollup.tensor.errors import ProgramRefusedError
from anh_rollup.tensor.opcodes import check_attributes, check_input_count
from anh_rollup.tensor.ranges import Interval, raw_interval
from anh_rollup.tensor.records import encode_value
from anh_rollup.tensor.shapes import infer_shape, term_count
from anh_rollup.tensor.values import SOURCES, Kind, Value

__all__ = ["MOST_VALUES", "Interval", "Kind", "Program", "Tensor", "Value"]

#: Elements of a tensor, row-major.
Tensor = NDArray[np.int32]

#: More than any network needs, few enough that checking a program stays a matter of seconds.
MOST_VALUES: Final = 65_536

#: How many of a kind a program's header and records can count (docs/tensor-programs.md).
_MOST_SOURCES: Final = {Kind.FIELD: 255, Kind.ANSWER: 255, Kind.PARAMETER: 65_536}


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A valid tensor program. Two programs are equal where their roots are.

    Attributes:
        values: Every value in order; an id is a place in this list; the last one is the output.
        constants: The tensors that CONSTANT values name, by tensor root; read-only int32 arrays.
        intervals: For every value where its elements provably lie, inside its own [low, high].
        records: The byte record of every value.
        tree: The tree over the records' hashes, for proofs that a record is the program's.
        header: The preimage of the program root.

    Raises:
        ProgramError: A subtype says what is wrong: order, indices, shapes, attributes or ranges.
    """

    values: tuple[Value, ...]
    constants: Mapping[bytes, Tensor] = field(default_factory=dict)
    intervals: tuple[Interval, ...] = field(init=False, repr=False)
    records: tuple[bytes, ...] = field(init=False, repr=False)
    tree: MerkleTree = field(init=False, repr=False)
    header: ProgramHeader = field(init=False)
    _sources: Mapping[Kind, tuple[int, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not 1 <= len(self.values) <= MOST_VALUES:
            raise ProgramRefusedError(f"{len(self.values)} values, expected 1 to {MOST_VALUES}")
        sources = {kind: _numbered(self.values, kind) for kind in SOURCES}
        constants = _frozen_constants(self.values, self.constants)
        extremes = {root: Interval(int(each.min()), int(each.max())) for root, each in constants.items()}
        _check_constants(self.values, constants, extremes)
        intervals = _proven_intervals(self.values, extremes)
        records = tuple(encode_value(value, self._shapes(value)) for value in self.values)
        tree = MerkleTree([keccak256(record) for record in records])
        fields, answers, parameters = (len(sources[kind]) for kind in SOURCES)
        header = ProgramHeader(len(records), fields, answers, parameters, tree.root)
        for name, content in (
            ("constants", MappingProxyType(constants)),
            ("intervals", intervals),
            ("records", records),
            ("tree", tree),
            ("header", header),
            ("_sources", MappingProxyType(sources)),
        ):
            object.__setattr__(self, name, content)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Program) and other.root == self.root

    def __hash__(self) -> int:
        return hash(self.root)

    @property
    def root(self) -> Digest:
        """The program root, which commits to every value and constant."""
        return self.header.root

    @property
    def fields(self) -> tuple[Value, ...]:
        """The sample fields, by index."""
        return tuple(self.values[each] for each in self._sources[Kind.FIELD])

    @property
    def answers(self) -> tuple[Value, ...]:
        """The answers, by index."""
        return tuple(self.values[each] for each in self._sources[Kind.ANSWER])

    @property
    def parameters(self) -> tuple[Value, ...]:
        """The parameters, by index."""
        return tuple(self.values[each] for each in self._sources[Kind.PARAMETER])

    @property
    def output(self) -> Value:
        """The last value."""
        return self.values[-1]

    def source_ids(self, kind: Kind) -> tuple[int, ...]:
        """The value ids of all fields, answers or parameters, by index."""
        return self._sources[kind]

    def input_shapes(self, value: int) -> tuple[Shape, ...]:
        """The shapes of the inputs of the value with this id."""
        return self._shapes(self.values[value])

    def terms(self, value: int) -> int:
        """K: how many terms an element of the value with this id folds; 1 where it folds none."""
        opcode = self.values[value].opcode
        if opcode is None:
            return 1
        return term_count(opcode, self.input_shapes(value), self.values[value].attributes)

    def _shapes(self, value: Value) -> tuple[Shape, ...]:
        return tuple(self.values[each].shape for each in value.inputs)


def _numbered(values: tuple[Value, ...], kind: Kind) -> tuple[int, ...]:
    """Ids of the values of a kind by index. Raises where an index is missing or stands twice."""
    ids = sorted(
        (each for each, value in enumerate(values) if value.kind is kind), key=lambda each: values[each].index
    )
    indices = [values[each].index for each in ids]
    name = kind.name.lower()
    if len(ids) > _MOST_SOURCES[kind]:
        raise ProgramRefusedError(f"{len(ids)} {name}s, at most {_MOST_SOURCES[kind]} are allowed")
    if indices != list(range(len(ids))):
        raise ProgramRefusedError(f"{name} indices {indices} are not 0 to {len(ids) - 1}, each once")
    return tuple(ids)


def _frozen_constants(values: tuple[Value, ...], given: Mapping[bytes, Tensor]) -> dict[bytes, Tensor]:
    """The constants in order of first use, as read-only copies that match their roots."""
    used = dict.fromkeys(value.constant for value in values if value.kind is Kind.CONSTANT)
    if used.keys() != given.keys():
        raise ProgramRefusedError(f"{len(given)} constant tensors, {len(used)} different ones are named")
    return {root: _frozen(root, given[root]) for root in used}


def _check_constants(
    values: tuple[Value, ...], constants: Mapping[bytes, Tensor], extremes: Mapping[bytes, Interval]
) -> None:
    """Each use of a constant declares its shape, and a range that holds its elements."""
    for value in values:
        if value.kind is Kind.CONSTANT:
            tensor, found = constants[value.constant], extremes[value.constant]
            if tensor.shape != value.shape:
                raise ProgramRefusedError(f"a constant of shape {tensor.shape}, declared {value.shape}")
            if found.low < value.low or found.high > value.high:
                raise ProgramRefusedError(
                    f"a constant's elements in [{found.low}, {found.high}],"
                    f" declared [{value.low}, {value.high}]"
                )


def _frozen(root: bytes, tensor: Tensor) -> Tensor:
    if tensor.dtype != np.int32:
        raise ProgramRefusedError(f"a constant of type {tensor.dtype}, expected int32")
    if TensorTree(tensor).root != root:
        raise ProgramRefusedError("a constant's elements do not have its root")
    copy = np.array(tensor, dtype=np.int32, order="C")
    copy.setflags(write=False)
    return copy


def _proven_intervals(values: tuple[Value, ...], extremes: Mapping[bytes, Interval]) -> tuple[Interval, ...]:
    """Checks every value against those before it and returns where its elements lie."""
    intervals: list[Interval] = []
    for each, value in enumerate(values):
        if value.kind is Kind.CONSTANT:
            intervals.append(extremes[value.constant])
        elif value.opcode is None:
            intervals.append(Interval(value.low, value.high))
        else:
            intervals.append(_instruction_interval(each, values, intervals))
    return tuple(intervals)


def _instruction_interval(each: int, values: tuple[Value, ...], intervals: list[Interval]) -> Interval:
    value = values[each]
    if value.opcode is None or any(not 0 <= source < each for source in value.inputs):
        raise ProgramRefusedError(f"value {each} has inputs {value.inputs}, expected ids below {each}")
    shapes = [values[source].shape for source in value.inputs]
    check_attributes(value.opcode, value.attributes)
    check_input_count(value.opcode, value.attributes, len(shapes))
    infer_shape(value.opcode, shapes, value.attributes, value.shape)
    inputs = [intervals[source] for source in value.inputs]
    bounds = Interval(value.low, value.high)
    return raw_interval(value.opcode, value.attributes, shapes, inputs, bounds).clamp(value.low, value.high)
