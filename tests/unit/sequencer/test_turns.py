"""Transactions whose turn has not come: they wait, in bounded number and time, and are never put onto L1."""

from pathlib import Path
from typing import Any

import pytest

from anh_rollup.protocol.admission import RejectedError, RejectReason
from anh_rollup.protocol.fees import BLOCK_GAS_LIMIT
from anh_rollup.sequencer.chain import SequencerChain
from anh_rollup.sequencer.pool import PoolLimits
from anh_rollup.sequencer.sender_rates import SenderLimits
from tests.doubles.ordering import (
    ALICE,
    BOB,
    ETHER,
    GWEI,
    MALLORY,
    Clock,
    FakeL1,
    accepted,
    chain_on,
    decoded,
    record_of,
    rejected,
)


def nonces(chain: SequencerChain) -> list[int]:
    """Of Alice's transactions in the block under construction."""
    return [each.nonce for _, each in chain._next.own if each is not None and each.sender == ALICE.address]


def block_of(chain: SequencerChain, raw: bytes) -> Any:
    placed = chain.placement(decoded(raw).hash)
    return "unknown" if placed is None else placed.block


def test_what_is_ahead_waits_for_the_nonces_before_it(chain: SequencerChain) -> None:
    chain.seal()  # the deposit
    later = [ALICE.sign(nonce=nonce) for nonce in (3, 2, 1)]
    accepted(chain, *later)
    assert [block_of(chain, raw) for raw in later] == [None] * 3
    assert (chain.waiting, chain.account(ALICE.address, pending=True).nonce, chain.seal()) == (3, 0, None)
    accepted(chain, ALICE.sign(nonce=0))
    assert nonces(chain) == [0, 1, 2, 3]
    block = chain.seal()
    assert block is not None
    assert [block_of(chain, raw) for raw in later] == [block] * 3
    assert chain.waiting == 0


def test_what_waits_is_known(chain: SequencerChain) -> None:
    accepted(chain, ALICE.sign(nonce=1))
    assert rejected(chain, ALICE.sign(nonce=1)) == "already known"


def test_an_account_without_money_has_nothing_waiting(chain: SequencerChain) -> None:
    assert rejected(chain, MALLORY.sign(nonce=1)) == (
        "insufficient funds for gas * price + value: cleared balance 0 wei, of which 0 wei cover what waits"
    )
    assert chain.waiting == 0


def test_everything_that_waits_is_covered_together(chain: SequencerChain) -> None:
    each = ETHER // 3
    accepted(chain, *[ALICE.transfer(nonce, BOB.address, each) for nonce in (1, 2)])
    assert "insufficient funds" in rejected(chain, ALICE.transfer(3, BOB.address, each))
    richer = ALICE.transfer(2, BOB.address, each, maxFeePerGas=3 * GWEI, maxPriorityFeePerGas=1)
    accepted(chain, richer)
    assert chain.waiting == 2


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"nonce": 17}, "nonce too high: next nonce 0, tx nonce 17"),
        ({"gas": 20_000}, "intrinsic gas too low"),
        (
            {"gas": BLOCK_GAS_LIMIT + 1},
            "exceeds block gas limit: block gas limit 120000000, tx gas 120000001",
        ),
        ({"maxFeePerGas": 1}, "max fee per gas less than block base fee: maxFeePerGas 1, baseFee 875000000"),
        ({"gas": 2_000_000, "data": bytes(range(1, 250)) * 5}, "oversized data: record of"),
    ],
)
def test_what_could_never_be_next_does_not_wait(
    l1: FakeL1, tmp_path: Path, fields: dict[str, Any], message: str
) -> None:
    chain = chain_on(l1, tmp_path, most_batch_bytes=1_000)
    assert rejected(chain, ALICE.sign(**{"nonce": 1, **fields})).startswith(message)
    assert chain.waiting == 0


def test_a_better_price_replaces_what_waits_and_nothing_else(chain: SequencerChain) -> None:
    first, second = ALICE.sign(nonce=1), ALICE.sign(nonce=1, maxFeePerGas=3 * GWEI, maxPriorityFeePerGas=1)
    accepted(chain, first)
    assert rejected(chain, ALICE.sign(nonce=1, maxFeePerGas=3 * GWEI)).startswith(
        "replacement transaction underpriced: both fees 10 % above"
    )
    accepted(chain, second)
    assert [block_of(chain, raw) for raw in (first, second)] == ["unknown", None]
    accepted(chain, ALICE.sign())
    assert nonces(chain) == [0, 1]
    assert rejected(chain, ALICE.sign(nonce=1, maxFeePerGas=9 * GWEI)) == (
        "nonce too low: next nonce 2, tx nonce 1"
    )


def test_what_waits_is_there_after_a_restart_and_has_its_turn(l1: FakeL1, tmp_path: Path) -> None:
    chain = chain_on(l1, tmp_path)
    waiting = [ALICE.sign(nonce=nonce) for nonce in (2, 1)]
    accepted(chain, *waiting)
    chain._journal.close()
    again = chain_on(l1, tmp_path)
    assert [block_of(again, raw) for raw in waiting] == [None] * 2
    accepted(again, ALICE.sign())
    again._journal.close()
    third = chain_on(l1, tmp_path)
    assert (nonces(third), len(third._pool)) == ([0, 1, 2], 0)
    block = third.seal()
    assert block is not None
    assert len(block.transactions) == 3
    third._journal.close()
    assert chain_on(l1, tmp_path).waiting == 0


def test_what_a_restart_finds_both_waiting_and_accepted_is_there_once(l1: FakeL1, tmp_path: Path) -> None:
    chain, raw = chain_on(l1, tmp_path), ALICE.sign()
    accepted(chain, raw)
    chain._journal.write([], {decoded(raw).hash: record_of(raw)})
    chain._journal.close()
    again = chain_on(l1, tmp_path)
    assert (again.waiting, nonces(again), again._journal.pooled()) == (1, [0], [])


def test_what_waits_for_too_long_is_forgotten_and_its_row_goes(l1: FakeL1, tmp_path: Path) -> None:
    clock = Clock()
    chain = chain_on(l1, tmp_path, clock, pool=PoolLimits(seconds=600.0))
    chain.seal()  # the deposit
    raw = ALICE.sign(nonce=1)
    accepted(chain, raw)
    clock.now += 599
    assert (chain.seal(), block_of(chain, raw)) == (None, None)
    clock.now += 1
    assert (chain.seal(), block_of(chain, raw)) == (None, "unknown")
    accepted(chain, ALICE.sign())
    assert (nonces(chain), chain._journal.pooled()) == ([0], [])


def test_a_turn_passes_to_the_next_block_where_this_one_is_full(l1: FakeL1, tmp_path: Path) -> None:
    chain = chain_on(l1, tmp_path)
    heavy = ALICE.call(1, b"\1", gas=BLOCK_GAS_LIMIT - 50_000, maxFeePerGas=GWEI)
    accepted(chain, heavy)
    accepted(chain, ALICE.call(0, b"\1", gas=100_000))
    assert nonces(chain) == [0]
    chain.seal()
    assert nonces(chain) == [1]
    chain.seal()
    assert chain.waiting == 0


def test_what_a_sender_cannot_pay_any_more_is_forgotten(chain: SequencerChain) -> None:
    raw = ALICE.transfer(1, BOB.address, ETHER // 2)
    accepted(chain, raw)
    accepted(chain, ALICE.transfer(0, BOB.address, ETHER * 2 // 3))
    assert (nonces(chain), block_of(chain, raw)) == ([0], "unknown")


def test_what_l1_forces_gives_turns_too(chain: SequencerChain, l1: FakeL1) -> None:
    late, waiting = ALICE.sign(nonce=1, value=7), ALICE.sign(nonce=1)
    accepted(chain, waiting, ALICE.sign(nonce=2))
    l1.force(record_of(ALICE.transfer(0, BOB.address, 5)))
    l1.mine(2)
    chain.follow()
    assert nonces(chain) == [1, 2]
    assert "nonce too low" in rejected(chain, late)


def test_a_nonce_that_l1_used_is_waited_for_no_more(chain: SequencerChain, l1: FakeL1) -> None:
    raw = ALICE.sign(nonce=1)
    accepted(chain, raw)
    for nonce in (0, 1):
        l1.force(record_of(ALICE.transfer(nonce, BOB.address, 5)))
    l1.mine(2)
    chain.follow()
    assert block_of(chain, raw) == "unknown"


def test_the_pool_is_bounded_for_all_senders_and_the_cheapest_go(l1: FakeL1, tmp_path: Path) -> None:
    l1.deposit(BOB.address, ETHER)
    chain = chain_on(l1, tmp_path, pool=PoolLimits(most=2))
    cheap = ALICE.sign(nonce=1)
    accepted(chain, cheap, ALICE.sign(nonce=2, maxFeePerGas=3 * GWEI))
    assert rejected(chain, BOB.sign(nonce=1)) == "txpool is full"
    accepted(chain, BOB.sign(nonce=1, maxFeePerGas=4 * GWEI))
    assert (block_of(chain, cheap), chain.waiting) == ("unknown", 2)


def test_without_a_pool_nothing_waits(l1: FakeL1, tmp_path: Path) -> None:
    chain = chain_on(l1, tmp_path, pool=PoolLimits(per_sender=0))
    assert rejected(chain, ALICE.sign(nonce=1)) == "nonce too high: next nonce 0, tx nonce 1"


def test_one_sender_sends_no_faster_than_it_may(l1: FakeL1, tmp_path: Path) -> None:
    l1.deposit(BOB.address, ETHER)
    clock = Clock()
    chain = chain_on(l1, tmp_path, clock, senders=SenderLimits(transactions=1))
    results = chain.submit([ALICE.sign(nonce=nonce) for nonce in range(12)])
    refused = [each.reason for each in results if isinstance(each, RejectedError)]
    assert refused == [RejectReason.SENDER_RATE] * 2
    accepted(chain, BOB.sign())
    clock.now += 1
    accepted(chain, ALICE.sign(nonce=10))
