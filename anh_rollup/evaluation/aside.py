"""Work that nobody waits for."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Thread, get_native_id
from typing import Final

#: What the system calls the priority that all others go before.
LEAST_PRIORITY: Final = 19


def do_aside(work: Callable[[], object]) -> None:
    """Begins work in a thread that others go before.

    It is not done where the system has no thread for it, and ends where there is not enough memory.
    """
    with suppress(RuntimeError):
        Thread(target=_do, args=(work,), name="aside").start()


def _do(work: Callable[[], object]) -> None:
    if sys.platform == "linux":  # elsewhere it would be the priority of the whole process
        os.setpriority(os.PRIO_PROCESS, get_native_id(), LEAST_PRIORITY)
    with suppress(MemoryError):
        work()
