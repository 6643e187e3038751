"""Figures: measured against a peer in the same run, with a target, printed as a table or as JSON."""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number.

    Attributes:
        name: What was measured, against what.
        unit: Of the value and the target.
        value: The measured number.
        target: At most this much is wanted; None where there is no target.
        machine: What it was measured on.
    """

    name: str
    unit: str
    value: float
    target: float | None
    machine: str


def machine() -> str:
    """The processor's name and how many of its cores this process may use."""
    cores = f"{len(os.sched_getaffinity(0))} cores"
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else 'unknown processor'}, {cores}"


def ratios(ours: Work, peer: Work, runs: int) -> tuple[float, float]:
    """How many times as long `ours` takes as `peer`: by the shortest and the median of alternating runs."""
    ours()
    peer()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(runs):
        for kept, work in zip(times, (ours, peer), strict=True):
            kept.append(seconds(work))
    return min(times[0]) / min(times[1]), statistics.median(times[0]) / statistics.median(times[1])


def seconds(work: Work) -> float:
    """Processor time of one run on this thread: what else runs on the machine does not count as ours."""
    start = time.thread_time()
    work()
    return time.thread_time() - start


def compared(name: str, ours: Work, peer: Work, *, target: float, runs: int = 20) -> list[Figure]:
    """Two figures: the ratio of the shortest runs, which has the target, and that of the medians."""
    shortest, median = ratios(ours, peer, runs)
    return [
        Figure(f"{name}, shortest of {runs}", "times the peer", round(shortest, 3), target, machine()),
        Figure(f"{name}, median of {runs}", "times the peer", round(median, 3), None, machine()),
    ]


def show(figures: Sequence[Figure]) -> None:
    """Prints figures: one JSON object a line with --json, a Markdown table without."""
    if "--json" in sys.argv[1:]:
        for figure in figures:
            print(json.dumps(asdict(figure)))
        return
    print("| figure | value | target | unit |\n| --- | ---: | ---: | --- |")
    for figure in figures:
        target = "" if figure.target is None else f"{figure.target:g}"
        print(f"| {figure.name} | {figure.value:g} | {target} | {figure.unit} |")
    print(f"\nMeasured on {machine()}.")
