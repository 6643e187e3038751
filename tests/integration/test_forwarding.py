"""A sequencer hands on to a follower what it does not serve, and waits for it with nothing else."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from anh_rollup.rpc import forwarding
from anh_rollup.rpc.forwarding import MARK, Bounds, Forwarding
from anh_rollup.rpc.server import make_app
from tests.doubles.ordering import ALICE, ETHER, FakeL1, NodeDouble, decoded

AWAY = "http://127.0.0.1:1"
HOST = re.compile(r"127\.0\.0\.1:\d+")
MALFORMED = "the follower at HOST answers with what is no JSON-RPC answer"
NOT_FORWARDED = f"requests are not forwarded: {MALFORMED}"
DEEP = b"[" * 300 + b"]" * 300
STRANGE = (
    DEEP,
    b'[{"id":0,"result":%b}]' % DEEP,
    b"",
    b"<html>",
    b"true",
    b"5",
    b'"text"',
    b"null",
    b"{}",
    b"[]",
    b"[5]",
    b'[{"id":[],"result":1}]',
)


class Stub:
    """A follower that answers what a test sets, and notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.outcome: dict[str, Any] = {"result": "0x2a"}
        self.body: bytes | None = None
        self.came = asyncio.Semaphore(0)
        self.go = asyncio.Event()
        self.go.set()

    async def answer(self, request: web.Request) -> web.Response:
        requests = await request.json()
        self.asked.append((requests, request.headers.get(MARK)))
        self.came.release()
        await self.go.wait()
        if self.body is not None:
            return web.Response(body=self.body)
        answers = [{"jsonrpc": "2.0", "id": each["id"], **self.outcome} for each in reversed(requests)]
        return web.json_response(answers)


@asynccontextmanager
async def sequencer(
    folder: Path, url: str, bounds: Bounds | None = None
) -> AsyncIterator[TestClient[Any, Any]]:
    l1 = FakeL1()
    l1.deposit(ALICE.address, ETHER)
    node = NodeDouble(l1, folder)
    node.submit([ALICE.call(0, b"\1")])
    node.chain.seal()
    app = make_app(node, forwarding=Forwarding(url, bounds))
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
async def stub() -> Stub:
    return Stub()


@pytest.fixture
async def url(stub: Stub) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/", stub.answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


def request(number: Any, method: str, *parameters: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": list(parameters)}


BALANCE = request("seven", "eth_getBalance", "0x" + ALICE.address.hex(), "latest")


async def post(client: TestClient[Any, Any], body: Any, **headers: str) -> Any:
    async with client.post("/", data=orjson.dumps(body), headers=headers) as answer:
        return await answer.json()


def _told(answer: Any) -> tuple[int, str]:
    error = answer["error"]
    return error["code"], HOST.sub("HOST", error["message"])


async def test_what_needs_execution_is_the_followers_answer(tmp_path: Path, stub: Stub, url: str) -> None:
    async with sequencer(tmp_path, url) as client:
        assert await post(client, BALANCE) == {"jsonrpc": "2.0", "id": "seven", "result": "0x2a"}
    assert stub.asked == [([{**BALANCE, "id": 0}], "1")]


async def test_a_batch_is_answered_by_both_in_its_order(tmp_path: Path, stub: Stub, url: str) -> None:
    silent = {"jsonrpc": "2.0", "method": "eth_getBalance", "params": []}
    stub.outcome = {"error": {"code": 3, "message": "execution reverted", "data": "0x01"}}
    async with sequencer(tmp_path, url) as client:
        found = await post(client, [BALANCE, silent, request(2, "eth_chainId"), RECEIPT, request(4, "no")])
    assert [each["id"] for each in found] == ["seven", 2, 3, 4]
    assert [each.get("error", {}).get("code") for each in found] == [3, None, 3, -32601]
    assert found[0]["error"] == stub.outcome["error"]
    assert [each["method"] for each in stub.asked[0][0]] == ["eth_getBalance", "eth_getTransactionReceipt"]


RECEIPT = request(3, "eth_getTransactionReceipt", "0x" + decoded(ALICE.call(0, b"\1")).hash.hex())


async def test_a_receipt_that_the_follower_has_a_little_later_is_waited_for(
    tmp_path: Path, stub: Stub, url: str
) -> None:
    stub.outcome = {"result": None}
    async with sequencer(tmp_path, url, Bounds(patience=20.0)) as client:
        answer = asyncio.create_task(post(client, [RECEIPT, BALANCE]))
        for _ in range(3):
            await stub.came.acquire()
        stub.outcome = {"result": {"status": "0x1"}}
        assert [each["result"] for each in await answer] == [{"status": "0x1"}, None]
    assert [len(requests) for requests, _ in stub.asked][:3] == [2, 1, 1]


async def test_a_receipt_that_does_not_come_is_null(tmp_path: Path, stub: Stub, url: str) -> None:
    stub.outcome = {"result": None}
    async with sequencer(tmp_path, url, Bounds(patience=0.2)) as client:
        assert await post(client, RECEIPT) == {"jsonrpc": "2.0", "id": 3, "result": None}
    assert len(stub.asked) > 1


async def test_what_the_sequencer_answers_is_not_forwarded(tmp_path: Path, stub: Stub, url: str) -> None:
    async with sequencer(tmp_path, url) as client:
        assert (await post(client, request(1, "eth_chainId")))["result"] == "0xc8db9eb"
        assert (await post(client, request(1, "eth_getTransactionByHash", "0x")))["error"]["code"] == -32602
    assert stub.asked == []


async def test_what_was_forwarded_once_goes_no_further(tmp_path: Path, stub: Stub, url: str) -> None:
    async with sequencer(tmp_path, url) as client:
        assert (await post(client, BALANCE, **{MARK: "1"}))["error"]["code"] == -32004
    assert stub.asked == []


@pytest.mark.parametrize("outcome", [{}, {"error": None}])
async def test_an_answer_without_result_and_error_is_told(
    tmp_path: Path, stub: Stub, url: str, outcome: dict[str, Any]
) -> None:
    stub.outcome = outcome
    async with sequencer(tmp_path, url) as client:
        assert _told(await post(client, BALANCE)) == (-32603, MALFORMED)


@pytest.mark.parametrize("body", STRANGE, ids=lambda body: repr(body[:20]))
async def test_a_body_that_is_no_list_of_answers_is_told(
    tmp_path: Path, stub: Stub, url: str, body: bytes
) -> None:
    stub.body = body
    async with sequencer(tmp_path, url) as client:
        assert _told(await post(client, BALANCE)) == (-32603, MALFORMED)


async def test_a_request_that_is_nested_too_deeply_is_refused(tmp_path: Path, stub: Stub, url: str) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":%b}' % DEEP
    async with sequencer(tmp_path, url) as client, client.post("/", data=body) as answer:
        assert _told(await answer.json()) == (-32602, "the request is nested too deeply")
    assert stub.asked == []


async def test_an_answer_that_is_missing_takes_no_other_along(tmp_path: Path, stub: Stub, url: str) -> None:
    stub.body = b'[{"jsonrpc":"2.0","id":1,"result":"0x2a"}]'
    async with sequencer(tmp_path, url) as client:
        first, second = await post(client, [BALANCE, {**BALANCE, "id": 2}])
    assert (_told(first), second["result"]) == ((-32603, MALFORMED), "0x2a")


async def test_an_answer_that_is_too_long_is_told(tmp_path: Path, stub: Stub, url: str) -> None:
    stub.outcome = {"result": "0x" + "00" * 600}
    async with sequencer(tmp_path, url, Bounds(size=1_000)) as client:
        told = _told(await post(client, BALANCE))
    assert told == (-32005, "limit exceeded: the follower at HOST answers with more than 1000 bytes")


async def test_a_follower_that_is_away_is_told(tmp_path: Path) -> None:
    async with sequencer(tmp_path, AWAY) as client:
        assert _told(await post(client, BALANCE)) == (-32603, "the follower at HOST cannot be reached")


async def test_a_follower_that_fails_is_logged_once_until_it_answers(
    tmp_path: Path, stub: Stub, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with sequencer(tmp_path, url) as client:
        for stub.body in (b"true", b"{}", None, b"5"):
            await post(client, BALANCE)
    told = [each.getMessage() for each in caplog.records if each.name == forwarding.__name__]
    assert [HOST.sub("HOST", each).split("; next: ")[0] for each in told] == [NOT_FORWARDED] * 2


async def test_nothing_else_waits_for_a_slow_follower(tmp_path: Path, stub: Stub, url: str) -> None:
    stub.go.clear()
    async with sequencer(tmp_path, url, Bounds(most=8, seconds=20.0)) as client:
        slow = [asyncio.create_task(post(client, BALANCE)) for _ in range(8)]
        for _ in slow:
            await stub.came.acquire()
        assert (await post(client, request(1, "eth_chainId")))["result"] == "0xc8db9eb"
        error = (await post(client, BALANCE))["error"]
        assert error["message"] == "limit exceeded: too many requests are forwarded"
        stub.go.set()
        assert [(await each)["result"] for each in slow] == ["0x2a"] * 8
        assert (await post(client, BALANCE))["result"] == "0x2a"


async def test_a_follower_that_takes_too_long_is_given_up(tmp_path: Path, stub: Stub, url: str) -> None:
    stub.go.clear()
    async with sequencer(tmp_path, url, Bounds(seconds=0.1)) as client:
        told = _told(await post(client, BALANCE))
    stub.go.set()
    assert told == (-32603, "the follower at HOST did not answer within 0.1 s")
