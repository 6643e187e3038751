"""`anh model`: out of a store into .npz, back in, and what is refused."""

from errno import ENOSPC
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from click.testing import CliRunner, Result

from anh_rollup.cli import main
from anh_rollup.cli.model import ModelFileError, read_model
from anh_rollup.encoding.artifacts import Model
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.storage.artifacts import ArtifactStore
from tests.doubles.serving import serving

PARAMETERS = (
    np.arange(24, dtype=np.int32).reshape(2, 3, 4),
    np.array([-5, 7], dtype=np.int32),
    np.array(9, dtype=np.int32),
)


def anh(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def stored(folder: Path) -> str:
    return "0x" + ArtifactStore(folder).put_model(Model(PARAMETERS)).hex()


def test_a_model_that_was_exported_and_put_back_has_the_same_root(tmp_path: Path) -> None:
    root, file = stored(tmp_path / "one"), tmp_path / "model.npz"

    exported = anh("model", "export", root, file, "--store", tmp_path / "one")
    put = anh("model", "put", file, "--store", tmp_path / "two")

    assert (exported.exit_code, exported.output) == (0, f"3 parameters written to {file}\n")
    assert (put.exit_code, put.output) == (0, f"{root}\n")
    assert ArtifactStore(tmp_path / "two").get_model(bytes.fromhex(root[2:])).root.hex() == root[2:]


def test_a_model_is_shown_with_shapes_and_ranges(tmp_path: Path) -> None:
    shown = anh("model", "show", stored(tmp_path), "--store", tmp_path)

    assert shown.exit_code == 0
    for word in ("2 x 3 x 4", "scalar", "-5", "23"):
        assert word in shown.output


def test_a_model_is_fetched_from_whoever_serves_it(tmp_path: Path) -> None:
    root = stored(tmp_path)
    with serving(tmp_path) as source:
        shown = anh("model", "show", root, "--from", source)

    assert shown.exit_code == 0
    assert shown.output.splitlines()[0] == f"model {root}"
    assert "2 x 3 x 4" in shown.output


def test_a_model_is_exported_from_whoever_serves_it(tmp_path: Path) -> None:
    root, file = stored(tmp_path), tmp_path / "model.npz"
    with serving(tmp_path) as source:
        exported = anh("model", "export", root, file, "--from", source)

    assert (exported.exit_code, exported.output) == (0, f"3 parameters written to {file}\n")
    assert read_model(file).root.hex() == root[2:]


def test_a_model_without_a_place_is_told() -> None:
    shown = anh("model", "show", "11" * 32)

    assert shown.exit_code == 2
    assert shown.output.startswith("Error: nothing says where the artifact is\nNext:  Give --store FOLDER")


def test_an_unknown_model_is_told(tmp_path: Path) -> None:
    shown = anh("model", "show", "11" * 32, "--store", tmp_path)

    assert shown.exit_code == 1
    assert shown.output.startswith(f"Error: there is no model 0x{'11' * 32}")


def test_a_file_that_is_none_of_numpys_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.npz"
    file.write_bytes(b"PK\x03\x04 and then nothing")

    with pytest.raises(ModelFileError) as refused:
        read_model(file)

    assert refused.value.message == f"the file {file} holds no model: it is no .npz file of plain arrays"


@pytest.mark.parametrize("content", [b"", b"hello", b"\x93NUMPY"])
def test_garbage_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "model.npz"
    file.write_bytes(content)

    assert anh("model", "put", file, "--store", tmp_path / "store").exit_code == 1


def test_a_single_array_is_no_model(tmp_path: Path) -> None:
    file = tmp_path / "model.npy"
    np.save(file, PARAMETERS[1])

    with pytest.raises(ModelFileError):
        read_model(file)


def test_arrays_of_other_names_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.npz"
    np.savez(file, weights=PARAMETERS[0])

    with pytest.raises(ModelFileError, match="its arrays are named weights"):
        read_model(file)


@pytest.mark.parametrize("kind", [np.float32, np.int64, np.uint8])
def test_nothing_is_converted_silently(kind: type, tmp_path: Path) -> None:
    file = tmp_path / "model.npz"
    np.savez(file, parameter_00000=np.ones(3, dtype=kind))

    with pytest.raises(EncodingError):
        read_model(file)


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    file = tmp_path / "model.npz"
    np.savez(file, parameter_00000=np.array([{"a": 1}], dtype=object))

    with pytest.raises(ModelFileError):
        read_model(file)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    file = tmp_path / "none.npz"
    put = anh("model", "put", file, "--store", tmp_path / "store")

    assert (put.exit_code, put.output) == (
        1,
        (
            f"Error: the file {file} cannot be read: No such file or directory\n"
            "Next:  Check its name, and that you may read it.\n"
        ),
    )


def test_a_file_that_exists_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "model.npz"
    file.write_bytes(b"somebody's")
    exported = anh("model", "export", stored(tmp_path), file, "--store", tmp_path)

    assert (exported.exit_code, exported.output) == (
        1,
        (
            f"Error: the file {file} cannot be written: File exists\n"
            "Next:  Name a new file, in a folder that exists and that you may write into.\n"
        ),
    )
    assert file.read_bytes() == b"somebody's"


def test_of_a_file_that_could_not_be_finished_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(output: BinaryIO, **_arrays: object) -> None:
        output.write(b"PK")
        raise OSError(ENOSPC, "No space left on device")

    file = tmp_path / "model.npz"
    monkeypatch.setattr(np, "savez", fill)
    exported = anh("model", "export", stored(tmp_path), file, "--store", tmp_path)

    assert exported.output.startswith(f"Error: the file {file} cannot be written: No space left on device\n")
    assert not file.exists()


def test_a_model_cannot_be_written_where_nothing_can_be_written(tmp_path: Path) -> None:
    shown = anh("model", "export", stored(tmp_path), tmp_path / "no" / "model.npz", "--store", tmp_path)

    assert shown.exit_code == 1
    assert "No such file or directory" in shown.output
