from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.protocol.admission import RejectedError, RejectReason
from anh_rollup.protocol.ledger import Effect, asked_cover
from anh_rollup.sequencer.pool import SPARE_ENTRIES, Pool, Pooled, PoolLimits
from tests.doubles.ordering import ALICE, BOB, GWEI, MALLORY, Wallet, pair

WALLETS = (ALICE, BOB, MALLORY)


def pooled(wallet: Wallet, nonce: int, fee: int = 2 * GWEI, since: float = 0.0, **fields: Any) -> Pooled:
    return Pooled(*pair(wallet.sign(nonce=nonce, maxFeePerGas=fee, **fields)), since)


def pool(*waiting: Pooled, **limits: Any) -> Pool:
    made = Pool(PoolLimits(**limits))
    for each in waiting:
        made.add(each)
    return made


def nonces(made: Pool, wallets: Sequence[Wallet] = WALLETS) -> list[list[int]]:
    return [sorted(made._by_sender.get(each.address, {})) for each in wallets]


def test_what_waits_is_found_by_hash_and_sender() -> None:
    later, sooner = pooled(ALICE, 5), pooled(ALICE, 3)
    made = pool(later, sooner)
    assert (len(made), list(made.senders), made.first(ALICE.address)) == (2, [ALICE.address], sooner)
    assert later.transaction.hash in made
    assert pooled(BOB, 1).transaction.hash not in made
    assert made.get(later.transaction.hash) is later
    covers = [asked_cover(each.transaction, Effect.TRANSFER) for each in (sooner, later)]
    assert made.cost(ALICE.address) == sum(covers)
    assert made.cost(ALICE.address, but=5) == covers[0]
    assert (made.first(BOB.address), made.cost(BOB.address)) == (None, 0)


@pytest.mark.parametrize(
    ("fees", "enough"),
    [
        ((110, 11), True),
        ((109, 11), False),
        ((110, 10), False),
        ((200, 10), False),
        ((100, 11), False),
        ((100, 10), False),
    ],
)
def test_a_replacement_pays_a_tenth_more_of_both_fees(fees: tuple[int, int], enough: bool) -> None:
    made = pool(pooled(ALICE, 1, 100 * GWEI, maxPriorityFeePerGas=10 * GWEI))
    new = pooled(ALICE, 1, fees[0] * GWEI, maxPriorityFeePerGas=fees[1] * GWEI)
    if enough:
        made.require_replaceable(new.transaction)
        return
    with pytest.raises(RejectedError) as refused:
        made.require_replaceable(new.transaction)
    assert refused.value.message == (
        f"replacement transaction underpriced: both fees 10 % above {100 * GWEI} and {10 * GWEI} wei"
    )


def test_without_a_priority_fee_a_replacement_still_has_to_have_more_of_one() -> None:
    made = pool(pooled(ALICE, 1, 100))
    with pytest.raises(RejectedError, match="replacement transaction underpriced"):
        made.require_replaceable(pooled(ALICE, 1, 200).transaction)
    made.require_replaceable(pooled(ALICE, 1, 200, maxPriorityFeePerGas=1).transaction)
    made.require_replaceable(pooled(BOB, 1, 1).transaction)
    made.require_replaceable(pooled(ALICE, 2, 1).transaction)


def test_a_replacement_takes_the_place_of_what_it_replaces() -> None:
    old, new = pooled(ALICE, 1, 100), pooled(ALICE, 1, 200)
    made = pool(old, new, most=1)
    assert (made.first(ALICE.address), made.get(old.transaction.hash), len(made)) == (new, None, 1)
    assert made.take_changes() == {old.transaction.hash: None, new.transaction.hash: new.record}
    assert made.take_changes() == {}


def test_the_cheapest_goes_first_and_of_equal_ones_the_newest() -> None:
    made = pool(pooled(ALICE, 1, 50), pooled(ALICE, 2, 30), pooled(BOB, 1, 30), most=3)
    made.add(pooled(MALLORY, 1, 40))
    assert nonces(made) == [[1, 2], [], [1]]
    made.add(pooled(MALLORY, 2, 40))
    assert nonces(made) == [[1], [], [1, 2]]


def test_whoever_would_be_the_cheapest_is_refused_and_nothing_goes() -> None:
    made = pool(pooled(ALICE, 1, 50), pooled(BOB, 1, 60), most=2)
    for fee in (40, 50):
        with pytest.raises(RejectedError) as refused:
            made.add(pooled(MALLORY, 1, fee))
        assert refused.value.reason is RejectReason.POOL_FULL
    assert nonces(made) == [[1], [1], []]
    made.add(pooled(MALLORY, 1, 51))
    assert nonces(made) == [[], [1], [1]]


def test_bytes_are_bounded_too() -> None:
    small = pooled(ALICE, 1, 50)
    made = pool(small, pooled(BOB, 1, 60), most_bytes=3 * len(small.record))
    made.add(pooled(MALLORY, 1, 70, data=b"\1" * (len(small.record) // 2), gas=100_000))
    assert nonces(made) == [[], [1], [1]]
    with pytest.raises(RejectedError, match="txpool is full"):
        made.add(pooled(ALICE, 2, 10**12, data=b"\1" * 1_000, gas=100_000))
    assert nonces(made) == [[], [1], [1]]


def test_what_waits_for_too_long_is_forgotten() -> None:
    made = pool(pooled(ALICE, 1), pooled(ALICE, 2, since=5.0), pooled(BOB, 1, since=9.0), seconds=10.0)
    assert [made.expire(now) for now in (9.9, 15.0, 18.9)] == [0, 2, 0]
    assert nonces(made) == [[], [1], []]


def test_what_went_does_not_pile_up() -> None:
    made, each = pool(), pooled(ALICE, 1)
    for _ in range(2 * SPARE_ENTRIES):
        made.add(each)
        made.remove(each.transaction.hash)
    assert len(made._cheapest) <= SPARE_ENTRIES + 2


READY = [pooled(wallet, nonce, fee) for wallet in WALLETS for nonce in (1, 2, 3) for fee in (10, 20, 30)]


@given(
    steps=st.lists(st.tuples(st.sampled_from(range(len(READY))), st.booleans()), max_size=40),
    most=st.integers(1, 5),
)
def test_the_pool_stays_whole_whatever_comes_and_goes(steps: list[tuple[int, bool]], most: int) -> None:
    made, model = pool(most=most), dict[bytes, bytes]()
    for place, goes in steps:
        each = READY[place]
        digest = each.transaction.hash
        if goes and made.get(digest) is not None:
            made.remove(digest)
        elif made.get(digest) is None:
            before = set(made._by_hash)
            try:
                made.add(each)
            except RejectedError:
                assert set(made._by_hash) == before
        for changed, record in made.take_changes().items():
            model.pop(changed, None)
            if record is not None:
                model[changed] = record
        assert model == {name: known.record for name, known in made._by_hash.items()}
        assert made._size == sum(map(len, model.values()))
        assert len(made) == sum(map(len, nonces(made))) <= most
        assert {name for _, _, name in made._cheapest} >= set(made._by_hash)
