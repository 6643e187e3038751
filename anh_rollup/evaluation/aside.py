"""Work that nobody waits for but the end of the process."""

import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Thread, get_native_id
from typing import Final

LOG = logging.getLogger(__name__)

#: The nice value that all others go before (setpriority(2)).
LEAST_PRIORITY: Final = 19


def do_aside(work: Callable[[], object]) -> None:
    """Begins work in a thread that others go before.

    It is not done where the system has no thread for it, and ends where there is not enough memory; any other
    error is logged. The process ends after it: an interpreter that goes away under compiled code crashes.
    """
    with suppress(RuntimeError):
        Thread(target=_do, args=(work,), name="aside").start()


def _do(work: Callable[[], object]) -> None:
    if sys.platform == "linux":  # elsewhere it would be the priority of the whole process
        os.setpriority(os.PRIO_PROCESS, get_native_id(), LEAST_PRIORITY)
    try:
        work()
    except MemoryError:
        return
    except Exception:
        LOG.exception("work aside has failed, and nothing waits for it")
