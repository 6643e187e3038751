"""The walk over a graph: what is known is computed, what is not is lowered, the rest is refused by name."""

from collections import Counter

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from anh_rollup.importing import graph
from anh_rollup.importing.errors import FormatRefusedError, InputRefusedError, OperatorRefusedError
from anh_rollup.importing.graph import lower
from anh_rollup.importing.network import lowered
from anh_rollup.importing.real_evaluation import evaluate
from anh_rollup.importing.record import Operation, Record
from tests.unit.importing.graphs import model_of, node, reference


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def kinds(record: Record) -> Counter[str]:
    return Counter(each.operation.value for each in record.nodes if each.operation is not Operation.CONSTANT)


def test_shape_arithmetic_leaves_nothing_behind() -> None:
    nodes = [
        node("Shape", "x", "shape"),
        node("Gather", "shape first", "n"),
        node("Unsqueeze", "n zero", "n1"),
        node("Concat", "n1 rest", "wanted", axis=0),
        node("Reshape", "x wanted", "flat"),
        node("Relu", "flat"),
    ]
    constants = {"zero": np.array([0]), "rest": np.array([-1]), "first": np.array(0)}
    model = model_of(nodes, {"x": ("batch", 2, 3)}, constants)
    assert kinds(lower(model)) == {"FIELD": 1, "VIEW": 1, "CLAMP": 1}


@pytest.mark.parametrize(("flag", "kind"), [(True, "CLAMP"), (False, "ABS")])
def test_a_known_condition_takes_its_branch(flag: bool, kind: str) -> None:
    output = [helper.make_tensor_value_info("r", TensorProto.UNDEFINED, None)]
    branches = {
        "then_branch": helper.make_graph([node("Relu", "x", "r")], "then", [], output),
        "else_branch": helper.make_graph([node("Abs", "x", "r")], "else", [], output),
    }
    model = model_of([node("If", "flag", **branches)], {"x": (1, 3)}, {"flag": np.array(flag)})
    assert kinds(lower(model)) == {"FIELD": 1, kind: 1}


def test_a_condition_on_the_input_is_refused() -> None:
    branch = helper.make_graph(
        [node("Relu", "x", "r")], "b", [], [helper.make_tensor_value_info("r", 1, None)]
    )
    nodes = [node("Less", "x zero", "flag"), node("If", "flag", then_branch=branch, else_branch=branch)]
    with pytest.raises(OperatorRefusedError) as caught:
        lower(model_of(nodes, {"x": (1,)}, {"zero": np.float32(0)}))
    assert (caught.value.operator, caught.value.node) == ("If", "the y")
    assert caught.value.reason == "its condition depends on the network's input"


def test_nodes_that_the_output_does_not_need_are_not_looked_at() -> None:
    nodes = [node("NoSuchOperator", "x", "z"), node("Relu", "x")]
    assert kinds(lower(model_of(nodes, {"x": (1, 3)}))) == {"FIELD": 1, "CLAMP": 1}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (node("NoSuchOperator", "x"), "this operator is not known"),
        (node("Relu", "x", domain="com.example"), "not one of ONNX's own operators"),
        (node("Pow", "x three"), "exponent 3.25; halves from -64 to 64 are done"),
        (node("Reshape", "x half"), "its shape are no integers"),
        (node("Add", "x gone"), "input 1 is missing"),
        (node("Resize", "x _ _ sizes", mode="round"), "mode 'round'"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name_with_the_reason(bad: object, reason: str) -> None:
    constants = {"three": np.float32(3.25), "half": np.float32([3]), "sizes": np.array([1, 6])}
    model = model_of([bad], {"x": (1, 3)}, constants)  # type: ignore[list-item]
    if "gone" in bad.input:  # type: ignore[attr-defined]
        bad.input[1] = ""  # type: ignore[attr-defined]
        model = model_of([bad], {"x": (1, 3)})  # type: ignore[list-item]
    with pytest.raises((OperatorRefusedError, InputRefusedError)) as caught:
        lower(model)
    assert caught.value.reason == reason


def test_a_known_value_does_not_grow_beyond_a_bound() -> None:
    nodes = [node("ConstantOfShape", "n", "c"), node("Add", "x c")]
    with pytest.raises(OperatorRefusedError, match="a known value of more than 134217728 elements"):
        lower(model_of(nodes, {"x": (1,)}, {"n": np.array([1 << 20, 1 << 20])}))


def test_known_values_together_do_not_grow_beyond_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [node("ConstantOfShape", "n", "c"), node("Add", "c c", "d"), node("Add", "x d")]
    model = model_of(nodes, {"x": (1, 8)}, {"n": np.array([8])})
    monkeypatch.setattr(graph, "MOST_BYTES", 64)
    assert kinds(lower(model))["ADD"] == 1
    monkeypatch.setattr(graph, "MOST_BYTES", 63)
    with pytest.raises(OperatorRefusedError, match="known values of more than"):
        lower(model)


def test_known_text_is_refused_and_known_choices_of_places_are_not() -> None:
    text = node("RegexFullMatch", "t", "b", pattern="a+")
    with pytest.raises(OperatorRefusedError, match="a known input of text"):
        lower(model_of([text, node("Where", "b x x")], {"x": (1,)}, {"t": np.array(["a"], object)}, opset=20))
    nodes = [node("NonZero", "n", "p"), node("Gather", "x p", axis=1)]
    assert kinds(lower(model_of(nodes, {"x": (1, 3)}, {"n": np.array([4, 0, 5])})))["FIELD"] == 1


@pytest.mark.parametrize(
    ("shapes", "reason"),
    [
        (None, "the network leaves open the size of dimension 1 ('m')"),
        ({"x": (2, 3, 4)}, "shape [2, 3, 4], the graph says [0, 0]"),
        ({"x": (1, 0)}, "shape [1, 0], expected at most 8 sizes, each 1 or more"),
    ],
)
def test_an_input_needs_a_shape(shapes: dict[str, tuple[int, ...]] | None, reason: str) -> None:
    with pytest.raises(InputRefusedError) as caught:
        lower(model_of([node("Relu", "x")], {"x": ("n", "m")}), shapes)
    assert caught.value.reason == reason


def test_there_has_to_be_such_an_output() -> None:
    with pytest.raises(InputRefusedError, match="no output of this name; there are y") as caught:
        lower(model_of([node("Relu", "x")], {"x": (1, 3)}), output="z")
    assert caught.value.remedy == "Name one of these with --output."


def test_a_convolutional_network_moves_its_data_once(rng: np.random.Generator) -> None:
    w = [rng.normal(size=(4, 4, 3, 3)).astype(np.float32) for _ in range(2)]
    ones = np.ones(4, np.float32)
    nodes = [
        node("Conv", "x w0", "a", pads=[1, 1, 1, 1]),
        node("BatchNormalization", "a s b s v", "c"),
        node("Relu", "c", "d"),
        node("Conv", "d w1", "e", pads=[1, 1, 1, 1]),
        node("Add", "e d", "f"),
        node("GlobalAveragePool", "f", "g"),
        node("Flatten", "g"),
    ]
    constants = {"w0": w[0], "w1": w[1], "s": ones, "b": ones * 0.5, "v": ones * 4}
    model = model_of(nodes, {"x": (1, 4, 6, 6)}, constants)
    record = lowered(model)
    assert kinds(record) == {"FIELD": 1, "VIEW": 1, "CONV": 2, "ADD": 1, "SUM": 1}
    x = rng.normal(size=(1, 4, 6, 6)).astype(np.float32)
    assert np.allclose(evaluate(record, [x]), reference(model, {"x": x})[0], atol=1e-5)


def test_masks_of_attention_become_numbers_that_formats_hold() -> None:
    nodes = [node("Add", "x mask", "s"), node("Softmax", "s", axis=-1)]
    mask = np.float32([[0, 0, -np.inf], [0, np.finfo(np.float32).min, 0]])
    record = lowered(model_of(nodes, {"x": (1, 2, 3)}, {"mask": mask}))
    lowest = min(each.elements.min() for each in record.nodes if each.operation is Operation.CONSTANT)
    assert lowest == -(2.0**14)
    found = evaluate(record, [np.zeros((2, 3))])
    assert np.allclose(found, [[0.5, 0.5, 0], [0.5, 0, 0.5]], atol=1e-9)


def test_a_maximum_with_minus_infinity_is_nothing() -> None:
    model = model_of(
        [node("Max", "x least", "m"), node("Relu", "m")], {"x": (1, 3)}, {"least": np.float32(-np.inf)}
    )
    assert kinds(lowered(model)) == {"FIELD": 1, "CLAMP": 1}


def test_an_infinite_constant_that_is_no_mask_is_refused() -> None:
    model = model_of([node("Add", "x most")], {"x": (1, 3)}, {"most": np.float32([1, np.inf, 3])})
    with pytest.raises(FormatRefusedError, match="which is no mask"):
        lowered(model)


def test_operators_that_onnx_defines_by_others_are_taken_apart(rng: np.random.Generator) -> None:
    x = rng.normal(size=(1, 2, 3, 4)).astype(np.float32)
    model = model_of([node("Attention", "x x x")], {"x": x.shape}, opset=23)
    assert np.allclose(evaluate(lower(model), [x]), reference(model, {"x": x})[0], atol=1e-5)


def test_a_constant_that_the_walk_makes_is_a_weight_like_any_other(rng: np.random.Generator) -> None:
    w = rng.normal(size=(3, 2)).astype(np.float32)
    nodes = [
        node("Constant", "", "w", value=numpy_helper.from_array(w)),
        node("Transpose", "w", "t", perm=[1, 0]),
        node("MatMul", "x t"),
    ]
    assert kinds(lowered(model_of(nodes, {"x": (1, 2)}))) == {"FIELD": 1, "MATMUL": 1}
