"""With a real world behind it, the methods agree with one another."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from anh_rollup.world.strict import created_address
from tests.doubles.ordering import ALICE, FakeL1
from tests.unit.rpc.stories import name_of, text
from tests.unit.rpc.story import CONTRACT, INIT, FollowerStory

OWNER = text(ALICE.address)
REVERTING = bytes.fromhex("60006000fd")


@pytest.fixture
def story(l1: FakeL1, tmp_path: Path) -> Iterator[FollowerStory]:
    """The story, and behind it a block with a transfer, two deployments and a failure."""
    told = FollowerStory(l1, tmp_path)
    told.tell()
    more = [ALICE.sign(nonce=3 + each, to=None, data=INIT, gas=200_000) for each in range(2)]
    told.node.submit([*more, ALICE.sign(nonce=5, to=None, data=REVERTING, gas=90_000)])
    told.seal()
    yield told
    told.close()


def test_events_are_the_same_wherever_they_are_asked(story: FollowerStory) -> None:
    listed = story.ask("eth_getLogs", {"fromBlock": "0x0"})
    receipts = [each for number in range(1, 4) for each in story.ask("eth_getBlockReceipts", hex(number))]
    assert len(listed) == 3
    assert [log for each in receipts for log in each["logs"]] == listed
    assert receipts == [story.ask("eth_getTransactionReceipt", each["transactionHash"]) for each in receipts]
    places = [(int(each["blockNumber"], 16), int(each["logIndex"], 16)) for each in listed]
    assert places == sorted(set(places))


def test_a_failure_pays_for_its_gas_and_leaves_nothing(story: FollowerStory) -> None:
    receipts = story.ask("eth_getBlockReceipts", "0x3")
    assert [each["status"] for each in receipts] == ["0x1", "0x1", "0x1", "0x0"]
    assert (receipts[3]["logs"], receipts[3]["contractAddress"]) == ([], None)
    before = int(story.ask("eth_getBalance", OWNER, "0x2"), 16)
    after = int(story.ask("eth_getBalance", OWNER, "0x3"), 16)
    fees = [int(each["gasUsed"], 16) * int(each["effectiveGasPrice"], 16) for each in receipts]
    assert before - after == sum(fees) + 5


def test_the_created_contract_is_where_its_receipt_says(story: FollowerStory) -> None:
    receipts = story.ask("eth_getBlockReceipts", "0x3")
    created = text(created_address(ALICE.address, 3))
    assert receipts[1]["contractAddress"].lower() == created
    assert story.ask("eth_getCode", created, "0x2") == "0x"
    assert story.ask("eth_getCode", created, "0x3") == story.ask("eth_getCode", text(CONTRACT), "0x3")
    assert story.ask("eth_getTransactionCount", created, "latest") == "0x1"
    assert story.ask("eth_getTransactionCount", created, "0x2") == "0x0"


def test_an_estimate_is_enough_and_a_little_less_is_not(story: FollowerStory) -> None:
    call = {"from": OWNER, "to": text(CONTRACT)}
    gas = int(story.ask("eth_estimateGas", call), 16)
    assert story.ask("eth_call", {**call, "gas": hex(gas)}) == "0x" + "2a".rjust(64, "0")
    assert story.ask("eth_call", {**call, "gas": hex(gas * 63 // 64 - 1)})["message"] == "out of gas"


def test_a_transaction_with_the_list_that_was_made_for_it_depends_on_little(story: FollowerStory) -> None:
    made = story.ask("eth_createAccessList", {"from": OWNER, "to": text(CONTRACT)})
    raw = ALICE.sign(nonce=6, to=text(CONTRACT), gas=60_000, accessList=made["accessList"])
    receipt = story.ask("eth_sendRawTransactionSync", text(raw))
    assert (receipt["status"], receipt["gasUsed"]) == ("0x1", made["gasUsed"])
    free = story.ask("anh_getClosure", name_of(ALICE.sign(nonce=5, to=None, data=REVERTING, gas=90_000)))
    assert int(free["count"], 16) == 5


def test_a_revert_is_told_with_its_data(story: FollowerStory) -> None:
    code = "0x600160005360016000fd"
    assert story.ask("eth_call", {"data": code}) == {
        "code": 3,
        "message": "execution reverted",
        "data": "0x01",
    }
