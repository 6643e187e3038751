"""A network in the form in which an accountant keeps it beside its program, to answer with onnxruntime."""

from onnx import GraphProto, ModelProto, TensorProto, ValueInfoProto, helper

from anh_rollup.importing.onnx_file import MOST_BYTES
from anh_rollup.importing.record import Record
from anh_rollup.tensor.properties import Answers


def runnable(model: ModelProto, record: Record, answers: Answers = Answers.OUTPUT) -> bytes | None:
    """The ONNX file of an imported network: its inputs are the record's fields, in order, its output is one.

    Args:
        model: The network, checked.
        record: What it was lowered to; the shapes of its inputs are written into the file.
        answers: What the output is.

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
    if answers is Answers.DECISIONS:
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
    found = "decisions"
    while any(name.startswith(found) for name in _names(graph)):
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


def _names(graph: GraphProto) -> set[str]:
    """All names of values in a graph and in those inside of its nodes."""
    declared = (*graph.input, *graph.output, *graph.value_info, *graph.initializer)
    found = {each.name for each in declared} | {each.values.name for each in graph.sparse_initializer}
    for node in graph.node:
        found.update(node.input, node.output)
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                found |= _names(inner)
    return found
