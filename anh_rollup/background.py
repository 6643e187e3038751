"""Work under way in threads, several pieces at a time: what one of them waits for holds up no other."""

from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final

from anh_rollup.bulkhead import Bulkhead
from anh_rollup.errors import AnhError

#: Pieces of work at a time (choice): most of them wait for somebody's server, or for a turn.
MOST_AT_ONCE: Final = 16


class Background:
    """Work on claims in threads of its own; one piece of work for each key at a time.

    Args:
        most_at_once: Threads.
        healing: Errors that time or others heal, so that the work is begun again in the next round.
    """

    def __init__(self, most_at_once: int = MOST_AT_ONCE, healing: tuple[type[AnhError], ...] = ()) -> None:
        self._pool = ThreadPoolExecutor(most_at_once, thread_name_prefix="background")
        self._bulkhead = Bulkhead(healing=healing)
        self._running: dict[Hashable, Future[bool]] = {}

    @property
    def running(self) -> frozenset[Hashable]:
        """What is being worked on now."""
        return frozenset(key for key, future in list(self._running.items()) if not future.done())

    def begin_round(self) -> None:
        """Begins a round: what failed is tried again after some rounds."""
        self._bulkhead.begin_round()
        for key in self._running.keys() - self.running:
            del self._running[key]

    def begin(self, key: Hashable, name: str, work: Callable[[], object]) -> bool:
        """Begins work unless it goes on already, or failed lately; whether it did."""
        if key in self._running or not self._bulkhead.is_due(key):
            return False
        self._running[key] = self._pool.submit(self._bulkhead.run, key, name, work)
        return True

    def wait(self, seconds: float) -> None:
        """Waits until nothing is being worked on, but no longer than so many seconds."""
        wait(list(self._running.values()), timeout=seconds)

    def close(self) -> None:
        """Begins nothing more. What goes on ends by itself: every fetch has a deadline."""
        self._pool.shutdown(wait=False, cancel_futures=True)
