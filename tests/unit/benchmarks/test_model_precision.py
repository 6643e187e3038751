"""What is measured about networks that round inside."""

import re

import numpy as np
from onnx import ModelProto, TensorProto

from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.importing.network import Network, import_network, lowered, split_samples
from anh_rollup.importing.real_evaluation import evaluate, values
from anh_rollup.importing.record import Operation
from benchmarks.model_precision import alike, rounded_alike, roundings
from tests.unit.importing.graphs import model_of, node

RNG = np.random.default_rng(4)
SAMPLES = {"x": RNG.normal(size=(8, 16)).astype(np.float32)}
#: Numbers at halves of the step that the least and the greatest give: 1 / 255 * 2.
TIES = {
    "x": np.concatenate([np.tile([-1.0, 1.0], (64, 1)), (RNG.integers(-120, 120, (64, 14)) + 0.5) / 127.5], 1)
}


def rounding() -> ModelProto:
    """Rounds its input to 8 bits by a step that it computes, multiplies, and takes the tangent."""
    weights = RNG.integers(-128, 128, (16, 8)).astype(np.int8)
    nodes = [
        node("DynamicQuantizeLinear", "x", "q s z"),
        node("MatMulInteger", "q w z", "sums"),
        node("Cast", "sums", "whole", to=TensorProto.FLOAT),
        node("Mul", "whole s", "scaled"),
        node("Mul", "scaled small", "h"),
        node("Tanh", "h"),
    ]
    return model_of(nodes, {"x": (1, 16)}, {"w": weights, "small": np.float32(1 / 512)})


def imported(model: ModelProto) -> Network:
    return import_network(model, samples=SAMPLES)


def test_float64_that_rounds_alike_is_near_where_float64_by_itself_is_not() -> None:
    network = imported(rounding())
    loaded = FastEvaluator().load(network.program, network.emitted.parameters)
    (place,) = (each for each in roundings(network.record) if network.record.nodes[each].shape == (16,))
    near, apart, otherwise, expected = 0.0, 0.0, 0, 0
    for sample in split_samples(network.record, TIES):
        found = rounded_alike(network, loaded, sample)
        assert found.rounded == 16 + 1  # the numbers and their zero point
        near = max(near, np.abs(found.exact - found.real).max())
        apart = max(apart, np.abs(found.exact - evaluate(network.record, sample)).max())
        otherwise += found.otherwise
        own = loaded.trace(0, network.quantized({"x": sample[0][None]}))[network.emitted.values[place]]
        expected += int((own != dict(values(network.record, sample))[place]).sum())
    assert near < 1e-6 < apart
    assert otherwise == expected > 0


def test_its_line_counts_what_is_rounded_otherwise() -> None:
    line = alike("small", imported(rounding()), TIES)
    (count,) = re.findall(r"small \| precise, rounded alike \((\d+) of 1,088 otherwise\)", line)
    assert int(count) > 0
    assert float(line.split(" | ")[7]) < 1e-6


def test_what_refinement_rounds_is_no_rounding_of_the_network() -> None:
    sizes = np.logspace(-3, 3, 8, dtype=np.float32)[:, None]
    nodes = [node("LayerNormalization", "x scale bias")]
    known = {"scale": np.ones(16, np.float32), "bias": np.zeros(16, np.float32)}
    model = model_of(nodes, {"x": (1, 16)}, known)
    assert roundings(import_network(model, samples={"x": SAMPLES["x"] * sizes}).record)
    assert not roundings(lowered(model))


def test_what_is_replaced_is_what_later_nodes_read() -> None:
    record = imported(model_of([node("Abs", "x", "h"), node("Neg", "h")], {"x": (1, 16)})).record
    sample = [SAMPLES["x"][:1].astype(np.float64)]
    first = next(each for each, node in enumerate(record.nodes) if node.operation is not Operation.FIELD)
    *_, (last, doubled) = values(record, sample, lambda at, found: found * 2 if at == first else found)
    assert last > first
    assert np.array_equal(doubled, 2 * evaluate(record, sample))
