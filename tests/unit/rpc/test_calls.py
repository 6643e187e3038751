from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import encode

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.protocol.jobs import DNN_ADDRESS, order_calldata
from anh_rollup.rpc.reverts import PANICS
from anh_rollup.world.engine import Account
from anh_rollup.world.errors import RunHaltedError, RunRevertedError
from anh_rollup.world.overrides import NO_OVERRIDES, AccountOverride, BlockOverride, Overrides
from anh_rollup.world.strict import STRICT_MARKER
from tests.doubles.answering_world import RETURNED, FakeWorld, FollowerDouble
from tests.doubles.ordering import ALICE, BOB, GWEI, JOB
from tests.unit.rpc.conftest import Ask
from tests.unit.rpc.stories import OTHER, TOKEN, sealed, text

OWNER = text(ALICE.address)
CALL = {"to": text(TOKEN), "data": "0x01"}
REVERTED = replace(RETURNED, succeeded=False)


def solidity(error: str, kind: str, value: Any) -> bytes:
    return keccak256(error.encode())[:4] + bytes(encode([kind], [value]))


def test_a_call_answers_what_it_returns(query: Ask, world: FakeWorld) -> None:
    assert query("eth_call", CALL, "latest") == "0x2a"
    (run,) = world.runs
    assert (run.sender, run.to, run.data, run.value, run.nonce) == (bytes(20), TOKEN, b"\1", 0, 0)
    assert (run.gas_limit, run.gas_price, run.access_list, run.is_strict) == (50_000_000, 0, (), False)


def test_a_call_is_what_its_members_say(query: Ask, world: FakeWorld, follower: FollowerDouble) -> None:
    sealed(follower, ALICE.sign())
    listed = [
        {"address": text(STRICT_MARKER), "storageKeys": []},
        {"address": text(OTHER), "storageKeys": ["0x" + "05".rjust(64, "0")]},
    ]
    call = {**CALL, "from": OWNER, "value": "0x7", "gas": "0x5209", "gasPrice": "0x3", "type": "0x1"}
    query("eth_call", {**call, "accessList": listed, "chainId": "0xc8db9eb"})
    query("eth_call", {**call, "gasPrice": None, "maxFeePerGas": hex(5 * GWEI), "nonce": "0x9", "to": None})
    query("eth_call", {**call, "gasPrice": None, "maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x1"})
    strict, second, third = world.runs
    assert (strict.sender, strict.value, strict.gas_limit, strict.gas_price) == (ALICE.address, 7, 21_001, 3)
    assert (strict.nonce, strict.is_strict) == (1, True)
    assert strict.access_list == ((STRICT_MARKER, ()), (OTHER, (5,)))
    assert (second.nonce, second.to, second.gas_price) == (9, None, follower.chain.next_base_fee)
    assert third.gas_price == 1


def test_gas_is_cut_to_the_nodes_limit(query: Ask, world: FakeWorld) -> None:
    query("eth_call", {**CALL, "gas": hex(2**200)})
    assert world.runs[0].gas_limit == 50_000_000


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (b"", "execution reverted"),
        (b"\1\2\3", "execution reverted"),
        (solidity("Error(string)", "string", "too late"), "execution reverted: too late"),
        (solidity("Panic(uint256)", "uint256", 0x11), f"execution reverted: {PANICS[0x11]}"),
        (solidity("Panic(uint256)", "uint256", 0x99), "execution reverted: unknown panic code: 0x99"),
        (solidity("Error(string)", "string", "x")[:20], "execution reverted"),
        (keccak256(b"Custom()")[:4], "execution reverted"),
    ],
)
def test_a_revert_is_error_3_with_its_data(query: Ask, world: FakeWorld, output: bytes, message: str) -> None:
    world.outcome = replace(REVERTED, output=output)
    expected = {"code": 3, "message": message, "data": text(output)}
    assert query("eth_call", CALL) == expected
    world.failure = RunRevertedError(output)
    assert query("eth_estimateGas", CALL) == expected
    assert query("eth_createAccessList", CALL) == expected


def test_a_halt_is_told_in_the_evms_words(query: Ask, world: FakeWorld) -> None:
    world.outcome = replace(REVERTED, halt="out of gas")
    expected = {
        "code": -32000,
        "message": "out of gas",
        "data": "Mend the call, or give it more gas.",
    }
    assert query("eth_call", CALL) == expected
    world.failure = RunHaltedError("out of gas")
    assert query("eth_estimateGas", CALL) == expected


def test_money_that_is_not_there_cannot_be_sent(query: Ask, world: FakeWorld) -> None:
    world.uncleared[OTHER] = 10
    enough = {**CALL, "from": text(OTHER), "value": "0xa"}
    refused = {
        "code": -32000,
        "message": "insufficient funds for gas * price + value: have 10 want 11",
        "data": "Name a sender with more money, or less value, gas or price.",
    }
    for method in ("eth_call", "eth_estimateGas", "eth_createAccessList"):
        assert "code" not in query(method, enough)
        assert query(method, {**enough, "value": "0xb"}) == refused
        assert query(method, {**enough, "value": "0x0", "gas": "0xb", "gasPrice": "0x1"}) == refused


def test_an_access_list_is_answered_with_its_gas(query: Ask, world: FakeWorld) -> None:
    world.listed = ((STRICT_MARKER, ()), (TOKEN, (1, 2**255)))
    assert query("eth_createAccessList", CALL, "latest") == {
        "accessList": [
            {"address": "0x000000000000000000000000000000000057E1C7", "storageKeys": []},
            {
                "address": text(TOKEN),
                "storageKeys": ["0x" + "1".rjust(64, "0"), "0x" + "8".ljust(64, "0")],
            },
        ],
        "gasUsed": "0xc350",
    }


# --- the gas of what runs no code ---


def test_an_order_and_a_plain_transfer_need_no_execution(query: Ask, world: FakeWorld) -> None:
    order = {"to": DNN_ADDRESS, "data": text(order_calldata(JOB))}
    assert int(query("eth_estimateGas", order), 16) > 21_000
    assert query("eth_estimateGas", {"to": OWNER, "value": "0x5"}) == "0x5208"
    assert world.runs == []


def test_a_transfer_to_a_contract_leaves_gas_for_its_code(query: Ask, world: FakeWorld) -> None:
    """With exactly 21,000 it would be a plain transfer, and the code would not run."""
    world.accounts[TOKEN] = Account(nonce=1, code=b"\0")
    assert query("eth_estimateGas", {"to": text(TOKEN), "value": "0x0"}) == "0x5209"
    assert len(world.runs) == 1


def test_a_transfer_of_uncleared_money_is_no_plain_one(
    query: Ask, world: FakeWorld, follower: FollowerDouble
) -> None:
    sealed(follower, ALICE.transfer(0, BOB.address, 5 * 10**15))
    transfer = {"from": text(BOB.address), "to": OWNER, "value": hex(10**15)}
    assert query("eth_estimateGas", transfer) == "0x5208"
    world.uncleared[BOB.address] = 10**18
    assert query("eth_estimateGas", {**transfer, "value": hex(10**16)}) == "0x5209"


# --- wrong parameters ---


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (5, "the call is an object"),
        (None, "the call is an object"),
        ({"to": "0x1"}, "to is not hexadecimal"),
        ({"from": []}, "from is hexadecimal text that starts with 0x"),
        ({"data": "0x01", "input": "0x02"}, 'both "data" and "input" are set and not equal'),
        ({"gasPrice": "0x1", "maxFeePerGas": "0x1"}, "both gasPrice and (maxFeePerGas or"),
        ({"blobVersionedHashes": ["0x01"]}, "there are neither blobs nor authorizations on this chain"),
        ({"accessList": {}}, "the access list is a list of objects with address and storageKeys"),
        ({"accessList": [5]}, "the access list is a list of objects with address and storageKeys"),
        ({"accessList": [{}]}, "a listed address is hexadecimal text that starts with 0x"),
        ({"accessList": [{"address": OWNER, "storageKeys": "0x"}]}, "storageKeys is a list"),
        ({"accessList": [{"address": OWNER}] * 10_001}, "the access list has more than 10000"),
        ({"nonce": hex(2**64)}, "the nonce has at most 64 bits"),
        ({"data": "0x" + "00" * 131_073}, "no transaction carries more than 131072 bytes of data"),
        ({"value": 5}, "value is a hexadecimal number that starts with 0x"),
    ],
)
def test_a_call_that_is_none_is_refused(query: Ask, call: Any, message: str) -> None:
    for method in ("eth_call", "eth_estimateGas", "eth_createAccessList"):
        found = query(method, call, "latest")
        assert (found["code"], found["message"].startswith(message)) == (-32602, True)


def test_overrides_reach_the_world(query: Ask, world: FakeWorld) -> None:
    query("eth_call", CALL, "latest", {OWNER: {"balance": "0x1"}}, {"number": "0x9"})
    query("eth_estimateGas", CALL, "latest", {OWNER: {"balance": "0x1"}}, {"number": "0x9"})
    query("eth_createAccessList", CALL, "latest", {OWNER: {"balance": "0x1"}})
    query("eth_call", CALL, "latest", {}, {})
    accounts, block = {ALICE.address: AccountOverride(balance=1)}, BlockOverride(number=9)
    both = Overrides(accounts, block)
    assert world.overrides == [both, both, Overrides(accounts), NO_OVERRIDES]


def test_a_list_is_tried_with_more_gas_where_only_a_list_needs_more(query: Ask, world: FakeWorld) -> None:
    world.least_gas = 60_000
    assert "gasUsed" in query("eth_createAccessList", {**CALL, "gas": hex(50_000)})
    assert [run.gas_limit for run in world.runs] == [50_000, 50_000, 50_000_000]


def test_a_call_without_recipient_creates(query: Ask, world: FakeWorld) -> None:
    assert query("eth_call", {"input": "0x60", "data": "0x60"}) == "0x2a"
    assert (world.runs[0].to, world.runs[0].data) == (None, b"\x60")
