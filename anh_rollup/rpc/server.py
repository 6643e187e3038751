"""The HTTP front of the JSON-RPC server."""

import asyncio
from typing import Final

import orjson
from aiohttp import web

from anh_rollup.rpc.backend import Backend
from anh_rollup.rpc.dispatch import Limits, answer

CORS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type",
}
"""Wallets in browsers call from anywhere; nothing here depends on who asks."""

MOST_SECONDS: Final = 30.0
"""Longest time for one body (choice)."""


def make_app(backend: Backend, limits: Limits | None = None) -> web.Application:
    """The application; run it with `node.HttpService`.

    Args:
        backend: The node behind it.
        limits: What one client may ask for at once.
    """
    chosen = limits or Limits()
    app = web.Application(client_max_size=chosen.body)

    async def post(request: web.Request) -> web.Response:
        body = await request.read()
        try:
            async with asyncio.timeout(MOST_SECONDS):
                answered = await asyncio.to_thread(answer, backend, body, chosen)
        except TimeoutError:
            return web.Response(status=503, headers=CORS)
        if answered is None:
            return web.Response(status=204, headers=CORS)
        return web.Response(body=orjson.dumps(answered), content_type="application/json", headers=CORS)

    async def options(_request: web.Request) -> web.Response:
        return web.Response(status=204, headers=CORS)

    app.router.add_post("/", post)
    app.router.add_route("OPTIONS", "/", options)
    return app
