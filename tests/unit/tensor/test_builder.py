"""The builder: what is written is computed, up to rounding, with scales and shifts kept by themselves."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from anh_rollup.encoding.checks import INT32_LEAST, INT32_MOST
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.tensor.builder import Node, ProgramBuilder
from anh_rollup.tensor.errors import (
    AttributesRefusedError,
    ProgramRefusedError,
    RangeRefusedError,
    ShapeRefusedError,
)
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind

Real = NDArray[np.float64]
REFUSED = "not a tensor program: "
RNG = np.random.default_rng(11)
A = RNG.integers(-500, 500, (3, 4)).astype(np.int32)
B = RNG.integers(1, 500, (3, 4)).astype(np.int32)


def computed(write: Callable[[ProgramBuilder, Node, Node], Node]) -> Real:
    """What a formula of A (scale 6) and B (scale 4) gives, as real numbers."""
    b = ProgramBuilder()
    x = b.field((3, 4), scale=6, low=-500, high=500)
    y = b.field((3, 4), scale=4, low=0, high=500)
    output = write(b, x, y)
    program = b.build(output)
    found = ReferenceEvaluator().evaluate(program, Sources(fields=(A[None], B[None])))[0]
    return found / 2.0**program.output.scale


REAL_A, REAL_B = A / 64, B / 16


def gelu(x: float) -> float:
    return 0.5 * x * (1 + math.erf(x / math.sqrt(2)))


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (lambda b, x, y: x + y, REAL_A + REAL_B),
        (lambda b, x, y: x - y, REAL_A - REAL_B),
        (lambda b, x, y: x + 1.5, REAL_A + 1.5),
        (lambda b, x, y: 2 - x, 2 - REAL_A),
        (lambda b, x, y: 3 + x, 3 + REAL_A),
        (lambda b, x, y: x * 2, REAL_A * 2),
        (lambda b, x, y: 4 * x, REAL_A * 4),
        (lambda b, x, y: -x, -REAL_A),
        (lambda b, x, y: abs(x), abs(REAL_A)),
        (lambda b, x, y: b.relu(x), np.maximum(REAL_A, 0)),
        (lambda b, x, y: b.maximum(x, y), np.maximum(REAL_A, REAL_B)),
        (lambda b, x, y: b.minimum(x, 0.25), np.minimum(REAL_A, 0.25)),
        (lambda b, x, y: b.where(x > y, x, y), np.maximum(REAL_A, REAL_B)),
        (lambda b, x, y: x < 0, REAL_A < 0),
        (lambda b, x, y: x <= 0, REAL_A <= 0),
        (lambda b, x, y: x > 0, REAL_A > 0),
        (lambda b, x, y: x >= y, REAL_A >= REAL_B),
        (lambda b, x, y: b.equal(x, x), REAL_A == REAL_A),
        (lambda b, x, y: b.rescale(x, 9), REAL_A),
        (lambda b, x, y: b.clamp(x, low=-64, high=64), np.clip(REAL_A, -1, 1)),
        (lambda b, x, y: b.reshape(x, (2, -1)), REAL_A.reshape(2, 6)),
        (lambda b, x, y: b.transpose(x), REAL_A.T),
        (
            lambda b, x, y: b.transpose(b.reshape(x, (3, 2, 2)), (1, 0, -1)),
            REAL_A.reshape(3, 2, 2).transpose(1, 0, 2),
        ),
        (lambda b, x, y: x[1], REAL_A[1]),
        (lambda b, x, y: x[-1, 2], REAL_A[-1, 2]),
        (lambda b, x, y: x[::-1, 1:4:2], REAL_A[::-1, 1:4:2]),
        (lambda b, x, y: b.expand(x[:1], (5, 4)), np.broadcast_to(REAL_A[:1], (5, 4))),
        (lambda b, x, y: b.tile(x, (2, 3)), np.tile(REAL_A, (2, 3))),
        (
            lambda b, x, y: b.pad(x, ((1, 0), (2, 3)), fill=64),
            np.pad(REAL_A, ((1, 0), (2, 3)), constant_values=1),
        ),
        (lambda b, x, y: b.concat((x, y), axis=-1), np.concatenate((REAL_A, REAL_B), axis=-1)),
        (lambda b, x, y: b.gather(x, b.constant([2, 0, 9])), REAL_A[[2, 0, 2]]),
        (lambda b, x, y: b.sum(x), REAL_A.sum()),
        (lambda b, x, y: b.sum(x, 1), REAL_A.sum(1)),
        (lambda b, x, y: b.max(x, -1), REAL_A.max(-1)),
        (lambda b, x, y: b.argmax(x), REAL_A.argmax(-1)),
        (lambda b, x, y: b.argmax(x, (0, 1)), REAL_A.argmax()),
    ],
)  # fmt: skip
def test_an_operation_without_rounding_is_exact(
    write: Callable[[ProgramBuilder, Node, Node], Node], expected: Real
) -> None:
    assert computed(write).tolist() == np.asarray(expected, dtype=float).tolist()


@pytest.mark.parametrize(
    ("write", "expected", "tolerance"),
    [
        (lambda b, x, y: x * y, REAL_A * REAL_B, 1 / 128),
        (lambda b, x, y: x * 0.3, REAL_A * 0.3, 1 / 100),
        (lambda b, x, y: b.mul(x, y, scale=10), REAL_A * REAL_B, 0),
        (lambda b, x, y: b.square(x, scale=12), REAL_A**2, 0),
        (lambda b, x, y: b.div(x, y, scale=12), REAL_A / REAL_B, 1 / 4096),
        (lambda b, x, y: b.div(x, 3), REAL_A / 3, 1 / 64),
        (lambda b, x, y: b.div(x, y, scale=0), REAL_A / REAL_B, 2),
        (lambda b, x, y: b.sqrt(y, scale=10), np.sqrt(REAL_B), 1 / 1024),
        (lambda b, x, y: b.sqrt(b.rescale(y, 9), scale=4), np.sqrt(REAL_B), 1 / 8),
        (lambda b, x, y: b.mean(x, scale=14), REAL_A.mean(), 1 / 1000),
        (lambda b, x, y: b.mean(x, 1), REAL_A.mean(1), 1 / 128),
        (lambda b, x, y: b.sum(x, scale=2), REAL_A.sum(), 1 / 8),
        (lambda b, x, y: b.tanh(x, scale=14), np.tanh(REAL_A), 1e-3),
        (lambda b, x, y: b.sigmoid(x, scale=14), 1 / (1 + np.exp(-REAL_A)), 1e-3),
        (lambda b, x, y: b.exp(b.minimum(x, 0), scale=14), np.exp(np.minimum(REAL_A, 0)), 1e-3),
        (lambda b, x, y: b.log(b.maximum(y, 1), scale=14), np.log(np.maximum(REAL_B, 1)), 2e-2),
        (lambda b, x, y: b.gelu(x, scale=14), np.vectorize(gelu)(REAL_A), 1e-3),
        (lambda b, x, y: b.softmax(x), np.exp(REAL_A) / np.exp(REAL_A).sum(-1, keepdims=True), 1e-3),
        (lambda b, x, y: x @ b.transpose(y), REAL_A @ REAL_B.T, 1 / 128),
    ],
)
def test_an_operation_with_rounding_is_close(
    write: Callable[[ProgramBuilder, Node, Node], Node], expected: Real, tolerance: float
) -> None:
    assert np.abs(computed(write) - expected).max() <= tolerance


def convolved(x: Real, w: Real, stride: int) -> Real:
    height, width = (x.shape[0] - w.shape[1]) // stride + 1, (x.shape[1] - w.shape[2]) // stride + 1
    result = np.zeros((height, width, w.shape[0]))
    for i, j in np.ndindex(height, width):
        patch = x[i * stride : i * stride + w.shape[1], j * stride : j * stride + w.shape[2]]
        result[i, j] = (patch[None] * w).sum((1, 2, 3))
    return result


def test_a_convolution_keeps_the_scale_of_its_input_and_places_its_bias() -> None:
    b = ProgramBuilder()
    x = b.field((6, 6, 2), scale=8, low=-999, high=999)
    w, bias = b.parameter((3, 3, 3, 2), scale=10), b.parameter((3,), scale=12)
    program = b.build(b.conv2d(x, w, bias, stride=2, padding=1))
    assert program.output.scale == 8
    assert program.output.attributes[:3] == (10, 4, 1)
    image = RNG.integers(-999, 999, (6, 6, 2)).astype(np.int32)
    weights = RNG.integers(-999, 999, (3, 3, 3, 2)).astype(np.int32)
    biases = RNG.integers(-9999, 9999, 3).astype(np.int32)
    found = ReferenceEvaluator().evaluate(program, Sources((image[None],), (), (weights, biases)))[0]
    padded = np.pad(image / 2**8, ((1, 1), (1, 1), (0, 0)))
    assert np.abs(found / 2**8 - convolved(padded, weights / 2**10, 2) - biases / 2**12).max() <= 1 / 512


def test_a_one_dimensional_convolution_is_one_of_height_1() -> None:
    x, w = RNG.integers(-9, 9, (7, 4)).astype(np.int32), RNG.integers(-9, 9, (6, 3, 2)).astype(np.int32)
    outputs = []
    for lead in ((), (1,)):
        b = ProgramBuilder()
        field, kernel = b.field((*lead, 7, 4)), b.parameter((6, *lead, 3, 2))
        how = {"stride": 2, "dilation": 2, "groups": 2}
        line = (
            b.conv2d(field, kernel, padding=(0, 1), stride=(1, 2), dilation=(1, 2), groups=2)
            if lead
            else None
        )
        program = b.build(line or b.conv1d(field, kernel, padding=1, **how))  # type: ignore[arg-type]
        sources = Sources((x.reshape(1, *lead, 7, 4),), (), (w.reshape(6, *lead, 3, 2),))
        outputs.append(ReferenceEvaluator().evaluate(program, sources).ravel().tolist())
    assert outputs[0] == outputs[1]


def test_shifts_per_channel_give_each_channel_its_own() -> None:
    b = ProgramBuilder()
    x, w = b.field((2,), scale=4, low=-99, high=99), b.parameter((3, 2))
    shifts = b.constant([0, 1, 3])
    program = b.build(b.linear(x, w, shifts=shifts, scale=4))
    sources = Sources((np.array([[1, 1]], np.int32),), (), (np.full((3, 2), 6, np.int32),))
    assert ReferenceEvaluator().evaluate(program, sources).tolist() == [[12, 6, 2]]


def test_pooling_takes_the_windows_of_the_padded_image() -> None:
    b = ProgramBuilder()
    x = b.field((4, 4, 1), low=-50, high=-1)
    largest = b.max_pool(x, 3, stride=2, padding=1)
    mean = b.avg_pool(x, 2)
    program = b.build(b.concat((b.reshape(largest, (-1,)), b.reshape(mean, (-1,)))))
    image = (-np.arange(1, 17)).reshape(1, 4, 4, 1).astype(np.int32)
    found = ReferenceEvaluator().evaluate(program, Sources(fields=(image,)))[0].tolist()
    assert found == [-1, -2, -5, -6, -3, -5, -11, -13]


def test_a_mean_over_no_power_of_two_multiplies_by_the_reciprocal() -> None:
    b = ProgramBuilder()
    program = b.build(b.mean(b.field((3,), scale=4, low=-99, high=99)))
    assert [value.opcode for value in program.values] == [None, Opcode.REDUCE, None, Opcode.MUL]


def test_results_saturate_at_24_bits_unless_told() -> None:
    b = ProgramBuilder()
    x = b.field((1,), low=-(2**20), high=2**20)
    assert ((x * 1000).value.low, (x * 1000).value.high) == (-(2**23), 2**23 - 1)
    told = b.mul(x, 1000, low=INT32_LEAST, high=7)
    assert (told.value.low, told.value.high) == (INT32_LEAST, 7)
    wide = ProgramBuilder(activation_bits=32)
    assert (wide.field((1,)) + 0).value.high == INT32_MOST


def test_moving_elements_keeps_their_bounds() -> None:
    b = ProgramBuilder()
    x = b.field((2, 2), low=-(2**30), high=2**30)
    assert {node.value.high for node in (x[0], b.transpose(x), b.concat((x, x)), b.max(x))} == {2**30}


def test_bounds_are_as_tight_as_the_inputs_prove() -> None:
    b = ProgramBuilder()
    x = b.field((1,), low=-3, high=10)
    assert ((x + x).value.low, (x + x).value.high) == (-6, 20)
    assert ((x < 2).value.low, (x < 2).value.high) == (0, 1)


def test_an_overflow_is_refused_where_it_is_written() -> None:
    b = ProgramBuilder()
    x, w = b.field((2**14,)), b.parameter((1, 2**14), low=INT32_LEAST, high=INT32_MOST)
    with pytest.raises(RangeRefusedError, match=r"^MATMUL: an intermediate result may reach \d+, which"):
        b.linear(x, w)


def test_what_the_output_does_not_need_is_left_out_but_sources_stay() -> None:
    b = ProgramBuilder()
    x, unused = b.field((2,)), b.field((3,))
    y = x + 1
    b.tanh(unused)
    late = b.parameter((5,))
    program = b.build(y)
    assert [value.kind for value in program.values] == [
        Kind.FIELD,
        Kind.FIELD,
        Kind.CONSTANT,
        Kind.PARAMETER,
        Kind.INSTRUCTION,
    ]
    assert (len(program.constants), program.parameters) == (1, (late.value,))


def test_a_source_can_be_the_output() -> None:
    b = ProgramBuilder()
    first, _ = b.field((2,)), b.field((3,))
    assert b.build(first).output == first.value


def test_the_example_of_the_module_builds() -> None:
    b = ProgramBuilder()
    x = b.field((8, 8, 1), scale=8, low=0, high=255)
    w = b.parameter((16, 3, 3, 1), scale=12)
    bias = b.parameter((16,), scale=16)
    y = b.conv2d(x, w, bias, padding=1, low=0)
    program = b.build(b.argmax(b.reshape(b.max_pool(y, 8), (16,))))
    assert program.output.shape == ()
    assert program.output.high == 15


def test_inlined_values_come_first_and_stay_as_they_are() -> None:
    b = ProgramBuilder()
    program = b.build(b.field((2,)) * b.parameter((2,), low=-9, high=9))
    again = ProgramBuilder()
    longer = again.build(again.sum(again.inline(program)))
    assert longer.records[: len(program.records)] == program.records


def refusal(write: Callable[[ProgramBuilder, Node], object]) -> str:
    b = ProgramBuilder()
    with pytest.raises((ShapeRefusedError, AttributesRefusedError, ProgramRefusedError)) as refused:
        write(b, b.field((3, 4), scale=4, low=-9, high=9))
    return refused.value.message


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda b, x: x[5], "slice: index 5 of 3"),
        (lambda b, x: x[0, 0, 0], "slice: 3 indices of shape (3, 4)"),
        (lambda b, x: b.reshape(x, (5, -1)), "reshape: (3, 4) to (5, -1)"),
        (lambda b, x: b.reshape(x, (-1, -1)), "reshape: (3, 4) to (-1, -1)"),
        (lambda b, x: b.transpose(x, (0, 0)), "transpose: axes [0, 0] of shape (3, 4)"),
        (lambda b, x: b.expand(x, (4,)), "expand: (3, 4) to (4,)"),
        (lambda b, x: b.tile(x, (2,)), "tile: 1 counts for shape (3, 4)"),
        (lambda b, x: b.pad(x, ((1, 1),)), "pad: 1 margins for shape (3, 4)"),
        (lambda b, x: b.concat(()), "CONCAT: nothing to concatenate"),
        (lambda b, x: b.max(x, 2), "FIELD: axis 2 of shape (3, 4)"),
        (
            lambda b, x: b.sum(b.reshape(x, (3, 2, 2)), (0, 2)),
            "REDUCE: axes (0, 2) of shape (3, 2, 2) are not side by side",
        ),
        (lambda b, x: b.conv2d(x, x), "conv2d: (3, 4) is no (H,W,C)"),
        (lambda b, x: b.conv1d(b.reshape(x, (3, 2, 2)), x), "conv1d: (3, 2, 2) is no (L,C)"),
        (lambda b, x: b.matmul(x, x[0]), "matmul: (3, 4) by (4,)"),
        (lambda b, x: b.max_pool(x, 2), "windows: (3, 4) is no (H,W,C)"),
        (lambda b, x: b.linear(x, x, b.constant([1, 1, 1])), "MATMUL: bias of scale 0 below the result's 4"),
        (lambda b, x: b.tanh(x, span=(1.0, 1.0)), "function: span (1.0, 1.0) and 1025 entries"),
        (lambda b, x: b.tanh(x, span=(0.0, 2.0**60)), f"function: span (0.0, {2.0**60}) in steps of 2^54"),
        (lambda b, x: b.constant([math.nan]), REFUSED + "a constant's element is not finite"),
        (
            lambda b, x: b.constant([0, 1 << 31]),
            REFUSED + "a constant's elements in [0, 2147483648] are no int32",
        ),
        (lambda b, x: b.constant([]), REFUSED + "a constant of shape (0,) has no elements"),
        (lambda b, x: b.constant(["a"]), REFUSED + "a constant of type <U1, expected integers or reals"),
        (lambda b, x: b.add(1, 2), REFUSED + "neither 1 nor 2 is a node"),
        (lambda b, x: b.abs(ProgramBuilder().field((1,))), REFUSED + "ABS has inputs of another builder"),
        (lambda b, x: b.inline(b.build(x)), REFUSED + "1 values stand before the inlined program"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(write: Callable[[ProgramBuilder, Node], object], message: str) -> None:
    assert refusal(write) == message


def test_a_node_does_not_iterate() -> None:
    with pytest.raises(TypeError, match=r"^a node does not iterate"):
        list(ProgramBuilder().field((3,)))  # type: ignore[call-overload]
