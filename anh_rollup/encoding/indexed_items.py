"""Byte strings one after the other behind an index, so that one is found without reading the others.

The index has a row for each group of items: where the group begins, and a byte for the length of each. An
item whose length does not fit has a zero there, and begins with its length. docs/encoding.md draws it.
"""

from collections.abc import Sequence
from typing import Final

from anh_rollup.encoding.checks import UINT8_MOST, UINT24_MOST, in_range
from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.reader import Reader

GROUP_SIZE: Final = 16
"""Items of a group; the last one may have fewer (choice: a row of the index fits one field element)."""

LENGTH_SIZE: Final = 3
"""Bytes of a group's begin, and of a length that does not fit a byte."""

MOST_ITEM: Final = (1 << 16) + 32
"""Most bytes of an item: any valid transaction's record fits, and L1 can read it in a dispute (choice)."""

MOST_OVERHEAD: Final = LENGTH_SIZE + 1 + LENGTH_SIZE
"""Most bytes that one more item takes besides its own: a new row, its length, and that again."""


def encode_items(items: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The index, and the items.

    Raises:
        EncodingError: An item is empty or too long, or all together have 2**24 bytes or more (OUT_OF_RANGE).
    """
    index, bodies, begin = list[bytes](), [_body(item) for item in items], 0
    for first in range(0, len(items), GROUP_SIZE):
        group = items[first : first + GROUP_SIZE]
        index.append(begin.to_bytes(LENGTH_SIZE, "big"))
        index.append(bytes([len(item) if len(item) <= UINT8_MOST else 0 for item in group]))
        begin += sum([len(body) for body in bodies[first : first + GROUP_SIZE]])
        in_range(begin, 0, UINT24_MOST, name="the length of all items")
    return b"".join(index), b"".join(bodies)


def read_items(reader: Reader, count: int, size: int) -> list[bytes]:
    """The next `count` items with their index; whether a length could be shorter is not looked at.

    Args:
        reader: Stands before the index.
        count: How many items there are.
        size: Bytes of all items behind the index.

    Raises:
        EncodingError: Bytes are missing (TRUNCATED) or too many (TRAILING), an item is empty or too long
            (OUT_OF_RANGE), or a group begins elsewhere than the index says (NOT_CANONICAL).
    """
    rows = [_read_row(reader, min(GROUP_SIZE, count - first)) for first in range(0, count, GROUP_SIZE)]
    items, bodies = list[bytes](), Reader(reader.take(size), "the items")
    for begin, lengths in rows:
        if begin != bodies.offset:
            message = f"a group begins at {bodies.offset}, and the index says {begin}"
            raise EncodingError(EncodingReason.NOT_CANONICAL, message)
        items += [bodies.take(length or _read_long(bodies)) for length in lengths]
    bodies.end()
    return items


def _body(item: bytes) -> bytes:
    length = in_range(len(item), 1, MOST_ITEM, name="an item's length")
    return item if length <= UINT8_MOST else length.to_bytes(LENGTH_SIZE, "big") + item


def _read_row(reader: Reader, size: int) -> tuple[int, bytes]:
    return reader.uint(LENGTH_SIZE), reader.take(size)


def _read_long(reader: Reader) -> int:
    return in_range(reader.uint(LENGTH_SIZE), 1, MOST_ITEM, name="an item's length")
