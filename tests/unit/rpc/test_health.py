from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from anh_rollup.rpc.server import make_app
from anh_rollup.storage.database import DatabaseError
from tests.doubles.ordering import ALICE, NodeDouble


async def health(node: NodeDouble) -> tuple[int, Any]:
    app = make_app(node)
    app.freeze()
    request = make_mocked_request("GET", "/health", app=app)
    response = await (await app.router.resolve(request)).handler(request)
    assert isinstance(response, web.Response)
    return response.status, orjson.loads(str(response.text))


async def test_a_healthy_node_tells_its_heads(node: NodeDouble) -> None:
    node.submit([ALICE.sign()])
    node.chain.seal()
    heads = {"head": 1, "safe": 0, "finalized": 0, "l1": node.reader.cursor.number}
    assert await health(node) == (200, heads)


async def test_a_node_that_fails_says_what_fails(
    node: NodeDouble, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    error = DatabaseError(tmp_path, "disk I/O error")

    def fail(_node: NodeDouble) -> int:
        raise error

    monkeypatch.setattr(NodeDouble, "finalized_number", property(fail))
    assert await health(node) == (503, {"error": error.message, "remedy": error.remedy})
