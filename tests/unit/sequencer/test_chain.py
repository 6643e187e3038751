from pathlib import Path
from typing import Any

import pytest

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.l1.errors import L1UnreachableError
from anh_rollup.protocol.admission import RejectedError, RejectReason
from anh_rollup.protocol.derivation import MOST_CLOCK_SKEW
from anh_rollup.protocol.ledger import Account, Charged, Lapse, Payout
from anh_rollup.sequencer.chain import SequencerChain
from anh_rollup.sequencer.errors import JournalMissingError, WrongJournalError
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
    outcome,
    record_of,
    rejected,
)

# --- admission ---


def test_an_accepted_transaction_waits_then_stands_in_a_block(chain: SequencerChain) -> None:
    raw = ALICE.transfer(0, BOB.address, 5)
    accepted(chain, raw)
    waiting = chain.placement(decoded(raw).hash)
    assert waiting is not None
    assert waiting.block is None
    assert chain.account(ALICE.address, pending=True).nonce == 1
    assert chain.account(ALICE.address, pending=False) == Account()
    block = chain.seal()
    placed = chain.placement(decoded(raw).hash)
    assert placed is not None
    assert (placed.block, placed.index) == (block, 0)
    assert chain.account(BOB.address, pending=False) == Account(0, 5)


def test_a_deposit_can_be_spent_as_soon_as_l1_has_it(chain: SequencerChain) -> None:
    accepted(chain, ALICE.transfer(0, BOB.address, ETHER // 2), BOB.transfer(0, ALICE.address, 1))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (
            MALLORY.sign(),
            "insufficient funds for gas * price + value: cleared balance 0 wei",
        ),
        (ALICE.sign(nonce=17), "nonce too high: next nonce 0, tx nonce 17"),
        (ALICE.sign(gas=20_000), "intrinsic gas too low"),
        (
            ALICE.sign(maxFeePerGas=GWEI // 2),
            "max fee per gas less than block base fee: maxFeePerGas 500000000, baseFee 875000000",
        ),
        (
            ALICE.sign(gas=120_000_001),
            "exceeds block gas limit: gas left 120000000, tx gas 120000001",
        ),
        (
            ALICE.sign(chainId=1),
            "invalid chain id for signer: the transaction is signed for chain 1, not 210614763",
        ),
        (b"", "invalid transaction: the transaction is empty"),
        (b"\4\5", "transaction type not supported: a transaction cannot start with 0x04"),
        (bytes(131_073), "oversized data: the transaction has 131073 bytes; 131072 are allowed"),
    ],
)
def test_what_the_ledger_would_skip_is_rejected_in_words_that_clients_know(
    chain: SequencerChain, raw: bytes, message: str
) -> None:
    assert rejected(chain, raw) == message
    assert chain.waiting == 0


def test_a_used_nonce_is_too_low(chain: SequencerChain) -> None:
    accepted(chain, ALICE.sign())
    assert rejected(chain, ALICE.sign(value=1)) == "nonce too low: next nonce 1, tx nonce 0"


def test_a_transaction_is_accepted_once(chain: SequencerChain) -> None:
    raw = ALICE.sign()
    accepted(chain, raw)
    assert rejected(chain, raw) == "already known"
    chain.seal()
    assert rejected(chain, raw) == "already known"


def test_a_rejected_transaction_in_a_batch_does_not_keep_others_out(chain: SequencerChain) -> None:
    results = chain.submit([ALICE.sign(), ALICE.sign(nonce=50), b"", ALICE.sign(nonce=1)])
    assert [isinstance(each, RejectedError) for each in results] == [False, True, True, False]


def test_an_attacker_without_money_costs_no_byte(chain: SequencerChain) -> None:
    chain.seal()
    hostile = [MALLORY.call(nonce, bytes(1_000), gas=10**6) for nonce in range(5)]
    assert all(isinstance(each, RejectedError) for each in chain.submit(hostile))
    assert (chain.waiting, chain.seal()) == (0, None)


def test_a_draining_transfer_before_a_heavy_call_leaves_the_call_out(chain: SequencerChain) -> None:
    # ethresear.ch 22265, "delayed execution and free data availability".
    left = 21_000 * 2 * GWEI
    accepted(chain, ALICE.transfer(0, BOB.address, ETHER - left))
    assert "insufficient funds" in rejected(chain, ALICE.call(1, b"\1" * 10_000, gas=10**6))


def test_a_record_that_fits_no_batch_is_refused(l1: FakeL1, tmp_path: Path) -> None:
    chain = chain_on(l1, tmp_path, most_batch_bytes=400)
    data = bytes(range(1, 250)) * 2
    assert rejected(chain, ALICE.call(0, data)).startswith("oversized data: record of ")


def test_a_full_block_refuses_and_the_next_one_takes(l1: FakeL1, tmp_path: Path) -> None:
    chain = chain_on(l1, tmp_path, most_batch_bytes=99 + 2 * 130, most_unposted=1_000)
    first, second, third = (ALICE.transfer(nonce, BOB.address, 1) for nonce in range(3))
    accepted(chain, first, second)
    assert rejected(chain, third) == RejectReason.BLOCK_FULL
    chain.seal()
    accepted(chain, third)


# --- sealing ---


def test_there_is_no_empty_block(l1: FakeL1, chain: SequencerChain) -> None:
    assert chain.seal() is not None  # the deposit
    l1.mine(5)
    chain.follow()
    assert chain.seal() is None


def test_origins_and_times_never_go_back(l1: FakeL1, tmp_path: Path) -> None:
    clock = Clock()
    chain = chain_on(l1, tmp_path, clock)
    accepted(chain, ALICE.sign())
    first = chain.seal()
    clock.now -= 50
    l1.mine()
    chain.follow()
    accepted(chain, ALICE.sign(nonce=1))
    second = chain.seal()
    assert first is not None
    assert second is not None
    assert second.header.time == first.header.time
    assert second.header.origin_number == first.header.origin_number + 1


def test_a_clock_far_ahead_of_l1_does_not_make_batches_void(l1: FakeL1, tmp_path: Path) -> None:
    clock = Clock()
    clock.now += 10**9
    chain = chain_on(l1, tmp_path, clock)
    block = chain.seal()
    assert block is not None
    assert block.header.time == l1.time_of(1) + MOST_CLOCK_SKEW
    l1.post([block])
    chain.follow()
    assert chain.safe_number == 1


def test_a_payout_and_a_refund_each_make_a_block(l1: FakeL1, tmp_path: Path) -> None:
    chain = chain_on(l1, tmp_path)
    paid, refunded = ALICE.order(0, 70), ALICE.order(1, 30)
    accepted(chain, paid, refunded)
    chain.seal()
    assert chain.escrow(keccak256(record_of(paid))) == 70
    l1.emit(Payout(keccak256(record_of(paid)), BOB.address))
    chain.follow()
    chain.seal()
    assert chain.account(BOB.address, pending=False).cleared == 70
    before = chain.account(ALICE.address, pending=False).cleared
    l1.emit(Lapse(keccak256(record_of(refunded))))
    chain.follow()
    assert chain.seal() is not None
    assert chain.account(ALICE.address, pending=False).cleared == before + 30


def test_sealing_goes_on_while_l1_is_away(l1: FakeL1, chain: SequencerChain) -> None:
    l1.away = True
    with pytest.raises(L1UnreachableError):
        chain.follow()
    accepted(chain, ALICE.sign())
    assert chain.seal() is not None


# --- crashes ---


def test_what_was_accepted_is_there_after_a_crash(l1: FakeL1, chain: SequencerChain, tmp_path: Path) -> None:
    first, second = ALICE.transfer(0, BOB.address, 1), ALICE.transfer(1, BOB.address, 1)
    accepted(chain, first)
    sealed = chain.seal()
    accepted(chain, second)
    again = chain_on(l1, tmp_path)
    assert again.block(1) == sealed
    assert again.waiting == 1
    assert rejected(again, second) == "already known"
    again.seal()
    assert isinstance(outcome(again, second), Charged)


def test_every_point_of_a_life_can_be_a_crash(l1: FakeL1, tmp_path: Path) -> None:
    raws = [ALICE.transfer(nonce, BOB.address, 1) for nonce in range(12)]
    seen: dict[int, Any] = {}
    for place, raw in enumerate(raws):
        chain = chain_on(l1, tmp_path)
        accepted(chain, raw)
        if place % 2:
            chain = chain_on(l1, tmp_path)
            chain.seal()
        if place % 3 == 0 and (left := chain.blocks_after(chain.safe_number)):
            l1.post(left)
        for number in range(1, chain.head.header.number + 1):
            block = chain.block(number)
            assert block is not None
            assert seen.setdefault(number, block.hash) == block.hash
    chain = chain_on(l1, tmp_path)
    chain.seal()
    assert chain.account(BOB.address, pending=False).cleared == 12


def test_the_journal_of_another_chain_is_refused(
    l1: FakeL1, chain: SequencerChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain.seal()
    other = FakeL1()
    monkeypatch.setattr("tests.doubles.ordering.L2_CHAIN_ID", 5)
    with pytest.raises(WrongJournalError, match="its genesis block is 0x"):
        chain_on(other, tmp_path)


def test_an_empty_journal_does_not_continue_an_order(
    l1: FakeL1, chain: SequencerChain, tmp_path: Path
) -> None:
    block = chain.seal()
    assert block is not None
    l1.post([block])
    with pytest.raises(JournalMissingError, match="the journal is empty, and L1 has 1 batches"):
        chain_on(l1, tmp_path / "lost")
    again = chain_on(l1, tmp_path / "lost", new_journal=True)
    assert again.block(1) == block
    assert not again.signs(1, block.hash)


# --- questions ---


def test_fee_history_spans_genesis_blocks_and_the_next(chain: SequencerChain) -> None:
    accepted(chain, ALICE.call(0, b"", gas=120_000_000, maxFeePerGas=GWEI))
    chain.seal()
    fees, ratios = chain.fee_history(0, 1)
    assert fees == [GWEI, GWEI * 7 // 8, GWEI * 7 // 8 * 9 // 8]
    assert ratios == [0.0, 1.0]
    assert chain.fee_history(0, 0) == (fees[:2], [0.0])
    assert chain.fee_history(1, 1) == (fees[1:], [1.0])


def test_blocks_are_found_by_height_and_hash(chain: SequencerChain) -> None:
    block = chain.seal()
    assert block is not None
    assert [chain.block(number) for number in (0, 1, 2)] == [None, block, None]
    assert chain.number_of(block.hash) == 1
    assert chain.number_of(chain.genesis.hash) == 0
    assert chain.number_of(keccak256(b"")) is None
