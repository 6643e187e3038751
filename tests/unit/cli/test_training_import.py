"""`anh model import --training-data`: what a training job gets, and which labels are refused."""

from pathlib import Path

import numpy as np
import pytest

from anh_rollup.cli.follow_up import program
from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.importing.network import import_network
from anh_rollup.importing.onnx_file import read_model
from anh_rollup.importing.setting import Setting
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.storage.npz import read_arrays
from anh_rollup.tensor.properties import accuracy
from anh_rollup.training.hints import TrainingHints, decode_hints
from tests.unit.cli.imports import anh, rows, write_network


@pytest.fixture
def network(tmp_path: Path) -> Path:
    return write_network(tmp_path)


def labelled(path: Path, count: int, labels: object = None) -> Path:
    """Samples of the network with labels, as a file."""
    x = np.random.default_rng(count).normal(size=(count, 6)).astype(np.float32)
    np.savez(path, x=x, label=np.arange(count) % 4 if labels is None else labels)
    return path


def test_labelled_data_become_what_a_training_job_takes(network: Path, tmp_path: Path) -> None:
    training, test = labelled(tmp_path / "train.npz", 300), labelled(tmp_path / "test.npz", 25)
    words = ["model", "import", network, "--input-shape", "x=1x6", "--store", tmp_path / "store"]

    shown = anh(*words, "--training-data", training, "--test-data", test, "--accuracy", 0.9)

    assert shown.exit_code == 0, shown.output
    samples, held = read_arrays(training), read_arrays(test)
    # Every second sample, for 300 are more than 256; of these the first three quarters.
    made = import_network(
        read_model(network),
        shapes={"x": (1, 6)},
        samples={"x": samples["x"][::2][:113]},
        setting=Setting.TRAINABLE,
    )
    data, asked = (
        Dataset((*made.quantized({"x": each["x"]}), each["label"].astype(np.int32)))
        for each in (samples, held)
    )
    score, store = accuracy(made.program), ArtifactStore(tmp_path / "store")
    assert store.get_program(score.root) == score
    assert store.get_dataset(data.root).root == data.root
    assert store.get_dataset(asked.root).root == asked.root
    recipe = store.get_recipe(made.program.root)
    assert recipe is not None
    assert decode_hints(recipe) == TrainingHints(
        training_data=f"0x{data.root.hex()}", target_field=1, initial_model=f"0x{made.model.root.hex()}"
    )
    assert shown.stdout.splitlines()[2] == (
        f"order it with: {program()} job submit --kind training --architecture 0x{made.program.root.hex()} "
        f"--property 0x{score.root.hex()}:0x{asked.root.hex()}:23 --store {tmp_path / 'store'} "
        "--reward ETHER --key-file FILE --deployment FILE --l1 URL --l2 URL"
    )


def test_training_data_leave_samples_and_setting_as_they_are_given(network: Path, tmp_path: Path) -> None:
    data = labelled(tmp_path / "data.npz", 8)
    words = ["model", "import", network, "--input-shape", "x=1x6", "--store", tmp_path / "store"]
    chosen = ["--samples", data, "--setting", "precise"]
    learnt = ["--training-data", data, "--test-data", data, "--accuracy", 1]
    without, with_data = anh(*words, *chosen), anh(*words, *chosen, *learnt)
    assert without.output.splitlines()[:2] == with_data.output.splitlines()[:2]
    assert ["setting", "precise"] in rows(with_data)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (np.arange(8.0), "they are float64, expected whole numbers"),
        (np.zeros((8, 1), np.int64), "shape (8, 1), expected (8,)"),
        (np.zeros(7, np.int64), "shape (7,) for [8] samples"),
        (np.int64(3), "shape () for [8] samples"),
        (np.arange(8), "0 to 7 for 4 classes"),
        (np.arange(8) % 4 - 1, "-1 to 2 for 4 classes"),
    ],
)
def test_labels_that_are_no_classes_are_refused(
    labels: object, reason: str, network: Path, tmp_path: Path
) -> None:
    good, bad = labelled(tmp_path / "good.npz", 8), labelled(tmp_path / "bad.npz", 8, labels)
    words = ["model", "import", network, "--input-shape", "x=1x6", "--store", tmp_path / "store"]
    shown = anh(*words, "--training-data", good, "--test-data", bad, "--accuracy", 1)
    assert (shown.exit_code, f"the labels in {bad}: {reason}" in shown.output) == (1, True), shown.output
    assert not (tmp_path / "store").exists()


def test_data_without_labels_are_refused(network: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=np.zeros((8, 6), np.float32))
    words = ["model", "import", network, "--input-shape", "x=1x6", "--store", tmp_path / "store"]
    data = tmp_path / "data.npz"
    shown = anh(*words, "--training-data", data, "--test-data", data, "--accuracy", 1)
    assert shown.exit_code == 1
    assert "there is no array `label`" in shown.output
    assert not (tmp_path / "store").exists()
    assert "Put an array `label` beside the inputs: the class of each sample, counted from 0." in shown.output


@pytest.mark.parametrize("labels", [np.arange(8.0), np.zeros(7, np.int64)])
def test_labels_are_looked_at_before_the_network_is(labels: object, tmp_path: Path) -> None:
    bad = labelled(tmp_path / "bad.npz", 8, labels)
    words = ["model", "import", tmp_path / "none.onnx", "--store", tmp_path / "store"]
    shown = anh(*words, "--training-data", bad, "--test-data", bad, "--accuracy", 1)
    assert (shown.exit_code, f"the labels in {bad}" in shown.output) == (1, True), shown.output


def test_sizes_in_messages_are_those_of_the_file(network: Path, tmp_path: Path) -> None:
    x = np.zeros((300, 1, 6), np.float32)
    data, store = tmp_path / "data.npz", tmp_path / "store"
    np.savez(data, x=x, label=np.zeros(300, np.int64))
    words = ["model", "import", network, "--input-shape", "x=1x6", "--store", store]
    for given in (["--samples", data], ["--training-data", data, "--test-data", data, "--accuracy", 1]):
        shown = anh(*words, *given)
        assert "'x': samples of shape (300, 1, 6), expected (N, 6)" in shown.output
        assert (shown.exit_code, store.exists()) == (1, False)
