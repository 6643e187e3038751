import asyncio
from typing import Any

import pytest
from aiohttp import WSMessage, WSMsgType

from anh_rollup.rpc.service import WorldService
from anh_rollup.rpc.subscriptions import Subscriptions
from anh_rollup.rpc.websocket_client import Connection, SocketLimits
from tests.unit.rpc.sockets import FakeSocket


async def echo(body: bytes) -> bytes | None:
    return None if body == b"0" else body


@pytest.fixture
async def socket() -> FakeSocket:
    return FakeSocket()


def connected(socket: FakeSocket, service: WorldService, **limits: Any) -> Connection:
    return Connection(socket, Subscriptions(service, 4), SocketLimits(**limits), socket.abort)


async def test_requests_are_answered_in_order(socket: FakeSocket, service: WorldService) -> None:
    for each in (1, 0, 2):
        socket.send(each)
    socket.incoming.put_nowait(WSMessage(WSMsgType.BINARY, b"3", None))
    running = asyncio.create_task(connected(socket, service).run(echo))
    assert [await socket.sent.get() for _ in range(3)] == [1, 2, 3]
    socket.leave()
    await running
    assert not socket.aborted


async def test_a_client_that_does_not_read_its_notifications_is_dropped(
    socket: FakeSocket, service: WorldService
) -> None:
    connection = connected(socket, service, messages=3)
    running = asyncio.create_task(connection.run(echo))
    socket.reads.clear()
    for _ in range(5):
        await connection.notify(b"1")
        await asyncio.sleep(0)
    assert socket.aborted
    await running


async def test_a_client_that_does_not_read_its_answers_is_read_no_further(
    socket: FakeSocket, service: WorldService
) -> None:
    connection = connected(socket, service, messages=2, seconds=0.05)
    running = asyncio.create_task(connection.run(echo))
    socket.reads.clear()
    for each in range(1, 10):
        socket.send(each)
    for _ in range(50):
        await asyncio.sleep(0)
    # One is being sent, two wait, one waits for room; the others are not read.
    assert socket.incoming.qsize() == 5
    await asyncio.wait_for(running, 5)
    assert socket.aborted


async def test_a_message_that_does_not_leave_ends_the_connection(
    socket: FakeSocket, service: WorldService
) -> None:
    running = asyncio.create_task(connected(socket, service, seconds=0.01).run(echo))
    socket.reads.clear()
    socket.send(1)
    await asyncio.wait_for(running, 5)
    assert socket.aborted


async def test_a_defect_of_a_method_is_not_swallowed(socket: FakeSocket, service: WorldService) -> None:
    async def fail(_body: bytes) -> bytes | None:
        raise RuntimeError("a defect")

    socket.send(1)
    with pytest.raises(RuntimeError, match="a defect"):
        await connected(socket, service).run(fail)
