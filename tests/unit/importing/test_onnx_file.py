"""Bytes become a checked model, or one typed error, whatever they are."""

from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, defs, helper
from onnx.external_data_helper import set_external_data

from anh_rollup.importing.errors import OnnxFileError
from anh_rollup.importing.onnx_file import (
    MOST_NESTING,
    MOST_NODES,
    array_of,
    check_model,
    decode_model,
    read_model,
)
from tests.unit.importing.graphs import model_of, node


def simple() -> ModelProto:
    return model_of([node("Add", "x w")], {"x": (1, 2)}, {"w": np.float32([3, 4])})


def reason(model: ModelProto, folder: Path | None = None) -> str:
    with pytest.raises(OnnxFileError) as caught:
        decode_model(model.SerializeToString(), folder)
    return caught.value.reason


def with_external(location: str, **place: int) -> ModelProto:
    model = simple()
    tensor = model.graph.initializer[0]
    set_external_data(tensor, location, **place)
    tensor.data_location = TensorProto.EXTERNAL
    tensor.ClearField("raw_data")
    return model


def test_a_model_is_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(simple().SerializeToString())
    assert read_model(path) == simple()


@pytest.mark.parametrize("data", [b"\xff" * 30, simple().SerializeToString()[:-9]])
def test_bytes_that_end_too_early_or_are_something_else_are_refused(data: bytes) -> None:
    with pytest.raises(OnnxFileError, match="no protobuf of ONNX, or end too early"):
        decode_model(data)


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.touch()
    with pytest.raises(OnnxFileError) as refused:
        read_model(path)
    assert refused.value.reason == "it is empty"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OnnxFileError, match="No such file") as refused:
        read_model(tmp_path / "none.onnx")
    assert refused.value.remedy == "Check its name, and that you may read it."


def test_a_model_without_operators_of_a_known_version_is_refused() -> None:
    assert (
        reason(ModelProto(ir_version=8))
        == f"operator sets [], expected one of 1 to {defs.onnx_opset_version()}"
    )
    assert "operator sets [99]" in reason(model_of([node("Relu", "x")], {"x": (1,)}, opset=99))


def test_a_cycle_is_a_node_that_reads_what_comes_later() -> None:
    nodes = [node("Relu", "b", "a"), node("Relu", "a", "b")]
    model = model_of(nodes, {"x": (1,)}, outputs=["a"])
    assert reason(model) == "Relu 'the a' reads 'b', which nothing before it gives"


def test_a_name_is_given_once() -> None:
    nodes = [node("Relu", "x"), node("Relu", "x")]
    assert reason(model_of(nodes, {"x": (1,)})) == "the name 'y' is given twice"


def test_an_output_that_nothing_gives_is_refused() -> None:
    model = model_of([node("Relu", "x")], {"x": (1,)}, outputs=["z"])
    assert reason(model) == "nothing gives its output 'z'"


def test_subgraphs_lie_in_each_other_up_to_a_depth() -> None:
    inner = helper.make_graph([], "leaf", [], [helper.make_tensor_value_info("x", 1, [1])])
    for depth in range(MOST_NESTING + 1):
        deeper = helper.make_node("If", ["x"], [f"y{depth}"], then_branch=inner, else_branch=inner)
        inner = helper.make_graph([deeper], "graph", [], [helper.make_tensor_value_info(f"y{depth}", 1, [1])])
    model = model_of(list(inner.node), {"x": (1,)}, outputs=[f"y{MOST_NESTING}"])
    assert reason(model) == f"subgraphs in each other, more than {MOST_NESTING} deep"


def test_nodes_are_counted() -> None:
    model = model_of([node("Relu", "x")], {"x": (1,)})
    model.graph.node.extend(node("Relu", "x", f"y{at}") for at in range(MOST_NODES))
    with pytest.raises(OnnxFileError, match=f"more than {MOST_NODES} nodes"):
        check_model(model)


@pytest.mark.parametrize(
    ("kind", "bits"),
    [(TensorProto.FLOAT, np.uint32(0x7F800001)), (TensorProto.DOUBLE, np.uint64(0x7FF0000000000001))],
)
def test_a_signalling_nan_is_a_quiet_one(kind: int, bits: np.generic) -> None:
    ordinary = np.ones(1, helper.tensor_dtype_to_np_dtype(kind)).tobytes()
    tensor = helper.make_tensor("w", kind, (2,), bits.tobytes() + ordinary, raw=True)
    # Warnings are errors in tests: neither conversion may give one.
    for elements in (array_of(tensor).astype(np.float64), array_of(tensor).astype(np.float32)):
        assert np.array_equal(elements, [np.nan, 1], equal_nan=True)


def test_a_tensor_has_the_bytes_of_its_shape() -> None:
    huge = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1 << 40, 1 << 20], raw_data=b"1234")
    with pytest.raises(OnnxFileError, match="tensor 'w': its elements do not fit"):
        array_of(huge)
    with pytest.raises(OnnxFileError, match="of shape"):
        array_of(TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[-1]))
    with pytest.raises(OnnxFileError, match="its elements do not fit"):
        array_of(TensorProto(name="w", data_type=99, dims=[1]))


def test_tensors_beside_the_file_are_read(tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"\0" * 8 + np.float32([3, 4]).tobytes())
    model = decode_model(with_external("weights", offset=8, length=8).SerializeToString(), tmp_path)
    assert array_of(model.graph.initializer[0]).tolist() == [3, 4]


@pytest.mark.parametrize(
    "location",
    ["../weights", "/weights", "", ".", "..", "folder/weights", "link", "absent", "a" * 256, "a" * 5000],
)
def test_tensors_elsewhere_are_refused(location: str, tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(bytes(8))
    (tmp_path / "link").symlink_to(tmp_path / "target")
    assert "which is no file beside the model" in reason(with_external(location), tmp_path)


@pytest.mark.parametrize(
    ("location", "says"), [("é" * 255, "File name too long"), ("secret", "Permission denied")]
)
def test_a_file_that_the_system_does_not_read_is_refused(
    location: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: Path, _mode: str) -> BinaryIO:
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "secret").write_bytes(bytes(8))
    monkeypatch.setattr(Path, "open", denied)
    assert reason(with_external(location), tmp_path) == f"tensor 'w' lies in {location[:60]!r}: {says}"


def test_tensors_beside_bytes_that_are_no_file_are_refused() -> None:
    assert "which is no file beside the model" in reason(with_external("weights"))


@pytest.mark.parametrize("place", [{"offset": 9}, {"offset": 4, "length": 8}, {"length": 1 << 50}])
def test_tensors_beyond_the_end_are_refused(place: dict[str, int], tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(bytes(8))
    assert "of a file of 8" in reason(with_external("weights", **place), tmp_path)


def test_functions_of_its_own_are_refused() -> None:
    model = simple()
    model.functions.append(helper.make_function("own", "f", ["a"], ["b"], [], []))
    assert reason(model) == "1 functions of its own; inline them with onnx.inliner"
