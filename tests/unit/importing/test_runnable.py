"""The ONNX file that is kept for whoever answers: the inputs and the output that a program has."""

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, TensorProto, helper

from anh_rollup.importing import runnable as module
from anh_rollup.importing.graph import lower
from anh_rollup.importing.runnable import runnable
from anh_rollup.tensor.properties import Answers
from tests.unit.importing.graphs import model_of, node


def network() -> ModelProto:
    """Two inputs, one of integers and of any length, and two outputs."""
    nodes = [node("Gather", "t i", "g"), node("Add", "g x", "y"), node("Neg", "y", "z")]
    table = np.arange(12, dtype=np.float32).reshape(6, 2)
    model = model_of(nodes, {"x": ("n", 3, 2)}, {"t": table}, outputs=("z", "y"))
    model.graph.input.append(helper.make_tensor_value_info("i", TensorProto.INT64, ["n", "m"]))
    return model


def test_shapes_are_fixed_and_other_outputs_are_gone() -> None:
    record = lower(network(), {"x": (1, 3, 2), "i": (1, 3)}, output="y")
    file = runnable(network(), record)
    assert file is not None
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    assert [(each.name, each.type, each.shape) for each in session.get_inputs()] == [
        ("x", "tensor(float)", [1, 3, 2]),
        ("i", "tensor(int64)", [1, 3]),
    ]
    assert [each.name for each in session.get_outputs()] == ["y"]
    given = {"x": np.ones((1, 3, 2), np.float32), "i": np.array([[5, 0, 1]])}
    assert session.run(None, given)[0].tolist() == [[[11, 12], [1, 2], [3, 4]]]


@pytest.mark.parametrize("opset", [7, 21])
def test_decisions_are_places_along_the_last_axis_of_the_output(opset: int) -> None:
    nodes = [node("Relu", "x", "decisions"), node("Neg", "decisions", "decisions.scores")]
    model = model_of(nodes, {"x": (1, 2, 3)}, outputs=("decisions.scores",), opset=opset)
    file = runnable(model, lower(model), Answers.DECISIONS)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    assert [(each.type, each.shape) for each in session.get_outputs()] == [("tensor(int64)", [2])]
    given = {"x": np.array([[[3, 1, 2], [5, 4, 4]]], np.float32)}
    assert session.run(None, given)[0].tolist() == [1, 1]


def test_names_of_what_nobody_reads_and_of_inner_graphs_are_taken() -> None:
    inner = helper.make_graph(
        [node("Neg", "x", "decisions_.scores")],
        "inner",
        [],
        [helper.make_tensor_value_info("decisions_.scores", 1, None)],
    )
    nodes = [node("If", "yes", "y", then_branch=inner, else_branch=inner)]
    known = {"yes": np.array(True), "decisions": np.ones(2, np.float32)}
    model = model_of(nodes, {"x": (1, 3)}, known)
    file = runnable(model, lower(model), Answers.DECISIONS)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    assert session.run(None, {"x": np.array([[3, 1, 2]], np.float32)})[0].tolist() == 1


def test_a_network_that_no_file_holds_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", network().ByteSize() - 1)
    record = lower(network(), {"x": (1, 3, 2), "i": (1, 3)})
    assert runnable(network(), record) is None
