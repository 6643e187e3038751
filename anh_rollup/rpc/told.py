"""The events that clients were told of, so that they are told again when their block is removed.

What a removed block logged cannot be executed any more. Memory is bounded: the oldest blocks are forgotten.
"""

from collections.abc import Hashable, Sequence
from threading import Lock
from typing import Any, Final

from anh_rollup.primitives import Digest

MOST_HELD: Final = 32 << 20
"""Bytes of events, roughly (choice: some ten thousand events)."""

EVENT_SIZE: Final = 2_000
"""Bytes of an event beside its data, roughly: topics, hashes, and what Python adds."""


class Told:
    """Events by block and question; for several threads.

    Args:
        most: Bytes that are held, roughly.
    """

    def __init__(self, most: int = MOST_HELD) -> None:
        self._most = most
        self._held = 0
        self._lock = Lock()
        self._events: dict[tuple[Digest, Hashable], Sequence[dict[str, Any]]] = {}

    def note(self, block: Digest, query: Hashable, events: Sequence[dict[str, Any]]) -> None:
        """Keeps what a block's events are for a question."""
        with self._lock:
            if not events or (block, query) in self._events:
                return
            self._events[block, query] = events
            self._held += _size(events)
            while self._held > self._most and len(self._events) > 1:
                oldest = next(iter(self._events))
                self._held -= _size(self._events.pop(oldest))

    def take_back(self, block: Digest, query: Hashable) -> list[dict[str, Any]]:
        """What is told of a removed block: its events in reverse, marked as removed."""
        with self._lock:
            events = self._events.get((block, query), ())
        return [{**each, "removed": True} for each in reversed(events)]


def _size(events: Sequence[dict[str, Any]]) -> int:
    return sum(EVENT_SIZE + len(each["data"]) for each in events)
