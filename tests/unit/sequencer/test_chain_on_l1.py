"""What L1 does to a sequencer: forced transactions, other posters, reorgs."""

from pathlib import Path

import pytest

from anh_rollup.protocol.fees import BLOCK_GAS_LIMIT
from anh_rollup.protocol.ledger import Account, Charged, Skipped, SkipReason
from anh_rollup.sequencer.chain import SequencerChain
from anh_rollup.sequencer.poster import decide
from tests.doubles.ordering import (
    ALICE,
    BATCH_BYTES,
    BOB,
    ETHER,
    MALLORY,
    FakeL1,
    accepted,
    chain_on,
    decoded,
    outcome,
    record_of,
)


def test_a_censored_transaction_comes_in_through_the_queue(l1: FakeL1, chain: SequencerChain) -> None:
    raw = ALICE.transfer(0, BOB.address, 7)
    l1.force(record_of(raw))
    chain.follow()
    chain.seal()
    assert outcome(chain, raw) is None  # not deep enough yet
    l1.mine(2)
    chain.follow()
    block = chain.seal()
    assert block is not None
    assert (block.forced, isinstance(outcome(chain, raw), Charged)) == (1, True)
    l1.post(chain.blocks_after(0))
    l1.refresh()
    assert l1.order.head.header.hash == chain.head.header.hash
    assert l1.order.head.forced_end == 1


def test_a_transaction_whose_nonce_a_forced_one_takes_waits_until_that_is_on_l1(
    l1: FakeL1, chain: SequencerChain, tmp_path: Path
) -> None:
    sent = ALICE.transfer(0, BOB.address, 7)
    accepted(chain, sent)
    l1.force(record_of(ALICE.transfer(0, BOB.address, 8)))
    l1.mine(2)
    chain.follow()
    l1.reorg(3)
    l1.mine()
    again = chain_on(l1, tmp_path)
    again.seal()
    assert isinstance(outcome(again, sent), Charged)


def test_a_forced_copy_of_a_waiting_transaction_counts_once(l1: FakeL1, chain: SequencerChain) -> None:
    raw = ALICE.transfer(0, BOB.address, 7)
    accepted(chain, raw)
    l1.force(record_of(raw))
    l1.mine(2)
    chain.follow()
    chain.seal()
    assert chain.account(BOB.address, pending=False).cleared == 7
    assert isinstance(outcome(chain, raw), Charged)
    l1.post(chain.blocks_after(0))
    chain.follow()
    assert (chain.waiting, chain.seal()) == (0, None)


def test_a_transaction_that_was_forced_too_early_can_still_be_sent(l1: FakeL1, chain: SequencerChain) -> None:
    later = ALICE.transfer(1, BOB.address, 7)
    l1.force(record_of(later))
    l1.mine(2)
    chain.follow()
    chain.seal()
    assert outcome(chain, later) == Skipped(SkipReason.NONCE_TOO_HIGH)
    accepted(chain, ALICE.sign(nonce=0), later)
    chain.seal()
    assert isinstance(outcome(chain, later), Charged)


def test_an_overdue_queue_replaces_what_is_not_posted_and_loses_nothing(
    l1: FakeL1, chain: SequencerChain, tmp_path: Path
) -> None:
    raw = ALICE.transfer(0, BOB.address, 1)
    accepted(chain, raw)
    ours = chain.seal()
    l1.deposit(MALLORY.address, ETHER)
    l1.force(record_of(MALLORY.transfer(0, BOB.address, 5)))
    l1.post_forced()
    chain.follow()
    theirs = chain.block(1)
    assert ours is not None
    assert theirs is not None
    assert theirs.forced == 1
    assert chain.waiting == 1
    assert (chain.signs(1, ours.hash), chain.signs(1, theirs.hash)) == (True, False)
    again = chain_on(l1, tmp_path)
    second = again.seal()
    assert second is not None
    assert again.signs(2, second.hash)
    assert again.account(BOB.address, pending=False).cleared == 6


def test_a_reorg_that_takes_back_a_batch_changes_no_block(l1: FakeL1, chain: SequencerChain) -> None:
    accepted(chain, ALICE.sign())
    block = chain.seal()
    assert block is not None
    l1.mine()
    l1.post([block])
    chain.follow()
    assert chain.safe_number == 1
    l1.reorg(1)
    chain.follow()
    assert (chain.safe_number, chain.head.header) == (0, block.header)
    l1.post(chain.blocks_after(0))
    chain.follow()
    assert chain.safe_number == 1


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_a_reorg_that_takes_a_deposit_parks_what_stood_on_it(tmp_path: Path, depth: int) -> None:
    l1 = FakeL1()
    l1.mine(10)
    l1.deposit(ALICE.address, ETHER)
    l1.mine(depth - 1)
    chain = chain_on(l1, tmp_path)
    raw = ALICE.transfer(0, BOB.address, 3)
    accepted(chain, raw)
    l1.reorg(depth)
    chain.follow()
    assert (chain.waiting, chain.seal()) == (1, None)
    assert chain.account(ALICE.address, pending=True) == Account()
    l1.deposit(ALICE.address, ETHER)
    chain.follow()
    chain.seal()
    assert isinstance(outcome(chain, raw), Charged)


def test_a_sealed_block_stays_when_a_reorg_takes_its_deposit_and_its_transaction_is_skipped(
    l1: FakeL1, chain: SequencerChain
) -> None:
    raw = ALICE.transfer(0, BOB.address, 3)
    accepted(chain, raw)
    block = chain.seal()
    l1.reorg(1)
    chain.follow()
    assert chain.block(1) == block
    assert outcome(chain, raw) == Skipped(SkipReason.FUNDS)
    l1.deposit(ALICE.address, ETHER)
    chain.follow()
    assert isinstance(outcome(chain, raw), Charged)
    l1.post(chain.blocks_after(0))
    chain.follow()
    assert chain.account(BOB.address, pending=False) == l1.order.ledger.account(BOB.address)


def test_a_reorg_that_takes_a_forced_transaction_for_good_costs_its_block_and_nothing_else(
    l1: FakeL1, tmp_path: Path
) -> None:
    chain = chain_on(l1, tmp_path)
    l1.deposit(MALLORY.address, ETHER)
    l1.force(record_of(MALLORY.transfer(0, BOB.address, 100)))
    l1.mine(2)
    chain.follow()
    raw = ALICE.transfer(0, BOB.address, 1)
    accepted(chain, raw)
    signed = chain.seal()
    assert signed is not None
    l1.reorg(3)
    l1.mine(3)
    chain.follow()
    assert chain.block(1) == signed  # it may come back
    assert decide(l1, chain, BATCH_BYTES) is None
    l1.mine(3)
    chain.follow()
    chain = chain_on(l1, tmp_path)
    block = chain.seal()
    assert block is not None
    assert (block.number, block.forced, chain.signs(1, block.hash)) == (1, 0, False)
    assert isinstance(outcome(chain, raw), Charged)
    assert decide(l1, chain, BATCH_BYTES) is not None


def test_a_forced_transaction_that_comes_back_after_a_reorg_keeps_its_block(
    l1: FakeL1, tmp_path: Path
) -> None:
    chain = chain_on(l1, tmp_path)
    record = record_of(ALICE.transfer(0, BOB.address, 100))
    l1.force(record)
    l1.mine(2)
    chain.follow()
    signed = chain.seal()
    l1.reorg(3)
    l1.force(record)
    l1.mine(4)
    chain.follow()
    assert chain.block(1) == signed
    assert decide(l1, chain, BATCH_BYTES) is not None


def test_a_reorg_that_takes_a_deposit_changes_no_later_blocks_hash(
    l1: FakeL1, chain: SequencerChain, tmp_path: Path
) -> None:
    for nonce in range(3):
        accepted(chain, ALICE.call(nonce, b"", gas=10**7))
        chain.seal()
    blocks = chain.blocks_after(0)
    l1.reorg(1)
    l1.mine()
    again = chain_on(l1, tmp_path)
    assert again.blocks_after(0) == blocks
    l1.post(blocks)
    again.follow()
    assert [block.hash for block in l1.order.blocks] == [block.hash for block in blocks]
    assert [type(each) for (each,) in l1.order.outcomes] == [Skipped] * 3


def test_a_restart_on_a_lagging_node_catches_up(l1: FakeL1, chain: SequencerChain, tmp_path: Path) -> None:
    raw = ALICE.transfer(0, BOB.address, 3)
    accepted(chain, raw)
    chain.seal()
    lagging = FakeL1()
    again = chain_on(lagging, tmp_path)
    assert outcome(again, raw) == Skipped(SkipReason.FUNDS)
    lagging.deposit(ALICE.address, ETHER)
    again.follow()
    assert isinstance(outcome(again, raw), Charged)


def test_a_followers_ledger_is_the_sequencers(l1: FakeL1, chain: SequencerChain) -> None:
    accepted(chain, ALICE.order(0, 9), ALICE.call(1, b"\1"), ALICE.transfer(2, BOB.address, 4))
    chain.seal()
    l1.force(b"nonsense")
    l1.mine(3)
    chain.follow()
    chain.seal()
    l1.post(chain.blocks_after(0))
    chain.follow()
    for wallet in (ALICE, BOB, MALLORY):
        expected = chain.account(wallet.address, pending=False)
        assert l1.order.ledger.account(wallet.address) == expected
    assert l1.order.ledger.held == l1.order.ledger.deposited


def test_a_transaction_that_forced_ones_crowd_out_is_in_the_next_block(tmp_path: Path) -> None:
    """Whoever forces a transaction with all the gas of a block in each L1 block delays nobody for longer."""
    l1 = FakeL1()
    for each in (ALICE, MALLORY):
        l1.deposit(each.address, 10 * ETHER)
    chain = chain_on(l1, tmp_path, forced_depth=0)
    l1.mine()
    chain.follow()
    chain.seal()
    acknowledged = ALICE.transfer(0, BOB.address, 5)
    accepted(chain, acknowledged)

    l1.force(record_of(MALLORY.call(0, b"\1", gas=BLOCK_GAS_LIMIT)))
    chain.follow()
    crowded = chain.seal()
    assert crowded is not None
    assert (crowded.forced, len(crowded.transactions)) == (1, 1)
    assert chain.account(ALICE.address, pending=True).nonce == 1
    accepted(chain, ALICE.transfer(1, BOB.address, 5))
    following = chain.seal()
    assert following is not None
    assert [each.hash for _, each in following.transactions if each] == [
        decoded(acknowledged).hash,
        decoded(ALICE.transfer(1, BOB.address, 5)).hash,
    ]


def test_what_was_folded_during_construction_is_what_a_new_fold_says(tmp_path: Path) -> None:
    l1 = FakeL1()
    for each in (ALICE, MALLORY):
        l1.deposit(each.address, 10 * ETHER)
    chain = chain_on(l1, tmp_path, forced_depth=0)
    for nonce in range(3):
        l1.force(record_of(MALLORY.transfer(nonce, BOB.address, 7)))
        l1.force(record_of(MALLORY.transfer(99, BOB.address, 7)))
        l1.deposit(BOB.address, 11)
        chain.follow()
        accepted(chain, ALICE.transfer(2 * nonce, BOB.address, 5), ALICE.call(2 * nonce + 1, b"\1"))
        chain.seal()
    sealed = chain._sealed
    folded = chain._folded(sealed.order.blocks)
    assert [len(block.transactions) for block in sealed.order.blocks] == [4, 4, 4]
    assert sealed == folded
