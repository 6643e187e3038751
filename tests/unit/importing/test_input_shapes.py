"""Shapes of inputs that a network leaves open come from samples, or are asked for by name."""

import numpy as np
import pytest

from anh_rollup.encoding.tensors import Shape
from anh_rollup.importing.input_shapes import open_shape, shapes_shown
from anh_rollup.importing.network import import_network
from tests.unit.importing.graphs import model_of, node


@pytest.mark.parametrize(
    ("declared", "samples", "shown"),
    [
        (("n", 1, 64, "width"), (9, 1, 64, 160), (1, 1, 64, 160)),
        ((1, 1, 64, "width"), (9, 1, 64, 160), (1, 1, 64, 160)),
        ((2, "width"), (9, 2, 5), (2, 5)),
        ((1, 3, "width"), (9, 4, 5), (1, 3, 5)),
        (("n", 3), (9, 3), None),
        ((1, 64, "width"), (9, 5), None),
        ((1, "width"), (), None),
    ],
)
def test_samples_show_what_a_network_leaves_open(
    declared: tuple[int | str, ...], samples: Shape, shown: Shape | None
) -> None:
    model = model_of([node("Relu", "x")], {"x": declared})
    expected = {} if shown is None else {"x": shown}
    assert shapes_shown(model, {}, {"x": np.zeros(samples)}) == expected


def test_a_shape_that_is_given_stands() -> None:
    model = model_of([node("Relu", "x")], {"x": (1, "width")})
    assert shapes_shown(model, {"x": (1, 7)}, {"x": np.zeros((2, 6))}) == {"x": (1, 7)}


def test_a_network_is_imported_with_the_shape_that_samples_show() -> None:
    model = model_of([node("Relu", "x")], {"x": ("n", "width")})
    network = import_network(model, samples={"x": np.ones((4, 6), np.float32)})
    assert [each.shape for each in network.program.fields] == [(6,)]


@pytest.mark.parametrize(
    ("declared", "reason", "remedy"),
    [
        (
            ("n", 1, 64, "image width"),
            "the network leaves open the size of dimension 3 ('image width')",
            "Give --samples, or --input-shape x=1x1x64xIMAGEWIDTH with a number for IMAGEWIDTH.",
        ),
        (
            (2, "h", "w", "h"),
            "the network leaves open the sizes of dimensions 1 ('h'), 2 ('w'), 3 ('h')",
            "Give --samples, or --input-shape x=2xHxWxH with numbers for H and W.",
        ),
        (
            (1, 0),
            "the network leaves open the size of dimension 1",
            "Give --samples, or --input-shape x=1xN1 with a number for N1.",
        ),
    ],
)
def test_what_nothing_tells_is_asked_for_by_its_name(
    declared: tuple[int | str, ...], reason: str, remedy: str
) -> None:
    refused = open_shape(model_of([node("Relu", "x")], {"x": declared}).graph.input[0])
    assert (refused.reason, refused.remedy) == (reason, remedy)
