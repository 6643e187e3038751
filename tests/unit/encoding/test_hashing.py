import pytest
from hypothesis import given
from hypothesis import strategies as st
from sha3 import keccak_256

from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.hashing import hash_rows, keccak256


def test_the_hash_of_nothing_is_the_one_that_ethereum_knows() -> None:
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


def test_the_hash_is_keccak_and_not_sha3() -> None:
    # The selector of transfer(address,uint256).
    assert keccak256(b"transfer(address,uint256)")[:4].hex() == "a9059cbb"


@given(st.integers(1, 300), st.integers(0, 9), st.binary(min_size=2700, max_size=2700))
def test_rows_hash_as_each_of_them_alone(row_size: int, rows: int, data: bytes) -> None:
    data = data[: row_size * rows]
    singly = [keccak_256(data[at : at + row_size]).digest() for at in range(0, len(data), row_size)]
    assert hash_rows(data, row_size) == b"".join(singly)
    assert hash_rows(memoryview(data), row_size) == b"".join(singly)


@pytest.mark.parametrize("row_size", [0, -1, 3, 11])
def test_bytes_that_are_no_whole_number_of_rows_are_refused(row_size: int) -> None:
    with pytest.raises(EncodingError) as caught:
        hash_rows(bytes(10), row_size)
    assert caught.value.reason is EncodingReason.WRONG_LENGTH
    assert caught.value.message == f"10 bytes are not a whole number of rows of {row_size} bytes"
    assert caught.value.remedy == "Give exactly the length that docs/encoding.md states."
