"""A WebSocket without a network."""

import asyncio
from typing import Any

import orjson
from aiohttp import WSMessage, WSMsgType

CLOSED = WSMessage(WSMsgType.CLOSED, None, None)


class FakeSocket:
    """What a client sends is put into `incoming`; what it is sent is in `sent`, unless it does not read."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[WSMessage] = asyncio.Queue()
        self.sent: asyncio.Queue[Any] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.aborted = False

    def send(self, message: Any) -> None:
        """A request of the client, or several, or text."""
        text = message if isinstance(message, str) else orjson.dumps(message).decode()
        self.incoming.put_nowait(WSMessage(WSMsgType.TEXT, text, None))

    def leave(self) -> None:
        self.incoming.put_nowait(CLOSED)

    def abort(self) -> None:
        self.aborted = True
        self.reads.set()
        self.leave()

    async def receive(self) -> WSMessage:
        return await self.incoming.get()

    async def send_str(self, data: str) -> None:
        await self.reads.wait()
        if self.aborted:
            raise ConnectionResetError
        self.sent.put_nowait(orjson.loads(data))
