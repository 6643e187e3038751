import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sha3 import keccak_256

from anh_rollup.encoding import hashing
from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.hashing import COUNTED, MANY, WORTH, Bulk, hash_numbers, hash_rows, keccak256


@pytest.fixture(scope="module", params=["compiled", "one by one"], autouse=True)
def bulk(request: pytest.FixtureRequest) -> Bulk:
    """With compiled code, and without."""
    return Bulk(WORTH if request.param == "compiled" else -(10**9))


@pytest.fixture(autouse=True)
def _hashing(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "_bulk", bulk)


def singly(data: bytes, row_size: int) -> bytes:
    return b"".join([keccak_256(data[at : at + row_size]).digest() for at in range(0, len(data), row_size)])


def test_the_hash_of_nothing_is_the_one_that_ethereum_knows() -> None:
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


def test_the_hash_is_keccak_and_not_sha3() -> None:
    # The selector of transfer(address,uint256).
    assert keccak256(b"transfer(address,uint256)")[:4].hex() == "a9059cbb"


@given(row_size=st.integers(1, 300), rows=st.integers(0, 60), seed=st.integers(0, 99))
def test_rows_hash_as_each_of_them_alone(row_size: int, rows: int, seed: int) -> None:
    data = np.random.default_rng(seed).bytes(row_size * rows)
    assert hash_rows(data, row_size) == singly(data, row_size)
    assert hash_rows(memoryview(data), row_size) == singly(data, row_size)
    assert hash_rows(bytearray(data), row_size) == singly(data, row_size)


@given(rows=st.integers(0, 60), width=st.integers(1, 70), seed=st.integers(0, 99), transposed=st.booleans())
def test_numbers_hash_as_their_four_bytes_do(rows: int, width: int, seed: int, transposed: bool) -> None:
    shape = (width, rows) if transposed else (rows, width)
    numbers = np.random.default_rng(seed).integers(-(2**31), 2**31, shape).astype(np.int32)
    numbers = numbers.T if transposed else numbers
    assert hash_numbers(numbers) == singly(numbers.astype(">i4").tobytes(), 4 * width)


@pytest.mark.parametrize("row_size", [0, -1, 3, 11])
def test_bytes_that_are_no_whole_number_of_rows_are_refused(row_size: int) -> None:
    with pytest.raises(EncodingError) as caught:
        hash_rows(bytes(10), row_size)
    assert caught.value.reason is EncodingReason.WRONG_LENGTH
    assert caught.value.message == f"10 bytes are not a whole number of rows of {row_size} bytes"
    assert caught.value.remedy == "Give exactly the length that docs/encoding.md states."


def test_code_is_used_once_so_many_rows_were_hashed_that_it_would_have_paid() -> None:
    new, rows = Bulk(), memoryview(bytes(COUNTED))
    used = [new.hash_rows(rows, 1, turned=False) != b"" for _ in range(WORTH // COUNTED + 1)]
    assert used == [False] * (WORTH // COUNTED - 1) + [True] * 2


def test_few_rows_never_count() -> None:
    new = Bulk()
    assert new.hash_rows(memoryview(bytes(COUNTED - 1)), 1, turned=False) == b""
    assert new.rows == 0


def test_what_is_expected_is_compiled_for_before_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = list[int]()
    compiled = SimpleNamespace(hash_rows=lambda data, size, turned: calls.append(len(data) // size) or b"")
    monkeypatch.setattr(hashing, "import_module", lambda _name: compiled)
    new = Bulk()
    for rows, compiles in ((WORTH - 1, False), (WORTH, True), (WORTH, False)):
        calls.clear()
        new.expect(rows)
        assert bool(calls) == compiles


def test_few_rows_are_not_worth_a_call() -> None:
    new = Bulk(WORTH)
    assert new.hash_rows(memoryview(bytes(1000 * (MANY - 1))), 1000, turned=False) == b""
    assert len(new.hash_rows(memoryview(bytes(1000 * MANY)), 1000, turned=False)) == 32 * (MANY - 1)


def test_hashing_loads_no_compiler_before_that() -> None:
    probe = "from anh_rollup.encoding.hashing import hash_rows; import sys; hash_rows(bytes(1 << 20), 128)"
    command = [sys.executable, "-c", f"{probe}; print('llvmlite' in sys.modules)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
