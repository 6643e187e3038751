"""Ranges: what samples show, what interval arithmetic proves, and both together."""

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.importing.ranges import (
    ASSUMED_REAL,
    ASSUMED_WHOLE,
    HEADROOM,
    Range,
    field_range,
    observed,
    propagated,
    ranges_of,
)
from anh_rollup.importing.real_evaluation import compute
from anh_rollup.importing.record import Field, Operation, RealNode, Record

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
SAMPLES = [[np.array([1.0, 0.5])], [np.array([-0.25, 0.5])]]
SHOWN = [Range(-0.25, 1.0), Range(-2.0, 5.0), Range(-1.25, 5.5), Range(0.0, 5.5)]


def test_samples_show_the_least_and_the_greatest() -> None:
    assert observed(RECORD, SAMPLES) == SHOWN


def test_shown_ranges_get_headroom_inside_of_what_is_proven() -> None:
    field, _, product, _ = (each.widened(HEADROOM) for each in SHOWN)
    assert ranges_of(RECORD, SAMPLES) == [field, Range(-2.0, 5.0), product, Range(0.0, 6.0)]


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
    assert field_range(field, seen) == wanted


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
