"""Figures: measured, judged against a target, printed as a table or as JSON."""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

Work = Callable[[], object]

HEAD = "| figure | value | target | met | unit |\n| --- | ---: | ---: | --- | --- |"

#: A ratio is the median of at least so many pairs, whatever the machine does besides.
PAIRS = 21


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number.

    Attributes:
        name: What was measured, against what.
        unit: Of the value and the target.
        value: The measured number.
        target: At most this much is wanted; None where there is no target.
    """

    name: str
    unit: str
    value: float
    target: float | None = None

    @property
    def verdict(self) -> str:
        """`yes` or `missed`; empty without a target."""
        if self.target is None:
            return ""
        return "yes" if self.value <= self.target else "missed"

    def row(self) -> str:
        """Its line of the table."""
        target = "" if self.target is None else _number(self.target)
        return f"| {self.name} | {_number(self.value)} | {target} | {self.verdict} | {self.unit} |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:g}"


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    return "\n".join([HEAD, *(each.row() for each in figures)])


def machine() -> str:
    """The processor's name and how many of its cores this process may use."""
    cores = f"{len(os.sched_getaffinity(0))} cores"
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else 'unknown processor'}, {cores}"


def seconds(work: Work) -> float:
    """Processor time of one run on this thread: what else runs on the machine does not count as ours."""
    start = time.thread_time()
    work()
    return time.thread_time() - start


def cpu_seconds(process: int) -> float:
    """Processor seconds that a process has used: what it takes, whoever else is at work on the machine."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def shortest(work: Work, runs: int) -> float:
    """Seconds of the shortest of several runs."""
    return min(seconds(work) for _ in range(runs))


def compared(name: str, ours: Work, peer: Work, target: float | None, runs: int = PAIRS) -> Figure:
    """How many times as long `ours` takes as `peer`: the median over pairs of runs, one after the other.

    A run of either, not measured, comes first.
    """
    ours()
    peer()
    ratios = [seconds(ours) / seconds(peer) for _ in range(runs)]
    return Figure(
        f"{name}, median of {runs} pairs", "times the peer", round(statistics.median(ratios), 3), target
    )


def show(figures: Sequence[Figure]) -> None:
    """Prints figures: one JSON object a line with --json, a Markdown table without."""
    if "--json" in sys.argv[1:]:
        for figure in figures:
            print(json.dumps(asdict(figure)))
        return
    print(f"{table(figures)}\n\nMeasured on {machine()}.")
