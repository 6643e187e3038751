"""`anh model import` and `report` of a network that has no weights."""

from pathlib import Path

import numpy as np
import pytest

from tests.unit.cli.imports import anh
from tests.unit.importing.graphs import model_of, node


@pytest.mark.parametrize(("command", "made"), [("import", "store"), ("report", "page")])
def test_a_network_without_weights_is_refused_before_its_samples_are_looked_at(
    command: str, made: str, tmp_path: Path
) -> None:
    path, samples, output = tmp_path / "network.onnx", tmp_path / "samples.npz", tmp_path / made
    path.write_bytes(model_of([node("Relu", "x")], {"x": (1, 6)}).SerializeToString())
    np.savez(samples, other=np.zeros(1))
    shown = anh("model", command, path, "--samples", samples, f"--{made}", output)
    assert shown.exit_code == 1
    assert shown.output.startswith("Error: the network has no weights: ")
    assert not output.exists()
