"""The HTTP front of the JSON-RPC server."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from aiohttp import web

from anh_rollup.rpc.backend import Backend
from anh_rollup.rpc.connections import CONNECTIONS, Connections
from anh_rollup.rpc.dispatch import METHODS, Limits, Methods, answer, refusal, too_large, unreadable
from anh_rollup.rpc.faults import Faults
from anh_rollup.rpc.forwarding import MARK, Forwarding
from anh_rollup.rpc.health import health_handler
from anh_rollup.rpc.intake import BusyError, Exchange, Intake, SlowError
from anh_rollup.rpc.origins import ANY, restrict
from anh_rollup.rpc.service import WorldService
from anh_rollup.rpc.turns import Turns
from anh_rollup.rpc.websocket import WebSockets
from anh_rollup.rpc.websocket_client import SocketLimits
from anh_rollup.rpc.world_methods import method_table

CORS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Max-Age": "86400",
}
"""Wallets in browsers call from anywhere; nothing here depends on who asks."""

WORKERS: Final = 5
"""Threads for single requests, one of which an address alone leaves free (`Turns`); apart from those in which
the sequencer's loops run."""

BATCH_WORKERS: Final = 3
"""Threads for batches, which take up to `Limits.seconds` each: single requests do not wait for them. An
address alone leaves one free here, too."""

WAITING_WORKERS: Final = 32
"""Threads of a node with a world, where requests may wait for execution (more than may wait: others pass)."""


@dataclass(frozen=True, slots=True, eq=False)
class _Workers:
    """Threads, and whose request they take next."""

    threads: ThreadPoolExecutor
    turns: Turns

    @classmethod
    def of(cls, size: int, name: str) -> "_Workers":
        return cls(ThreadPoolExecutor(size, name), Turns(size))


@dataclass(slots=True, eq=False)
class _Front:
    """One server's requests: their bodies in, their answers out."""

    backend: Backend
    limits: Limits
    intake: Intake
    faults: Faults
    methods: Methods
    singles: _Workers
    batches: _Workers
    forwarding: Forwarding | None

    async def post(self, request: web.Request) -> web.StreamResponse:
        with self.intake.exchange() as exchange:
            try:
                response = await self._respond(request, exchange)
            except BusyError as error:
                response = _json(refusal(error), status=503)
            except SlowError as error:
                response = _json(refusal(error), status=408)
            except web.HTTPRequestEntityTooLarge:
                response = _json(too_large(self.limits), status=413)
            except (web.RequestPayloadError, ConnectionError):
                response = _json(unreadable(), status=400)
            await self._send(request, response, exchange)
            return response

    async def _respond(self, request: web.Request, exchange: Exchange) -> web.Response:
        address, loop = request.remote or "", asyncio.get_running_loop()
        await asyncio.sleep(self.faults.delay(address, loop.time()))
        body = await self._read(request, exchange)
        workers = self.batches if body.lstrip()[:1] == b"[" else self.singles
        work = partial(answer, self.backend, body, self.limits, self.methods)
        async with workers.turns.turn(address):
            answered = await loop.run_in_executor(workers.threads, work)
        if answered and self.forwarding is not None and MARK not in request.headers:
            answered = await self.forwarding.complete(body, answered)
        self.faults.count(address, answered or b"", loop.time())
        exchange.hold(len(answered or b""))
        return web.Response(status=204, headers=CORS) if answered is None else _json(answered)

    async def _read(self, request: web.Request, exchange: Exchange) -> bytes:
        """The whole body.

        Raises:
            BusyError: There is no room for it.
            SlowError: It does not arrive in time.
            HTTPRequestEntityTooLarge: It is longer than any may be.
            RequestPayloadError: It cannot be unpacked.
            ConnectionError: It breaks off.
        """
        if (request.content_length or 0) > self.limits.body:
            raise web.HTTPRequestEntityTooLarge(self.limits.body)
        body = bytearray()
        try:
            async with self.intake.patience(exchange):
                while part := await request.content.readany():
                    exchange.hold(len(body) + len(part))
                    body += part
                    if len(body) > self.limits.body:
                        raise web.HTTPRequestEntityTooLarge(self.limits.body)
        except TimeoutError as error:
            raise (BusyError() if exchange.is_cut else SlowError(self.intake.seconds)) from error
        if exchange.is_cut:
            raise BusyError
        return bytes(body)

    async def _send(self, request: web.Request, response: web.Response, exchange: Exchange) -> None:
        """Sends an answer, or hangs up on a client that does not take it in time."""
        try:
            async with self.intake.patience(exchange):
                await response.prepare(request)
                await response.write_eof()
        except (TimeoutError, ConnectionError):
            if request.transport is not None:
                request.transport.abort()

    async def shut_down(self, _app: web.Application) -> AsyncIterator[None]:
        """Lets requests that wait go when the application ends."""
        yield
        if self.forwarding is not None:
            await self.forwarding.close()
        for workers in (self.singles, self.batches):
            workers.threads.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True, eq=False)
class Capacity:
    """What one server takes on.

    Attributes:
        limits: What one client may ask for at once.
        intake: What is held for all clients together.
        faults: How many errors one address may have.
        connections: How many there may be.
        sockets: What WebSocket clients may take.
    """

    limits: Limits = field(default_factory=Limits)
    intake: Intake = field(default_factory=Intake)
    faults: Faults = field(default_factory=Faults)
    connections: Connections = field(default_factory=Connections)
    sockets: SocketLimits = field(default_factory=SocketLimits)


def make_app(
    backend: Backend,
    capacity: Capacity | None = None,
    *,
    service: WorldService | None = None,
    origins: Iterable[str] = (ANY,),
    forwarding: Forwarding | None = None,
) -> web.Application:
    """The application; run it with `node.HttpService`.

    Args:
        backend: The node behind it.
        capacity: What it takes on; not shared with another application.
        service: What answers the methods that need execution, over WebSocket too; None where nothing does.
        origins: Which web pages may ask; `ANY` stands for all.
        forwarding: Whom to ask for what this node does not serve; None refuses it.
    """
    chosen, permitted = capacity or Capacity(), frozenset(origins)
    methods = METHODS if service is None else method_table(service)
    sizes = (WORKERS, BATCH_WORKERS) if service is None else (WAITING_WORKERS, WAITING_WORKERS)
    singles, batches = _Workers.of(sizes[0], "json-rpc"), _Workers.of(sizes[1], "batches")
    bounds = (chosen.limits, chosen.intake, chosen.faults)
    front = _Front(backend, *bounds, methods, singles, batches, forwarding)
    app = web.Application(client_max_size=chosen.limits.body, middlewares=[chosen.connections.watch])
    app[CONNECTIONS] = chosen.connections
    app.router.add_post("/", front.post)
    app.router.add_get("/health", health_handler(backend))
    app.router.add_route("OPTIONS", "/", _options)
    app.cleanup_ctx.append(front.shut_down)
    restrict(app, permitted)
    if service is not None:
        app.cleanup_ctx.append(_closing(service))
        WebSockets(service, methods, singles.threads, chosen.limits, chosen.sockets, permitted).attach(app)
    return app


async def _options(_request: web.Request) -> web.Response:
    return web.Response(status=204, headers=CORS)


def _closing(service: WorldService) -> Callable[[web.Application], AsyncIterator[None]]:
    """Closes a service when the application ends."""

    async def close(_app: web.Application) -> AsyncIterator[None]:
        yield
        service.close()

    return close


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json", headers=CORS)
