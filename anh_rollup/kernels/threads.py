"""Compiled code that lets go of the interpreter's lock, on several threads.

All work of the process shares the threads, one fewer than are asked for, and whoever asks does parts itself.
Nobody waits for a thread that has not begun: on a busy machine that can take longer than the work.
"""

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
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

    # A forked process has none of its parent's threads.
    helpers = min(threads, parts) - 1
    others = [_threads(os.getpid(), threads - 1).submit(do_some) for _ in range(helpers)]
    try:
        do_some()
    finally:
        # Whatever ends the work here: who has begun still writes into what the caller holds.
        left.clear()
        wait([other for other in others if not other.cancel()])


@lru_cache(maxsize=2)
def _threads(_process: int, count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="kernel")
