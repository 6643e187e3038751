"""JSON-RPC of a node with a world over real sockets: HTTP and WebSocket on one port."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError
from aiohttp.test_utils import BaseTestServer, TestServer
from web3 import AsyncWeb3, WebSocketProvider

from anh_rollup.rpc.server import Capacity, make_app
from anh_rollup.rpc.websocket_client import SocketLimits
from tests.doubles.answering_world import FakeWorld, FollowerDouble, service_of
from tests.doubles.ordering import ALICE, ETHER, FakeL1

HOME = "https://wallet.example"
CHAIN_ID = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
CHAIN_ID_ANSWER = {"jsonrpc": "2.0", "id": 1, "result": "0xc8db9eb"}


@pytest.fixture
def node(tmp_path: Path) -> FollowerDouble:
    l1 = FakeL1()
    l1.deposit(ALICE.address, ETHER)
    return FollowerDouble(l1, tmp_path)


@pytest.fixture
async def server(node: FollowerDouble) -> AsyncIterator[BaseTestServer]:
    service = service_of(node, FakeWorld(node))
    sockets = SocketLimits(connections=2, frame=1_000, interval=0.01)
    async with TestServer(
        make_app(node, Capacity(sockets=sockets), service=service, origins=[HOME])
    ) as running:
        yield running


@pytest.fixture
async def session(server: BaseTestServer) -> AsyncIterator[ClientSession]:
    async with ClientSession(server.make_url("/")) as opened:
        yield opened


async def test_requests_and_batches_are_answered_over_a_websocket(session: ClientSession) -> None:
    async with session.ws_connect("/") as socket:
        await socket.send_json(CHAIN_ID)
        assert await socket.receive_json(timeout=5) == CHAIN_ID_ANSWER
        await socket.send_bytes(b"[" + b"1," * 2 + b"1]")
        assert [each["error"]["code"] for each in await socket.receive_json(timeout=5)] == [-32600] * 3
        await socket.send_str("{")
        assert (await socket.receive_json(timeout=5))["error"]["code"] == -32700


async def test_a_frame_that_is_too_long_closes_the_socket(session: ClientSession) -> None:
    async with session.ws_connect("/") as socket:
        await socket.send_str(" " * 1_001)
        closed = await socket.receive(timeout=5)
        assert (closed.type, closed.data) == (WSMsgType.CLOSE, 1009)


async def test_no_more_sockets_are_open_than_may_be(session: ClientSession) -> None:
    async with session.ws_connect("/"), session.ws_connect("/"):
        with pytest.raises(WSServerHandshakeError, match="503"):
            await session.ws_connect("/")
    async with session.ws_connect("/") as socket:
        await socket.send_json(CHAIN_ID)
        assert await socket.receive_json(timeout=5) == CHAIN_ID_ANSWER


async def test_pages_of_other_origins_get_no_socket(session: ClientSession) -> None:
    async with session.ws_connect("/", origin=HOME) as socket:
        await socket.send_json(CHAIN_ID)
        assert await socket.receive_json(timeout=5) == CHAIN_ID_ANSWER
    with pytest.raises(WSServerHandshakeError, match="403"):
        await session.ws_connect("/", origin="https://other.example")


async def test_a_plain_get_is_told_what_to_do(session: ClientSession) -> None:
    async with session.get("/") as answered:
        assert (answered.status, await answered.text()) == (
            426,
            "POST JSON-RPC here, or open a WebSocket.\n",
        )
    async with session.get("/health") as answered:
        assert (answered.status, (await answered.json())["head"]) == (200, 0)


async def test_open_sockets_are_told_that_the_node_stops(node: FollowerDouble) -> None:
    service = service_of(node, FakeWorld(node))
    running = TestServer(make_app(node, service=service))
    await running.start_server()
    async with ClientSession() as session, session.ws_connect(running.make_url("/")) as socket:
        stopping = asyncio.create_task(running.close())
        closed = await socket.receive(timeout=5)
        assert (closed.type, closed.data) == (WSMsgType.CLOSE, 1001)
        await asyncio.wait_for(stopping, 5)


async def test_a_client_that_never_reads_is_dropped(node: FollowerDouble) -> None:
    service = service_of(node, FakeWorld(node))
    sockets = SocketLimits(seconds=0.2, interval=0.01, waiting=1 << 16, frame=1 << 20)
    async with TestServer(make_app(node, Capacity(sockets=sockets), service=service)) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port, limit=64)
        handshake = (
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n"
        )
        writer.write(handshake.encode())
        assert await reader.readline() == b"HTTP/1.1 101 Switching Protocols\r\n"
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(send_for_ever(writer), 30)


async def send_for_ever(writer: asyncio.StreamWriter) -> None:
    """Requests with long answers, masked with zeros, none of which is read."""
    body = b'{"jsonrpc":"2.0","id":"' + b"x" * 60_000 + b'","method":"eth_chainId"}'
    frame = b"\x81\xfe" + len(body).to_bytes(2, "big") + bytes(4) + body
    while True:
        writer.write(frame)
        await writer.drain()


async def test_web3py_subscribes_over_a_websocket(server: BaseTestServer, node: FollowerDouble) -> None:
    async with AsyncWeb3(WebSocketProvider(f"ws://127.0.0.1:{server.port}/")) as web3:
        assert await web3.eth.chain_id == 210614763
        heads = await web3.eth.subscribe("newHeads")
        hashes = await web3.eth.subscribe("newPendingTransactions")
        node.submit([ALICE.sign()])
        block = node.chain.seal()
        assert block is not None
        told: dict[Any, Any] = {}
        async for message in web3.socket.process_subscriptions():
            told[message["subscription"]] = message["result"]
            if len(told) == 2:
                break
        transaction = block.transactions[0][1]
        assert transaction is not None
        assert told[heads]["number"] == 1
        assert bytes(told[heads]["hash"]) == block.hash
        assert bytes(told[hashes]) == transaction.hash
        assert await web3.eth.unsubscribe(heads) is True
