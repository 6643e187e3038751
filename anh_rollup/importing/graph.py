"""Partial evaluation of a graph: one pass, in which each value is known or has a fixed shape and type.

What follows from known values alone is computed by ONNX's own reference implementation, so shape arithmetic,
constants and `If` with a known condition resolve by the same rule. What is not known is lowered by the
handler of its operator, or taken apart by ONNX's definition of it. Loops are unrolled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, helper

from anh_rollup.encoding.tensors import MOST_RANK, Shape
from anh_rollup.importing.control_flow import CONTROL_FLOW
from anh_rollup.importing.errors import InputRefusedError, OperatorRefusedError
from anh_rollup.importing.function_bodies import PREVIEW, body_of, is_older, nodes_of
from anh_rollup.importing.input_shapes import declared_shape, open_shape, with_sample_axis
from anh_rollup.importing.input_types import INPUT_TYPES
from anh_rollup.importing.known_values import FAULTS, MOST_BYTES, is_misread, is_random, known_outputs
from anh_rollup.importing.onnx_file import LEAST_OPSET, MOST_NAME, OWN_DOMAINS, array_of, node_name, opset_of
from anh_rollup.importing.operators.context import Context
from anh_rollup.importing.operators.integers import SHORT
from anh_rollup.importing.operators.recurrent import QUANTIZED_LSTM
from anh_rollup.importing.operators.registry import HANDLERS
from anh_rollup.importing.reals import Folding, Operand, Tensor
from anh_rollup.importing.record import Field, Record

Array = NDArray[Any]

#: Nodes that are visited, those of branches and of operators' definitions included (choice).
MOST_VISITS: Final = 262_144

#: The domain of onnxruntime's own operators; one of them is done.
ONNXRUNTIME: Final = "com.microsoft"


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """Names and what they stand for; an optional value that is missing is not in it."""

    values: dict[str, Operand]
    outer: "Scope | None" = None

    def find(self, name: str) -> Operand | None:
        """The value of a name, in this graph or one around it."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope.values[name]
            scope = scope.outer
        return None


def lower(
    model: ModelProto,
    shapes: Mapping[str, Shape] | None = None,
    known: Mapping[str, Array] | None = None,
    output: str | None = None,
) -> Record:
    """The record of a checked model.

    Args:
        model: As `onnx_file.decode_model` gives it.
        shapes: Shapes of inputs, where the model does not fix them; a free leading dimension is 1.
        known: Values of inputs that are always the same, by name.
        output: Name of the output to compute; the first where not given.

    Raises:
        InputRefusedError: An input has no known shape or a type that is no number; there is no such output,
            or no input that a shape is for.
        OperatorRefusedError: A node that cannot be done exactly.
        OnnxFileError: A tensor or node that breaks ONNX's rules.
    """
    given = known or {}
    names = [each.name for each in model.graph.output]
    wanted = names[0] if output is None else output
    if wanted not in names:
        raise InputRefusedError(
            wanted[:MOST_NAME],
            f"no output of this name; there are {', '.join(names)[:200]}",
            remedy="Name one of these with --output.",
        )
    walk = _Walk(opset_of(model), {each.domain: each.version for each in model.opset_import})
    scope = Scope({})
    chosen = shapes or {}
    constants = {each.name for each in model.graph.initializer}
    inputs = [each for each in model.graph.input if each.name not in constants]
    _check_names(chosen, [each.name for each in inputs])
    for value in inputs:
        scope.values[value.name] = (
            given[value.name] if value.name in given else walk.input(value, chosen.get(value.name))
        )
    walk.graph(model.graph, scope, [wanted])
    result = scope.find(wanted)
    if result is None:
        raise InputRefusedError(wanted[:MOST_NAME], "this output is no tensor")
    return walk.finish(result, wanted)


def _check_names(shapes: Mapping[str, Shape], inputs: Sequence[str]) -> None:
    """That each shape is that of an input."""
    for name in shapes:
        if name not in inputs:
            raise InputRefusedError(
                name[:MOST_NAME],
                f"no input of this name; there are {', '.join(inputs)[:200] or 'none'}",
                remedy="Name one of these with --input-shape.",
            )


def _needed(graph: GraphProto, outputs: Sequence[str]) -> list[NodeProto]:
    """The nodes that these outputs need, in order."""
    wanted, kept = set(outputs), []
    for node in reversed(graph.node):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(node.input)
            wanted.update(_outer_names(node))
    return kept[::-1]


def _outer_names(node: NodeProto) -> set[str]:
    """Every name that a node's subgraphs read."""
    names: set[str] = set()
    for attribute in node.attribute:
        for inner in (attribute.g, *attribute.graphs):
            names.update(each.name for each in inner.output)
            for each in inner.node:
                names.update(each.input)
                names.update(_outer_names(each))
    return names


class _Walk:
    """The state of one pass."""

    def __init__(self, opset: int, others: Mapping[str, int]) -> None:
        self._opset = opset
        self._others = others
        self._reals = Folding()
        self._left = MOST_VISITS
        self._bytes_left = MOST_BYTES

    def input(self, value: Any, given: Shape | None) -> Tensor:
        """An input of the network as a field of the program."""
        name, kind = value.name, value.type.tensor_type
        declared = declared_shape(value)
        shape = given if given is not None else with_sample_axis(declared)
        is_free = kind.HasField("shape") and len(shape) == len(declared)
        fits = not kind.HasField("shape") or (
            is_free and all(b in (0, a) for a, b in zip(shape, declared, strict=True))
        )
        if not fits or (given is None and not kind.HasField("shape")):
            raise InputRefusedError(name[:MOST_NAME], f"shape {list(shape)}, the graph says {list(declared)}")
        if given is None and 0 in shape and len(shape) <= MOST_RANK:
            raise open_shape(value)
        if len(shape) > MOST_RANK or any(size < 1 for size in shape):
            raise InputRefusedError(
                name[:MOST_NAME],
                f"shape {list(shape)}, expected at most {MOST_RANK} sizes, each 1 or more",
            )
        try:
            dtype = np.dtype(helper.tensor_dtype_to_np_dtype(kind.elem_type))
        except (KeyError, TypeError) as error:
            raise InputRefusedError(name[:MOST_NAME], "it is no tensor of numbers") from error
        if dtype.type not in INPUT_TYPES.values():
            raise InputRefusedError(name[:MOST_NAME], f"type {dtype}, expected numbers or truth values")
        whole, truth, bounds = dtype.kind in "iub", dtype.kind == "b", SHORT.get(dtype.name)
        return self._reals.input(Field(name, tuple(shape), whole, truth, bounds), dtype)

    def finish(self, result: Operand, name: str) -> Record:
        """The record whose output is this value, without its leading dimension of 1."""
        if 0 in result.shape:
            raise InputRefusedError(name[:MOST_NAME], "this output is without elements")
        tensor = self._reals.as_tensor(result)
        shape = tensor.shape[1:] if tensor.shape[:1] == (1,) else tensor.shape
        flat = self._reals.reshaped(tensor, shape)
        return self._reals.finish(self._reals.in_order(flat), name)

    def graph(self, graph: GraphProto, scope: Scope, outputs: Sequence[str]) -> None:
        """Gives every name of a graph that these outputs need its value."""
        for tensor in graph.initializer:
            scope.values[tensor.name] = array_of(tensor)
        for node in _needed(graph, outputs):
            self._node(node, scope)

    def _node(self, node: NodeProto, scope: Scope) -> None:
        self._visit(node)
        name, operator = node_name(node), node.op_type[:MOST_NAME]
        is_extra = node.domain == ONNXRUNTIME and node.op_type == QUANTIZED_LSTM
        if node.domain not in (*OWN_DOMAINS, PREVIEW) and not is_extra:
            raise OperatorRefusedError(
                f"{node.domain[:MOST_NAME]}.{operator}", name, "not one of ONNX's own operators"
            )
        inputs = [scope.find(each) if each else None for each in node.input]
        for given, value in zip(node.input, inputs, strict=True):
            if given and value is None:
                raise OperatorRefusedError(operator, name, f"its input {given[:MOST_NAME]!r} is no tensor")
        self._reals.source = name
        try:
            found = self._computed(node, inputs, scope)
        except FAULTS as error:
            raise OperatorRefusedError(operator, name, "its inputs and attributes do not fit it") from error
        for wanted, value in zip(node.output, found, strict=False):
            if wanted and value is not None:
                scope.values[wanted] = value

    def _visit(self, node: NodeProto) -> None:
        self._left -= 1
        if self._left < 0:
            raise OperatorRefusedError(
                node.op_type[:MOST_NAME],
                node_name(node),
                f"more than {MOST_VISITS} nodes with those inside others",
            )

    def _computed(
        self, node: NodeProto, inputs: Sequence[Operand | None], scope: Scope
    ) -> Sequence[Operand | None]:
        context = Context(node, self._opset, list(inputs), self._reals)
        if node.domain == PREVIEW:
            return self._by_definition(node, inputs)
        if node.op_type in CONTROL_FLOW:
            found = CONTROL_FLOW[node.op_type](context, lambda *given: self._subgraph(context, scope, *given))
            return found if node.op_type == "If" else self._kept(context, found)
        if is_older(node.op_type, self._opset):
            raise context.refuse(
                f"as opset {self._opset} has it; export it with opset {LEAST_OPSET} or later"
            )
        arrays = [each for each in inputs if not isinstance(each, Tensor)]
        is_known = len(arrays) == len(inputs) and not is_random(node.op_type)
        if is_known and not is_misread(node.op_type, self._opset):
            return self._kept(context, known_outputs(node, self._opset, arrays))
        handler = HANDLERS.get(node.op_type)
        if handler is None:
            return self._by_definition(node, inputs)
        context.refuse_empty()
        result = handler(context)
        return [self._reals.known(each) for each in (result if isinstance(result, tuple) else (result,))]

    def _kept(self, c: Context, outputs: Sequence[Operand | None]) -> Sequence[Operand | None]:
        """Outputs; the bytes of those that are known are counted."""
        self._bytes_left -= sum(each.nbytes for each in outputs if isinstance(each, np.ndarray))
        if self._bytes_left < 0:
            raise c.refuse(f"known values of more than {MOST_BYTES} bytes together")
        return outputs

    def _by_definition(self, node: NodeProto, inputs: Sequence[Operand | None]) -> list[Operand | None]:
        """A node by what ONNX defines its operator as."""
        version = self._others.get(node.domain, 0) if node.domain == PREVIEW else self._opset
        body = body_of(node, version, inputs)
        if body is None:
            raise OperatorRefusedError(
                node.op_type[:MOST_NAME], node_name(node), "this operator is not known"
            )
        named = zip(body.input, inputs, strict=False)
        inner = Scope({name: value for name, value in named if value is not None})
        outer = self._opset
        self._opset = next((each.version for each in body.opset_import if not each.domain), outer)
        for each in nodes_of(body, node, version):
            self._node(each, inner)
        self._opset = outer
        return [inner.find(name) for name in body.output]

    def _subgraph(
        self, c: Context, scope: Scope, graph: GraphProto, given: Mapping[str, Operand]
    ) -> list[Operand]:
        """The outputs of a graph inside a node, from the values of its inputs."""
        self._visit(c.node)
        inner = Scope(dict(given), scope)
        names = [each.name for each in graph.output]
        self.graph(graph, inner, names)
        found = [value for name in names if (value := inner.find(name)) is not None]
        if len(found) != len(names):
            raise c.refuse("an output of a graph inside of it that is no tensor")
        return found
