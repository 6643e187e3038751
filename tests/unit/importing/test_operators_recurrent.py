"""RNN, LSTM and GRU next to onnxruntime, and next to ONNX's reference where that knows more."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto

from anh_rollup.importing.errors import KnownValueNeededError, OperatorRefusedError
from anh_rollup.importing.graph import lower
from anh_rollup.importing.network import import_network
from tests.unit.importing.graphs import error_of, model_of, node, numbers, runtime

GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}
ACTIVATIONS = {
    "RNN": [["Relu"], ["HardSigmoid"], ["LeakyRelu"]],
    "LSTM": [["HardSigmoid", "Tanh", "Softsign"], ["Sigmoid", "ScaledTanh", "Affine"]],
    "GRU": [["HardSigmoid", "Relu"], ["Sigmoid", "Softsign"]],
}
PLACES, BATCH, INPUTS = 4, 2, 3


def recurrent(operator: str, hidden: int = 3, output: str = "y", **how: Any) -> ModelProto:
    """A node over x (4, 2, 3) with random weights; `given` says which of the optional inputs it has."""
    given_inputs = how.pop("given", "WRB")
    count = 2 if how.get("direction") == "bidirectional" else 1
    rows = GATES[operator] * hidden
    constants = {
        "W": numbers(count, rows, INPUTS, seed=1) / 2, "R": numbers(count, rows, hidden, seed=2) / 2,
        "B": numbers(count, 2 * rows, seed=3), "L": np.array([4, 2], np.int32),
        "H": numbers(count, BATCH, hidden, seed=4), "C": numbers(count, BATCH, hidden, seed=5),
        "P": numbers(count, 3 * hidden, seed=6),
    }  # fmt: skip
    constants = {name: each for name, each in constants.items() if name in given_inputs}
    names = " ".join(
        name if name in given_inputs else "_" for name in "WRBLHCP"[: 7 if operator == "LSTM" else 5]
    )
    # A node of the batch's own, for a sample has its first dimension cut off.
    nodes = [
        node("Squeeze", "s axis", "x"),
        node(operator, f"x {names}", "y h c" if operator == "LSTM" else "y h", hidden_size=hidden, **how),
    ]
    constants["axis"] = np.array([0])
    return model_of(nodes, {"s": (1, PLACES, BATCH, INPUTS)}, constants, outputs=[output])


@st.composite
def recurrences(draw: st.DrawFn) -> ModelProto:
    operator = draw(st.sampled_from(list(GATES)))
    how: dict[str, Any] = {"direction": draw(st.sampled_from(["forward", "reverse", "bidirectional"]))}
    optional = "BLHCP" if operator == "LSTM" else "BLH"
    how["given"] = "WR" + "".join(draw(st.sets(st.sampled_from(optional))))
    if operator == "GRU":
        how["linear_before_reset"] = draw(st.integers(0, 1))
    if operator == "LSTM" and "P" not in how["given"]:
        how["input_forget"] = draw(st.integers(0, 1))
    count = 2 if how["direction"] == "bidirectional" else 1
    if draw(st.booleans()):
        how["activations"] = draw(st.sampled_from(ACTIVATIONS[operator])) * count
        how["activation_alpha"], how["activation_beta"] = [0.3] * 3 * count, [0.4] * 3 * count
    outputs = "yhc" if operator == "LSTM" else "yh"
    return recurrent(operator, draw(st.integers(1, 4)), draw(st.sampled_from(outputs)), **how)


def check(model: ModelProto) -> None:
    assert error_of(model, {"s": numbers(2, PLACES, BATCH, INPUTS)}, by=runtime) < 2e-5


@settings(max_examples=12)
@given(recurrences())
def test_recurrent_operators_are_near_onnxruntime(model: ModelProto) -> None:
    check(model)


@pytest.mark.slow
@settings(max_examples=200)
@given(recurrences())
def test_many_recurrent_operators_are_near_onnxruntime(model: ModelProto) -> None:
    check(model)


@pytest.mark.parametrize("operator", GATES)
def test_a_batch_may_come_first(operator: str) -> None:
    model = recurrent(operator, layout=1)
    assert error_of(model, {"s": numbers(2, PLACES, BATCH, INPUTS)}) < 2e-5


@pytest.mark.parametrize("operator", ["RNN", "GRU"])
def test_gates_are_clipped(operator: str) -> None:
    check(recurrent(operator, clip=0.5))


@pytest.mark.parametrize("operator", GATES)
def test_all_places_share_their_weights(operator: str) -> None:
    network = import_network(recurrent(operator), samples={"s": numbers(8, PLACES, BATCH, INPUTS)})
    # The input's with their bias, and the state's: a GRU has them in two parts, one with a bias.
    assert len(network.emitted.parameters) == {"RNN": 3, "LSTM": 3, "GRU": 5}[operator]


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"direction": "sideways"}, "direction 'sideways'"),
        ({"activations": ["Tanh"]}, "1 activations for 1 directions"),
        ({"activations": ["Sine"] * 3}, "activation 'Sine'"),
        ({"activations": ["Sigmoid", "Affine", "Tanh"]}, "activation 'Affine' without its numbers"),
    ],
)
def test_what_is_not_known_is_refused(how: dict[str, Any], reason: str) -> None:
    with pytest.raises(OperatorRefusedError) as caught:
        lower(recurrent("LSTM", **how))
    assert caught.value.reason == reason


def test_weights_have_to_be_known_and_to_fit() -> None:
    model = model_of([node("RNN", "x x x", "y", hidden_size=3)], {"x": (1, 3, 3)})
    with pytest.raises(KnownValueNeededError, match="its weights depends on the network's input"):
        lower(model)
    model = recurrent("RNN", hidden=2)
    model.graph.initializer[1].CopyFrom(model.graph.initializer[0])
    model.graph.initializer[1].name = "R"
    with pytest.raises(OperatorRefusedError, match="weights of shapes"):
        lower(model)
