"""Interval analysis: sound for every input, and strict where a sum could pass 63 bits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.checks import INT32_LEAST, INT32_MOST
from anh_rollup.tensor.errors import RangeRefusedError
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Interval
from anh_rollup.tensor.ranges import raw_interval, round_shift

FULL = Interval(INT32_LEAST, INT32_MOST)
INT32 = st.integers(INT32_LEAST, INT32_MOST)


@st.composite
def interval_and_member(draw: st.DrawFn) -> tuple[Interval, int]:
    low, member, high = sorted(draw(st.tuples(INT32, INT32, INT32)))
    return Interval(low, high), member


MEMBER = interval_and_member()


def raw(opcode: Opcode, attributes: tuple[int, ...], *inputs: Interval, terms: int = 1) -> Interval:
    shapes = [(terms,), (1, terms)] if opcode is Opcode.MATMUL else [(terms,)] * len(inputs)
    shapes += [(1,)] * (len(inputs) - len(shapes))
    return raw_interval(opcode, attributes, shapes, inputs, FULL)


def refused(opcode: Opcode, attributes: tuple[int, ...], *inputs: Interval, terms: int = 1) -> bool:
    try:
        raw(opcode, attributes, *inputs, terms=terms)
    except RangeRefusedError:
        return True
    return False


@given(MEMBER, MEMBER, st.integers(0, 31))
def test_a_quotient_lies_in_its_interval(
    a: tuple[Interval, int], b: tuple[Interval, int], power: int
) -> None:
    found = raw(Opcode.DIV, (power,), a[0], b[0])
    if b[1] != 0:
        quotient = (a[1] << power) // b[1]
    else:
        quotient = FULL.high if a[1] > 0 else FULL.low if a[1] < 0 else 0
    assert found.low <= quotient <= found.high


@given(MEMBER, MEMBER, st.integers(0, 62))
def test_a_product_lies_in_its_interval(a: tuple[Interval, int], b: tuple[Interval, int], shift: int) -> None:
    if not refused(Opcode.MUL, (shift,), a[0], b[0]):
        found = raw(Opcode.MUL, (shift,), a[0], b[0])
        assert found.low <= round_shift(a[1] * b[1], shift) <= found.high


@given(MEMBER)
def test_a_magnitude_lies_in_its_interval(a: tuple[Interval, int]) -> None:
    found = raw(Opcode.ABS, (), a[0])
    assert found.low <= abs(a[1]) <= found.high


@given(MEMBER, MEMBER, st.integers(0, 10), st.integers(0, 10), st.integers(-3, 40))
def test_a_difference_lies_in_its_interval(
    a: tuple[Interval, int], b: tuple[Interval, int], p: int, q: int, shift: int
) -> None:
    found = raw(Opcode.SUB, (p, q, shift), a[0], b[0])
    assert found.low <= round_shift((a[1] << p) - (b[1] << q), shift) <= found.high


def test_the_largest_product_of_two_int32_is_proven() -> None:
    assert raw(Opcode.MUL, (0,), FULL, FULL) == Interval(INT32_LEAST * INT32_MOST, 2**62)


def test_the_largest_product_with_the_largest_addend_is_proven() -> None:
    assert raw(Opcode.MUL, (62,), FULL, FULL) == Interval(-1, 1)


def test_a_product_moved_left_is_refused_at_2_to_the_63() -> None:
    assert not refused(Opcode.MUL, (-1,), Interval(0, INT32_MOST), FULL)
    assert refused(Opcode.MUL, (-1,), FULL, FULL)


def test_two_full_products_are_one_too_many() -> None:
    assert not refused(Opcode.MATMUL, (0, 0, 0), FULL, FULL, terms=1)
    assert refused(Opcode.MATMUL, (0, 0, 0), FULL, FULL, terms=2)


@pytest.mark.parametrize("terms", [2, 3, 1000, 262_144])
def test_a_sum_of_products_is_refused_exactly_where_it_could_reach_2_to_the_63(terms: int) -> None:
    most = (2**63 - 1) // terms // 2**31
    one = Interval(2**31 - 1, 2**31 - 1)
    assert most * (2**31 - 1) * terms < 2**63
    assert not refused(Opcode.MATMUL, (0, 0, 0), one, Interval(0, min(most, INT32_MOST)), terms=terms)


def test_the_rounding_addend_counts() -> None:
    x, w = Interval(2**31 - 1, 2**31 - 1), Interval(2**31 - 1, 2**31 - 1)
    assert not refused(Opcode.MATMUL, (62, 62, 0), x, w)
    assert refused(Opcode.MATMUL, (62, 0, 1), x, w, Interval(1, 1))


def test_the_bias_counts_with_its_shift() -> None:
    zero = Interval(0, 0)
    assert not refused(Opcode.MATMUL, (32, 1, 1), zero, zero, FULL)
    assert refused(Opcode.MATMUL, (32, 0, 1), zero, zero, FULL)


def test_shifts_of_channels_are_proven_legal() -> None:
    one = Interval(1, 1)
    assert not refused(Opcode.MATMUL, (0, 3, 3), one, one, one, Interval(3, 61))
    assert refused(Opcode.MATMUL, (0, 3, 3), one, one, one, Interval(2, 61))
    assert refused(Opcode.MATMUL, (0, 0, 2), one, one, Interval(0, 63))


def test_a_long_sum_is_refused_by_its_addend_alone() -> None:
    assert not refused(Opcode.REDUCE, (0, 62, 0, 1), FULL, terms=262_144)
    assert raw(Opcode.REDUCE, (0, 0, 0, 1), FULL, terms=262_144) == Interval(-(2**49), 2**49 - 2**18)


def test_an_argmax_lies_among_its_terms() -> None:
    assert raw(Opcode.REDUCE, (2, 0, 0, 1), FULL, terms=10) == Interval(0, 9)


def test_a_table_of_full_range_never_overflows() -> None:
    found = raw_interval(Opcode.TABLE, (INT32_LEAST, 31), [(1,), (2,)], [FULL, FULL], FULL)
    assert found == FULL


@given(st.integers(-(2**62), 2**62), st.integers(1, 62))
def test_the_rounding_shift_is_the_nearest_with_halves_up(number: int, shift: int) -> None:
    rounded = round_shift(number, shift)
    assert -(2 ** (shift - 1)) <= number - rounded * 2**shift < 2 ** (shift - 1)


def test_saturation_of_an_interval() -> None:
    assert Interval(-5, 90).clamp(0, 10) == Interval(0, 10)
    assert Interval(20, 90).clamp(0, 10) == Interval(10, 10)
