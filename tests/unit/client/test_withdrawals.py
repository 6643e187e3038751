"""What `anh withdraw` does next, and what it says where it cannot."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from anh_rollup.client.cashier import MOST_REFUSALS, Cashier, WithdrawalWish
from anh_rollup.client.withdrawing import (
    Await,
    Finalize,
    NotClaimedError,
    NotFinalError,
    NothingToWithdrawError,
    NotOrderedYetError,
    Queued,
    TooFreshError,
    Unclaimed,
    Withdraw,
    next_step,
)
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.l1.contracts.inbox import Forced
from anh_rollup.l1.contracts.ledger_claims import LedgerClaimState, LedgerClaimStatus
from anh_rollup.l1.errors import L1RevertedError, L1UnreachableError
from anh_rollup.l1.ledger_docket import LedgerClaimRecord, LedgerDocket
from anh_rollup.primitives import ETHER, L2_CHAIN_ID, BatchNumber, Seconds, Wei
from anh_rollup.protocol.ledger import EXIT, Account
from anh_rollup.protocol.ledger_claims import GENESIS_BASE
from anh_rollup.protocol.machine.witnesses import NO_MACHINE
from tests.doubles.ledger_snapshot import claim_record
from tests.doubles.memory_l1 import OWNER
from tests.doubles.ordering import ALICE, BOB, pair

WINDOW, TIMEOUT, START = 100, 500, 1_000
EXITING = to_checksum_address(ALICE.address)
STANDING, FINAL = LedgerClaimState.STANDING, LedgerClaimState.FINAL


class FakeView:
    """An account that exits 10 wei with every batch, and claims that a test makes."""

    def __init__(self, batches: int = 3, paid: int = 0) -> None:
        self.latest = BatchNumber(batches)
        self.docket = LedgerDocket()
        rules = SimpleNamespace(window=WINDOW, force_timeout=TIMEOUT)
        self.deployment = SimpleNamespace(rules=rules, l2_chain_id=L2_CHAIN_ID)
        self.now, self.height, self.paid_so_far = START, 50, paid
        self.claimed_at: dict[bytes, int] = {}
        self.games: dict[bytes, int] = {}
        self.false: set[bytes] = set()
        listed = [SimpleNamespace(header=SimpleNamespace(number=n), l1_block=10 * n) for n in range(1, 4)]
        self.queue = list[Forced]()
        self.held = SimpleNamespace(batches=listed[:batches], waiting=lambda: self.queue)
        bonds = SimpleNamespace(claim_bond=Wei(ETHER))
        self.claims = SimpleNamespace(
            status=self.status, finalize=lambda claim: ("finalize", claim.batch), rules=lambda: bonds
        )
        head = lambda: SimpleNamespace(time=self.now, number=self.height)  # noqa: E731
        self.client = SimpleNamespace(head=head)

    def add(self, batch: int, state: LedgerClaimState = STANDING, base: bytes = GENESIS_BASE) -> bytes:
        """Somebody claims the ledger after a batch, now."""
        made = claim_record(replace(NO_MACHINE, batch=BatchNumber(batch)), state)
        made = replace(made, claim=replace(made.claim, base=base))
        self.docket.claims[made.identifier] = made
        self.claimed_at[made.identifier] = self.now
        return made.identifier

    def force(self, raw: bytes) -> None:
        """Somebody queues a transaction, now."""
        record, _ = pair(raw)
        self.queue.append(Forced(len(self.queue), keccak256(record), Seconds(self.now), record))

    def settle(self, identifier: bytes) -> None:
        self.docket.claims[identifier] = replace(self.docket.claims[identifier], state=FINAL)

    def refresh(self) -> None:
        """There is nothing to read."""

    def status(self, identifier: bytes) -> LedgerClaimStatus:
        known = self.docket.claims[identifier]
        games = self.games.get(identifier, 0)
        at = Seconds(self.claimed_at[identifier])
        return LedgerClaimStatus(at, known.claim.batch, games, known.state, known.claim.end)

    def account(self, _address: str, batch: BatchNumber) -> Account:
        return Account(withdrawn=Wei(10 * batch))

    def paid(self, _address: str) -> Wei:
        return Wei(self.paid_so_far)

    def final(self) -> LedgerClaimRecord | None:
        finals = self.docket.in_state(FINAL)
        return max(finals, key=lambda each: each.claim.batch, default=None)

    def line(self, record: LedgerClaimRecord) -> list[LedgerClaimRecord] | None:
        line = [record]
        while line[-1].state is STANDING and line[-1].claim.base != GENESIS_BASE:
            line.append(self.docket.claims[line[-1].claim.base])
        return None if any(each.identifier in self.false for each in line) else line

    def claim(self, claimant: str, batch: BatchNumber, bond: Wei) -> Any:
        return ("claim", batch, claimant, bond)

    def withdrawal(self, record: LedgerClaimRecord, address: str) -> Any:
        return ("withdraw", record.claim.batch, address)


def step(view: FakeView) -> object:
    found = next_step(view, OWNER, Seconds(view.now))  # type: ignore[arg-type]
    if isinstance(found, Finalize | Await | Withdraw):
        return type(found), found.record.claim.batch
    return found


def test_who_was_paid_everything_has_nothing_to_withdraw() -> None:
    with pytest.raises(NothingToWithdrawError) as caught:
        step(FakeView(paid=30))
    assert (caught.value.withdrawn, caught.value.paid) == (30, 30)


def test_an_exit_in_the_queue_has_to_be_ordered_first() -> None:
    view = FakeView(paid=30)
    view.force(BOB.transfer(0, EXIT, 5))
    view.now += 7
    view.force(ALICE.transfer(0, EXIT, 5))
    free_at = Seconds(START + TIMEOUT)
    assert next_step(view, EXITING, Seconds(view.now)) == Queued(free_at)  # type: ignore[arg-type]
    desk = Desk(view, EXITING)
    with pytest.raises(NotOrderedYetError) as caught:
        desk.run()
    assert (caught.value.account, caught.value.free_at) == (EXITING, free_at)


def test_what_else_is_in_the_queue_is_not_waited_for() -> None:
    view = FakeView(paid=30)
    view.force(BOB.transfer(0, EXIT, 5))
    view.force(ALICE.transfer(0, BOB.address, 5))
    view.queue.append(Forced(2, bytes(32), Seconds(view.now), b"no record"))
    with pytest.raises(NothingToWithdrawError):
        next_step(view, EXITING, Seconds(view.now))  # type: ignore[arg-type]


def test_the_last_final_claim_pays_what_it_has_beyond_what_was_paid() -> None:
    view = FakeView(paid=10)
    view.add(1, FINAL)
    assert step(view) == Unclaimed()
    view.add(2, FINAL)
    found = next_step(view, OWNER, Seconds(START))  # type: ignore[arg-type]
    assert isinstance(found, Withdraw)
    assert (found.record.claim.batch, found.amount) == (2, 10)


def test_without_a_claim_that_has_the_exit_one_is_missing() -> None:
    view = FakeView(paid=10)
    assert step(view) == Unclaimed()
    view.add(1)
    assert step(view) == Unclaimed()


def test_a_standing_claim_is_waited_for_and_made_final_in_time() -> None:
    view = FakeView()
    name = view.add(2)
    found = next_step(view, OWNER, Seconds(START))  # type: ignore[arg-type]
    assert found == Await(view.docket.claims[name], Seconds(START + WINDOW), 0)
    view.now += WINDOW
    assert step(view) == (Finalize, 2)
    view.games[name] = 1
    assert step(view) == (Await, 2)


def test_a_false_claim_is_not_waited_for() -> None:
    view = FakeView()
    view.false.add(view.add(2))
    view.now += WINDOW
    assert step(view) == Unclaimed()


def test_the_claim_that_can_be_final_first_is_taken() -> None:
    view = FakeView()
    view.add(3)
    view.now -= 10
    view.add(2)
    assert step(view) == (Await, 2)


def test_of_claims_on_one_another_the_lowest_is_final_first() -> None:
    view = FakeView(paid=10)
    view.now -= 50
    base = view.add(1)
    view.now += 50
    view.add(3, base=base)
    assert step(view) == (Await, 1)
    view.now += WINDOW - 50
    assert step(view) == (Finalize, 1)
    view.settle(base)
    assert step(view) == (Await, 3)
    view.false.add(base)
    assert step(view) == Unclaimed()


class FakeSender:
    """Does to a view what L1 would do."""

    address = OWNER

    def __init__(self, view: FakeView) -> None:
        self.view, self.sent = view, list[Any]()
        self.faster: bytes | None = None
        self.pending = 1

    def send(self, request: Any) -> Any:
        self.sent.append(request[:2])
        if request[0] == "claim":
            self.view.add(request[1])
        elif request[0] == "withdraw":
            self.view.paid_so_far = 10 * request[1]
        else:
            (name,) = [key for key, each in self.view.docket.claims.items() if each.claim.batch == request[1]]
            if self.faster is not None:
                self.pending -= 1
                if not self.pending:
                    self.view.settle(self.faster)
                raise L1RevertedError("WrongState")
            self.view.settle(name)
        return SimpleNamespace(transaction=b"\x17" * 32)


class Desk:
    """A cashier at work, and what it tells."""

    def __init__(self, view: FakeView, account: str = OWNER) -> None:
        self.view, self.told = view, list[str]()
        self.sender = FakeSender(view)
        self.cashier = Cashier(view, self.sender, account, self.told.append, self.later)  # type: ignore[arg-type]

    def later(self, seconds: float) -> None:
        assert seconds > 0
        self.view.now += 40

    def run(self, **wish: Any) -> int:
        return self.cashier.run(WithdrawalWish(**wish))


def test_a_claim_that_is_due_is_made_final_and_pays() -> None:
    desk = Desk(FakeView())
    desk.view.add(3)
    desk.view.now += WINDOW
    assert desk.run() == 30
    assert desk.sender.sent == [("finalize", 3), ("withdraw", 3)]
    assert desk.told[-1].endswith("by L1 transaction 0x" + "17" * 32)


def test_another_may_be_faster_to_make_a_claim_final() -> None:
    desk = Desk(FakeView())
    desk.sender.faster = desk.view.add(3)
    desk.view.now += WINDOW
    assert desk.run() == 30
    assert desk.sender.sent == [("finalize", 3), ("withdraw", 3)]


@pytest.mark.parametrize("looks", [1, MOST_REFUSALS])
def test_another_who_is_faster_may_be_in_the_next_block(looks: int) -> None:
    desk = Desk(FakeView())
    desk.sender.faster, desk.sender.pending = desk.view.add(3), looks
    desk.view.now += WINDOW
    assert desk.run() == 30
    assert desk.sender.sent == [("finalize", 3)] * looks + [("withdraw", 3)]


def test_what_l1_refuses_for_ever_is_an_error() -> None:
    desk = Desk(FakeView())
    desk.sender.faster, desk.sender.pending = desk.view.add(3), MOST_REFUSALS + 1
    desk.view.now += WINDOW
    with pytest.raises(L1RevertedError):
        desk.run(wait=True)


def test_what_is_missing_is_an_error_that_says_what_to_do() -> None:
    desk = Desk(FakeView())
    with pytest.raises(NotClaimedError) as unclaimed:
        desk.run()
    assert "--claim" in unclaimed.value.remedy
    name = desk.view.add(3)
    with pytest.raises(NotFinalError) as waiting:
        desk.run(claim=True, depth=0)
    assert (waiting.value.claim, waiting.value.ends_at) == (name, START + WINDOW)
    desk.view.games[name] = 2
    with pytest.raises(NotFinalError, match="and 2 open games over it"):
        desk.run()
    assert desk.sender.sent == []


@pytest.mark.parametrize(("depth", "claimed"), [(0, 3), (20, 3), (21, 2), (40, 1)])
def test_an_own_claim_is_about_the_last_batch_that_is_deep_enough(depth: int, claimed: int) -> None:
    desk = Desk(FakeView())
    assert desk.run(claim=True, depth=depth) == 0
    assert desk.sender.sent == [("claim", claimed)]
    assert "can be disputed until" in desk.told[-1]


def test_without_a_batch_that_is_deep_enough_nothing_is_put_at_stake() -> None:
    desk = Desk(FakeView(paid=10))
    with pytest.raises(TooFreshError) as caught:
        desk.run(claim=True, depth=40)
    assert (caught.value.batch, caught.value.depth) == (3, 40)
    assert desk.sender.sent == []


def test_an_l1_that_is_away_is_waited_for_where_waiting_was_asked_for() -> None:
    desk = Desk(FakeView())
    desk.view.add(3, FINAL)
    away = [L1UnreachableError("l1", 1, "refused")] * 2
    desk.view.refresh = lambda: _raise(away.pop()) if away else None  # type: ignore[method-assign]
    with pytest.raises(L1UnreachableError):
        desk.run()
    assert desk.run(wait=True) == 30
    assert desk.told[0] == L1UnreachableError("l1", 1, "refused").message


def _raise(error: Exception) -> None:
    raise error


def test_waiting_takes_every_step_and_tells_each_once() -> None:
    desk = Desk(FakeView())
    assert desk.run(wait=True, claim=True, depth=20) == 30
    assert desk.sender.sent == [("claim", 3), ("finalize", 3), ("withdraw", 3)]
    assert len(desk.told) == len(set(desk.told)) == 4
