"""Exact evaluation of one imported network, in a process of its own: `benchmarks.model_speed` starts these.

`python -m benchmarks.model_runs peak FOLDER` prints the most memory that it had, and `profile FOLDER` where
its time goes.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from anh_rollup.evaluation.compiled_passes import Fused
from anh_rollup.evaluation.compiled_program import CompiledProgram
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.tensor.codec import decode_program
from benchmarks.model_process import ROUNDS, THREADS, peak, use_processors

#: Instructions that a profile names, the slowest first.
SHOWN: Final = 12


def exact_of(folder: Path) -> tuple[CompiledProgram, list[Any]]:
    """The loaded program, and the fields of the sample."""
    use_processors(THREADS)
    program = decode_program(folder.joinpath("program").read_bytes())
    parameters, fields = (_arrays(folder / name) for name in ("parameters.npz", "fields.npz"))
    loaded = FastEvaluator().load(program, parameters)
    if not isinstance(loaded, CompiledProgram):
        raise SystemExit("this system runs no code from memory")
    return loaded, fields


def _arrays(path: Path) -> list[Any]:
    with np.load(path) as saved:
        return list(saved.values())


def ours_of(folder: Path) -> Callable[[], Any]:
    """Exact evaluation of the sample."""
    program, fields = exact_of(folder)
    return lambda: program.evaluate(fields)


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
    print(profile(folder) if what == "profile" else json.dumps(peak(ours_of(folder))))


if __name__ == "__main__":
    main()
