"""What ranges ask for: rows of very different size, scores beside masks, logarithms over many magnitudes."""

import numpy as np
import pytest
from onnx import ModelProto

from anh_rollup.importing.network import import_network, lowered, network_of, split_samples
from anh_rollup.importing.ranges import Range, ranges_of
from anh_rollup.importing.real_evaluation import evaluate
from anh_rollup.importing.record import Operation, Record
from anh_rollup.importing.refinement import MOST_FACTOR, MOST_RATIO, refined
from tests.unit.importing.graphs import error_of, exact, model_of, node, reference

WIDTH = 48


def normalized() -> ModelProto:
    """A layer normalization of rows of `WIDTH`."""
    known = {"scale": np.ones(WIDTH, np.float32), "bias": np.zeros(WIDTH, np.float32)}
    return model_of([node("LayerNormalization", "x scale bias")], {"x": ["N", 6, WIDTH]}, known)


def rows(spread: float) -> dict[str, np.ndarray]:
    """Eight samples of six rows, the first of them so many times as large as the others."""
    x = np.random.default_rng(7).normal(size=(8, 6, WIDTH)).astype(np.float32)
    x[:, 0] *= spread
    return {"x": x}


def before_and_after(model: ModelProto, samples: dict[str, np.ndarray]) -> tuple[Record, Record]:
    record = lowered(model)
    return record, refined(record, ranges_of(record, split_samples(record, samples)))


@pytest.mark.parametrize("spread", [1e3, 1e4, 1e5])
def test_rows_of_very_different_size_are_normalized_with_all_their_bits(spread: float) -> None:
    assert error_of(normalized(), rows(spread)) < 2e-8 * spread + 1e-6


def test_rows_of_one_size_stay_as_they_are() -> None:
    before, after = before_and_after(normalized(), rows(2.0))
    assert after is before
    assert [each.bounds[1] for each in after.nodes if each.operation is Operation.DIV] == [WIDTH**0.5]


def test_rows_that_are_brought_to_one_size_mean_the_same() -> None:
    samples = rows(1e4)
    before, after = before_and_after(normalized(), samples)
    assert len(after.nodes) > len(before.nodes)
    for sample in split_samples(before, samples):
        assert np.allclose(evaluate(before, sample), evaluate(after, sample), atol=1e-9)


def test_a_row_of_zeros_stays_one() -> None:
    samples = rows(1e4)
    samples["x"][0, 3] = 0.0
    network = import_network(normalized(), samples=samples)
    assert not exact(network, samples)[0, 3].any()


def test_a_root_mean_square_without_a_mean_is_found_as_well() -> None:
    nodes = [
        node("Mul", "x x", "squares"), node("ReduceMean", "squares axes", "mean"),
        node("Add", "epsilon mean", "moved"), node("Sqrt", "moved", "root"), node("Div", "x root"),
    ]  # fmt: skip
    known = {"axes": np.array([-1]), "epsilon": np.array(1e-6, np.float32)}
    model = model_of(nodes, {"x": ["N", 6, WIDTH]}, known)
    before, after = before_and_after(model, rows(1e4))
    assert len(after.nodes) > len(before.nodes)
    assert error_of(model, rows(1e3)) < 1e-5


def masked() -> ModelProto:
    """A softmax over scores of which a mask takes the last half."""
    mask = np.where(np.arange(WIDTH) < WIDTH // 2, 0.0, -np.inf).astype(np.float32)
    return model_of(
        [node("Add", "x mask", "scores"), node("Softmax", "scores")], {"x": ["N", 6, WIDTH]}, {"mask": mask}
    )


def test_scores_beside_a_mask_keep_the_bits_that_they_have_without_it() -> None:
    samples = rows(1.0)
    network = import_network(masked(), samples=samples)
    places = [at for at, each in enumerate(network.record.nodes) if each.operation is Operation.ADD]
    assert [network.ranges[at].magnitude < 64 for at in places] == [True]
    found = exact(network, samples).reshape(8, 6, WIDTH)
    for at, x in enumerate(samples["x"]):
        assert np.abs(found[at] - reference(masked(), {"x": x[None]})[0]).max() < 1e-6
    assert not found[..., WIDTH // 2 :].any()


@pytest.mark.parametrize("decades", [1, 3, 5])
def test_logarithms_over_several_orders_of_magnitude(decades: int) -> None:
    x = 10.0 ** np.random.default_rng(1).uniform(-decades, 1, (16, 40))
    model = model_of([node("Log", "x")], {"x": ["N", 40]})
    assert error_of(model, {"x": x.astype(np.float32)}) < 10.0 ** (decades - 9) + 1e-6


def test_a_logarithm_of_what_differs_little_takes_no_root() -> None:
    x = np.linspace(1.0, MOST_RATIO / 8, 40, dtype=np.float32)[None]
    before, after = before_and_after(model_of([node("Log", "x")], {"x": ["N", 40]}), {"x": x})
    assert after is before
    _, rooted = before_and_after(model_of([node("Log", "x")], {"x": ["N", 40]}), {"x": x**20})
    assert [each.operation for each in rooted.nodes].count(Operation.SQRT) == 3


def test_without_samples_nothing_is_known_of_rows_so_they_are_brought_to_one_size() -> None:
    record = lowered(normalized())
    network = network_of(record)
    factors = [
        network.ranges[at]
        for at, each in enumerate(network.record.nodes)
        if each.operation is Operation.FLOOR
    ]
    assert factors == [Range(1.0, MOST_FACTOR)]


def test_what_a_flat_function_does_not_see_takes_no_bits() -> None:
    x = np.random.default_rng(2).normal(size=(16, 40)).astype(np.float32) * 40
    nodes = [
        node("Mul", "x x", "square"), node("Mul", "square x", "cube"), node("Mul", "cube small", "part"),
        node("Add", "x part", "sum"), node("Mul", "sum root", "scaled"), node("Tanh", "scaled"),
    ]  # fmt: skip
    known = {"small": np.array(0.044715, np.float32), "root": np.array(0.79788456, np.float32)}
    model = model_of(nodes, {"x": ["N", 40]}, known)
    network = import_network(model, samples={"x": x})
    cube = [at for at, each in enumerate(network.record.nodes) if each.source == "the cube"]
    assert [network.ranges[at].magnitude < 1e4 < 40**3 for at in cube] == [True]
    assert error_of(model, {"x": x}) < 1e-5


def test_what_is_read_elsewhere_too_keeps_its_range() -> None:
    x = np.linspace(-100, 100, 40, dtype=np.float32)[None]
    nodes = [node("Add", "x x", "twice"), node("Tanh", "twice", "bent"), node("Add", "bent twice")]
    model = model_of(nodes, {"x": ["N", 40]})
    assert error_of(model, {"x": x}) < 1e-6
