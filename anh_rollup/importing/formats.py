"""Number formats: how many fraction bits each value of a network gets, from where its numbers lie.

A sum of products runs on float64 while it stays within 2^53, so what it reads has 24 bits with the sign, and
weights take what is then left. What only element-wise instructions read has up to 30 bits, so that residual
streams keep their precision; factors of a product have 26 of magnitude, for 26 + 26 bits fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, frexp, isfinite
from typing import Final

from anh_rollup.importing.errors import FormatRefusedError
from anh_rollup.importing.ranges import LONG, Range
from anh_rollup.importing.record import Operation, RealNode, Record

#: Bits of magnitude of what element-wise instructions read, of factors and quotients, of sums' operands.
WIDE_BITS: Final = 30
FACTOR_BITS: Final = 26
LINEAR_BITS: Final = 23
#: Bits of magnitude of a factor that a table gives: its lines are no nearer to their function than 2^-22.
TABLE_BITS: Final = 23
#: Float64 is exact up to two to this power.
EXACT_BITS: Final = 53
#: Most and least fraction bits of a value (choice: shifts between two of them stay within bounds).
MOST_SCALE: Final = 40
LEAST_SCALE: Final = -20


@dataclass(frozen=True, slots=True)
class Format:
    """A fixed-point format.

    Attributes:
        scale: Fraction bits: an element stands for element / 2^scale.
        low, high: What elements saturate at.
    """

    scale: int
    low: int
    high: int

    @property
    def unit(self) -> float:
        """What one step of an element stands for."""
        return 2.0**-self.scale

    @property
    def bits(self) -> int:
        """Bits of magnitude."""
        return max(-self.low, self.high, 1).bit_length()


def bits_above(magnitude: float) -> int:
    """The least b with |x| <= 2^b."""
    mantissa, exponent = frexp(magnitude)
    return exponent - 1 if mantissa == 0.5 else exponent


def operand_bits(terms: int) -> int:
    """Bits of magnitude of both operands of a sum of so many products that float64 adds exactly."""
    return min(LINEAR_BITS, (EXACT_BITS - (terms - 1).bit_length()) // 2)


def magnitude_bits(record: Record, ranges: Sequence[Range]) -> list[int]:
    """How many bits of magnitude each node may have, for what reads it."""
    bits = [WIDE_BITS] * len(record.nodes)
    for place in range(len(record.nodes) - 1, -1, -1):
        node = record.nodes[place]
        for source, most in zip(node.inputs, _demands(record, ranges, node, bits[place]), strict=True):
            bits[source] = min(bits[source], most)
    groups: dict[object, int] = {}
    for node, most in zip(record.nodes, bits, strict=True):
        groups[node.group] = min(most, groups.get(node.group, most))
    return [
        most if node.group is None else groups[node.group]
        for node, most in zip(record.nodes, bits, strict=True)
    ]


def _demands(record: Record, ranges: Sequence[Range], node: RealNode, own: int) -> Sequence[int]:
    """The most bits of magnitude of each of a node's inputs."""
    count = len(node.inputs)
    if node.operation in (Operation.MATMUL, Operation.CONV):
        weight = record.nodes[node.inputs[1]]
        if weight.operation is Operation.CONSTANT:
            return [LINEAR_BITS] + [WIDE_BITS] * (count - 1)
        return [operand_bits(weight.shape[-1])] * 2 + [WIDE_BITS] * (count - 2)
    if node.operation is Operation.MUL:
        return _factors(record, ranges, node)
    if node.operation is Operation.DIV:
        return [quotient_bits(node, ranges)] * count
    if node.operation is Operation.SQRT:
        return [WIDE_BITS]
    if node.operation in (Operation.VIEW, Operation.PAD, Operation.LARGEST):
        return [own]
    if node.operation is Operation.GATHER:
        return [own, WIDE_BITS]
    return [WIDE_BITS] * count


def quotient_bits(node: RealNode, ranges: Sequence[Range]) -> int:
    """The bits of what a DIV reads: all where its quotient is rounded down to a short integer."""
    a, b = (ranges[each].magnitude for each in node.inputs)
    is_short = a <= b * 2.0 ** (EXACT_BITS - 1 - WIDE_BITS)
    return WIDE_BITS if node.is_whole and is_short else FACTOR_BITS


def _factors(record: Record, ranges: Sequence[Range], node: RealNode) -> Sequence[int]:
    """The bits of two factors: all beside a constant or a small integer, else half of what fits.

    Beside what a table gives, the other one gets what the table's lines leave.
    """
    for one, other in (node.inputs, node.inputs[::-1]):
        if record.nodes[one].operation is Operation.CONSTANT:
            return [WIDE_BITS] * 2
        small = record.nodes[one].is_whole and bits_above(ranges[one].magnitude) < EXACT_BITS - 1 - WIDE_BITS
        if small and one != other:
            return [WIDE_BITS] * 2
    is_table = [record.nodes[each].operation is Operation.FUNCTION for each in node.inputs]
    if any(is_table) and not all(is_table):
        return [TABLE_BITS if each else EXACT_BITS - 1 - TABLE_BITS for each in is_table]
    return [FACTOR_BITS] * 2


def formats_of(record: Record, ranges: Sequence[Range]) -> list[Format]:
    """The format of every node; those of constants are chosen where they are read.

    Raises:
        FormatRefusedError: A node's numbers have no bound, or are too large.
    """
    bits, found = magnitude_bits(record, ranges), list[Format]()
    for place, node in enumerate(record.nodes):
        inputs = [found[each] for each in node.inputs]
        found.append(_format(record, node, ranges[place], bits[place], inputs))
    return found


def _format(record: Record, node: RealNode, at: Range, bits: int, inputs: Sequence[Format]) -> Format:
    if not (isfinite(at.low) and isfinite(at.high)) or bits_above(at.magnitude) > WIDE_BITS - LEAST_SCALE:
        raise FormatRefusedError(node.source, f"lies in [{at.low:.3g}, {at.high:.3g}], which is too wide")
    is_constant = node.operation is Operation.CONSTANT
    kept = node.operation in (Operation.VIEW, Operation.PAD, Operation.LARGEST, Operation.GATHER)
    if kept and record.nodes[node.inputs[0]].operation is not Operation.CONSTANT:
        same = _with_fill(inputs[0], node, bits)
        if same is not None:
            return same
    if node.is_whole:
        if at.within(LONG) != at:
            raise FormatRefusedError(node.source, f"has integers up to {at.magnitude:.3g}, beyond 32 bits")
        return Format(0, floor(min(at.low, 0.0)), ceil(max(at.high, 0.0)))
    scale = min(bits - bits_above(at.magnitude) if at.magnitude else bits, MOST_SCALE)
    if not is_constant:
        scale = max(min(scale, _finest(node, record, inputs)), LEAST_SCALE)
    return _bounded(scale, at)


def _with_fill(x: Format, node: RealNode, bits: int) -> Format | None:
    """The format of what is moved, with room for a PAD's fill; None where the fill takes too many bits."""
    fill = node.bounds[0] * 2.0**x.scale
    if node.operation is not Operation.PAD or not isfinite(fill) or x.low <= round(fill) <= x.high:
        return x
    if bits_above(abs(fill)) > bits:
        return None
    return Format(x.scale, min(x.low, floor(fill)), max(x.high, ceil(fill)))


def _bounded(scale: int, at: Range) -> Format:
    """A format of this scale with room for a range and zero, rounded outward."""
    edge = 2.0**scale
    low, high = int(min(at.low, 0.0) * edge // 1), int(-(-max(at.high, 0.0) * edge // 1))
    return Format(scale, max(low, -(2**31)), min(max(high, low), 2**31 - 1))


def _finest(node: RealNode, record: Record, inputs: Sequence[Format]) -> int:
    """The most fraction bits that an instruction can give."""
    if node.operation in (Operation.MATMUL, Operation.CONV):
        weight = record.nodes[node.inputs[1]]
        return MOST_SCALE if weight.operation is Operation.CONSTANT else inputs[0].scale + inputs[1].scale
    if node.operation is Operation.SUM:
        return inputs[0].scale + max(0, -bits_above(node.factor))
    if node.operation is Operation.DIV:
        known = record.nodes[node.inputs[0]].operation is Operation.CONSTANT
        return (FACTOR_BITS if known else inputs[0].scale) + FACTOR_BITS - inputs[1].scale
    if node.operation is Operation.SQRT:
        return (inputs[0].scale + EXACT_BITS - 2 - inputs[0].bits) // 2
    if node.operation in (Operation.CLAMP, Operation.ABS, Operation.PAD):
        return inputs[0].scale
    return MOST_SCALE
