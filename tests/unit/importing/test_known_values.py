"""Known values are computed by ONNX's reference, unless they are text, too large, or do not fit."""

import numpy as np
import pytest
from onnx import NodeProto

from anh_rollup.importing import known_values as module
from anh_rollup.importing.errors import OperatorRefusedError
from anh_rollup.importing.known_values import is_misread, is_random, known_outputs
from tests.unit.importing.graphs import Array, node

OPSET = 18


def test_outputs_follow_from_inputs() -> None:
    (cut,) = known_outputs(node("Slice", "x a b"), OPSET, [np.arange(9), np.array([2]), np.array([5])])
    assert cut is not None
    assert (cut.dtype, cut.tolist()) == (np.dtype(np.int64), [2, 3, 4])
    values, places = known_outputs(node("TopK", "x k", "v p"), OPSET, [np.float32([3, 9, 1]), np.array([2])])
    assert values is not None
    assert places is not None
    assert (values.tolist(), places.tolist()) == ([9, 3], [1, 0])


def test_what_is_left_out_stays_left_out() -> None:
    (padded,) = known_outputs(node("Clip", "x _ m"), OPSET, [np.float32([1, 5]), None, np.float32(2)])
    assert padded is not None
    assert padded.tolist() == [1, 2]
    outputs = NodeProto()
    outputs.CopyFrom(node("TopK", "x k", "v p"))
    outputs.output[0] = ""
    nothing, places = known_outputs(outputs, OPSET, [np.float32([3, 9]), np.array([1])])
    assert nothing is None
    assert places is not None
    assert places.tolist() == [1]


MANY = np.ones(40, np.float32)


@pytest.mark.parametrize(
    ("given", "inputs"),
    [
        (node("Expand", "x s"), [MANY[:1], np.array([5, 30])]),
        (node("Range", "a b c"), [np.array(0.0), np.array(1e9), np.array(1.0)]),
        (node("Range", "a b c"), [np.array(0), np.array(5), np.array(0)]),
        (node("Tile", "x n"), [MANY, np.array([4])]),
        (node("ConstantOfShape", "s"), [np.array([101])]),
        (node("NonZero", "x"), [np.ones((5, 5, 5), np.float32)]),
        (node("MatMul", "x w"), [MANY[:, None], MANY[None]]),
        (node("Einsum", "x w", equation="i,j->"), [np.ones(100, np.float32)] * 2),
        (node("Resize", "x _ s"), [np.ones((1, 1, 2, 2), np.float32), None, np.float32([1, 1, 1, 1])]),
    ],
)
def test_a_value_that_would_be_large_is_refused_before_it_is_made(
    given: NodeProto, inputs: list[Array | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def computed(*_given: object) -> None:
        raise AssertionError("it was computed")

    monkeypatch.setattr(module, "MOST_ELEMENTS", 100)
    monkeypatch.setattr(module, "ReferenceEvaluator", computed)
    with pytest.raises(OperatorRefusedError, match="a known value of more than 100 elements"):
        known_outputs(given, OPSET, inputs)


@pytest.mark.parametrize(
    ("given", "inputs", "reason"),
    [
        (node("Gather", "x i"), [MANY, np.array([99])], "its known inputs do not fit it"),
        (node("Identity", "x"), [np.array(["text"], object)], "a known input of text"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(
    given: NodeProto, inputs: list[Array | None], reason: str
) -> None:
    with pytest.raises(OperatorRefusedError) as refused:
        known_outputs(given, OPSET, inputs)
    assert (refused.value.operator, refused.value.node, refused.value.reason) == (
        given.op_type, "the y", reason,
    )  # fmt: skip


def test_chance_and_older_meanings_are_told() -> None:
    assert [is_random(each) for each in ("RandomNormal", "Bernoulli", "Add")] == [True, True, False]
    asked = [("Softmax", 12), ("Softmax", 13), ("Resize", 10), ("Resize", 11), ("Add", 7)]
    assert [is_misread(*each) for each in asked] == [True, False, True, False, False]
