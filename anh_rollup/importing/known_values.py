"""What follows from known values alone, by ONNX's reference implementation and within bounds."""

from collections.abc import Sequence
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

from anh_rollup.importing.errors import OperatorRefusedError
from anh_rollup.importing.onnx_file import MOST_NAME, node_name
from anh_rollup.importing.recorder import MOST_ELEMENTS

Array = NDArray[Any]


#: Inputs of up to so many elements may say how large an output is.
_SMALL: Final = 64
#: Bytes of all values that are computed (choice).
MOST_BYTES: Final = 1 << 32

_RANDOM: Final = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"}
)
#: Operators that ONNX's reference reads as of this opset in all before it.
_MISREAD: Final = {"Softmax": 13, "LogSoftmax": 13, "Hardmax": 13, "OneHot": 11, "Resize": 11, "Upsample": 10}
#: Which input is the shape of an output, of operators of which ONNX's inference does not tell it.
_SHAPE_INPUT: Final = {"Col2Im": 1, "MaxUnpool": 2}
#: What a model's author can make ONNX's reference, and arithmetic with his numbers, raise.
FAULTS: Final = (
    ValueError, TypeError, IndexError, KeyError, AttributeError, ArithmeticError, RuntimeError, MemoryError,
    NotImplementedError, AssertionError,
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
    if max(_most_elements(node.op_type, inputs), _inferred_elements(node, opset, inputs)) > MOST_ELEMENTS:
        raise OperatorRefusedError(operator, name, f"a known value of more than {MOST_ELEMENTS} elements")
    names = [f"x{place}" if each is not None else "" for place, each in enumerate(inputs)]
    outputs = [f"y{place}" if each else "" for place, each in enumerate(node.output)]
    alone = NodeProto()
    alone.CopyFrom(node)
    del alone.input[:], alone.output[:]
    alone.input.extend(names)
    alone.output.extend(outputs)
    given = [helper.make_tensor_value_info(each, 0, None) for each in names if each]
    wanted = [helper.make_tensor_value_info(each, 0, None) for each in outputs if each]
    model = helper.make_model(
        helper.make_graph([alone], "known", given, wanted), opset_imports=[helper.make_opsetid("", opset)]
    )
    feeds = {each: value for each, value in zip(names, inputs, strict=True) if each}
    try:
        with np.errstate(all="ignore"):
            results = iter(ReferenceEvaluator(model).run(None, feeds))
    except FAULTS as error:
        raise OperatorRefusedError(operator, name, "its known inputs do not fit it") from error
    return [_tensor(next(results), operator, name) if each else None for each in outputs]


def _inferred_elements(node: NodeProto, opset: int, inputs: Sequence[Array | None]) -> int:
    """The elements of what a node gives, as far as ONNX's own shape inference says; 0 where it does not."""
    if node.op_type == "Einsum":
        return _summed_elements(node, inputs)
    named = dict(zip(node.input, inputs, strict=True))
    given = {name: each for name, each in named.items() if name and each is not None}
    try:
        infos = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(each.dtype), each.shape)
            for name, each in given.items()
        ]
        small = [numpy_helper.from_array(each, name) for name, each in given.items() if each.size <= _SMALL]
        wanted = [helper.make_tensor_value_info(each, 0, None) for each in node.output if each]
        graph = helper.make_graph([node], "known", infos, wanted, small)
        opsets = [helper.make_opsetid("", opset)]
        found = shape_inference.infer_shapes(helper.make_model(graph, opset_imports=opsets))
    except (*FAULTS, shape_inference.InferenceError):
        return 0
    shapes = [each.type.tensor_type.shape.dim for each in found.graph.output]
    return max((prod(size.dim_value for size in shape) for shape in shapes), default=0)


def _summed_elements(node: NodeProto, inputs: Sequence[Array | None]) -> int:
    """The products that an Einsum adds: all sizes of its letters; with an ellipsis a bound of them."""
    given = (each.s for each in node.attribute if each.name == "equation")
    equation = next(given, b"").decode("ascii", "replace")
    sizes: dict[str, int] = {}
    for place, (term, each) in enumerate(zip(equation.split("->")[0].split(","), inputs, strict=False)):
        letters = [letter for letter in term if letter.isalpha()]
        if each is None or len(letters) > each.ndim:
            return 0
        if "." in term:
            sizes[f".{place}"] = each.size
        else:
            sizes.update(zip(letters, each.shape, strict=False))
    return prod(sizes.values())


def _tensor(value: Any, operator: str, name: str) -> Array:
    if not isinstance(value, (np.ndarray, np.generic)):
        raise OperatorRefusedError(operator, name, "it gives no tensor")
    return np.asarray(value)


def _most_elements(operator: str, inputs: Sequence[Array | None]) -> float:
    """A bound on the elements that computing a node takes."""
    given = [each for each in inputs if each is not None]
    sizes = [each.size for each in given]
    if operator in ("ConstantOfShape", "Expand", "Tile") and given and given[-1].dtype.kind in "iu":
        grown = prod(max(1, int(each)) for each in given[-1].reshape(-1)[:64])
        return grown * (sizes[0] if operator != "ConstantOfShape" else 1)
    if operator == "Range" and len(given) == 3 and all(each.size == 1 for each in given):
        start, stop, step = (float(each.reshape(-1)[0]) for each in given)
        return abs(stop - start) / abs(step) if step else 0.0
    if operator in _SHAPE_INPUT and len(given) > _SHAPE_INPUT[operator]:
        shape = given[_SHAPE_INPUT[operator]].reshape(-1)[:64]
        return sizes[0] * prod(abs(int(each)) for each in shape) if shape.dtype.kind in "iu" else 0.0
    if operator in ("Pad", "OneHot", "Resize", "Upsample", "CenterCropPad", "EyeLike", "Trilu"):
        return _resized(operator, given)
    if operator in ("Conv", "ConvTranspose", "MatMul", "Gemm", "Einsum") and len(given) > 1:
        return float(prod(sizes[:2]) ** 0.5) * 64
    try:
        return float(max(prod(np.broadcast_shapes(*(each.shape for each in given))), sum(sizes)))
    except ValueError:
        return float(sum(sizes))


def _resized(operator: str, given: Sequence[Array]) -> float:
    shape = given[0].shape if given else ()
    if operator == "Pad" and len(given) > 1 and given[1].dtype.kind in "iu":
        return prod(shape) + prod(
            max(shape, default=1) + abs(int(each)) for each in given[1].reshape(-1)[:16]
        )
    if operator == "OneHot" and len(given) > 1:
        return float(given[0].size * max(1.0, float(np.max(given[1], initial=1))))
    numbers = [each for each in given[1:] if each.size == len(shape)]
    largest = max(
        (float(np.max(np.abs(each.astype(np.float64)), initial=1)) for each in numbers), default=1.0
    )
    return float(prod(shape)) * max(1.0, largest) ** 2
