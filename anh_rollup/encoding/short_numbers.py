"""Numbers of up to 256 bits in few bytes: as batches hold addresses, fees, amounts and arguments of calls.

The first byte says how a number goes on. docs/encoding.md has the table.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from anh_rollup.encoding.reader import Reader
from anh_rollup.encoding.rlp import minimal

REFERENCE_SIZE: Final = 2
"""Bytes of a number that stands in a table."""

MOST_REFERENCES: Final = 1 << 13
"""Numbers of a table that can be referred to: 13 bits."""

_PLAIN, _REFERENCE, _DECIMAL = 0x40, 0x60, 0x80
_MOST_EXPONENT: Final = 32
_MOST_MANTISSA: Final = 4
_POWERS: Final = [int(10**exponent) for exponent in range(1, _MOST_EXPONENT + 1)]


def encode_number(value: int, places: Mapping[int, int]) -> bytes:
    """The bytes of a number.

    Args:
        value: 0 to 2**256 - 1.
        places: Where in the table the numbers are that stand there.
    """
    place = places.get(value)
    if place is None:
        return short_number(value)
    return (_REFERENCE << 8 | place).to_bytes(REFERENCE_SIZE, "big")


@lru_cache(maxsize=1 << 14)
def short_number(value: int) -> bytes:
    """The fewest bytes of a number without a table: itself, plain, or digits and zeros; plain at a tie."""
    if value < _PLAIN:
        return bytes([value])
    plain = minimal(value)
    exponent, mantissa = _decimal(value)
    digits = minimal(mantissa)
    if 0 < exponent <= _MOST_EXPONENT and len(digits) < len(plain) and len(digits) <= _MOST_MANTISSA:
        return bytes([_DECIMAL + (len(digits) - 1) * _MOST_EXPONENT + exponent - 1]) + digits
    return bytes([_PLAIN + len(plain) - 1]) + plain


def read_number(reader: Reader) -> int:
    """The next number, or ~place of one that stands in a table; whether it could be shorter is not looked at.

    Raises:
        EncodingError: Bytes are missing (TRUNCATED).
    """
    head = reader.uint(1)
    if head < _PLAIN:
        return head
    if head < _REFERENCE:
        return reader.uint(head - _PLAIN + 1)
    if head < _DECIMAL:
        return ~((head - _REFERENCE) << 8 | reader.uint(1))
    size, exponent = divmod(head - _DECIMAL, _MOST_EXPONENT)
    return reader.uint(size + 1) * _POWERS[exponent]


def _decimal(value: int) -> tuple[int, int]:
    """How many zeros end a positive number in decimal, and what stands before them."""
    exponent = 0
    while value % 10 == 0:
        value //= 10
        exponent += 1
    return exponent, value
