"""Onnxruntime's own LSTM with integer weights, beside onnxruntime."""

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from anh_rollup.importing.comparison import compare
from anh_rollup.importing.network import import_network

PLACES, WIDTH, HIDDEN = 5, 6, 8


def lstm(direction: str) -> ModelProto:
    """The operator with random weights, states that begin at zero, and the states at all places."""
    rng, count = np.random.default_rng(4), 2 if direction == "bidirectional" else 1
    known = {
        "w": rng.integers(-127, 128, (count, WIDTH, 4 * HIDDEN)).astype(np.int8),
        "r": rng.integers(-127, 128, (count, HIDDEN, 4 * HIDDEN)).astype(np.int8),
        "b": rng.normal(size=(count, 8 * HIDDEN)).astype(np.float32),
        "w_scale": np.full(count, 0.01, np.float32), "r_scale": np.full(count, 0.008, np.float32),
        "zero": np.zeros(count, np.int8),
    }  # fmt: skip
    node = helper.make_node(
        "DynamicQuantizeLSTM",
        ["x", "w", "r", "b", "", "", "", "", "w_scale", "zero", "r_scale", "zero"],
        ["y"],
        name="lstm",
        domain="com.microsoft",
        hidden_size=HIDDEN,
        direction=direction,
    )
    shapes = {"x": [PLACES, 1, WIDTH], "y": [PLACES, count, 1, HIDDEN]}
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[name]) for name in "xy")
    constants = [numpy_helper.from_array(array, name) for name, array in known.items()]
    graph = helper.make_graph([node], "test", [x], [y], constants)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
def test_it_gives_what_onnxruntime_gives(direction: str) -> None:
    x = np.random.default_rng(5).normal(size=(24, PLACES, 1, WIDTH)).astype(np.float32)
    model = lstm(direction)
    found = compare(model, import_network(model, samples={"x": x[:16]}), {"x": x[16:]})
    assert found.largest_error < 1e-5
    assert found.agreement == 1
