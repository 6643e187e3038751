"""How many connections a server has at once, and who makes room for another one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

MOST_CONNECTIONS: Final = 512
"""Connections at a time (choice: half of the usual limit of a process's open files)."""


class Connections:
    """The connections of one server. Where there are too many, a new one takes the place of the slowest.

    Those that have sent no request come first, then those that have been idle for longest, and last those
    whose request has been under way for longest.

    Args:
        most: How many there may be.
    """

    def __init__(self, most: int = MOST_CONNECTIONS) -> None:
        self._most = most
        self._idle: dict[web.RequestHandler, None] = {}  # answered ones; who waits for longest comes first
        self._busy: dict[web.RequestHandler, None] = {}  # whose request is the oldest comes first

    def accept(self, server: web.Server) -> web.RequestHandler:
        """The protocol of a connection that is being made."""
        asyncio.get_running_loop().call_soon(self._make_room, server)
        return server()

    @web.middleware
    async def watch(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Notes which connections have a request under way."""
        connection = request.protocol
        self._idle.pop(connection, None)
        self._busy[connection] = None
        try:
            return await handler(request)
        finally:
            self._busy.pop(connection, None)
            self._idle[connection] = None

    def _make_room(self, server: web.Server) -> None:
        """Runs just before a connection is made: leaves room for it."""
        connected = {each: None for each in server.connections if _is_open(each)}
        self._idle = {each: None for each in self._idle if each in connected}
        if len(connected) >= self._most:
            silent = (each for each in connected if each not in self._idle and each not in self._busy)
            busy = (each for each in self._busy if each in connected)
            next(each for listed in (silent, self._idle, busy) for each in listed).force_close()


CONNECTIONS: Final = web.AppKey("connections", Connections)
"""Where an application keeps the bound of its connections, if it has one."""


def _is_open(connection: web.RequestHandler) -> bool:
    return connection.transport is not None and not connection.transport.is_closing()
