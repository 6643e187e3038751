"""The float reading: the same numbers as the exact one up to rounding in torch and ONNX, with slopes."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.tensor.builder import Node, ProgramBuilder
from anh_rollup.tensor.opcodes import Opcode, Relation
from anh_rollup.tensor.program import Program
from anh_rollup.tensor.properties import closeness
from anh_rollup.training.answering import ENGINES
from anh_rollup.training.errors import TrainingError
from anh_rollup.training.float_program import FloatProgram, to_elements, to_real

SCALE = 14
SHAPE = (6, 5, 4)


def field(b: ProgramBuilder, shape: tuple[int, ...] = SHAPE, *, scale: int = SCALE) -> Node:
    """A field of numbers between -4 and 4."""
    return b.field(shape, scale=scale, low=-(4 << scale), high=4 << scale)


def samples(program: Program, seed: int = 0, count: int = 3) -> Sources:
    """Random samples and parameters inside the declared ranges, the parameters small."""
    rng = np.random.default_rng(seed)
    fields = tuple(
        rng.integers(each.low, each.high, (count, *each.shape), dtype=np.int32, endpoint=True)
        for each in program.fields
    )
    parameters = tuple(
        rng.integers(each.low // 8, each.high // 8, each.shape, dtype=np.int32, endpoint=True)
        for each in program.parameters
    )
    return Sources(fields, (), parameters)


def both(program: Program, sources: Sources, engine: str = "torch") -> tuple[np.ndarray, np.ndarray]:
    """The float reading and the exact one, in real units."""
    fields = [
        to_real(given, value.scale) for value, given in zip(program.fields, sources.fields, strict=True)
    ]
    real = ENGINES[engine](program, sources.parameters)(fields).double().numpy()
    exact = ReferenceEvaluator().evaluate(program, sources) * 2.0**-program.output.scale
    return np.broadcast_to(real, exact.shape), exact


def dense(b: ProgramBuilder, x: Node) -> Node:
    w, bias = b.parameter((7, 4), scale=12), b.parameter((7,), scale=18, low=-(2**20), high=2**20)
    return b.linear(x, w, bias)


def shifted_channels(b: ProgramBuilder, x: Node) -> Node:
    # Channel c has shift 11 + c and so weights with 11 + c fraction bits.
    w = b.constant(np.array([[2048, 0, 1, 5], [4096, 3, -9, 77]]), scale=0)
    return b.emit(Opcode.MATMUL, (x, w, b.constant(np.array([11, 12]))), (0, 0, 2), scale=SCALE)


def convolution(b: ProgramBuilder, x: Node) -> Node:
    w, bias = b.parameter((8, 3, 2, 2), scale=13), b.parameter((8,), scale=16)
    return b.conv2d(x, w, bias, padding=(1, 0, 2, 1), stride=(2, 1), dilation=(1, 2), groups=2, low=0)


def attention(b: ProgramBuilder, x: Node) -> Node:
    scores = b.matmul(x, b.transpose(x, [0, 2, 1]), scale=10)
    return b.matmul(b.softmax(scores), x, scale=SCALE)


CASES: dict[str, tuple[Callable[[ProgramBuilder, Node], Node], float]] = {
    "dense": (dense, 2),
    "shifts": (shifted_channels, 2),
    "convolution": (convolution, 2),
    "line convolution": (
        lambda b, x: b.conv1d(x[0], b.parameter((3, 2, 4), scale=13), padding=(1, 0), stride=2),
        2,
    ),
    "batched matmul": (lambda b, x: b.linear(x, b.parameter((6, 2, 4), scale=13)), 2),
    "attention": (attention, 40),
    "sum": (lambda b, x: b.add(x, x[0], scale=10), 1),
    "difference": (lambda b, x: b.sub(x, b.reshape(x[:, 0], (6, 1, 4)), scale=16), 1),
    "product": (lambda b, x: x * x[1], 1),
    "rescale up": (lambda b, x: b.rescale(x, 20), 0),
    "rescale down": (lambda b, x: b.rescale(x, 3), 1),
    "bounds": (lambda b, x: b.clamp(x, low=-(1 << SCALE), high=3 << (SCALE - 1)), 0),
    "unlike": (lambda b, x: b.compare(x, Relation.NOT_EQUAL, x[3]), 0),
    "minimum": (lambda b, x: b.minimum(x, x[2]), 0),
    "maximum": (lambda b, x: b.maximum(x, 0.5), 0),
    "magnitude": (lambda b, x: b.abs(x), 0),
    "comparison": (lambda b, x: b.compare(x, Relation.GREATER, x[3]), 0),
    "equality": (lambda b, x: b.equal(x, x[3]), 0),
    "choice": (lambda b, x: b.where(x > 0, x, x[4]), 0),
    "table": (lambda b, x: b.tanh(x), 2),
    "two-part function": (lambda b, x: b.gelu(x), 2),
    "quotient": (lambda b, x: b.div(x, b.abs(x[1]) + 1.0), 2),
    "quotient by zero": (lambda b, x: b.div(x, b.constant(0), low=-5, high=9), 0),
    "root": (lambda b, x: b.sqrt(x), 2),
    "mean": (lambda b, x: b.mean(x, (0, 1)), 2),
    "total": (lambda b, x: b.sum(x, 1, scale=8), 1),
    "largest": (lambda b, x: b.max(x, (1, 2)), 0),
    "place of the largest": (lambda b, x: b.argmax(x, (0, 1)), 0),
    "pooling": (lambda b, x: b.max_pool(x, 3, stride=1, padding=1), 0),
    "average pooling": (lambda b, x: b.avg_pool(x, 2), 2),
    "transpose": (lambda b, x: b.transpose(x), 0),
    "backwards": (lambda b, x: x[::-2, :, 1], 0),
    "tile": (lambda b, x: b.tile(x, (1, 2, 1)), 0),
    "pad and cut": (lambda b, x: b.pad(x, ((1, -2), (-1, 3), (0, 0)), fill=77), 0),
    "concatenation": (lambda b, x: b.concat([x, b.rescale(x, 16), b.parameter(SHAPE, scale=9)], 1), 1),
    "look-up": (lambda b, x: b.gather(b.parameter((9, 3), scale=8), b.argmax(x, 2)), 0),
    "look-up of one for all": (lambda b, x: b.gather(x, b.constant(np.array([3, 0, 3])), 2), 0),
    "look-up by sample": (lambda b, x: b.gather(x, b.argmax(x, 2), 1), 0),
}


@pytest.mark.parametrize("engine", ["torch", "onnxruntime"])
@pytest.mark.parametrize("name", CASES)
def test_it_is_the_exact_reading_up_to_rounding(name: str, engine: str) -> None:
    build, units = CASES[name]
    b = ProgramBuilder()
    program = b.build(build(b, field(b)))
    real, exact = both(program, samples(program), engine)
    # Float32 has 24 bits of its own; `units` counts the rounding of the exact side.
    room = units * 2.0**-program.output.scale + 2.0**-20 * np.abs(exact).max()
    assert np.abs(real - exact).max() <= room


@pytest.mark.parametrize("name", ["dense", "convolution", "batched matmul", "line convolution"])
def test_slopes_are_those_of_small_differences(name: str) -> None:
    b = ProgramBuilder()
    program = b.build(CASES[name][0](b, field(b)))
    sources = samples(program)
    module = FloatProgram(program).double()
    module.load(sources.parameters)
    fields = [to_real(given, SCALE).double() for given in sources.fields]
    module(fields).square().sum().backward()
    weight = module.weights[0]
    grad = weight.grad
    assert grad is not None
    with torch.no_grad():
        flat, step = weight.view(-1), 1e-6
        before = float(module(fields).square().sum())
        flat[3] += step
        after = float(module(fields).square().sum())
    assert (after - before) / step == pytest.approx(float(grad.view(-1)[3]), rel=1e-3, abs=1e-3)


@pytest.mark.parametrize(
    "name", ["table", "two-part function", "root", "quotient", "pooling", "backwards", "tile"]
)
def test_slopes_reach_through_what_is_not_linear(name: str) -> None:
    b = ProgramBuilder()
    program = b.build(CASES[name][0](b, field(b)))
    real = to_real(samples(program).fields[0], SCALE).requires_grad_()
    FloatProgram(program)([real]).sum().backward()
    assert real.grad is not None
    assert bool(torch.isfinite(real.grad).all())
    assert float(real.grad.abs().sum()) > 0


def test_parameters_begin_by_their_use() -> None:
    b = ProgramBuilder()
    x = b.field((8,), scale=8, low=-999, high=999)
    w, bias = b.parameter((5, 8), scale=12), b.parameter((5,), scale=12)
    gain, shift = b.parameter((5,), scale=12), b.parameter((5,), scale=12)
    module = FloatProgram(b.build(b.linear(x, w, bias) * gain + shift))
    weights = [each.detach() for each in module.weights]
    assert float(weights[0].abs().max()) <= math.sqrt(6 / 8)
    assert float(weights[0].abs().max()) > 0.4
    assert [each.tolist() for each in weights[1:]] == [[0.0] * 5, [1.0] * 5, [0.0] * 5]


def test_parameters_begin_inside_their_ranges() -> None:
    b = ProgramBuilder()
    w = b.parameter((5, 2), scale=12, low=-40, high=10)
    program = b.build(b.linear(b.field((2,), low=0, high=9), w))
    (rounded,) = FloatProgram(program).rounded()
    assert rounded.dtype == np.int32
    assert -10 <= rounded.min() <= rounded.max() <= 10


def test_rounding_is_half_to_even_and_saturates() -> None:
    value = ProgramBuilder().parameter((6,), scale=1, low=-3, high=4).value
    given = torch.tensor([0.25, 0.75, -0.25, -0.75, 100.0, -100.0])
    assert to_elements(given, value).tolist() == [0, 2, 0, -2, 4, -3]


def test_many_numbers_round_as_each_of_them_alone() -> None:
    value = ProgramBuilder().parameter((3, 30_001), scale=4).value
    real = torch.linspace(-9, 9, 90_003).reshape(30_001, 3).T
    assert (to_elements(real, value) == np.rint(real.double().numpy() * 16)).all()


def test_loaded_parameters_come_back_as_they_were() -> None:
    b = ProgramBuilder()
    program = b.build(dense(b, field(b)))
    module, sources = FloatProgram(program), samples(program)
    module.load(sources.parameters)
    for before, after in zip(sources.parameters, module.rounded(), strict=True):
        assert before.tobytes() == after.tobytes()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused(bad: float) -> None:
    value = ProgramBuilder().parameter((1,)).value
    with pytest.raises(TrainingError) as refused:
        to_elements(torch.tensor([bad]), value)
    assert str(refused.value) == "training is not possible: the numbers are not finite any more"
    assert refused.value.remedy == "Lower the learning rate and train again."


def test_a_program_with_answers_has_no_float_reading() -> None:
    b = ProgramBuilder()
    program = closeness(b.build(field(b)), 3)
    with pytest.raises(TrainingError) as refused:
        FloatProgram(program)
    assert str(refused.value) == (
        "training is not possible: the program reads answers; an architecture does not"
    )


@pytest.mark.parametrize("engine", ["torch", "onnxruntime"])
def test_kernels_that_differ_from_sample_to_sample_are_refused(engine: str) -> None:
    b = ProgramBuilder()
    x = b.field((4, 4, 1), low=0, high=9)
    program = b.build(b.conv2d(x, b.field((2, 3, 3, 1), low=0, high=9)))
    with pytest.raises(TrainingError) as refused:
        both(program, samples(program), engine)
    assert str(refused.value) == (
        "training is not possible: a convolution whose kernel differs from sample to sample"
    )
