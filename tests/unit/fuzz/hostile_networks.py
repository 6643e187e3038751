"""ONNX models whose numbers, all known, ask for more memory or time than there is.

Run as a program it imports each in turn, under limits, and prints a line of JSON for each.
"""

import resource
import sys
from itertools import pairwise
from time import process_time
from typing import Final

import numpy as np
import orjson
from onnx import GraphProto, ModelProto, helper

from anh_rollup.errors import AnhError
from anh_rollup.importing.network import import_network
from anh_rollup.importing.onnx_file import decode_model
from tests.unit.importing.graphs import model_of, node

#: A size whose elements fit no memory.
HUGE: Final = 1 << 40
ONE: Final = np.ones((1, 1, 1, 1), np.float32)


def _known(operator: str, inputs: str, constants: dict[str, object], **attributes: object) -> ModelProto:
    """A network that adds the sum of a known node to its input."""
    nodes = [node(operator, inputs, "e", **attributes), node("ReduceSum", "e", "s", keepdims=0)]
    nodes += [node("Cast", "s", "r", to=1), node("Add", "x r")]
    return model_of(nodes, {"x": (1, 4)}, constants, opset=20)


def _unknown(
    operator: str, inputs: str, constants: dict[str, object], *shape: int, **attributes: object
) -> ModelProto:
    """A network of one node that reads its input."""
    return model_of([node(operator, inputs, **attributes)], {"x": shape or (1, 4)}, constants)


def _doubled(start: str, operator: str, constants: dict[str, object], count: int) -> ModelProto:
    names = [start, *(f"c{place}" for place in range(count))]
    nodes = [
        node(operator, f"{a} {a}", b, **({"axis": 0} if operator == "Concat" else {}))
        for a, b in pairwise(names)
    ]
    nodes += [node("ReduceSum", names[-1], "r", keepdims=0), node("Add", "x r")]
    return model_of(nodes, {"x": (1, 4)}, constants)


def _rounds() -> ModelProto:
    """A network whose loop puts a known value of 2^20 elements side by side 4,096 times."""
    names = [helper.make_tensor_value_info(name, kind, None) for name, kind in (("i", 7), ("t", 9), ("e", 1))]
    body = helper.make_graph([node("Identity", "t", "again")], "body", names[:2], [
        helper.make_tensor_value_info("again", 9, None), names[2]
    ])  # fmt: skip
    nodes = [node("ConstantOfShape", "n", "e"), node("Loop", "m _", "all", body=body)]
    nodes += [node("ReduceMax", "all", "r", keepdims=0), node("Add", "x r")]
    return model_of(nodes, {"x": (1, 4)}, {"n": _sizes(1 << 20), "m": np.array(4_096)})


def _constants_together() -> ModelProto:
    """A network that takes so many triangles of its input that their places are too many."""
    names = ["x", *(f"t{place}" for place in range(33))]
    nodes = [node("Trilu", a, b) for a, b in pairwise(names)]
    return model_of([*nodes, node("Relu", names[-1])], {"x": (4_096, 4_096)})


def _branches(depth: int) -> GraphProto:
    output = [helper.make_tensor_value_info(f"l{depth}", 1, None)]
    if depth == 0:
        return helper.make_graph([node("Tanh", "x", "l0")], "leaf", [], output)
    inner = _branches(depth - 1)
    both = helper.make_node("If", ["t"], [f"l{depth}"], then_branch=inner, else_branch=inner)
    return helper.make_graph([both], "branch", [], output)


def _ifs() -> ModelProto:
    deepest = _branches(7)
    both = helper.make_node("If", ["t"], ["y"], then_branch=deepest, else_branch=deepest)
    return model_of([both], {"x": (1, 4)}, {"t": np.array(True)})


def _dimensions(*sizes: int) -> ModelProto:
    model = model_of([node("Add", "x w")], {"x": (1, 4)}, {"w": np.ones(1, np.float32)})
    model.graph.initializer[0].dims[:] = sizes
    return model


def _sizes(*sizes: int) -> np.ndarray:
    return np.array(sizes, np.int64)


def _scales(*factors: float) -> np.ndarray:
    return np.array(factors, np.float32)


#: Which is refused.
REFUSED: Final = {
    "ConstantOfShape": lambda: _known("ConstantOfShape", "n", {"n": _sizes(HUGE)}),
    "ConstantOfShape of negative sizes": lambda: _known("ConstantOfShape", "n", {"n": _sizes(-HUGE, -HUGE)}),
    "Expand": lambda: _known("Expand", "c n", {"c": ONE, "n": _sizes(HUGE)}),
    "Expand of the input": lambda: _unknown("Expand", "x n", {"n": _sizes(1 << 29, 1)}),
    "Tile": lambda: _known("Tile", "c n", {"c": ONE, "n": _sizes(1, 1, HUGE, 1)}),
    "Tile of the input": lambda: _unknown("Tile", "x n", {"n": _sizes(HUGE, HUGE)}),
    "Range": lambda: _known("Range", "a b c", {"a": np.array(0), "b": np.array(1 << 62), "c": np.array(1)}),
    "Range to no number": lambda: _known(
        "Range", "a b c", {"a": np.float32(0), "b": np.float32("nan"), "c": np.float32(1)}
    ),
    "Pad of the input": lambda: _unknown("Pad", "x n", {"n": _sizes(0, 1 << 30, 0, 0)}),
    "Einsum": lambda: _known("Einsum", "c c c c", {"c": np.ones(2_000)}, equation="i,j,k,l->ijkl"),
    "MatMul": lambda: _known(
        "MatMul", "a b", {"a": np.ones((500_000, 1), np.float32), "b": np.ones((1, 500_000), np.float32)}
    ),
    "Gather": lambda: _known("Gather", "c i", {"c": np.ones((9, 90_000)), "i": np.zeros(90_000, np.int64)}),
    "OneHot": lambda: _known(
        "OneHot", "i n v", {"i": np.arange(9), "n": np.array(HUGE), "v": np.float32([0, 1])}
    ),
    "Resize": lambda: _known("Resize", "c _ f", {"c": ONE, "f": _scales(1, 1, 1e6, 1e6)}),
    "Resize of the input": lambda: _unknown("Resize", "x _ s", {"s": _scales(1, 1, 1e5, 1e5)}, 1, 1, 2, 2),
    "Conv": lambda: _known("Conv", "c c", {"c": ONE}, pads=[1 << 30] * 4),
    "ConvTranspose": lambda: _known("ConvTranspose", "c c", {"c": ONE}, output_padding=[1 << 30] * 2),
    "MaxPool": lambda: _known("MaxPool", "c", {"c": ONE}, kernel_shape=[3, 3], pads=[1 << 20] * 4),
    "HannWindow": lambda: _known("HannWindow", "n", {"n": np.array(HUGE)}),
    "AffineGrid": lambda: _known(
        "AffineGrid", "c n", {"c": np.ones((1, 2, 3), np.float32), "n": _sizes(1, 1, 1 << 20, 1 << 20)}
    ),
    "Col2Im": lambda: _known(
        "Col2Im", "c n n", {"c": np.ones((1, 1, 1), np.float32), "n": _sizes(1 << 20, 1 << 20)}
    ),
    "MaxUnpool": lambda: _known(
        "MaxUnpool", "c i n", {"c": ONE, "i": _sizes(0).reshape(1, 1, 1, 1), "n": _sizes(1, 1, HUGE, HUGE)},
        kernel_shape=[2, 2],
    ),
    "an input": lambda: _unknown("Tanh", "x", {}, 1 << 20, 1 << 20),
    "a constant that doubles": lambda: _doubled("c", "Concat", {"c": np.ones(2, np.float32)}, 60),
    "a value that doubles": lambda: _doubled("x", "Concat", {}, 60),
    "GatherND": lambda: _known(
        "GatherND", "c i", {"c": np.ones((1, 90_000)), "i": np.zeros((90_000, 1), np.int64)}
    ),
    "sums of an Einsum": lambda: _known("Einsum", "c c", {"c": np.ones((2_000, 2_000))}, equation="ij,kl->"),
    "a pattern of letters": lambda: _known(
        "RegexFullMatch", "t", {"t": np.array(["a" * 60 + "!"], object)}, pattern="(a+)+$"
    ),
    "numbers as text": lambda: _known("Cast", "c", {"c": ONE}, to=8),
    "rounds of a known value": _rounds,
    "constants together": _constants_together,
    "CumSum of the input": lambda: _unknown("CumSum", "x n", {"n": np.array(1)}, 1, 20_000),
    "Trilu of the input": lambda: _unknown("Trilu", "x", {}, 10_000, 10_000),
    "Pad by a pattern": lambda: _unknown("Pad", "x n", {"n": _sizes(0, 1 << 26, 0, 0)}, 1, 1, mode="wrap"),
    "Resize by a matrix": lambda: _unknown(
        "Resize", "x _ _ n", {"n": _sizes(1, 90_000)}, 1, 60_000, mode="linear"
    ),
    "EyeLike of the input": lambda: _unknown("EyeLike", "x", {}, 10_000, 10_000),
    "ScatterND of the input": lambda: _unknown(
        "ScatterND", "x i u", {"i": _sizes(0, 0).reshape(1, 2), "u": np.ones(1, np.float32)}, 10_000, 10_000
    ),
    "GatherElements of the input": lambda: _unknown(
        "GatherElements", "x i", {"i": np.zeros((5_000, 5_000), np.int8).astype(np.int32)}, 5_000, 5_000
    ),
    "DFT": lambda: model_of(
        [node("DFT", "x n", axis=1)], {"x": (1, 8, 1)}, {"n": np.array(1 << 32)}, opset=18
    ),
    "dimensions beyond the bytes": lambda: _dimensions(1 << 62, 1 << 62),
    "negative dimensions": lambda: _dimensions(-1, 4),
    "dimensions of 0 and more": lambda: _dimensions(0, 1 << 62),
}  # fmt: skip
#: Which is imported, and soon.
TAKEN: Final = {"branches in branches": _ifs}


def main(most_bytes: int) -> None:
    """Imports every model with so much memory."""
    resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    for name, make in {**REFUSED, **TAKEN}.items():
        data = make().SerializeToString()
        start, error = process_time(), ""
        try:
            import_network(decode_model(data))
        except AnhError as refusal:
            error = refusal.message
        line = {"name": name, "error": error, "seconds": process_time() - start}
        sys.stdout.write(orjson.dumps(line).decode() + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
