"""An import writes margins down, so those that are nearly all of what they surround are refused."""

from typing import Any

import numpy as np
import pytest
from onnx import NodeProto

from anh_rollup.importing.errors import OperatorRefusedError
from anh_rollup.importing.network import import_network, lowered
from anh_rollup.importing.operators import convolution
from tests.unit.importing.graphs import error_of, model_of, node, numbers

KERNEL = np.ones((1, 1, 2, 2), np.float32)


def refused(
    only: NodeProto, shape: tuple[int, ...] = (1, 1, 4, 4), **constants: object
) -> OperatorRefusedError:
    with pytest.raises(OperatorRefusedError) as caught:
        lowered(model_of([only], {"x": shape}, constants))
    return caught.value


def padded(operator: str, pad: int, *, stride: int, rank: int = 2) -> OperatorRefusedError:
    """Why windows of two places along each dimension are refused with these margins."""
    how: dict[str, Any] = {"pads": [pad] * (2 * rank), "strides": [stride] * rank}
    shape, kernel = (1, 1, *(4,) * rank), np.ones((1, 1, *(2,) * rank), np.float32)
    if operator == "Conv":
        return refused(node("Conv", "x w", **how), shape, w=kernel)
    return refused(node(operator, "x", kernel_shape=[2] * rank, **how), shape)


@pytest.mark.parametrize("pad", [1_000, 5_000, 60_000, 1 << 62])
@pytest.mark.parametrize("operator", ["Conv", "MaxPool", "AveragePool", "LpPool"])
def test_an_image_that_is_nearly_all_margin_is_refused(operator: str, pad: int) -> None:
    # A pooling takes no more of the margin behind than its windows reach.
    windows = (2 * pad + 2) // pad + 1
    side = 2 * pad + 4 if operator == "Conv" else (windows - 1) * pad + 2
    why = padded(operator, pad, stride=pad)
    reason = (
        f"{side**2} elements with its margins, 2097152 are the most "
        f"where input and output have {16 + windows**2}"
    )
    assert (why.operator, why.node, why.reason) == (operator, "the y", reason)


@pytest.mark.parametrize("operator", ["Conv", "MaxPool", "AveragePool"])
def test_margins_as_large_as_outputs_may_be_are_refused_as_these_are(operator: str) -> None:
    assert "134217728 are the most where" in padded(operator, 6_000, stride=1).reason


@pytest.mark.parametrize("rank", [1, 3])
def test_margins_count_in_every_dimension(rank: int) -> None:
    assert "elements with its margins" in padded("Conv", 1 << 40, stride=1 << 39, rank=rank).reason


def test_an_image_of_very_many_planes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolution, "MOST_VALUES", 10)
    kernel = np.ones((1, 1, 2, 2, 2), np.float32)
    only = node("Conv", "x w", pads=[4, 0, 0, 4, 0, 0])
    assert refused(only, (1, 1, 4, 4, 4), w=kernel).reason == (
        "11 planes, each of which becomes a convolution, 10 are the most"
    )


@pytest.mark.parametrize("operator", ["Conv", "MaxPool"])
def test_wide_margins_that_are_not_written_down_at_great_cost_are_computed(operator: str) -> None:
    how: dict[str, Any] = {"pads": [50] * 4, "strides": [51, 51]}
    only = (
        node("Conv", "x w", **how)
        if operator == "Conv"
        else node("MaxPool", "x", **how, kernel_shape=[51, 51])
    )
    model = model_of([only], {"x": (1, 1, 4, 4)}, {"w": KERNEL} if operator == "Conv" else {})
    assert error_of(model, {"x": numbers(16, 1, 4, 4)}) < 1e-4


@pytest.mark.parametrize("operator", ["Conv", "MaxPool"])
def test_margins_below_zero_are_refused(operator: str) -> None:
    assert padded(operator, -1, stride=1).reason == "a margin below 0 among pads [-1, -1, -1, -1]"


@pytest.mark.parametrize("mode", ["constant", "edge", "wrap", "reflect"])
@pytest.mark.parametrize("cut", [2, 3, 1 << 40])
def test_a_pad_that_leaves_nothing_is_refused(mode: str, cut: int) -> None:
    why = refused(node("Pad", "x p", mode=mode), (1, 4), p=np.array([0, -cut, 0, -cut]))
    left = [1, 4 - 2 * cut] if mode == "constant" else [4 - 2 * cut]
    assert (why.operator, why.node, why.reason) == ("Pad", "the y", f"nothing is left in shape {left}")


def test_two_dimensions_of_which_nothing_is_left_are_not_a_size() -> None:
    why = refused(node("Pad", "x p"), (3, 4), p=np.array([-9, -9, 0, 0]))
    assert why.reason == "nothing is left in shape [-6, -5]"


def test_a_pad_that_leaves_one_element_is_computed() -> None:
    model = model_of([node("Pad", "x p")], {"x": (1, 4)}, {"p": np.array([0, -1, 0, -2])})
    network = import_network(model, samples={"x": numbers(4, 4)})
    assert network.program.output.shape == (1,)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"pads": [3, 3, 2, 2]}, "nothing is left in shape [0, 0]"),
        ({"pads": [9] * 4}, "nothing is left in shape [1, 1, -12, -12]"),
        ({"strides": [0, 1]}, "strides [0, 1] and dilations [1, 1] for 2 dimensions"),
        ({"strides": [1]}, "strides [1] and dilations [1, 1] for 2 dimensions"),
        ({"pads": [1]}, "pads [1], output padding [0, 0], output shape []"),
    ],
)
def test_a_transposed_convolution_that_leaves_nothing_is_refused(how: dict[str, Any], reason: str) -> None:
    assert refused(node("ConvTranspose", "x w", **how), w=KERNEL).reason == reason
