"""Imported networks against onnxruntime float32: time and memory, `python -m benchmarks.model_speed`.

Same threads, same samples, in turns; memory in processes of their own, each with what it needs to run the
network and nothing else. `--only NAME` measures one network, `--profile NAME` says where the time of its
exact evaluation goes. With `--everywhere` language models score each place of a sequence, not the last one
alone, and readers give all scores and not the largest ones' places. Beside them stands what a claim adds to
answers that onnxruntime gives.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any, Final

import numpy as np
import torch
from onnx import helper

from anh_rollup.encoding.artifacts import Dataset, encode_dataset
from anh_rollup.encoding.hashing import WORTH, expect_rows
from anh_rollup.importing.network import Arrays, Network, import_network
from anh_rollup.importing.runnable import runnable
from anh_rollup.tensor.codec import encode_program
from anh_rollup.tensor.program import Program, Value
from anh_rollup.training.float_program import to_elements
from benchmarks.model_peer import peer_of
from benchmarks.networks.catalogue import CASES, EVERYWHERE, Case
from benchmarks.networks.wheels import PackageMissingError
from benchmarks.report import PAIRS, Figure, show

SPEED_TARGET, MEMORY_TARGET, CLAIM_TARGET = 5.0, 3.0, 2.0

#: Samples that show ranges (choice: formats follow from them, speed does not).
SAMPLES: Final = 2
#: Samples of a job whose answers are claimed, and how many times.
ANSWERS: Final = 16
CLAIMS: Final = 7


def save(folder: Path, case: Case, network: Network, samples: Arrays) -> Program:
    """Writes what both sides read: the network either way, and one sample. Returns its program.

    Raises:
        SystemExit: It is larger than an ONNX file.
    """
    model, program = case.model, case.answers.architecture(network.program)
    types = {each.name: each.type.tensor_type.elem_type for each in model.graph.input}
    feeds = {
        field.name: samples[field.name][0]
        .reshape(field.shape)
        .astype(helper.tensor_dtype_to_np_dtype(types[field.name]))
        for field in network.record.fields
    }
    one = {name: elements[:1] for name, elements in samples.items()}
    file = runnable(model, network.record, case.answers)
    if file is None:
        raise SystemExit("the network is larger than an ONNX file")
    folder.joinpath("network.onnx").write_bytes(file)
    folder.joinpath("program").write_bytes(encode_program(program))
    np.savez(folder / "parameters.npz", *network.emitted.parameters)
    np.savez(folder / "feeds.npz", **feeds)
    np.savez(folder / "fields.npz", *network.quantized(one))
    return program


def run(module: str, *arguments: object) -> str:
    """What a module prints in a process of its own.

    Raises:
        SystemExit: It failed; its error output has been shown.
    """
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if ran.returncode != 0:
        raise SystemExit(f"benchmarks.{module} failed with exit code {ran.returncode}")
    return ran.stdout


def imported(make: Callable[[], Case], folder: Path) -> Program:
    """A network's program, saved for the processes that run it."""
    case = make()
    samples = case.samples(SAMPLES, 0)
    network = import_network(case.model, shapes=case.shapes, samples=samples)
    return save(folder, case, network, samples)


def figures_of(name: str, make: Callable[[], Case], folder: Path) -> list[Figure]:
    """Time and memory of one network."""
    output = imported(make, folder).output
    found: dict[str, Any] = json.loads(run("model_pairs", folder, PAIRS))
    ours = json.loads(run("model_runs", "peak", folder))["peak"]
    peer = json.loads(run("model_peer", folder))["peak"]
    times = f"{1_000 * found['ours']:.0f} to {1_000 * found['peer']:.0f} ms"
    figures = [
        Figure(f"{name}: exact evaluation, {times}, median of {PAIRS} pairs", "times the peer",
               round(found["clock"], 2), SPEED_TARGET),
        Figure(f"{name}: the same, processor time", "times the peer", round(found["processor"], 2)),
        Figure(f"{name}: peak memory, {ours:.0f} to {peer:.0f} MiB", "times the peer",
               round(ours / peer, 2), MEMORY_TARGET),
    ]  # fmt: skip
    return [*figures, claim(name, folder, output)]


def claim(name: str, folder: Path, output: Value) -> Figure:
    """What it takes to claim answers: rounding them, their bytes and their root; code is compiled before."""
    peer = peer_of(folder)
    answer = torch.from_numpy(np.array(peer(), np.float32).reshape(1, *output.shape))
    answers = answer.repeat(ANSWERS, *[1] * len(output.shape))

    def claimed() -> None:
        data = Dataset([to_elements(answers, output)])
        _ = data.root, encode_dataset(data)

    expect_rows(WORTH)
    # Apart, for onnxruntime's threads go on spinning when they have done their work.
    taken = _shortest(claimed)
    answering = ANSWERS * _shortest(peer)
    name = f"{name}: claiming {ANSWERS} answers of onnxruntime's, shortest of {CLAIMS}"
    return Figure(name, "% of answering", round(100 * taken / answering, 3), CLAIM_TARGET)


def _shortest(work: Callable[[], Any]) -> float:
    """Processor time of all threads."""
    found = []
    for _ in range(CLAIMS):
        start = process_time()
        work()
        found.append(process_time() - start)
    return min(found)


def parser() -> argparse.ArgumentParser:
    """What the command line may say."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.model_speed",
        description="Imported networks against onnxruntime: time and memory.",
        epilog=f"NAME: {', '.join(CASES)}. Example: python -m benchmarks.model_speed --only resnet18",
        allow_abbrev=False,
    )
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--only", choices=[*CASES], metavar="NAME", help="measure one network; all without it")
    one.add_argument(
        "--profile", choices=[*CASES], metavar="NAME", help="where the time of its exact evaluation goes"
    )
    parser.add_argument(
        "--everywhere", action="store_true", help="all scores, and at each place of a sequence"
    )
    parser.add_argument("--json", action="store_true", help="figures as `make bench` reads them")
    return parser


def main() -> None:
    """Measures and prints the figures of the networks at hand; those of `make networks` are left out."""
    arguments = parser().parse_args()
    cases = EVERYWHERE if arguments.everywhere else CASES
    chosen = arguments.only or arguments.profile
    figures = list[Figure]()
    for name in [chosen] if chosen else CASES:
        with tempfile.TemporaryDirectory() as place:
            try:
                if arguments.profile:
                    imported(cases[name], Path(place))
                    print(run("model_runs", "profile", place))
                else:
                    figures.extend(figures_of(name, cases[name], Path(place)))
            except PackageMissingError as error:
                print(error, file=sys.stderr)
    if figures:
        show(figures)


if __name__ == "__main__":
    main()
