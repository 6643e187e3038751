"""Ranges: what samples show, what interval arithmetic proves, and both together."""

from collections.abc import Sequence
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.importing.ranges import (
    ASSUMED_REAL,
    ASSUMED_WHOLE,
    FEW,
    HEADROOM,
    MOST_DEGREE,
    ROOM,
    Range,
    Shown,
    field_range,
    observed,
    propagated,
    ranges_of,
)
from anh_rollup.importing.real_evaluation import compute
from anh_rollup.importing.record import Field, Function, Operation, RealNode, Record

KERNEL = np.array([[1.0, -2.0], [3.0, 5.0]])
FIELD = RealNode(Operation.FIELD, (2,), attributes=(0,))
WEIGHT = RealNode(Operation.CONSTANT, (2, 2), array=KERNEL)
PRODUCT = RealNode(Operation.MATMUL, (2,), (0, 1))
#: An input of two numbers, by `KERNEL`, clamped.
RECORD = Record(
    (FIELD, WEIGHT, PRODUCT, RealNode(Operation.CLAMP, (2,), (2,), bounds=(0.0, 6.0))),
    (Field("x", (1, 2), is_whole=False),),
    "y",
)
SAMPLES = [[np.array([1.0, 0.5])], [np.array([-0.25, 1.0])]]
SHOWN = [Range(-0.25, 1.0), Range(-2.0, 5.0), Range(-2.25, 5.5), Range(0.0, 5.5)]


def test_samples_show_the_least_and_the_greatest() -> None:
    assert [each.at for each in observed(RECORD, SAMPLES)] == SHOWN


def test_shown_ranges_get_headroom_inside_of_what_is_proven() -> None:
    field, edge = SHOWN[0].widened(HEADROOM), HEADROOM * np.abs(KERNEL).sum(1).max()
    assert ranges_of(RECORD, SAMPLES) == [field, Range(-2.0, 5.0), Range(-edge, edge), Range(0.0, 6.0)]


def summed(sums: Sequence[float], rows: int) -> Range:
    """The range of so many sums of two numbers, these in turn, in one sample."""
    record = Record(
        (
            RealNode(Operation.FIELD, (rows, 2), attributes=(0,)),
            RealNode(Operation.SUM, (rows,), (0,), attributes=(1, 1)),
        ),
        (Field("x", (1, rows, 2), is_whole=False),),
        "y",
    )
    sample = np.array([[2.0 + sums[at % len(sums)], -2.0] for at in range(rows)])
    return ranges_of(record, [[sample]])[1]


@pytest.mark.parametrize(
    ("sums", "wanted"),
    [
        ([-0.5, -0.125], Range(-0.5 * HEADROOM, 0.5 * HEADROOM)),
        ([0.125, 0.5], Range(-0.5 * HEADROOM, 0.5 * HEADROOM)),
        ([0.5, 1.0], Range(0.5 / HEADROOM, 1.0 * HEADROOM)),
        ([-1.0, -0.5], Range(-1.0 * HEADROOM, -0.5 / HEADROOM)),
        ([0.0, 0.5], Range(0.0, 0.5 * HEADROOM)),
    ],
    ids=["just below zero", "just above", "far above", "far below", "from zero on"],
)
def test_sums_lie_on_both_sides_of_zero_where_samples_show_them_near_it(
    sums: list[float], wanted: Range
) -> None:
    assert summed(sums, FEW) == wanted


@pytest.mark.parametrize(("second", "most"), [(0.5, 4.0), (0.0, 2.0)], ids=["no more bits", "more bits"])
def test_all_that_is_proven_counts_where_it_takes_no_more_bits(second: float, most: float) -> None:
    total = RealNode(Operation.SUM, (FEW,), (0,), attributes=(1, 1))
    field = RealNode(Operation.FIELD, (FEW, 2), attributes=(0,))
    record = Record((field, total), (Field("x", (1, FEW, 2), is_whole=False),), "y")
    assert ranges_of(record, [[np.tile([1.0, second], (FEW, 1))]])[1].high == most


def test_what_a_sample_has_few_elements_of_gets_more_room() -> None:
    assert summed([-0.5, 0.5], FEW - 1).high == HEADROOM * summed([-0.5, 0.5], FEW).high


def test_all_the_room_of_the_bits_is_used() -> None:
    assert summed([-0.6, 0.5], FEW) == Range(-2.0 * ROOM, 2.0 * ROOM)


def extremes(magnitudes: Sequence[float]) -> Shown:
    """What samples show of a node if these are the farthest elements of each."""
    shown = Shown(Range(0.0, 0.0))
    for each in magnitudes:
        shown.take(Range(-each / 2, each))
    return shown


def test_samples_that_are_alike_ask_for_no_more_headroom() -> None:
    assert extremes([1.0, 1.05, 0.95, 1.0]).headroom == HEADROOM
    assert extremes([3.0]).headroom == extremes([0.0, 0.0]).headroom == HEADROOM


@pytest.mark.parametrize("spread", [0.05, 0.2, 1.0])
def test_what_sixteen_samples_show_has_room_for_thousands(spread: float) -> None:
    rng = np.random.default_rng(1)
    fits = []
    for _ in range(100):
        shown, others = rng.gumbel(1.0, spread, 16), rng.gumbel(1.0, spread, 10_000)
        found = extremes([abs(each) for each in shown])
        fits.append(found.at.high * found.headroom > np.abs(others).max())
    assert np.mean(fits) >= 0.95


@given(st.lists(st.floats(0, 1e308), min_size=1, max_size=20))
def test_headroom_is_bounded_whatever_samples_show(magnitudes: list[float]) -> None:
    assert HEADROOM <= extremes(magnitudes).headroom <= HEADROOM**MOST_DEGREE


def test_samples_that_differ_widen_a_range() -> None:
    record = Record((FIELD, RealNode(Operation.ABS, (2,), (0,))), RECORD.fields, "y")
    samples = [[np.array([each, 0.0])] for each in (0.25, 0.5, 1.0)]
    assert ranges_of(record, samples)[0].high == extremes([0.25, 0.5, 1.0]).headroom > HEADROOM


def test_a_quotient_is_bounded_by_what_is_proven_of_its_divisor() -> None:
    nodes = (
        RealNode(Operation.FIELD, (FEW,), attributes=(0,)),
        RealNode(Operation.MUL, (FEW,), (0, 0)),
        RealNode(Operation.CONSTANT, (), array=np.array(0.25)),
        RealNode(Operation.ADD, (FEW,), (1, 2)),
        RealNode(Operation.DIV, (FEW,), (2, 3)),
    )
    record = Record(nodes, (Field("x", (1, FEW), is_whole=False),), "y")
    found = ranges_of(record, [[np.full(FEW, 0.5)]])
    assert found[3].low == 0.25
    assert found[4].high == 1.0


def test_squares_are_not_negative() -> None:
    square = RealNode(Operation.MUL, (2,), (0, 0))
    assert propagated(square, [Range(-3.0, 2.0)] * 2, [FIELD] * 2) == Range(0.0, 9.0)


def test_a_function_that_is_flat_far_out_is_looked_at_where_it_is_not() -> None:
    bump = Function("bump", lambda x: np.exp(-x * x), (-6.0, 6.0))
    node = RealNode(Operation.FUNCTION, (2,), (0,), function=bump)
    assert propagated(node, [Range(-1e5, 1.1e5)], [FIELD]).high >= 1.0


def test_a_function_that_samples_show_zero_of_has_the_range_that_is_proven() -> None:
    above = Function("above", lambda x: np.maximum(x - 1.5, 0.0))
    record = Record((FIELD, RealNode(Operation.FUNCTION, (2,), (0,), function=above)), RECORD.fields, "y")
    assert ranges_of(record, [[np.array([0.5, 1.0])]])[1].high >= 0.5


def test_without_samples_ranges_are_proven_from_what_is_assumed() -> None:
    edge = ASSUMED_REAL * np.abs(KERNEL).sum(1).max()
    wanted = [Range(-ASSUMED_REAL, ASSUMED_REAL), Range(-2.0, 5.0), Range(-edge, edge), Range(0.0, 6.0)]
    assert ranges_of(RECORD, None) == wanted


@pytest.mark.parametrize(
    ("field", "seen", "wanted"),
    [
        (Field("x", (1,), is_whole=True, is_truth=True), Range(0.0, 0.0), Range(0.0, 1.0)),
        (Field("x", (1,), is_whole=True), None, Range(0.0, ASSUMED_WHOLE)),
        (Field("x", (1,), is_whole=True), Range(-3.0, 7.0), Range(-7.0 * HEADROOM, 7.0 * HEADROOM)),
        (Field("x", (1,), is_whole=False), Range(0.5, 2.0), Range(0.5 / HEADROOM, 2.0 * HEADROOM)),
    ],
    ids=["truth", "integers that no sample shows", "integers", "positive reals"],
)
def test_what_an_input_may_hold(field: Field, seen: Range | None, wanted: Range) -> None:
    assert field_range(field, None if seen is None else Shown(seen, 1)) == wanted


def test_a_quotient_by_what_may_be_zero_has_no_bound() -> None:
    quotient = RealNode(Operation.DIV, (2,), (0, 0))
    assert propagated(quotient, [Range(1.0, 2.0), Range(0.0, 2.0)], [FIELD, FIELD]) == Range(-inf, inf)


def test_a_range_is_a_set() -> None:
    a, b = Range(-1.0, 3.0), Range(2.0, 5.0)
    assert (a.within(b), a.union(b), a.magnitude) == (Range(2.0, 3.0), Range(-1.0, 5.0), 3.0)
    assert Range(7.0, 9.0).within(b) == Range(5.0, 5.0)


@given(
    st.sampled_from(
        [Operation.ADD, Operation.SUB, Operation.MUL, Operation.DIV, Operation.MIN, Operation.MAX]
    ),
    st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=1, max_size=20),
)
def test_what_is_computed_lies_in_the_range_that_is_proven(
    operation: Operation, pairs: list[tuple[float, float]]
) -> None:
    a, b = (np.array(each) for each in zip(*pairs, strict=True))
    b = np.abs(b) + 0.5
    node = RealNode(operation, a.shape, (0, 1))
    sources = [RealNode(Operation.FIELD, a.shape, attributes=(at,)) for at in range(2)]
    proven = propagated(node, [Range(float(x.min()), float(x.max())) for x in (a, b)], sources)
    found = compute(node, [a, b])
    assert proven.low <= found.min() <= found.max() <= proven.high
