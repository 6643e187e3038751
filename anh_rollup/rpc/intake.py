"""What a server holds for all of its connections at once: bounded bytes, and deadlines for those who wait.

Whoever reads or writes slowly gives way first: where the bytes run out, the exchange that has waited for its
client for longest is cut. So one who sends all but the last byte keeps nobody else out.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Final, Self

from anh_rollup.rpc.errors import Code, RpcError

MOST_HELD: Final = 128 << 20
"""Bytes of bodies and answers over all connections (choice: sixteen of the longest bodies)."""

FREE_BYTES: Final = 64 << 10
"""Bytes of each exchange that are not counted, so that ordinary requests always pass (choice)."""

MOST_SECONDS: Final = 20.0
"""Longest time for a client to send a body, and to take an answer (choice: 8 MiB at 3.4 Mbit/s)."""


class BusyError(RpcError):
    """The server holds as many bytes as it may."""

    def __init__(self) -> None:
        super().__init__(
            Code.LIMIT,
            "limit exceeded: the node holds as many bytes of requests as it may",
            remedy="Send it again in a few seconds, or in smaller parts.",
        )


class SlowError(RpcError):
    """A client took too long to send a body.

    Attributes:
        seconds: How long it may take.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(
            Code.LIMIT,
            f"limit exceeded: a body must arrive within {seconds:g} seconds",
            remedy="Send it in smaller parts.",
        )
        self.seconds = seconds


class Intake:
    """The bytes that a server holds; for one event loop.

    Args:
        most: Bytes over all exchanges, beside the free ones of each.
        seconds: For a client to send or to take.
    """

    def __init__(self, most: int = MOST_HELD, seconds: float = MOST_SECONDS) -> None:
        self.seconds = seconds
        self._most = most
        self._held = 0
        self._waiting: dict[Exchange, asyncio.Timeout] = {}  # who began to wait first comes first

    @property
    def held(self) -> int:
        """Bytes that are counted now."""
        return self._held

    def exchange(self) -> "Exchange":
        """A request and its answer: a context, at whose end nothing of it is held any more."""
        return Exchange(self)

    def count(self, exchange: "Exchange", counted: int) -> None:
        """Counts so many bytes for an exchange, in place of those before; cuts slow ones where it must.

        Raises:
            BusyError: There is no room, or none but that of those who wait for less long.
        """
        more = counted - exchange.counted
        while more > 0 and self._held + more > self._most:
            slowest = next((each for each in self._waiting if each.counted or each is exchange), exchange)
            if slowest is exchange:
                raise BusyError
            self._cut(slowest)
        self._held += more
        exchange.counted = counted

    @asynccontextmanager
    async def patience(self, exchange: "Exchange") -> AsyncIterator[None]:
        """A context in which the server waits for a client.

        Raises:
            TimeoutError: It takes too long; `exchange.is_cut` tells whether others needed the room.
        """
        try:
            async with asyncio.timeout(self.seconds) as limit:
                self._waiting[exchange] = limit
                yield
        finally:
            self._waiting.pop(exchange, None)

    def _cut(self, exchange: "Exchange") -> None:
        """Ends the wait for a client now."""
        limit = self._waiting.pop(exchange)
        if not limit.expired():
            limit.reschedule(asyncio.get_running_loop().time())
        exchange.is_cut = True
        self.count(exchange, 0)


class Exchange:
    """What is held for one request and its answer.

    Attributes:
        counted: Bytes of it that count.
        is_cut: Whether it had to give way to others.
    """

    def __init__(self, intake: Intake) -> None:
        self.counted = 0
        self.is_cut = False
        self._intake = intake

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._intake.count(self, 0)

    def hold(self, size: int) -> None:
        """Says how many bytes are held for it now.

        Raises:
            BusyError: There is no room for them, or it was cut.
        """
        if self.is_cut:
            raise BusyError
        self._intake.count(self, max(0, size - FREE_BYTES))
