"""What processes that run one network share: how many processors they use, and the memory that they had."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

#: Threads of either side (choice: what the figures are promised for).
THREADS: Final = min(2, len(os.sched_getaffinity(0)))
#: Evaluations of a process whose memory or profile is looked at.
ROUNDS: Final = 3


def use_processors(count: int) -> None:
    """Has this process run on no more than so many of its processors."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def peak(work: Callable[[], Any]) -> dict[str, float]:
    """The most memory that this process had, in MiB, once it has worked."""
    for _ in range(ROUNDS):
        work()
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    kibibytes = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
    return {"peak": int(kibibytes) / 1024}
