"""Networks that hypothesis writes: exact readings are within the bound that their formats give."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto, NodeProto

from anh_rollup.importing.network import import_network
from anh_rollup.importing.onnx_file import check_model
from anh_rollup.importing.real_evaluation import evaluate
from tests.unit.importing.error_bounds import bound_of
from tests.unit.importing.graphs import exact, model_of, node, numbers, reference

UNARY = [
    "Relu", "Tanh", "Sigmoid", "Neg", "Abs", "Softplus", "Elu", "HardSwish", "LeakyRelu", "Erf", "Softsign",
    "Selu", "Mish", "Sin", "Cos", "Atan", "HardSigmoid", "Identity", "Celu",
]  # fmt: skip
BINARY = ["Add", "Sub", "Mul", "Max", "Min", "Mean"]
SHAPE = (1, 3, 4, 4)


class Sketch:
    """A graph in the making: each step reads the last value and gives the next."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        self.constants: dict[str, np.ndarray] = {}
        self.nodes: list[NodeProto] = []
        self.shapes: dict[str, tuple[int, ...]] = {"x": SHAPE}
        self.last = "x"

    def known(self, array: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(array)
        return name

    def weights(self, *shape: int) -> str:
        scale = max(1, np.prod(shape[1:])) ** 0.5
        return self.known((self.rng.normal(size=shape) / scale).astype(np.float32))

    def step(self, operator: str, more: str = "", shape: tuple[int, ...] | None = None, **how: Any) -> None:
        output = f"v{len(self.nodes)}"
        self.nodes.append(node(operator, f"{self.last} {more}", output, **how))
        self.shapes[output] = self.shape if shape is None else shape
        self.last = output

    @property
    def shape(self) -> tuple[int, ...]:
        return self.shapes[self.last]

    def grow(self) -> None:
        """One more operator."""
        self.draw(st.sampled_from([self.compute, self.fold, self.move, self.move_further]))()

    def compute(self) -> None:
        """Element by element, or a sum of products."""
        n, c, h, w = self.shape
        match self.draw(st.integers(0, 4)):
            case 0:
                self.step(self.draw(st.sampled_from(UNARY)))
            case 1:
                same = [name for name, each in self.shapes.items() if each == self.shape]
                self.step(self.draw(st.sampled_from(BINARY)), self.draw(st.sampled_from(same)))
            case 2:
                self.step("Conv", f"{self.weights(3, c, 3, 3)} {self.weights(3)}", (n, 3, h, w), pads=[1] * 4)
            case 3:
                self.step("MatMul", self.weights(w, 4), (n, c, h, 4))
            case 4:
                self.step("Clip", f"{self.known(np.float32(-1.5))} {self.known(np.float32(1.0))}")

    def fold(self) -> None:
        """Along an axis."""
        axis = self.draw(st.integers(1, 3))
        match self.draw(st.integers(0, 2)):
            case 0:
                self.step(self.draw(st.sampled_from(["Softmax", "LogSoftmax"])), axis=axis)
            case 1:
                fold = self.draw(st.sampled_from(["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"]))
                self.step(fold, self.known([axis]), self.resized(axis, 1), keepdims=1)
            case 2:
                self.step("CumSum", self.known(axis), reverse=self.draw(st.integers(0, 1)))

    def move(self) -> None:
        """Elements to other places."""
        axis = self.draw(st.integers(1, 3))
        size = self.shape[axis]
        match self.draw(st.integers(0, 2)):
            case 0:
                order = [0, *self.draw(st.permutations([1, 2, 3]))]
                self.step("Transpose", "", tuple(self.shape[at] for at in order), perm=order)
            case 1:
                places = self.rng.integers(-size, size, 4)
                self.step("Gather", self.known(places), self.resized(axis, 4), axis=axis)
            case 2:
                self.step("Concat", self.last, self.resized(axis, 2 * size), axis=axis)

    def move_further(self) -> None:
        """Images to another size."""
        n, c, h, w = self.shape
        match self.draw(st.integers(0, 2)):
            case 0 if min(h, w) > 1:
                pooling = self.draw(st.sampled_from(["MaxPool", "AveragePool"]))
                self.step(pooling, "", (n, c, h - 1, w - 1), kernel_shape=[2, 2])
            case 1 if h * w <= 64:
                mode = self.draw(st.sampled_from(["linear", "nearest"]))
                scale = self.known(np.float32([1, 1, 1.5, 2]))
                self.step("Resize", f"_ {scale}", (n, c, int(h * 1.5), w * 2), mode=mode)
            case _:
                self.step("Pad", self.known([0, 0, 1, 0, 0, 0, 0, 1]), (n, c, h + 1, w + 1))

    def resized(self, axis: int, size: int) -> tuple[int, ...]:
        """The shape with another size along an axis."""
        return tuple(size if at == axis else each for at, each in enumerate(self.shape))


@st.composite
def graphs(draw: st.DrawFn) -> ModelProto:
    """A network of up to eight operators over an image of 3 x 4 x 4."""
    sketch = Sketch(draw)
    for _ in range(draw(st.integers(1, 8))):
        if np.prod(sketch.shape) <= 1_024:
            sketch.grow()
    sketch.step("Identity")
    return model_of(sketch.nodes, {"x": SHAPE}, sketch.constants, outputs=[sketch.last])


def check(model: ModelProto, seed: int) -> None:
    check_model(model)
    samples = numbers(4, *SHAPE[1:], seed=seed)
    network = import_network(model, samples={"x": samples})
    found = exact(network, {"x": samples})
    real = np.stack([evaluate(network.record, [each.astype(np.float64)]) for each in samples])
    wanted = np.stack([reference(model, {"x": each[None]}) for each in samples]).reshape(real.shape)
    size = max(float(np.abs(wanted).max()), 1e-3)
    assert np.abs(real - wanted).max() < 1e-4 * size
    assert np.abs(found.reshape(real.shape) - real).max() <= bound_of(network)
    assert np.abs(found.reshape(real.shape) - wanted).max() < 2e-4 * size


@settings(max_examples=60)
@given(graphs(), st.integers(0, 99))
def test_random_networks_are_within_the_bound_of_their_formats(model: ModelProto, seed: int) -> None:
    check(model, seed)


@pytest.mark.slow
@settings(max_examples=2_000)
@given(graphs(), st.integers(0, 99))
def test_many_random_networks_are_within_the_bound_of_their_formats(model: ModelProto, seed: int) -> None:
    check(model, seed)
