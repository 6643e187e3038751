"""Tables of functions: as coarse as an error bound allows."""

from dataclasses import dataclass
from math import ceil, floor, log2
from typing import Final

import numpy as np

from anh_rollup.importing.formats import EXACT_BITS, Format
from anh_rollup.importing.ranges import Range
from anh_rollup.importing.record import Function, Reals
from anh_rollup.importing.setting import Setting
from anh_rollup.tensor.opcodes import MOST_SCALING

#: Straight lines between a table's entries are nearer to the function than this part of its range.
TOLERANCE: Final = {Setting.PRECISE: 2.0**-22, Setting.FAST: 2.0**-18, Setting.TRAINABLE: 2.0**-22}
#: Entries of a table (choice: 128 KiB of a program).
MOST_ENTRIES: Final = 1 << 15
#: How many bits more than the result an entry may have: the last one stands beyond the argument's range, and
#: a line that ends lower has another slope.
_BITS_BEYOND: Final = 2
#: Places between two entries at which the error is looked at.
_PROBES: Final = 4
#: A function that is farther from its finest table than this part of its range is refused.
MOST_ERROR: Final = 2.0**-13


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A function at equal distances.

    Attributes:
        entries: Real numbers.
        origin: Where the first one stands, in steps of the argument.
        step: They are 2^step apart.
        error: The largest distance between the function and the lines, as far as probes show.
    """

    entries: Reals
    origin: int
    step: int
    error: float


def tabulated(function: Function, x: Format, at: Range, result: Format, setting: Setting) -> Table:
    """The coarsest table that is near enough; the finest one that is allowed where none is.

    Args:
        function: The function.
        x: Format of its argument.
        at: Where its argument lies.
        result: Format of its result.
        setting: How near it has to be.
    """
    span = at.within(Range(*function.flat))
    low, high = max(x.low, floor(span.low / x.unit)), min(x.high, ceil(span.high / x.unit))
    low, high = (low, high) if low < high else (low, low + 1)
    wanted = max(TOLERANCE[setting] * max(-result.low, result.high) * result.unit, result.unit / 2)
    finest = max(0, ceil(log2((high - low) / (MOST_ENTRIES - 1))))
    coarsest = min(
        max(finest, (high - low).bit_length() - 1), MOST_SCALING, EXACT_BITS - 2 - result.bits - _BITS_BEYOND
    )
    # The error grows with the step, so the coarsest step that is near enough is found by halving.
    best = _table(function, x, low, high, finest, result)
    least, most = finest, max(coarsest, finest)
    while least < most:
        middle = (least + most + 1) // 2
        found = _table(function, x, low, high, middle, result)
        if found.error <= wanted:
            least, best = middle, found
        else:
            most = middle - 1
    return best


def tail_error(function: Function, at: Range) -> float:
    """How far a function is at most from the constant that it is taken for below its flat part."""
    edge = function.flat[0]
    if not at.low < edge < 0:
        return 0.0
    with np.errstate(all="ignore"):
        low, high = function.apply(np.array([at.low, edge]))
    return float(abs(high - low))


def _clipped(numbers: Reals, result: Format, bits: int = 0) -> Reals:
    """Numbers within a format that has so many bits more."""
    low, high = max(result.low << bits, -(2**31)), min(result.high << bits, 2**31 - 1)
    return np.clip(numbers, low * result.unit, high * result.unit)


def _table(function: Function, x: Format, low: int, high: int, step: int, result: Format) -> Table:
    # Zero is an entry where it is inside: rectified functions have a corner there.
    first, low = low, low >> step << step
    count = max(2, -(-(high - low) // (1 << step)) + 1)
    steps = np.arange(count, dtype=np.float64)
    with np.errstate(all="ignore"):
        entries = _clipped(function((low + steps * 2.0**step) * x.unit), result, _BITS_BEYOND)
        error = 0.0
        # Between two steps of the argument nothing is ever looked up.
        probes = min(_PROBES, 1 << step)
        for probe in range(1, probes):
            share = probe / probes
            places = low + (steps[:-1] + share) * 2.0**step
            inside = (places >= first) & (places <= high)
            line = entries[:-1] + (entries[1:] - entries[:-1]) * share
            apart = np.abs(_clipped(function(places * x.unit), result) - _clipped(line, result))[inside]
            error = max(error, float(apart.max(initial=0.0)))
    return Table(entries, low, step, error)
