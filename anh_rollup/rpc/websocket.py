"""JSON-RPC over WebSocket, on the same port as HTTP."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from aiohttp import WSCloseCode, web

from anh_rollup.rpc.dispatch import Limits, Methods, answer
from anh_rollup.rpc.hub import Hub
from anh_rollup.rpc.origins import permits
from anh_rollup.rpc.service import WorldService
from anh_rollup.rpc.subscriptions import Subscriptions
from anh_rollup.rpc.websocket_client import Connection, SocketLimits


@dataclass(slots=True)
class WebSockets:
    """The WebSocket front of a node with a world.

    Attributes:
        service: The node.
        methods: What is answered beside eth_subscribe and eth_unsubscribe.
        workers: Threads for requests.
        limits: What one request may ask for.
        sockets: What clients may take.
        origins: Which pages of browsers may connect.
    """

    service: WorldService
    methods: Methods
    workers: Executor
    limits: Limits
    sockets: SocketLimits
    origins: frozenset[str]

    def attach(self, app: web.Application) -> None:
        """Serves GET / of an application."""
        hub = Hub(self.service, self.sockets.interval)
        open_sockets: set[web.WebSocketResponse] = set()

        async def telling(_app: web.Application) -> AsyncIterator[None]:
            task = asyncio.create_task(hub.run())
            yield
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

        async def close_all(_app: web.Application) -> None:
            for socket in tuple(open_sockets):
                await socket.close(code=WSCloseCode.GOING_AWAY, message=b"the node stops")

        app.router.add_get("/", partial(self._serve, hub, open_sockets))
        app.cleanup_ctx.append(telling)
        app.on_shutdown.append(close_all)

    async def _serve(
        self, hub: Hub, open_sockets: set[web.WebSocketResponse], request: web.Request
    ) -> web.StreamResponse:
        socket = web.WebSocketResponse(
            heartbeat=self.sockets.heartbeat, max_msg_size=self.sockets.frame, compress=False
        )
        if not socket.can_prepare(request):
            return web.Response(status=426, text="POST JSON-RPC here, or open a WebSocket.\n")
        if not permits(self.origins, request.headers.get("Origin")):
            return web.Response(status=403, text="This node serves no pages of your origin.\n")
        if len(open_sockets) >= self.sockets.connections:
            return web.Response(status=503, text="Too many WebSockets are open; try again later.\n")
        open_sockets.add(socket)
        try:
            await socket.prepare(request)
            await self._run(hub, socket, request)
        finally:
            open_sockets.discard(socket)
        return socket

    async def _run(self, hub: Hub, socket: web.WebSocketResponse, request: web.Request) -> None:
        subscriptions = Subscriptions(self.service, self.sockets.subscriptions)
        methods = {**self.methods, **subscriptions.methods}
        loop, transport = asyncio.get_running_loop(), request.transport

        async def answered(body: bytes) -> bytes | None:
            backend = self.service.backend
            return await loop.run_in_executor(self.workers, answer, backend, body, self.limits, methods)

        def abort() -> None:
            if transport is not None:
                transport.abort()

        connection = Connection(socket, subscriptions, self.sockets, abort)
        hub.connections.add(connection)
        try:
            await connection.run(answered)
        finally:
            hub.connections.discard(connection)
