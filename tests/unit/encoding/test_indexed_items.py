import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.indexed_items import (
    GROUP_SIZE,
    LENGTH_SIZE,
    MOST_ITEM,
    MOST_OVERHEAD,
    encode_items,
    read_items,
)
from anh_rollup.encoding.reader import Reader

ITEMS = st.lists(st.binary(min_size=1, max_size=20) | st.integers(250, 260).map(bytes), max_size=40)
TWO = bytes.fromhex("000000 02 01 aabb cc")


def read(data: bytes, count: int, size: int) -> list[bytes]:
    reader = Reader(data, "the items")
    items = read_items(reader, count, size)
    reader.end()
    return items


def reason_of(data: bytes, count: int, size: int) -> EncodingReason:
    with pytest.raises(EncodingError) as caught:
        read(data, count, size)
    return caught.value.reason


def test_items_have_the_documented_bytes() -> None:
    assert encode_items([]) == (b"", b"")
    assert b"".join(encode_items([b"\xaa\xbb", b"\xcc"])) == TWO
    index = bytes.fromhex("000000" + "01" * 16 + "000010" + "01")
    assert encode_items([b"\xdd"] * 17) == (index, b"\xdd" * 17)


def test_an_item_too_long_for_a_byte_begins_with_its_length() -> None:
    assert encode_items([bytes(255)]) == (b"\0\0\0\xff", bytes(255))
    assert encode_items([bytes(256)]) == (b"\0\0\0\0", b"\0\1\0" + bytes(256))


def test_a_length_may_stand_before_an_item_that_it_fits_a_byte_of() -> None:
    assert read(b"\0\0\0\0" + b"\0\0\2" + b"ab", 1, 5) == [b"ab"]


@given(ITEMS)
def test_items_come_back_within_their_overhead(items: list[bytes]) -> None:
    index, bodies = encode_items(items)
    assert read(index + bodies, len(items), len(bodies)) == items
    assert len(index + bodies) <= sum(map(len, items)) + MOST_OVERHEAD * len(items)


def test_an_item_is_found_with_its_row_alone() -> None:
    items = [bytes([1 + place]) * (1 + place) for place in range(40)]
    index, bodies = encode_items(items)
    group, place = divmod(37, GROUP_SIZE)
    row = index[group * (LENGTH_SIZE + GROUP_SIZE) :]
    begin = int.from_bytes(row[:LENGTH_SIZE], "big") + sum(row[LENGTH_SIZE : LENGTH_SIZE + place])
    assert bodies[begin : begin + row[LENGTH_SIZE + place]] == items[37]


def test_items_cut_anywhere_are_refused() -> None:
    index, long = encode_items([b"one", bytes(256)])
    for data, size in ((TWO, 3), (index + long, len(long))):
        assert {reason_of(data[:end], 2, size) for end in range(len(data))} == {EncodingReason.TRUNCATED}


def test_a_group_begins_where_the_index_says() -> None:
    with pytest.raises(EncodingError, match=r"^a group begins at 0, and the index says 1$") as caught:
        read(bytes.fromhex("000001 01 aa"), 1, 1)
    assert caught.value.reason is EncodingReason.NOT_CANONICAL


@pytest.mark.parametrize(
    ("data", "size", "reason"),
    [
        ("000000 01 aabb", 2, EncodingReason.TRAILING),
        ("000000 02 aabb", 1, EncodingReason.TRUNCATED),
        ("000000 00 000000", 3, EncodingReason.OUT_OF_RANGE),
        ("000000 00 010021", 3, EncodingReason.OUT_OF_RANGE),
        ("000000 00 010020", 3, EncodingReason.TRUNCATED),
    ],
)
def test_items_take_exactly_their_bytes(data: str, size: int, reason: EncodingReason) -> None:
    assert reason_of(bytes.fromhex(data), 1, size) is reason


def test_the_longest_item_comes_back() -> None:
    index, body = encode_items([bytes(MOST_ITEM)])
    assert read(index + body, 1, len(body)) == [bytes(MOST_ITEM)]


@pytest.mark.parametrize("items", [[b""], [bytes(MOST_ITEM + 1)], [bytes(1 << 18)] * 64])
def test_items_that_no_field_holds_are_not_written(items: list[bytes]) -> None:
    with pytest.raises(EncodingError) as caught:
        encode_items(items)
    assert caught.value.reason is EncodingReason.OUT_OF_RANGE
