"""What fast evaluators know of an instruction before they see an element, and how exact their floats are."""

from dataclasses import dataclass
from typing import Final

from anh_rollup.encoding.checks import INT32_LEAST, INT32_MOST
from anh_rollup.encoding.tensors import Shape
from anh_rollup.evaluation.workload import has_wide_margins
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Interval, Program, Value
from anh_rollup.tensor.ranges import raw_interval

#: Integers up to these magnitudes are exact in float32 and in float64.
FLOAT32_EXACT: Final = 1 << 24
FLOAT64_EXACT: Final = 1 << 53


@dataclass(frozen=True, slots=True)
class Step:
    """An instruction with what is proven about it.

    Attributes:
        value: The instruction.
        shapes: Its inputs' shapes.
        intervals: Where its inputs' elements lie.
        raw: Where its results lie before the clamp.
        has_wide_margins: Whether it is a CONV that is computed by the reference's rule, tap by tap.
    """

    value: Value
    shapes: tuple[Shape, ...]
    intervals: tuple[Interval, ...]
    raw: Interval
    has_wide_margins: bool

    @property
    def magnitudes(self) -> tuple[int, ...]:
        """The largest absolute value of each input."""
        return tuple(each.magnitude for each in self.intervals)


def step_of(program: Program, place: int) -> Step:
    """What a checked program proves about its instruction at `place`."""
    value = program.values[place]
    shapes = program.input_shapes(place)
    intervals = tuple(program.intervals[source] for source in value.inputs)
    if value.opcode is None:
        raise TypeError(f"a {value.name} is no instruction")
    bounds = Interval(max(value.low, INT32_LEAST), min(value.high, INT32_MOST))
    raw = raw_interval(value.opcode, value.attributes, shapes, intervals, bounds)
    wide = value.opcode is Opcode.CONV and has_wide_margins(program, place)
    return Step(value, shapes, intervals, raw, wide)
