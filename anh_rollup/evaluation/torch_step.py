"""What the torch backend knows of one instruction before it sees an element, and how exact its floats are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

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


#: An instruction's results before the clamp, exact in float64; None where float64 is too narrow for it.
Rule = Callable[[Step, Sequence[Tensor]], Tensor | None]


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


def aligned(inputs: Sequence[Tensor]) -> list[Tensor]:
    """The inputs with ones put in after the sample axis, so that torch broadcasts them from the right."""
    rank = max(each.ndim for each in inputs)
    return [each.reshape(each.shape[0], *(1,) * (rank - each.ndim), *each.shape[1:]) for each in inputs]


def clamped(step: Step, raw: Tensor, *, shared: bool) -> Tensor:
    """Results inside the instruction's bounds; in place unless they share memory with an input."""
    low = step.value.low if step.raw.low < step.value.low else None
    high = step.value.high if step.raw.high > step.value.high else None
    if low is None and high is None:
        return raw
    return raw.clamp(low, high) if shared else raw.clamp_(low, high)


def shifted(raw: Tensor, shift: int, most: int) -> Tensor | None:
    """rs(raw, shift) in place; None where float64 is too narrow.

    Args:
        raw: Integers in float64, to be overwritten.
        shift: Right where positive.
        most: Their largest magnitude.
    """
    if shift == 0:
        return raw
    if shift < 0:
        return raw.mul_(2.0**-shift) if most << -shift <= FLOAT64_EXACT else None
    if most + (1 << (shift - 1)) > FLOAT64_EXACT:
        return None
    return raw.add_(2.0 ** (shift - 1)).mul_(2.0**-shift).floor_()


def float32_is_exact() -> bool:
    """Whether float32 products are computed as such, and not in a shorter type that a setting allows."""
    ramp = torch.arange(64, dtype=torch.float32)
    left, right = 4033 + ramp.reshape(-1, 1).expand(64, 64), torch.eye(64)
    return bool(torch.equal(left @ right, left))
