"""`anh answers`: shown, exported, fetched from whoever serves them, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from anh_rollup.cli import main
from anh_rollup.cli.answers import UNSCALED, first_answers
from anh_rollup.cli.follow_up import command
from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.storage.npz import read_arrays
from anh_rollup.tensor.program import Kind, Program, Value
from tests.doubles.serving import serving

ANSWERS = (
    np.arange(-6, 18, dtype=np.int32).reshape(2, 3, 4),
    np.array([5, 7], dtype=np.int32),
)


def anh(*words: object) -> Result:
    return CliRunner().invoke(main, ["answers", *map(str, words)])


def stored(folder: Path) -> str:
    return "0x" + ArtifactStore(folder).put_dataset(Dataset(ANSWERS)).hex()


def scaled(folder: Path, scale: int) -> tuple[str, str, str]:
    """A root of answers of a program that is in the store, too, and the words that name it."""
    store = ArtifactStore(folder)
    root = store.put_dataset(Dataset(ANSWERS[:1]))
    program = Program((Value(Kind.FIELD, (3, 4), index=0, scale=scale),))
    return f"0x{root.hex()}", "--architecture", f"0x{store.put_program(program).hex()}"


def rows_of(shown: Result) -> list[list[str]]:
    lines = [line for line in shown.output.splitlines() if line.startswith("│")]
    return [line.strip("│").replace("│", " ").split() for line in lines]


def test_answers_are_shown_with_samples_shapes_and_ranges(tmp_path: Path) -> None:
    root = stored(tmp_path)
    shown = anh("show", root, "--store", tmp_path)

    assert shown.exit_code == 0
    assert shown.output.splitlines()[:3] == [f"answers {root}", "2 samples", UNSCALED]
    assert rows_of(shown) == [["0", "3", "x", "4", "24", "-6", "17"], ["1", "scalar", "2", "5", "7"]]


def test_the_first_answers_are_shown_and_how_all_are_written(tmp_path: Path) -> None:
    root = stored(tmp_path)
    assert anh("show", root, "--store", tmp_path).output.splitlines()[-5:] == [
        "answer 0 to sample 0: -6, -5, -4, -3, -2, -1, 0, 1, ...",
        "answer 0 to sample 1: 6, 7, 8, 9, 10, 11, 12, 13, ...",
        "answer 1 to sample 0: 5",
        "answer 1 to sample 1: 7",
        f"write all into a file with: {command('answers', 'export', root, 'answers.npz')} --store {tmp_path}",
    ]
    with serving(tmp_path) as source:
        shown = anh("show", root, "--from", source)
    assert shown.output.endswith(f" export {root} answers.npz --from {source}\n")


def test_first_answers_are_few() -> None:
    many = np.arange(14, dtype=np.int32).reshape(7, 2)
    assert list(first_answers([many])) == [
        *[f"sample {each}: {2 * each}, {2 * each + 1}" for each in range(5)],
        "and 2 more samples",
    ]
    assert list(first_answers([np.zeros((6, 8))]))[4:] == [
        f"sample 4: {', '.join('0' * 8)}",
        "and 1 more sample",
    ]


@pytest.mark.parametrize(
    ("scale", "first"), [(0, "12345678, -1"), (1, "6.17284e+06, -0.5"), (-1, "2.46914e+07, -2")]
)
def test_whole_answers_are_shown_whole(scale: int, first: str, tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    root = store.put_dataset(Dataset([np.array([[12_345_678, -1]], np.int32)]))
    program = store.put_program(Program((Value(Kind.FIELD, (2,), index=0, scale=scale),)))
    words = ("--architecture", f"0x{program.hex()}")
    told = anh("show", f"0x{root.hex()}", *words, "--store", tmp_path).output.splitlines()
    assert told[-2] == f"sample 0: {first}"
    assert told[-1].endswith(f" export 0x{root.hex()} answers.npz --store {tmp_path} {' '.join(words)}")


@pytest.mark.parametrize(
    ("scale", "units", "least", "greatest"),
    [
        (16, "in the output's own units, integers / 2^16 of the claim", "-9.15527e-05", "0.000259399"),
        (1, "in the output's own units, integers / 2^1 of the claim", "-3", "8.5"),
        (0, "in the output's own units, integers of the claim", "-6", "17"),
    ],
)
def test_answers_of_a_known_program_are_shown_in_its_outputs_units(
    scale: int, units: str, least: str, greatest: str, tmp_path: Path
) -> None:
    shown = anh("show", *scaled(tmp_path, scale), "--store", tmp_path)
    assert shown.exit_code == 0, shown.output
    assert shown.output.splitlines()[1:3] == ["2 samples", units]
    assert rows_of(shown) == [["0", "3", "x", "4", "24", least, greatest]]


def test_answers_of_a_known_program_are_exported_in_its_outputs_units(tmp_path: Path) -> None:
    file = tmp_path / "answers.npz"
    root, *words = scaled(tmp_path, 16)
    with serving(tmp_path) as source:
        assert anh("export", root, file, *words, "--from", source).exit_code == 0
    (array,) = read_arrays(file).values()
    assert array.dtype == np.float64
    assert np.array_equal(array, ANSWERS[0] / 65_536)


@pytest.mark.parametrize("words", [("show",), ("export", "out.npz")])
def test_answers_of_another_program_are_told(words: tuple[str, ...], tmp_path: Path) -> None:
    _, *named = scaled(tmp_path, 16)
    shown = anh(words[0], stored(tmp_path), *words[1:], *named, "--store", tmp_path)
    assert shown.exit_code == 1
    assert shown.output == (
        "Error: the answers to a sample have the shapes [(3, 4), ()], the program's output has (3, 4)\n"
        "Next:  Give --architecture the program that the job names.\n"
    )


def test_answers_are_exported_as_they_are(tmp_path: Path) -> None:
    root, file = stored(tmp_path), tmp_path / "answers.npz"
    exported = anh("export", root, file, "--store", tmp_path)

    assert (exported.exit_code, exported.output) == (0, f"answers to 2 samples written to {file}\n")
    arrays = read_arrays(file)
    assert list(arrays) == ["answer_000", "answer_001"]
    assert "0x" + Dataset(list(arrays.values())).root.hex() == root


def test_answers_are_fetched_from_whoever_serves_them_and_kept_in_the_store(tmp_path: Path) -> None:
    root, file, kept = stored(tmp_path), tmp_path / "answers.npz", tmp_path / "kept"
    with serving(tmp_path) as source:
        assert anh("show", root, "--from", source).exit_code == 0
        assert anh("export", root, file, "--from", source, "--store", kept).exit_code == 0
    assert "0x" + Dataset(list(read_arrays(file).values())).root.hex() == root
    assert "0x" + ArtifactStore(kept).get_dataset(bytes.fromhex(root[2:])).root.hex() == root


def test_answers_without_a_place_are_told() -> None:
    shown = anh("show", "11" * 32)
    assert shown.exit_code == 2
    assert shown.output.startswith("Error: nothing says where the artifact is\nNext:  Give --store FOLDER")


@pytest.mark.parametrize("words", [("show",), ("export",)])
def test_unknown_answers_are_told(words: tuple[str, ...], tmp_path: Path) -> None:
    file = ["out.npz"] if words == ("export",) else []
    shown = anh(*words, "11" * 32, *file, "--store", tmp_path)
    assert shown.exit_code == 1
    assert shown.output.startswith(f"Error: there is no dataset 0x{'11' * 32}")


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    file = tmp_path / "no" / "answers.npz"
    shown = anh("export", stored(tmp_path), file, "--store", tmp_path)
    assert shown.exit_code == 1
    assert shown.output.startswith(f"Error: the file {file} cannot be written: No such file or directory\n")
