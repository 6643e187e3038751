"""Subscriptions from the request to the notification, without a network."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from anh_rollup.rpc.dispatch import Limits, answer
from anh_rollup.rpc.hub import Hub
from anh_rollup.rpc.service import WorldService
from anh_rollup.rpc.subscriptions import Subscriptions
from anh_rollup.rpc.websocket_client import Connection, SocketLimits
from anh_rollup.rpc.world_methods import method_table
from anh_rollup.world.errors import ResultMissingError
from tests.doubles.answering_world import FakeWorld, FollowerDouble
from tests.doubles.ordering import ALICE, BOB, FakeL1, record_of
from tests.unit.rpc.sockets import FakeSocket
from tests.unit.rpc.stories import MINTED, MOVED, TOKEN, block_with_logs, log, name_of, sealed, text
from tests.unit.rpc.test_ethereum import BLOCK_FIELDS


class Client:
    """A client of a hub whose looks a test makes."""

    def __init__(self, service: WorldService, most: int = 4) -> None:
        self.socket = FakeSocket()
        self.hub = Hub(service, 0.0)
        subscriptions = Subscriptions(service, most)
        self.connection = Connection(self.socket, subscriptions, SocketLimits(), self.socket.abort)
        methods = {**method_table(service), **subscriptions.methods}
        self._answer = partial(answer, service.backend, limits=Limits(), methods=methods)
        self._running: asyncio.Task[None] | None = None

    def begin(self) -> None:
        async def answered(body: bytes) -> bytes | None:
            return self._answer(body)

        self.hub.connections.add(self.connection)
        self._running = asyncio.create_task(self.connection.run(answered))

    async def ask(self, method: str, *parameters: Any) -> Any:
        self.socket.send({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
        found = await asyncio.wait_for(self.socket.sent.get(), 5)
        await asyncio.sleep(0)
        return found["error"] if "error" in found else found["result"]

    async def look(self) -> list[Any]:
        """What a look brings: subscription and result."""
        await self.hub.tell_news()
        await self.hub.tell_logs()
        await asyncio.sleep(0.01)
        found = [self.socket.sent.get_nowait() for _ in range(self.socket.sent.qsize())]
        assert {(each["jsonrpc"], each["method"]) for each in found} <= {("2.0", "eth_subscription")}
        return [(each["params"]["subscription"], each["params"]["result"]) for each in found]

    async def end(self) -> None:
        self.socket.leave()
        assert self._running is not None
        await self._running


@pytest.fixture
async def client(service: WorldService) -> AsyncIterator[Client]:
    made = Client(service)
    made.begin()
    yield made
    await made.end()


async def test_new_heads_are_told_with_their_headers(client: Client, follower: FollowerDouble) -> None:
    name = await client.ask("eth_subscribe", "newHeads")
    assert await client.look() == []
    sealed(follower, ALICE.sign())
    ((subscription, head),) = await client.look()
    block = await client.ask("eth_getBlockByNumber", "latest", False)
    assert subscription == name
    own = {"l1OriginHash", "l1OriginNumber", "orderedGas"}
    others = {"size", "totalDifficulty", "transactions", "uncles"}
    assert head == {member: block[member] for member in BLOCK_FIELDS - own - others}
    assert await client.look() == []


async def test_a_head_in_the_place_of_another_is_told(
    client: Client, follower: FollowerDouble, l1: FakeL1
) -> None:
    await client.ask("eth_subscribe", "newHeads")
    sealed(follower, ALICE.sign())
    assert len(await client.look()) == 1
    l1.force(record_of(ALICE.transfer(0, BOB.address, 5)))
    l1.post_forced()
    follower.chain.follow()
    ((_, head),) = await client.look()
    assert head["hash"] == text(follower.chain.head.header.hash)


async def test_new_transactions_are_told_once(client: Client, follower: FollowerDouble) -> None:
    name = await client.ask("eth_subscribe", "newPendingTransactions")
    raw = ALICE.sign()
    follower.submit([raw])
    assert await client.look() == [(name, name_of(raw))]
    follower.chain.seal()
    assert await client.look() == []


async def test_new_logs_are_told_to_who_asked_for_them(
    client: Client, follower: FollowerDouble, world: FakeWorld
) -> None:
    block_with_logs(follower, world, log())
    moved = await client.ask("eth_subscribe", "logs", {"address": text(TOKEN), "topics": [text(MOVED)]})
    every = await client.ask("eth_subscribe", "logs")
    block_with_logs(follower, world, log(), log((MINTED,)))
    told = await client.look()
    expected = await client.ask("eth_getLogs", {"fromBlock": "0x2"})
    assert told == [(moved, expected[0]), (every, expected[0]), (every, expected[1])]
    assert await client.look() == []


async def test_logs_of_a_block_that_is_replaced_are_taken_back_first(
    client: Client, follower: FollowerDouble, world: FakeWorld, l1: FakeL1
) -> None:
    name = await client.ask("eth_subscribe", "logs")
    block_with_logs(follower, world, log())
    ((_, before),) = await client.look()
    l1.force(record_of(ALICE.transfer(0, BOB.address, 5)))
    l1.post_forced()
    follower.chain.follow()
    world.events = {(1, 0): (log((MINTED,)),)}
    (new,) = await client.ask("eth_getLogs", {"fromBlock": "0x0"})
    assert await client.look() == [(name, {**before, "removed": True}), (name, new)]


async def test_logs_that_wait_for_a_result_are_told_later(
    client: Client, follower: FollowerDouble, world: FakeWorld
) -> None:
    name = await client.ask("eth_subscribe", "logs", {})
    block_with_logs(follower, world, log())
    world.failure = ResultMissingError(b"\1")
    assert await client.look() == []
    world.failure = None
    assert [subscription for subscription, _ in await client.look()] == [name]


async def test_a_change_of_syncing_is_told(client: Client, follower: FollowerDouble) -> None:
    name = await client.ask("eth_subscribe", "syncing")
    assert await client.look() == []
    follower.syncing = (0, 1, 9)
    status = {"startingBlock": "0x0", "currentBlock": "0x1", "highestBlock": "0x9"}
    assert await client.look() == [(name, {"syncing": True, "status": status})]
    follower.syncing = None
    assert await client.look() == [(name, False)]


async def test_what_was_new_before_anybody_listened_is_not_told(
    service: WorldService, follower: FollowerDouble
) -> None:
    client = Client(service)
    sealed(follower, ALICE.sign())
    await client.hub.tell_news()
    client.begin()
    await client.ask("eth_subscribe", "newHeads")
    assert await client.look() == []
    await client.end()


async def test_a_subscription_ends(client: Client, follower: FollowerDouble) -> None:
    name = await client.ask("eth_subscribe", "newHeads")
    assert await client.ask("eth_unsubscribe", name) is True
    sealed(follower, ALICE.sign())
    assert await client.look() == []
    again = await client.ask("eth_unsubscribe", name)
    assert (again["code"], again["message"]) == (-32000, "subscription not found")


async def test_subscriptions_have_a_limit(client: Client) -> None:
    names = [await client.ask("eth_subscribe", "newHeads") for _ in range(4)]
    assert len(set(names)) == 4
    refused = await client.ask("eth_subscribe", "newHeads")
    assert (refused["code"], refused["message"]) == (
        -32005,
        "limit exceeded: 4 subscriptions of one connection",
    )


@pytest.mark.parametrize(
    "parameters",
    [
        (),
        ("heads",),
        (5,),
        ([],),
        ("newHeads", {}),
        ("newPendingTransactions", True),
        ("logs", []),
        ("logs", {"fromBlock": "0x0"}),
        ("logs", {"topics": ["0x1"]}),
    ],
)
async def test_what_cannot_be_followed_is_a_wrong_parameter(
    client: Client, parameters: tuple[Any, ...]
) -> None:
    assert (await client.ask("eth_subscribe", *parameters))["code"] == -32602
    assert (await client.ask("eth_unsubscribe", *parameters[1:]))["code"] == -32602


async def test_the_hub_looks_again_and_again(service: WorldService, follower: FollowerDouble) -> None:
    client = Client(service)
    client.begin()
    looking = asyncio.create_task(client.hub.run())
    await client.ask("eth_subscribe", "newHeads")
    sealed(follower, ALICE.sign())
    told = await asyncio.wait_for(client.socket.sent.get(), 5)
    assert told["params"]["result"]["number"] == "0x1"
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    await client.end()


async def test_a_look_that_fails_is_made_again(
    service: WorldService, follower: FollowerDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(service)
    client.begin()
    await client.ask("eth_subscribe", "newHeads")
    failures = iter([ResultMissingError(b"\1")])
    look = service.feed.blocks

    def fail_once(mark: int) -> Any:
        for error in failures:
            raise error
        return look(mark)

    monkeypatch.setattr(service.feed, "blocks", fail_once)
    looking = asyncio.create_task(client.hub.run())
    sealed(follower, ALICE.sign())
    assert (await asyncio.wait_for(client.socket.sent.get(), 5))["method"] == "eth_subscription"
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    await client.end()
