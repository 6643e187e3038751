"""What is measured about networks that round inside."""

import numpy as np
from onnx import ModelProto, TensorProto

from anh_rollup.importing.network import Network, import_network
from anh_rollup.importing.real_evaluation import evaluate, values
from anh_rollup.importing.record import Operation
from benchmarks.model_precision import rounded_alike, roundings
from tests.unit.importing.graphs import model_of, node

RNG = np.random.default_rng(4)
SAMPLES = {"x": RNG.normal(size=(8, 16)).astype(np.float32)}


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


def test_beside_float64_that_rounds_alike_errors_are_those_of_formats() -> None:
    network = imported(rounding())
    (line,) = rounded_alike("small", network, SAMPLES)
    label, error = line.split(" | ")[1], float(line.split(" | ")[5])
    assert label.startswith("precise, rounded alike (")
    assert label.endswith(f" of {8 * (16 + 1):,} otherwise)")  # numbers and a zero point a sample
    assert 0 < error < 1e-5


def test_a_network_that_rounds_nowhere_has_no_such_line() -> None:
    network = imported(model_of([node("Tanh", "x")], {"x": (1, 16)}))
    assert roundings(network.record) == []
    assert rounded_alike("smooth", network, SAMPLES) == []


def test_what_is_taken_instead_is_what_later_nodes_read() -> None:
    record = imported(model_of([node("Abs", "x", "h"), node("Neg", "h")], {"x": (1, 16)})).record
    sample = [SAMPLES["x"][:1].astype(np.float64)]
    first = next(each for each, node in enumerate(record.nodes) if node.operation is not Operation.FIELD)
    *_, (last, doubled) = values(record, sample, lambda at, found: found * 2 if at == first else found)
    assert last > first
    assert np.array_equal(doubled, 2 * evaluate(record, sample))
