"""Exact evaluation of one imported network, in a process of its own: `benchmarks.model_speed` starts these.

`python -m benchmarks.model_runs pair FOLDER PAIRS` times it and onnxruntime in turns, `peak FOLDER` prints
the most memory that it had, and `profile FOLDER` where its time goes.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import torch

from anh_rollup.encoding.artifacts import decode_model
from anh_rollup.evaluation.torch_backend import TorchEvaluator
from anh_rollup.evaluation.torch_passes import Fused
from anh_rollup.evaluation.torch_program import TorchProgram
from anh_rollup.tensor.codec import decode_program
from benchmarks.model_peer import ROUNDS, THREADS, peak, peer_of

#: Instructions that a profile names, the slowest first.
SHOWN: Final = 12


def exact_of(folder: Path) -> tuple[TorchProgram, list[Any]]:
    """The loaded program, and the fields of the sample."""
    torch.set_num_threads(THREADS)
    program = decode_program(folder.joinpath("program").read_bytes())
    parameters = decode_model(folder.joinpath("model").read_bytes()).parameters
    with np.load(folder / "fields.npz") as saved:
        fields = list(saved.values())
    return TorchEvaluator().load(program, parameters), fields


def ours_of(folder: Path) -> Callable[[], Any]:
    """Exact evaluation of the sample."""
    program, fields = exact_of(folder)
    return lambda: program.evaluate(fields)


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


def _seconds(work: Callable[[], Any]) -> tuple[float, float]:
    """By the clock, and of all processors."""
    start, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - used


def profile(folder: Path) -> str:
    """Milliseconds of one evaluation by kind of instruction, and of the slowest instructions."""
    program, fields = exact_of(folder)
    program.evaluate(fields)
    kinds, places = dict[str, float](), dict[str, float]()
    for _ in range(ROUNDS):
        for taken, each in program.timed(fields):
            name = "pass" if isinstance(each, Fused) else program.program.values[each].name
            values = each.group.results if isinstance(each, Fused) else [each]
            shapes = " ".join(str(program.program.values[value].shape) for value in values)
            for table, key in ((kinds, name), (places, f"{name} {values} {shapes}")):
                table[key] = table.get(key, 0.0) + taken
    slowest = [sorted(table.items(), key=lambda row: -row[1])[:SHOWN] for table in (kinds, places)]
    lines = [[f"{1_000 * taken / ROUNDS:9.2f} ms  {name}" for name, taken in rows] for rows in slowest]
    return "\n".join([*lines[0], "", *lines[1]])


def main() -> None:
    """Does what the arguments say, and prints it."""
    what, folder = sys.argv[1], Path(sys.argv[2])
    if what == "profile":
        print(profile(folder))
    elif what == "pair":
        print(json.dumps(pairs(folder, int(sys.argv[3]))))
    else:
        print(json.dumps(peak(ours_of(folder))))


if __name__ == "__main__":
    main()
