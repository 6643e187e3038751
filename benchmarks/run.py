"""Measures all figures and writes benchmarks/RESULTS.md: `python -m benchmarks.run` or `make bench`.

A missed target is written as missed; the exit code is not 0 only where something could not be measured.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.report import Figure, machine, table

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "benchmarks" / "RESULTS.md"

#: Each prints its figures; the order is that of the table.
BENCHMARKS: Final = (
    "game_gas",
    "arbiter_gas",
    "exact_evaluation",
    "claim_overhead",
    "encoding",
    "l1_cost",
    "throughput",
    "world_engines",
    "laziness",
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


def main() -> int:
    """Runs everything and writes the table."""
    figures: list[Figure] = []
    for name in BENCHMARKS:
        print(f"measuring {name}", flush=True)
        figures += figures_of(name)
    missed = sum(each.verdict == "missed" for each in figures)
    judged = sum(each.target is not None for each in figures)
    head = f"# Results\n\nWritten by `make bench` on: {machine()}. Of {judged} targets, {missed} missed.\n"
    RESULTS.write_text(f"{head}\n{table(figures)}\n", encoding="utf-8")
    print(f"wrote {RESULTS.relative_to(ROOT)}: of {judged} targets, {missed} missed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
