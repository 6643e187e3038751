import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from anh_rollup.rpc.dispatch import Limits
from anh_rollup.rpc.errors import Code
from anh_rollup.rpc.server import CORS, make_app
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
    assert make_app(node, Limits(body=77))._client_max_size == 77


async def test_a_body_that_cannot_be_unpacked_is_a_parse_error(
    node: NodeDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_request: web.Request) -> bytes:
        raise web.RequestPayloadError("400, message: Can not decode content-encoding: gzip")

    monkeypatch.setattr(web.Request, "read", fail)
    app = make_app(node)
    app.freeze()
    request = make_mocked_request("POST", "/", app=app)
    response = await (await app.router.resolve(request)).handler(request)
    assert isinstance(response, web.Response)
    assert (response.status, orjson.loads(response.body or b"")["error"]["code"]) == (400, Code.PARSE)
