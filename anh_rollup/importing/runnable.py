"""A network in the form in which an accountant keeps it beside its program, to answer with onnxruntime."""

from onnx import ModelProto, TensorProto, helper

from anh_rollup.importing.onnx_file import MOST_BYTES
from anh_rollup.importing.record import Record


def runnable(model: ModelProto, record: Record) -> bytes | None:
    """The ONNX file of an imported network: its inputs are the record's fields, in order, its output is one.

    Args:
        model: The network, checked.
        record: What it was lowered to; the shapes of its inputs are written into the file.

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
    del graph.input[:], graph.output[:]
    graph.input.extend(
        helper.make_tensor_value_info(field.name, types.get(field.name, TensorProto.FLOAT), field.shape)
        for field in record.fields
    )
    graph.output.extend(outputs)
    file: bytes = kept.SerializeToString()
    return file
