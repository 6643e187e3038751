from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from anh_rollup.rpc.origins import ANY, permits
from anh_rollup.rpc.server import make_app
from tests.doubles.ordering import NodeDouble

HOME = "https://wallet.example"


@pytest.mark.parametrize(
    ("origins", "origin", "permitted"),
    [
        ({ANY}, "https://anywhere.example", True),
        ({HOME}, HOME, True),
        ({HOME}, "https://wallet.example.org", False),
        ({HOME}, None, True),
        (set(), HOME, False),
    ],
)
def test_pages_of_permitted_origins_may_ask(origins: set[str], origin: str | None, permitted: bool) -> None:
    assert permits(origins, origin) is permitted


async def prepared(app: web.Application, **headers: str) -> Any:
    """The headers of the answer to a preflight request, as they leave."""
    app.freeze()
    request = make_mocked_request("OPTIONS", "/", headers, app=app)
    match = await app.router.resolve(request)
    match.add_app(app)
    request._match_info = match
    response = await match.handler(request)
    await response.prepare(request)
    return response.headers


async def test_every_origin_is_permitted_unless_some_are_named(node: NodeDouble) -> None:
    headers = await prepared(make_app(node), Origin=HOME)
    assert headers["Access-Control-Allow-Origin"] == "*"


async def test_only_a_named_origin_is_permitted(node: NodeDouble) -> None:
    ours = await prepared(make_app(node, origins=[HOME]), Origin=HOME)
    assert (ours["Access-Control-Allow-Origin"], ours["Vary"]) == (HOME, "Origin")
    theirs = await prepared(make_app(node, origins=[HOME]), Origin="https://other.example")
    assert "Access-Control-Allow-Origin" not in theirs
    nobody = await prepared(make_app(node, origins=[HOME]))
    assert "Access-Control-Allow-Origin" not in nobody
