"""One WebSocket client: its requests, answers and notifications."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import WSMessage, WSMsgType

from anh_rollup.rpc.outbox import Outbox
from anh_rollup.rpc.subscriptions import Subscriptions


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """What WebSocket clients may take.

    Attributes:
        connections: How many there may be.
        frame: Bytes of one request or batch.
        subscriptions: Of one client.
        messages: Messages that wait for one client.
        waiting: Bytes that wait for one client.
        seconds: Longest time for one message to leave; then the client is dropped.
        heartbeat: Seconds between two pings; who does not answer is dropped.
        interval: Seconds between two looks for something new.
    """

    connections: int = 256
    frame: int = 1 << 20
    subscriptions: int = 32
    messages: int = 1_000
    waiting: int = 8 << 20
    seconds: float = 30.0
    heartbeat: float = 30.0
    interval: float = 0.25


class Socket(Protocol):
    """What a connection takes of aiohttp's WebSocketResponse."""

    async def receive(self) -> WSMessage:
        """The next message, a closing one at the end."""

    async def send_str(self, data: str) -> None:
        """Sends a text; waits while the client does not read."""


Answer = Callable[[bytes], Awaitable[bytes | None]]
"""From a body to its answer, as `dispatch.answer` gives it."""


class Connection:
    """Reads requests one after another, and writes what waits.

    Args:
        socket: The client.
        subscriptions: What it follows.
        limits: What it may take.
        abort: Ends the connection at once.
    """

    def __init__(
        self, socket: Socket, subscriptions: Subscriptions, limits: SocketLimits, abort: Callable[[], None]
    ) -> None:
        self.subscriptions = subscriptions
        self._socket = socket
        self._limits = limits
        self._abort = abort
        self._outbox = Outbox(limits.messages, limits.waiting)

    async def run(self, answer: Answer) -> None:
        """Serves the client until it leaves or is dropped."""
        tasks = [asyncio.create_task(self._read(answer)), asyncio.create_task(self._write())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def notify(self, message: bytes) -> None:
        """Lets a message wait; a client for which too many wait is dropped."""
        if self._outbox.offer(message):
            await self._outbox.flush()
        else:
            self._abort()

    async def _read(self, answer: Answer) -> None:
        while True:
            message = await self._socket.receive()
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            body = message.data.encode() if message.type is WSMsgType.TEXT else bytes(message.data)
            answered = await answer(body)
            if answered is not None:
                await self._outbox.put(answered)
            self.subscriptions.activate()

    async def _write(self) -> None:
        while True:
            message = await self._outbox.take()
            try:
                async with asyncio.timeout(self._limits.seconds):
                    await self._socket.send_str(message.decode())
            except (TimeoutError, ConnectionError):
                self._abort()
                return
