"""What `anh model import` makes for a job that asks a network, and what it warns of."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from numpy.typing import NDArray
from onnx import ModelProto

from anh_rollup.cli.dispute_words import show_dispute
from anh_rollup.cli.follow_up import program
from anh_rollup.cli.tolerance_words import EqualityWarning, FarAnswersWarning
from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.evaluation.dispute_cost import dispute_cost
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.importing.comparison import compare
from anh_rollup.importing.network import Network, import_network, outside
from anh_rollup.importing.onnx_file import read_model
from anh_rollup.importing.runnable import runnable
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.tensor.properties import Answers, closeness, decisions, near_largest
from anh_rollup.training.answering import answer
from tests.unit.cli.imports import UNSHOWN, anh, rows, warned, write_network
from tests.unit.importing.graphs import model_of, node


@pytest.fixture
def network(tmp_path: Path) -> Path:
    return write_network(tmp_path)


def test_questions_become_what_a_job_takes(network: Path, tmp_path: Path) -> None:
    asked, store = tmp_path / "asked.npz", ArtifactStore(tmp_path / "store")
    questions = np.random.default_rng(12).normal(size=(5, 6)).astype(np.float32)
    np.savez(asked, x=questions)
    words = ["model", "import", network, "--input-shape", "x=1x6", "--store", tmp_path / "store"]

    shown = anh(*words, "--questions", asked, "--tolerance", 0.25)

    assert shown.exit_code == 0, shown.output
    made = import_network(read_model(network), shapes={"x": (1, 6)})
    score = closeness(made.program, 1 << (made.program.output.scale - 2))
    data = Dataset(made.quantized({"x": questions}))
    wish = f"0x{score.root.hex()}:0x{data.root.hex()}:5"
    order = (
        f"order it with: {program()} job submit --kind inference --architecture 0x{made.program.root.hex()} "
        f"--model 0x{made.model.root.hex()} --property {wish} --store {tmp_path / 'store'} "
        "--reward ETHER --key-file FILE --deployment FILE --l1 URL --l2 URL"
    )
    assert shown.stdout.splitlines()[2:4] == [f"property {wish}", order]
    assert store.get_program(score.root) == score
    assert store.get_dataset(data.root).root == data.root
    kept = store.get_network(made.program.root, made.model.root)
    assert kept == runnable(read_model(network), made.record)


def test_decisions_are_what_a_job_asks_for(network: Path, tmp_path: Path) -> None:
    asked, store = tmp_path / "asked.npz", ArtifactStore(tmp_path / "store")
    np.savez(asked, x=np.random.default_rng(12).normal(size=(5, 6)).astype(np.float32))
    words = ["model", "import", network, "--input-shape", "x=1x6", "--store", tmp_path / "store"]

    shown = anh(*words, "--decisions", "--questions", asked, "--tolerance", 0.25)

    assert shown.exit_code == 0, shown.output
    made = import_network(read_model(network), shapes={"x": (1, 6)})
    decided = decisions(made.program)
    score = near_largest(made.program, 1 << (made.program.output.scale - 2))
    assert f"--architecture 0x{decided.root.hex()} " in shown.output
    assert f"--property 0x{score.root.hex()}:" in shown.output
    assert store.get_program(decided.root) == decided
    assert store.get_program(score.root) == score
    kept = store.get_network(decided.root, made.model.root)
    assert kept == runnable(read_model(network), made.record, Answers.DECISIONS)
    words = "the place of the largest score along the output's last axis"
    assert [words] == [cells[1] for cells in rows(shown) if cells[0] == "answers"]
    assert ["a dispute, at most", show_dispute(dispute_cost(near_largest(made.program, 0)))] in rows(shown)


def test_what_is_trained_gives_scores(network: Path, tmp_path: Path) -> None:
    data = tmp_path / "data.npz"
    np.savez(data, x=np.zeros((4, 6), np.float32), label=np.zeros(4, np.int64))
    words = ["--training-data", data, "--test-data", data, "--accuracy", 0.5, "--store", tmp_path / "store"]
    shown = anh("model", "import", network, "--decisions", *words)
    assert shown.exit_code == 2
    assert "--decisions and --training-data exclude each other" in shown.output


def asked_with(network: Path, folder: Path, tolerance: float, *more: str, samples: bool = True) -> Result:
    """An import with questions and a tolerance, and with 16 samples, of which four are held back."""
    x = np.random.default_rng(10).normal(size=(16, 6)).astype(np.float32)
    np.savez(folder / "samples.npz", x=x)
    given = ("--samples", folder / "samples.npz") if samples else ()
    words = ("--input-shape", "x=1x6", "--store", folder / "store", "--questions", folder / "samples.npz")
    shown = anh("model", "import", network, *words, *given, *more, "--tolerance", tolerance)
    assert shown.exit_code == 0, shown.output
    return shown


def test_a_tolerance_is_shown_beside_onnxruntimes_answers(network: Path, tmp_path: Path) -> None:
    shown = asked_with(network, tmp_path, 0.25)
    assert rows(shown)[-1] == ["onnxruntime's answers within 0.25", "100.00% of 4"]
    assert warned(shown) == []


def test_the_largest_error_of_the_report_is_a_tolerance_that_all_answers_keep(
    network: Path, tmp_path: Path
) -> None:
    errors = dict(map(tuple, rows(asked_with(network, tmp_path, 0))))
    shown = asked_with(network, tmp_path, float(errors["largest error in the output's own units"]))
    assert rows(shown)[-1][1] == "100.00% of 4"
    assert warned(shown) == []


def test_a_tolerance_that_native_answers_miss_is_warned_of(network: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(10).normal(size=(16, 6)).astype(np.float32)
    model = read_model(network)
    made = import_network(model, shapes={"x": (1, 6)}, samples={"x": x[:12]})
    step, steps = 2.0**-made.program.output.scale, compare(model, made, {"x": x[12:]}).steps_off
    exact = network_answers(model, made, x[12:])
    assert steps == exact
    assert max(steps) > 0

    shown = asked_with(network, tmp_path, 0)

    far = sum(each > 0 for each in steps)
    assert rows(shown)[-1] == ["onnxruntime's answers within 0", f"{1 - far / 4:.2%} of 4"]
    assert warned(shown) == [f"warning: {EqualityWarning(0, step)}", f"warning: {FarAnswersWarning(far, 4)}"]


def network_answers(model: ModelProto, made: Network, x: NDArray[np.float32]) -> tuple[int, ...]:
    """How many steps native answers are off, as an accountant rounds them."""
    fields = Dataset(made.quantized({"x": x}))
    file = runnable(model, made.record)
    (native,) = answer(made.program, fields, made.emitted.parameters, network=file)
    exact = FastEvaluator().evaluate(made.program, Sources(fields.fields, (), made.emitted.parameters))
    return tuple(np.abs(native.astype(np.int64) - exact).max(1).tolist())


@pytest.mark.parametrize(("steps", "expected"), [(0.0, True), (0.5, True), (0.6, False), (1.0, False)])
def test_a_tolerance_below_half_a_step_is_warned_of_without_samples(
    steps: float, expected: bool, network: Path, tmp_path: Path
) -> None:
    step = 2.0 ** -import_network(read_model(network), shapes={"x": (1, 6)}).program.output.scale
    shown = asked_with(network, tmp_path, steps * step, samples=False)
    equal = f"warning: {EqualityWarning(steps * step, step)}"
    assert warned(shown) == [UNSHOWN, *([equal] if expected else [])]


def test_questions_outside_of_the_range_are_not_asked_as_others(network: Path, tmp_path: Path) -> None:
    asked = np.zeros((5, 6), np.float32)
    asked[1, 2], asked[3, 3] = 1600.0, -8.5
    np.savez(tmp_path / "asked.npz", x=asked)
    words = ["--input-shape", "x=1x6", "--store", tmp_path / "store", "--tolerance", 0.25]
    shown = anh("model", "import", network, *words, "--questions", tmp_path / "asked.npz")
    assert shown.exit_code == 1
    assert f"'x': 2 of 30 elements lie outside of [-8, 8] in {tmp_path / 'asked.npz'}" in shown.output
    assert "Next:  Import with --samples that reach as far" in shown.output
    assert not (tmp_path / "store").exists()


def test_elements_at_the_very_ends_of_a_range_are_inside(network: Path) -> None:
    made = import_network(read_model(network), shapes={"x": (1, 6)})
    (field,) = made.program.fields
    ends = np.ldexp([field.low - 0.5, field.high + 0.49], -field.scale)
    samples = {"x": np.tile(ends, (1, 3))}
    assert outside(made, samples) == []
    assert set(made.quantized(samples)[0].reshape(-1).tolist()) == {field.low, field.high}
    (found,) = outside(
        made, {"x": np.tile(np.ldexp([field.low - 0.6, field.high + 0.5], -field.scale), (1, 3))}
    )
    assert (found.name, found.count, found.size) == ("x", 6, 6)


@pytest.mark.parametrize("labelled", [False, True])
def test_an_output_without_classes_has_no_decisions_and_no_labels(labelled: bool, tmp_path: Path) -> None:
    model = model_of([node("MatMul", "x w")], {"x": (1, 6)}, {"w": np.ones((6, 1), np.float32)})
    (tmp_path / "one.onnx").write_bytes(model.SerializeToString())
    np.savez(tmp_path / "data.npz", x=np.zeros((4, 6), np.float32), label=np.array([0, 1, 0, 1]))
    data = ("--training-data", tmp_path / "data.npz", "--test-data", tmp_path / "data.npz", "--accuracy", 0.5)
    words = data if labelled else ("--decisions",)
    shown = anh("model", "import", tmp_path / "one.onnx", "--store", tmp_path / "store", *words)
    assert shown.exit_code == 1
    assert "'y': an output of shape (1,) has no scores of several classes along its last axis" in shown.output


def test_labelled_data_outside_of_the_range_are_warned_of(network: Path, tmp_path: Path) -> None:
    x, label = np.random.default_rng(10).normal(size=(16, 6)).astype(np.float32), np.arange(16) % 4
    np.savez(tmp_path / "train.npz", x=x, label=label)
    np.savez(tmp_path / "test.npz", x=1000 * x, label=label)
    data = ("--training-data", tmp_path / "train.npz", "--test-data", tmp_path / "test.npz")
    words = ("--input-shape", "x=1x6", "--store", tmp_path / "store", "--accuracy", 0.5)
    (warning,) = warned(anh("model", "import", network, *words, *data))
    assert warning.startswith("warning: 'x': ")
    assert f" in {tmp_path / 'test.npz'}, and become the nearest ones. Import with --samples" in warning


def test_decisions_that_have_to_be_the_exact_ones_are_compared_and_not_warned_of(
    network: Path, tmp_path: Path
) -> None:
    shown = asked_with(network, tmp_path, 0, "--decisions")
    assert rows(shown)[-1] == ["onnxruntime's decisions within 0", "100.00% of 4"]
    assert warned(shown) == []
