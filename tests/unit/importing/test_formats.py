"""Number formats, integer weights and tables: how near they are, and that products fit float64."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.importing.formats import (
    EXACT_BITS,
    FACTOR_BITS,
    TABLE_BITS,
    WIDE_BITS,
    Format,
    bits_above,
    magnitude_bits,
)
from anh_rollup.importing.ranges import Range
from anh_rollup.importing.record import Field, Function, Operation, RealNode, Record
from anh_rollup.importing.setting import Setting
from anh_rollup.importing.tables import MOST_ENTRIES, TOLERANCE, tabulated
from anh_rollup.importing.weights import SUM_BITS, quantized

X = Format(20, -(1 << 23), 1 << 23)
RESULT = Format(18, -(1 << 23), 1 << 23)


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 300), st.sampled_from(Setting))
def test_the_sums_of_quantized_weights_fit_float64(
    seed: int, rows: int, terms: int, setting: Setting
) -> None:
    rng = np.random.default_rng(seed)
    kernel = rng.normal(size=(rows, terms)) * 10.0 ** rng.integers(-4, 1, (rows, 1))
    made = quantized(kernel, rng.normal(size=rows), X, RESULT, setting)
    sums = np.abs(made.weight).sum(1) * (1 << 23) + terms * (1 << 22)
    moved = np.abs(made.bias) * 2.0 ** (made.shifts - made.guard)  # type: ignore[arg-type, operator]
    assert float((sums + moved).max()) < 2.0 ** (SUM_BITS + 1)
    assert (made.shifts >= made.guard).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 64))
def test_precise_weights_have_20_bits_or_more(seed: int, terms: int) -> None:
    kernel = np.random.default_rng(seed).normal(size=(3, terms)) * 0.1
    made = quantized(kernel, None, X, RESULT, Setting.PRECISE)
    back = made.weight * 2.0 ** -made.scales[:, None].astype(float)
    assert float(np.abs(back - kernel).max()) < 2.0**-20 * float(np.abs(kernel).max())


def test_channels_of_different_size_have_different_shifts() -> None:
    made = quantized(np.array([[1.0], [0.01]]), None, X, RESULT, Setting.FAST)
    assert not made.is_uniform
    assert made.shifts[1] - made.shifts[0] == 6


def test_a_channel_of_zeros_is_one() -> None:
    made = quantized(np.array([[0.0], [1.0]]), np.zeros(2), X, RESULT, Setting.FAST)
    assert (made.weight[0], made.bias.tolist()) == ([0], [0, 0])  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("function", "high"), [(np.tanh, 2**23), (np.exp, 2**21), (np.sin, 2**22), (np.cbrt, 2**20)]
)
@pytest.mark.parametrize("setting", list(Setting))
def test_a_table_is_as_near_as_it_says(function: object, high: int, setting: Setting) -> None:
    made = Function("f", function)  # type: ignore[arg-type]
    x = Format(20, -high, high)
    edge = float(np.abs(made(np.linspace(-high, high, 999) * x.unit)).max())
    result = Format(24 - bits_above(edge), -(1 << 24), 1 << 24)
    table = tabulated(made, x, Range(-high * x.unit, high * x.unit), result, setting)
    at = np.linspace(-high, high, 100_003)
    places = table.origin + np.arange(len(table.entries)) * 2.0**table.step
    error = float(np.abs(np.interp(at, places, table.entries) - made(at * x.unit)).max())
    assert error <= table.error * 1.3 + 1e-12
    assert len(table.entries) <= MOST_ENTRIES + 1
    if function is not np.cbrt:
        assert table.error <= TOLERANCE[setting] * 2.0 ** bits_above(edge)


def test_a_fast_table_is_smaller() -> None:
    sizes = [
        len(tabulated(Function("t", np.tanh, (-11.0, 11.0)), X, Range(-8.0, 8.0), RESULT, each).entries)
        for each in Setting
    ]
    assert sizes[0] > 3 * sizes[1]


def test_ranges_grow_away_from_zero_to_both_sides_alike_and_shrink_toward_it() -> None:
    assert Range(-1.0, 4.0).widened(2.0) == Range(-8.0, 8.0)
    assert Range(0.0, 4.0).widened(2.0) == Range(0.0, 8.0)
    assert Range(1.0, 4.0).widened(2.0) == Range(0.5, 8.0)
    assert Range(-4.0, -1.0).widened(2.0) == Range(-8.0, -0.5)


@pytest.mark.parametrize(("number", "bits"), [(1.0, 0), (1.5, 1), (2.0, 1), (0.25, -2), (0.3, -1)])
def test_bits_above_a_number(number: float, bits: int) -> None:
    assert bits_above(number) == bits


TANH = RealNode(Operation.FUNCTION, (3,), (0,), function=Function("tanh", np.tanh))
FIELD = RealNode(Operation.FIELD, (3,), attributes=(0,))


def bits_of(
    node: RealNode, a: Range, b: Range, second: RealNode | None = None, first: RealNode = FIELD
) -> list[int]:
    """The bits of two inputs of a node: a field, or what is given, and its magnitude, or what is given."""
    nodes = (first, second or RealNode(Operation.ABS, (3,), (0,)), node)
    record = Record(nodes, (Field("x", (1, 3), is_whole=False),), "y")
    return magnitude_bits(record, [a, b, Range(-1.0, 1.0)])[:2]


@pytest.mark.parametrize(
    ("is_whole", "ratio", "bits"),
    [(True, 2.0**9, WIDE_BITS), (True, 2.0**22, WIDE_BITS), (True, 2.0**23, FACTOR_BITS),
     (False, 2.0**9, FACTOR_BITS)],
)  # fmt: skip
def test_what_a_short_integer_is_the_quotient_of_has_all_bits(
    is_whole: bool, ratio: float, bits: int
) -> None:
    quotient = RealNode(Operation.DIV, (3,), (0, 1), is_whole=is_whole)
    assert bits_of(quotient, Range(-ratio, ratio), Range(0.1, 1.0)) == [bits, bits]


def test_a_factor_beside_a_tables_result_gets_the_bits_that_its_lines_leave() -> None:
    product, at = RealNode(Operation.MUL, (3,), (0, 1)), Range(-1.0, 1.0)
    assert bits_of(product, at, at) == [FACTOR_BITS, FACTOR_BITS]
    assert bits_of(product, at, at, TANH) == [EXACT_BITS - 1 - TABLE_BITS, TABLE_BITS]
    known = RealNode(Operation.CONSTANT, (3,), array=np.ones(3))
    assert bits_of(product, at, at, TANH, known) == [WIDE_BITS, WIDE_BITS]
