import asyncio

import orjson
import pytest
from aiohttp import StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request

from anh_rollup.rpc.dispatch import Limits
from anh_rollup.rpc.errors import Code
from anh_rollup.rpc.server import CORS, Capacity, make_app
from tests.doubles.ordering import NodeDouble


async def test_a_browser_may_ask_from_anywhere(node: NodeDouble) -> None:
    app = make_app(node)
    app.freeze()
    request = make_mocked_request("OPTIONS", "/", app=app)
    match = await app.router.resolve(request)
    response = await match.handler(request)
    assert response.status == 204
    assert {name: response.headers[name] for name in CORS} == CORS


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("PUT", "/"), ("POST", "/other")])
async def test_there_is_one_door(node: NodeDouble, method: str, path: str) -> None:
    app = make_app(node)
    app.freeze()
    match = await app.router.resolve(make_mocked_request(method, path, app=app))
    assert match.http_exception is not None
    assert match.http_exception.status in (404, 405)


def test_the_server_reads_no_longer_body_than_it_answers(node: NodeDouble) -> None:
    assert make_app(node, Capacity(Limits(body=77)))._client_max_size == 77


def broken(error: Exception) -> StreamReader:
    """A body that ends in an error."""
    body = StreamReader(BaseProtocol(asyncio.get_running_loop()), 1 << 16)
    body.set_exception(error)
    return body


@pytest.mark.parametrize(
    "error",
    [web.RequestPayloadError("400, message: Can not decode content-encoding: gzip"), ConnectionResetError()],
)
async def test_a_body_that_cannot_be_read_is_a_parse_error(node: NodeDouble, error: Exception) -> None:
    app = make_app(node)
    app.freeze()
    request = make_mocked_request("POST", "/", app=app, payload=broken(error))
    response = await (await app.router.resolve(request)).handler(request)
    assert isinstance(response, web.Response)
    assert (response.status, orjson.loads(response.body or b"")["error"]["code"]) == (400, Code.PARSE)
