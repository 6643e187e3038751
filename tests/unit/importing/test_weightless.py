"""A network without weights has no model: that is said, and before the work of an import."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from onnx import NodeProto

from anh_rollup.importing.errors import WeightlessError
from anh_rollup.importing.network import check_weights, import_network, lowered
from anh_rollup.importing.setting import Setting
from tests.unit.importing.graphs import model_of, node, numbers

ROW = np.float32([1, 2, 3])
WEIGHTLESS: list[tuple[NodeProto, Mapping[str, Any]]] = [
    (node("Relu", "x"), {}),
    (node("Tanh", "x"), {}),
    (node("Add", "x k"), {"k": np.float32(2)}),
    (node("Add", "x k"), {"k": np.zeros(3, np.float32)}),
    (node("Transpose", "x"), {"unread": ROW}),
    (node("MatMul", "x r"), {"unread": ROW}),
]
WEIGHTED: list[tuple[NodeProto, Mapping[str, Any]]] = [
    (node("Add", "x k"), {"k": ROW}),
    (node("MatMul", "x k"), {"k": np.ones((3, 2), np.float32)}),
    (node("MatMul", "x k"), {"k": np.ones((3, 1), np.float32)}),
    (node("Concat", "x k", axis=1), {"k": ROW[None]}),
]


def model(only: NodeProto, constants: Mapping[str, Any]) -> Any:
    if only.op_type == "MatMul" and "k" not in constants:
        return model_of([only], {"x": (1, 1, 3), "r": (1, 3, 2)}, constants)
    return model_of([only], {"x": (1, 3)}, constants)


@pytest.mark.parametrize(("only", "constants"), WEIGHTLESS)
def test_a_network_without_weights_is_refused_before_the_work(
    only: NodeProto, constants: Mapping[str, Any]
) -> None:
    with pytest.raises(WeightlessError) as refused:
        check_weights(lowered(model(only, constants)), Setting.PRECISE)
    assert str(refused.value) == (
        "the network has no weights: nothing becomes a parameter of its model, and a model needs one"
    )


@pytest.mark.parametrize(("only", "constants"), WEIGHTED)
@pytest.mark.parametrize("setting", Setting)
def test_a_network_with_weights_has_a_model(
    only: NodeProto, constants: Mapping[str, Any], setting: Setting
) -> None:
    made = model(only, constants)
    check_weights(lowered(made), setting)
    assert import_network(made, samples={"x": numbers(8, 3)}, setting=setting).model.tensors


def test_new_weights_of_a_training_may_begin_as_zeros() -> None:
    made = model(node("Add", "x k"), {"k": np.zeros(3, np.float32)})
    check_weights(lowered(made), Setting.TRAINABLE)
    assert import_network(made, samples={"x": numbers(8, 3)}, setting=Setting.TRAINABLE).model.tensors


def test_a_model_without_parameters_is_refused_where_it_is_asked_for() -> None:
    network = import_network(model(node("Relu", "x"), {}), samples={"x": numbers(8, 3)})
    with pytest.raises(WeightlessError):
        _ = network.model
