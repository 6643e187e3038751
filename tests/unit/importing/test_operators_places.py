"""What reads and writes known places, resamples or transforms, next to ONNX's reference or onnxruntime."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto, NodeProto

from anh_rollup.importing.errors import KnownValueNeededError, OperatorRefusedError
from anh_rollup.importing.graph import lower
from tests.unit.importing.graphs import error_of, model_of, node, numbers, runtime

WHOLE = np.int64


def agrees(
    nodes: list[NodeProto], shape: tuple[int, ...], constants: dict[str, Any], opset: int = 20, **how: Any
) -> None:
    model = model_of(nodes, {"x": (1, *shape)}, constants, opset=opset)
    assert error_of(model, {"x": numbers(3, *shape)}, **how) < 2e-5


@st.composite
def updates(draw: st.DrawFn) -> ModelProto:
    """A scatter into x (1, 4, 5) of its own elements, with indices that meet."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    operator = draw(st.sampled_from(["ScatterElements", "ScatterND"]))
    how: dict[str, Any] = {"reduction": draw(st.sampled_from(["none", "add", "mul", "max", "min"]))}
    if operator == "ScatterElements":
        axis = draw(st.integers(1, 2))
        indices, how["axis"] = rng.integers(-4, 4, (1, 3, 4)), axis
        if how["reduction"] == "none":
            # Which of two updates of one element wins, ONNX does not say.
            indices = np.argsort(rng.normal(size=(1, 4, 5)), axis)[:, :3, :4]
            indices = np.argsort(indices, axis) if axis == 1 else np.argsort(np.argsort(indices, axis), axis)
        cut = {"starts": np.zeros(3, WHOLE), "ends": np.array(indices.shape)}
    else:
        rows = rng.permutation(4)[:3] if how["reduction"] == "none" else rng.integers(-4, 4, 3)
        indices = np.stack([np.zeros(3, WHOLE), rows], -1)
        cut = {"starts": np.zeros(3, WHOLE), "ends": np.array([1, 3, 5])}
    nodes = [node("Slice", "x starts ends", "cut")]
    if operator == "ScatterND":
        cut["flat"] = np.array([3, 5])
        nodes.append(node("Reshape", "cut flat", "rows"))
    nodes.append(node(operator, f"x indices {nodes[-1].output[0]}", **how))
    return model_of(nodes, {"x": (1, 4, 5)}, {"indices": indices, **cut}, opset=18)


@settings(max_examples=15)
@given(updates(), st.integers(0, 99))
def test_updates_meet_in_order(model: ModelProto, seed: int) -> None:
    assert error_of(model, {"x": numbers(2, 4, 5, seed=seed)}) < 1e-5


@pytest.mark.slow
@settings(max_examples=300)
@given(updates(), st.integers(0, 99))
def test_many_updates_meet_in_order(model: ModelProto, seed: int) -> None:
    assert error_of(model, {"x": numbers(2, 4, 5, seed=seed)}) < 1e-5


@pytest.mark.parametrize(
    ("one", "constants"),
    [
        (node("GatherND", "x i", batch_dims=1), {"i": np.array([[[1, -1], [0, 2]]])}),
        (node("Compress", "x k", axis=1), {"k": np.array([True, False, True, True])}),
        (node("Compress", "x k"), {"k": np.arange(20) % 3 == 0}),
        (node("ReverseSequence", "x n", batch_axis=1, time_axis=2), {"n": np.array([1, 5, 3, 2])}),
        (node("CumProd", "x one", exclusive=1), {"one": np.array(2)}),
        (node("CumProd", "x one", reverse=1), {"one": np.array(-1)}),
        (node("ReduceProd", "x axes", keepdims=0), {"axes": np.array([1, 2])}),
        (node("Pow", "x e"), {"e": np.float32([0, 1, 2, 3, 7])}),
    ],
)
def test_known_places_and_products(one: NodeProto, constants: dict[str, Any]) -> None:
    agrees([one], (4, 5), constants, opset=26 if one.op_type == "CumProd" else 20)


def test_powers_with_roots_and_quotients_need_numbers_above_0() -> None:
    exponents = {"e": np.float32([[-1.5], [0.5], [2.5], [-3]])}
    model = model_of([node("Abs", "x", "a"), node("Add", "a one", "b"), node("Pow", "b e")],
                     {"x": (1, 4, 5)}, exponents | {"one": np.float32(0.5)})  # fmt: skip
    assert error_of(model, {"x": numbers(4, 4, 5)}) < 1e-5


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("how", [
    {}, {"antialias": 1}, {"coordinate_transformation_mode": "align_corners"},
    {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
    {"coordinate_transformation_mode": "half_pixel_symmetric", "exclude_outside": 1},
    {"keep_aspect_ratio_policy": "not_larger"}, {"keep_aspect_ratio_policy": "not_smaller"},
])  # fmt: skip
@pytest.mark.parametrize("sizes", [(3, 9), (7, 4)])
def test_images_are_resized(mode: str, how: dict[str, Any], sizes: tuple[int, int]) -> None:
    if mode == "nearest" and "antialias" in how:
        how = {}
    if mode != "cubic":
        how = {name: each for name, each in how.items() if name != "exclude_outside"}
    agrees([node("Resize", "x _ _ s", mode=mode, axes=[2, 3], **how)], (2, 5, 6), {"s": np.array(sizes)})


def test_a_region_is_cut_out_and_resized() -> None:
    one = node("Resize", "x roi _ s", mode="linear", extrapolation_value=10.0,
               coordinate_transformation_mode="tf_crop_and_resize")  # fmt: skip
    constants = {"roi": np.float32([0, 0, 0.4, 0.6, 1, 1, 1.2, 1.7]), "s": np.array([1, 2, 3, 3])}
    agrees([one], (2, 4, 4), constants)


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("corners", [0, 1])
def test_images_are_sampled_at_known_places(mode: str, padding: str, corners: int) -> None:
    one = node("GridSample", "x g", mode=mode, padding_mode=padding, align_corners=corners)
    points = numbers(1, 3, 6, 2, seed=3)
    if (mode, padding) == ("cubic", "border"):
        # Beyond the border the two peers differ, so that is refused.
        with pytest.raises(OperatorRefusedError, match="cubic beyond the border"):
            agrees([one], (2, 5, 4), {"g": points})
        points = np.clip(points, -1, 1)
    agrees([one], (2, 5, 4), {"g": points}, by=runtime)


@pytest.mark.parametrize("how", [
    {}, {"onesided": 1}, {"inverse": 1}, {"length": 4}, {"length": 9, "inverse": 1},
    {"inverse": 1, "onesided": 1},
])  # fmt: skip
def test_transforms_are_products(how: dict[str, Any]) -> None:
    how, parts = dict(how), 1 if how == {"onesided": 1} else 2
    constants = {"n": np.array(how.pop("length"))} if "length" in how else {}
    agrees([node("DFT", "x n" if constants else "x", **how)], (6, parts), constants)


@pytest.mark.parametrize("onesided", [0, 1])
def test_windows_are_transformed(onesided: int) -> None:
    constants = {"step": np.array(3), "w": np.hanning(8).astype(np.float32), "n": np.array(8)}
    agrees([node("STFT", "x step w n", onesided=onesided)], (20, 1), constants)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_determinants_of_small_matrices(size: int) -> None:
    agrees([node("Det", "x")], (3, size, size), {})


@pytest.mark.parametrize("pads", [[0, 0, 0, 0], [1, 0, 1, 1]])
def test_blocks_are_added_up_and_taken_apart(pads: list[int]) -> None:
    columns = (5 + pads[0] + pads[2] - 1) * (5 + pads[1] + pads[3] - 2)
    constants = {"image": np.array([5, 5]), "block": np.array([2, 3])}
    agrees([node("Col2Im", "x image block", pads=pads)], (12, columns), constants)


@pytest.mark.parametrize("how", [{}, {"pads": [1, 0, 1, 1], "strides": [2, 1]}, {"storage_order": 1}])
def test_places_of_maxima_are_those_of_the_whole_input(how: dict[str, Any]) -> None:
    nodes = [
        node("MaxPool", "x", "largest places", kernel_shape=[2, 3], **how),
        node("Cast", "places", to=1),
    ]
    agrees(nodes, (2, 5, 6), {}, by=runtime)


@pytest.mark.parametrize(
    ("one", "constants", "error", "reason"),
    [
        (node("ScatterND", "x i x"), {"i": np.array([[[9]]])}, OperatorRefusedError, "outside of the tensor"),
        (node("GridSample", "x x"), {}, KnownValueNeededError, "its grid depends on the network's input"),
        (node("NonZero", "x"), {}, KnownValueNeededError, "its input depends on the network's input"),
        (node("Pow", "x e"), {"e": np.float32(0.3)}, OperatorRefusedError, "exponent 0.3"),
        (node("Compress", "x k"), {"k": np.array([False])}, OperatorRefusedError, "that holds nowhere"),
        (node("Resize", "x _ _ s", mode="round"), {"s": np.array([1, 2])}, OperatorRefusedError, "'round'"),
    ],
)
def test_what_is_not_known_is_refused(
    one: NodeProto, constants: dict[str, Any], error: type, reason: str
) -> None:
    with pytest.raises(error, match=reason):
        lower(model_of([one], {"x": (1, 3)}, constants, opset=20))
