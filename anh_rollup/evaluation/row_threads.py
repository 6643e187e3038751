"""Compiled code that lets go of the interpreter's lock, on as many threads as torch uses.

torch lends its threads to nothing from outside. So there are threads beside them, one fewer than torch's,
which sleep while torch works; all evaluations share them, and whoever asks does a part itself.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import lru_cache

import torch


def in_parts(work: Callable[[int, int], None], count: int, most: int) -> None:
    """Does `work(start, stop)` for parts of `range(count)` on torch's number of threads.

    Args:
        work: Runs without the interpreter's lock, and fails nowhere.
        count: How many there are.
        most: The most parts; at least one is made.
    """
    parts = max(1, min(torch.get_num_threads(), count, most))
    bounds = [count * part // parts for part in range(parts + 1)]
    # A forked process has none of its parent's threads.
    others = [
        _threads(os.getpid(), torch.get_num_threads() - 1).submit(work, *bounds[part : part + 2])
        for part in range(1, parts)
    ]
    try:
        work(*bounds[:2])
    finally:
        # Whatever ends this part: the others still write into what the caller holds.
        wait(others)


@lru_cache(maxsize=1)
def _threads(_process: int, count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="depthwise")
