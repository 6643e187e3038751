"""A network in the form in which an accountant keeps it beside its program, to answer with onnxruntime."""

from onnx import GraphProto, ModelProto, TensorProto, ValueInfoProto, helper

from anh_rollup.importing.onnx_file import MOST_BYTES
from anh_rollup.importing.record import Record


def runnable(model: ModelProto, record: Record, *, decides: bool = False) -> bytes | None:
    """The ONNX file of an imported network: its inputs are the record's fields, in order, its output is one.

    Args:
        model: The network, checked.
        record: What it was lowered to; the shapes of its inputs are written into the file.
        decides: Whether the output is which score along the last axis is the largest, as
            `tensor.properties.decisions` has it.

    Returns:
        None where the network is larger than one file can be.
    """
    if model.ByteSize() > MOST_BYTES:
        return None
    kept = ModelProto()
    kept.CopyFrom(model)
    graph = kept.graph
    types = {each.name: each.type.tensor_type.elem_type for each in graph.input}
    outputs = [each for each in graph.output if each.name == record.output_name]
    if decides:
        outputs = [_decided(graph, record)]
    del graph.input[:], graph.output[:]
    graph.input.extend(
        helper.make_tensor_value_info(field.name, types.get(field.name, TensorProto.FLOAT), field.shape)
        for field in record.fields
    )
    graph.output.extend(outputs)
    file: bytes = kept.SerializeToString()
    return file


def _decided(graph: GraphProto, record: Record) -> ValueInfoProto:
    """Adds the decisions about a network's scores, and says what they are."""
    taken = {name for each in graph.node for name in (*each.input, *each.output)}
    found = "decisions"
    while any(name.startswith(found) for name in taken):
        found += "_"
    shape, scores, full = f"{found}.shape", f"{found}.scores", record.nodes[-1].shape
    dims = helper.make_tensor(shape, TensorProto.INT64, (len(full),), full)
    # Scores have the record's shape first, for only later opsets count axes from the end.
    graph.node.extend(
        (
            helper.make_node("Constant", [], [shape], value=dims),
            helper.make_node("Reshape", [record.output_name, shape], [scores]),
            helper.make_node("ArgMax", [scores], [found], axis=len(full) - 1, keepdims=0),
        )
    )
    return helper.make_tensor_value_info(found, TensorProto.INT64, full[:-1])
