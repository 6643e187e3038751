"""Interval analysis: proves that no intermediate of an instruction leaves 63 bits, and bounds its results.

Every bound is over all inputs inside the given intervals, so a program that passes has no overflow, in any
order of summation, whatever its data.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Final

from anh_rollup.encoding.tensors import Shape
from anh_rollup.tensor.errors import RangeRefusedError
from anh_rollup.tensor.opcodes import MOST_SHIFT, LinearFlags, Opcode, Reduction
from anh_rollup.tensor.shapes import term_count

#: Intermediates stay strictly below this in magnitude, so they fit an int64 with its sign.
INTERMEDIATE_LIMIT: Final = 2**63


@dataclass(frozen=True, slots=True)
class Interval:
    """All integers from `low` to `high`, both included."""

    low: int
    high: int

    @property
    def magnitude(self) -> int:
        """The largest absolute value inside."""
        return max(-self.low, self.high)

    def clamp(self, low: int, high: int) -> "Interval":
        """What is left of it after saturation at `low` and `high`."""
        return Interval(min(max(self.low, low), high), min(max(self.high, low), high))


def round_shift(number: int, shift: int) -> int:
    """rs(v, s): v / 2^s rounded half up; for a negative s the exact product v * 2^-s."""
    if shift <= 0:
        return number << -shift
    return (number + (1 << (shift - 1))) >> shift


def rounding_addend(shift: int) -> int:
    """What `round_shift` adds before it shifts right."""
    return 1 << (shift - 1) if shift > 0 else 0


def raw_interval(
    opcode: Opcode,
    attributes: Sequence[int],
    shapes: Sequence[Shape],
    inputs: Sequence[Interval],
    bounds: Interval,
) -> Interval:
    """Where an instruction's results lie before the final clamp to `bounds`.

    Args:
        opcode: The instruction.
        attributes: Its attributes.
        shapes: Shapes of its inputs.
        inputs: Intervals of its inputs.
        bounds: Its own low and high, which DIV gives for a zero divisor.

    Raises:
        RangeRefusedError: Where an intermediate could reach 2^63 in magnitude, or a shift leave its bounds.
    """
    if opcode in (Opcode.MATMUL, Opcode.CONV):
        return _linear(opcode, attributes, term_count(opcode, shapes, attributes), inputs)
    if opcode is Opcode.REDUCE:
        return _reduce(attributes, term_count(opcode, shapes, attributes), inputs[0])
    if opcode is Opcode.DIV:
        return _quotient(attributes[0], inputs, bounds)
    return _RULES[opcode](attributes, inputs)


def _require(opcode: Opcode, magnitude: int) -> None:
    if magnitude >= INTERMEDIATE_LIMIT:
        raise RangeRefusedError(
            opcode.name, f"an intermediate result may reach {magnitude}, which is not below 2^63"
        )


def _shifted(opcode: Opcode, exact: Interval, shift: int) -> Interval:
    _require(opcode, exact.magnitude + rounding_addend(shift))
    shifted = Interval(round_shift(exact.low, shift), round_shift(exact.high, shift))
    _require(opcode, shifted.magnitude)
    return shifted


def _product(a: Interval, b: Interval) -> Interval:
    corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
    return Interval(min(corners), max(corners))


def _linear(opcode: Opcode, attributes: Sequence[int], terms: int, inputs: Sequence[Interval]) -> Interval:
    shift, guard, flags = attributes[:3]
    rest = list(inputs[2:])
    bias = rest.pop(0) if flags & LinearFlags.BIAS else Interval(0, 0)
    shifts = rest.pop(0) if flags & LinearFlags.SHIFTS else Interval(shift, shift)
    if shifts.low < guard or shifts.high > MOST_SHIFT:
        raise RangeRefusedError(
            opcode.name, f"shifts in [{shifts.low}, {shifts.high}] are not all in [{guard}, {MOST_SHIFT}]"
        )
    product = _product(inputs[0], inputs[1])
    # Some sums of a part of the terms, and taps outside a CONV's input, count as zero.
    total = Interval(terms * min(0, product.low), terms * max(0, product.high))
    results = []
    for s in range(shifts.low, shifts.high + 1):
        move = s - guard
        _require(opcode, terms * product.magnitude + (bias.magnitude << move) + rounding_addend(s))
        results.append(
            Interval(
                round_shift(total.low + (bias.low << move), s),
                round_shift(total.high + (bias.high << move), s),
            )
        )
    return Interval(min(each.low for each in results), max(each.high for each in results))


def _reduce(attributes: Sequence[int], terms: int, x: Interval) -> Interval:
    kind, shift = attributes[:2]
    if kind == Reduction.ARGMAX:
        return Interval(0, terms - 1)
    if kind == Reduction.MAX:
        return x
    _require(Opcode.REDUCE, terms * x.magnitude + rounding_addend(shift))
    return _shifted(Opcode.REDUCE, Interval(terms * x.low, terms * x.high), shift)


def _quotient(power: int, inputs: Sequence[Interval], bounds: Interval) -> Interval:
    a, b = inputs
    divisors = [d for d in {b.low, -1, 1, b.high} if d != 0 and b.low <= d <= b.high]
    corners = [(number << power) // d for number in (a.low, a.high) for d in divisors]
    _require(Opcode.DIV, max(a.magnitude << power, *(abs(c) for c in corners), 0))
    if b.low <= 0 <= b.high:
        corners += [bounds.low] * (a.low < 0) + [bounds.high] * (a.high > 0) + [0] * (a.low <= 0 <= a.high)
    return Interval(min(corners), max(corners))


def _sum(attributes: Sequence[int], inputs: Sequence[Interval]) -> Interval:
    return _weighted(Opcode.ADD, attributes, inputs[0], inputs[1])


def _difference(attributes: Sequence[int], inputs: Sequence[Interval]) -> Interval:
    a, b = inputs
    return _weighted(Opcode.SUB, attributes, a, Interval(-b.high, -b.low))


def _weighted(opcode: Opcode, attributes: Sequence[int], a: Interval, b: Interval) -> Interval:
    p, q, shift = attributes
    _require(opcode, (a.magnitude << p) + (b.magnitude << q))
    return _shifted(opcode, Interval((a.low << p) + (b.low << q), (a.high << p) + (b.high << q)), shift)


def _multiple(attributes: Sequence[int], inputs: Sequence[Interval]) -> Interval:
    return _shifted(Opcode.MUL, _product(*inputs), attributes[0])


def _moved(attributes: Sequence[int], inputs: Sequence[Interval]) -> Interval:
    return _shifted(Opcode.SHIFT, inputs[0], attributes[0])


def _lesser(_attributes: Sequence[int], inputs: Sequence[Interval]) -> Interval:
    return Interval(min(each.low for each in inputs), min(each.high for each in inputs))


def _greater(_attributes: Sequence[int], inputs: Sequence[Interval]) -> Interval:
    return Interval(max(each.low for each in inputs), max(each.high for each in inputs))


def _absolute(_attributes: Sequence[int], inputs: Sequence[Interval]) -> Interval:
    x = inputs[0]
    return Interval(max(x.low, -x.high, 0), x.magnitude)


def _truth(_attributes: Sequence[int], _inputs: Sequence[Interval]) -> Interval:
    return Interval(0, 1)


def _union(inputs: Sequence[Interval]) -> Interval:
    return Interval(min(each.low for each in inputs), max(each.high for each in inputs))


def _choice(_attributes: Sequence[int], inputs: Sequence[Interval]) -> Interval:
    return _union(inputs[1:])


def _looked_up(attributes: Sequence[int], inputs: Sequence[Interval]) -> Interval:
    _, t = inputs
    step = attributes[1]
    _require(Opcode.TABLE, (t.high - t.low) * ((1 << step) - 1) + rounding_addend(step))
    return t


def _root(attributes: Sequence[int], inputs: Sequence[Interval]) -> Interval:
    power = attributes[0]
    _require(Opcode.SQRT, inputs[0].magnitude << power)
    return Interval(isqrt(max(inputs[0].low, 0) << power), isqrt(max(inputs[0].high, 0) << power))


def _kept(_attributes: Sequence[int], inputs: Sequence[Interval]) -> Interval:
    return inputs[0]


def _padded(attributes: Sequence[int], inputs: Sequence[Interval]) -> Interval:
    return _union((inputs[0], Interval(attributes[0], attributes[0])))


def _joined(_attributes: Sequence[int], inputs: Sequence[Interval]) -> Interval:
    return _union(inputs)


_RULES: Final[dict[Opcode, Callable[[Sequence[int], Sequence[Interval]], Interval]]] = {
    Opcode.ADD: _sum,
    Opcode.SUB: _difference,
    Opcode.MUL: _multiple,
    Opcode.SHIFT: _moved,
    Opcode.MIN: _lesser,
    Opcode.MAX: _greater,
    Opcode.ABS: _absolute,
    Opcode.COMPARE: _truth,
    Opcode.SELECT: _choice,
    Opcode.TABLE: _looked_up,
    Opcode.SQRT: _root,
    Opcode.VIEW: _kept,
    Opcode.PAD: _padded,
    Opcode.CONCAT: _joined,
    Opcode.GATHER: _kept,
}
