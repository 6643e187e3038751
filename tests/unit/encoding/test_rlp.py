import pytest
import rlp as reference
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.rlp import Item, decode, encode_bytes, encode_list, encode_uint, minimal

ITEMS = st.recursive(st.binary(max_size=70), lambda items: st.lists(items, max_size=5), max_leaves=12).filter(
    lambda item: depth_of(item) <= 4
)


def depth_of(item: Item) -> int:
    return 0 if isinstance(item, bytes) else 1 + max([depth_of(inner) for inner in item], default=0)


def encode(item: Item) -> bytes:
    return encode_bytes(item) if isinstance(item, bytes) else encode_list([encode(inner) for inner in item])


@given(ITEMS)
def test_items_encode_as_the_reference_encodes_them(item: Item) -> None:
    assert encode(item) == reference.encode(item)
    assert decode(encode(item)) == item


@given(
    st.binary(max_size=80)
    | ITEMS.map(encode).flatmap(lambda data: st.just(data[:-1]) | st.just(data + b"\0"))
)
def test_bytes_decode_exactly_where_the_reference_decodes_them(data: bytes) -> None:
    try:
        expected = reference.decode(data, strict=True)
    except reference.exceptions.DecodingError:
        expected = None
    try:
        found = decode(data)
    except EncodingError as error:
        found = None
        if error.reason is EncodingReason.TOO_LARGE:
            return
    assert found == expected


@pytest.mark.parametrize("size", [0, 1, 55, 56, 255, 256, 65535, 65536, 1 << 20])
def test_long_strings_come_back(size: int) -> None:
    data = b"\x81" * size
    assert encode_bytes(data) == reference.encode(data)
    assert decode(encode_bytes(data)) == data


@pytest.mark.parametrize("value", [0, 1, 127, 128, 255, 256, 2**64 - 1, 2**256 - 1])
def test_numbers_take_their_shortest_form(value: int) -> None:
    assert encode_uint(value) == reference.encode(value)
    assert int.from_bytes(minimal(value), "big") == value


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("", EncodingReason.TRUNCATED),
        ("81", EncodingReason.TRUNCATED),
        ("c1", EncodingReason.TRUNCATED),
        ("b8", EncodingReason.TRUNCATED),
        ("bf" + "ff" * 8, EncodingReason.TRUNCATED),
        ("ff" + "ff" * 8, EncodingReason.TRUNCATED),
        ("c281", EncodingReason.TRUNCATED),
        ("c2c281", EncodingReason.TRUNCATED),
        ("0102", EncodingReason.TRAILING),
        ("c0c0", EncodingReason.TRAILING),
        ("8100", EncodingReason.NOT_CANONICAL),
        ("817f", EncodingReason.NOT_CANONICAL),
        ("b801aa", EncodingReason.NOT_CANONICAL),
        ("b837" + "aa" * 55, EncodingReason.NOT_CANONICAL),
        ("b90038" + "aa" * 56, EncodingReason.NOT_CANONICAL),
        ("f800", EncodingReason.NOT_CANONICAL),
        ("c4c3c2c1c0", EncodingReason.TOO_LARGE),
    ],
)
def test_bytes_that_are_not_one_item_are_refused(data: str, reason: EncodingReason) -> None:
    with pytest.raises(EncodingError) as caught:
        decode(bytes.fromhex(data))
    assert caught.value.reason is reason


def test_lists_nested_without_end_do_not_exhaust_the_stack() -> None:
    data = b""
    while len(data) < 100_000:
        data = encode_list([data])
    with pytest.raises(EncodingError, match=r"^RLP lists are nested deeper than 4$"):
        decode(data)
