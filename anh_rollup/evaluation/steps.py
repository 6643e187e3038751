"""What fast evaluators know of an instruction before they see an element, and how exact their floats are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from anh_rollup.encoding.checks import INT32_LEAST, INT32_MOST
from anh_rollup.encoding.tensors import Shape
from anh_rollup.evaluation.exact_sums import LINEAR, largest_sum
from anh_rollup.evaluation.workload import has_wide_margins
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Interval, Kind, Program, Tensor, Value
from anh_rollup.tensor.ranges import raw_interval

#: Integers up to this magnitude are exact in float32.
FLOAT32_EXACT: Final = 1 << 24


@dataclass(frozen=True, slots=True)
class Step:
    """An instruction with what is proven about it.

    Attributes:
        value: The instruction.
        shapes: Its inputs' shapes.
        intervals: Where its inputs' elements lie.
        raw: Where its results lie before the clamp.
        sums: The largest magnitude of a MATMUL's or CONV's sums of products; 0 of any other.
        has_wide_margins: Whether it is a CONV that is computed by the reference's rule, tap by tap.
    """

    value: Value
    shapes: tuple[Shape, ...]
    intervals: tuple[Interval, ...]
    raw: Interval
    sums: int
    has_wide_margins: bool

    @property
    def magnitudes(self) -> tuple[int, ...]:
        """The largest absolute value of each input."""
        return tuple(each.magnitude for each in self.intervals)


def step_of(program: Program, place: int, intervals: Sequence[Interval] | None = None) -> Step:
    """What a checked program proves about its instruction at `place`.

    Args:
        program: The program.
        place: The instruction's.
        intervals: Where the elements of each value before it lie, if more is known than the program says.
    """
    value = program.values[place]
    shapes = program.input_shapes(place)
    intervals = tuple((intervals or program.intervals)[source] for source in value.inputs)
    if value.opcode is None:
        raise TypeError(f"a {value.name} is no instruction")
    bounds = Interval(max(value.low, INT32_LEAST), min(value.high, INT32_MOST))
    raw = raw_interval(value.opcode, value.attributes, shapes, intervals, bounds)
    wide = value.opcode is Opcode.CONV and has_wide_margins(program, place)
    sums = 0
    if value.opcode in LINEAR:
        sums = largest_sum(value.opcode, value.attributes, shapes, intervals)
    return Step(value, shapes, intervals, raw, sums, wide)


def steps_with(program: Program, parameters: Sequence[Tensor]) -> dict[int, Step]:
    """For each instruction what is proven about it with these parameters."""
    intervals, steps = list(program.intervals), dict[int, Step]()
    for place, value in enumerate(program.values):
        if value.kind is Kind.PARAMETER:
            elements = parameters[value.index]
            intervals[place] = Interval(int(elements.min()), int(elements.max()))
        elif value.opcode is not None:
            step = steps[place] = step_of(program, place, intervals)
            intervals[place] = step.raw.clamp(value.low, value.high)
            weight = program.values[value.inputs[1]] if value.opcode in LINEAR else value
            if weight.kind is Kind.PARAMETER:
                steps[place] = replace(step, sums=_largest_sum(step, parameters[weight.index]))
    return steps


def _largest_sum(step: Step, weight: Tensor) -> int:
    """The largest magnitude of a MATMUL's or CONV's sums of products with these weights."""
    last = weight.ndim - 1 if step.value.opcode is Opcode.MATMUL else 1
    rows = weight.reshape(*weight.shape[:last], -1)
    return step.magnitudes[0] * int(np.abs(rows, dtype=np.int64).sum(-1).max())
