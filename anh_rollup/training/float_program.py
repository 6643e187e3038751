"""The float reading of a program as a torch module: real arithmetic without rounding, with gradients.

An element of a value with scale s stands for element / 2^s. Every instruction is read in these real numbers;
the scales of a sound program make every factor below 1, and one that is not is honoured all the same.
Arrays have a leading sample axis of length N, or of 1 where a value is the same for every sample.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.encoding.tensors import Elements
from anh_rollup.evaluation.torch_operations import RELATIONS, aligned, strided
from anh_rollup.tensor.opcodes import LinearFlags, Opcode, Reduction, Relation
from anh_rollup.tensor.program import Kind, Program, Value
from anh_rollup.tensor.shapes import window
from anh_rollup.training.errors import TrainingError

#: Most fraction bits, of either sign, that are read: more than an imported network has, and every factor
#: between two such scales is a float32.
MOST_SCALE: Final = 48

#: The least number below a square root, which keeps its slope finite at zero (choice: far below one unit).
LEAST_RADICAND: Final = 1e-12

#: Numbers that are rounded at a time (choice: they stay in the cache).
_SLAB: Final = 1 << 14


class FloatProgram(nn.Module):
    """A program in float32, with its parameters as torch parameters in real units.

    Args:
        program: Any program without answers whose scales are between -48 and 48.

    Raises:
        TrainingError: The program is none of these.
    """

    def __init__(self, program: Program) -> None:
        super().__init__()
        require_float_reading(program)
        self.program = program
        self.weights = nn.ParameterList(
            [_initial(program, place) for place in program.source_ids(Kind.PARAMETER)]
        )
        self._last_use = {each: user for user, value in enumerate(program.values) for each in value.inputs}
        self._constants = {
            place: to_real(program.constants[value.constant], value.scale)[None]
            for place, value in enumerate(program.values)
            if value.kind is Kind.CONSTANT
        }

    def forward(self, fields: Sequence[Tensor]) -> Tensor:
        """The output (N, *shape) in real units.

        Args:
            fields: One tensor (N, *shape) in real units for each field of the program, in order.
        """
        values: dict[int, Tensor] = {}
        for place, value in enumerate(self.program.values):
            values[place] = self._value(place, value, fields, values)
            for source in {*value.inputs}:
                if self._last_use[source] == place:
                    del values[source]
        output = values[len(self.program.values) - 1]
        return output.expand(fields[0].shape[0], *output.shape[1:]) if fields else output

    def rounded(self) -> tuple[Elements, ...]:
        """The parameters as the exact reading takes them: rounded to their scales, within their ranges.

        Raises:
            TrainingError: A parameter is not a number any more.
        """
        declared = self.program.parameters
        pairs = zip(declared, self.weights, strict=True)
        return tuple([to_elements(weight.detach(), value) for value, weight in pairs])

    def load(self, parameters: Sequence[Elements]) -> None:
        """Takes exact parameters over, in real units.

        Raises:
            TrainingError: They are not of the shapes that the program declares.
        """
        require_parameters(self.program, parameters)
        with torch.no_grad():
            for value, weight, each in zip(self.program.parameters, self.weights, parameters, strict=True):
                weight.copy_(to_real(each, value.scale))

    def _value(
        self, place: int, value: Value, fields: Sequence[Tensor], values: Mapping[int, Tensor]
    ) -> Tensor:
        if value.kind is Kind.FIELD:
            return fields[value.index]
        if value.kind is Kind.PARAMETER:
            weight: Tensor = self.weights[value.index]
            return weight[None]
        if value.kind is Kind.CONSTANT or value.opcode is None:
            return self._constants[place]
        inputs = [values[source] for source in value.inputs]
        scales = [self.program.values[source].scale for source in value.inputs]
        raw = _RULES[value.opcode](value, inputs, scales)
        unit = 2.0**-value.scale
        return raw.clamp(value.low * unit, value.high * unit)


def require_float_reading(program: Program) -> None:
    """Checks that a program has a float reading.

    Raises:
        TrainingError: It reads answers, or a scale is not between -48 and 48.
    """
    if program.answers:
        raise TrainingError("the program reads answers; an architecture does not")
    for place, value in enumerate(program.values):
        if abs(value.scale) > MOST_SCALE:
            raise TrainingError(f"value {place} has {value.scale} fraction bits, beyond {MOST_SCALE}")


def require_parameters(program: Program, parameters: Sequence[Elements]) -> None:
    """Checks that parameters are of the shapes that a program declares.

    Raises:
        TrainingError: They are not.
    """
    given = [each.shape for each in parameters]
    declared = [each.shape for each in program.parameters]
    if given != declared:
        raise TrainingError(f"parameters of the shapes {given} for a program with {declared}")


def real_fields(program: Program, samples: Dataset) -> list[Tensor]:
    """The fields that a program reads, in real units: (N, *shape) each.

    Raises:
        TrainingError: The data set has fewer fields, or others.
    """
    declared = program.fields
    if not declared or len(samples.fields) < len(declared):
        raise TrainingError(f"{len(samples.fields)} fields for a program that reads {len(declared)}")
    for value, given in zip(declared, samples.fields, strict=False):
        if given.shape[1:] != value.shape:
            raise TrainingError(f"a field of shape {given.shape[1:]} where {value.shape} is declared")
    return [to_real(given, value.scale) for value, given in zip(declared, samples.fields, strict=False)]


def to_real(elements: Elements, scale: int) -> Tensor:
    """Elements as real numbers in float32."""
    return torch.from_numpy(elements.astype("float64")).mul_(2.0**-scale).float()


def to_elements(real: Tensor, value: Value) -> Elements:
    """Real numbers as elements of a value: rounded half to even, within its range.

    Raises:
        TrainingError: Something is not finite.
    """
    given, elements = real.reshape(-1).numpy(), np.empty(real.shape, np.int32)
    for first in range(0, given.size, _SLAB):
        # By numpy, for torch's threads wait for one another.
        scaled = np.multiply(given[first : first + _SLAB], 2.0**value.scale, dtype=np.float64)
        if not np.isfinite(scaled.sum()):
            raise TrainingError(
                "the numbers are not finite any more", remedy="Lower the learning rate and train again."
            )
        np.clip(np.rint(scaled, out=scaled), value.low, value.high, out=scaled)
        elements.reshape(-1)[first : first + _SLAB] = scaled
    return elements


def _initial(program: Program, place: int) -> nn.Parameter:
    """A parameter to begin with, by its use: shifts least, factors one, addends zero, weights random.

    Weights are uniform with He's variance, 2 by fan-in; what is looked up, as embeddings are, has variance 1.
    """
    value = program.values[place]
    users = [each for each in program.values if place in each.inputs]
    if any(_is_shifts(each, place) for each in users):
        return nn.Parameter(
            torch.full(value.shape, max(value.low, 0) * 2.0**-value.scale), requires_grad=False
        )
    if len(value.shape) < 2:
        factor = any(each.opcode in (Opcode.MUL, Opcode.DIV) for each in users)
        return nn.Parameter(torch.full(value.shape, float(factor)))
    looked_up = any(each.opcode is Opcode.GATHER and each.inputs[0] == place for each in users)
    multiplied = any(each.opcode is Opcode.MATMUL for each in users)
    terms = value.shape[-1] if multiplied else value.size // value.shape[0]
    bound = (3.0 if looked_up else 6.0 / terms) ** 0.5
    most = min(-value.low, value.high) * 2.0**-value.scale
    return nn.Parameter(torch.empty(value.shape).uniform_(-1, 1) * max(0.0, min(bound, most)))


def _is_shifts(user: Value, place: int) -> bool:
    """Whether a value reads the one at `place` as shifts for each channel."""
    linear = user.opcode in (Opcode.MATMUL, Opcode.CONV)
    return linear and bool(user.attributes[2] & LinearFlags.SHIFTS) and user.inputs[-1] == place


def _linear_factor(value: Value, scales: Sequence[int], inputs: Sequence[Tensor]) -> Tensor | float:
    """What turns a real sum of products into the result's unit; one factor for each channel with shifts."""
    if value.attributes[2] & LinearFlags.SHIFTS:
        return torch.exp2(scales[0] + scales[1] - value.scale - inputs[-1] * 2.0 ** scales[-1])
    return 2.0 ** (scales[0] + scales[1] - value.attributes[0] - value.scale)


def _finish(value: Value, sums: Tensor, inputs: Sequence[Tensor], scales: Sequence[int]) -> Tensor:
    factor = _linear_factor(value, scales, inputs)
    result = sums * factor if isinstance(factor, Tensor) or factor != 1 else sums
    if value.attributes[2] & LinearFlags.BIAS:
        bias = inputs[2] * 2.0 ** (scales[2] - value.attributes[1] - value.scale)
        result = result + bias.reshape(bias.shape[0], *(1,) * (sums.ndim - 2), bias.shape[-1])
    return result


def _matmul(value: Value, inputs: Sequence[Tensor], scales: Sequence[int]) -> Tensor:
    x, w = inputs[:2]
    if w.ndim == 3 and w.shape[0] == 1:
        sums = functional.linear(x, w[0])
    elif w.ndim == 3:
        rows = x.reshape(x.shape[0], -1, x.shape[-1])
        sums = (rows @ w.transpose(1, 2)).reshape(-1, *value.shape)
    else:
        sums = x @ w.transpose(-1, -2)
    return _finish(value, sums, inputs, scales)


def _conv(value: Value, inputs: Sequence[Tensor], scales: Sequence[int]) -> Tensor:
    x, w = inputs[:2]
    if w.shape[0] != 1:
        raise TrainingError("a convolution whose kernel differs from sample to sample")
    g = window(tuple(x.shape[1:]), tuple(w.shape[1:]), value.attributes)
    image = x.reshape(x.shape[0], g.height, g.width, g.channels).permute(0, 3, 1, 2)
    kernel = w[0].reshape(g.outputs, g.kernel_h, g.kernel_w, g.group_channels).permute(0, 3, 1, 2)
    top, left, bottom, right = value.attributes[5:9]
    padded = functional.pad(image, (left, right, top, bottom)) if any((top, left, bottom, right)) else image
    sums = functional.conv2d(padded, kernel, None, tuple(g.stride), 0, tuple(g.dilation), g.groups)
    sums = sums.permute(0, 2, 3, 1).reshape(x.shape[0], *value.shape)
    return _finish(value, sums, inputs, scales)


def _scaled(x: Tensor, power: int) -> Tensor:
    return x if power == 0 else x * 2.0**power


def _add(value: Value, inputs: Sequence[Tensor], scales: Sequence[int], sign: int = 1) -> Tensor:
    p, q, shift = value.attributes
    a, b = aligned(inputs)
    first = _scaled(a, scales[0] + p - shift - value.scale)
    second = _scaled(b, scales[1] + q - shift - value.scale)
    return first + second if sign > 0 else first - second


def _sub(value: Value, inputs: Sequence[Tensor], scales: Sequence[int]) -> Tensor:
    return _add(value, inputs, scales, -1)


def _mul(value: Value, inputs: Sequence[Tensor], scales: Sequence[int]) -> Tensor:
    a, b = aligned(inputs)
    return _scaled(a * b, scales[0] + scales[1] - value.attributes[0] - value.scale)


def _shift(value: Value, inputs: Sequence[Tensor], scales: Sequence[int]) -> Tensor:
    return _scaled(inputs[0], scales[0] - value.attributes[0] - value.scale)


def _both(value: Value, inputs: Sequence[Tensor], scales: Sequence[int]) -> list[Tensor]:
    pairs = zip(aligned(inputs), scales, strict=True)
    return [_scaled(each, scale - value.scale) for each, scale in pairs]


def _min(value: Value, inputs: Sequence[Tensor], scales: Sequence[int]) -> Tensor:
    return torch.minimum(*_both(value, inputs, scales))


def _max(value: Value, inputs: Sequence[Tensor], scales: Sequence[int]) -> Tensor:
    return torch.maximum(*_both(value, inputs, scales))


def _abs(value: Value, inputs: Sequence[Tensor], scales: Sequence[int]) -> Tensor:
    return _both(value, inputs, scales)[0].abs()


def _compare(value: Value, inputs: Sequence[Tensor], scales: Sequence[int]) -> Tensor:
    a, b = aligned(inputs)
    held = RELATIONS[Relation(value.attributes[0])](_scaled(a, scales[0]), _scaled(b, scales[1]))
    return _scaled(held.float(), -value.scale)


def _select(value: Value, inputs: Sequence[Tensor], scales: Sequence[int]) -> Tensor:
    c, a, b = _both(value, inputs, scales)
    return torch.where(c != 0, a, b)


def _table(value: Value, inputs: Sequence[Tensor], scales: Sequence[int]) -> Tensor:
    x, t = inputs
    origin, step = value.attributes
    last = t.shape[1] - 1
    place = ((x * 2.0 ** scales[0] - origin) * 2.0**-step).clamp(0, last)
    left = place.detach().floor().clamp(max=last - 1).long()
    entries = t[0] if t.shape[0] == 1 else None
    if entries is None:
        raise TrainingError("a table that differs from sample to sample")
    low, high = entries[left], entries[left + 1]
    return _scaled(low + (high - low) * (place - left), scales[1] - value.scale)


def _div(value: Value, inputs: Sequence[Tensor], scales: Sequence[int]) -> Tensor:
    a, b = aligned(inputs)
    unit = 2.0**-value.scale
    by_zero = torch.where(a > 0, value.high * unit, torch.where(a < 0, value.low * unit, 0.0))
    quotient = _scaled(
        a / torch.where(b == 0, 1.0, b), scales[0] - scales[1] + value.attributes[0] - value.scale
    )
    return torch.where(b == 0, by_zero, quotient)


def _sqrt(value: Value, inputs: Sequence[Tensor], scales: Sequence[int]) -> Tensor:
    units = (inputs[0] * 2.0 ** (scales[0] + value.attributes[0])).clamp(min=LEAST_RADICAND)
    return _scaled(units.sqrt(), -value.scale)


def _reduce(value: Value, inputs: Sequence[Tensor], scales: Sequence[int]) -> Tensor:
    kind, shift, first, count = value.attributes
    x = inputs[0]
    folded = x.flatten(first + 1, first + count)
    if kind == Reduction.SUM:
        return _scaled(folded.sum(first + 1), scales[0] - shift - value.scale)
    if kind == Reduction.MAX:
        return _scaled(folded.amax(first + 1), scales[0] - value.scale)
    return _scaled(folded.argmax(first + 1).float(), -value.scale)


def _view(value: Value, inputs: Sequence[Tensor], scales: Sequence[int]) -> Tensor:
    shown = strided(inputs[0], value.attributes).reshape(inputs[0].shape[0], *value.shape)
    return _scaled(shown, scales[0] - value.scale)


def _pad(value: Value, inputs: Sequence[Tensor], scales: Sequence[int]) -> Tensor:
    x = _scaled(inputs[0], scales[0] - value.scale)
    fill, before = value.attributes[0] * 2.0**-value.scale, value.attributes[1:]
    margins: list[int] = []
    for margin, size, wide in zip(before, x.shape[1:], value.shape, strict=True):
        margins[:0] = [margin, wide - size - margin]
    return functional.pad(x, margins, value=fill)


def _concat(value: Value, inputs: Sequence[Tensor], scales: Sequence[int]) -> Tensor:
    samples = max(each.shape[0] for each in inputs)
    pairs = zip(inputs, scales, strict=True)
    full = [_scaled(each.expand(samples, *each.shape[1:]), s - value.scale) for each, s in pairs]
    return torch.cat(full, dim=value.attributes[0] + 1)


def _gather(value: Value, inputs: Sequence[Tensor], scales: Sequence[int]) -> Tensor:
    x = _scaled(inputs[0], scales[0] - value.scale)
    axis = value.attributes[0]
    indices = (inputs[1].detach() * 2.0 ** scales[1]).round().long().clamp(0, x.shape[axis + 1] - 1)
    samples = max(x.shape[0], indices.shape[0])
    rows, places = x.expand(samples, *x.shape[1:]), indices.expand(samples, *indices.shape[1:])
    taken = [
        each.index_select(axis, at.reshape(-1)).reshape(value.shape)
        for each, at in zip(rows, places, strict=True)
    ]
    return torch.stack(taken)


Rule = Callable[[Value, Sequence[Tensor], Sequence[int]], Tensor]

_RULES: Final[dict[Opcode, Rule]] = {
    Opcode.MATMUL: _matmul,
    Opcode.CONV: _conv,
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
    Opcode.REDUCE: _reduce,
    Opcode.VIEW: _view,
    Opcode.PAD: _pad,
    Opcode.CONCAT: _concat,
    Opcode.GATHER: _gather,
}
