"""Fee rules: what is offered, how it grows, where it stops."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.l1.errors import FeeCapError
from anh_rollup.l1.fees import BLOB_GAS, FeePolicy, Market, Offer, bump, is_outbid, quote, raise_tip
from anh_rollup.primitives import GWEI

POLICY = FeePolicy(cap=100 * GWEI, blob_cap=50 * GWEI, tip=GWEI)


def test_a_first_offer_leaves_room_for_the_base_fee_to_double() -> None:
    assert quote(Market(10 * GWEI, 2 * GWEI), POLICY, with_blobs=False) == Offer(22 * GWEI, 2 * GWEI)


def test_a_node_without_opinion_gets_the_policys_tip() -> None:
    assert quote(Market(10 * GWEI), POLICY, with_blobs=False) == Offer(21 * GWEI, GWEI)


def test_an_offer_stays_below_the_cap() -> None:
    assert quote(Market(80 * GWEI, 5 * GWEI), POLICY, with_blobs=False) == Offer(100 * GWEI, 5 * GWEI)
    assert quote(Market(98 * GWEI, 5 * GWEI), POLICY, with_blobs=False) == Offer(100 * GWEI, 2 * GWEI)


def test_a_market_above_the_cap_is_refused() -> None:
    with pytest.raises(FeeCapError) as caught:
        quote(Market(101 * GWEI), POLICY, with_blobs=False)
    assert (caught.value.price, caught.value.cap) == (101 * GWEI, 100 * GWEI)


def test_blobs_above_their_own_cap_are_refused() -> None:
    with pytest.raises(FeeCapError):
        quote(Market(GWEI, blob_base_fee=51 * GWEI), POLICY, with_blobs=True)


def test_a_chain_without_base_fee_gets_its_price() -> None:
    assert quote(Market(None, gas_price=20 * GWEI), POLICY, with_blobs=False) == Offer(20 * GWEI, None)


@given(st.integers(1, 80 * GWEI), st.integers(0, 20 * GWEI), st.integers(0, 10 * GWEI), st.booleans())
def test_a_bump_is_always_one_that_pools_accept(base: int, tip: int, blob: int, with_blobs: bool) -> None:
    market = Market(base, tip, blob_base_fee=blob)
    old = quote(market, POLICY, with_blobs)
    new = bump(old, market, POLICY)
    if new is None:
        return
    assert old.tip is not None
    assert new.tip is not None
    factor = (2, 1) if with_blobs else (9, 8)
    assert new.max_fee * factor[1] >= old.max_fee * factor[0]
    assert new.tip * factor[1] >= old.tip * factor[0]
    assert new.max_blob_fee >= 2 * old.max_blob_fee
    assert new.tip <= new.max_fee <= POLICY.cap
    assert new.max_blob_fee <= POLICY.blob_cap


def test_a_tip_doubles_up_to_all_that_is_paid() -> None:
    assert raise_tip(Offer(100 * GWEI, 30 * GWEI, GWEI)) == Offer(100 * GWEI, 60 * GWEI, GWEI)
    assert raise_tip(Offer(100 * GWEI, 60 * GWEI)) == Offer(100 * GWEI, 100 * GWEI)
    assert raise_tip(Offer(100 * GWEI, None)) == Offer(100 * GWEI, None)


def test_a_bump_follows_a_market_that_rose_more() -> None:
    assert bump(Offer(10 * GWEI, GWEI), Market(40 * GWEI, GWEI), POLICY) == Offer(81 * GWEI, GWEI * 9 // 8)


def test_there_is_no_bump_beyond_the_cap() -> None:
    assert bump(Offer(95 * GWEI, GWEI), Market(GWEI), POLICY) is None
    assert bump(Offer(10 * GWEI, GWEI), Market(101 * GWEI), POLICY) is None
    assert bump(Offer(GWEI, GWEI, 30 * GWEI), Market(GWEI), POLICY) is None


def test_an_offer_below_the_base_fee_is_outbid() -> None:
    assert is_outbid(Offer(10, 1), Market(11))
    assert not is_outbid(Offer(10, 1), Market(10))
    assert is_outbid(Offer(10, 1, 5), Market(10, blob_base_fee=6))
    assert not is_outbid(Offer(10, None), Market(None))


def test_the_cost_counts_gas_and_blobs() -> None:
    assert Offer(3, 1, 2).cost(100, 4) == 300 + 4 * BLOB_GAS * 2
