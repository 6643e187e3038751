"""A record with number formats becomes a program and the parameters of its model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite, prod
from typing import Final

import numpy as np

from anh_rollup.evaluation.disputability import opening_size
from anh_rollup.importing.errors import FormatRefusedError
from anh_rollup.importing.formats import (
    EXACT_BITS,
    MOST_SCALE,
    WIDE_BITS,
    Format,
    bits_above,
    operand_bits,
    quotient_bits,
)
from anh_rollup.importing.ranges import Range
from anh_rollup.importing.record import UNBOUNDED, Operation, RealNode, Reals, Record
from anh_rollup.importing.setting import Setting
from anh_rollup.importing.tables import MOST_ERROR, tabulated, tail_error
from anh_rollup.importing.weights import quantized, reach
from anh_rollup.tensor.builder import Node, ProgramBuilder
from anh_rollup.tensor.opcodes import MOST_SCALING, LinearFlags, Opcode, Reduction
from anh_rollup.tensor.program import Program, Tensor
from anh_rollup.tensor.shapes import LEAST_BLOCK, block_size

#: How far apart two operands' scales may be: 30 bits moved up by so many are exact in float64.
MOST_APART: Final = 20

#: Bytes of an element's terms on L1 above which they are moved side by side (choice: a million gas or so).
MOST_SCATTERED: Final = 40_000


@dataclass(frozen=True, slots=True, eq=False)
class Emitted:
    """A network in integers.

    Attributes:
        program: The architecture: fields, parameters, one output.
        parameters: The model's tensors, int32.
        table_errors: For each FUNCTION by its place the distance between it and its table.
        values: For each node of the record by its place the value of the program that it became.
    """

    program: Program
    parameters: tuple[Tensor, ...]
    table_errors: dict[int, float]
    values: dict[int, int]


def emit(record: Record, ranges: Sequence[Range], formats: Sequence[Format], setting: Setting) -> Emitted:
    """The program that computes a record in these formats.

    Raises:
        ProgramError: An instruction is not proven to stay in its range.
    """
    return _Emission(record, ranges, formats, setting).run()


class _Emission:
    """One replay of a record into a builder."""

    def __init__(
        self, record: Record, ranges: Sequence[Range], formats: Sequence[Format], setting: Setting
    ) -> None:
        self._record, self._ranges, self._formats, self._setting = record, ranges, formats, setting
        self.builder = ProgramBuilder()
        self._nodes: dict[int, Node] = {}
        self._known: dict[tuple[int, int], Node] = {}
        self._weights: dict[tuple[int, bytes, Format, Format], tuple[list[Node], int, int, int]] = {}
        self._parameters: list[Tensor] = []
        self._table_errors: dict[int, float] = {}
        self._place = 0

    def run(self) -> Emitted:
        """The whole record."""
        for place, node in enumerate(self._record.nodes):
            self._place = place
            if node.operation is Operation.FIELD:
                self._nodes[place] = self._field(node)
            elif node.operation is not Operation.CONSTANT:
                self._nodes[place] = self._instruction(node)
        output = self._nodes[len(self._record.nodes) - 1]
        kept = self.builder.places(output)
        values = {place: kept[node.id] for place, node in self._nodes.items() if node.id in kept}
        return Emitted(self.builder.build(output), tuple(self._parameters), self._table_errors, values)

    def _field(self, node: RealNode) -> Node:
        at = self._formats[self._place]
        return self.builder.field(node.shape, scale=at.scale, low=at.low, high=at.high)

    def _instruction(self, node: RealNode) -> Node:
        at = self._formats[self._place]
        if node.operation is not Operation.PAD and node.bounds != UNBOUNDED:
            at = _saturated(at, node.bounds)
        return _RULES[node.operation](self, node, at)

    # What rules ask for.

    def emit(self, opcode: Opcode, inputs: Sequence[Node], attributes: Sequence[int], at: Format) -> Node:
        """An instruction whose result has a format."""
        return self.builder.emit(opcode, inputs, attributes, scale=at.scale, low=at.low, high=at.high)

    def is_known(self, place: int) -> bool:
        """Whether a node is a constant."""
        return self._record.nodes[place].operation is Operation.CONSTANT

    def quotient_bits(self, node: RealNode) -> int:
        """The bits of what a DIV reads."""
        return quotient_bits(node, self._ranges)

    def format(self, place: int) -> Format:
        """The format of a node that is no constant."""
        return self._formats[place]

    def operand(self, place: int, scale: int | None = None, bits: int = WIDE_BITS) -> Node:
        """A node's value; a constant with so many fraction bits, or with as many as these bits allow."""
        if not self.is_known(place):
            return self._nodes[place]
        node = self._record.nodes[place]
        most = reach(node.elements, self._setting) if node.is_weight else float(np.abs(node.elements).max())
        room = (bits - bits_above(most)) if most else bits
        room = min(room, MOST_SCALE if scale is None else scale)
        wanted = 0 if node.is_whole else room
        if (place, wanted) not in self._known:
            self._known[place, wanted] = self._constant(node, wanted)
        return self._known[place, wanted]

    def _constant(self, node: RealNode, scale: int) -> Node:
        elements = _integers(node.elements, scale)
        if node.is_weight and (elements.any() or self._setting.headroom > 1):
            return self.parameter(elements, scale, reach(node.elements, self._setting))
        return self.builder.constant(elements, scale=scale)

    def parameter(self, elements: Tensor, scale: int, most: float) -> Node:
        """A tensor of the model; its range is a power of two with all that it holds, and `most`."""
        top = max(int(np.abs(elements.astype(np.int64)).max()), int(min(most * 2.0**scale, 2.0**31)) - 1)
        bits = min(top.bit_length(), 31)
        node = self.builder.parameter(elements.shape, scale=scale, low=-(1 << bits), high=(1 << bits) - 1)
        self._parameters.append(elements)
        return node

    def constant(self, elements: Tensor, scale: int = 0) -> Node:
        """A tensor of the program."""
        return self.builder.constant(elements, scale=scale)

    def rescaled(self, node: Node, at: Format) -> Node:
        """A value in another format, saturated."""
        if node.scale == at.scale and node.interval.low >= at.low and node.interval.high <= at.high:
            return node
        shift = node.scale - at.scale
        return self.emit(Opcode.SHIFT, (node,), (shift,), at)

    def coarser(self, node: Node, scale: int) -> Node:
        """A value with no more than so many fraction bits."""
        return node if node.scale <= scale else self.builder.rescale(node, scale)

    def finer(self, node: Node, scale: int) -> Node:
        """A value with so many fraction bits, or as many as its own bits leave."""
        scale = min(scale, WIDE_BITS - _bits(node) + node.scale)
        return node if node.scale >= scale else self.builder.rescale(node, scale)

    def table(self, node: RealNode, at: Format) -> tuple[Node, int, int]:
        """A function's table, its origin and step."""
        if node.function is None:
            raise TypeError("a FUNCTION without a function")
        source = node.inputs[0]
        if tail_error(node.function, self._ranges[source]) > MOST_ERROR * self._ranges[self._place].magnitude:
            raise FormatRefusedError(
                node.source, f"is {node.function.name} where it is as good as nothing: scale its argument"
            )
        made = tabulated(node.function, self.format(source), self._ranges[source], at, self._setting)
        self._table_errors[self._place] = made.error
        if made.error > max(MOST_ERROR * max(-at.low, at.high), 1) * at.unit:
            raise FormatRefusedError(
                node.source,
                f"is {node.function.name} over a range too wide for a table: wrong by {made.error:.1e}",
            )
        return self.constant(_integers(made.entries, at.scale), at.scale), made.origin, made.step

    def weights(self, node: RealNode, at: Format) -> tuple[list[Node], int, int, int]:
        """Weights, bias and shifts of a sum of products with a known kernel: nodes, shift, guard, flags.

        Sums of the same weights between the same formats, as a loop's rounds have them, share parameters.
        """
        bias = b"".join(self._record.nodes[each].elements.tobytes() for each in node.inputs[2:])
        key = (node.inputs[1], bias, self.format(node.inputs[0]), at)
        if key not in self._weights:
            self._weights[key] = self._quantized(node, at)
        return self._weights[key]

    def _quantized(self, node: RealNode, at: Format) -> tuple[list[Node], int, int, int]:
        kernel = self._record.nodes[node.inputs[1]].elements
        bias = self._record.nodes[node.inputs[2]].elements if len(node.inputs) > 2 else None
        made = quantized(kernel, bias, self.format(node.inputs[0]), at, self._setting)
        most = reach(kernel, self._setting)
        nodes = [self.parameter(made.weight.astype(np.int32), int(made.scales.min()), most)]
        flags = LinearFlags(0)
        if bias is not None and made.bias is not None:
            most = reach(bias, self._setting)
            nodes.append(self.parameter(made.bias.astype(np.int32), at.scale + made.guard, most))
            flags |= LinearFlags.BIAS
        if made.is_uniform:
            return nodes, int(made.shifts[0]), made.guard, flags
        nodes.append(self.constant(made.shifts.astype(np.int32)))
        return nodes, 0, made.guard, flags | LinearFlags.SHIFTS

    def shape_of(self, place: int) -> tuple[int, ...]:
        """The shape of a node of the record."""
        return self._record.nodes[place].shape


Rule = Callable[[_Emission, RealNode, Format], Node]


def _integers(array: Reals, scale: int) -> Tensor:
    moved = np.floor(np.ldexp(array, scale) + 0.5)
    return np.clip(moved, -(2.0**31), 2.0**31 - 1).astype(np.int32)


def _saturated(at: Format, bounds: tuple[float, float]) -> Format:
    """A format that ends at a CLAMP's bounds, rounded to its steps."""
    low, high = (
        min(max(round(each * 2.0**at.scale), at.low), at.high) if isfinite(each) else edge
        for each, edge in zip(bounds, (at.low, at.high), strict=True)
    )
    return Format(at.scale, low, high)


def _linear(e: _Emission, node: RealNode, at: Format) -> Node:
    opcode = Opcode.MATMUL if node.operation is Operation.MATMUL else Opcode.CONV
    is_dense = opcode is Opcode.CONV or len(e.shape_of(node.inputs[1])) == 2
    if is_dense and e.is_known(node.inputs[1]) and not e.is_known(node.inputs[0]):
        nodes, shift, guard, flags = e.weights(node, at)
        return e.emit(
            opcode, (e.operand(node.inputs[0]), *nodes), (shift, guard, flags, *node.attributes), at
        )
    bits = operand_bits(e.shape_of(node.inputs[1])[-1])
    x, w = e.operand(node.inputs[0], bits=bits), e.operand(node.inputs[1], bits=bits)
    shift = x.scale + w.scale - at.scale
    if shift < 0:
        at = Format(x.scale + w.scale, at.low >> -shift, at.high >> -shift)
        shift = 0
    return e.emit(opcode, (x, w), (shift, 0, 0, *node.attributes), at)


def _sum_of_two(opcode: Opcode) -> Rule:
    def rule(e: _Emission, node: RealNode, at: Format) -> Node:
        a, b = (e.operand(each, max(at.scale, 0) if e.is_known(each) else None) for each in node.inputs)
        least = min(a.scale, b.scale) + MOST_APART
        a, b = e.coarser(a, least), e.coarser(b, least)
        common = max(a.scale, b.scale)
        return e.emit(opcode, (a, b), (common - a.scale, common - b.scale, common - at.scale), at)

    return rule


def _product(e: _Emission, node: RealNode, at: Format) -> Node:
    known = [e.is_known(each) for each in node.inputs]
    bits = (
        EXACT_BITS
        - 1
        - max(e.format(each).bits for each, one in zip(node.inputs, known, strict=True) if not one)
    )
    a, b = (e.operand(each, bits=min(bits, WIDE_BITS)) for each in node.inputs)
    return e.emit(Opcode.MUL, (a, b), (a.scale + b.scale - at.scale,), at)


def _quotient(e: _Emission, node: RealNode, at: Format) -> Node:
    a, b = (e.operand(each, bits=e.quotient_bits(node)) for each in node.inputs)
    if node.is_whole:
        # What is rounded down must not be rounded before.
        b = e.finer(b, a.scale)
    b = e.coarser(b, a.scale - at.scale + MOST_SCALING)
    a = e.coarser(a, b.scale + at.scale)
    return e.emit(Opcode.DIV, (a, b), (at.scale - a.scale + b.scale,), at)


def _root(e: _Emission, node: RealNode, at: Format) -> Node:
    x = e.operand(node.inputs[0])
    power = 2 * at.scale - x.scale
    if power < 0:
        x, power = e.coarser(x, 2 * at.scale), 0
    return e.emit(Opcode.SQRT, (x,), (power,), at)


def _aligned(opcode: Opcode) -> Rule:
    def rule(e: _Emission, node: RealNode, at: Format) -> Node:
        first = len(node.inputs) - 2
        chosen = [e.rescaled(e.operand(each, at.scale), at) for each in node.inputs[first:]]
        lead = [e.operand(each) for each in node.inputs[:first]]
        return e.emit(opcode, (*lead, *chosen), (), at)

    return rule


def _compare(e: _Emission, node: RealNode, at: Format) -> Node:
    scales = [e.format(each).scale for each in node.inputs if not e.is_known(each)]
    a, b = (e.operand(each, max(scales)) for each in node.inputs)
    common = min(max(a.scale, b.scale), *(WIDE_BITS - _bits(one) + one.scale for one in (a, b)))
    moved = [_moved(e, one, common) for one in (a, b)]
    return e.emit(Opcode.COMPARE, moved, node.attributes, at)


def _bits(node: Node) -> int:
    return node.interval.magnitude.bit_length()


def _moved(e: _Emission, node: Node, scale: int) -> Node:
    if node.scale == scale:
        return node
    return e.builder.rescale(node, scale)


def _absolute(e: _Emission, node: RealNode, at: Format) -> Node:
    x = e.operand(node.inputs[0])
    same = Format(x.scale, 0, 2**31 - 1)
    return e.rescaled(e.emit(Opcode.ABS, (x,), (), same), at)


def _looked_up(e: _Emission, node: RealNode, at: Format) -> Node:
    table, origin, step = e.table(node, at)
    return e.emit(Opcode.TABLE, (e.operand(node.inputs[0]), table), (origin, step), at)


def _clamped(e: _Emission, node: RealNode, at: Format) -> Node:
    x = e.operand(node.inputs[0])
    return e.emit(Opcode.SHIFT, (x,), (x.scale - at.scale,), at)


def _floored(e: _Emission, node: RealNode, at: Format) -> Node:
    x = e.operand(node.inputs[0])
    if x.scale <= 0:
        return e.emit(Opcode.SHIFT, (x,), (x.scale,), at)
    half = e.constant(np.array(-(1 << (x.scale - 1)), np.int32), x.scale)
    return e.emit(Opcode.ADD, (x, half), (0, 0, x.scale), at)


def _reduce(e: _Emission, x: Node, how: tuple[Reduction, int], axes: Sequence[int], at: Format) -> Node:
    """Some axes reduced: the first of them and how many, turned to be the last where terms lie far apart.

    Whoever disputes an element shows all its terms on L1.
    """
    first, count = axes
    terms, apart = prod(x.shape[first : first + count]), prod(x.shape[first + count :])
    distances = np.arange(block_size(terms) if terms > LEAST_BLOCK else terms, dtype=np.int64) * apart
    if opening_size(distances, prod(x.shape)) > MOST_SCATTERED:
        last = [*range(first), *range(first + count, len(x.shape)), *range(first, first + count)]
        x, first = e.builder.transpose(x, last), len(x.shape) - count
    return e.emit(Opcode.REDUCE, (x,), (*how, first, count), at)


def _total(e: _Emission, node: RealNode, at: Format) -> Node:
    x = e.operand(node.inputs[0])
    places = bits_above(node.factor)
    shift = x.scale - places - at.scale
    if node.factor == 2.0**places and shift >= 0:
        return _reduce(e, x, (Reduction.SUM, shift), node.attributes, at)
    # The total has as many bits as a factor of 22 bits leaves, then the factor follows.
    terms = prod(e.shape_of(node.inputs[0])[node.attributes[0] : sum(node.attributes)])
    over = max(0, _bits(x) + (terms - 1).bit_length() - WIDE_BITS)
    edge = 2**31 - 1
    wide = Format(x.scale - over, -edge - 1, edge)
    total = _reduce(e, x, (Reduction.SUM, over), node.attributes, wide)
    if node.factor == 1:
        return e.rescaled(total, at)
    scale = EXACT_BITS - 1 - min(_bits(total), WIDE_BITS + 1) - places
    factor = e.constant(_integers(np.array(node.factor), scale), scale)
    return e.emit(Opcode.MUL, (total, factor), (total.scale + scale - at.scale,), at)


def _largest(e: _Emission, node: RealNode, at: Format) -> Node:
    x = e.operand(node.inputs[0], at.scale)
    return e.rescaled(_reduce(e, x, (Reduction.MAX, 0), node.attributes, _whole(x)), at)


def _place(e: _Emission, node: RealNode, at: Format) -> Node:
    x = e.operand(node.inputs[0])
    return _reduce(e, x, (Reduction.ARGMAX, 0), node.attributes, at)


def _whole(x: Node) -> Format:
    return Format(x.scale, x.interval.low, x.interval.high)


def _view(e: _Emission, node: RealNode, at: Format) -> Node:
    x = e.operand(node.inputs[0], at.scale)
    return e.builder.emit(Opcode.VIEW, (x,), node.attributes, scale=x.scale, shape=node.shape, saturate=False)


def _pad(e: _Emission, node: RealNode, at: Format) -> Node:
    x, fill = e.rescaled(e.operand(node.inputs[0], at.scale), at), node.bounds[0]
    edge = x.interval.low if fill < 0 else x.interval.high
    number = round(fill * 2.0**x.scale) if isfinite(fill) else edge
    return e.builder.emit(
        Opcode.PAD, (x,), (number, *node.attributes), scale=x.scale, shape=node.shape, saturate=False
    )


def _joined(e: _Emission, node: RealNode, at: Format) -> Node:
    parts = [e.rescaled(e.operand(each, at.scale), at) for each in node.inputs]
    return e.emit(Opcode.CONCAT, parts, node.attributes, at)


def _gather(e: _Emission, node: RealNode, at: Format) -> Node:
    x, places = e.operand(node.inputs[0], at.scale), e.operand(node.inputs[1])
    return e.builder.emit(Opcode.GATHER, (x, places), node.attributes, scale=x.scale, saturate=False)


_RULES: Final[dict[Operation, Rule]] = {
    Operation.MATMUL: _linear,
    Operation.CONV: _linear,
    Operation.ADD: _sum_of_two(Opcode.ADD),
    Operation.SUB: _sum_of_two(Opcode.SUB),
    Operation.MUL: _product,
    Operation.DIV: _quotient,
    Operation.SQRT: _root,
    Operation.ABS: _absolute,
    Operation.MIN: _aligned(Opcode.MIN),
    Operation.MAX: _aligned(Opcode.MAX),
    Operation.COMPARE: _compare,
    Operation.SELECT: _aligned(Opcode.SELECT),
    Operation.FUNCTION: _looked_up,
    Operation.CLAMP: _clamped,
    Operation.FLOOR: _floored,
    Operation.SUM: _total,
    Operation.LARGEST: _largest,
    Operation.ARGMAX: _place,
    Operation.VIEW: _view,
    Operation.PAD: _pad,
    Operation.CONCAT: _joined,
    Operation.GATHER: _gather,
}
