"""Bytes that are no HTTP, over raw connections: an answer for the client, one short line for the log."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from anh_rollup.cli.processes import free_port
from anh_rollup.node import HttpService
from anh_rollup.rpc.server import make_app
from tests.doubles.ordering import FakeL1, NodeDouble

#: What a client may send in place of a request: anything.
MALFORMED = {
    "no HTTP": b"hello\r\n\r\n",
    "a TLS greeting": bytes.fromhex("160301020001000001fc0303") + bytes(200) + b"\r\n\r\n",
    "zero bytes": bytes(64) + b"\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "another version": b"POST / HTTP/9.9\r\n\r\n",
    "a broken URL": b"POST http://[ HTTP/1.1\r\nHost: a\r\n\r\n",
    "a broken header": b"POST / HTTP/1.1\r\nno colon\r\n\r\n",
    "a header with an escape": b"POST / HTTP/1.1\r\nA: \x1b[2J\0\r\n\r\n",
    "a long header": b"POST / HTTP/1.1\r\nA: " + b"x" * 20_000 + b"\r\n\r\n",
    "a length of letters": b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
    "a negative length": b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length and chunks": b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a broken chunk": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    "a second request that is none": b"OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\nhello\r\n\r\n",
}
CHAIN_ID = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}'

#: Most characters of a line about a malformed request.
MOST_LINE = 120


async def failing(_request: web.Request) -> web.Response:
    raise ZeroDivisionError


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    app = make_app(NodeDouble(FakeL1(), tmp_path))
    app.router.add_post("/defect", failing)
    stop, place = asyncio.Event(), free_port()
    serving = asyncio.create_task(HttpService("json-rpc", app, "127.0.0.1", place).run(stop))
    async with asyncio.timeout(10):
        while True:
            try:
                (await asyncio.open_connection("127.0.0.1", place))[1].close()
                break
            except OSError:
                await asyncio.sleep(0.01)
    yield place
    stop.set()
    await serving


async def exchange(port: int, sent: bytes) -> bytes:
    """What the server answers until it closes, or says nothing more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    answered = b""
    try:
        async with asyncio.timeout(1.0):
            while more := await reader.read(65_536):
                answered += more
    except (TimeoutError, ConnectionError):
        pass
    writer.close()
    return answered


@pytest.mark.parametrize("what", MALFORMED)
async def test_malformed_http_is_answered_with_400_and_one_short_line(
    what: str, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    answered = await exchange(port, MALFORMED[what])
    assert b"HTTP/1.1 400 Bad Request\r\n" in answered or b"HTTP/1.0 400 Bad Request\r\n" in answered
    lines = [record for record in caplog.records if record.name != "asyncio"]
    assert len(lines) <= 1
    assert [each.exc_info for each in lines] == [None] * len(lines)
    assert all(len(each.getMessage()) <= MOST_LINE and each.getMessage().isprintable() for each in lines)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    sound = head % len(CHAIN_ID) + CHAIN_ID
    assert b"HTTP/1.1 200 OK\r\n" in await exchange(port, sound)


async def test_a_defect_of_a_handler_keeps_its_traceback(port: int, caplog: pytest.LogCaptureFixture) -> None:
    answered = await exchange(port, b"POST /defect HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
    assert answered.startswith(b"HTTP/1.1 500 ")
    (told,) = [record for record in caplog.records if record.exc_info]
    assert told.exc_info is not None
    assert told.exc_info[0] is ZeroDivisionError
