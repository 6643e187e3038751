"""`anh model import`: what it prints and stores, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from anh_rollup.cli import main
from anh_rollup.cli.model_import import ShapeOptionError, parse_shapes
from anh_rollup.storage.artifacts import ArtifactStore
from tests.unit.importing.graphs import model_of, node

RNG = np.random.default_rng(9)


def anh(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def network(tmp_path: Path) -> Path:
    weights = {"w": RNG.normal(size=(6, 4)).astype(np.float32)}
    model = model_of([node("MatMul", "x w", "h"), node("Tanh", "h")], {"x": ("n", "m")}, weights)
    path = tmp_path / "network.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def test_a_network_is_stored_and_compared(network: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "samples.npz", x=RNG.normal(size=(16, 6)).astype(np.float32))
    store = tmp_path / "store"
    samples = tmp_path / "samples.npz"
    shape = ("--input-shape", "x=1x6")

    shown = anh("model", "import", network, "--samples", samples, *shape, "--store", store, "--layers")

    assert shown.exit_code == 0, shown.output
    program, model = (line.split()[1][2:] for line in shown.output.splitlines()[:2])
    stored = ArtifactStore(store)
    assert stored.get_program(bytes.fromhex(program)).parameters[0].shape == (4, 6)
    assert stored.get_model(bytes.fromhex(model)).parameters[0].shape == (4, 6)
    for words in ("1 MATMUL, 1 TABLE", "samples held back", "saturated elements", "FUNCTION", "table error"):
        assert words.split()[0] in shown.output


def test_without_samples_nothing_is_compared(network: Path, tmp_path: Path) -> None:
    shown = anh("model", "import", network, "--input-shape", "x=1x6", "--store", tmp_path / "store")
    assert shown.exit_code == 0, shown.output
    assert "onnxruntime" not in shown.output


def test_a_shape_that_is_not_fixed_is_asked_for(network: Path, tmp_path: Path) -> None:
    shown = anh("model", "import", network, "--store", tmp_path / "store")
    assert shown.exit_code == 1
    assert "shape [1, 0] is not fixed" in shown.output
    assert "Name shapes with --input-shape name=1x3x224x224" in shown.output


def test_shapes_are_read() -> None:
    assert parse_shapes(["a=1x3", "b:0=7"]) == {"a": (1, 3), "b:0": (7,)}


@pytest.mark.parametrize("word", ["x", "x=", "=1x2", "x=1x", "x=0x2", "x=1x-2", "x=1x2x3x4x5x6x7x8x9"])
def test_words_that_are_no_shapes_are_refused(word: str) -> None:
    with pytest.raises(ShapeOptionError) as caught:
        parse_shapes([word])
    assert caught.value.word == word
