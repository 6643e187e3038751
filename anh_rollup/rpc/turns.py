"""Whose request is next: addresses take turns, so that one with many requests keeps no other waiting."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """Shares out places at work among addresses; for one event loop.

    An address that is alone has all places but one, which stays free for the next one that comes. Where there
    are too few, those who wait are served in turn, one request of each address after the other.

    Args:
        places: Requests at work at the same time.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._most = max(places - 1, 1)
        self._held: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}  # whose turn is next comes first

    @property
    def waiting(self) -> int:
        """Requests that wait for their turn."""
        return sum(map(len, self._waiting.values()))

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """A place at work, as soon as it is this address's turn.

        Args:
            address: Who asks.
        """
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(address, deque()).append(turn)
        self._share_out()
        try:
            await turn
            yield
        finally:
            if turn.done() and not turn.cancelled():
                self._give_back(address)
            else:
                self._withdraw(address, turn)

    def _share_out(self) -> None:
        """Gives free places to those whose turn it is."""
        while self._free:
            address = next((each for each in self._waiting if self._held[each] < self._most), None)
            if address is None:
                return
            own = self._waiting.pop(address)
            turn = own.popleft()
            if own:
                self._waiting[address] = own  # behind all others
            if not turn.done():
                turn.set_result(None)
                self._free -= 1
                self._held[address] += 1

    def _give_back(self, address: str) -> None:
        self._free += 1
        self._held[address] -= 1
        if not self._held[address]:
            del self._held[address]
        self._share_out()

    def _withdraw(self, address: str, turn: asyncio.Future[None]) -> None:
        """Forgets one who waits no more."""
        own = self._waiting.get(address)
        if own is not None and turn in own:
            own.remove(turn)
            if not own:
                del self._waiting[address]
