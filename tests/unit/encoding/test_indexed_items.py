import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.indexed_items import GROUP_SIZE, LENGTH_SIZE, MOST_OVERHEAD, encode_items, read_items
from anh_rollup.encoding.reader import Reader

ITEMS = st.lists(st.binary(min_size=1, max_size=20) | st.integers(250, 260).map(bytes), max_size=40)
TWO = bytes.fromhex("000000 02 01 aabb cc")


def read(data: bytes, count: int) -> list[bytes]:
    reader = Reader(data, "the items")
    items = read_items(reader, count)
    reader.end()
    return items


def reason_of(data: bytes, count: int) -> EncodingReason:
    with pytest.raises(EncodingError) as caught:
        read(data, count)
    return caught.value.reason


def test_items_have_the_documented_bytes() -> None:
    assert encode_items([]) == b""
    assert encode_items([b"\xaa\xbb", b"\xcc"]) == TWO
    groups = bytes.fromhex("000000" + "01" * 16 + "000010" + "01" + "dd" * 17)
    assert encode_items([b"\xdd"] * 17) == groups


def test_an_item_too_long_for_a_byte_begins_with_its_length() -> None:
    assert encode_items([bytes(255)]) == b"\0\0\0\xff" + bytes(255)
    assert encode_items([bytes(256)]) == b"\0\0\0\0" + b"\0\1\0" + bytes(256)


@given(ITEMS)
def test_items_come_back_within_their_overhead(items: list[bytes]) -> None:
    written = encode_items(items)
    assert read(written, len(items)) == items
    assert len(written) <= sum(map(len, items)) + MOST_OVERHEAD * len(items)


def test_an_item_is_found_with_its_row_alone() -> None:
    items = [bytes([1 + place]) * (1 + place) for place in range(40)]
    written, rows = encode_items(items), 3
    group, place = divmod(37, GROUP_SIZE)
    row = written[group * (LENGTH_SIZE + GROUP_SIZE) :]
    begin = int.from_bytes(row[:LENGTH_SIZE], "big") + sum(row[LENGTH_SIZE : LENGTH_SIZE + place])
    bodies = written[rows * LENGTH_SIZE + len(items) :]
    assert bodies[begin : begin + row[LENGTH_SIZE + place]] == items[37]


def test_items_cut_anywhere_are_refused() -> None:
    long = encode_items([b"one", bytes(256)])
    for data in (TWO, long):
        assert {reason_of(data[:end], 2) for end in range(len(data))} == {EncodingReason.TRUNCATED}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("000001 01 aa", "a group begins at 0, and the index says 1"),
        ("000000 00 0000ff" + "aa" * 255, "a length of 255 stands before the item instead of in the index"),
    ],
)
def test_items_have_no_other_bytes(data: str, message: str) -> None:
    with pytest.raises(EncodingError, match=f"^{message}$") as caught:
        read(bytes.fromhex(data), 1)
    assert caught.value.reason is EncodingReason.NOT_CANONICAL


@pytest.mark.parametrize("items", [[b""], [bytes(1 << 24)], [bytes(1 << 20)] * (GROUP_SIZE + 1)])
def test_items_that_no_field_holds_are_not_written(items: list[bytes]) -> None:
    with pytest.raises(EncodingError) as caught:
        encode_items(items)
    assert caught.value.reason is EncodingReason.OUT_OF_RANGE
