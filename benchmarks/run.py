"""Measures all figures and writes benchmarks/RESULTS.md: `python -m benchmarks.run` or `make bench`.

A missed target is written as missed; the exit code is not 0 only where something could not be measured.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.report import Figure, machine, table

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "benchmarks" / "RESULTS.md"

#: Each prints its figures; the order is that of the page.
BENCHMARKS: Final = (
    "game_gas",
    "ledger_gas",
    "arbiter_gas",
    "exact_evaluation",
    "model_speed",
    "claim_overhead",
    "encoding",
    "l1_cost",
    "throughput",
    "floods",
    "restarts",
    "world_engines",
    "laziness",
    "parallel_closures",
)


def figures_of(name: str) -> list[Figure]:
    """What a benchmark measures, in a process of its own.

    Raises:
        SystemExit: It failed; its error output has been shown.
    """
    command = [sys.executable, "-m", f"benchmarks.{name}", "--json"]
    ran = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if ran.returncode != 0:
        raise SystemExit(f"benchmarks/{name}.py failed with exit code {ran.returncode}")
    return [Figure(**json.loads(line)) for line in ran.stdout.splitlines()]


def results(measured: Mapping[str, Sequence[Figure]]) -> str:
    """The page of all figures: a table for each benchmark, under its name."""
    tables = "".join(f"\n## {name}\n\n{table(figures)}\n" for name, figures in measured.items())
    return f"# Results\n\nWritten by `make bench` on: {machine()}. {verdict(measured)}.\n{tables}"


def verdict(measured: Mapping[str, Sequence[Figure]]) -> str:
    """How many targets there are, and how many were missed."""
    verdicts = [each.verdict for figures in measured.values() for each in figures if each.target is not None]
    return f"Of {len(verdicts)} targets, {verdicts.count('missed')} missed"


def main() -> int:
    """Runs everything and writes the tables."""
    measured: dict[str, list[Figure]] = {}
    for name in BENCHMARKS:
        print(f"measuring {name}", flush=True)
        measured[name] = figures_of(name)
    RESULTS.write_text(results(measured), encoding="utf-8")
    print(f"wrote {RESULTS.relative_to(ROOT)}: {verdict(measured)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
