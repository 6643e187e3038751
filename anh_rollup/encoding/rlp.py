"""RLP, as strict as consensus reads it, and with a bound on depth.

The `rlp` package recurses as deep as its input says: 128 KiB of nested lists exhaust the stack. Transactions
need three levels. Source: the Ethereum yellow paper, appendix B.
"""

from collections.abc import Sequence
from typing import Final

from anh_rollup.encoding.errors import EncodingError, EncodingReason

Item = bytes | list["Item"]
"""A byte string, or a list of items."""

DEEPEST: Final = 4
"""Lists inside lists of a transaction: transaction, access list, entry, keys."""

_STRING: Final = 0x80
_LIST: Final = 0xC0
_LONGEST_SHORT: Final = 55


def encode_bytes(data: bytes) -> bytes:
    """One byte string."""
    if len(data) == 1 and data[0] < _STRING:
        return data
    return _head(len(data), _STRING) + data


def encode_uint(value: int) -> bytes:
    """A number, as its shortest big-endian bytes; zero is the empty string."""
    return encode_bytes(minimal(value))


def encode_list(encoded: Sequence[bytes]) -> bytes:
    """A list of items that are encoded already."""
    payload = b"".join(encoded)
    return _head(len(payload), _LIST) + payload


def minimal(value: int) -> bytes:
    """The shortest big-endian bytes of a number; none for zero."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def decode(data: bytes) -> Item:
    """The item that `data` is, all of it.

    Raises:
        EncodingError: Too few bytes (TRUNCATED), bytes left over (TRAILING), a length that has a shorter form
            (NOT_CANONICAL), or lists nested deeper than `DEEPEST` (TOO_LARGE).
    """
    item, end = _item(data, 0, len(data), 0)
    if end != len(data):
        raise EncodingError(EncodingReason.TRAILING, f"{len(data) - end} bytes follow the RLP item")
    return item


def _head(size: int, base: int) -> bytes:
    if size <= _LONGEST_SHORT:
        return bytes([base + size])
    length = minimal(size)
    return bytes([base + _LONGEST_SHORT + len(length)]) + length


def _item(data: bytes, at: int, end: int, depth: int) -> tuple[Item, int]:
    """The item at `at` of a payload that ends at `end`, and where it ends."""
    if at >= end:
        raise EncodingError(EncodingReason.TRUNCATED, "an RLP item is missing")
    first = data[at]
    if first < _STRING:
        return data[at : at + 1], at + 1
    if first >= _LIST:
        start, stop = _payload(data, at + 1, end, first - _LIST)
        return _items(data, start, stop, depth), stop
    start, stop = _payload(data, at + 1, end, first - _STRING)
    if stop - start == 1 and data[start] < _STRING:
        raise EncodingError(EncodingReason.NOT_CANONICAL, "an RLP byte below 0x80 stands behind a length")
    return data[start:stop], stop


def _items(data: bytes, at: int, end: int, depth: int) -> list[Item]:
    if depth == DEEPEST:
        raise EncodingError(EncodingReason.TOO_LARGE, f"RLP lists are nested deeper than {DEEPEST}")
    items: list[Item] = []
    while at < end:
        size = data[at] - _STRING
        stop = at + 1 + size
        if size < 0:
            stop = at + 1
            items.append(data[at:stop])
        elif size <= _LONGEST_SHORT and size != 1 and stop <= end:
            items.append(data[at + 1 : stop])
        else:
            item, stop = _item(data, at, end, depth + 1)
            items.append(item)
        at = stop
    return items


def _payload(data: bytes, at: int, end: int, size: int) -> tuple[int, int]:
    """Where a payload starts and stops; `size` is what the first byte says, above its base."""
    if size > _LONGEST_SHORT:
        start = at + size - _LONGEST_SHORT
        length = data[at : min(start, end)]
        size = int.from_bytes(length, "big")
        if length[:1] == b"\0" or (start <= end and size <= _LONGEST_SHORT):
            raise EncodingError(EncodingReason.NOT_CANONICAL, "an RLP length has a shorter form")
        at = start
    if at + size > end:
        raise EncodingError(
            EncodingReason.TRUNCATED, f"an RLP payload ends {at + size - end:#x} bytes too early"
        )
    return at, at + size
