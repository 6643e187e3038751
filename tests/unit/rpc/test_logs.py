from typing import Any

import pytest

from anh_rollup.rpc.world_methods import method_table
from tests.doubles.answering_world import FakeWorld, FollowerDouble, service_of
from tests.unit.rpc.conftest import Ask, asking
from tests.unit.rpc.stories import MINTED, MOVED, OTHER, TOKEN, block_with_logs, log, text


@pytest.fixture
def blocks(follower: FollowerDouble, world: FakeWorld) -> list[str]:
    """The hashes of three blocks with logs."""
    block_with_logs(follower, world, log((MOVED,)), log((MINTED, MOVED)))
    block_with_logs(follower, world)
    block_with_logs(follower, world, log((MOVED, MINTED), OTHER))
    found = [follower.chain.block(number) for number in (1, 2, 3)]
    return [text(each.hash) for each in found if each is not None]


def places(found: Any) -> list[tuple[str, str]]:
    return [(each["blockNumber"], each["logIndex"]) for each in found]


FIRST, SECOND, THIRD = ("0x1", "0x0"), ("0x1", "0x1"), ("0x3", "0x0")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"fromBlock": "earliest"}, [FIRST, SECOND, THIRD]),
        ({"fromBlock": "0x0", "toBlock": "0x2"}, [FIRST, SECOND]),
        ({"fromBlock": "0x2", "toBlock": "0x99"}, [THIRD]),
        ({"fromBlock": "0x99"}, []),
        ({"fromBlock": "0x99", "toBlock": "latest"}, []),
        ({}, [THIRD]),
        ({"fromBlock": "0x0", "address": text(TOKEN)}, [FIRST, SECOND]),
        ({"fromBlock": "0x0", "address": [text(TOKEN), text(OTHER)]}, [FIRST, SECOND, THIRD]),
        ({"fromBlock": "0x0", "topics": [text(MOVED)]}, [FIRST, THIRD]),
        ({"fromBlock": "0x0", "topics": [None, text(MOVED)]}, [SECOND]),
        ({"fromBlock": "0x0", "topics": [[text(MOVED), text(MINTED)], []]}, [SECOND, THIRD]),
        ({"fromBlock": "0x0", "topics": []}, [FIRST, SECOND, THIRD]),
        ({"fromBlock": "0x0", "topics": None, "address": None}, [FIRST, SECOND, THIRD]),
    ],
)
def test_logs_are_found_by_block_address_and_topic(
    query: Ask, blocks: list[str], asked: dict[str, Any], expected: list[Any]
) -> None:
    assert places(query("eth_getLogs", asked)) == expected


def test_logs_are_found_by_the_hash_of_their_block(query: Ask, blocks: list[str]) -> None:
    assert places(query("eth_getLogs", {"blockHash": blocks[0]})) == [FIRST, SECOND]
    assert query("eth_getLogs", {"blockHash": "0x" + "12" * 32})["message"] == "header for hash not found"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ([], "the filter is an object"),
        ({"blockHash": "0x" + "12" * 32, "fromBlock": "0x0"}, "cannot specify both BlockHash and FromBlock"),
        ({"fromBlock": "0x3", "toBlock": "0x2"}, "invalid block range params"),
        ({"fromBlock": 5}, "the block, when it is none of"),
        ({"topics": ["0x1"]}, "a topic of the filter is not hexadecimal"),
        ({"topics": [None] * 5}, "the topics are a list of at most 4"),
        ({"topics": "0x"}, "the topics are a list of at most 4"),
        ({"address": {}}, "an address of the filter is hexadecimal text"),
        ({"address": [text(TOKEN)] * 1_001}, "exceed max addresses or topics per search position: 1000"),
        ({"topics": [[text(MOVED)] * 1_001]}, "exceed max addresses or topics per search position: 1000"),
    ],
)
def test_a_query_that_is_none_is_refused(query: Ask, asked: Any, message: str) -> None:
    found = query("eth_getLogs", asked)
    assert (found["code"], found["message"].startswith(message)) == (-32602, True)


def test_an_answer_that_is_too_long_is_refused(
    follower: FollowerDouble, world: FakeWorld, blocks: list[str]
) -> None:
    few = asking(follower, method_table(service_of(follower, world, logs=2)))
    assert len(few("eth_getLogs", {"fromBlock": "0x1", "toBlock": "0x2"})) == 2
    assert few("eth_getLogs", {"fromBlock": "0x1", "toBlock": "0x3"}) == {
        "code": -32005,
        "message": "query returned more than 2 results",
        "data": "Ask for fewer blocks, or for certain addresses and topics.",
    }


def test_the_range_of_blocks_is_bounded(
    follower: FollowerDouble, world: FakeWorld, blocks: list[str]
) -> None:
    near = asking(follower, method_table(service_of(follower, world, blocks=2)))
    assert near("eth_getLogs", {"fromBlock": "0x2"})[0]["blockNumber"] == "0x3"
    refused = near("eth_getLogs", {"fromBlock": "0x1"})
    assert (refused["code"], refused["message"]) == (-32005, "block range is larger than 2")
