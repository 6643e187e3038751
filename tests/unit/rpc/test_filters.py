from collections.abc import Callable
from typing import Any

import pytest

from anh_rollup.rpc.world_methods import method_table
from tests.doubles.answering_world import FakeWorld, FollowerDouble, service_of
from tests.doubles.ordering import ALICE, Clock
from tests.unit.rpc.conftest import Ask, asking
from tests.unit.rpc.stories import MINTED, MOVED, block_with_logs, log, name_of, sealed, text

Limited = Callable[..., Ask]


@pytest.fixture
def limited(follower: FollowerDouble, world: FakeWorld) -> Limited:
    def make(**limits: Any) -> Ask:
        return asking(follower, method_table(service_of(follower, world, **limits)))

    return make


def gone(answered: Any) -> bool:
    return isinstance(answered, dict) and (answered["code"], answered["message"]) == (
        -32000,
        "filter not found",
    )


def numbers(found: Any) -> list[int]:
    return [int(each["blockNumber"], 16) for each in found]


def test_a_block_filter_gives_each_new_block_once(query: Ask, follower: FollowerDouble) -> None:
    sealed(follower, ALICE.sign())
    name = query("eth_newBlockFilter")
    assert query("eth_getFilterChanges", name) == []
    sealed(follower, ALICE.sign(nonce=1))
    assert query("eth_getFilterChanges", name) == [text(follower.chain.head.header.hash)]
    assert query("eth_getFilterChanges", name) == []
    assert gone(query("eth_getFilterLogs", name))


def test_a_transaction_filter_gives_what_was_accepted(query: Ask, follower: FollowerDouble) -> None:
    name = query("eth_newPendingTransactionFilter")
    raw = ALICE.sign()
    follower.submit([raw])
    assert query("eth_getFilterChanges", name) == [name_of(raw)]
    follower.chain.seal()
    assert query("eth_getFilterChanges", name) == []


def test_a_log_filter_gives_new_logs_and_on_demand_all(
    query: Ask, follower: FollowerDouble, world: FakeWorld
) -> None:
    block_with_logs(follower, world, log())
    name = query("eth_newFilter", {"fromBlock": "0x0", "topics": [text(MOVED)]})
    assert query("eth_getFilterChanges", name) == []
    block_with_logs(follower, world, log(), log((MINTED,)))
    assert numbers(query("eth_getFilterChanges", name)) == [2]
    assert query("eth_getFilterChanges", name) == []
    assert numbers(query("eth_getFilterLogs", name)) == [1, 2]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({}, [1, 2, 3]),
        ({"fromBlock": "latest", "toBlock": "latest"}, [1, 2, 3]),
        ({"fromBlock": "0x2"}, [2, 3]),
        ({"fromBlock": "0x1", "toBlock": "0x2"}, [1, 2]),
    ],
)
def test_a_log_filter_keeps_to_its_blocks(
    query: Ask, follower: FollowerDouble, world: FakeWorld, bounds: dict[str, str], expected: list[int]
) -> None:
    name = query("eth_newFilter", bounds)
    for _ in range(3):
        block_with_logs(follower, world, log())
    assert numbers(query("eth_getFilterChanges", name)) == expected


def test_more_logs_than_one_answer_holds_come_with_the_next(
    limited: Limited, follower: FollowerDouble, world: FakeWorld
) -> None:
    query = limited(logs=2)
    name = query("eth_newFilter", {})
    for _ in range(5):
        block_with_logs(follower, world, log())
    assert [numbers(query("eth_getFilterChanges", name)) for _ in range(4)] == [[1, 2], [3, 4], [5], []]


def test_a_filter_that_fails_misses_nothing(query: Ask, follower: FollowerDouble, world: FakeWorld) -> None:
    name = query("eth_newFilter", {})
    block_with_logs(follower, world, log())
    world.failure = RuntimeError("away")
    with pytest.raises(RuntimeError, match="away"):
        query("eth_getFilterChanges", name)
    world.failure = None
    assert numbers(query("eth_getFilterChanges", name)) == [1]


def test_a_filter_can_be_taken_off(query: Ask) -> None:
    name = query("eth_newBlockFilter")
    assert [query("eth_uninstallFilter", name) for _ in range(2)] == [True, False]
    assert gone(query("eth_getFilterChanges", name))


@pytest.mark.parametrize("name", ["0x1", 5, None, [], {}])
def test_an_unknown_filter_is_not_found(query: Ask, name: Any) -> None:
    assert gone(query("eth_getFilterChanges", name))
    assert gone(query("eth_getFilterLogs", name))
    assert query("eth_uninstallFilter", name) is False


def test_filters_that_nobody_asks_are_forgotten(limited: Limited) -> None:
    clock = Clock()
    query = limited(clock=clock, filter_seconds=10.0, filters=2)
    kept, left = query("eth_newBlockFilter"), query("eth_newBlockFilter")
    refused = query("eth_newBlockFilter")
    assert (refused["code"], refused["message"]) == (-32005, "limit exceeded: too many filters")
    clock.now += 8
    assert query("eth_getFilterChanges", kept) == []
    clock.now += 8
    assert gone(query("eth_getFilterChanges", left))
    query("eth_newBlockFilter")
    assert query("eth_getFilterChanges", kept) == []


def test_a_filter_that_makes_no_sense_is_not_installed(query: Ask) -> None:
    assert query("eth_newFilter", {"fromBlock": "newest"})["code"] == -32602
    assert query("eth_newFilter", {"topics": 5})["code"] == -32602
    assert query("eth_newFilter", {"blockHash": ["0x11"]})["code"] == -32602


def test_what_is_kept_for_a_client_is_small(query: Ask) -> None:
    many = [text(number.to_bytes(20, "big")) for number in range(200)]
    assert "code" not in query("eth_newFilter", {"address": many})
    refused = query("eth_newFilter", {"address": many, "topics": [text(MOVED)]})
    assert (refused["code"], refused["message"]) == (
        -32602,
        "exceed max addresses and topics of what is followed: 200",
    )
    assert query("eth_getLogs", {"address": many, "topics": [text(MOVED)]}) == []
