"""Values at the edges of what formats, tables, masks and shapes are made for: right, or refused by name."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from onnx import NodeProto, TensorProto

from anh_rollup.importing.errors import FormatRefusedError, InputRefusedError, OperatorRefusedError
from anh_rollup.importing.network import import_network, lowered
from anh_rollup.importing.special import erf
from tests.unit.importing.graphs import error_of, model_of, node, numbers, runtime

#: A row of numbers that are far below others and not far from each other.
FAR_ROW = np.float32([[-20_000, -30_000, -20_001]])


@pytest.mark.parametrize("function", ["Sigmoid", "Tanh", "Exp", "Gelu", "Mish"])
@pytest.mark.parametrize("fill", [1.5, -3.0, 300.0])
def test_the_fill_of_a_pad_may_lie_outside_of_what_is_padded(function: str, fill: float) -> None:
    nodes = [
        node("Tanh", "x", "t"), node("Relu", "t", "above"), node("Sub", "zero above", "low"),
        node("Pad", "low pads fill", "wide"), node("Clip", "wide least most", "near"), node(function, "near"),
    ]  # fmt: skip
    constants = {
        "zero": np.float32(0), "pads": np.array([0, 1, 0, 1]), "fill": np.float32(fill),
        "least": np.float32(-4), "most": np.float32(3),
    }  # fmt: skip
    model = model_of(nodes, {"x": (1, 9)}, constants, opset=20)
    assert error_of(model, {"x": numbers(16, 9)}, runtime) < 1e-4


@pytest.mark.parametrize(
    ("nodes", "constants"),
    [
        ([node("Add", "x far", "a"), node("Softmax", "a")], {"far": FAR_ROW}),
        ([node("Concat", "x far", "a", axis=0), node("Softmax", "a")], {"far": FAR_ROW}),
        ([node("Add", "x far", "a"), node("ReduceMax", "a last", "m"), node("Sub", "x m")], {"far": FAR_ROW}),
        ([node("Where", "yes far x", "a"), node("Softmax", "a")],
         {"far": np.float32(-1e9), "yes": np.array([[True, False, False]])}),
        ([node("Add", "x far", "a"), node("Softmax", "a")], {"far": np.float32([[0, -65_504, -3e38]])}),
    ],
)  # fmt: skip
def test_numbers_far_below_others_are_masks_only_where_that_changes_nothing(
    nodes: Sequence[NodeProto], constants: Mapping[str, Any]
) -> None:
    model = model_of(nodes, {"x": (1, 3)}, {**constants, "last": np.array([-1])})
    # Numbers of float32 beside 20,000 are 2^-9 apart.
    assert error_of(model, {"x": numbers(16, 3)}, runtime) < 2**-9


@pytest.mark.parametrize("operator", ["Add", "Concat"])
def test_a_row_of_finite_masks_is_refused(operator: str) -> None:
    nodes = [
        node(operator, "x far", "a", **({"axis": 0} if operator == "Concat" else {})),
        node("Softmax", "a"),
    ]
    model = model_of(nodes, {"x": (1, 3)}, {"far": np.float32([[-70_000, -70_001, -70_002]])})
    with pytest.raises(FormatRefusedError, match="masks a whole row"):
        lowered(model)


def test_the_largest_of_masked_scores_is_refused_as_a_value() -> None:
    nodes = [node("Add", "x far", "a"), node("ReduceMax", "a last", "m"), node("Sub", "x m")]
    model = model_of(nodes, {"x": (1, 3)}, {"far": np.float32([[0, -np.inf, 0]]), "last": np.array([-1])})
    with pytest.raises(FormatRefusedError, match="no mask"):
        lowered(model)


@pytest.mark.parametrize(
    ("operator", "known"),
    [("Max", -np.inf), ("Min", np.inf), ("Pow", 2.0)],
)
def test_a_known_operand_of_one_element_counts_for_the_rank(operator: str, known: float) -> None:
    nodes = [node(operator, "x e", "p"), node("ReduceSum", "p first", keepdims=0)]
    constants = {"e": np.full((1, 1), known, np.float32), "first": np.array([0])}
    model = model_of(nodes, {"x": (3,)}, constants)
    x = numbers(8, 3)
    network = import_network(model, samples={"x": x})
    assert network.program.output.shape == (3,)


def test_scattered_rows_may_be_shorter_than_the_tensor() -> None:
    model = model_of(
        [node("ScatterElements", "x places new", axis=2)],
        {"x": (1, 3, 3), "new": (1, 1, 2)},
        {"places": np.array([[[0, 2]]])},
    )
    samples = {"x": numbers(4, 3, 3), "new": numbers(4, 1, 2)}
    assert error_of(model, samples, runtime) < 1e-6


@pytest.mark.parametrize("terms", [2, 7])
def test_a_mean_of_integers_is_truncated_toward_zero(terms: int) -> None:
    nodes = [node("ReduceMean", "x last", "m"), node("Cast", "m", to=TensorProto.FLOAT)]
    model = model_of(nodes, {"x": (1, 5, terms)}, {"last": np.array([-1])}, dtype=TensorProto.INT32)
    x = np.random.default_rng(1).integers(-20, 20, (16, 5, terms)).astype(np.int32)
    assert error_of(model, {"x": x}, runtime) == 0


@pytest.mark.parametrize("operator", ["ReduceLogSum", "ReduceLogSumExp"])
def test_logarithms_of_integers_are_refused(operator: str) -> None:
    model = model_of(
        [node(operator, "x last")], {"x": (1, 3)}, {"last": np.array([-1])}, dtype=TensorProto.INT32
    )
    with pytest.raises(OperatorRefusedError, match="a logarithm of int32 numbers"):
        lowered(model)


@pytest.mark.parametrize("operator", ["Exp", "Sigmoid", "Softplus"])
def test_tails_that_are_scaled_up_are_refused(operator: str) -> None:
    nodes = [node(operator, "x", "tail"), node("Mul", "tail scale")]
    model = model_of(nodes, {"x": (1, 4)}, {"scale": np.float32(1e12)})
    x = np.random.default_rng(1).uniform(-30, -25, (16, 4)).astype(np.float32)
    with pytest.raises(FormatRefusedError, match="as good as nothing"):
        import_network(model, samples={"x": x})


@pytest.mark.parametrize("operator", ["Sigmoid", "Elu", "Gelu", "Mish"])
def test_functions_beyond_their_tails_are_not(operator: str) -> None:
    model = model_of([node(operator, "x")], {"x": (1, 4)}, opset=20)
    x = np.random.default_rng(1).uniform(-40, 2, (16, 4)).astype(np.float32)
    assert error_of(model, {"x": x}, runtime) < 1e-4


def test_the_error_function_of_a_single_number() -> None:
    assert erf(np.asarray(0.5)) == pytest.approx(0.5204998778)


def test_an_output_without_elements_is_refused() -> None:
    model = model_of([node("Identity", "none")], {"x": (1, 3)}, {"none": np.zeros((0,), np.float32)})
    with pytest.raises(InputRefusedError, match="without elements"):
        lowered(model)
