"""The sequencer's memory: accepted transactions and sealed blocks, on the disk before anybody hears."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.reader import Reader
from anh_rollup.primitives import DIGEST_SIZE, BlockNumber, Digest, Seconds
from anh_rollup.sequencer.errors import JournalCorruptError
from anh_rollup.storage.database import Database, Row

MIGRATIONS: Final = (
    """
    CREATE TABLE chain (genesis BLOB NOT NULL);
    CREATE TABLE pending (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        hash BLOB NOT NULL UNIQUE,
        record BLOB NOT NULL
    );
    CREATE TABLE block (
        number INTEGER PRIMARY KEY,
        hash BLOB NOT NULL,
        time INTEGER NOT NULL,
        origin_number INTEGER NOT NULL,
        origin_hash BLOB NOT NULL,
        forced INTEGER NOT NULL,
        records BLOB NOT NULL
    );
    CREATE TABLE first_sealed (number INTEGER PRIMARY KEY, hash BLOB NOT NULL);
    """,
    """
    CREATE TABLE waiting (sequence INTEGER PRIMARY KEY, record BLOB NOT NULL);
    INSERT INTO waiting (record) SELECT record FROM pending ORDER BY sequence;
    DROP TABLE pending;
    """,
    "CREATE TABLE pooled (hash BLOB PRIMARY KEY, record BLOB NOT NULL)",
)
"""Tables: the genesis block, accepted transactions without a block, sealed blocks (or L1's in their place),
the first block that was sealed at each height, which is the only one to be signed, and what waits for its
turn."""

LENGTH_SIZE: Final = 4
"""Bytes of the length before each record of a block."""


@dataclass(frozen=True, slots=True)
class JournalledBlock:
    """A sealed block as the journal keeps it: all that its hash depends on but its parent.

    Attributes:
        number: Its height.
        hash: Its hash.
        time: Seconds.
        origin_number: Its L1 origin.
        origin_hash: The origin's hash.
        forced: How many records came from the queue; they stand first.
        records: All records.
    """

    number: BlockNumber
    hash: Digest
    time: Seconds
    origin_number: BlockNumber
    origin_hash: Digest
    forced: int
    records: tuple[bytes, ...]


class Journal:
    """One SQLite file.

    Args:
        path: The file.

    Raises:
        DatabaseError: The file cannot be opened.
        JournalCorruptError: It is damaged; any method may find that later, too.
        DatabaseVersionError: A newer program wrote it.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, MIGRATIONS, JournalCorruptError)

    def genesis(self) -> Digest | None:
        """The genesis block's hash of the chain that was journalled; None at first."""
        rows = self._database.query("SELECT genesis FROM chain")
        return self._digest(rows[0][0]) if rows else None

    def begin(self, genesis: Digest) -> None:
        """Names the chain."""
        self._database.execute("INSERT INTO chain VALUES (?)", (genesis,))

    def accept(self, records: Sequence[bytes]) -> None:
        """Keeps the records of accepted transactions, in order; on the disk when this returns."""
        if records:
            self._database.execute_many(
                "INSERT INTO waiting (record) VALUES (?)", [(record,) for record in records]
            )

    def write(self, records: Sequence[bytes], changes: Mapping[Digest, bytes | None]) -> None:
        """Keeps accepted transactions and what changed in the pool, both or none; on the disk at its return.

        Args:
            records: Of accepted transactions, in order.
            changes: The records of what came into the pool by hash, None for what went.
        """
        if not changes:
            self.accept(records)
            return
        with self._database.transaction():
            self.accept(records)
            self._change_pool(changes)

    def pooled(self) -> list[bytes]:
        """The records of transactions that wait for their turn.

        Raises:
            JournalCorruptError: A row is none that was written.
        """
        rows = self._database.query("SELECT record FROM pooled")
        return [self._bytes(row[0], "a record") for row in rows]

    def waiting(self) -> list[bytes]:
        """The records of accepted transactions without a block, in order.

        Raises:
            JournalCorruptError: A row is none that was written.
        """
        rows = self._database.query("SELECT record FROM waiting ORDER BY sequence")
        return [self._bytes(row[0], "a record") for row in rows]

    def seal(
        self,
        block: JournalledBlock,
        left: Sequence[bytes],
        changes: Mapping[Digest, bytes | None] = MappingProxyType({}),
    ) -> None:
        """Keeps a block, the accepted transactions that are left, and the pool's changes; all or none.

        Args:
            block: The block.
            left: The records of those that are left.
            changes: See `write`.
        """
        first = "INSERT OR IGNORE INTO first_sealed VALUES (?, ?)"
        with self._database.transaction():
            self._insert(block)
            self._database.execute(first, (block.number, block.hash))
            self.keep(left)
            self._change_pool(changes)

    def keep(self, records: Sequence[bytes]) -> None:
        """Keeps these records of accepted transactions without a block, and no others."""
        with self._database.transaction():
            self._database.execute("DELETE FROM waiting")
            self.accept(records)

    def replace_from(
        self, number: BlockNumber, blocks: Sequence[JournalledBlock], again: Sequence[bytes]
    ) -> None:
        """Puts the order of L1 in the place of own blocks; their transactions wait for a block again.

        Args:
            number: The first block that is replaced.
            blocks: What stands there on L1.
            again: Records of the replaced blocks that L1's blocks do not hold.
        """
        with self._database.transaction():
            known = set(again)
            self.keep([*again, *[record for record in self.waiting() if record not in known]])
            self._database.execute("DELETE FROM block WHERE number >= ?", (number,))
            for block in blocks:
                self._insert(block)

    def blocks(self, after: int = 0) -> list[JournalledBlock]:
        """The sealed blocks above a height, in order.

        Raises:
            JournalCorruptError: A row is none that was written.
        """
        rows = self._database.query("SELECT * FROM block WHERE number > ? ORDER BY number", (after,))
        return [self._block(row) for row in rows]

    def block_hash(self, number: BlockNumber) -> Digest | None:
        """The hash of the sealed block of a height; None where there is none."""
        rows = self._database.query("SELECT hash FROM block WHERE number = ?", (number,))
        return self._digest(rows[0][0]) if rows else None

    def first_sealed(self, number: BlockNumber) -> Digest | None:
        """The hash of the first block that was sealed here at a height; None where there was none."""
        rows = self._database.query("SELECT hash FROM first_sealed WHERE number = ?", (number,))
        return self._digest(rows[0][0]) if rows else None

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def _block(self, row: Row) -> JournalledBlock:
        number, block_hash, time, origin, origin_hash, forced, packed = row
        if not all(isinstance(each, int) and each >= 0 for each in (number, time, origin, forced)):
            raise JournalCorruptError(self._database.path, f"block {number!r} has no numbers")
        try:
            records = unpack_records(self._bytes(packed, "the records"))
        except EncodingError as error:
            raise JournalCorruptError(self._database.path, f"block {number}: {error.message}") from error
        if forced > len(records):
            raise JournalCorruptError(self._database.path, f"block {number} lacks forced records")
        return JournalledBlock(
            number, self._digest(block_hash), time, origin, self._digest(origin_hash), forced, records
        )

    def _change_pool(self, changes: Mapping[Digest, bytes | None]) -> None:
        came = [(digest, record) for digest, record in changes.items() if record is not None]
        gone = [(digest,) for digest, record in changes.items() if record is None]
        if came:
            self._database.execute_many("INSERT OR REPLACE INTO pooled VALUES (?, ?)", came)
        if gone:
            self._database.execute_many("DELETE FROM pooled WHERE hash = ?", gone)

    def _digest(self, value: Any) -> Digest:
        if len(self._bytes(value, "a hash")) != DIGEST_SIZE:
            raise JournalCorruptError(self._database.path, f"a hash has {len(value)} bytes")
        return Digest(value)

    def _bytes(self, value: Any, what: str) -> bytes:
        if not isinstance(value, bytes):
            raise JournalCorruptError(self._database.path, f"{what} is of type {type(value).__name__}")
        return value

    def _insert(self, block: JournalledBlock) -> None:
        values = (block.number, block.hash, block.time, block.origin_number, block.origin_hash, block.forced)
        packed = pack_records(block.records)
        self._database.execute("INSERT INTO block VALUES (?, ?, ?, ?, ?, ?, ?)", (*values, packed))


def pack_records(records: Sequence[bytes]) -> bytes:
    """Records behind their lengths."""
    return b"".join([len(record).to_bytes(LENGTH_SIZE, "big") + record for record in records])


def unpack_records(packed: bytes) -> tuple[bytes, ...]:
    """The records that were packed.

    Raises:
        EncodingError: They break off (TRUNCATED).
    """
    reader = Reader(packed, "a journalled block")
    records = []
    while reader.left:
        records.append(reader.take(reader.uint(LENGTH_SIZE)))
    return tuple(records)
