"""Files that a person hands over may be anything: arrays, deployment files, keys."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given

from anh_rollup.cli.options import KeyFileError, read_account
from anh_rollup.encoding.artifacts import Model
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.errors import AnhError
from anh_rollup.l1.deployment import DeploymentFileError, read_deployment, write_deployment
from anh_rollup.storage.npz import ArrayFileError, read_arrays
from tests.unit.fuzz.decoders import DEPLOYMENT
from tests.unit.fuzz.mangling import attempt, bent

# --- arrays ---


def npz_of(folder: Path, header: bytes, body: bytes = b"\0" * 400, method: int = zipfile.ZIP_STORED) -> Path:
    path = folder / "arrays.npz"
    head = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("parameter_00000.npy", head + body)
    return path


PLAIN = "{'descr': '<i4', 'fortran_order': False, 'shape': %s, }"


@pytest.mark.parametrize(
    "header",
    [
        *[
            PLAIN % shape
            for shape in ("(10,)", "(10**9,)", "(1000000000000,)", "(-1,)", "(True,)", "[100]", "()")
        ],
        *[PLAIN % f"({'1, ' * 70}100)", "-" * 9_000 + "1", "(" * 9_000, "{'descr':", "'''", "\0", ""],
        "{'descr': '|O', 'fortran_order': False, 'shape': (50,), }",
        "{'descr': '<i3', 'fortran_order': False, 'shape': (100,), }",
        "{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (100,), }",
        "{'descr': '<i4', 'fortran_order': __import__('os'), 'shape': (100,), }",
    ],
)
def test_a_header_is_never_evaluated_nor_believed(header: str, tmp_path: Path) -> None:
    with pytest.raises(ArrayFileError):
        read_arrays(npz_of(tmp_path, header.encode()))


def test_arrays_that_unpack_to_more_than_allowed_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "arrays.npz"
    np.savez_compressed(path, parameter_00000=np.zeros(1 << 20, np.int32))
    assert path.stat().st_size < 1 << 14
    with pytest.raises(ArrayFileError, match="more than 1048576 bytes"):
        read_arrays(path, 1 << 20)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["<i4", ">i4", "<f8", "|b1", "<u8"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3, 4)])
def test_arrays_come_back_in_their_type_and_order(
    order: Any, kind: str, shape: tuple[int, ...], tmp_path: Path
) -> None:
    path = tmp_path / "arrays.npz"
    given_array = np.asarray(np.arange(int(np.prod(shape))).reshape(shape).astype(kind), order=order)
    np.savez(path, x=given_array)
    found = read_arrays(path)["x"]
    assert (found.dtype, found.shape) == (given_array.dtype, shape)
    assert np.array_equal(found, given_array)


def test_a_file_of_one_array_is_called_so(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros(3))
    with pytest.raises(ArrayFileError) as caught:
        read_arrays(tmp_path / "x.npy")
    assert caught.value.reason == "it is an .npy file, of one array without a name"
    assert caught.value.remedy == "Save it with a name: numpy.savez('file.npz', name=array)."


@pytest.mark.parametrize(
    ("elements", "kind"),
    [
        (np.array(["a", "bc"]), "text"),
        (np.array([b"a", b"bc"]), "text"),
        (np.array([{}, None]), "Python objects"),
        (np.array(["2020-01-01"], "M8[D]"), "dates"),
        (np.array([3], "m8[s]"), "durations"),
        (np.zeros(2, [("a", "<i4")]), "records"),
    ],
)
def test_elements_that_are_no_numbers_are_named(elements: Any, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "arrays.npz"
    np.savez(path, good=np.zeros(2), names=elements)
    with pytest.raises(ArrayFileError) as caught:
        read_arrays(path)
    assert caught.value.reason == f"its array 'names' holds {kind}, not numbers"


# --- deployment and key files ---


def test_a_deployment_file_of_another_form_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deployment.json"
    write_deployment(DEPLOYMENT, path)

    @given(bent(orjson.loads(path.read_bytes())))
    def check(content: Any) -> None:
        path.write_bytes(orjson.dumps(content))
        found, refusal = attempt(lambda: read_deployment(path), DeploymentFileError)
        assert refusal is not None or len(found.block_hash) == 32

    check()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("l1ChainId",), -1),
        (("l1ChainId",), 1.5),
        (("l1ChainId",), True),
        (("l2ChainId",), str(2**64)),
        (("block",), "9" * 100),
        (("blockHash",), "0x12"),
        (("rules", "window"), str(2**64)),
        (("rules", "claim_bond"), str(2**256)),
        (("rules", "window"), "nan"),
        (("sequencer",), 5),
    ],
)
def test_a_member_out_of_bounds_is_refused(place: tuple[str, ...], value: object, tmp_path: Path) -> None:
    path = tmp_path / "deployment.json"
    write_deployment(DEPLOYMENT, path)
    content = orjson.loads(path.read_bytes())
    (content[place[0]] if len(place) == 2 else content)[place[-1]] = value
    path.write_bytes(orjson.dumps(content))
    with pytest.raises(DeploymentFileError):
        read_deployment(path)


ENDLESS = Path("/dev/zero")


@pytest.mark.parametrize(
    ("read", "refusal"), [(read_deployment, DeploymentFileError), (read_account, KeyFileError)]
)
@pytest.mark.parametrize("path", [ENDLESS, Path("a\0b"), Path("x" * 5_000), Path("/"), Path("/proc/1/mem")])
def test_what_is_no_file_of_ours_is_refused(
    read: Callable[[Path], Any], refusal: type[AnhError], path: Path
) -> None:
    with pytest.raises(refusal):
        read(path)


def test_a_deployment_that_cannot_be_written_is_told() -> None:
    with pytest.raises(DeploymentFileError):
        write_deployment(DEPLOYMENT, Path("/proc/nothing/deployment.json"))


def test_a_model_of_other_numbers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    for array in (
        np.array([np.nan]),
        np.zeros(3, np.uint64),
        np.zeros(0, np.int32),
        np.zeros((1,) * 9, np.int32),
    ):
        np.savez(path, parameter_00000=array)
        with pytest.raises(EncodingError):
            Model(list(read_arrays(path).values()))
