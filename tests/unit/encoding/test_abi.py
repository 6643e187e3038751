import pytest
from eth_abi.exceptions import DecodingError
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.abi import decode, encode


@given(data=st.binary(max_size=200))
def test_any_bytes_of_a_text_survive_decoding_and_encoding(data: bytes) -> None:
    encoded = encode(["bytes"], [data])
    assert encode(["string"], decode(["string"], encoded)) == encoded


@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=100))
def test_a_text_encodes_as_its_utf_8(text: str) -> None:
    assert encode(["string"], [text]) == encode(["bytes"], [text.encode()])


def test_a_text_inside_a_struct_survives_too() -> None:
    encoded = encode(["(uint8,bytes)[]"], [[(7, b"\xff\xfe")]])
    assert encode(["(uint8,string)[]"], decode(["(uint8,string)[]"], encoded)) == encoded


def test_what_is_no_encoding_is_refused() -> None:
    with pytest.raises(DecodingError):
        decode(["string"], b"\x00")
