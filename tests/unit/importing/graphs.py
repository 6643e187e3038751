"""Small ONNX models for tests."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.importing.network import Network, import_network

Array = NDArray[Any]


def model_of(
    nodes: Sequence[NodeProto],
    inputs: Mapping[str, Sequence[int | str]],
    constants: Mapping[str, Any] | None = None,
    *,
    outputs: Sequence[str] = ("y",),
    opset: int = 18,
    dtype: int = TensorProto.FLOAT,
) -> ModelProto:
    """A model with these nodes, whose constants are initializers."""
    known = [numpy_helper.from_array(np.asarray(each), name) for name, each in (constants or {}).items()]
    given = [helper.make_tensor_value_info(name, dtype, list(shape)) for name, shape in inputs.items()]
    wanted = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    graph = helper.make_graph(list(nodes), "test", given, wanted, known)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def node(operator: str, inputs: str, output: str = "y", **attributes: Any) -> NodeProto:
    """A node whose inputs are words; `_` stands for one that is left out."""
    names = ["" if each == "_" else each for each in inputs.split()]
    return helper.make_node(operator, names, output.split(), name=f"the {output}", **attributes)


def reference(model: ModelProto, sample: Mapping[str, Array]) -> Array:
    """What ONNX's reference gives for inputs with all their dimensions."""
    with np.errstate(all="ignore"):
        return np.asarray(ReferenceEvaluator(model).run(None, dict(sample))[0])


def runtime(model: ModelProto, sample: Mapping[str, Array]) -> Array:
    """What onnxruntime gives; it knows older opsets and axes of a Scan that ONNX's reference does not."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, dict(sample))[0])


def exact(network: Network, samples: Mapping[str, Array]) -> Array:
    """The exact reading on samples, as real numbers."""
    loaded = FastEvaluator().load(network.program, network.emitted.parameters)
    return network.real(loaded.evaluate(network.quantized(samples)))


def error_of(
    model: ModelProto,
    samples: Mapping[str, Array],
    by: Callable[[ModelProto, Mapping[str, Array]], Array] = reference,
    **how: Any,
) -> float:
    """The largest distance between exact reading and reference, as a part of range or size of the outputs."""
    network = import_network(model, samples=samples, **how)
    count = len(next(iter(samples.values())))
    wanted = np.stack(
        [by(model, {name: each[at][None] for name, each in samples.items()}) for at in range(count)]
    )
    found = exact(network, samples).reshape(wanted.shape)
    return float(np.abs(found - wanted).max() / (max(np.ptp(wanted), np.abs(wanted).max()) or 1.0))


def numbers(*shape: int, seed: int = 7) -> Array:
    """Standard normal numbers, the same for the same shape and seed."""
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32)
