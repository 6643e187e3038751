"""Exact evaluation and onnxruntime in turns, in one process: `python -m benchmarks.model_pairs FOLDER PAIRS`.

`benchmarks.model_speed` saved what both read.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.model_peer import peer_of
from benchmarks.model_runs import ours_of

#: Seconds that a process is looked at before it counts as at rest (choice: several ticks of its clock).
REST: Final = 0.02


def pairs(folder: Path, count: int) -> dict[str, float]:
    """Seconds of both, and the medians of what they are to each other, by the clock and by processor time."""
    ours, peer = ours_of(folder), peer_of(folder)
    for each in (ours, peer, ours, peer):
        each()
    rows = [(*_seconds(ours), *_seconds(peer)) for _ in range(count)]
    own, own_used, other, other_used = zip(*rows, strict=True)
    return {
        "ours": median(own),
        "peer": median(other),
        "clock": median(a / b for a, b in zip(own, other, strict=True)),
        "processor": median(a / b for a, b in zip(own_used, other_used, strict=True)),
    }


def _busy() -> float:
    """Processor seconds of this process while it does nothing."""
    used = time.process_time()
    time.sleep(REST)
    return time.process_time() - used


def _seconds(work: Callable[[], Any]) -> tuple[float, float]:
    """By the clock and of all processors, of the second of two runs, when the other side is at rest.

    Threads of onnxruntime's go on spinning for some time when they have done their work.
    """
    while _busy() > REST / 2:
        pass
    work()
    start, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - used


if __name__ == "__main__":
    print(json.dumps(pairs(Path(sys.argv[1]), int(sys.argv[2]))))
