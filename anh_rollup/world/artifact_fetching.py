"""Artifacts for runs: from the node's own store, or fetched beside the run, which waits a moment at most.

Strangers choose what is asked for and where it is looked for. A place that is slow, or has nothing, must not
hold up whatever else is to be executed.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Final, TypeVar

from anh_rollup.protocol.called import ArtifactRequest, encode_request
from anh_rollup.storage.errors import ArtifactError
from anh_rollup.world.errors import ResultMissingError

T = TypeVar("T")

Get = Callable[[bytes, str], T]
"""Reads an artifact by its root, from the own store or else from a URI; raises `ArtifactError`."""

MOST_FETCHES: Final = 4
"""Artifacts that are fetched at the same time (choice)."""

MOST_REMEMBERED: Final = 10_000
"""Artifacts of which it is remembered when they were looked for (choice)."""

PATIENCE: Final = 1.0
"""Seconds that a run waits for a fetch (choice)."""

PAUSE: Final = 5.0
"""Seconds until an artifact that could not be had is looked for again (choice)."""


class ArtifactFetching:
    """Fetches artifacts, each once at a time.

    Args:
        patience: Seconds that a run waits for a fetch.
        pause: Seconds until the next attempt.
        clock: Seconds that only grow.
    """

    def __init__(
        self, patience: float = PATIENCE, pause: float = PAUSE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._patience = patience
        self._pause = pause
        self._clock = clock
        self._lock = Lock()
        self._running: dict[tuple[str, bytes], Future[None]] = {}
        self._again: dict[tuple[str, bytes, tuple[str, ...]], float] = {}

    def have(self, kind: str, root: bytes, uris: tuple[str, ...], get: Get[T]) -> T:
        """An artifact.

        Args:
            kind: `program` or `model`.
            root: Its root.
            uris: Where to look for it if the store lacks it.
            get: How it is read.

        Raises:
            ResultMissingError: It is not there yet.
        """
        try:
            return get(root, "")
        except ArtifactError:
            fetch = self._begin(kind, root, uris, get)
        if fetch is not None:
            try:
                fetch.result(self._patience)
                return get(root, "")
            except (ArtifactError, TimeoutError):
                pass
        raise ResultMissingError(encode_request(ArtifactRequest(kind, root, uris)))

    def _begin(self, kind: str, root: bytes, uris: tuple[str, ...], get: Get[T]) -> Future[None] | None:
        """The fetch of an artifact; None where there is nothing to be tried now."""
        with self._lock:
            running = self._running.get((kind, root))
            if running is not None:
                return running
            early = self._clock() < self._again.get((kind, root, uris), 0.0)
            if not uris or early or len(self._running) >= MOST_FETCHES:
                return None
            if len(self._again) >= MOST_REMEMBERED:
                self._again.clear()
            future: Future[None] = Future()
            self._running[kind, root] = future

        def fetch() -> None:
            try:
                _fetch_first(root, uris, get)
            finally:
                with self._lock:
                    del self._running[kind, root]
                    self._again[kind, root, uris] = self._clock() + self._pause
                future.set_result(None)

        # A thread that nobody waits for when the node stops.
        Thread(target=fetch, name=f"fetch {kind}", daemon=True).start()
        return future


def _fetch_first(root: bytes, uris: tuple[str, ...], get: Get[T]) -> None:
    """Looks in one place after the other; what is found is kept in the store."""
    for uri in uris:
        try:
            get(root, uri)
        except ArtifactError:
            continue
        return
