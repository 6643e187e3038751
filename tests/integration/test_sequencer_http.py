"""The JSON-RPC server over real connections."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeAlias

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from anh_rollup.rpc.dispatch import Limits
from anh_rollup.rpc.server import Capacity, make_app
from tests.doubles.ordering import ALICE, ETHER, FakeL1, NodeDouble

Client: TypeAlias = TestClient[web.Request, web.Application]

CHAIN_ID = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}'
ANSWER = {"jsonrpc": "2.0", "id": 1, "result": "0xc8db9eb"}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    l1 = FakeL1()
    l1.deposit(ALICE.address, ETHER)
    async with TestClient(
        TestServer(make_app(NodeDouble(l1, tmp_path), Capacity(Limits(body=5_000))))
    ) as opened:
        yield opened


async def test_a_request_gets_json_that_a_browser_may_read(client: Client) -> None:
    response = await client.post("/", data=CHAIN_ID)
    assert (response.status, await response.json()) == (200, ANSWER)
    assert response.headers["Access-Control-Allow-Origin"] == "*"


async def test_a_notification_gets_no_content(client: Client) -> None:
    response = await client.post("/", data=b'{"jsonrpc":"2.0","method":"eth_chainId"}')
    assert (response.status, await response.read()) == (204, b"")


async def test_a_body_that_is_too_long_is_refused_in_json(client: Client) -> None:
    response = await client.post("/", data=b" " * 5_001)
    assert response.status == 413
    assert (await response.json())["error"]["code"] == -32005


@pytest.mark.parametrize("body", [b"", b"\xff\x00", b"[[[", b"GET / HTTP/1.1\r\n\r\n"])
async def test_garbage_gets_a_parse_error_and_the_server_lives(client: Client, body: bytes) -> None:
    garbled = await client.post("/", data=body)
    assert (await garbled.json())["error"]["code"] == -32700
    assert await (await client.post("/", data=CHAIN_ID)).json() == ANSWER


async def test_of_many_that_send_the_same_at_once_one_is_first(client: Client) -> None:
    raw = orjson.dumps("0x" + ALICE.sign().hex()).decode()
    body = f'{{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":[{raw}]}}'

    async def send() -> str:
        answer = await (await client.post("/", data=body.encode())).json()
        return str(answer.get("error", {}).get("message", "accepted"))

    told = await asyncio.gather(*[send() for _ in range(20)])
    assert sorted(told) == ["accepted"] + ["already known"] * 19
