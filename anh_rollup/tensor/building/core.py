"""The heart of the builder: sources, constants, and instructions that are checked as they are added."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anh_rollup.encoding.checks import INT32_LEAST, INT32_MOST
from anh_rollup.encoding.tensors import Shape, TensorTree
from anh_rollup.tensor.building.node import Calculator, Node, Operand
from anh_rollup.tensor.errors import ProgramRefusedError
from anh_rollup.tensor.opcodes import Opcode, check_attributes, check_input_count
from anh_rollup.tensor.program import Program, Tensor
from anh_rollup.tensor.ranges import Interval, raw_interval
from anh_rollup.tensor.shapes import infer_shape
from anh_rollup.tensor.values import SOURCES, Kind, Value

#: Bits of a result whose bounds are not given: 24 bits keep products with 16-bit weights exact in float64 for
#: 2^13 terms, which is what the fast backends run on.
ACTIVATION_BITS: Final = 24
#: Bits of a parameter whose bounds are not given.
PARAMETER_BITS: Final = 16
#: Significant bits of a real factor in a formula, such as x * 0.3.
FACTOR_BITS: Final = 15


class ResultOptions(TypedDict, total=False):
    """How the result of an instruction is to be.

    Attributes:
        scale: Fraction bits of the result; 0 where not given.
        low, high: Bounds of the result, in integer units; where not given, what the inputs' ranges imply, cut
            to the activation bits.
        shape: Output shape; VIEW and PAD need it.
        saturate: False keeps bounds that are not given from being cut to the activation bits.
    """

    scale: int
    low: int | None
    high: int | None
    shape: Shape
    saturate: bool


class InstructionList(Calculator):
    """Values in the order in which they were added. `ProgramBuilder` adds the operations.

    Args:
        activation_bits: Results whose low or high is not given saturate at so many bits.
    """

    def __init__(self, *, activation_bits: int = ACTIVATION_BITS) -> None:
        self._default = Interval(-(1 << (activation_bits - 1)), (1 << (activation_bits - 1)) - 1)
        self._nodes: list[Node] = []
        self._constants: dict[bytes, Tensor] = {}
        self._counts = dict.fromkeys(SOURCES, 0)

    def field(self, shape: Shape, *, scale: int = 0, low: int = INT32_LEAST, high: int = INT32_MOST) -> Node:
        """The next field of a sample.

        Args:
            shape: Its dimensions.
            scale: Fraction bits of its elements.
            low: Least that an element may be, in integer units. Narrow ranges prove more.
            high: Most that an element may be.
        """
        return self._source(Kind.FIELD, shape, scale, low, high)

    def answer(self, shape: Shape, *, scale: int = 0, low: int = INT32_LEAST, high: int = INT32_MOST) -> Node:
        """The next field of an inference's answer; arguments as for `field`."""
        return self._source(Kind.ANSWER, shape, scale, low, high)

    def parameter(
        self, shape: Shape, *, scale: int = 0, low: int | None = None, high: int | None = None
    ) -> Node:
        """The next parameter; arguments as for `field`, but a range of 16 bits where none is given."""
        edge = 1 << (PARAMETER_BITS - 1)
        return self._source(
            Kind.PARAMETER, shape, scale, -edge if low is None else low, edge - 1 if high is None else high
        )

    def constant(self, elements: ArrayLike, *, scale: int = 0) -> Node:
        """A tensor that is part of the program.

        Args:
            elements: Integers, taken as they are; or reals, multiplied by 2^scale and rounded half up.
            scale: Fraction bits of the elements.

        Raises:
            ProgramRefusedError: Where an element is not finite or no int32.
        """
        tensor = _as_int32(_as_array(elements), scale)
        root = TensorTree(tensor).root
        self._constants.setdefault(root, tensor)
        low, high = int(tensor.min()), int(tensor.max())
        value = Value(Kind.CONSTANT, tensor.shape, low, high, scale, constant=root)
        return self._append(value, Interval(low, high))

    def emit(
        self,
        opcode: Opcode,
        inputs: Sequence[Node],
        attributes: Sequence[int] = (),
        **result: Unpack[ResultOptions],
    ) -> Node:
        """Adds one instruction as it is; every other operation ends here.

        Args:
            opcode: The instruction.
            inputs: Nodes of this builder.
            attributes: As docs/tensor-programs.md lists them.
            **result: What `ResultOptions` lists.

        Raises:
            ProgramError: A subtype says what does not fit.
        """
        if any(self._nodes[node.id : node.id + 1] != [node] for node in inputs):
            raise ProgramRefusedError(f"{opcode.name} has inputs of another builder")
        shapes = [node.shape for node in inputs]
        check_attributes(opcode, attributes)
        check_input_count(opcode, attributes, len(inputs))
        shape = infer_shape(opcode, shapes, attributes, result.get("shape"))
        low, high = result.get("low"), result.get("high")
        free = self._default if result.get("saturate", True) else Interval(INT32_LEAST, INT32_MOST)
        bounds = Interval(free.low if low is None else low, free.high if high is None else high)
        raw = raw_interval(opcode, attributes, shapes, [node.interval for node in inputs], bounds)
        tight = raw.clamp(bounds.low, bounds.high) if bounds.low <= bounds.high else bounds
        value = Value(
            Kind.INSTRUCTION,
            shape,
            tight.low if low is None else low,
            tight.high if high is None else high,
            result.get("scale", 0),
            opcode=opcode,
            inputs=tuple(node.id for node in inputs),
            attributes=tuple(attributes),
        )
        return self._append(value, tight)

    def inline(self, program: Program) -> Node:
        """Adds all values of a program at the start of this one and returns its output.

        Its fields, answers and parameters keep their indices, so this builder must not have any values yet.

        Raises:
            ProgramRefusedError: Where the builder is not empty.
        """
        if self._nodes:
            raise ProgramRefusedError(f"{len(self._nodes)} values stand before the inlined program")
        self._constants.update(program.constants)
        for kind in SOURCES:
            self._counts[kind] = len(program.source_ids(kind))
        for value, interval in zip(program.values, program.intervals, strict=True):
            self._append(value, interval)
        return self._nodes[-1]

    def build(self, output: Node) -> Program:
        """The finished program whose output is this node.

        Instructions and constants that the output does not need are left out; sources stay as they are.
        """
        places = self.places(output)
        values = [self._nodes[each].value for each in places]
        moved = tuple(
            replace(value, inputs=tuple(places[source] for source in value.inputs)) for value in values
        )
        named = {value.constant for value in moved if value.kind is Kind.CONSTANT}
        return Program(moved, {root: tensor for root, tensor in self._constants.items() if root in named})

    def places(self, output: Node) -> dict[int, int]:
        """Where the program with this output has each node that it keeps, by the node's id."""
        return {each: place for place, each in enumerate(self._needed(output.id))}

    def _needed(self, output: int) -> list[int]:
        """The ids that a program with this output has, ascending, the output last."""
        needed = {output}
        for each in range(output, -1, -1):
            if each in needed:
                needed.update(self._nodes[each].value.inputs)
        sources = {node.id for node in self._nodes if node.value.kind in SOURCES}
        if any(each > output for each in sources) or self._nodes[output].value.kind in SOURCES:
            return [*sorted((needed | sources) - {output}), output]
        return sorted(needed | sources)

    def _source(self, kind: Kind, shape: Shape, scale: int, low: int, high: int) -> Node:
        value = Value(kind, tuple(shape), low, high, scale, index=self._counts[kind])
        self._counts[kind] += 1
        return self._append(value, Interval(low, high))

    def _append(self, value: Value, interval: Interval) -> Node:
        node = Node(self, len(self._nodes), value, interval)
        self._nodes.append(node)
        return node

    def _like(self, operand: Operand, other: Operand) -> Node:
        """An operand as a node; a number becomes a constant with the other operand's scale."""
        if isinstance(operand, Node):
            return operand
        if not isinstance(other, Node):
            raise ProgramRefusedError(f"neither {operand} nor {other} is a node")
        return self.constant(_real(operand), scale=other.scale)

    def _factor(self, operand: Operand) -> Node:
        """An operand of a product as a node; a real number becomes a constant with 15 significant bits."""
        if isinstance(operand, Node):
            return operand
        if isinstance(operand, int):
            return self.constant(operand)
        exponent = int(np.frexp(_real(operand))[1])
        return self.constant(operand, scale=max(-100, min(100, FACTOR_BITS - exponent)))


def _real(operand: Operand) -> float:
    try:
        return float(operand)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError) as error:
        raise ProgramRefusedError(f"{str(operand)[:80]} is neither a node nor a number") from error


def _as_array(elements: ArrayLike) -> NDArray[Any]:
    try:
        return np.asarray(elements)
    # A tensor of another library says in its own way that it is no array.
    except (TypeError, ValueError, RuntimeError) as error:
        raise ProgramRefusedError(f"a constant that is no array ({str(error)[:120]})") from error


def _as_int32(elements: NDArray[Any], scale: int) -> Tensor:
    if not -128 <= scale <= 127:
        raise ProgramRefusedError(f"scale {scale} is no int8")
    if elements.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            elements = np.floor(elements.astype(np.float64) * 2.0**scale + 0.5)
        if not np.isfinite(elements).all():
            raise ProgramRefusedError("a constant's element is not finite")
    elif elements.dtype.kind not in "iub":
        raise ProgramRefusedError(f"a constant of type {elements.dtype}, expected integers or reals")
    if elements.size == 0:
        raise ProgramRefusedError(f"a constant of shape {elements.shape} has no elements")
    low, high = int(elements.min()), int(elements.max())
    if low < INT32_LEAST or high > INT32_MOST:
        raise ProgramRefusedError(f"a constant's elements in [{_short(low)}, {_short(high)}] are no int32")
    return elements.astype(np.int32)


def _short(number: int) -> str:
    """A number in digits, or its size where a real was very large."""
    return str(number) if number.bit_length() <= 64 else f"{number:.3g}"
