"""A small network in a file, and what commands about it print."""

from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result

from anh_rollup.cli import main
from tests.unit.importing.graphs import model_of, node

#: What is said where no samples show ranges.
UNSHOWN = (
    "warning: without --samples ranges are proven for real inputs in [-8, 8], and nothing is compared "
    "with onnxruntime"
)


def anh(*words: object) -> Result:
    """Runs a command on a console that wraps no line of it."""
    return CliRunner(env={"COLUMNS": "200"}).invoke(main, [str(word) for word in words])


def write_network(folder: Path) -> Path:
    """A network of one layer, 6 numbers to 4, whose input `x` has no fixed shape."""
    weights = {"w": np.random.default_rng(9).normal(size=(6, 4)).astype(np.float32)}
    model = model_of([node("MatMul", "x w", "h"), node("Tanh", "h")], {"x": ("n", "m")}, weights)
    path = folder / "network.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def rows(shown: Result) -> list[list[str]]:
    """The cells of every row of the tables that were printed."""
    return [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in shown.output.splitlines()
        if "│" in line
    ]


def warned(shown: Result) -> list[str]:
    return [line for line in shown.output.splitlines() if line.startswith("warning: ")]
