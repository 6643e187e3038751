from typing import Any

import pytest

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.rpc.receipts import bloom
from anh_rollup.world.errors import ResultMissingError, UnknownPositionError
from tests.doubles.answering_world import FakeWorld, FollowerDouble
from tests.doubles.ordering import ALICE, BOB, FakeL1, record_of
from tests.unit.rpc.conftest import Ask
from tests.unit.rpc.stories import MINTED, MOVED, OTHER, TOKEN, log, name_of, sealed, text
from tests.unit.rpc.test_ethereum import RECEIPT_FIELDS

CALL = ALICE.call(0, b"\1")
CREATION = ALICE.sign(nonce=1, to=None, data=b"\x60", gas=100_000)


@pytest.fixture
def number(follower: FollowerDouble, world: FakeWorld) -> int:
    """A block with a call that logs twice, a creation, and a plain transfer."""
    number = sealed(follower, CALL, CREATION, ALICE.transfer(2, BOB.address, 5))
    world.events[(number, 0)] = (log(), log((MINTED, MOVED), OTHER, b""))
    world.events[(number, 1)] = (log(()),)
    world.created[(number, 1)] = TOKEN
    return number


def test_a_calls_receipt_says_what_the_execution_did(
    query: Ask, follower: FollowerDouble, number: int
) -> None:
    found = query("eth_getTransactionReceipt", name_of(CALL))
    assert set(found) == RECEIPT_FIELDS
    assert (found["status"], found["gasUsed"], found["contractAddress"]) == ("0x1", "0xc350", None)
    assert found["cumulativeGasUsed"] == hex(100_000)
    block = {
        "blockNumber": "0x1",
        "blockHash": text(follower.chain.head.header.hash),
        "transactionHash": name_of(CALL),
        "transactionIndex": "0x0",
        "removed": False,
    }
    first = {"address": text(TOKEN), "topics": [text(MOVED)], "data": "0x01", "logIndex": "0x0"}
    second = {"address": text(OTHER), "topics": [text(MINTED), text(MOVED)], "data": "0x", "logIndex": "0x1"}
    assert found["logs"] == [{**first, **block}, {**second, **block}]


def test_a_creations_receipt_names_the_contract(query: Ask, number: int) -> None:
    found = query("eth_getTransactionReceipt", name_of(CREATION))
    assert (found["contractAddress"], found["to"]) == (text(TOKEN), None)
    assert found["logs"][0]["logIndex"] == hex(1 << 20)


def test_a_bloom_has_three_bits_of_each_address_and_topic() -> None:
    assert bloom([]) == bytes(256)
    digest = keccak256(TOKEN)
    numbers = [int.from_bytes(digest[at : at + 2], "big") % 2_048 for at in (0, 2, 4)]
    assert int.from_bytes(bloom([log(())]), "big") == sum(1 << bit for bit in set(numbers))
    both = int.from_bytes(bloom([log(), log((MINTED,), OTHER)]), "big")
    for each in (log(), log((MINTED,), OTHER)):
        alone = int.from_bytes(bloom([each]), "big")
        assert both & alone == alone


def test_a_blocks_receipts_are_those_of_its_transactions(
    query: Ask, follower: FollowerDouble, number: int
) -> None:
    block = query("eth_getBlockByNumber", hex(number), False)
    single = [query("eth_getTransactionReceipt", name) for name in block["transactions"]]
    for name in (hex(number), block["hash"], {"blockHash": block["hash"]}, "latest"):
        assert query("eth_getBlockReceipts", name) == single
    assert [each["cumulativeGasUsed"] for each in single] == [hex(100_000), hex(200_000), hex(221_000)]


def test_there_are_no_receipts_of_a_block_that_there_is_not(query: Ask, number: int) -> None:
    assert query("eth_getBlockReceipts", "0x9") is None
    assert query("eth_getBlockReceipts", "0x" + "77" * 32) is None
    assert query("eth_getBlockReceipts", "earliest") == []
    assert query("eth_getBlockReceipts", "newest")["code"] == -32602


def test_a_receipt_is_null_while_its_transaction_waits(
    query: Ask, follower: FollowerDouble, world: FakeWorld
) -> None:
    follower.submit([CALL])
    assert query("eth_getTransactionReceipt", name_of(CALL)) is None
    follower.chain.seal()
    world.failure = ResultMissingError(b"\1")
    assert query("eth_getTransactionReceipt", name_of(CALL)) is None
    assert query("eth_getBlockReceipts", "latest")["code"] == -32002
    world.failure = UnknownPositionError(1, 0, 0)
    assert query("eth_getTransactionReceipt", name_of(CALL)) is None
    world.failure = None
    assert query("eth_getTransactionReceipt", name_of(CALL))["status"] == "0x1"
    assert query("eth_getTransactionReceipt", "0x" + "77" * 32) is None


def test_forced_bytes_that_are_no_transaction_have_no_receipt(
    query: Ask, follower: FollowerDouble, l1: FakeL1
) -> None:
    poor = BOB.transfer(0, ALICE.address, 5)
    l1.force(b"\xff\xff")
    l1.force(record_of(poor))
    l1.mine(2)
    follower.chain.follow()
    follower.chain.seal()
    receipts: list[Any] = query("eth_getBlockReceipts", "latest")
    assert [(each["transactionHash"], each["status"], each["gasUsed"]) for each in receipts] == [
        (name_of(poor), "0x0", "0x0")
    ]
