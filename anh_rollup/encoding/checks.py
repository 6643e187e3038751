"""Checks where bytes and numbers enter: they make the types of `anh_rollup.primitives`."""

import re
from typing import Final

from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.primitives import DIGEST_SIZE, Digest

INT32_LEAST: Final = -(2**31)
INT32_MOST: Final = 2**31 - 1
INT64_LEAST: Final = -(2**63)
INT64_MOST: Final = 2**63 - 1
UINT8_MOST: Final = 2**8 - 1
UINT16_MOST: Final = 2**16 - 1
UINT24_MOST: Final = 2**24 - 1
UINT32_MOST: Final = 2**32 - 1
UINT64_MOST: Final = 2**64 - 1
UINT256_MOST: Final = 2**256 - 1

HEXADECIMAL: Final = re.compile("[0-9a-fA-F]*")
"""Hexadecimal digits and nothing else: `bytes.fromhex` would pass over spaces, `int` over underscores."""


def digest(data: bytes, *, name: str = "digest") -> Digest:
    """`data` as a digest.

    Raises:
        EncodingError: It is not 32 bytes long (WRONG_LENGTH).
    """
    if len(data) != DIGEST_SIZE:
        message = f"{name} has {len(data)} bytes instead of {DIGEST_SIZE}"
        raise EncodingError(EncodingReason.WRONG_LENGTH, message)
    return Digest(bytes(data))


def in_range(value: int, least: int, most: int, *, name: str) -> int:
    """`value`, where it lies in [least, most].

    Raises:
        EncodingError: It lies outside (OUT_OF_RANGE).
    """
    if not least <= value <= most:
        message = f"{name} is {_short(value)}, outside {_short(least)} to {_short(most)}"
        raise EncodingError(EncodingReason.OUT_OF_RANGE, message)
    return value


def _short(value: int) -> str:
    """`value` in decimal, or its size where a stranger made it longer than a message should be."""
    return str(value) if value.bit_length() <= 256 else f"a number of {value.bit_length()} bits"
