"""Onnxruntime on one sample, in a process that loads nothing else: `python -m benchmarks.model_peer FOLDER`.

It prints the most memory that it had. `benchmarks.model_speed` saved what it reads.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime

#: Threads of either side (choice: what the figures are promised for).
THREADS: Final = min(2, len(os.sched_getaffinity(0)))
#: Evaluations of a process whose memory is looked at.
ROUNDS: Final = 3
#: onnxruntime's log level that shows errors only.
_ERRORS: Final = 3


def peer_of(folder: Path) -> Callable[[], Any]:
    """Evaluates the sample; the network is loaded."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(folder / "network.onnx", options)
    with np.load(folder / "feeds.npz") as saved:
        feeds = dict(saved)
    output = folder.joinpath("output").read_text(encoding="utf-8")
    return lambda: session.run([output], feeds)[0]


def peak(work: Callable[[], Any]) -> dict[str, float]:
    """The most memory that this process had, in MiB, once it has worked."""
    for _ in range(ROUNDS):
        work()
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    kibibytes = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
    return {"peak": int(kibibytes) / 1024}


if __name__ == "__main__":
    print(json.dumps(peak(peer_of(Path(sys.argv[1])))))
