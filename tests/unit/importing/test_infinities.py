"""Questions about minus infinity have the answers that they have in the graph."""

import numpy as np
import pytest
from onnx import NodeProto

from anh_rollup.importing.errors import OperatorRefusedError
from anh_rollup.importing.graph import lower
from anh_rollup.importing.network import lowered
from anh_rollup.importing.real_evaluation import evaluate
from tests.unit.importing.graphs import error_of, model_of, node, numbers, reference

LOWEST = {"lowest": np.float32(-np.inf), "zero": np.float32(0), "last": np.array([-1])}


def safe_softmax() -> list[NodeProto]:
    """Scores where x is below 0 are masked; a row that is masked as a whole becomes 0, as torch has it."""
    return [
        node("Less", "x zero", "masked"),
        node("Where", "masked lowest x", "scores"),
        node("Softmax", "scores", "shares", axis=-1),
        node("ReduceMax", "scores last", "most", keepdims=1),
        node("Equal", "most lowest", "nothing"),
        node("Where", "nothing zero shares"),
    ]


def test_a_row_that_is_masked_as_a_whole_is_found() -> None:
    x = numbers(6, 5, 4)
    x[:, 1], x[:, 2] = -np.abs(x[:, 1]), np.abs(x[:, 2])
    assert error_of(model_of(safe_softmax(), {"x": (1, 5, 4)}, LOWEST), {"x": x}) < 1e-5


@pytest.mark.parametrize(
    ("nodes", "constants"),
    [
        ([node("Add", "x mask", "s"), node("IsInf", "s")], {"mask": np.float32([0, -np.inf, 1])}),
        ([node("Add", "x mask", "s"), node("Equal", "lowest s")], {"mask": np.float32([[0], [-np.inf]])}),
        ([node("Concat", "x mask", "s", axis=1), node("Equal", "s lowest")],
         {"mask": np.full((1, 1, 3), -np.inf, np.float32)}),
        ([node("Transpose", "x", "s"), node("IsInf", "s")], {}),
        ([node("Add", "x zero", "s"), node("IsNaN", "s")], {}),
        ([node("Add", "x mask", "s"), node("IsInf", "s", detect_negative=0)], {"mask": np.float32(-np.inf)}),
    ],
)  # fmt: skip
def test_minus_infinity_is_followed(nodes: list[NodeProto], constants: dict[str, np.ndarray]) -> None:
    model = model_of(nodes, {"x": (1, 2, 3)}, LOWEST | constants, opset=20)
    x = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    found = evaluate(lowered(model), [x[0]])
    assert np.array_equal(found.reshape(-1) != 0, reference(model, {"x": x}).reshape(-1))


def test_ways_on_which_it_is_not_followed_are_refused() -> None:
    nodes = [node("Mul", "x lowest", "s"), node("Equal", "s lowest")]
    with pytest.raises(OperatorRefusedError, match="infinite numbers behind MUL of node 'the s'"):
        lower(model_of(nodes, {"x": (1, 3)}, LOWEST))
    nodes = [node("Add", "x lowest", "s"), node("IsNaN", "s")]
    with pytest.raises(OperatorRefusedError, match="infinite numbers before it"):
        lower(model_of(nodes, {"x": (1, 3)}, LOWEST))
