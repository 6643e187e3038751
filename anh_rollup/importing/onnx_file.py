"""Bytes to an ONNX model that is safe to walk over: sizes, nesting, names and tensors are checked first.

Whoever sends a file chose every number in it. So nothing is allocated by a number that the file states before
the bytes behind it are there, and a graph is walked with bounds.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, defs, helper, numpy_helper

from anh_rollup.importing.errors import OnnxFileError

#: Bytes of a file (protobuf's own bound), and of all tensors beside it.
MOST_BYTES: Final = (1 << 31) - 1
MOST_EXTERNAL_BYTES: Final = 1 << 33
#: Nodes with those of subgraphs, and how deep subgraphs may lie in each other (choices).
MOST_NODES: Final = 65_536
MOST_NESTING: Final = 8
#: Characters of a name that a message shows.
MOST_NAME: Final = 60
#: Characters of the name of a file beside the model (the most that file systems take).
MOST_LOCATION: Final = 255
#: The first version of ONNX's operators that handlers know in whole: since it, operands broadcast.
LEAST_OPSET: Final = 7
#: The names of ONNX's own domain.
OWN_DOMAINS: Final = ("", "ai.onnx")

Array = NDArray[Any]


def read_model(path: Path) -> ModelProto:
    """The checked model of a file; its large tensors may lie in files beside it.

    Raises:
        OnnxFileError: It is not there, too large, or no model.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise OnnxFileError(f"{path} has {path.stat().st_size} bytes, {MOST_BYTES} are the most")
        data = path.read_bytes()
    except OSError as error:
        raise OnnxFileError(
            f"{path}: {error.strerror or 'it cannot be read'}",
            remedy="Check its name, and that you may read it.",
        ) from error
    return decode_model(data, path.parent)


def decode_model(data: bytes, folder: Path | None = None) -> ModelProto:
    """The checked model that these bytes are; tensors from outside are inside afterwards.

    Args:
        data: The file.
        folder: Where its external tensors are; None where it must not have any.

    Raises:
        OnnxFileError: They are no model, or one that breaks a bound.
    """
    if not data:
        raise OnnxFileError("it is empty")
    if len(data) > MOST_BYTES:
        raise OnnxFileError(f"{len(data)} bytes, {MOST_BYTES} are the most")
    model = ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise OnnxFileError("its bytes are no protobuf of ONNX, or end too early") from error
    check_model(model)
    _load_external(model, folder)
    return model


def opset_of(model: ModelProto) -> int:
    """The version of ONNX's operators that a model is written in.

    Raises:
        OnnxFileError: There is none, or one that is not known.
    """
    versions = [each.version for each in model.opset_import if each.domain in OWN_DOMAINS]
    most = defs.onnx_opset_version()
    if len(versions) != 1 or not 1 <= versions[0] <= most:
        raise OnnxFileError(f"operator sets {versions[:4]}, expected one of 1 to {most}")
    return int(versions[0])


def check_model(model: ModelProto) -> None:
    """Checks bounds, and that every name is given once, before it is used: so there are no cycles.

    Raises:
        OnnxFileError: What is wrong first.
    """
    opset_of(model)
    if model.functions:
        raise OnnxFileError(f"{len(model.functions)} functions of its own; inline them with onnx.inliner")
    if not model.graph.node and not model.graph.output:
        raise OnnxFileError("it has no graph")
    _check_graph(model.graph, frozenset(), 0, MOST_NODES)
    if not model.graph.output:
        raise OnnxFileError("its graph has no output")


def _check_graph(graph: GraphProto, outer: frozenset[str], depth: int, left: int) -> int:
    """How many nodes are left for others."""
    if depth > MOST_NESTING:
        raise OnnxFileError(f"subgraphs in each other, more than {MOST_NESTING} deep")
    if graph.sparse_initializer:
        raise OnnxFileError("sparse initializers, which are not read")
    left -= len(graph.node)
    if left < 0:
        raise OnnxFileError(f"more than {MOST_NODES} nodes")
    known = _names_before(graph, outer)
    for node in graph.node:
        missing = next((name for name in node.input if name and name not in known), None)
        if missing is not None:
            raise OnnxFileError(
                f"{_named(node)} reads {missing[:MOST_NAME]!r}, which nothing before it gives"
            )
        for inner in subgraphs(node):
            left = _check_graph(inner, frozenset(known), depth + 1, left)
        _add_names(known, (name for name in node.output if name))
    absent = next((each.name for each in graph.output if each.name not in known), None)
    if absent is not None:
        raise OnnxFileError(f"nothing gives its output {absent[:MOST_NAME]!r}")
    return left


def _names_before(graph: GraphProto, outer: frozenset[str]) -> set[str]:
    """The names that a graph's first node may read."""
    own: set[str] = set()
    _add_names(own, (each.name for each in graph.input))
    initializers: set[str] = set()
    _add_names(initializers, (each.name for each in graph.initializer))
    return {*outer, *own, *initializers}


def _add_names(known: set[str], names: Iterator[str]) -> None:
    for name in names:
        if name in known:
            raise OnnxFileError(f"the name {name[:MOST_NAME]!r} is given twice")
        known.add(name)


def _named(node: NodeProto) -> str:
    return f"{node.op_type[:MOST_NAME]} {node_name(node)!r}"


def node_name(node: NodeProto) -> str:
    """The name of a node, or of its first output where it has none."""
    name = node.name or next((each for each in node.output if each), "without outputs")
    return str(name[:MOST_NAME])


def subgraphs(node: NodeProto) -> Iterator[GraphProto]:
    """The graphs among a node's attributes."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def array_of(tensor: TensorProto) -> Array:
    """The elements of a tensor that is inside the file.

    Raises:
        OnnxFileError: Its type is not known, or its bytes are not as many as its shape says.
    """
    name = tensor.name[:MOST_NAME]
    if any(size < 0 for size in tensor.dims):
        raise OnnxFileError(f"tensor {name!r} of shape {list(tensor.dims)[:8]}")
    try:
        dtype = helper.tensor_dtype_to_np_dtype(tensor.data_type)
        elements = np.asarray(numpy_helper.to_array(tensor)).astype(dtype, copy=False)
    except (ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
        raise OnnxFileError(f"tensor {name!r}: its elements do not fit its type and shape") from error
    # A signalling NaN makes numpy warn wherever it is converted.
    is_nan = np.isnan(elements) if elements.dtype.kind == "f" else np.False_
    return np.where(is_nan, elements.dtype.type(np.nan), elements) if is_nan.any() else elements


def _load_external(model: ModelProto, folder: Path | None) -> None:
    """Puts the tensors that lie beside the file into the model."""
    left = MOST_EXTERNAL_BYTES
    for tensor in _tensors(model.graph):
        if tensor.data_location == TensorProto.EXTERNAL:
            data = _external_bytes(tensor, folder, left)
            left -= len(data)
            tensor.raw_data = data
            tensor.data_location = TensorProto.DEFAULT
            del tensor.external_data[:]


def _tensors(graph: GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
        for inner in subgraphs(node):
            yield from _tensors(inner)


def _external_bytes(tensor: TensorProto, folder: Path | None, most: int) -> bytes:
    entries = {each.key: each.value for each in tensor.external_data}
    name, location = tensor.name[:MOST_NAME], entries.get("location", "")
    try:
        offset, length = int(entries.get("offset", "0")), int(entries.get("length", "-1"))
    except ValueError as error:
        raise OnnxFileError(f"tensor {name!r} lies at a place that is no number") from error
    elsewhere = OnnxFileError(
        f"tensor {name!r} lies in {location[:MOST_NAME]!r}, which is no file beside the model"
    )
    if folder is None or not _is_name(location):
        raise elsewhere
    path = folder / location
    try:
        if path.is_symlink() or not path.is_file():
            raise elsewhere
        size = path.stat().st_size
        length = size - offset if length < 0 else length
        if not (0 <= offset <= size and 0 <= length <= min(size - offset, most)):
            raise OnnxFileError(f"tensor {name!r}: {length} bytes at {offset} of a file of {size}")
        with path.open("rb") as file:
            file.seek(offset)
            data: bytes = file.read(length)
            return data
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it cannot be read"
        raise OnnxFileError(f"tensor {name!r} lies in {location[:MOST_NAME]!r}: {reason}") from error


def _is_name(location: str) -> bool:
    """Whether a location names a file of the model's own folder."""
    return 0 < len(location) <= MOST_LOCATION and Path(location).name == location != ".."
