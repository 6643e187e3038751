"""Records in the form in which batches hold them: numbers as short as can be, what repeats only once.

A packed record is read with the batch's table and nothing else: no record depends on another one.
docs/encoding.md draws the layout.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from anh_rollup.encoding.checks import in_range
from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.reader import Reader
from anh_rollup.encoding.rlp import minimal
from anh_rollup.encoding.short_numbers import (
    MOST_REFERENCES,
    REFERENCE_SIZE,
    encode_number,
    read_number,
    short_number,
)
from anh_rollup.encoding.transactions import (
    ACCESS_LIST_BIT,
    DYNAMIC_FEE,
    TO_BIT,
    TYPE_BITS,
    UNUSED_BITS,
)
from anh_rollup.encoding.zero_runs import compress, decompress
from anh_rollup.primitives import ADDRESS_SIZE

TABLE_NUMBER_SIZE: Final = ADDRESS_SIZE
"""Bytes of a number in a batch's table; addresses are what repeats most."""

CALL_BIT: Final = 1 << 5
"""In a packed record's head: the data are a selector and numbers."""

VERBATIM: Final = 1 << 7
"""Head of a packed record that is a record as it stands: bytes that are no record's, mostly."""

MOST_SPLIT: Final = 1 << 13
"""Records whose parts are kept, those of a full batch: the search for how many blocks fit asks again."""

MOST_CALL_BYTES: Final = 1 << 14
"""Most bytes of data that stand as a call: in a dispute L1 packs them in one transaction (choice)."""

_SIGNATURE_SIZE: Final = 64
_SELECTOR_SIZE: Final = 4
_MOST_ADDRESS: Final = (1 << 8 * ADDRESS_SIZE) - 1
_MOST_SELECTOR: Final = (1 << 8 * _SELECTOR_SIZE) - 1
_WORD: Final = 32
_LENGTH_SIZE: Final = 3


@dataclass(frozen=True, slots=True)
class Parts:
    """A record, taken apart. Of a packed one, a number that stands in the table is ~place: below 0.

    Attributes:
        head: Its first byte; with CALL_BIT where the data are a call. VERBATIM: only the data are there.
        signature: r and s.
        numbers: The recipient, where there is one, nonce, gas limit, fee, priority fee of type 2, value.
        access_list: With its length; empty where there is none.
        call: A call's selector and arguments.
        data: Packed as in the record; empty where they are a call.
    """

    head: int
    signature: bytes
    numbers: tuple[int, ...]
    access_list: bytes
    call: tuple[int, ...]
    data: bytes

    @property
    def places(self) -> list[int]:
        """Which places of the table it names, in order."""
        return [~number for number in self.numbers + self.call if number < 0]

    def filled(self, numbers: Sequence[int]) -> "Parts":
        """The parts with the table's numbers at the places that it names, which were looked up.

        Raises:
            EncodingError: An address or a selector is too large (OUT_OF_RANGE).
        """
        parts = self
        if numbers:
            found = iter(numbers)
            own = tuple([next(found) if number < 0 else number for number in self.numbers])
            call = tuple([next(found) if number < 0 else number for number in self.call])
            parts = Parts(self.head, self.signature, own, self.access_list, call, self.data)
        if parts.head & TO_BIT:
            in_range(parts.numbers[0], 0, _MOST_ADDRESS, name="a recipient")
        if parts.call:
            in_range(parts.call[0], 0, _MOST_SELECTOR, name="a selector")
        return parts


@lru_cache(maxsize=MOST_SPLIT)
def split(record: bytes) -> Parts | None:
    """The parts from which `join` makes this record; None where there are none."""
    reader = Reader(record, "the record")
    try:
        head = reader.uint(1)
        if head & UNUSED_BITS or head & TYPE_BITS > DYNAMIC_FEE:
            return None
        signature = reader.take(_SIGNATURE_SIZE)
        recipient = [reader.uint(ADDRESS_SIZE)] if head & TO_BIT else []
        numbers = [_read_sized(reader) for _ in range(_count(head))]
        access_list = _read_access_list(reader, head)
    except EncodingError:
        return None
    data = reader.rest()
    call = _call(data)
    if call:
        head, data = head | CALL_BIT, b""
    return Parts(head, signature, (*recipient, *numbers), access_list, call, data)


def join(parts: Parts) -> bytes:
    """The record of parts."""
    if parts.head & VERBATIM:
        return parts.data
    numbers = list(parts.numbers)
    pieces = [bytes([parts.head & ~CALL_BIT]), parts.signature]
    if parts.head & TO_BIT:
        pieces.append(numbers.pop(0).to_bytes(ADDRESS_SIZE, "big"))
    for number in numbers:
        digits = minimal(number)
        pieces += [bytes([len(digits)]), digits]
    data = compress(_calldata(parts.call)) if parts.call else parts.data
    return b"".join([*pieces, parts.access_list, data])


def repeated_numbers(records: Iterable[Parts]) -> list[int]:
    """The numbers that save bytes by standing in a table, in the order in which they come first."""
    uses = Counter([number for parts in records for number in (*parts.numbers, *parts.call)])
    # A Counter keeps the order in which it met its keys.
    return [number for number, count in uses.items() if count > 1 and _saves(number, count)][:MOST_REFERENCES]


def pack_record(record: bytes, parts: Parts | None, places: Mapping[int, int]) -> bytes:
    """The packed form of a record.

    Args:
        record: Any bytes.
        parts: What `split` says of it.
        places: Where in the table the numbers are that stand there.
    """
    if parts is None:
        return bytes([VERBATIM]) + record
    numbers = b"".join([encode_number(number, places) for number in parts.numbers])
    call = b"".join([encode_number(number, places) for number in parts.call])
    return b"".join([bytes([parts.head]), parts.signature, numbers, parts.access_list, call, parts.data])


def unpack_record(packed: bytes, table: Sequence[int]) -> bytes:
    """The record of a packed one; whether it is packed as `pack_record` does it is not looked at.

    Raises:
        EncodingError: As `read_parts` and `Parts.filled`, or it names a place that the table does not have
            (OUT_OF_RANGE).
    """
    parts = read_parts(packed)
    places = parts.places
    if places:
        in_range(max(places), 0, len(table) - 1, name="a place of the table")
    return join(parts.filled([table[place] for place in places]))


def read_parts(packed: bytes) -> Parts:
    """A packed record, taken apart without the table.

    Raises:
        EncodingError: It ends too early (TRUNCATED), or has a call of more than `MOST_CALL_BYTES`
            (OUT_OF_RANGE).
    """
    reader = Reader(packed, "the packed record")
    head = reader.uint(1)
    if head & VERBATIM:
        return Parts(VERBATIM, b"", (), b"", (), reader.take(max(reader.left, 1)))
    signature = reader.take(_SIGNATURE_SIZE)
    count = _count(head) + (head & TO_BIT != 0)
    numbers = tuple([read_number(reader) for _ in range(count)])
    access_list = _read_access_list(reader, head)
    call = _read_call(reader) if head & CALL_BIT else ()
    return Parts(head, signature, numbers, access_list, call, reader.rest())


def _count(head: int) -> int:
    """Numbers of a record besides the recipient."""
    return 5 if head & TYPE_BITS == DYNAMIC_FEE else 4


def _read_sized(reader: Reader) -> int:
    digits = reader.take(in_range(reader.uint(1), 0, _WORD, name="the size of a number"))
    if digits[:1] == b"\0":
        raise EncodingError(EncodingReason.NOT_CANONICAL, "a number starts with a zero byte")
    return int.from_bytes(digits, "big")


def _read_access_list(reader: Reader, head: int) -> bytes:
    if not head & ACCESS_LIST_BIT:
        return b""
    length = reader.take(_LENGTH_SIZE)
    return length + reader.take(int.from_bytes(length, "big"))


def _call(packed: bytes) -> tuple[int, ...]:
    """Selector and arguments of a record's data; nothing where they are no call, or shorter as they stand."""
    try:
        data = decompress(packed, MOST_CALL_BYTES)
    except EncodingError:
        return ()
    if len(data) % _WORD != _SELECTOR_SIZE:
        return ()
    starts = range(_SELECTOR_SIZE, len(data), _WORD)
    arguments = [int.from_bytes(data[start : start + _WORD], "big") for start in starts]
    call = (int.from_bytes(data[:_SELECTOR_SIZE], "big"), *arguments)
    shorter = sum([len(short_number(number)) for number in call]) < len(packed)
    return call if shorter and compress(data) == packed else ()


def _calldata(call: Sequence[int]) -> bytes:
    selector, *arguments = call
    words = [argument.to_bytes(_WORD, "big") for argument in arguments]
    return b"".join([selector.to_bytes(_SELECTOR_SIZE, "big"), *words])


def _read_call(reader: Reader) -> tuple[int, ...]:
    call = [read_number(reader)]
    while reader.left:
        call.append(read_number(reader))
        in_range(len(call) * _WORD, 0, MOST_CALL_BYTES, name="the length of a call")
    return tuple(call)


def _saves(number: int, count: int) -> bool:
    """Whether a number that is used so often takes fewer bytes in a table."""
    size = len(short_number(number))
    return size <= 1 + TABLE_NUMBER_SIZE and count * (size - REFERENCE_SIZE) > TABLE_NUMBER_SIZE
