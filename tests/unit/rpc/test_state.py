from typing import Any

import pytest

from anh_rollup.protocol.ledger import EXIT
from anh_rollup.world.engine import Account
from anh_rollup.world.errors import ResultMissingError
from tests.doubles.answering_world import FakeWorld, FollowerDouble
from tests.doubles.ordering import ALICE, BOB, ETHER, GWEI, SEQUENCER, FakeL1
from tests.unit.rpc.conftest import Ask
from tests.unit.rpc.stories import OTHER, TOKEN, sealed, text

OWNER = text(ALICE.address)


def test_a_balance_is_cleared_and_uncleared_money(
    query: Ask, follower: FollowerDouble, world: FakeWorld
) -> None:
    sealed(follower, ALICE.transfer(0, BOB.address, 5))
    left = ETHER - 5 - 21_000 * GWEI * 7 // 8
    world.uncleared[ALICE.address] = 100
    assert query("eth_getBalance", OWNER, "latest") == hex(left + 100)
    assert query("anh_getBalance", OWNER) == {
        "cleared": hex(left),
        "uncleared": "0x64",
        "total": hex(left + 100),
        "validationCost": "0xc350",
    }
    assert query("eth_getBalance", OWNER, "earliest") == "0x64"


def test_uncleared_money_may_be_below_zero(query: Ask, world: FakeWorld) -> None:
    world.uncleared[OTHER] = -7
    assert query("anh_getBalance", text(OTHER))["uncleared"] == "-0x7"


def test_a_pending_balance_lacks_what_was_accepted(query: Ask, follower: FollowerDouble) -> None:
    sealed(follower, ALICE.transfer(0, BOB.address, 5))
    before = int(query("eth_getBalance", OWNER, "latest"), 16)
    follower.submit([ALICE.transfer(1, BOB.address, 9)])
    fee = 21_000 * follower.chain.next_base_fee
    assert query("eth_getBalance", OWNER, "latest") == hex(before)
    assert query("eth_getBalance", OWNER, "pending") == hex(before - 9 - fee)


def test_a_nonce_is_the_ledgers_where_it_has_one(
    query: Ask, follower: FollowerDouble, world: FakeWorld
) -> None:
    sealed(follower, ALICE.sign())
    follower.submit([ALICE.sign(nonce=1)])
    world.failure = AssertionError("nothing is executed")
    assert query("eth_getTransactionCount", OWNER) == "0x1"
    assert query("eth_getTransactionCount", OWNER, "pending") == "0x2"


def test_a_ledger_account_is_known_at_every_block_without_execution(
    query: Ask, follower: FollowerDouble, world: FakeWorld
) -> None:
    sealed(follower, ALICE.transfer(0, BOB.address, 5))
    follower.submit([ALICE.transfer(1, BOB.address, 5)])
    world.failure = AssertionError("nothing is executed")
    accounts = [query("anh_getLedgerAccount", OWNER, name) for name in ("0x0", "0x1", "pending")]
    assert [each["nonce"] for each in accounts] == ["0x0", "0x1", "0x2"]
    assert accounts[0]["cleared"] == "0x0"
    assert int(accounts[1]["cleared"], 16) > int(accounts[2]["cleared"], 16)
    assert query("anh_getLedgerAccount", OWNER) == accounts[1]
    sealed(follower, ALICE.transfer(2, EXIT, 7))
    follower.submit([ALICE.transfer(3, EXIT, 5)])
    names = ("0x0", "0x2", "pending")
    withdrawn = [query("anh_getLedgerAccount", OWNER, name)["withdrawn"] for name in names]
    assert withdrawn == ["0x0", "0x7", "0xc"]


def test_what_left_the_l2_is_no_balance_any_more(query: Ask, follower: FollowerDouble) -> None:
    before = int(query("eth_getBalance", OWNER, "pending"), 16)
    sealed(follower, ALICE.transfer(0, EXIT, 7))
    fee = int(query("anh_getLedgerAccount", text(SEQUENCER))["cleared"], 16)
    assert query("eth_getBalance", OWNER, "latest") == hex(before - 7 - fee)
    assert query("eth_getBalance", text(EXIT), "latest") == "0x0"


def test_a_contracts_nonce_is_the_worlds(query: Ask, world: FakeWorld) -> None:
    world.accounts[TOKEN] = Account(nonce=3, code=b"\xfe")
    assert query("eth_getTransactionCount", text(TOKEN), "latest") == "0x3"


def test_code_and_storage_are_read(query: Ask, world: FakeWorld) -> None:
    world.accounts[TOKEN] = Account(nonce=1, code=b"\x60\x00")
    world.slots = {(TOKEN, 1): 0xABCD, (OTHER, 2**256 - 1): 1}
    word = "0x" + "abcd".rjust(64, "0")
    assert query("eth_getCode", text(TOKEN)) == "0x6000"
    assert query("eth_getCode", text(OTHER), "latest") == "0x"
    for key in ("0x1", "0x01", "0x" + "1".rjust(64, "0")):
        assert query("eth_getStorageAt", text(TOKEN), key, "latest") == word
    wanted: dict[str, Any] = {text(TOKEN): ["0x0", "0x1"], text(OTHER): []}
    assert query("eth_getStorageValues", wanted, "latest") == {
        "0x" + "70" * 20: ["0x" + "00" * 32, word],
        "0x" + "71" * 20: [],
    }


@pytest.mark.parametrize(
    "parameters",
    [
        ("eth_getStorageAt", text(TOKEN), "0x" + "1" * 65),
        ("eth_getStorageAt", text(TOKEN)),
        ("eth_getStorageValues", []),
        ("eth_getStorageValues", {text(TOKEN): "0x1"}),
        ("eth_getStorageValues", {"0x1": []}),
        ("eth_getStorageValues", {text(TOKEN): ["0x1"] * 1_025}),
        ("eth_getBalance", "0x11"),
        ("eth_getCode",),
    ],
)
def test_wrong_parameters_are_refused(query: Ask, parameters: tuple[Any, ...]) -> None:
    assert query(*parameters)["code"] == -32602


@pytest.mark.parametrize("method", ["eth_getBalance", "eth_getCode", "anh_getBalance"])
def test_what_waits_for_a_result_says_so(query: Ask, world: FakeWorld, method: str) -> None:
    world.failure = ResultMissingError(b"\1\2")
    assert query(method, OWNER) == {
        "code": -32002,
        "message": "the result of the request 0x0102 is not known yet",
        "data": "Wait until an accountant has claimed it, and ask again.",
    }


def test_the_deposit_of_a_block_is_not_in_the_block_before(
    query: Ask, follower: FollowerDouble, l1: FakeL1
) -> None:
    sealed(follower, ALICE.sign())
    assert query("eth_getBalance", OWNER, "0x0") == "0x0"
    assert int(query("eth_getBalance", OWNER, "0x1"), 16) > 0
