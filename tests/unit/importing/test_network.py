"""Whole imports: exact evaluation next to ONNX's reference, on networks that people write."""

import numpy as np
import pytest
import torch
from onnx import ModelProto, TensorProto

from anh_rollup.encoding.artifacts import decode_model, encode_model
from anh_rollup.encoding.checks import INT32_MOST
from anh_rollup.evaluation import workload
from anh_rollup.evaluation.exact_sums import FLOAT64_EXACT, has_long_sums
from anh_rollup.evaluation.steps import step_of
from anh_rollup.importing.comparison import compare
from anh_rollup.importing.errors import FormatRefusedError, InputRefusedError
from anh_rollup.importing.network import import_network
from anh_rollup.importing.setting import Setting
from anh_rollup.tensor.codec import decode_program, encode_program
from anh_rollup.training.float_program import FloatProgram
from tests.unit.importing.graphs import error_of, exact, model_of, node, reference


def normal(*shape: int, seed: int = 7) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32)


def perceptron() -> ModelProto:
    nodes = [node("Gemm", "x a b", "h", transB=1), node("Relu", "h", "r"), node("Gemm", "r c d", transB=1)]
    return model_of(
        nodes, {"x": ("n", 16)}, {"a": normal(32, 16), "b": normal(32), "c": normal(5, 32), "d": normal(5)}
    )


def transformer() -> ModelProto:
    """One head over 6 words of 8 numbers, with a normalization before it and a residual stream."""
    nodes = [
        node("LayerNormalization", "x g b", "n", axis=-1),
        node("MatMul", "n q", "queries"),
        node("MatMul", "n k", "keys"),
        node("MatMul", "n v", "values"),
        node("Transpose", "keys", "turned", perm=[0, 2, 1]),
        node("MatMul", "queries turned", "scores"),
        node("Softmax", "scores", "shares", axis=-1),
        node("MatMul", "shares values", "mixed"),
        node("Add", "x mixed", "r"),
        node("Gelu", "r"),
    ]
    constants = {name: normal(8, seed=seed) for seed, name in enumerate("gb")}
    constants |= {name: normal(8, 8, seed=seed) for seed, name in enumerate("qkv")}
    return model_of(nodes, {"x": ("n", 6, 8)}, constants, opset=20)


def test_a_perceptron_is_two_instructions() -> None:
    network = import_network(perceptron(), samples={"x": normal(8, 16)})
    names = [value.name for value in network.program.values if value.opcode is not None]
    assert names == ["MATMUL", "MATMUL"]


@pytest.mark.parametrize(("setting", "most"), [(Setting.PRECISE, 1e-5), (Setting.FAST, 3e-4)])
@pytest.mark.parametrize("model", [perceptron, transformer])
def test_the_exact_reading_is_near_the_reference(model: object, setting: Setting, most: float) -> None:
    made = model()  # type: ignore[operator]
    shape = [each.dim_value for each in made.graph.input[0].type.tensor_type.shape.dim][1:]
    assert error_of(made, {"x": normal(6, *shape)}, setting=setting) < most


@pytest.mark.parametrize("seed", range(4))
def test_a_residual_stream_with_outliers_keeps_its_precision(seed: int) -> None:
    samples = normal(6, 6, 8, seed=seed)
    samples[:, :, 3] *= 1_000
    assert error_of(transformer(), {"x": samples}) < 1e-4


def test_program_and_model_are_artifacts() -> None:
    network = import_network(perceptron(), samples={"x": normal(8, 16)})
    assert decode_program(encode_program(network.program)) == network.program
    assert decode_model(encode_model(network.model)).root == network.model.root


@pytest.mark.parametrize("setting", Setting)
@pytest.mark.parametrize("model", [perceptron, transformer])
def test_no_sum_of_an_imported_network_counts_as_too_long_for_float64(
    model: object, setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = model()  # type: ignore[operator]
    shape = [each.dim_value for each in made.graph.input[0].type.tensor_type.shape.dim][1:]
    program = import_network(made, samples={"x": normal(6, *shape)}, setting=setting).program
    counted = workload.multiply_adds(program, 3)
    monkeypatch.setattr(workload, "LONG_PRODUCT", 1)
    assert workload.multiply_adds(program, 3) == counted


def test_bounds_of_weights_that_allow_longer_sums_than_the_weights_have_count_no_more() -> None:
    weights = np.full((1, 64), 0.01, np.float32)
    weights[0, 0] = 1
    made = model_of([node("Gemm", "x a", transB=1)], {"x": ("n", 64)}, {"a": weights})
    program = import_network(made, samples={"x": normal(8, 64)}).program
    (place,) = [each for each, value in enumerate(program.values) if value.name == "MATMUL"]
    assert step_of(program, place).sums > FLOAT64_EXACT
    assert not has_long_sums(program, place)


def test_the_float_reading_is_the_network_too() -> None:
    model, samples = perceptron(), normal(8, 16)
    network = import_network(model, samples={"x": samples})
    module = FloatProgram(network.program)
    module.load(network.emitted.parameters)
    found = module([torch.from_numpy(samples)]).detach().numpy()
    assert np.allclose(found, reference(model, {"x": samples}), atol=1e-4)


def test_held_back_samples_saturate_nothing_and_agree() -> None:
    model = transformer()
    network = import_network(model, samples={"x": normal(64, 6, 8)})
    found = compare(model, network, {"x": normal(16, 6, 8)})
    assert (found.samples, found.saturated, found.agreement) == (16, 0, 1.0)
    assert max(found.largest_error, found.largest_lowering_error) < 1e-5


def test_answers_are_as_far_off_as_steps_between_them_and_numbers_that_are_none_are_far() -> None:
    samples = np.array([[4.0], [0.25], [-1.0]], np.float32)
    network = import_network(model_of([node("Abs", "x")], {"x": (1, 1)}), samples={"x": samples})
    found = compare(model_of([node("Sqrt", "x")], {"x": (1, 1)}), network, {"x": samples})
    one = 1 << network.program.output.scale
    assert found.steps_off == (2 * one, one // 4, INT32_MOST)
    assert found.steps_below == (0, 0, 0)


def test_decisions_are_as_far_off_as_their_exact_scores_are_below_the_largest() -> None:
    samples = np.array([[1.0, 2.0, 0.5], [3.0, 1.0, 2.0]], np.float32)
    network = import_network(model_of([node("Abs", "x")], {"x": (1, 3)}), samples={"x": samples})
    turned = compare(model_of([node("Neg", "x")], {"x": (1, 3)}), network, {"x": samples})
    one = 1 << network.program.output.scale
    assert turned.steps_below == (3 * one // 2, 2 * one)
    same = compare(model_of([node("Abs", "x")], {"x": (1, 3)}), network, {"x": samples})
    assert (same.steps_off, same.steps_below) == ((0, 0), (0, 0))


def test_an_output_without_axes_is_one_score_and_the_decision_for_it() -> None:
    nodes, samples = [node("ReduceMax", "x", keepdims=0)], np.array([[1.0, 2.0], [3.0, 0.5]], np.float32)
    network = import_network(model_of(nodes, {"x": (1, 2)}), samples={"x": samples})
    assert network.program.output.shape == ()
    found = compare(model_of([node("ReduceMin", "x", keepdims=0)], {"x": (1, 2)}), network, {"x": samples})
    assert (found.decisions, found.agreement, found.steps_below, found.largest_below) == (2, 1.0, (0, 0), 0)
    assert found.largest_off == 2.5


def test_without_samples_ranges_are_proven() -> None:
    model, samples = perceptron(), np.clip(normal(8, 16), -8, 8)
    network = import_network(model)
    assert np.allclose(exact(network, {"x": samples}), reference(model, {"x": samples}), atol=1e-3)
    bounds = [(value.low, value.high) for value in network.program.fields]
    assert bounds == [(-8 << network.formats[0].scale, 8 << network.formats[0].scale)]


def test_a_quotient_without_bound_needs_samples() -> None:
    model = model_of([node("Reciprocal", "x")], {"x": (1, 4)})
    with pytest.raises(FormatRefusedError, match="which is too wide"):
        import_network(model)
    positive = np.abs(normal(8, 4)) + np.float32(0.5)
    assert error_of(model, {"x": positive}) < 1e-6


def test_integers_stay_integers() -> None:
    nodes = [node("Gather", "table x", "e"), node("ReduceSum", "e axes", keepdims=0)]
    model = model_of(
        nodes, {"x": ("n", 5)}, {"table": normal(10, 3), "axes": np.array([1])}, dtype=TensorProto.INT64
    )
    rng = np.random.default_rng(7)
    network = import_network(model, samples={"x": rng.integers(0, 10, (6, 5))})
    assert [(value.scale, value.low) for value in network.program.fields] == [(0, 0)]
    words = rng.integers(0, 10, (6, 5))
    assert np.allclose(exact(network, {"x": words}), reference(model, {"x": words}), atol=1e-5)


@pytest.mark.parametrize(
    ("samples", "reason", "remedy"),
    [
        ({"z": normal(2, 16)}, "no samples; there are some of z", "Name the arrays"),
        ({"x": normal(2, 15)}, "samples of shape (2, 15), expected (N, 16)", "Save an array (N, 16)"),
        ({"x": normal(16)}, "samples of shape (16,), expected (N, 16)", "Save an array (N, 16)"),
        ({"x": normal(0, 16)}, "its array of shape (0, 16) has no sample", "Save an array (N, 16)"),
        ({"x": np.full((1, 16), np.nan)}, "samples that are no finite numbers", "Leave out, or mend"),
    ],
)
def test_samples_that_do_not_fit_are_refused(
    samples: dict[str, np.ndarray], reason: str, remedy: str
) -> None:
    with pytest.raises(InputRefusedError) as caught:
        import_network(perceptron(), samples=samples)
    assert caught.value.reason == reason
    assert caught.value.remedy.startswith(remedy)


def test_resizing_takes_an_empty_region_as_none() -> None:
    known = {"roi": np.zeros(0, np.float32), "scales": np.array([1, 1, 2, 2], np.float32)}
    model = model_of([node("Resize", "x roi scales", mode="nearest")], {"x": ["N", 1, 2, 2]}, known, opset=11)
    x = np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2)
    found = exact(import_network(model, samples={"x": x}), {"x": x}).reshape(4, 4)
    assert np.abs(found - np.kron(x[0, 0], np.ones((2, 2)))).max() < 1e-6
