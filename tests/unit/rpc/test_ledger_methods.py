from collections.abc import Iterator
from dataclasses import replace

import pytest

from anh_rollup.l1.abi import decode_values
from anh_rollup.l1.ledger_watch import LedgerSnapshot
from anh_rollup.protocol.machine.tree import LedgerTree
from anh_rollup.rpc.ledger_methods import MOST_CLAIMS
from anh_rollup.rpc.service import WorldLimits, WorldService
from anh_rollup.rpc.world_methods import method_table
from tests.doubles.answering_world import FakeWorld, FollowerDouble
from tests.doubles.ledger_snapshot import CONTRACT, snapshot
from tests.doubles.ordering import ALICE, BOB
from tests.unit.rpc.conftest import Ask, asking
from tests.unit.rpc.stories import text

OWNER = text(ALICE.address)


class Known:
    """What the follower knows; a test replaces it."""

    latest: LedgerSnapshot | None = None


@pytest.fixture
def known() -> Known:
    return Known()


@pytest.fixture
def ask_ledger(follower: FollowerDouble, world: FakeWorld, known: Known) -> Iterator[Ask]:
    limits = WorldLimits(receipt_seconds=0.0)
    service = WorldService(follower, world, limits, ledger=lambda: known.latest)
    yield asking(follower, method_table(service))
    service.close()


@pytest.mark.parametrize(("method", "words"), [("anh_getWithdrawal", [OWNER]), ("anh_getLedgerClaims", [])])
def test_before_l1_is_read_nothing_is_answered(ask_ledger: Ask, method: str, words: list[str]) -> None:
    refused = ask_ledger(method, *words)
    assert (refused["code"], refused["message"]) == (-32002, "the ledger claims are not read yet")


def test_what_may_be_paid_comes_with_the_call_that_pays_it(ask_ledger: Ask, known: Known) -> None:
    known.latest = snapshot(ALICE.address, withdrawn=7, paid=2)
    answer = ask_ledger("anh_getWithdrawal", OWNER)
    call = answer.pop("call")
    final = known.latest.final
    assert final is not None
    told = {"paid": "0x2", "payable": "0x5", "claim": text(final.identifier)}
    assert answer == told
    entry = CONTRACT.artifact.entry("function", "withdraw")
    assert call["to"] == CONTRACT.address
    claim, machine, account, leaf = decode_values(entry["inputs"], bytes.fromhex(call["data"][10:]))
    assert (claim[2], machine[1], account.lower()) == (3, known.latest.tree.root, OWNER)
    assert leaf[4] == (2, 10**17, 7)


def test_who_was_paid_everything_gets_no_call(ask_ledger: Ask, known: Known) -> None:
    known.latest = snapshot(ALICE.address, withdrawn=7, paid=7)
    answer = ask_ledger("anh_getWithdrawal", OWNER)
    assert (answer["paid"], answer["payable"], answer["call"]) == ("0x7", "0x0", None)
    assert ask_ledger("anh_getWithdrawal", text(BOB.address))["call"] is None


def test_without_a_final_claim_nothing_is_payable(ask_ledger: Ask, known: Known) -> None:
    known.latest = replace(snapshot(ALICE.address, 7, 0), final=None, tree=LedgerTree())
    nothing = {"paid": "0x0", "payable": "0x0", "claim": None, "call": None}
    assert ask_ledger("anh_getWithdrawal", OWNER) == nothing


def test_claims_come_newest_first_and_not_all(ask_ledger: Ask, known: Known) -> None:
    known.latest = snapshot(ALICE.address, 7, 0)
    final, lie = known.latest.claims
    newest, older = ask_ledger("anh_getLedgerClaims")
    assert (newest["id"], newest["state"], newest["refuter"]) == (
        text(lie.identifier),
        "refuted",
        lie.refuter,
    )
    assert (older["id"], older["state"], older["refuter"]) == (text(final.identifier), "final", None)
    assert (older["batch"], older["ledger"]) == ("0x3", text(final.machine.ledger))
    known.latest = replace(known.latest, claims=(lie, *[final] * MOST_CLAIMS))
    listed = ask_ledger("anh_getLedgerClaims")
    assert [each["state"] for each in listed] == ["final"] * MOST_CLAIMS


@pytest.mark.parametrize(
    ("method", "words"),
    [("anh_getWithdrawal", []), ("anh_getWithdrawal", ["0x12"]), ("anh_getLedgerClaims", [1])],
)
def test_wrong_parameters_are_refused(ask_ledger: Ask, method: str, words: list[object]) -> None:
    assert ask_ledger(method, *words)["code"] == -32602
