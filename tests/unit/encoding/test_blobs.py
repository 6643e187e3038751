import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.blobs import (
    BLOB_CAPACITY,
    BLOB_SIZE,
    MOST_BLOBS,
    MOST_PAYLOAD,
    pack,
    unpack,
)
from anh_rollup.encoding.errors import EncodingError, EncodingReason

ONE_BLOB = BLOB_CAPACITY - 4


def reason_of(blobs: list[bytes]) -> EncodingReason:
    with pytest.raises(EncodingError) as caught:
        unpack(blobs)
    return caught.value.reason


def test_a_payload_stands_behind_its_length_31_bytes_an_element() -> None:
    (blob,) = pack(b"\xff" * 40)
    assert blob == b"\0\0\0\0\x28" + b"\xff" * 27 + b"\0" + b"\xff" * 13 + bytes(BLOB_SIZE - 46)


@given(st.binary(max_size=200))
def test_a_payload_comes_back(payload: bytes) -> None:
    assert unpack(pack(payload)) == payload


@pytest.mark.parametrize(
    ("size", "blobs"),
    [(0, 1), (ONE_BLOB, 1), (ONE_BLOB + 1, 2), (MOST_PAYLOAD - BLOB_CAPACITY + 1, 6), (MOST_PAYLOAD, 6)],
)
def test_a_payload_takes_as_few_blobs_as_can(size: int, blobs: int) -> None:
    payload = bytes([at % 251 for at in range(1000)]) * (size // 1000 + 1)
    packed = pack(payload[:size])
    assert [len(blob) for blob in packed] == [BLOB_SIZE] * blobs
    assert unpack(packed) == payload[:size]


def test_every_element_is_below_the_field_modulus() -> None:
    for blob in pack(b"\xff" * (ONE_BLOB + 5)):
        assert not any(blob[::32])


def test_a_payload_beyond_six_blobs_is_refused() -> None:
    message = rf"^{MOST_PAYLOAD + 1} bytes do not fit 6 blobs, which carry {MOST_PAYLOAD}$"
    with pytest.raises(EncodingError, match=message):
        pack(bytes(MOST_PAYLOAD + 1))


def test_a_batch_has_a_blob() -> None:
    assert reason_of([]) is EncodingReason.OUT_OF_RANGE


def test_more_blobs_than_one_packs_are_read_all_the_same() -> None:
    assert unpack([*pack(b"abc"), *[bytes(BLOB_SIZE)] * MOST_BLOBS]) == b"abc"


@pytest.mark.parametrize("size", [0, BLOB_SIZE - 1, BLOB_SIZE + 1])
def test_a_blob_of_another_size_is_refused(size: int) -> None:
    assert reason_of([bytes(size)]) is EncodingReason.WRONG_LENGTH


def test_a_length_beyond_the_blobs_is_refused() -> None:
    assert (
        reason_of([b"\0" + (ONE_BLOB + 1).to_bytes(4, "big") + bytes(BLOB_SIZE - 5)])
        is EncodingReason.TRUNCATED
    )
    assert reason_of([b"\0\xff\xff\xff\xff" + bytes(BLOB_SIZE - 5)]) is EncodingReason.TRUNCATED


@pytest.mark.parametrize("at", [0, 32, BLOB_SIZE - 32, BLOB_SIZE - 1, 8])
def test_a_bit_where_packing_writes_zero_is_not_looked_at(at: int) -> None:
    blob = bytearray(pack(b"abc")[0])
    blob[at] = 1
    assert unpack([bytes(blob)]) == b"abc"
