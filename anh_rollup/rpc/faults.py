"""Addresses whose requests are refused again and again are answered more slowly, so that others need not be.

What is refused costs its sender nothing, and the node some work. Each address may have so many errors a
second, and a burst of them; beyond that its requests wait before they are looked at.
"""

from dataclasses import dataclass, field
from typing import Final

from anh_rollup.rpc.errors import ERROR_START

BURST_SECONDS: Final = 3.0
"""How many seconds' worth of errors an address may have at once (choice)."""

MOST_DELAY: Final = 2.0
"""Longest wait of a request, seconds (choice: less than clients' patience)."""

MOST_ADDRESSES: Final = 10_000
"""Addresses that are remembered (choice: a megabyte); the one without an error for longest is forgotten."""


@dataclass(slots=True)
class Faults:
    """The errors of addresses; for one event loop.

    Attributes:
        rate: Errors a second of one address; 0 for any number.
    """

    rate: int = 0
    _full_at: dict[str, float] = field(default_factory=dict)

    def delay(self, address: str, now: float) -> float:
        """Seconds that a request of an address waits."""
        ahead = self._full_at.get(address, now) - now
        return min(max(ahead - BURST_SECONDS, 0.0), MOST_DELAY)

    def count(self, address: str, answer: bytes, now: float) -> None:
        """Counts the errors of an answer.

        Args:
            address: Whose request it was.
            answer: What it is answered with.
            now: Seconds that only grow.
        """
        faults = answer.count(ERROR_START) if self.rate else 0
        if not faults:
            return
        most = now + BURST_SECONDS + MOST_DELAY
        self._full_at[address] = min(max(self._full_at.pop(address, now), now) + faults / self.rate, most)
        if len(self._full_at) > MOST_ADDRESSES:
            del self._full_at[next(iter(self._full_at))]
