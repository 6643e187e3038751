"""State and block overrides of calls, on a real world."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from anh_rollup.protocol.jobs import DNN_ADDRESS
from anh_rollup.rpc.override_objects import BLOCK_MEMBERS, MOST_OVERRIDDEN
from anh_rollup.world.strict import created_address
from tests.doubles.ordering import ALICE, FakeL1
from tests.unit.rpc.stories import OTHER, text
from tests.unit.rpc.story import CONTRACT, FollowerStory

NAME, OWNER, POOR = text(CONTRACT), text(ALICE.address), text(OTHER)
CALL = {"to": NAME}
WORTH_NOTHING = {"from": POOR, "to": NAME, "value": "0x5"}
MOST_WEI = hex(2**256 - 1)


def word(number: int) -> str:
    return f"0x{number:064x}"


def returning(instruction: str) -> str:
    """Code that returns what an instruction gives."""
    return f"0x{instruction}5f5260205ff3"


@pytest.fixture
def story(l1: FakeL1, tmp_path: Path) -> Iterator[FollowerStory]:
    told = FollowerStory(l1, tmp_path)
    told.tell()
    yield told
    told.close()


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ({}, 42),
        ({"state": {}}, 0),
        ({"state": {word(0): word(7)}}, 7),
        ({"state": {word(1): word(7)}}, 0),
        ({"stateDiff": {word(0): word(7)}}, 7),
        ({"stateDiff": {word(1): word(7)}}, 42),
        ({"code": returning("47"), "balance": "0x9"}, 9),
        ({"code": "0x"}, None),
        ({"code": None, "state": None, "balance": None, "nonce": None}, 42),
    ],
)
def test_a_call_sees_the_pretended_account(
    story: FollowerStory, override: dict[str, Any], expected: int | None
) -> None:
    found = "0x" if expected is None else word(expected)
    assert story.ask("eth_call", CALL, "latest", {NAME: override}) == found
    assert story.ask("eth_call", CALL, "latest") == word(42)


@pytest.mark.parametrize(
    ("instruction", "override", "expected"),
    [
        ("43", {"number": "0x3e8"}, 1_000),
        ("42", {"time": "0x3e8"}, 1_000),
        ("45", {"gasLimit": "0x3e8"}, 1_000),
        ("48", {"baseFeePerGas": MOST_WEI}, 2**256 - 1),
        ("41", {"feeRecipient": POOR}, int.from_bytes(OTHER, "big")),
        ("44", {"prevRandao": word(5)}, 5),
        ("43", {"difficulty": "0x1"}, 2),
        ("600240", {"number": hex(2**63 - 1)}, 0),
    ],
)
def test_a_call_sees_the_pretended_block(
    story: FollowerStory, instruction: str, override: dict[str, Any], expected: int
) -> None:
    code = {NAME: {"code": returning(instruction)}}
    assert story.ask("eth_call", CALL, "latest", code, override) == word(expected)


def test_hashes_of_blocks_stay_the_chains(story: FollowerStory) -> None:
    code, digest = {NAME: {"code": returning("600140")}}, story.ask("eth_getBlockByNumber", "0x1")["hash"]
    assert story.ask("eth_call", CALL, "latest", code, {"number": "0x9"}) == digest


def test_the_price_of_a_call_follows_the_pretended_base_fee(story: FollowerStory) -> None:
    code = {NAME: {"code": returning("3a")}}
    call = {**CALL, "maxFeePerGas": "0x64", "maxPriorityFeePerGas": "0x2"}
    assert story.ask("eth_call", call, "latest", code, {"baseFeePerGas": "0x7"}) == word(9)


def test_pretended_money_can_be_sent(story: FollowerStory) -> None:
    refused = story.ask("eth_call", WORTH_NOTHING)
    assert refused["message"] == "insufficient funds for gas * price + value: have 0 want 5"
    rich = {POOR: {"balance": "0x5"}}
    assert story.ask("eth_call", WORTH_NOTHING, "latest", rich) == word(42)
    assert int(story.ask("eth_estimateGas", WORTH_NOTHING, "latest", rich), 16) > 21_000
    assert story.ask("eth_createAccessList", WORTH_NOTHING, "latest", rich)["gasUsed"] > "0x5208"


def test_a_pretended_nonce_gives_the_created_address(story: FollowerStory) -> None:
    creation = {"from": POOR, "data": returning("30")}
    for nonce in (0, 7):
        overrides = {POOR: {"nonce": hex(nonce)}} if nonce else {}
        created = created_address(OTHER, nonce)
        assert story.ask("eth_call", creation, "latest", overrides) == word(int.from_bytes(created, "big"))


def test_an_estimate_is_of_the_pretended_state(story: FollowerStory) -> None:
    plain = int(story.ask("eth_estimateGas", CALL), 16)
    writing = {NAME: {"code": "0x6001600155"}}
    assert int(story.ask("eth_estimateGas", CALL, "latest", writing), 16) > plain + 15_000
    limited = story.ask("eth_estimateGas", CALL, "latest", writing, {"gasLimit": hex(plain)})
    assert (limited["code"], limited["message"]) == (-32000, "out of gas")


def test_a_transfer_stays_plain_where_pretended_money_covers_it(story: FollowerStory) -> None:
    transfer = {"from": POOR, "to": OWNER, "value": "0x5"}
    assert story.ask("eth_estimateGas", transfer, "latest", {POOR: {"balance": MOST_WEI}}) == "0x5208"
    with_code = {POOR: {"balance": MOST_WEI}, OWNER: {"code": "0x00"}}
    assert story.ask("eth_estimateGas", transfer, "latest", with_code) == "0x5209"


@pytest.mark.parametrize("strict", [False, True])
def test_more_money_than_there_can_be_is_told(story: FollowerStory, strict: bool) -> None:
    listed = [{"address": "0x000000000000000000000000000000000057E1C7", "storageKeys": []}]
    call = {**WORTH_NOTHING, "accessList": listed if strict else []}
    overrides = {POOR: {"balance": MOST_WEI}, NAME: {"balance": MOST_WEI}}
    found = story.ask("eth_call", call, "latest", overrides)
    assert (found["code"], found["message"]) == (-32000, "balance overflow")


# --- what is refused ---


@pytest.mark.parametrize(
    ("overrides", "block", "code", "message"),
    [
        ([], None, -32602, "the state overrides: an object is expected"),
        ({"0x1": {}}, None, -32602, "an overridden address is not hexadecimal"),
        ({NAME: 5}, None, -32602, f"the override of {to_checksum_address(NAME)}: an object is expected"),
        ({NAME: {"balanec": "0x1"}}, None, -32602, "account overrides have no member 'balanec'"),
        ({NAME: {"balance": 1}}, None, -32602, "the overridden balance is a hexadecimal number that"),
        ({NAME: {"nonce": hex(2**64)}}, None, -32602, "the overridden nonce has at most 64 bits"),
        ({NAME: {"code": "0x" + "00" * 131_073}}, None, -32602, "overridden code has at most 131072 bytes"),
        ({NAME: {"state": []}}, None, -32602, "the state: an object is expected"),
        ({NAME: {"state": {"0x0": word(1)}}}, None, -32602, "an element of state is not hexadecimal"),
        (
            {NAME: {"stateDiff": {word(1): "0x01"}}},
            None,
            -32602,
            "an element of stateDiff has 1 bytes instead",
        ),
        (
            {NAME: {"state": {}, "stateDiff": {}}},
            None,
            -32000,
            f"account {to_checksum_address(NAME)} has both 'state' and 'stateDiff'",
        ),
        ({"0x" + "1".rjust(40, "0"): {"code": "0x"}}, None, -32004, "the code of precompiled contracts"),
        ({DNN_ADDRESS: {"code": "0x"}}, None, -32004, "the code of precompiled contracts"),
        ({NAME: {"movePrecompileToAddress": POOR}}, None, -32004, "the code of precompiled contracts"),
        (
            {NAME: {"state": {word(at): word(1) for at in range(MOST_OVERRIDDEN)}}},
            None,
            -32602,
            "more than 10000 accounts and storage elements are overridden",
        ),
        (None, 5, -32602, "the block overrides: an object is expected"),
        (None, {"baseFee": "0x1"}, -32602, "block overrides have no member 'baseFee'"),
        (None, {"number": hex(2**63)}, -32602, "the overridden number has at most 63 bits"),
        (None, {"prevRandao": "0x01"}, -32602, "prevRandao has 1 bytes instead of 32"),
        (None, {"feeRecipient": 5}, -32602, "feeRecipient is hexadecimal text that starts with 0x"),
        *[
            (None, {name: "0x1"}, -32000, f'block override "{name}" is not supported for this RPC method')
            for name in BLOCK_MEMBERS[-3:]
        ],
    ],
)
def test_what_is_no_override_is_refused(
    story: FollowerStory, overrides: Any, block: Any, code: int, message: str
) -> None:
    for method in ("eth_call", "eth_estimateGas"):
        found = story.ask(method, CALL, "latest", overrides, block)
        assert (found["code"], found["message"][: len(message)]) == (code, message)


# --- access lists and named gas ---


def test_the_gas_of_a_plain_estimate_is_enough_for_a_list(story: FollowerStory) -> None:
    call = {"from": OWNER, "to": NAME}
    gas = story.ask("eth_estimateGas", call)
    made = story.ask("eth_createAccessList", {**call, "gas": gas})
    assert int(made["gasUsed"], 16) > int(gas, 16)
    assert made == story.ask("eth_createAccessList", call)
    listed = {**call, "accessList": made["accessList"], "gas": made["gasUsed"]}
    assert story.ask("eth_call", listed) == word(42)


def test_a_call_that_fails_without_a_list_gets_none(story: FollowerStory) -> None:
    found = story.ask("eth_createAccessList", {"from": OWNER, "to": NAME, "gas": hex(21_100)})
    assert (found["code"], found["message"]) == (-32000, "out of gas")


def test_what_is_answered_suffices_where_calls_pass_on_a_part_of_the_gas(story: FollowerStory) -> None:
    """A called frame gets 63 of 64 parts: what a run uses is less than what it needs."""
    writing = "".join(f"600160{key:02x}55" for key in range(40))
    # Calls the other account, and reverts where that fails.
    calling = f"5f5f5f5f5f73{OTHER.hex()}5af1602457" + "5f5ffd" + "5b00"
    jump = len(bytes.fromhex(calling)) - 2
    calling = calling.replace("602457", f"60{jump:02x}57")
    overrides = {POOR: {"code": "0x" + writing}, NAME: {"code": "0x" + calling}}
    call = {"from": OWNER, "to": NAME}
    made = story.ask("eth_createAccessList", call, "latest", overrides)
    enough = {**call, "accessList": made["accessList"], "gas": made["gasUsed"]}
    assert story.ask("eth_call", enough, "latest", overrides) == "0x"
    less = {**enough, "gas": hex(int(made["gasUsed"], 16) * 31 // 32)}
    assert story.ask("eth_call", less, "latest", overrides)["message"] == "execution reverted"
