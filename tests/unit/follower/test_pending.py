import pytest

from anh_rollup.follower.pending import MOST_SECONDS, Pending
from anh_rollup.protocol.derivation import Placement
from anh_rollup.protocol.ledger import Account
from tests.doubles.ordering import ALICE, BOB, ETHER, GWEI, Clock, decoded, empty_ledger, record_of


def placed(nonce: int) -> Placement:
    raw = ALICE.transfer(nonce, BOB.address, 5)
    return Placement(decoded(raw), record_of(raw))


def test_an_account_is_ahead_by_what_it_sent_itself() -> None:
    ledger = empty_ledger()
    ledger.accounts[ALICE.address] = Account(3, ETHER)
    pending = Pending(Clock())
    pending.add(placed(3))
    pending.add(placed(4))
    assert pending.account(ALICE.address, ledger, GWEI) == Account(5, ETHER - 2 * (21_000 * GWEI + 5))
    assert pending.account(BOB.address, ledger, GWEI) == Account()
    assert ledger.account(ALICE.address) == Account(3, ETHER)


def test_what_the_sequencer_knows_of_more_money_counts() -> None:
    pending = Pending(Clock())
    pending.add(placed(0))
    assert pending.account(ALICE.address, empty_ledger(), GWEI) == Account(1, 0)


def test_a_nonce_behind_a_gap_is_not_counted() -> None:
    ledger = empty_ledger()
    ledger.accounts[ALICE.address] = Account(3, ETHER)
    pending = Pending(Clock())
    for nonce in (6, 4, 3):
        pending.add(placed(nonce))
    assert pending.account(ALICE.address, ledger, GWEI).nonce == 5
    pending.add(placed(5))
    assert pending.account(ALICE.address, ledger, GWEI).nonce == 7


def test_what_has_its_nonce_used_waits_no_longer() -> None:
    ledger = empty_ledger()
    pending = Pending(Clock())
    for nonce in (0, 1):
        pending.add(placed(nonce))
    ledger.accounts[ALICE.address] = Account(1)
    pending.settle(ledger)
    assert list(pending) == [placed(1)]
    assert pending.get(placed(0).transaction.hash) is None
    assert pending.get(placed(1).transaction.hash) == placed(1)


def test_what_waits_for_too_long_is_let_go() -> None:
    clock = Clock()
    pending = Pending(clock)
    pending.add(placed(0))
    clock.now += MOST_SECONDS - 1
    pending.settle(empty_ledger())
    assert len(pending) == 1
    clock.now += 1
    pending.settle(empty_ledger())
    assert len(pending) == 0
    assert pending.account(ALICE.address, empty_ledger(), GWEI) == Account()


def test_of_too_many_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anh_rollup.follower.pending.MOST_WAITING", 2)
    pending = Pending(Clock())
    for nonce in range(3):
        pending.add(placed(nonce))
    assert list(pending) == [placed(1), placed(2)]
