"""Measures all figures and writes benchmarks/RESULTS.md: `python benchmarks/run.py` or `make bench`."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "benchmarks" / "RESULTS.md"

#: Benchmarks that print figures as `benchmarks.report` defines them.
FIGURES: Final = ("exact_evaluation", "claim_overhead")
#: Benchmarks that print their own text.
TEXTS: Final = ("encoding", "arbiter_gas")


def output_of(name: str, *arguments: str) -> str:
    """What a benchmark prints.

    Raises:
        SystemExit: It failed; its error output has been shown.
    """
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    ran = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if ran.returncode != 0:
        raise SystemExit(f"benchmarks/{name}.py failed with exit code {ran.returncode}")
    return ran.stdout


def row_of(figure: dict[str, Any]) -> str:
    """One line of the table."""
    target = "" if figure["target"] is None else f"{figure['target']:g}"
    met = "" if not target else "yes" if figure["value"] <= figure["target"] else "no"
    return f"| {figure['name']} | {figure['value']:g} | {target} | {met} | {figure['unit']} |"


def main() -> int:
    """Runs everything and writes the table."""
    figures: list[dict[str, Any]] = []
    for name in FIGURES:
        print(f"measuring {name}", flush=True)
        figures += [json.loads(line) for line in output_of(name, "--json").splitlines()]
    texts = []
    for name in TEXTS:
        print(f"measuring {name}", flush=True)
        texts.append(f"## {name}\n\n{output_of(name).strip()}\n")
    machines = sorted({figure["machine"] for figure in figures})
    head = f"# Results\n\nWritten by `make bench` on: {'; '.join(machines)}.\n"
    table = ["| figure | value | target | met | unit |", "| --- | ---: | ---: | --- | --- |"]
    table += [row_of(figure) for figure in figures]
    RESULTS.write_text("\n".join([head, *table, "", *texts]), encoding="utf-8")
    print(f"wrote {RESULTS.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
