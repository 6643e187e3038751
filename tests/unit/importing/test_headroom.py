"""With the trainable setting, weights and values have headroom for a training; nothing else changes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto

from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.importing.network import Network, import_network
from anh_rollup.importing.real_evaluation import evaluate
from anh_rollup.importing.setting import TRAINING_HEADROOM, Setting
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.properties import accuracy
from anh_rollup.training.hints import TrainingHints
from anh_rollup.training.trainer import train
from tests.unit.importing.graphs import error_of, exact, model_of, node, numbers
from tests.unit.importing.test_random_graphs import SHAPE, graphs

SAMPLES = {"x": numbers(48, 3, 6, 6)}
#: Two classes of points, apart by their angle.
POINTS = numbers(256, 2, seed=3)
CLASSES = (POINTS[:, 0] * POINTS[:, 1] > 0).astype(np.int32)


def convolutional() -> ModelProto:
    """A convolution without training behind it: its normalization changes nothing, its biases are zero."""
    weights = {
        "k": numbers(4, 3, 3, 3) / 9, "one": np.ones(4, np.float32), "zero": np.zeros(4, np.float32),
        "w": numbers(5, 4) / 4, "b": np.zeros(5, np.float32),
    }  # fmt: skip
    nodes = [
        node("Conv", "x k", "c", pads=[1, 1, 1, 1]),
        node("BatchNormalization", "c one zero zero one", "n"),
        node("Relu", "n", "r"),
        node("GlobalAveragePool", "r", "p"),
        node("Flatten", "p", "f"),
        node("Tanh", "f", "t"),
        node("Gemm", "t w b", transB=1),
    ]
    return model_of(nodes, {"x": (1, 3, 6, 6)}, weights)


def recurrent() -> ModelProto:
    weights = {"w": numbers(1, 16, 6) / 4, "r": numbers(1, 16, 4) / 2, "b": numbers(1, 32) / 8}
    nodes = [
        node("Reshape", "x s", "rows"), node("LSTM", "rows w r b", "all y", hidden_size=4)
    ]  # fmt: skip
    return model_of(nodes, {"x": (1, 3, 6, 6)}, {**weights, "s": np.array([18, 1, 6])})


def both(model: ModelProto) -> tuple[Network, Network]:
    """The network with the precise setting, and with the trainable one."""
    precise, trainable = (
        import_network(model, samples=SAMPLES, setting=each) for each in (Setting.PRECISE, Setting.TRAINABLE)
    )
    return precise, trainable


def edges(network: Network) -> list[tuple[float, float]]:
    """The declared ranges of the parameters, as real numbers."""
    return [
        (each.low * 2.0**-each.scale, each.high * 2.0**-each.scale) for each in network.program.parameters
    ]


def highest(network: Network) -> dict[Opcode, float]:
    """How far each instruction's range goes; there is one of each kind that matters."""
    return {
        each.opcode: each.high * 2.0**-each.scale
        for each in network.program.values
        if each.opcode in (Opcode.CONV, Opcode.MATMUL, Opcode.TABLE)
    }


def test_weights_may_grow_and_biases_of_zero_may_leave_it() -> None:
    precise, trainable = both(convolutional())
    assert [each.shape for each in trainable.program.parameters] == [
        each.shape for each in precise.program.parameters
    ]
    assert edges(precise)[1][1] == 0
    for (low, high), value, elements in zip(
        edges(trainable), trainable.program.parameters, trainable.emitted.parameters, strict=True
    ):
        most = np.abs(elements).max() * 2.0**-value.scale
        assert -low >= max(1, TRAINING_HEADROOM * most) * (1 - 2.0**-20)
        assert high >= max(1, TRAINING_HEADROOM * most) * (1 - 2.0**-20)


def test_values_have_room_but_where_no_weights_reach() -> None:
    precise, trainable = both(convolutional())
    narrow, wide = highest(precise), highest(trainable)
    wider = {opcode: wide[opcode] / high for opcode, high in narrow.items()}
    assert wider[Opcode.MATMUL] >= TRAINING_HEADROOM / 2
    assert wider[Opcode.CONV] >= TRAINING_HEADROOM / 2
    assert wider[Opcode.TABLE] <= 2
    (convolution,) = [each for each in trainable.program.values if each.opcode is Opcode.CONV]
    assert convolution.low == 0
    assert [each.high for each in trainable.program.fields] == [each.high for each in precise.program.fields]


@pytest.mark.parametrize("model", [convolutional(), recurrent()], ids=["convolutional", "recurrent"])
def test_the_exact_reading_is_near_the_reference(model: ModelProto) -> None:
    few = {"x": SAMPLES["x"][:6]}
    assert error_of(model, few, setting=Setting.TRAINABLE) < 1e-4


@settings(max_examples=25)
@given(graphs(), st.integers(0, 99))
def test_random_networks_have_formats_with_room(model: ModelProto, seed: int) -> None:
    images = numbers(4, *SHAPE[1:], seed=seed)
    network = import_network(model, samples={"x": images}, setting=Setting.TRAINABLE)
    real = np.stack([evaluate(network.record, [each.astype(np.float64)]) for each in images])
    found = exact(network, {"x": images}).reshape(real.shape)
    # Room takes four bits of every value, and eight of a product.
    assert np.abs(found - real).max() < 5e-3 * max(float(np.abs(real).max()), 1e-3)


def test_rounds_of_a_loop_still_share_their_weights() -> None:
    network = import_network(recurrent(), samples=SAMPLES, setting=Setting.TRAINABLE)
    shapes = [each.shape for each in network.program.parameters if len(each.shape) == 2]
    assert shapes == [(16, 6), (16, 4)]


def test_values_behind_weights_of_zero_have_room() -> None:
    model = model_of(
        [node("MatMul", "x w", "h"), node("Relu", "h")], {"x": (1, 2)}, {"w": np.zeros((2, 3), np.float32)}
    )
    network = import_network(model, samples={"x": POINTS}, setting=Setting.TRAINABLE)
    assert network.program.output.high * 2.0**-network.program.output.scale >= TRAINING_HEADROOM
    ((low, high),) = edges(network)
    assert (low, round(high)) == (-1, 1)


def small_mlp() -> ModelProto:
    """Two dense layers whose weights are far smaller than what the points ask for."""
    weights = {
        "a": numbers(16, 2) / 8, "b": numbers(16) / 8, "c": numbers(2, 16) / 16, "d": np.zeros(2, np.float32)
    }  # fmt: skip
    nodes = [node("Gemm", "x a b", "h", transB=1), node("Tanh", "h", "t"), node("Gemm", "t c d", transB=1)]
    return model_of(nodes, {"x": (1, 2)}, weights)


def right(setting: Setting) -> int:
    """How many points the small network gets right after a training from nothing."""
    network = import_network(small_mlp(), samples={"x": POINTS}, setting=setting)
    data = Dataset((*network.quantized({"x": POINTS}), CLASSES))
    hints = TrainingHints(training_data="0x" + "00" * 32, epochs=60, batch_size=32, learning_rate=2e-2)
    done = train(network.program, data, hints, lambda _: False, seed=1)
    scores = FastEvaluator().evaluate(accuracy(network.program), Sources(data.fields, (), done.parameters))
    return int(scores.sum())


def test_a_training_needs_the_room() -> None:
    assert right(Setting.PRECISE) < 0.8 * len(POINTS)
    assert right(Setting.TRAINABLE) > 0.95 * len(POINTS)
