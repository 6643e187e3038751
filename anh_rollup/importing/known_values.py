"""What follows from known values alone, by ONNX's reference implementation and within bounds."""

from collections.abc import Sequence
from math import inf, prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

from anh_rollup.importing.errors import OperatorRefusedError
from anh_rollup.importing.onnx_file import MOST_NAME, node_name
from anh_rollup.importing.recorder import MOST_ELEMENTS

Array = NDArray[Any]

#: Inputs of up to so many elements may say how large an output is.
_SMALL: Final = 1024
#: Bytes of all values that are computed (choice).
MOST_BYTES: Final = 1 << 32

_RANDOM: Final = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"}
)
#: Operators that ONNX's reference reads as of this opset in all before it.
_MISREAD: Final = {"Softmax": 13, "LogSoftmax": 13, "Hardmax": 13, "OneHot": 11, "Resize": 11, "Upsample": 10}
#: Operators whose outputs are a choice of places: as many as elements, once for each axis, at most.
_CHOOSING: Final = frozenset({"NonZero", "Compress", "Unique", "NonMaxSuppression"})
#: Operators that ONNX's reference computes element by element, or by way of larger arrays.
_SLOW: Final = frozenset({
    "Resize", "Upsample", "GridSample", "RoiAlign", "MaxRoiPool", "MaxPool", "AveragePool", "LpPool", "Conv",
    "ConvInteger", "QLinearConv", "ConvTranspose", "DeformConv", "GatherElements", "ScatterElements", "RNN",
    "GRU", "LSTM", "LRN", "ReverseSequence",
})  # fmt: skip
#: What a model's author can make ONNX's reference, and arithmetic with his numbers, raise.
FAULTS: Final = (
    ValueError, TypeError, IndexError, KeyError, AttributeError, ArithmeticError, RuntimeError, MemoryError,
    NotImplementedError, AssertionError, ImportError,
)  # fmt: skip


def is_random(operator: str) -> bool:
    """Whether an operator's outputs do not follow from its inputs."""
    return operator in _RANDOM


def is_misread(operator: str, opset: int) -> bool:
    """Whether ONNX's reference computes an operator of an older opset as a later one has it."""
    return opset < _MISREAD.get(operator, 0)


def known_outputs(node: NodeProto, opset: int, inputs: Sequence[Array | None]) -> list[Array | None]:
    """A node's outputs where all its inputs are known.

    Args:
        node: The node.
        opset: Version of the operators.
        inputs: Its inputs in order; None for optional ones that are left out.

    Raises:
        OperatorRefusedError: The outputs would be too large, or the inputs do not fit the operator.
    """
    name, operator = node_name(node), node.op_type[:MOST_NAME]
    if any(each is not None and each.dtype.kind in "OSU" for each in inputs):
        raise OperatorRefusedError(operator, name, "a known input of text")
    if _most_elements(node, opset, inputs) > MOST_ELEMENTS:
        raise OperatorRefusedError(operator, name, f"a known value of more than {MOST_ELEMENTS} elements")
    names = _names(inputs)
    given = [helper.make_tensor_value_info(each, 0, None) for each in names if each]
    model = _alone(node, opset, names, given)
    feeds = {each: value for each, value in zip(names, inputs, strict=True) if each}
    try:
        with np.errstate(all="ignore"):
            results = iter(ReferenceEvaluator(model).run(None, feeds))
    except FAULTS as error:
        raise OperatorRefusedError(operator, name, "its known inputs do not fit it") from error
    return [_tensor(next(results), operator, name) if each else None for each in node.output]


def _tensor(value: Any, operator: str, name: str) -> Array:
    if not isinstance(value, (np.ndarray, np.generic)):
        raise OperatorRefusedError(operator, name, "it gives no tensor")
    return np.asarray(value)


def _names(inputs: Sequence[Array | None]) -> list[str]:
    return [f"x{place}" if each is not None else "" for place, each in enumerate(inputs)]


def _alone(
    node: NodeProto,
    opset: int,
    names: Sequence[str],
    given: Sequence[ValueInfoProto],
    known: Sequence[TensorProto] = (),
) -> ModelProto:
    """A model of one node, with these inputs and with outputs y0, y1 and so on."""
    outputs = [f"y{place}" if each else "" for place, each in enumerate(node.output)]
    alone = NodeProto()
    alone.CopyFrom(node)
    del alone.input[:], alone.output[:]
    alone.input.extend(names)
    alone.output.extend(outputs)
    wanted = [helper.make_tensor_value_info(each, 0, None) for each in outputs if each]
    graph = helper.make_graph([alone], "known", given, wanted, known)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def _most_elements(node: NodeProto, opset: int, inputs: Sequence[Array | None]) -> float:
    """A bound on the elements that computing a node takes; infinite where nothing says how many."""
    given = [each for each in inputs if each is not None]
    total = sum(each.size for each in given)
    if node.op_type in _CHOOSING:
        return float(total * max(1, *(each.ndim for each in given), 1))
    if node.op_type == "Range" and len(given) == 3 and total == 3:
        start, stop, step = (float(each.reshape(-1)[0]) for each in given)
        return abs(stop - start) / abs(step) if step else inf
    results = _foretold(node, opset, inputs)
    if node.op_type in _SLOW:
        return 64.0 * max(results, float(prod(each.size for each in given[:2]) ** 0.5))
    if node.op_type == "Einsum":
        return max(results, _products(node, given) / 64)
    if node.op_type in ("MatMul", "Gemm", "MatMulInteger", "QLinearMatMul"):
        return max(results, float(prod(each.size for each in given[:2]) ** 0.5) * 64)
    return max(results, float(total))


def _foretold(node: NodeProto, opset: int, inputs: Sequence[Array | None]) -> float:
    """How many elements a node's outputs have, by what ONNX says of their shapes."""
    names = _names(inputs)
    named = [(name, each) for name, each in zip(names, inputs, strict=True) if each is not None]
    try:
        given = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(each.dtype), each.shape)
            for name, each in named
        ]
        telling = [numpy_helper.from_array(each, name) for name, each in named if each.size <= _SMALL]
        model = _alone(node, opset, names, given, telling)
        outputs = shape_inference.infer_shapes(model).graph.output
    except (*FAULTS, shape_inference.InferenceError):
        return inf
    return sum(_size(each) for each in outputs)


def _size(value: ValueInfoProto) -> float:
    kind = value.type.tensor_type
    is_told = kind.HasField("shape") and all(each.HasField("dim_value") for each in kind.shape.dim)
    if not is_told or kind.elem_type == TensorProto.STRING:
        return inf
    return float(prod(max(0, each.dim_value) for each in kind.shape.dim))


def _products(node: NodeProto, given: Sequence[Array]) -> float:
    """How many products an Einsum adds up."""
    equation = str(helper.get_node_attr_value(node, "equation"), "utf-8", "replace").replace(" ", "")
    if "." in equation:
        return float(prod(each.size for each in given))
    terms = equation.split("->")[0].split(",")
    sizes = dict(
        pair for term, each in zip(terms, given, strict=False) for pair in zip(term, each.shape, strict=False)
    )
    return float(prod(sizes.values()))
