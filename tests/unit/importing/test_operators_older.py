"""Operators as opsets 7 to 10 have them, next to onnxruntime, which knows them."""

import numpy as np
import pytest
from onnx import NodeProto

from anh_rollup.importing.errors import OperatorRefusedError
from anh_rollup.importing.graph import lower
from tests.unit.importing.graphs import error_of, model_of, node, numbers, runtime

SCALES = {"scales": np.float32([1, 1, 1.5, 2])}


def replaced(one: NodeProto, output: str) -> NodeProto:
    """A node by another name, as its output."""
    one.output[0] = one.name = output
    return one


@pytest.mark.parametrize(
    ("one", "opset"),
    [
        (node("Slice", "x", starts=[1, 0], ends=[3, -1], axes=[2, 3]), 7),
        (node("Slice", "x", starts=[0, 1, 0], ends=[9, 3, 2]), 9),
        (node("Clip", "x", min=-0.5, max=0.25), 7),
        (node("Clip", "x", max=0.25), 10),
        (node("Pad", "x", pads=[0, 0, 1, 2, 0, 0, 0, 1], value=0.5), 7),
        (node("Pad", "x", pads=[0, 0, 1, 2, 0, 0, 2, 1], mode="reflect"), 10),
        (node("TopK", "x", "y places", k=2, axis=-1), 7),
        (node("Upsample", "x", scales=[1.0, 1.0, 1.5, 2.0]), 7),
        (node("Upsample", "x scales"), 9),
        (node("Resize", "x scales"), 10),
        (node("Softmax", "x", axis=2), 7),
        (node("Softmax", "w", axis=2), 7),
        (node("Relu", "x"), 6),
    ],
)
def test_operators_of_older_opsets_mean_what_they_meant(one: NodeProto, opset: int) -> None:
    known = {**SCALES, "w": numbers(1, 2, 4, 6)}
    constants = {name: each for name, each in known.items() if name in one.input}
    nodes = [one] if "x" in one.input else [replaced(one, "k"), node("Add", "k x")]
    model = model_of(nodes, {"x": (1, 2, 4, 6)}, constants, opset=opset)
    assert error_of(model, {"x": numbers(3, 2, 4, 6)}, by=runtime) < 1e-5


def test_indices_below_zero_have_no_place_in_an_older_one_hot() -> None:
    constants = {"depth": np.int64(3), "values": np.float32([0, 1])}
    samples = {"x": np.float32([[0, 2, -1]])}
    for opset in (9, 11):
        model = model_of([node("OneHot", "x depth values")], {"x": (1, 3)}, constants, opset=opset)
        assert error_of(model, samples) == 0 or opset == 9
    record = lower(model_of([node("OneHot", "x depth values")], {"x": (1, 3)}, constants, opset=9))
    assert "SELECT" in {node.operation for node in record.nodes}


def test_operators_that_did_not_broadcast_yet_are_refused() -> None:
    with pytest.raises(OperatorRefusedError) as caught:
        lower(model_of([node("Add", "x x")], {"x": (1, 3)}, opset=6))
    assert caught.value.reason == "as opset 6 has it; export it with opset 7 or later"
