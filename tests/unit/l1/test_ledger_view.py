"""What L1 alone tells of claims and withdrawals: which claims are true, and what to send."""

from dataclasses import astuple, fields, replace
from typing import Any

import pytest

from anh_rollup.l1.abi import decode_values
from anh_rollup.l1.ledger_docket import LedgerClaimRecord
from anh_rollup.l1.ledger_view import LedgerView
from anh_rollup.primitives import ETHER, BatchNumber, Digest, Wei
from anh_rollup.protocol.derivation import build_block
from anh_rollup.protocol.ledger import EXIT
from anh_rollup.protocol.ledger_claims import GENESIS_BASE, LedgerClaim, ledger_claim_id
from anh_rollup.protocol.ledger_play import ContinuedTree
from anh_rollup.protocol.machine.fields import Machine
from anh_rollup.protocol.machine.tree import Found
from tests.doubles.inbox_l1 import InboxL1
from tests.doubles.memory_l1 import DEPLOYMENT, OWNER
from tests.doubles.ordering import ALICE, BOB, pair
from tests.unit.l1.test_inbox_reader import order_of

ACCOUNT = "0x" + ALICE.address.hex()


class ClaimsL1(InboxL1):
    """An L1 on which ledger claims are made and ended."""

    def exit(self, nonce: int, wei: int) -> None:
        """A batch in which Alice takes something out."""
        self.mine()
        place = (1_000 + 12 * self.height, self.height, Digest(self.hash_of(self.height)))
        record = pair(ALICE.sign(nonce=nonce, to="0x" + EXIT.hex(), value=wei))
        self.post([build_block(order_of(self).order.head, place, [], [record])])

    def claim(self, claim: LedgerClaim, machine: Machine) -> bytes:
        self.mine()
        name = ledger_claim_id(claim)
        told = {"claim": astuple(claim), "machine": astuple(machine)}
        self.emit("LedgerClaims", "Claimed", claimId=name, claimant=OWNER, batch=claim.batch, **told)
        return name

    def end(self, name: bytes, event: str = "Finalized") -> None:
        self.mine()
        rest: dict[str, Any] = {"claimant": OWNER, "batch": 1, "end": bytes(32)}
        if event == "Refuted":
            rest = {"challenger": OWNER, "prize": 5}
        self.emit("LedgerClaims", event, claimId=name, **rest)


@pytest.fixture
def l1() -> ClaimsL1:
    made = ClaimsL1()
    made.deposit(ALICE)
    for nonce, wei in enumerate((5, 7)):
        made.exit(nonce, wei)
    return made


def view_of(l1: ClaimsL1) -> LedgerView:
    view = LedgerView(DEPLOYMENT, l1, l1)  # type: ignore[arg-type]
    view.refresh()
    return view


def own_claim(view: LedgerView, batch: int) -> tuple[LedgerClaim, Machine]:
    """What `claim` would send, read back from its calldata."""
    request = view.claim(OWNER, BatchNumber(batch), Wei(ETHER))
    assert (request.to, request.value) == (view.claims.address, ETHER)
    inputs = view.claims.artifact.entry("function", "claim")["inputs"]
    made, end, start_proof, end_proof = decode_values(inputs, request.data[4:])
    claim = LedgerClaim(*made)
    machine = view.past.state(BatchNumber(batch)).machine
    assert end == tuple(astuple(machine))
    tree = view.past.trace(view.docket.base_batch(claim), claim.batch).tree
    proofs = [tuple(tree.proof(each)) for each in (0, claim.steps)]
    assert [start_proof, end_proof] == proofs
    return claim, machine


def record(view: LedgerView, name: bytes) -> LedgerClaimRecord:
    view.refresh()
    return view.docket.claims[name]


def test_the_ledger_behind_any_batch_is_known(l1: ClaimsL1) -> None:
    view = view_of(l1)
    assert view.latest == 2
    assert [view.account(ACCOUNT, BatchNumber(at)).withdrawn for at in range(3)] == [0, 5, 12]
    leaf = view.leaf(ACCOUNT, BatchNumber(2))
    assert (leaf.found, leaf.fields[2]) == (Found.ITSELF, 12)
    assert view.leaf("0x" + BOB.address.hex(), BatchNumber(2)).found is not Found.ITSELF


def test_an_own_claim_is_true_and_builds_on_the_last_final_one(l1: ClaimsL1) -> None:
    view = view_of(l1)
    first, machine = own_claim(view, 1)
    assert first.base == GENESIS_BASE
    name = l1.claim(first, machine)
    assert view.line(record(view, name)) == [view.docket.claims[name]]
    assert (own_claim(view, 2)[0].base, view.final()) == (GENESIS_BASE, None)
    l1.end(name)
    assert view.final() is None
    assert record(view, name) == view.final()
    second, machine = own_claim(view, 2)
    assert (second.base, second.start) == (name, first.end)
    over = l1.claim(second, machine)
    assert view.line(record(view, over)) == [view.docket.claims[each] for each in (over, name)]


def test_claims_on_claims_are_true_only_together(l1: ClaimsL1) -> None:
    view = view_of(l1)
    first, middle = own_claim(view, 1)
    whole, machine = own_claim(view, 2)
    trace = view.past.trace(BatchNumber(1), BatchNumber(2))
    false = replace(first, trace=b"\7" * 32)
    lines = []
    for base in (first, false):
        name = l1.claim(base, middle)
        rest = replace(
            whole, base=name, steps=trace.steps, trace=trace.tree.root, start=first.end, claimant=OWNER
        )
        lines.append(view.line(record(view, l1.claim(rest, machine))))
    assert [None if line is None else len(line) for line in lines] == [2, None]


LIES: dict[str, dict[str, Any]] = {
    "trace": {"trace": b"\7" * 32},
    "start": {"start": b"\7" * 32},
    "commitment": {"batch_commitment": b"\7" * 32},
    "a batch that is not there": {"batch": BatchNumber(3)},
    "steps": {"steps": 3},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_lie_is_not_true(l1: ClaimsL1, lie: dict[str, Any]) -> None:
    view = view_of(l1)
    claim, machine = own_claim(view, 2)
    name = l1.claim(replace(claim, **lie), machine)
    assert view.line(record(view, name)) is None


def test_a_machine_that_rests_longer_is_true_and_a_refuted_claim_is_not(l1: ClaimsL1) -> None:
    view = view_of(l1)
    claim, machine = own_claim(view, 2)
    steps = claim.steps + 5
    tree = view.past.trace(BatchNumber(0), BatchNumber(2)).tree
    longer = replace(claim, steps=steps, trace=ContinuedTree(tree, steps + 1).root)
    name = l1.claim(longer, machine)
    assert view.line(record(view, name)) is not None
    l1.end(name, "Refuted")
    assert view.line(record(view, name)) is None


def test_a_final_claim_that_is_false_is_passed_over(l1: ClaimsL1) -> None:
    view = view_of(l1)
    claim, machine = own_claim(view, 1)
    wrong = replace(machine, ledger=Digest(b"\7" * 32), batch=BatchNumber(2))
    said = replace(own_claim(view, 2)[0], end=wrong.hash)
    names = [l1.claim(claim, machine), l1.claim(said, wrong)]
    for name in names:
        l1.end(name)
    view.refresh()
    final = view.final()
    assert final is not None
    assert final.identifier == names[0]
    assert view.final(before=BatchNumber(1)) is None
    request = view.withdrawal(final, "0x" + ALICE.address.hex())
    inputs = view.claims.artifact.entry("function", "withdraw")["inputs"]
    made, end, account, leaf = decode_values(inputs, request.data[4:])
    assert (made, end, account.lower()) == (astuple(claim), astuple(machine), ACCOUNT)
    assert leaf[[each.name for each in fields(view.leaf(ACCOUNT, BatchNumber(1)))].index("fields")][2] == 5


def test_after_a_reorg_the_ledger_is_folded_anew_from_where_l1_changed(l1: ClaimsL1) -> None:
    view = view_of(l1)
    assert view.account(ACCOUNT, view.latest).withdrawn == 12
    past = view.past
    l1.reorg(2)
    l1.exit(1, 9)
    view.refresh()
    assert view.past is not past
    assert past.known(BatchNumber(1)) is view.past.known(BatchNumber(1)) is not None
    assert view.account(ACCOUNT, view.latest).withdrawn == 14
