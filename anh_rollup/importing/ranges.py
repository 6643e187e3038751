"""Where the numbers of a network lie: as samples show it, and as interval arithmetic proves it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil, inf, isfinite, isnan, log, log2, pi, prod, sqrt
from typing import Final

import numpy as np

from anh_rollup.importing.real_evaluation import values
from anh_rollup.importing.record import UNBOUNDED, Field, Operation, RealNode, Reals, Record

#: Ranges that samples show are taken so many times as wide: one bit for inputs that were not seen (choice).
HEADROOM: Final = 2.0
#: Of how many samples the farthest elements are to fit (choice), and how many standard deviations beyond the
#: mean of samples' extremes Gumbel's distribution expects those.
MANY: Final = 1_000_000
_DEVIATIONS: Final = log(MANY) * 6**0.5 / pi
#: The square of what grows twofold grows fourfold; a product gets so many headrooms at most (choice).
MOST_DEGREE: Final = 3
#: What a sample has fewer elements of gets one headroom more, for samples show less of it (choice).
FEW: Final = 16
#: How much of the room below a power of two values get (choice: sums of products need some to round).
ROOM: Final = 1 - 2.0**-10
#: No format holds numbers as large as this, and float64 holds what is some times as large.
_HUGE: Final = 2.0**1000
#: How much wider a function's range is than its values at some places show, as a part of it.
_BETWEEN: Final = 2.0**-10
#: What an input is taken to hold where no sample shows it (choice): standardized reals, small integers.
ASSUMED_REAL: Final = 8.0
ASSUMED_WHOLE: Final = 32_767.0


@dataclass(frozen=True, slots=True)
class Range:
    """Real numbers from `low` to `high`, both included."""

    low: float
    high: float

    @property
    def magnitude(self) -> float:
        """The largest absolute value inside."""
        return max(-self.low, self.high, 0.0)

    def widened(self, factor: float) -> "Range":
        """The range with its farther end so many times as far out; zero stays outside where it was.

        Where zero is inside, the other end goes out as far: a number format has the room anyway.
        """
        edge = self.magnitude * factor
        low = -edge if self.low < 0 else self.low / factor
        return Range(low, edge if self.high > 0 else self.high / factor)

    def within(self, other: "Range") -> "Range":
        """What both have in common."""
        return Range(min(max(self.low, other.low), other.high), max(min(self.high, other.high), other.low))

    def union(self, other: "Range") -> "Range":
        """The smallest range with both in it."""
        return Range(min(self.low, other.low), max(self.high, other.high))


#: The integers of 32 bits.
LONG: Final = Range(-(2.0**31), 2.0**31 - 1)


@dataclass(slots=True)
class Shown:
    """What samples show of a node.

    Attributes:
        at: Where its elements lie.
        count: How many samples there were.
        total, squares: Sums over samples of how far each one's farthest element is from zero.
    """

    at: Range
    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def take(self, sample: Range) -> None:
        """Adds where the elements of one more sample lie."""
        self.at = self.at.union(sample) if self.count else sample
        self.count += 1
        self.total += sample.magnitude
        self.squares += sample.magnitude * sample.magnitude

    @property
    def headroom(self) -> float:
        """How many times as far from zero as any element of these the farthest of `MANY` samples may be.

        `HEADROOM` at least; more where samples differ among each other: their extremes are taken to have
        Gumbel's distribution, so those of many samples are expected so many deviations beyond their mean. Few
        samples show the deviation less surely, so they get more of it.
        """
        if self.count < 2 or not self.at.magnitude:
            return HEADROOM
        mean = self.total / self.count
        deviation = sqrt(max(0.0, (self.squares - self.total * mean) / (self.count - 1)))
        surely = deviation * (1 + 1 / sqrt(self.count))
        expected = (mean + _DEVIATIONS * surely) / self.at.magnitude
        return max(HEADROOM, min(HEADROOM**MOST_DEGREE, expected))


def observed(record: Record, samples: Iterable[Sequence[Reals]]) -> list[Shown]:
    """What the elements of each node were in some samples, one at least; constants are looked at once."""
    found = [Shown(Range(0.0, 0.0)) for _ in record.nodes]
    for sample in samples:
        for place, elements in values(record, sample):
            if record.nodes[place].operation is not Operation.CONSTANT or not found[place].count:
                found[place].take(_of(elements))
    return found


def _of(elements: Reals) -> Range:
    """Where those lie that are finite; zero alone where none is."""
    if not elements.size:
        return Range(0.0, 0.0)
    found = Range(float(elements.min()), float(elements.max()))
    if isfinite(found.low) and isfinite(found.high):
        return found
    return _of(elements[np.isfinite(elements)])


def field_range(field: Field, seen: Shown | None) -> Range:
    """What a program declares about an input: what samples show with headroom, or what is assumed."""
    if field.is_truth:
        return Range(0.0, 1.0)
    if field.is_whole:
        if field.bounds is not None:
            return Range(*field.bounds)
        whole = Range(0.0, ASSUMED_WHOLE) if seen is None else _wide(seen.at, HEADROOM, is_whole=True)
        return Range(float(np.floor(whole.low)), max(1.0, float(np.ceil(whole.high))))
    return Range(-ASSUMED_REAL, ASSUMED_REAL) if seen is None else seen.at.widened(seen.headroom)


def _wide(seen: Range, headroom: float, *, is_whole: bool) -> Range:
    """What samples show with headroom; integers that fit 32 bits still do with it."""
    wide = seen.widened(headroom)
    return wide.within(LONG) if is_whole and seen.within(LONG) == seen else wide


def _shown(seen: Range, headroom: float, proven: Range, *, is_whole: bool) -> Range:
    """What samples show of a node with headroom, inside of what is proven.

    Real numbers get all the room that their bits have. Where the nearest is not farther from zero than they
    are apart, samples show no sign: a mean that is just below zero for some is above it for others.
    """
    wide = _wide(seen, headroom, is_whole=is_whole)
    if is_whole or not 0 < wide.magnitude < _HUGE:
        return wide.within(proven)
    power = 2.0 ** ceil(log2(wide.magnitude))
    edge = proven.magnitude if proven.magnitude <= power else max(wide.magnitude, ROOM * power)
    is_near = 0 < max(seen.low, -seen.high) < seen.high - seen.low
    has_sign = not is_near or proven.low >= 0 or proven.high <= 0
    low = wide.low if wide.low >= 0 and has_sign else -edge
    high = wide.high if wide.high <= 0 and has_sign else edge
    return Range(low, high).within(proven)


def clamped(at: Range, proven: Range) -> Range:
    """Where a node's elements are for any input: what is proven, within a format, and those reach to zero."""
    return at.union(Range(0.0, 0.0)).within(proven)


def _is_known(node: RealNode, seen: Shown, proven: Range) -> bool:
    """Whether samples need not tell.

    So it is of integers that fit 32 bits whatever the input is, and of a bounded function that samples show
    nothing but zero of.
    """
    if node.operation is Operation.FUNCTION and not seen.at.magnitude:
        return isfinite(proven.magnitude)
    return node.is_whole and node.operation is not Operation.ARGMAX and proven.within(LONG) == proven


def ranges_of(record: Record, samples: Iterable[Sequence[Reals]] | None) -> list[Range]:
    """The range that each node's number format is chosen for.

    Args:
        record: The network.
        samples: Some of its inputs; without any, ranges are what interval arithmetic proves from the inputs'.
    """
    seen = None if samples is None else observed(record, samples)
    degrees = _degrees(record)
    found: list[Range] = []
    enforced: list[Range] = []
    for place, node in enumerate(record.nodes):
        if node.operation is Operation.FIELD:
            field = record.fields[node.attributes[0]]
            at, proven = field_range(field, None if seen is None else seen[place]), Range(*UNBOUNDED)
        else:
            sources = [record.nodes[each] for each in node.inputs]
            at = proven = propagated(node, [enforced[each] for each in node.inputs], sources)
        is_free = seen is not None and node.operation not in (Operation.FIELD, Operation.CONSTANT)
        if is_free and seen is not None and not _is_known(node, seen[place], proven):
            headroom = max(HEADROOM ** (degrees[place] + (prod(node.shape) < FEW)), seen[place].headroom)
            at = _shown(seen[place].at, headroom, proven, is_whole=node.is_whole)
        found.append(at)
        enforced.append(clamped(at, proven))
    return together(record, found)


def together(record: Record, found: Sequence[Range]) -> list[Range]:
    """The same ranges, with one for all nodes that are tied to each other."""
    groups: dict[object, Range] = {}
    for node, one in zip(record.nodes, found, strict=True):
        groups[node.group] = one.union(groups.get(node.group, one))
    return [
        one if node.group is None else groups[node.group]
        for node, one in zip(record.nodes, found, strict=True)
    ]


def _degrees(record: Record) -> list[int]:
    """How many factors with headroom of their own each node multiplies, `MOST_DEGREE` at most."""
    degrees: list[int] = []
    for node in record.nodes:
        degree = 1
        if node.operation is Operation.MUL:
            factors = [each for each in node.inputs if record.nodes[each].operation is not Operation.CONSTANT]
            degree = sum(degrees[each] for each in factors)
        elif node.operation in (Operation.SUM, Operation.VIEW, Operation.ADD, Operation.SUB):
            degree = max(degrees[each] for each in node.inputs)
        degrees.append(min(degree, MOST_DEGREE))
    return degrees


def propagated(node: RealNode, inputs: Sequence[Range], sources: Sequence[RealNode]) -> Range:
    """Where a node's elements lie, whatever its inputs are inside their ranges.

    Args:
        node: The node.
        inputs: The ranges of its inputs.
        sources: Its inputs; constants among them are known element by element.
    """
    if node.operation is Operation.CONSTANT:
        return _of(node.elements)
    if node.operation in (Operation.MATMUL, Operation.CONV):
        raw = _linear(node, inputs, sources)
    elif node.operation is Operation.SUM:
        raw = _sum(node, inputs, sources)
    else:
        raw = _RULES[node.operation](node, inputs)
    if isnan(raw.low) or isnan(raw.high):
        raw = Range(-inf, inf)
    if node.operation is Operation.PAD or node.bounds == UNBOUNDED:
        return raw
    return raw.within(Range(*node.bounds))


def _corners(rule: Callable[[float, float], float], a: Range, b: Range) -> Range:
    found = [rule(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
    return Range(min(found), max(found))


def _times(x: float, y: float) -> float:
    return 0.0 if x == 0 or y == 0 else x * y


def _product(node: RealNode, inputs: Sequence[Range]) -> Range:
    found = _corners(_times, inputs[0], inputs[1])
    is_square = node.inputs[0] == node.inputs[1]
    return Range(max(found.low, 0.0), found.high) if is_square else found


def _quotient(node: RealNode, inputs: Sequence[Range]) -> Range:
    a, b = inputs
    if b.low <= 0 <= b.high:
        return Range(-inf, inf)
    return _corners((lambda x, y: x // y) if node.is_whole else (lambda x, y: x / y), a, b)


def _linear(node: RealNode, inputs: Sequence[Range], sources: Sequence[RealNode]) -> Range:
    x, terms = inputs[0], prod(sources[1].shape[1:])
    x = x.union(Range(0.0, 0.0)) if node.operation is Operation.CONV else x
    if sources[1].operation is not Operation.CONSTANT:
        one = _corners(_times, x, inputs[1])
        terms = sources[1].shape[-1]
        sums = np.array([[one.low * terms], [one.high * terms]])
    else:
        rows = sources[1].elements.reshape(
            -1, sources[1].shape[-1] if node.operation is Operation.MATMUL else terms
        )
        above, below = np.maximum(rows, 0).sum(1), np.minimum(rows, 0).sum(1)
        sums = np.array([above * x.low + below * x.high, above * x.high + below * x.low])
    known = len(sources) > 2 and sources[2].operation is Operation.CONSTANT
    if known and sums.shape[1] == sources[2].shape[0]:
        sums = sums + sources[2].elements
    elif len(inputs) > 2:
        sums = sums + np.array([[inputs[2].low], [inputs[2].high]])
    return Range(float(sums[0].min()), float(sums[1].max()))


def _sum(node: RealNode, inputs: Sequence[Range], sources: Sequence[RealNode]) -> Range:
    first, count = node.attributes
    terms = prod(sources[0].shape[first : first + count]) * node.factor
    return Range(inputs[0].low * terms, inputs[0].high * terms)


def _function(node: RealNode, inputs: Sequence[Range]) -> Range:
    if node.function is None or not (isfinite(inputs[0].low) and isfinite(inputs[0].high)):
        return Range(-inf, inf)
    # Beyond the part where it is flat there is nothing to see, and a wide range would have few places inside.
    span = inputs[0].within(Range(*node.function.flat))
    with np.errstate(all="ignore"):
        y = node.function(np.linspace(span.low, span.high, 4097))
    low, high = float(np.nanmin(y)), float(np.nanmax(y))
    margin = (high - low) * _BETWEEN
    return Range(low - margin, high + margin)


def _union(_node: RealNode, inputs: Sequence[Range]) -> Range:
    result = inputs[0]
    for each in inputs[1:]:
        result = result.union(each)
    return result


def _padded(node: RealNode, inputs: Sequence[Range]) -> Range:
    fill = node.bounds[0]
    return inputs[0].union(Range(fill, fill)) if isfinite(fill) else inputs[0]


_RULES: Final[dict[Operation, Callable[[RealNode, Sequence[Range]], Range]]] = {
    Operation.ADD: lambda _, i: Range(i[0].low + i[1].low, i[0].high + i[1].high),
    Operation.SUB: lambda _, i: Range(i[0].low - i[1].high, i[0].high - i[1].low),
    Operation.MUL: _product,
    Operation.DIV: _quotient,
    Operation.SQRT: lambda _, i: Range(max(i[0].low, 0.0) ** 0.5, max(i[0].high, 0.0) ** 0.5),
    Operation.ABS: lambda _, i: Range(max(i[0].low, -i[0].high, 0.0), i[0].magnitude),
    Operation.MIN: lambda _, i: Range(min(i[0].low, i[1].low), min(i[0].high, i[1].high)),
    Operation.MAX: lambda _, i: Range(max(i[0].low, i[1].low), max(i[0].high, i[1].high)),
    Operation.COMPARE: lambda _n, _i: Range(0.0, 1.0),
    Operation.SELECT: lambda node, i: _union(node, i[1:]),
    Operation.FUNCTION: _function,
    Operation.CLAMP: lambda _, i: i[0],
    Operation.FLOOR: lambda _, i: Range(float(np.floor(i[0].low)), float(np.floor(i[0].high))),
    Operation.LARGEST: lambda _, i: i[0],
    Operation.ARGMAX: lambda _n, _i: Range(0.0, float(2**31 - 1)),
    Operation.VIEW: lambda _, i: i[0],
    Operation.PAD: _padded,
    Operation.CONCAT: _union,
    Operation.GATHER: lambda _, i: i[0],
}
