"""Normalizations as exporters write them: the same numbers, by what loses fewer bits."""

from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, NodeProto

from anh_rollup.importing.fusion import fused
from anh_rollup.importing.graph import lower
from anh_rollup.importing.moments import centred_moments
from anh_rollup.importing.network import split_samples
from anh_rollup.importing.real_evaluation import evaluate
from anh_rollup.importing.record import Operation, Record
from tests.unit.importing.graphs import error_of, model_of, node, numbers

SHAPE = (6, 48)
EPSILON = 1e-6
#: How an exporter writes means over an axis: as such, or as sums times one over how many, or over them.
MEANS = ["mean", "product", "quotient"]


def mean(x: str, result: str, axis: int, how: str) -> list[NodeProto]:
    if how == "mean":
        return [node("ReduceMean", f"{x} axes", result)]
    operator = {"product": "Mul", "quotient": "Div"}[how]
    return [node("ReduceSum", f"{x} axes", f"{result}_sum"), node(operator, f"{result}_sum {how}", result)]


def variance(axis: int, how: str, first: str = "x", second: str = "x") -> list[NodeProto]:
    """The mean of squares of one value less the square of the mean of another."""
    return [
        *mean(second, "m", axis, how),
        node("Mul", f"{first} {first}", "squares"),
        *mean("squares", "s", axis, how),
        node("Mul", "m m", "square"),
        node("Sub", "s square", "variance"),
    ]


def constants(axis: int, count: int) -> dict[str, Any]:
    return {
        "axes": np.array([axis]),
        "product": np.float32(1 / count),
        "quotient": np.float32(count),
        "epsilon": np.float32(EPSILON),
        "zero": np.float32(0),
        "one": np.float32(1),
        "gain": np.linspace(0.5, 2.0, SHAPE[1], dtype=np.float32),
    }


def model(nodes: list[NodeProto], axis: int = -1, count: int | None = None) -> ModelProto:
    """A model of these nodes, the last of which gives y, over rows or columns of `SHAPE`."""
    return model_of(nodes, {"x": (1, *SHAPE)}, constants(axis, count or SHAPE[axis]))


def normalized(axis: int, how: str, *, gains: bool) -> ModelProto:
    """X less its mean, times one over its deviation, as jax's exporter writes it."""
    factor = [node("Mul", "over gain", "factor")] if gains else [node("Identity", "over", "factor")]
    nodes = [
        *variance(axis, how), node("Max", "variance zero", "v"), node("Add", "v epsilon", "moved"),
        node("Sqrt", "moved", "root"), node("Reciprocal", "root", "over"), *factor,
        node("Sub", "x m", "apart"), node("Mul", "apart factor"),
    ]  # fmt: skip
    return model(nodes, axis)


def far(spread: float = 0.01) -> dict[str, np.ndarray]:
    """Rows that are far from zero beside how far they are from each other."""
    return {"x": (1.0 + spread * numbers(8, *SHAPE)).astype(np.float32)}


def before_and_after(made: ModelProto) -> tuple[Record, Record]:
    before = fused(lower(made))
    return before, centred_moments(before)


def assert_means_the_same(before: Record, after: Record) -> None:
    for sample in split_samples(before, far(1.0)):
        assert np.allclose(evaluate(before, sample), evaluate(after, sample), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("how", MEANS)
@pytest.mark.parametrize("axis", [-1, -2])
def test_a_variance_as_a_difference_of_means_keeps_its_bits(axis: int, how: str) -> None:
    made = model([*variance(axis, how), node("Identity", "variance")], axis)
    before, after = before_and_after(made)
    assert Operation.SUB in [each.operation for each in before.nodes]
    kept = [each.operation for each in after.nodes if each.inputs and each.operation is not Operation.VIEW]
    assert kept == [Operation.SUM, Operation.SUB, Operation.MUL, Operation.SUM]
    assert_means_the_same(before, after)
    by = lambda _, sample: np.var(sample["x"].astype(np.float64), axis=axis, keepdims=True)  # noqa: E731
    assert error_of(made, far(), by) < 1e-5


@pytest.mark.parametrize("how", MEANS)
@pytest.mark.parametrize("axis", [-1, -2])
@pytest.mark.parametrize("gains", [False, True])
def test_a_row_times_one_over_its_deviation_is_divided_by_it(axis: int, how: str, gains: bool) -> None:
    made = normalized(axis, how, gains=gains)
    before, after = before_and_after(made)
    quotients = [each for each in after.nodes if each.operation is Operation.DIV]
    assert [(each.shape, each.bounds[1]) for each in quotients] == [(SHAPE, SHAPE[axis] ** 0.5)]
    assert Operation.MAX not in [each.operation for each in after.nodes]
    assert_means_the_same(before, after)

    def by(_: ModelProto, sample: dict[str, np.ndarray]) -> np.ndarray:
        x = sample["x"].astype(np.float64)
        apart = x - x.mean(axis, keepdims=True)
        row = apart / np.sqrt(np.var(x, axis=axis, keepdims=True) + np.float32(EPSILON))
        return row * constants(axis, 1)["gain"] if gains else row

    assert error_of(made, far(), by) < 1e-5  # type: ignore[arg-type]


def test_what_computes_the_same_is_computed_once() -> None:
    before, after = before_and_after(
        model([node("Exp", "x", "a"), node("Exp", "x", "b"), node("Add", "a b")])
    )
    count = [[each.operation for each in one.nodes].count(Operation.FUNCTION) for one in (before, after)]
    assert count == [2, 1]
    assert_means_the_same(before, after)


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Exp", "x", "z"), *variance(-1, "mean", "x", "z"), node("Identity", "variance")],
        [
            *mean("x", "m", -1, "mean"), node("Mul", "x x", "squares"),
            node("ReduceSum", "squares axes", "s"), node("Mul", "m m", "square"), node("Sub", "s square"),
        ],
        [*variance(-1, "mean"), node("Sub", "square s")],
        [node("Sqrt", "x", "root"), node("Reciprocal", "root", "over"), node("Mul", "x over")],
    ],
    ids=["two values", "a sum, not a mean", "turned", "a root of something else"],
)  # fmt: skip
def test_what_is_no_variance_stays(nodes: list[NodeProto]) -> None:
    before, after = before_and_after(model(nodes))
    assert [each.operation for each in after.nodes] == [each.operation for each in before.nodes]
    assert_means_the_same(before, after)


def test_a_factor_that_is_not_one_over_the_terms_stays() -> None:
    made = model([*variance(-1, "product"), node("Identity", "variance")], count=SHAPE[1] - 1)
    before, after = before_and_after(made)
    assert [each.operation for each in after.nodes] == [each.operation for each in before.nodes]
    assert_means_the_same(before, after)


def test_a_mean_that_is_rounded_down_stays_an_integer() -> None:
    made = model(
        [node("ReduceSum", "x axes", "total"), node("Div", "total quotient", "q"), node("Floor", "q")]
    )
    before, after = before_and_after(made)
    for sample in split_samples(before, far(100.0)):
        assert np.array_equal(evaluate(after, sample), np.floor(sample[0].mean(-1, keepdims=True)))


def test_roots_of_rows_that_divide_columns_are_not_taken_for_theirs() -> None:
    nodes = [
        node("Mul", "x x", "squares"), node("ReduceMean", "squares axes", "s"),
        node("Sqrt", "s", "root"), node("Reciprocal", "root", "over"),
        node("Transpose", "over", "turned", perm=[0, 2, 1]), node("Mul", "x turned"),
    ]  # fmt: skip
    made = model_of(nodes, {"x": (1, 6, 6)}, {"axes": np.array([-1])})
    before, after = before_and_after(made)
    x = numbers(1, 6, 6)
    assert [each.bounds for each in after.nodes if each.operation is Operation.DIV] == [(-np.inf, np.inf)]
    for sample in split_samples(before, {"x": x}):
        assert np.allclose(evaluate(before, sample), evaluate(after, sample))
