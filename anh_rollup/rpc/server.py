"""The HTTP front of the JSON-RPC server."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from aiohttp import web

from anh_rollup.rpc.backend import Backend
from anh_rollup.rpc.dispatch import Limits, answer, too_large, unreadable

CORS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Max-Age": "86400",
}
"""Wallets in browsers call from anywhere; nothing here depends on who asks."""

WORKERS: Final = 4
"""Threads for requests; apart from those in which the sequencer's loops run."""


def make_app(backend: Backend, limits: Limits | None = None) -> web.Application:
    """The application; run it with `node.HttpService`.

    Args:
        backend: The node behind it.
        limits: What one client may ask for at once.
    """
    chosen = limits or Limits()
    app = web.Application(client_max_size=chosen.body)
    workers = ThreadPoolExecutor(WORKERS, "json-rpc")

    async def post(request: web.Request) -> web.Response:
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return _json(too_large(chosen), status=413)
        except web.RequestPayloadError:
            return _json(unreadable(), status=400)
        loop = asyncio.get_running_loop()
        answered = await loop.run_in_executor(workers, answer, backend, body, chosen)
        return web.Response(status=204, headers=CORS) if answered is None else _json(answered)

    async def options(_request: web.Request) -> web.Response:
        return web.Response(status=204, headers=CORS)

    async def shut_down(_app: web.Application) -> AsyncIterator[None]:
        yield
        workers.shutdown(wait=False, cancel_futures=True)

    app.router.add_post("/", post)
    app.router.add_route("OPTIONS", "/", options)
    app.cleanup_ctx.append(shut_down)
    return app


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json", headers=CORS)
