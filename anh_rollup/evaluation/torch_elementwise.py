"""The torch backend's element-wise instructions: float64 where it is proven exact.

None as a result says that an intermediate may pass 2^53; the reference's int64 rule then takes over.
"""

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor

from anh_rollup.evaluation.steps import FLOAT64_EXACT, Step
from anh_rollup.evaluation.torch_step import Rule, aligned, shifted
from anh_rollup.tensor.opcodes import Opcode, Relation


def _weighted(step: Step, inputs: Sequence[Tensor], sign: int) -> Tensor | None:
    p, q, shift = step.value.attributes
    most = (step.magnitudes[0] << p) + (step.magnitudes[1] << q)
    if most > FLOAT64_EXACT:
        return None
    a, b = aligned(inputs)
    if p:
        a = a * 2.0**p
    return shifted(torch.add(a, b, alpha=sign * 2.0**q), shift, most)


def _add(step: Step, inputs: Sequence[Tensor]) -> Tensor | None:
    return _weighted(step, inputs, 1)


def _sub(step: Step, inputs: Sequence[Tensor]) -> Tensor | None:
    return _weighted(step, inputs, -1)


def _mul(step: Step, inputs: Sequence[Tensor]) -> Tensor | None:
    most = step.magnitudes[0] * step.magnitudes[1]
    if most > FLOAT64_EXACT:
        return None
    a, b = aligned(inputs)
    return shifted(a * b, step.value.attributes[0], most)


def _shift(step: Step, inputs: Sequence[Tensor]) -> Tensor | None:
    shift = step.value.attributes[0]
    return inputs[0] if shift == 0 else shifted(inputs[0].clone(), shift, step.magnitudes[0])


def _min(_step: Step, inputs: Sequence[Tensor]) -> Tensor:
    return torch.minimum(*aligned(inputs))


def _max(_step: Step, inputs: Sequence[Tensor]) -> Tensor:
    return torch.maximum(*aligned(inputs))


def _abs(_step: Step, inputs: Sequence[Tensor]) -> Tensor:
    return inputs[0].abs()


#: What a relation asks of two tensors, element by element.
RELATIONS: Final[dict[Relation, Callable[[Tensor, Tensor], Tensor]]] = {
    Relation.EQUAL: torch.eq,
    Relation.NOT_EQUAL: torch.ne,
    Relation.LESS: torch.lt,
    Relation.LESS_OR_EQUAL: torch.le,
    Relation.GREATER: torch.gt,
    Relation.GREATER_OR_EQUAL: torch.ge,
}


def _compare(step: Step, inputs: Sequence[Tensor]) -> Tensor:
    return RELATIONS[Relation(step.value.attributes[0])](*aligned(inputs)).to(torch.float64)


def _select(_step: Step, inputs: Sequence[Tensor]) -> Tensor:
    c, a, b = aligned(inputs)
    return torch.where(c != 0, a, b)


def _table(step: Step, inputs: Sequence[Tensor]) -> Tensor | None:
    x, t = inputs
    origin, power = step.value.attributes
    entries = step.intervals[1]
    if ((entries.high - entries.low + 1) << power) + (1 << power) > FLOAT64_EXACT:
        return None
    d = x - origin
    i = (d * 2.0**-power).floor_().clamp_(0, t.shape[1] - 2)
    # At the right end f is the whole step, which gives the last entry exactly.
    f = d.sub_(i, alpha=2.0**power).clamp_(0, 2.0**power)
    place = i.to(torch.int64)
    left = _looked_up(t, place)
    slope = _looked_up(t, place + 1).sub_(left)
    moved = slope.mul_(f)
    if power:
        moved = moved.add_(2.0 ** (power - 1)).mul_(2.0**-power).floor_()
    return moved.add_(left)


def _looked_up(t: Tensor, indices: Tensor) -> Tensor:
    if t.shape[0] == 1:
        return t[0].index_select(0, indices.reshape(-1)).reshape(indices.shape)
    rows = indices.expand(t.shape[0], *indices.shape[1:]).reshape(t.shape[0], -1)
    return t.gather(1, rows).reshape(t.shape[0], *indices.shape[1:])


def _div(step: Step, inputs: Sequence[Tensor]) -> Tensor | None:
    power = step.value.attributes[0]
    # Below 2^53 the float quotient never reaches an integer that the true quotient stays below.
    if (step.magnitudes[0] << power) + step.magnitudes[1] >= FLOAT64_EXACT:
        return None
    a, b = aligned(inputs)
    quotient = torch.div(a * 2.0**power, b).floor_()
    divisor = step.intervals[1]
    if divisor.low > 0 or divisor.high < 0:
        return quotient
    # Tensors rather than numbers, which torch would take for float32.
    low, high, zero = torch.tensor([step.value.low, step.value.high, 0], dtype=torch.float64).unbind()
    by_zero = torch.where(a > 0, high, torch.where(a < 0, low, zero))
    return torch.where(b == 0, by_zero, quotient)


def _sqrt(step: Step, inputs: Sequence[Tensor]) -> Tensor | None:
    power = step.value.attributes[0]
    # Below 2^52 the nearest float to the root of n^2 - 1 is below n.
    if max(step.intervals[0].high, 0) << power >= FLOAT64_EXACT >> 1:
        return None
    return inputs[0].clamp(min=0).mul_(2.0**power).sqrt_().floor_()


ELEMENTWISE: Final[dict[Opcode, Rule]] = {
    Opcode.ADD: _add,
    Opcode.SUB: _sub,
    Opcode.MUL: _mul,
    Opcode.SHIFT: _shift,
    Opcode.MIN: _min,
    Opcode.MAX: _max,
    Opcode.ABS: _abs,
    Opcode.COMPARE: _compare,
    Opcode.SELECT: _select,
    Opcode.TABLE: _table,
    Opcode.DIV: _div,
    Opcode.SQRT: _sqrt,
}
"""The rule of each element-wise instruction."""
