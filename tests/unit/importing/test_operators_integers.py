"""Integers and quantized networks: every integer is ONNX's own, whatever samples showed."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto, NodeProto, TensorProto

from anh_rollup.importing.errors import OperatorRefusedError
from anh_rollup.importing.graph import lower
from anh_rollup.importing.network import import_network
from anh_rollup.importing.record import Operation
from tests.unit.importing.graphs import exact, model_of, node, numbers, reference

SHORT = {"int8": TensorProto.INT8, "uint8": TensorProto.UINT8, "int16": TensorProto.INT16}
SHAPE = (3, 5)


def integers(dtype: str, *shape: int, seed: int = 7) -> np.ndarray:
    """All numbers of a type, at random."""
    bounds = np.iinfo(dtype)
    return np.random.default_rng(seed).integers(bounds.min, bounds.max + 1, shape).astype(dtype)


def differences(model: ModelProto, samples: dict[str, np.ndarray], shown: dict[str, np.ndarray]) -> float:
    """How far the exact reading is off, where other samples told the ranges."""
    network = import_network(model, samples=shown)
    count = len(next(iter(samples.values())))
    wanted = [
        reference(model, {name: each[at][None] for name, each in samples.items()}) for at in range(count)
    ]
    found = exact(network, samples).reshape(np.shape(wanted))
    return float(np.abs(found - np.asarray(wanted, np.float64)).max())


@st.composite
def arithmetic(draw: st.DrawFn) -> tuple[ModelProto, str]:
    """Up to four operators on short integers, one after the other, each with a constant or with x itself."""
    dtype = draw(st.sampled_from(list(SHORT)))
    operators = [
        "Add",
        "Sub",
        "Mul",
        "BitwiseAnd",
        "BitwiseOr",
        "BitwiseXor",
        "BitwiseNot",
        "BitShift",
        "Mod",
        "Max",
    ]
    nodes: list[NodeProto] = []
    constants: dict[str, np.ndarray] = {}
    last = "x"
    for at in range(draw(st.integers(1, 4))):
        operator, output = draw(st.sampled_from(operators)), f"v{at}"
        other = draw(st.sampled_from(["x", f"c{at}"]))
        how: dict[str, Any] = {}
        if operator == "BitShift":
            if dtype != "uint8":
                continue
            other, how = f"c{at}", {"direction": draw(st.sampled_from(["LEFT", "RIGHT"]))}
            constants[other] = np.array(draw(st.integers(0, 7)), dtype)
        elif other != "x":
            constants[other] = integers(dtype, SHAPE[1], seed=draw(st.integers(0, 99)))
        if operator == "Mod":
            other = f"c{at}"
            constants[other] = np.maximum(np.abs(integers(dtype, SHAPE[1], seed=at)), 1)
        names = last if operator == "BitwiseNot" else f"{last} {other}"
        nodes.append(node(operator, names, output, **how))
        last = output
    nodes.append(node("Identity", last))
    return model_of(nodes, {"x": (1, *SHAPE)}, constants, dtype=SHORT[dtype]), dtype


def check(case: tuple[ModelProto, str]) -> None:
    model, dtype = case
    shown = {"x": np.zeros((2, *SHAPE), dtype)}
    assert differences(model, {"x": integers(dtype, 8, *SHAPE)}, shown) == 0


@settings(max_examples=15)
@given(arithmetic())
def test_short_integers_wrap_around(case: tuple[ModelProto, str]) -> None:
    check(case)


@pytest.mark.slow
@settings(max_examples=300)
@given(arithmetic())
def test_many_short_integers_wrap_around(case: tuple[ModelProto, str]) -> None:
    check(case)


@pytest.mark.parametrize("operator", ["Div", "Mod"])
@pytest.mark.parametrize("fmod", [0, 1])
def test_quotients_and_rests_have_the_right_sign(operator: str, fmod: int) -> None:
    how = {"fmod": fmod} if operator == "Mod" else {}
    divisors = np.array([1, -1, 3, -7, 127], np.int8)
    model = model_of(
        [node(operator, "x d", **how)], {"x": (1, *SHAPE)}, {"d": divisors}, dtype=TensorProto.INT8
    )
    # -128 / -1 is 128, which wraps around; numpy does not promise that, so it is left out.
    x = np.maximum(integers("int8", 30, *SHAPE), -127)
    assert differences(model, {"x": x}, {"x": x}) == 0


@pytest.mark.parametrize("kind", [TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16, TensorProto.UINT16])
def test_casts_to_short_integers_wrap_around(kind: int) -> None:
    model = model_of([node("Cast", "x", to=kind)], {"x": (1, 40)}, dtype=TensorProto.INT32)
    x = np.random.default_rng(3).integers(-(2**30), 2**30, (4, 40)).astype(np.int32)
    assert differences(model, {"x": x}, {"x": x}) == 0


def test_long_unsigned_numbers_are_not_subtracted() -> None:
    model = model_of([node("Sub", "x x")], {"x": (1, 3)}, dtype=TensorProto.UINT32)
    with pytest.raises(OperatorRefusedError, match="a difference of uint32 numbers"):
        lower(model)


def quantized_network(channels: int, zeros: bool) -> ModelProto:
    """Two quantized layers: a convolution by channels, then a product; uint8 between them."""
    constants: dict[str, Any] = {
        "sx": np.float32(0.02), "zx": np.uint8(128 if zeros else 0), "w": integers("int8", channels, 2, 3, 3),
        "sw": np.abs(numbers(channels)) * np.float32(0.01) + np.float32(0.001),
        "zw": np.zeros(channels, np.int8), "sy": np.float32(0.05), "zy": np.uint8(3 if zeros else 0),
        "b": np.random.default_rng(1).integers(-999, 999, channels).astype(np.int32),
        "m": integers("int8", 4, 5), "sm": np.float32(0.004), "zm": np.int8(-5 if zeros else 0),
        "so": np.float32(1.0), "zo": np.uint8(100),
    }  # fmt: skip
    nodes = [
        node("QLinearConv", "x sx zx w sw zw sy zy b", "h", pads=[1, 1, 1, 1]),
        node("QLinearMatMul", "h sy zy m sm zm so zo"),
    ]
    return model_of(nodes, {"x": (1, 2, 4, 4)}, constants, dtype=TensorProto.UINT8)


@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_quantized_network_gives_the_same_integers(channels: int, zeros: bool) -> None:
    x = integers("uint8", 12, 2, 4, 4)
    assert differences(quantized_network(channels, zeros), {"x": x}, {"x": x}) == 0


@pytest.mark.parametrize(
    ("nodes", "constants"),
    [
        ([node("MatMulInteger", "x w")], {"w": integers("int8", 5, 2)}),
        ([node("MatMulInteger", "x w a b")],
         {"w": integers("uint8", 5, 2), "a": np.uint8(7), "b": np.array([1, 200], np.uint8)}),
        ([node("MatMulInteger", "w x a")],
         {"w": integers("uint8", 2, 3), "a": np.array([[9], [80]], np.uint8)}),
        ([node("Unsqueeze", "x first", "i"), node("ConvInteger", "i k a", pads=[1, 0, 1, 0])],
         {"first": np.array([0]), "k": integers("uint8", 2, 1, 3, 2), "a": np.uint8(11)}),
    ],
)  # fmt: skip
def test_integer_products_are_exact(nodes: list[NodeProto], constants: dict[str, Any]) -> None:
    model = model_of(nodes, {"x": (1, *SHAPE)}, constants, dtype=TensorProto.UINT8)
    x = integers("uint8", 6, *SHAPE)
    assert differences(model, {"x": x}, {"x": x}) == 0


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16])
@pytest.mark.parametrize("axis", [None, 1, 2])
def test_reals_are_quantized_and_come_back(dtype: type, axis: int | None) -> None:
    size = 1 if axis is None else SHAPE[axis - 1]
    scale = (2.0 ** -np.arange(1, 1 + size)).astype(np.float32)
    constants = {
        "s": scale if axis else scale[0],
        "z": np.full(size, 3, dtype) if axis else np.array(3, dtype),
    }
    how = {"axis": axis} if axis else {}
    for nodes in (
        [node("QuantizeLinear", "x s z", **how)],
        [node("QuantizeLinear", "x s z", "q", **how), node("DequantizeLinear", "q s z", **how)],
    ):
        model = model_of(nodes, {"x": (1, *SHAPE)}, constants, opset=21)
        # Sixteenths: ties are among them, and all of them are numbers of the program.
        x = np.random.default_rng(2).integers(-4_000, 4_000, (6, *SHAPE)).astype(np.float32) / 16
        assert differences(model, {"x": x}, {"x": x}) == 0


def test_dynamic_quantization_is_within_a_step() -> None:
    nodes = [node("DynamicQuantizeLinear", "x", "q s z"), node("DequantizeLinear", "q s z")]
    x = numbers(10, *SHAPE)
    steps = np.ptp(np.concatenate([x, np.zeros((10, 1, 5), np.float32)], 1), axis=(1, 2)).max() / 255
    assert differences(model_of(nodes, {"x": (1, *SHAPE)}, opset=21), {"x": x}, {"x": x}) < 1.001 * steps


@pytest.mark.parametrize("output", ["q", "s", "z"])
def test_dynamic_quantization_is_onnxs_own_but_for_ties(output: str) -> None:
    nodes = [node("DynamicQuantizeLinear", "x", "q s z"), node("Cast", output, to=TensorProto.FLOAT)]
    x = numbers(40, 16, 64)
    wrong = differences(model_of(nodes, {"x": (1, 16, 64)}, opset=21), {"x": x}, {"x": x[:8]})
    assert wrong == 0 if output != "s" else wrong < 1e-8


def test_dynamic_quantization_rounds_quotients_by_three_instructions() -> None:
    nodes = [node("DynamicQuantizeLinear", "x", "q s z"), node("Cast", "q", to=TensorProto.FLOAT)]
    network = import_network(model_of(nodes, {"x": (1, 16, 64)}, opset=21), samples={"x": numbers(8, 16, 64)})
    whole = [each for each in network.record.nodes if each.is_whole and each.shape == (16, 64)]
    assert [each.operation for each in whole] == [Operation.DIV, Operation.ADD, Operation.DIV]


def test_dynamic_quantization_of_zeros_is_zero() -> None:
    nodes = [node("DynamicQuantizeLinear", "x", "q s z"), node("DequantizeLinear", "q s z")]
    x, zeros = numbers(4, *SHAPE), np.zeros((1, *SHAPE), np.float32)
    network = import_network(model_of(nodes, {"x": (1, *SHAPE)}, opset=21), samples={"x": x})
    assert not exact(network, {"x": zeros}).any()


def test_a_cast_of_what_is_whole_already_is_no_instruction() -> None:
    nodes = [
        node("Div", "x s", "q"),
        node("Floor", "q", "f"),
        node("Cast", "f", "i", to=TensorProto.INT32),
        node("Cast", "i", to=TensorProto.FLOAT),
    ]
    model = model_of(nodes, {"x": (1, *SHAPE), "s": (1, 1)})
    x, s = numbers(10, *SHAPE) * 1000, np.abs(numbers(10, 1)) + 1
    record = import_network(model, samples={"x": x, "s": s}).record
    assert [each.operation for each in record.nodes if each.operation is not Operation.FIELD] == [
        Operation.VIEW, Operation.DIV
    ]  # fmt: skip
    assert differences(model, {"x": x, "s": s}, {"x": x, "s": s}) == 0


def test_a_quotient_by_integers_is_rounded_down_from_all_its_digits() -> None:
    nodes = [
        node("Cast", "x", "n", to=TensorProto.INT32), node("Cast", "n", "i", to=TensorProto.FLOAT),
        node("Div", "x i", "q"), node("Floor", "q"),
    ]  # fmt: skip
    x = np.random.default_rng(3).uniform(1, 9, (10, *SHAPE)).astype(np.float32)
    turned = [node("Div", "one x", "p"), *nodes[:2], node("Div", "p i", "q"), node("Floor", "q")]
    for each in (nodes, turned):
        model = model_of(each, {"x": (1, *SHAPE)}, {"one": np.float32(8.99)})
        assert differences(model, {"x": x}, {"x": x}) == 0


def test_types_that_hold_no_small_integers_are_refused() -> None:
    constants = {"s": np.float32(1), "z": np.int32(0)}
    with pytest.raises(OperatorRefusedError, match="quantization to int32"):
        lower(model_of([node("QuantizeLinear", "x s z")], {"x": (1, 3)}, constants))
    constants = {"s": np.float32(0), "z": np.int8(0)}
    with pytest.raises(OperatorRefusedError, match="a scale that is not above 0"):
        lower(model_of([node("QuantizeLinear", "x s z")], {"x": (1, 3)}, constants))
