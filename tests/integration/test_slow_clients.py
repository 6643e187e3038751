"""Clients that send slowly, take no answers or only hold connections keep nobody else out."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import orjson
import pytest

from anh_rollup.cli.processes import free_port
from anh_rollup.node import HttpService
from anh_rollup.rpc.connections import Connections
from anh_rollup.rpc.intake import FREE_BYTES, Intake
from anh_rollup.rpc.server import Capacity, make_app
from tests.doubles.ordering import FakeL1, NodeDouble

CHAIN_ID = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}'

#: Seconds after which a step of these tests has failed.
PATIENCE = 10.0


class Client:
    """A raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, body: bytes, promised: int | None = None) -> None:
        """Sends a request, or a part of it."""
        head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
        self.writer.write(head % (promised or len(body)) + body)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, object]]:
        """Status and content of an answer."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        content = await self.reader.readexactly(int(headers["Content-Length"]))
        return int(head.split(" ")[1]), orjson.loads(content)

    async def is_closed(self) -> bool:
        """Waits for the end of the connection."""
        try:
            return await self.reader.read() == b""
        except ConnectionError:
            return True


@dataclass(slots=True)
class Served:
    """A server on a port of its own, and whoever is connected to it."""

    port: int
    clients: list[Client] = field(default_factory=list)

    async def connect(self) -> Client:
        self.clients.append(Client(*await asyncio.open_connection("127.0.0.1", self.port)))
        return self.clients[-1]

    async def ask(self) -> object:
        """What an honest client is told."""
        client = await self.connect()
        await client.send(CHAIN_ID)
        return (await client.answer())[1].get("result")

    async def close(self) -> None:
        for client in self.clients:
            client.writer.close()
            with suppress(ConnectionError):
                await client.writer.wait_closed()


@asynccontextmanager
async def serving(
    folder: Path, intake: Intake, connections: Connections | None = None
) -> AsyncIterator[Served]:
    app = make_app(
        NodeDouble(FakeL1(), folder), Capacity(intake=intake, connections=connections or Connections())
    )
    stop, served = asyncio.Event(), Served(free_port())
    task = asyncio.create_task(HttpService("json-rpc", app, "127.0.0.1", served.port).run(stop))
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    (await served.connect()).writer.close()
                    break
                except OSError:
                    await asyncio.sleep(0.01)
            yield served
    finally:
        await served.close()
        stop.set()
        await task


def holds(intake: Intake, size: int) -> bool:
    return intake.held == size


async def until(is_so: Callable[[], bool]) -> None:
    while True:
        if is_so():
            return
        await asyncio.sleep(0.001)


async def test_a_body_that_does_not_arrive_in_time_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path, Intake(seconds=0.3)) as served:
        slow = await served.connect()
        await slow.send(CHAIN_ID[:-1], len(CHAIN_ID))
        status, told = await slow.answer()
    message = "limit exceeded: a body must arrive within 0.3 seconds"
    error = {"code": -32005, "message": message, "data": "Send it in smaller parts."}
    assert (status, told) == (408, {"jsonrpc": "2.0", "id": None, "error": error})


async def test_the_slowest_gives_way_to_those_who_send(tmp_path: Path) -> None:
    size = 1 << 20
    counted = size - FREE_BYTES - 1
    intake = Intake(most=2 * counted + 1)
    async with serving(tmp_path, intake) as served:
        slow = [await served.connect() for _ in range(2)]
        for number, client in enumerate(slow, 1):
            await client.send(b" " * (size - 1), size)
            await until(partial(holds, intake, number * counted))
        assert await served.ask() == "0xc8db9eb"
        late = await served.connect()
        await late.send(CHAIN_ID.rjust(size))
        assert (await late.answer())[0] == 200
        status, told = await slow[0].answer()
        assert (status, told["error"]["code"]) == (503, -32005)  # type: ignore[index]
        await until(partial(holds, intake, counted))
        slow[1].writer.write(b" ")
        assert (await slow[1].answer())[1]["error"]["code"] == -32700  # type: ignore[index]
        await until(partial(holds, intake, 0))


async def test_an_answer_that_is_not_taken_is_thrown_away(tmp_path: Path) -> None:
    intake = Intake(seconds=0.3)
    request = b'{"jsonrpc":"2.0","id":"%s","method":"eth_chainId"}' % (b"x" * (6 << 20))
    async with serving(tmp_path, intake) as served:
        client = await served.connect()
        await client.send(request)
        await until(lambda: intake.held > 0)
        await until(partial(holds, intake, 0))
        assert await served.ask() == "0xc8db9eb"
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.answer()


async def test_a_client_that_leaves_within_its_body_is_no_defect(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    intake = Intake()
    async with serving(tmp_path, intake) as served:
        client = await served.connect()
        await client.send(b" " * (FREE_BYTES + 1), FREE_BYTES + 100)
        await until(partial(holds, intake, 1))
        client.writer.close()
        await until(partial(holds, intake, 0))
        assert await served.ask() == "0xc8db9eb"
    assert [record.getMessage() for record in caplog.records if record.levelno > logging.INFO] == []


async def test_a_new_connection_takes_the_place_of_one_that_says_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path, Intake(), Connections(most=3)) as served:
        kept = await served.connect()
        await kept.send(CHAIN_ID)
        assert (await kept.answer())[0] == 200
        silent = [await served.connect() for _ in range(3)]
        assert await silent[0].is_closed()
        assert await served.ask() == "0xc8db9eb"
        assert await silent[1].is_closed()
        await kept.send(CHAIN_ID)
        assert (await kept.answer())[0] == 200


async def test_where_all_have_requests_the_oldest_one_makes_room(tmp_path: Path) -> None:
    intake = Intake()
    async with serving(tmp_path, intake, Connections(most=2)) as served:
        stalled = [await served.connect() for _ in range(2)]
        for number, client in enumerate(stalled, 1):
            await client.send(b" " * (FREE_BYTES + 1), FREE_BYTES + 2)
            await until(partial(holds, intake, number))
        assert await served.ask() == "0xc8db9eb"
        assert await stalled[0].is_closed()
        await until(partial(holds, intake, 1))
        stalled[1].writer.write(b" ")
        assert (await stalled[1].answer())[1]["error"]["code"] == -32700  # type: ignore[index]
