import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.reader import Reader
from anh_rollup.encoding.rlp import minimal
from anh_rollup.encoding.short_numbers import encode_number, read_number, short_number

MOST = 2**256 - 1
ROUND = st.builds(lambda digits, zeros: digits * 10**zeros, st.integers(0, 2**40), st.integers(0, 40))
NUMBERS = st.integers(0, MOST) | st.integers(0, 300) | ROUND


def read(data: bytes) -> int:
    reader = Reader(data, "the number")
    value = read_number(reader)
    reader.end()
    return value


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "00"),
        (63, "3f"),
        (64, "40 40"),
        (100, "40 64"),
        (300, "81 03"),
        (21_000, "82 15"),
        (31_500, "41 7b0c"),
        (10**18, "91 01"),
        (123_450_000, "a3 3039"),
        (4_294_967_295 * 10**32, "ff ffffffff"),
        (10**33, "4d 314dc6448d9338c15b0a00000000"),
        (4_294_967_296 * 10, "44 0a00000000"),
        (MOST, "5f" + "ff" * 32),
    ],
)
def test_a_number_has_the_documented_bytes(value: int, written: str) -> None:
    assert short_number(value) == bytes.fromhex(written)
    assert read(bytes.fromhex(written)) == value


@given(NUMBERS)
def test_a_number_comes_back_and_is_never_longer_than_plain(value: int) -> None:
    written = encode_number(value, {})
    assert read(written) == value
    assert len(written) <= 1 + len(minimal(value))


def test_a_number_of_the_table_is_its_place() -> None:
    table = list(range(10_000, 18_192))
    places = {value: place for place, value in enumerate(table)}
    assert [encode_number(value, places) for value in (10_000, 10_258, 18_191)] == [
        b"\x60\x00",
        b"\x61\x02",
        b"\x7f\xff",
    ]
    assert [read(data) for data in (b"\x60\x00", b"\x61\x02", b"\x7f\xff")] == [~0, ~258, ~8_191]


@given(NUMBERS.map(short_number).filter(lambda written: len(written) > 1))
def test_a_number_that_is_cut_off_is_refused(written: bytes) -> None:
    for end in range(len(written)):
        with pytest.raises(EncodingError) as caught:
            read(written[:end])
        assert caught.value.reason is EncodingReason.TRUNCATED
