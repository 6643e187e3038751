"""Loops are unrolled, next to ONNX's reference or onnxruntime, and bounded."""

import numpy as np
import pytest
from onnx import GraphProto, NodeProto, TensorProto, helper

from anh_rollup.importing import graph
from anh_rollup.importing.errors import KnownValueNeededError, OnnxFileError, OperatorRefusedError
from anh_rollup.importing.graph import lower
from tests.unit.importing.graphs import error_of, model_of, node, numbers, runtime

FLOAT, WHOLE, TRUTH = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def graph_of(nodes: list[NodeProto], inputs: dict[str, int], outputs: dict[str, int]) -> GraphProto:
    given, wanted = (
        [helper.make_tensor_value_info(name, kind, None) for name, kind in each.items()]
        for each in (inputs, outputs)
    )
    return helper.make_graph(nodes, "body", given, wanted)


def growing() -> GraphProto:
    """A state that doubles and grows by x, which is outside, while the round is below 4."""
    nodes = [
        node("Add", "state state", "double"),
        node("Add", "double x", "next"),
        node("Less", "round four", "more"),
        node("Relu", "next", "seen"),
    ]
    return graph_of(
        nodes, {"round": WHOLE, "goes": TRUTH, "state": FLOAT}, {"more": TRUTH, "next": FLOAT, "seen": FLOAT}
    )


@pytest.mark.parametrize("rounds", [1, 3, 100])
@pytest.mark.parametrize("output", ["last", "all"])
def test_a_loop_ends_by_its_number_of_rounds_or_its_condition(rounds: int, output: str) -> None:
    loop = node("Loop", "rounds yes x", "last all", body=growing())
    constants = {"rounds": np.int64(rounds), "yes": np.bool_(1), "four": np.int64(4)}
    model = model_of([loop], {"x": (1, 3)}, constants, outputs=[output])
    assert error_of(model, {"x": numbers(4, 3)}) < 1e-6


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"scan_input_axes": [2], "scan_output_axes": [1]},
        {"scan_input_axes": [1], "scan_input_directions": [1], "scan_output_directions": [1]},
    ],
)
@pytest.mark.parametrize("output", ["last", "all"])
def test_a_scan_goes_along_any_axis_both_ways(how: dict[str, list[int]], output: str) -> None:
    body = graph_of(
        [node("Mul", "state w", "less"), node("Add", "less row", "next"), node("Tanh", "next", "seen")],
        {"state": FLOAT, "row": FLOAT},
        {"next": FLOAT, "seen": FLOAT},
    )
    axis = how.get("scan_input_axes", [0])[0]
    shape = tuple(size for at, size in enumerate((1, 3, 4)) if at != axis)
    scan = node("Scan", "start x", "last all", body=body, num_scan_inputs=1, **how)
    constants = {"start": np.zeros(shape, np.float32), "w": np.float32(0.5)}
    model = model_of([scan], {"x": (1, 3, 4)}, constants, outputs=[output])
    assert error_of(model, {"x": numbers(4, 3, 4)}, by=runtime) < 1e-5


def test_what_decides_about_rounds_has_to_be_known() -> None:
    loop = node("Loop", "rounds yes x", "last all", body=growing())
    count = node("Cast", "x", "rounds", to=WHOLE)
    constants = {"yes": np.bool_(1), "four": np.int64(4)}
    with pytest.raises(KnownValueNeededError) as caught:
        lower(model_of([count, loop], {"x": (1,)}, constants, outputs=["last"]))
    assert (caught.value.reason, caught.value.fields) == (
        "its number of rounds depends on the network's input",
        ("x",),
    )


def test_rounds_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    body = graph_of(
        [node("Identity", "goes", "more"), node("Add", "state one", "next")],
        {"round": WHOLE, "goes": TRUTH, "state": FLOAT},
        {"more": TRUTH, "next": FLOAT},
    )
    loop = node("Loop", "_ yes x", "last", body=body)
    constants = {"yes": np.bool_(1), "one": np.float32(1)}
    model = model_of([loop], {"x": (1,)}, constants, outputs=["last"])
    with pytest.raises(OperatorRefusedError, match="more than 4096 rounds"):
        lower(model)
    monkeypatch.setattr(graph, "MOST_VISITS", 1_000)
    with pytest.raises(OperatorRefusedError, match="more than 1000 nodes with those inside others"):
        lower(model)


@pytest.mark.parametrize(
    ("bad", "error", "reason"),
    [
        (node("Loop", "rounds yes x", "last all"), OnnxFileError, "has no body"),
        (node("Scan", "x", "last", body=growing(), num_scan_inputs=2), OperatorRefusedError, "2 of 1 inputs"),
        (node("Loop", "rounds yes", "last", body=growing()), OperatorRefusedError, "0 states"),
        (node("Loop", "half yes x", "last all", body=growing()), OperatorRefusedError, "of type float32"),
        (node("Loop", "none yes x", "last all", body=growing()), OperatorRefusedError, "no round"),
    ],
)
def test_loops_that_do_not_fit_their_bodies_are_refused(bad: NodeProto, error: type, reason: str) -> None:
    constants = {
        "rounds": np.int64(2), "none": np.int64(0), "half": np.float32(2), "yes": np.bool_(1),
        "four": np.int64(4),
    }  # fmt: skip
    with pytest.raises(error, match=reason):
        lower(model_of([bad, node("Relu", "last")], {"x": (1, 3)}, constants))
