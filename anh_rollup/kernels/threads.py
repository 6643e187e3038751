"""Compiled code that lets go of the interpreter's lock, on several threads.

All work of the process shares the threads, one fewer than are asked for, and whoever asks does parts itself.
Nobody waits for a thread that has not begun: on a busy machine that can take longer than the work.
"""

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import lru_cache
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
            for turn in turns:
                helpers.submit(help_out, turn)
        do_some()
    finally:
        # Whatever ends the work here: who has begun still writes into what the caller holds.
        left.clear()
        wait([turn for turn in turns if not turn.cancel()])


@lru_cache(maxsize=2)
def _threads(_process: int, count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="kernel")
