import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.primitives import Address, Digest
from anh_rollup.protocol.fees import (
    BLOCK_GAS_LIMIT,
    FIRST_BASE_FEE,
    LEAST_BASE_FEE,
    MOST_BASE_FEE,
    call_gas,
    calldata_tokens,
    effective_gas_price,
    intrinsic_gas,
    next_base_fee,
)
from tests.doubles.ordering import ALICE, decoded

PLAIN = decoded(ALICE.sign())
TARGET = BLOCK_GAS_LIMIT // 2


@pytest.mark.parametrize(
    ("ordered", "expected"),
    [
        (TARGET, FIRST_BASE_FEE),
        (2 * TARGET, FIRST_BASE_FEE * 9 // 8),
        (0, FIRST_BASE_FEE * 7 // 8),
        (TARGET + 1, FIRST_BASE_FEE + 2),
        (TARGET - 1, FIRST_BASE_FEE - 2),
        (100 * BLOCK_GAS_LIMIT, FIRST_BASE_FEE * 9 // 8),
    ],
)
def test_the_base_fee_follows_the_ordered_gas(ordered: int, expected: int) -> None:
    assert next_base_fee(FIRST_BASE_FEE, ordered) == expected


def test_a_full_block_always_raises_the_base_fee_by_at_least_one_wei() -> None:
    assert next_base_fee(1, BLOCK_GAS_LIMIT) == LEAST_BASE_FEE
    assert next_base_fee(LEAST_BASE_FEE, TARGET + 1) == LEAST_BASE_FEE + 1


def test_the_base_fee_never_rises_above_128_bits() -> None:
    assert next_base_fee(MOST_BASE_FEE - 1, BLOCK_GAS_LIMIT) == MOST_BASE_FEE


@given(st.integers(LEAST_BASE_FEE, 2**128), st.integers(0, 2 * BLOCK_GAS_LIMIT))
def test_the_base_fee_moves_by_an_eighth_at_most_and_never_below_the_floor(base: int, ordered: int) -> None:
    moved = next_base_fee(base, ordered)
    assert max(base - base // 8, LEAST_BASE_FEE) <= moved <= base + max(base // 8, 1)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 21_000),
        ({"data": b"\0"}, 21_000 + 10),
        ({"data": b"\1"}, 21_000 + 40),
        ({"data": b"\1" * 1_000}, 21_000 + 40_000),
        ({"to": None}, 53_000),
        ({"to": None, "data": b"\1" * 33}, 53_000 + 16 * 33 + 2 * 2),
        ({"access_list": ((Address(b"\1" * 20), (Digest(b"\2" * 32),) * 3),)}, 21_000 + 2_400 + 3 * 1_900),
        # The floor of EIP-7623 is over the standard cost as a whole, access list included.
        (
            {"data": b"\1" * 100, "access_list": ((Address(b"\1" * 20), ()),)},
            21_000 + max(1_600 + 2_400, 4_000),
        ),
    ],
)
def test_intrinsic_gas_is_ethereums(changes: dict[str, object], expected: int) -> None:
    assert intrinsic_gas(PLAIN._replace(**changes)) == expected


@given(st.binary(max_size=300))
def test_a_call_without_an_access_list_costs_its_intrinsic_gas(data: bytes) -> None:
    assert call_gas(data) == intrinsic_gas(PLAIN._replace(data=data))


def test_the_price_is_base_fee_and_tip_within_the_maximum() -> None:
    offer = PLAIN._replace(max_fee=100, priority_fee=7)
    assert [effective_gas_price(offer, base) for base in (10, 93, 95, 100)] == [17, 100, 100, 100]


def test_tokens_of_calldata_count_as_the_eip_says() -> None:
    assert calldata_tokens(b"\0\0\1") == 6
