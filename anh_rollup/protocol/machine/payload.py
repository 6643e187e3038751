"""Reading a batch's payload piece by piece, with a note of which bytes were looked at.

docs/encoding.md has the layout. Nothing here looks at more of a batch than one step may.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from anh_rollup.encoding.batches import (
    BATCH_HEAD_SIZE,
    BATCH_HEAD_WIDTHS,
    BATCH_VERSION,
    BLOCK_COUNTS_SIZE,
    BLOCK_COUNTS_WIDTHS,
    ORIGIN_SIZE,
    ORIGIN_WIDTHS,
)
from anh_rollup.encoding.indexed_items import GROUP_SIZE, LENGTH_SIZE, MOST_ITEM
from anh_rollup.encoding.packed_records import TABLE_NUMBER_SIZE
from anh_rollup.primitives import DIGEST_SIZE, BlockNumber, Digest, Seconds


class PayloadReader:
    """A payload; which ranges of it are read is noted in a list, start and end of each."""

    __slots__ = ("_data", "_ranges")

    def __init__(self, data: bytes, ranges: list[tuple[int, int]]) -> None:
        self._data = data
        self._ranges = ranges

    @property
    def size(self) -> int:
        """Bytes of the payload, which its carrier tells."""
        return len(self._data)

    def take(self, start: int, size: int) -> bytes:
        """Some bytes; whoever asks has checked that they are there."""
        self._ranges.append((start, start + size))
        return self._data[start : start + size]

    def uint(self, start: int, size: int) -> int:
        """The same as an unsigned number."""
        return int.from_bytes(self.take(start, size), "big")

    def uints(self, start: int, widths: Sequence[int]) -> list[int]:
        """Unsigned numbers of these widths in a row, noted as one range."""
        data, places = self.take(start, sum(widths)), accumulate(widths, initial=0)
        return [int.from_bytes(data[first:last], "big") for first, last in pairwise(places)]


@dataclass(frozen=True, slots=True)
class BatchHead:
    """What stands before a batch's table.

    Attributes:
        version: Of the layout.
        first_number: Height of its first block.
        parent: Hash of the block before.
        blocks: How many blocks it has.
        own: How many transactions it carries.
        table: Numbers in its table.
        packed: Bytes of its packed records.
    """

    version: int
    first_number: BlockNumber
    parent: Digest
    blocks: int
    own: int
    table: int
    packed: int

    @property
    def is_known(self) -> bool:
        """Whether the layout is the one of this module."""
        return self.version == BATCH_VERSION

    @property
    def bodies_at(self) -> int:
        """Where the packed records begin."""
        return BATCH_HEAD_SIZE + self.table * TABLE_NUMBER_SIZE + index_size(self.own)

    @property
    def bodies_end(self) -> int:
        """Where they end, and the blocks' heads begin."""
        return self.bodies_at + self.packed


@dataclass(frozen=True, slots=True)
class BlockHead:
    """A block as a batch describes it.

    Attributes:
        time: Seconds.
        own: Transactions that the batch carries.
        forced: Entries of the queue.
        origin: Number and hash of its origin; None where it stays the same.
        end: Where the next block's head begins.
    """

    time: Seconds
    own: int
    forced: int
    origin: tuple[BlockNumber, Digest] | None
    end: int


def index_size(count: int) -> int:
    """Bytes of the index of so many records."""
    return LENGTH_SIZE * -(-count // GROUP_SIZE) + count


def read_batch_head(reader: PayloadReader) -> BatchHead | None:
    """The head of a batch, or None where the payload is too short for one."""
    if reader.size < BATCH_HEAD_SIZE:
        return None
    numbers = reader.uints(0, BATCH_HEAD_WIDTHS)
    version, first_number, parent, blocks, own, table, packed = numbers
    digest = Digest(parent.to_bytes(DIGEST_SIZE, "big"))
    return BatchHead(version, BlockNumber(first_number), digest, blocks, own, table, packed)


def read_block_head(reader: PayloadReader, at: int, first: bool) -> BlockHead | None:
    """A block's head, or None where it does not fit or its flag is none.

    Args:
        reader: The payload.
        at: Where it begins.
        first: Whether it is the batch's first, which has to name its origin.
    """
    end = at + BLOCK_COUNTS_SIZE
    if end > reader.size:
        return None
    time, own, forced, same = reader.uints(at, BLOCK_COUNTS_WIDTHS)
    if same == 1 and not first:
        return BlockHead(Seconds(time), own, forced, None, end)
    if same or end + ORIGIN_SIZE > reader.size:
        return None
    number, digest = reader.uints(end, ORIGIN_WIDTHS)
    origin = BlockNumber(number), Digest(digest.to_bytes(DIGEST_SIZE, "big"))
    return BlockHead(Seconds(time), own, forced, origin, end + ORIGIN_SIZE)


@dataclass(frozen=True, slots=True)
class RecordPlace:
    """Where the next packed record of a batch is.

    Attributes:
        index: Its place among the batch's own transactions.
        count: How many those are.
        bodies_at: Where the packed records begin.
        at: Where it begins.
        end: Where all of them end.
    """

    index: int
    count: int
    bodies_at: int
    at: int
    end: int

    @property
    def index_at(self) -> int:
        """Where the index begins, behind the table."""
        return self.bodies_at - index_size(self.count)


def find_record(reader: PayloadReader, place: RecordPlace) -> tuple[int, int] | None:
    """Where the bytes of the next packed record begin and end; None where the batch has none there."""
    group, within = divmod(place.index, GROUP_SIZE)
    row = place.index_at + group * (LENGTH_SIZE + GROUP_SIZE)
    if within == 0 and reader.uint(row, LENGTH_SIZE) != place.at - place.bodies_at:
        return None
    length, start = reader.uint(row + LENGTH_SIZE + within, 1), place.at
    if length == 0:
        start += LENGTH_SIZE
        length = reader.uint(place.at, LENGTH_SIZE) if start <= place.end else 0
    if not 1 <= length <= MOST_ITEM or start + length > place.end:
        return None
    return start, start + length


def read_table(reader: PayloadReader, place: RecordPlace, wanted: Sequence[int]) -> list[int] | None:
    """The numbers at some places of the table, or None where it does not have them all."""
    count = (place.index_at - BATCH_HEAD_SIZE) // TABLE_NUMBER_SIZE
    if wanted and max(wanted) >= count:
        return None
    starts = [BATCH_HEAD_SIZE + each * TABLE_NUMBER_SIZE for each in wanted]
    return [reader.uint(start, TABLE_NUMBER_SIZE) for start in starts]
