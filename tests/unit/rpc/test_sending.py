from collections.abc import Callable
from typing import Any

import pytest

from anh_rollup.rpc.world_methods import method_table
from anh_rollup.world.errors import ResultMissingError
from tests.doubles.answering_world import FakeWorld, FollowerDouble, service_of
from tests.doubles.ordering import ALICE, BOB, MALLORY, Clock
from tests.unit.rpc.conftest import Ask, asking
from tests.unit.rpc.stories import name_of, text

RAW = ALICE.call(0, b"\1")


@pytest.fixture
def waiting(follower: FollowerDouble, world: FakeWorld) -> Callable[..., Ask]:
    """Asks of a node whose clock moves when it waits; `each` is done with each wait."""

    def make(each: Callable[[], Any], **limits: Any) -> Ask:
        clock = Clock()

        def sleep(seconds: float) -> None:
            clock.now += seconds
            each()

        return asking(follower, method_table(service_of(follower, world, clock=clock, sleep=sleep, **limits)))

    return make


def test_a_transaction_is_sent_and_its_receipt_awaited(
    waiting: Callable[..., Ask], follower: FollowerDouble
) -> None:
    query = waiting(follower.chain.seal)
    found = query("eth_sendRawTransactionSync", text(RAW))
    assert found == query("eth_getTransactionReceipt", name_of(RAW))
    assert found["status"] == "0x1"


@pytest.mark.parametrize(("wanted", "seconds"), [(None, "2"), (100, "0.1"), ("0x64", "0.1"), (10**9, "10")])
def test_a_receipt_that_is_late_is_error_4_with_the_hash(
    waiting: Callable[..., Ask], wanted: Any, seconds: str
) -> None:
    query = waiting(lambda: None)
    parameters = [text(RAW)] if wanted is None else [text(RAW), wanted]
    assert query("eth_sendRawTransactionSync", *parameters) == {
        "code": 4,
        "message": f"the transaction was accepted, but its receipt was not there within {seconds} seconds",
        "data": name_of(RAW),
    }


def test_a_rejected_transaction_is_told_at_once(waiting: Callable[..., Ask]) -> None:
    query = waiting(pytest.fail)
    assert query("eth_sendRawTransactionSync", text(MALLORY.sign()))["code"] == -32000
    for wanted in (0, "0x0", -5, True, 1.5):
        assert query("eth_sendRawTransactionSync", text(RAW), wanted)["code"] == -32602


def test_no_more_wait_than_may(waiting: Callable[..., Ask]) -> None:
    inner: list[Any] = []
    query: Ask = waiting(
        lambda: inner.append(query("eth_sendRawTransactionSync", text(ALICE.sign(nonce=1)))), waiting=1
    )
    query("eth_sendRawTransactionSync", text(RAW), 10)
    assert [each["message"] for each in inner] == ["limit exceeded: too many wait for receipts"]


def test_the_pool_shows_what_has_no_block(query: Ask, follower: FollowerDouble) -> None:
    assert query("txpool_content") == {"pending": {}, "queued": {}}
    transfer = ALICE.transfer(1, BOB.address, 5)
    follower.submit([RAW, transfer])
    assert query("txpool_status") == {"pending": "0x2", "queued": "0x0"}
    shown = {
        "0": query("eth_getTransactionByHash", name_of(RAW)),
        "1": query("eth_getTransactionByHash", name_of(transfer)),
    }
    owner = shown["0"]["from"]
    assert query("txpool_content") == {"pending": {owner: shown}, "queued": {}}
    assert query("txpool_contentFrom", owner) == {"pending": shown, "queued": {}}
    assert query("txpool_contentFrom", text(BOB.address)) == {"pending": {}, "queued": {}}
    follower.chain.seal()
    assert query("txpool_status") == {"pending": "0x0", "queued": "0x0"}


def test_the_pool_shows_what_is_behind_a_gap_apart(query: Ask, follower: FollowerDouble) -> None:
    later = ALICE.transfer(2, BOB.address, 5)
    follower.submit([RAW, later])
    assert query("txpool_status") == {"pending": "0x1", "queued": "0x1"}
    shown = query("txpool_content")
    (owner,) = shown["queued"]
    assert shown["queued"][owner] == {"2": query("eth_getTransactionByHash", name_of(later))}
    assert shown["pending"][owner] == {"0": query("eth_getTransactionByHash", name_of(RAW))}
    own = {"pending": shown["pending"][owner], "queued": shown["queued"][owner]}
    assert query("txpool_contentFrom", owner) == own
    assert query("eth_getTransactionReceipt", name_of(later)) is None


def test_the_receipt_of_what_was_accepted_waits_for_its_block(
    waiting: Callable[..., Ask], follower: FollowerDouble
) -> None:
    query = waiting(follower.chain.seal, receipt_seconds=1.0)
    assert query("eth_getTransactionReceipt", name_of(RAW)) is None
    follower.submit([RAW])
    assert query("eth_getTransactionReceipt", name_of(RAW))["blockNumber"] == "0x1"


def test_a_receipt_waits_a_moment_only(waiting: Callable[..., Ask], follower: FollowerDouble) -> None:
    waits: list[int] = []
    query = waiting(lambda: waits.append(1), receipt_seconds=0.5)
    follower.submit([RAW])
    assert query("eth_getTransactionReceipt", name_of(RAW)) is None
    assert len(waits) == 10
    crowded = waiting(pytest.fail, receipt_seconds=0.5, waiting=0)
    assert crowded("eth_getTransactionReceipt", name_of(RAW)) is None


def test_a_receipt_that_waits_for_a_result_is_looked_for_again(
    waiting: Callable[..., Ask], follower: FollowerDouble, world: FakeWorld
) -> None:
    """The block is there at once, the network's result with the second look."""
    world.failure = ResultMissingError(b"\1")

    def go_on() -> None:
        if follower.chain.seal() is None:
            world.failure = None

    query = waiting(go_on)
    assert query("eth_sendRawTransactionSync", text(RAW))["status"] == "0x1"
