"""`anh model import`: what it prints and stores, and what it refuses."""

import logging
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from anh_rollup.cli import main
from anh_rollup.cli.dispute_words import show_dispute
from anh_rollup.cli.model_import import ShapeOptionError, parse_shapes
from anh_rollup.encoding.artifacts import Model
from anh_rollup.evaluation.dispute_cost import dispute_cost
from anh_rollup.evaluation.workload import multiply_adds
from anh_rollup.importing.comparison import Comparison, compare
from anh_rollup.importing.layers import layers_of
from anh_rollup.importing.network import Network, import_network
from anh_rollup.importing.onnx_file import read_model
from anh_rollup.importing.report import report_of
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.tensor.properties import closeness
from tests.unit.cli.imports import UNSHOWN, anh, rows, warned, write_network
from tests.unit.importing.graphs import model_of, node


@pytest.fixture
def network(tmp_path: Path) -> Path:
    return write_network(tmp_path)


def test_a_network_is_stored_and_compared(network: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(10).normal(size=(16, 6)).astype(np.float32)
    samples, store = tmp_path / "samples.npz", tmp_path / "store"
    np.savez(samples, x=x)

    shown = anh(
        "model",
        "import",
        network,
        "--samples",
        samples,
        "--input-shape",
        "x=1x6",
        "--store",
        store,
        "--layers",
    )

    assert shown.exit_code == 0, shown.output
    model = read_model(network)
    made = import_network(model, shapes={"x": (1, 6)}, samples={"x": x[:12]})
    assert shown.stdout.splitlines()[:2] == [
        f"program 0x{made.program.root.hex()}",
        f"model   0x{made.model.root.hex()}",
    ]
    stored = ArtifactStore(store)
    assert stored.get_program(made.program.root) == made.program
    assert stored.get_model(made.model.root).root == made.model.root
    found = rows(shown)
    report, values = report_rows(made), layer_rows(made)
    assert found[: len(report)] == report
    assert found[len(report) : len(report) + len(values)] == values
    *errors, exact, other = found[len(report) + len(values) :]
    assert errors == comparison_rows(compare(model, made, {"x": x[12:]}))
    assert [exact[0], other[0]] == ["exact evaluation of a sample", "onnxruntime"]
    assert all(re.fullmatch(r"\d+\.\d\d ms", each[1]) for each in (exact, other))


def report_rows(made: Network) -> list[list[str]]:
    field, report = made.program.fields[0], report_of(made)
    low, high = (each * 2.0**-field.scale for each in (field.low, field.high))
    return [
        ["input", f"x (6,) in [{low:.6g}, {high:.6g}]"],
        ["output", f"(4,), {made.program.output.scale} fraction bits"],
        ["answers", "the output"],
        ["setting", "precise"],
        ["instructions", "1 MATMUL, 1 TABLE"],
        ["parameters", "24"],
        ["elements of constants", f"{report.constants:,}"],
        ["multiply-adds of a sample", f"{multiply_adds(made.program, 1):,}"],
        ["disputable on L1", "yes"],
        ["a dispute, at most", show_dispute(dispute_cost(closeness(made.program, 0)))],
    ]


def layer_rows(made: Network) -> list[list[str]]:
    wanted = [("", "FIELD", "6"), ("the h", "MATMUL", "4"), ("the y", "FUNCTION", "4")]
    return [
        [
            *words, f"{each.low:.4g}", f"{each.high:.4g}", str(each.scale), str(each.bits),
            "" if each.table_error is None else f"{each.table_error:.1e}",
        ]
        for words, each in zip(wanted, layers_of(made), strict=True)
    ]  # fmt: skip


def comparison_rows(found: Comparison) -> list[list[str]]:
    return [
        ["samples held back", "4"],
        ["largest error of the output's range", f"{found.largest_error:.2e}"],
        ["mean error of the output's range", f"{found.mean_error:.2e}"],
        ["largest error in the output's own units", f"{found.largest_off:.6g}"],
        ["largest error without number formats", f"{found.largest_lowering_error:.2e}"],
        ["largest error by number formats alone", f"{found.largest_format_error:.2e}"],
        ["same largest output", f"{found.agreement:.2%} of {found.decisions:,}"],
        ["decided score below the largest, at most", f"{found.largest_below:.6g}"],
        ["saturated elements", f"{found.saturated:,}"],
    ]


def test_other_commands_need_no_network_libraries(tmp_path: Path) -> None:
    np.savez(tmp_path / "model.npz", parameter_00000=np.arange(3, dtype=np.int32))
    root = Model([np.arange(3, dtype=np.int32)]).root.hex()
    probe = f"""
import sys
from anh_rollup.cli import main
for words in (["put", "model.npz"], ["show", "0x{root}"], ["export", "0x{root}", "out.npz"]):
    main(["model", *words, "--store", "store"], standalone_mode=False)
main(["model", "import", "--help"], standalone_mode=False)
print([name for name in ("torch", "onnx", "onnxruntime") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "[]"


def test_layers_are_not_cut_where_no_terminal_shows_them(tmp_path: Path) -> None:
    name, weights = "a" * 50, {"w": np.eye(6, dtype=np.float32)}
    model = model_of([node("MatMul", "x w", name), node("Tanh", name)], {"x": (1, 6)}, weights)
    (tmp_path / "network.onnx").write_bytes(model.SerializeToString())
    words = ["model", "import", str(tmp_path / "network.onnx"), "--store", str(tmp_path), "--layers"]
    shown = CliRunner(env={"COLUMNS": "80"}).invoke(main, words)
    assert shown.exit_code == 0, shown.output
    assert [f"the {name}", "MATMUL", "6"] in [cells[:3] for cells in rows(shown)]


@pytest.mark.parametrize(
    ("command", "default"), [("import", "precise, with training data trainable"), ("report", "precise")]
)
def test_the_default_setting_is_that_of_the_command(command: str, default: str) -> None:
    assert f"How many bits weights and tables get; default {default}." in " ".join(
        anh("model", command, "--help").output.split()
    )


def test_without_samples_nothing_is_compared(network: Path, tmp_path: Path) -> None:
    shown = anh("model", "import", network, "--input-shape", "x=1x6", "--store", tmp_path / "store")
    assert shown.exit_code == 0, shown.output
    assert "beside onnxruntime" not in shown.output
    assert warned(shown) == [UNSHOWN]


def test_a_shape_that_is_not_fixed_is_asked_for(network: Path, tmp_path: Path) -> None:
    shown = anh("model", "import", network, "--store", tmp_path / "store")
    assert shown.exit_code == 1
    assert "'x': the network leaves open the size of dimension 1" in shown.output
    assert "Next:  Give --samples, or --input-shape x=1xM with a number for M." in shown.output


def test_samples_show_a_shape_that_is_not_fixed(network: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "samples.npz", x=np.zeros((8, 6), np.float32))
    words = ["model", "import", network, "--samples", tmp_path / "samples.npz", "--store", tmp_path / "store"]
    shown = anh(*words)
    assert shown.exit_code == 0, shown.output
    assert rows(shown)[0][1].startswith("x (6,)")


def test_a_shape_of_no_input_is_refused(network: Path, tmp_path: Path) -> None:
    shown = anh("model", "import", network, "--input-shape", "image=1x6", "--store", tmp_path / "store")
    assert shown.exit_code == 1
    assert "'image': no input of this name; there are x" in shown.output
    assert "Name one of these with --input-shape." in shown.output


def test_shapes_are_read() -> None:
    assert parse_shapes(["a=1x3", "b:0=7"]) == {"a": (1, 3), "b:0": (7,)}


@pytest.mark.parametrize("word", ["x", "x=", "=1x2", "x=1x", "x=0x2", "x=1x-2", "x=1x2x3x4x5x6x7x8x9"])
def test_words_that_are_no_shapes_are_refused(word: str) -> None:
    with pytest.raises(ShapeOptionError) as caught:
        parse_shapes([word])
    assert caught.value.word == word


MODULE = """
import torch

class Twice(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = torch.nn.Parameter(torch.tensor([1.0, 2.0, 3.0]))

    def forward(self, image, shift=0.0):
        return torch.relu(image * self.factor + shift)

def twice():
    return Twice()

def three():
    return 3

def scaled(factor):
    return Twice()

def boom():
    raise ValueError("no weights\\x1b[31m here")

def silent():
    raise RuntimeError

def lazy():
    import weights_of_mine
"""

#: What a function that raises should do instead.
MENDED = "Mend it, and try it in Python first: the function takes no argument and gives a torch.nn.Module."


def test_a_torch_module_that_a_function_makes_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "networks_of_mine.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    shown = anh("model", "import", "networks_of_mine:twice", "--input-shape", "image=1x3", "--store", "store")
    assert shown.exit_code == 0, shown.output
    assert ["input", "image (3,) in [-8, 8]"] in rows(shown)
    assert shown.stdout.startswith("program 0x")


def test_what_an_exporter_says_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "networks_of_mine.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.INFO)
    words = ["model", "import", "networks_of_mine:twice", "--input-shape", "image=1x3", "--store", "store"]
    assert anh(*words).exit_code == 0
    assert [each.getMessage() for each in caplog.records] == []


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("networks_of_mine:three", "it gives a int"),
        ("networks_of_mine:four", "module 'networks_of_mine' has no attribute 'four'"),
        (
            "no_networks.deep:one",
            (
                "'no_networks.deep:one': No module named 'no_networks'; modules are looked for in the "
                "current folder, too\n"
                "Next:  Name package.module:function, and run this where the package's folder is."
            ),
        ),
        (
            "networks_of_mine:scaled",
            (
                "'networks_of_mine:scaled': the function raises TypeError: scaled() missing 1 required "
                f"positional argument: 'factor'\nNext:  {MENDED}"
            ),
        ),
        (
            "networks_of_mine:boom",
            (
                "'networks_of_mine:boom': the function raises ValueError: no weights\\x1b[31m here\n"
                f"Next:  {MENDED}"
            ),
        ),
        ("networks_of_mine:silent", f"the function raises RuntimeError\nNext:  {MENDED}"),
        (
            "networks_of_mine:lazy",
            f"the function raises ModuleNotFoundError: No module named 'weights_of_mine'\nNext:  {MENDED}",
        ),
        (
            "broken_ones:one",
            f"importing its module raises ZeroDivisionError: division by zero\nNext:  {MENDED}",
        ),
        ("networks_of_mine:twice", "'image': neither samples nor a shape; there are some of nothing"),
    ],
)
def test_what_makes_no_module_is_refused(
    word: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "networks_of_mine.py").write_text(MODULE)
    (tmp_path / "broken_ones.py").write_text("1 / 0")
    monkeypatch.chdir(tmp_path)
    shown = anh("model", "import", word, "--store", "store")
    assert shown.exit_code == 1
    assert reason in shown.output


def test_samples_under_other_names_than_a_modules_arguments_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "networks_of_mine.py").write_text(MODULE)
    np.savez(tmp_path / "samples.npz", picture=np.zeros((8, 3)), other=np.zeros((8, 3)))
    monkeypatch.chdir(tmp_path)
    words = ["model", "import", "networks_of_mine:twice", "--samples", "samples.npz", "--store", "store"]
    shown = anh(*words)
    assert shown.exit_code == 1
    assert "'image': neither samples nor a shape; there are some of picture, other" in shown.output


def test_a_page_is_a_new_file(network: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "samples.npz", x=np.random.default_rng(11).normal(size=(8, 6)))
    page = tmp_path / "page.html"
    words = ["model", "report", network, "--samples", tmp_path / "samples.npz", "--input-shape", "x=1x6"]
    assert anh(*words, "--page", page).exit_code == 0
    first = page.read_bytes()
    assert first.startswith(b"<!doctype html>")
    again = anh(*words, "--page", page)
    assert (again.exit_code, page.read_bytes()) == (1, first)
    assert "cannot be written: File exists" in again.output
