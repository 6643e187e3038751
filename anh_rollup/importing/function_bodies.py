"""Operators that ONNX defines by others: the graph that stands for such a node."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from onnx import AttributeProto, FunctionProto, NodeProto, TypeProto, defs, helper
from onnx.onnx_cpp2py_export.defs import SchemaError

from anh_rollup.importing.onnx_file import LEAST_OPSET
from anh_rollup.importing.reals import Operand

#: The domain of operators that ONNX tries out; those that it defines by others are known.
PREVIEW: Final = "ai.onnx.preview"


def is_older(operator: str, opset: int) -> bool:
    """Whether an operator was another one in a version before those that handlers know."""
    if opset >= LEAST_OPSET:
        return False
    try:
        schemas: list[Any] = [defs.get_schema(operator, each, "") for each in (opset, LEAST_OPSET)]
    except SchemaError:
        return True
    return bool(schemas[0].since_version != schemas[1].since_version)


def body_of(node: NodeProto, opset: int, inputs: Sequence[Operand | None]) -> FunctionProto | None:
    """The definition of a node's operator by other operators; None where ONNX has none.

    Args:
        node: The node.
        opset: Version of the operators.
        inputs: Its inputs, of which types and shapes count.
    """
    try:
        # onnx's type stubs lack the functions of schemas.
        schema: Any = defs.get_schema(node.op_type, opset, node.domain)
    except SchemaError:
        return None
    if schema.has_context_dependent_function:
        versions = schema.context_dependent_function_opset_versions
        version = max((each for each in versions if each <= opset), default=0)
        if not version:
            return None
        types = [_type(each).SerializeToString() for each in inputs]
        data = schema.get_context_dependent_function_with_opset_version(
            version, node.SerializeToString(), types
        )
        return _parsed(data)
    if not schema.has_function:
        return None
    version = max((each for each in schema.function_opset_versions if each <= opset), default=0)
    return _parsed(schema.get_function_with_opset_version(version)) if version else None


def _parsed(data: bytes) -> FunctionProto | None:
    body = FunctionProto()
    body.ParseFromString(data)
    return body if body.node else None


def _type(value: Operand | None) -> TypeProto:
    if value is None:
        return TypeProto()
    return helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)


def nodes_of(body: FunctionProto, node: NodeProto, opset: int) -> list[NodeProto]:
    """The nodes of a definition, with a node's attributes and its operator's defaults."""
    # onnx's type stubs lack the attributes of schemas.
    schema: Any = defs.get_schema(node.op_type, opset, node.domain)
    default = {
        name: each.default_value for name, each in schema.attributes.items() if each.default_value.type
    }
    given = {**default, **{each.name: each for each in node.attribute}}
    return [_with_attributes(inner, given) for inner in body.node]


def _with_attributes(inner: NodeProto, given: Mapping[str, AttributeProto]) -> NodeProto:
    """A node of a definition whose attributes that name one of the operator's have its value."""
    result = NodeProto()
    result.CopyFrom(inner)
    del result.attribute[:]
    for attribute in inner.attribute:
        name = attribute.ref_attr_name
        if not name:
            result.attribute.append(attribute)
        elif name in given:
            result.attribute.append(given[name])
            result.attribute[-1].name = attribute.name
    return result
