"""`python -m scripts.generate_vectors [--check]`: writes the vectors, or says which of them are stale.

To add a family, write a module with `vectors() -> Vectors` and name it in `FAMILIES`.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from scripts.generate_vectors import (
    artifacts,
    instructions,
    ledger_machine,
    merkle,
    records,
    scores,
    zero_runs,
)
from scripts.generate_vectors.cases import Vectors

FOLDER: Final = Path(__file__).resolve().parents[2] / "tests" / "vectors"

FAMILIES: Final[dict[str, Callable[[], Vectors]]] = {
    "artifacts": artifacts.vectors,
    "instructions": instructions.vectors,
    "ledger_machine": ledger_machine.vectors,
    "merkle": merkle.vectors,
    "records": records.vectors,
    "scores": scores.vectors,
    "zero_runs": zero_runs.vectors,
}
"""File name without .json, and what makes its content."""


def text_of(vectors: Vectors) -> str:
    """The file's text: one case a line."""
    return json.dumps(vectors, indent=1) + "\n"


def stale_files(families: Iterable[str] = tuple(FAMILIES)) -> list[Path]:
    """Files of these families whose text is not what the generator makes."""
    texts = {FOLDER / f"{name}.json": text_of(FAMILIES[name]()) for name in families}
    return [path for path, text in texts.items() if not path.exists() or path.read_text() != text]


def write() -> None:
    """Writes every file."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in FAMILIES.items():
        (FOLDER / f"{name}.json").write_text(text_of(make()))


def main() -> int:
    """Runs the command; 1 where `--check` finds a stale file."""
    parser = argparse.ArgumentParser(prog="python -m scripts.generate_vectors", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say which files are stale")
    if not parser.parse_args().check:
        write()
        return 0
    stale = stale_files()
    for path in stale:
        print(f"{path.relative_to(FOLDER.parents[1])} is stale: run python -m scripts.generate_vectors")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
