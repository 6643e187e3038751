"""What waits to be sent to one WebSocket client: bounded, so that a slow one costs no memory."""

import asyncio
from collections import deque


class Outbox:
    """A queue of messages for one event loop.

    Args:
        messages: How many may wait.
        size: How many bytes may wait; one message alone may be longer.
    """

    def __init__(self, messages: int, size: int) -> None:
        self._most = messages
        self._size = size
        self._waiting: deque[bytes] = deque()
        self._held = 0
        self._changed = asyncio.Condition()

    def offer(self, message: bytes) -> bool:
        """Adds a message if there is room; False where there is none. Wakes nobody: `put` or `flush` does."""
        if not self._has_room(message):
            return False
        self._waiting.append(message)
        self._held += len(message)
        return True

    async def flush(self) -> None:
        """Wakes who takes messages."""
        async with self._changed:
            self._changed.notify_all()

    async def put(self, message: bytes) -> None:
        """Adds a message as soon as there is room."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._has_room(message))
            self.offer(message)
            self._changed.notify_all()

    async def take(self) -> bytes:
        """The oldest message, as soon as there is one."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting)
            message = self._waiting.popleft()
            self._held -= len(message)
            self._changed.notify_all()
            return message

    def _has_room(self, message: bytes) -> bool:
        if not self._waiting:
            return True
        return len(self._waiting) < self._most and self._held + len(message) <= self._size
