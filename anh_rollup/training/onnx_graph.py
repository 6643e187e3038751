"""The float reading of a program with known parameters as an ONNX graph, for onnxruntime and others.

The rules are those of `float_program`, in the operators of ONNX: real numbers in float32, a leading sample
axis of length N, or of 1 where a value is the same for every sample.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from anh_rollup.encoding.tensors import Elements
from anh_rollup.tensor.opcodes import LinearFlags, Opcode, Reduction, Relation
from anh_rollup.tensor.program import Kind, Program, Value
from anh_rollup.tensor.shapes import window
from anh_rollup.training.errors import TrainingError
from anh_rollup.training.float_program import LEAST_RADICAND, require_float_reading, require_parameters

#: The operator set that is used (ONNX 1.13), and the oldest file format that has it.
OPSET: Final = 18
IR_VERSION: Final = 8


@dataclass(frozen=True, slots=True)
class Real:
    """A value in the graph.

    Attributes:
        name: Of the ONNX tensor.
        shape: Without the sample axis.
        varies: Whether the sample axis is N; otherwise it is 1.
        scale: Fraction bits of the value that it stands for.
    """

    name: str
    shape: tuple[int, ...]
    varies: bool
    scale: int


@dataclass(slots=True)
class _Graph:
    """Nodes and constants as they come."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, array: npt.NDArray[Any]) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def number(self, number: float) -> str:
        return self.constant(np.array(number, np.float32))

    def ints(self, numbers: Sequence[int]) -> str:
        return self.constant(np.array(numbers, np.int64))

    def emit(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def reshape(self, x: str, shape: Sequence[int]) -> str:
        """Samples stay apart; the shape of each becomes another."""
        return self.emit("Reshape", x, self.ints([-1, *shape]))

    def scaled(self, x: str, power: int) -> str:
        return x if power == 0 else self.emit("Mul", x, self.number(2.0**power))

    def spread(self, x: Real, like: str) -> str:
        """A value that is the same for every sample, once for each sample of another tensor."""
        if x.varies:
            return x.name
        samples = self.emit("Shape", like, start=0, end=1)
        wanted = self.emit("Concat", samples, self.ints(x.shape), axis=0) if x.shape else samples
        return self.emit("Expand", x.name, wanted)


def to_onnx(program: Program, parameters: Sequence[Elements]) -> onnx.ModelProto:
    """The float reading as an ONNX model from `field_0`, `field_1`, ... to `output`, in real units.

    Args:
        program: An architecture, as `FloatProgram` takes it.
        parameters: Exact parameters; they become constants of the graph.

    Raises:
        TrainingError: The program has no float reading, parameters do not fit, or an instruction has no
            counterpart in ONNX; the last is named.
    """
    require_float_reading(program)
    require_parameters(program, parameters)
    graph, values = _Graph(), list[Real]()
    for value in program.values:
        values.append(_value(graph, program, parameters, value, [values[each] for each in value.inputs]))
    inputs = [_declare(f"field_{each}", value.shape) for each, value in enumerate(program.fields)]
    last = values[-1]
    name = graph.spread(last, "field_0") if inputs else last.name
    graph.nodes.append(helper.make_node("Identity", [name], ["output"]))
    made = helper.make_graph(
        graph.nodes, "float_reading", inputs, [_declare("output", last.shape)], graph.constants
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def _declare(name: str, shape: Sequence[int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["samples", *shape])


def _value(
    graph: _Graph, program: Program, parameters: Sequence[Elements], value: Value, inputs: Sequence[Real]
) -> Real:
    if value.kind is Kind.FIELD:
        return Real(f"field_{value.index}", value.shape, True, value.scale)
    if value.kind is Kind.PARAMETER or value.kind is Kind.CONSTANT or value.opcode is None:
        known = parameters[value.index] if value.kind is Kind.PARAMETER else program.constants[value.constant]
        real = known.astype(np.float64) * 2.0**-value.scale
        return Real(graph.constant(real.astype(np.float32)[None]), value.shape, False, value.scale)
    raw = _RULES[value.opcode](graph, value, inputs)
    unit = 2.0**-value.scale
    bounded = graph.emit("Clip", raw, graph.number(value.low * unit), graph.number(value.high * unit))
    return Real(bounded, value.shape, any(each.varies for each in inputs), value.scale)


def _finish(g: _Graph, value: Value, sums: str, inputs: Sequence[Real]) -> str:
    scale = inputs[0].scale + inputs[1].scale - value.scale
    if value.attributes[2] & LinearFlags.SHIFTS:
        power = g.emit("Sub", g.number(scale), g.scaled(inputs[-1].name, inputs[-1].scale))
        sums = g.emit("Mul", sums, g.emit("Pow", g.number(2.0), power))
    else:
        sums = g.scaled(sums, scale - value.attributes[0])
    if value.attributes[2] & LinearFlags.BIAS:
        bias = g.scaled(inputs[2].name, inputs[2].scale - value.attributes[1] - value.scale)
        shape = (*(1,) * (len(value.shape) - 1), inputs[2].shape[-1])
        sums = g.emit("Add", sums, g.reshape(bias, shape))
    return sums


def _matmul(g: _Graph, value: Value, inputs: Sequence[Real]) -> str:
    x, w = inputs[:2]
    rank = len(w.shape) + 1
    turned = g.emit("Transpose", w.name, perm=[*range(rank - 2), rank - 1, rank - 2])
    if rank > 3:
        return _finish(g, value, g.emit("MatMul", x.name, turned), inputs)
    rows = g.reshape(x.name, (prod(x.shape[:-1]), x.shape[-1]))
    return _finish(g, value, g.reshape(g.emit("MatMul", rows, turned), value.shape), inputs)


def _conv(g: _Graph, value: Value, inputs: Sequence[Real]) -> str:
    x, w = inputs[:2]
    if w.varies:
        raise TrainingError("a convolution whose kernel differs from sample to sample")
    at = window(x.shape, w.shape, value.attributes)
    image = g.emit("Transpose", g.reshape(x.name, (at.height, at.width, at.channels)), perm=[0, 3, 1, 2])
    taps = g.emit("Reshape", w.name, g.ints([at.outputs, at.kernel_h, at.kernel_w, at.group_channels]))
    kernel = g.emit("Transpose", taps, perm=[0, 3, 1, 2])
    sums = g.emit(
        "Conv", image, kernel, group=at.groups,
        pads=list(value.attributes[5:9]), strides=list(at.stride), dilations=list(at.dilation),
    )  # fmt: skip
    return _finish(g, value, g.reshape(g.emit("Transpose", sums, perm=[0, 2, 3, 1]), value.shape), inputs)


def _aligned(g: _Graph, inputs: Sequence[Real]) -> list[str]:
    """The inputs with as many axes as the largest has."""
    rank = max(len(each.shape) for each in inputs)
    return [
        each.name
        if len(each.shape) == rank
        else g.reshape(each.name, (*(1,) * (rank - len(each.shape)), *each.shape))
        for each in inputs
    ]


def _both(g: _Graph, value: Value, inputs: Sequence[Real], *shifts: int) -> list[str]:
    """The inputs aligned, in units of the value, each shifted."""
    moved = shifts or (0,) * len(inputs)
    named = zip(_aligned(g, inputs), inputs, moved, strict=True)
    return [g.scaled(name, each.scale + shift - value.scale) for name, each, shift in named]


def _sum(operator: str) -> "Rule":
    def rule(g: _Graph, value: Value, inputs: Sequence[Real]) -> str:
        p, q, shift = value.attributes
        return g.emit(operator, *_both(g, value, inputs, p - shift, q - shift))

    return rule


def _mul(g: _Graph, value: Value, inputs: Sequence[Real]) -> str:
    product = g.emit("Mul", *_aligned(g, inputs))
    return g.scaled(product, inputs[0].scale + inputs[1].scale - value.attributes[0] - value.scale)


def _shift(g: _Graph, value: Value, inputs: Sequence[Real]) -> str:
    return g.scaled(inputs[0].name, inputs[0].scale - value.attributes[0] - value.scale)


def _elementwise(operator: str) -> "Rule":
    def rule(g: _Graph, value: Value, inputs: Sequence[Real]) -> str:
        return g.emit(operator, *_both(g, value, inputs))

    return rule


#: The operator of each relation, and whether its answer is turned round.
_RELATIONS: Final[dict[Relation, tuple[str, bool]]] = {
    Relation.EQUAL: ("Equal", False),
    Relation.NOT_EQUAL: ("Equal", True),
    Relation.LESS: ("Less", False),
    Relation.LESS_OR_EQUAL: ("LessOrEqual", False),
    Relation.GREATER: ("Greater", False),
    Relation.GREATER_OR_EQUAL: ("GreaterOrEqual", False),
}


def _compare(g: _Graph, value: Value, inputs: Sequence[Real]) -> str:
    operator, turned = _RELATIONS[Relation(value.attributes[0])]
    units = [g.scaled(name, each.scale) for name, each in zip(_aligned(g, inputs), inputs, strict=True)]
    held = g.emit(operator, *units)
    told = g.emit("Not", held) if turned else held
    return g.scaled(g.emit("Cast", told, to=TensorProto.FLOAT), -value.scale)


def _is_zero(g: _Graph, x: str) -> str:
    return g.emit("Equal", x, g.number(0.0))


def _select(g: _Graph, value: Value, inputs: Sequence[Real]) -> str:
    c, a, b = _both(g, value, inputs)
    return g.emit("Where", _is_zero(g, c), b, a)


def _table(g: _Graph, value: Value, inputs: Sequence[Real]) -> str:
    x, t = inputs
    if t.varies:
        raise TrainingError("a table that differs from sample to sample")
    origin, step = value.attributes
    last = t.shape[0] - 1
    raised = g.emit("Sub", g.scaled(x.name, x.scale), g.number(origin))
    place = g.emit("Clip", g.scaled(raised, -step), g.number(0.0), g.number(last))
    left = g.emit("Min", g.emit("Floor", place), g.number(last - 1))
    index = g.emit("Cast", left, to=TensorProto.INT64)
    entries = g.emit("Reshape", t.name, g.ints([-1]))
    low = g.emit("Gather", entries, index)
    high = g.emit("Gather", entries, g.emit("Add", index, g.ints([1])))
    slope = g.emit("Mul", g.emit("Sub", high, low), g.emit("Sub", place, left))
    return g.scaled(g.emit("Add", low, slope), t.scale - value.scale)


def _div(g: _Graph, value: Value, inputs: Sequence[Real]) -> str:
    a, b = _aligned(g, inputs)
    unit, zero = 2.0**-value.scale, g.number(0.0)
    below = g.emit("Where", g.emit("Less", a, zero), g.number(value.low * unit), zero)
    by_zero = g.emit("Where", g.emit("Greater", a, zero), g.number(value.high * unit), below)
    divisor = g.emit("Where", _is_zero(g, b), g.number(1.0), b)
    power = inputs[0].scale - inputs[1].scale + value.attributes[0] - value.scale
    return g.emit("Where", _is_zero(g, b), by_zero, g.scaled(g.emit("Div", a, divisor), power))


def _sqrt(g: _Graph, value: Value, inputs: Sequence[Real]) -> str:
    units = g.scaled(inputs[0].name, inputs[0].scale + value.attributes[0])
    return g.scaled(g.emit("Sqrt", g.emit("Max", units, g.number(LEAST_RADICAND))), -value.scale)


def _reduce(g: _Graph, value: Value, inputs: Sequence[Real]) -> str:
    kind, shift, first, count = value.attributes
    x = inputs[0]
    axes = (*x.shape[:first], prod(x.shape[first : first + count]), *x.shape[first + count :])
    folded = g.reshape(x.name, axes)
    if kind == Reduction.ARGMAX:
        place = g.emit("ArgMax", folded, axis=first + 1, keepdims=0)
        return g.scaled(g.emit("Cast", place, to=TensorProto.FLOAT), -value.scale)
    operator, power = ("ReduceSum", -shift) if kind == Reduction.SUM else ("ReduceMax", 0)
    result = g.emit(operator, folded, g.ints([first + 1]), keepdims=0)
    return g.scaled(result, x.scale + power - value.scale)


def _view(g: _Graph, value: Value, inputs: Sequence[Real]) -> str:
    x = inputs[0]
    offset, count = value.attributes[:2]
    dims, strides = value.attributes[2 : 2 + count], value.attributes[2 + count :]
    shown = np.full((), offset, np.int64)
    for size, stride in zip(dims, strides, strict=True):
        shown = shown[..., None] + np.arange(size, dtype=np.int64) * stride
    places = shown.reshape(-1)
    name = x.name
    if places.size != prod(x.shape) or bool((places != np.arange(places.size)).any()):
        name = g.emit("Gather", g.reshape(name, (prod(x.shape),)), g.constant(places), axis=1)
    return g.scaled(g.reshape(name, value.shape), x.scale - value.scale)


def _pad(g: _Graph, value: Value, inputs: Sequence[Real]) -> str:
    x, before = inputs[0], value.attributes[1:]
    sizes = zip(before, x.shape, value.shape, strict=True)
    after = [wide - size - margin for margin, size, wide in sizes]
    fill = g.number(value.attributes[0] * 2.0**-value.scale)
    scaled = g.scaled(x.name, x.scale - value.scale)
    return g.emit("Pad", scaled, g.ints([0, *before, 0, *after]), fill)


def _concat(g: _Graph, value: Value, inputs: Sequence[Real]) -> str:
    like = next((each.name for each in inputs if each.varies), None)
    parts = [each.name if like is None else g.spread(each, like) for each in inputs]
    scaled = [g.scaled(name, each.scale - value.scale) for name, each in zip(parts, inputs, strict=True)]
    return g.emit("Concat", *scaled, axis=value.attributes[0] + 1)


def _gather(g: _Graph, value: Value, inputs: Sequence[Real]) -> str:
    x, at = inputs
    axis = value.attributes[0]
    before, length, after = prod(x.shape[:axis]), x.shape[axis], prod(x.shape[axis + 1 :])
    count = prod(at.shape)
    units = g.emit("Round", g.scaled(g.reshape(at.name, (count,)), at.scale))
    places = g.emit("Cast", g.emit("Clip", units, g.number(0.0), g.number(length - 1)), to=TensorProto.INT64)
    rows = g.emit(
        "Transpose", g.reshape(g.scaled(x.name, x.scale - value.scale), (before, length, after)),
        perm=[0, 2, 1, 3],
    )  # fmt: skip
    if x.varies:
        spread = g.spread(Real(places, (count,), at.varies, 0), x.name)
        indices = g.emit("Unsqueeze", spread, g.ints([2]))
        taken = g.emit("GatherND", rows, indices, batch_dims=1)
    else:
        taken = g.emit("Gather", g.emit("Squeeze", rows, g.ints([0])), places, axis=0)
    return g.reshape(g.emit("Transpose", taken, perm=[0, 2, 1, 3]), value.shape)


Rule = Callable[[_Graph, Value, Sequence[Real]], str]

_RULES: Final[dict[Opcode, Rule]] = {
    Opcode.MATMUL: _matmul,
    Opcode.CONV: _conv,
    Opcode.ADD: _sum("Add"),
    Opcode.SUB: _sum("Sub"),
    Opcode.MUL: _mul,
    Opcode.SHIFT: _shift,
    Opcode.MIN: _elementwise("Min"),
    Opcode.MAX: _elementwise("Max"),
    Opcode.ABS: _elementwise("Abs"),
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
