"""The HTTP front of the JSON-RPC server."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from aiohttp import web

from anh_rollup.rpc.backend import Backend
from anh_rollup.rpc.connection import SocketLimits
from anh_rollup.rpc.dispatch import METHODS, Limits, answer, too_large, unreadable
from anh_rollup.rpc.health import health_handler
from anh_rollup.rpc.origins import ANY, restrict
from anh_rollup.rpc.service import WorldService
from anh_rollup.rpc.websocket import WebSockets
from anh_rollup.rpc.world_methods import method_table

CORS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Max-Age": "86400",
}
"""Wallets in browsers call from anywhere; nothing here depends on who asks."""

WORKERS: Final = 4
"""Threads for requests; apart from those in which the sequencer's loops run."""

WAITING_WORKERS: Final = 32
"""Threads of a node with a world, where requests may wait for execution (more than may wait: others pass)."""


def make_app(
    backend: Backend,
    limits: Limits | None = None,
    *,
    service: WorldService | None = None,
    origins: Iterable[str] = (ANY,),
    sockets: SocketLimits | None = None,
) -> web.Application:
    """The application; run it with `node.HttpService`.

    Args:
        backend: The node behind it.
        limits: What one client may ask for at once.
        service: What answers the methods that need execution, over WebSocket too; None where nothing does.
        origins: Which web pages may ask; `ANY` stands for all.
        sockets: What WebSocket clients may take.
    """
    chosen, permitted = limits or Limits(), frozenset(origins)
    methods = METHODS if service is None else method_table(service)
    app = web.Application(client_max_size=chosen.body)
    workers = ThreadPoolExecutor(WORKERS if service is None else WAITING_WORKERS, "json-rpc")

    async def post(request: web.Request) -> web.Response:
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return _json(too_large(chosen), status=413)
        except web.RequestPayloadError:
            return _json(unreadable(), status=400)
        loop = asyncio.get_running_loop()
        answered = await loop.run_in_executor(workers, answer, backend, body, chosen, methods)
        return web.Response(status=204, headers=CORS) if answered is None else _json(answered)

    async def options(_request: web.Request) -> web.Response:
        return web.Response(status=204, headers=CORS)

    async def shut_down(_app: web.Application) -> AsyncIterator[None]:
        yield
        workers.shutdown(wait=False, cancel_futures=True)
        if service is not None:
            service.close()

    app.router.add_post("/", post)
    app.router.add_get("/health", health_handler(backend))
    app.router.add_route("OPTIONS", "/", options)
    app.cleanup_ctx.append(shut_down)
    restrict(app, permitted)
    if service is not None:
        WebSockets(service, methods, workers, chosen, sockets or SocketLimits(), permitted).attach(app)
    return app


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json", headers=CORS)
