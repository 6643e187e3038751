"""Compiled code that lets go of the interpreter's lock, on several threads.

All work of the process shares the threads, one fewer than are asked for, and whoever asks does parts itself.
Nobody waits for a thread that has not begun: on a busy machine that can take longer than the work.
"""

import ctypes
import os
import sys
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import cache, lru_cache
from threading import get_native_id
from typing import Final

#: Parts for each thread, so that one that comes late or is held up leaves its share to others (choice).
PARTS: Final = 4


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_parts(work: Callable[[int, int], None], count: int, most: int, threads: int) -> None:
    """Does `work(start, stop)` for parts of `range(count)`, several at a time.

    Args:
        work: Runs without the interpreter's lock, and fails nowhere.
        count: How many there are.
        most: The most parts; at least one is made.
        threads: How many work at a time, the caller's own among them.
    """
    parts = 1 if threads == 1 else max(1, min(PARTS * threads, count, most))
    if parts == 1:
        work(0, count)
        return
    left = deque((count * part // parts, count * (part + 1) // parts) for part in range(parts))

    def do_some() -> None:
        while left:
            try:
                part = left.popleft()
            except IndexError:
                return
            work(*part)

    def help_out(turn: Future[None]) -> None:
        if turn.set_running_or_notify_cancel():
            try:
                do_some()
            finally:
                turn.set_result(None)

    # Made here, for the executor gives none for what it has queued when a thread does not start.
    turns = [Future[None]() for _ in range(min(threads, parts) - 1)]
    try:
        # Where the system has no more threads, or the interpreter ends, those who came and the caller do it.
        with suppress(RuntimeError):
            # A forked process has none of its parent's threads.
            helpers = _threads(os.getpid(), threads - 1)
            helpers.make_way()
            for turn in turns:
                helpers.submit(help_out, turn)
        do_some()
    finally:
        # Whatever ends the work here: who has begun still writes into what the caller holds.
        left.clear()
        wait([turn for turn in turns if not turn.cancel()])


class _Helpers(ThreadPoolExecutor):
    """Threads for parts.

    A single one works beside its caller, never on the same processor. Systems often wake it there though
    another one is idle, and leave it there for many milliseconds: both then take twice the time (measured).
    Of several, others do what such a one leaves.
    """

    def __init__(self, count: int) -> None:
        super().__init__(count, thread_name_prefix="kernel", initializer=self._begin)
        self._is_single = count == 1
        self._thread_id: int | None = None
        self._avoided_processor: int | None = None

    def make_way(self) -> None:
        """Has a single thread leave the caller's processor."""
        own = own_processor() if self._is_single else None
        if own is not None and own != self._avoided_processor:
            self._avoided_processor = own
            self._leave()

    def _begin(self) -> None:
        self._thread_id = get_native_id()
        self._leave()

    def _leave(self) -> None:
        if self._thread_id is None or self._avoided_processor is None:
            return
        others = os.sched_getaffinity(0) - {self._avoided_processor}
        if others:
            with suppress(OSError):  # the system has taken processors away meanwhile
                os.sched_setaffinity(self._thread_id, others)


def own_processor() -> int | None:
    """The processor that the caller runs on; None where the system does not tell, or moves no threads."""
    tell = _processor_of_caller()
    return None if tell is None else tell()


@cache
def _processor_of_caller() -> Callable[[], int] | None:
    if sys.platform != "linux":
        return None
    found: Callable[[], int] | None = getattr(ctypes.PyDLL(None), "sched_getcpu", None)
    return found


@lru_cache(maxsize=2)
def _threads(_process: int, count: int) -> _Helpers:
    return _Helpers(count)
