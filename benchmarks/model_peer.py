"""Onnxruntime on one sample, in a process that loads nothing else: `python -m benchmarks.model_peer FOLDER`.

It prints the most memory that it had. `benchmarks.model_speed` saved what it reads.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime

from benchmarks.model_process import THREADS, peak

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
    return lambda: session.run(None, feeds)[0]


if __name__ == "__main__":
    print(json.dumps(peak(peer_of(Path(sys.argv[1])))))
