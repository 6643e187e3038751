"""Operators that ONNX defines by others: which definition counts, and whose attributes it has."""

import numpy as np
import pytest
from onnx import helper

from anh_rollup.importing.function_bodies import body_of, is_older, nodes_of
from tests.unit.importing.graphs import node


@pytest.mark.parametrize(
    ("operator", "opset", "expected"),
    [("Add", 6, True), ("Relu", 6, False), ("Add", 7, False), ("Softmax", 9, False), ("NoSuch", 6, True)],
)
def test_operators_from_before_broadcasting_are_told(operator: str, opset: int, expected: bool) -> None:
    assert is_older(operator, opset) is expected


def test_an_operator_that_is_defined_by_none_has_no_body() -> None:
    given = [np.ones(3, np.float32)]
    assert body_of(node("Relu", "x", custom=1), 13, given) is None
    assert body_of(node("NoSuch", "x"), 18, given) is None
    assert body_of(helper.make_node("Relu", ["x"], ["y"], domain="elsewhere"), 18, given) is None


def test_a_definition_has_the_attributes_of_its_node_or_the_operators_defaults() -> None:
    alphas = []
    for given in (node("LeakyRelu", "x", alpha=3.0), node("LeakyRelu", "x")):
        body = body_of(given, 18, [np.ones(3, np.float32)])
        assert body is not None
        (constant,) = [each for each in nodes_of(body, given, 18) if each.output[0] == "Alpha"]
        alphas.append([(each.name, each.f) for each in constant.attribute])
    assert alphas == [[("value_float", 3.0)], [("value_float", pytest.approx(0.01))]]


def test_a_definition_may_depend_on_types_and_shapes() -> None:
    given = node("Clip", "x low _")
    x, low = np.ones(3, np.float32), np.float32(0)
    body = body_of(given, 18, [x, low, None])
    assert body is not None
    assert [each.op_type for each in nodes_of(body, given, 18)] == ["Less", "Where"]
    both = body_of(node("Clip", "x low high"), 18, [x, low, low])
    assert both is not None
    assert len(both.node) > len(body.node)
