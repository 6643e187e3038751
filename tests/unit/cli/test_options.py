"""How the command line's words become values, and what is said where they cannot."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.cli.options import (
    AddressOptionError,
    AmountOptionError,
    DigestOptionError,
    KeyFileError,
    parse_address,
    parse_digest,
    parse_ether,
    read_account,
)
from anh_rollup.primitives import ETHER

KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
ADDRESS = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


def key_file(folder: Path, content: bytes) -> Path:
    path = folder / "some.key"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("content", [KEY, KEY[2:], f"{KEY}\n", f"  {KEY[2:]}\n\n"])
def test_a_key_file_holds_one_key_with_or_without_0x(content: str, tmp_path: Path) -> None:
    assert read_account(key_file(tmp_path, content.encode())).address == ADDRESS


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it holds 0 words, or no 64 hexadecimal digits"),
        (b"hello", "it holds 1 words, or no 64 hexadecimal digits"),
        (KEY.encode() + b" " + KEY.encode(), "it holds 2 words, or no 64 hexadecimal digits"),
        (KEY[:-1].encode(), "it holds 1 words, or no 64 hexadecimal digits"),
        (b"0" * 64, "the number in it is no key of the curve"),
        (b"f" * 64, "the number in it is no key of the curve"),
        (b"\xff\xfe\x00", "it is no text"),
    ],
)
def test_a_bad_key_file_is_refused_without_showing_what_is_in_it(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    path = key_file(tmp_path, content)

    with pytest.raises(KeyFileError) as refused:
        read_account(path)

    assert refused.value.message == f"the key file {path} cannot be used: {reason}"
    assert refused.value.remedy == "Put one private key into it: 64 hexadecimal digits, with or without 0x."


def test_a_missing_key_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.key"

    with pytest.raises(KeyFileError) as refused:
        read_account(path)

    assert refused.value.reason == "No such file or directory"


def test_a_folder_is_no_key_file(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="Is a directory"):
        read_account(tmp_path)


@given(st.binary(min_size=32, max_size=32), st.booleans())
def test_a_digest_is_read_with_and_without_0x(digest: bytes, prefixed: bool) -> None:
    assert parse_digest(("0x" if prefixed else "") + digest.hex()) == digest


@pytest.mark.parametrize("word", ["", "0x", "0x12", "12" * 33, "zz" * 32, "0x" + "12" * 31 + "1"])
def test_a_word_that_is_no_digest_is_refused(word: str) -> None:
    with pytest.raises(DigestOptionError) as refused:
        parse_digest(word)

    assert refused.value.message == f"{word!r} is no root, hash or id"


def test_a_long_word_is_shortened_in_the_message() -> None:
    with pytest.raises(DigestOptionError) as refused:
        parse_digest("9" * 10_000)

    assert len(refused.value.message) < 120


@pytest.mark.parametrize(
    ("word", "wei"),
    [
        ("1", ETHER),
        ("0.25", ETHER // 4),
        ("0.000000000000000001", 1),
        ("12.5", 12 * ETHER + ETHER // 2),
        ("0", 0),
    ],
)
def test_ether_becomes_wei_exactly(word: str, wei: int) -> None:
    assert parse_ether(word) == wei


@pytest.mark.parametrize("word", ["", "-1", "1e3", "1.", ".5", "1,5", "nan", "0.0000000000000000001"])
def test_what_is_no_amount_is_refused_instead_of_rounded(word: str) -> None:
    with pytest.raises(AmountOptionError) as refused:
        parse_ether(word)

    assert refused.value.remedy == "Give ether as a decimal number, such as 0.25."


@given(st.integers(min_value=0, max_value=10**30 - 1))
def test_any_amount_survives_being_written_and_read(wei: int) -> None:
    assert parse_ether(f"{wei // ETHER}.{wei % ETHER:018d}") == wei


@pytest.mark.parametrize("word", [ADDRESS, ADDRESS[2:], ADDRESS.lower(), "0x" + ADDRESS[2:].upper()])
def test_an_address_gets_its_checksum(word: str) -> None:
    assert parse_address(word) == ADDRESS


@pytest.mark.parametrize("word", ["", "0x12", ADDRESS + "c8", "user"])
def test_a_word_that_is_no_address_is_refused(word: str) -> None:
    with pytest.raises(AddressOptionError):
        parse_address(word)


@pytest.mark.parametrize("place", [i for i, letter in enumerate(ADDRESS) if i > 1 and letter.isalpha()])
def test_an_address_with_a_letter_in_the_wrong_case_is_refused(place: int) -> None:
    wrong = ADDRESS[:place] + ADDRESS[place].swapcase() + ADDRESS[place + 1 :]
    with pytest.raises(AddressOptionError, match="is no address"):
        parse_address(wrong)
