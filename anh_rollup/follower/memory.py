"""What a follower keeps on the disk beside the world: what the world was given, what the sequencer signed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from anh_rollup.encoding.checks import digest
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.follower.errors import MemoryCorruptError, WrongDataError
from anh_rollup.primitives import Digest
from anh_rollup.storage.database import Database

MIGRATIONS: Final = (
    """
    CREATE TABLE chain (genesis BLOB NOT NULL);
    CREATE TABLE given (number INTEGER PRIMARY KEY, mark BLOB NOT NULL);
    CREATE TABLE signed (
        number INTEGER PRIMARY KEY,
        hash BLOB NOT NULL,
        signature BLOB NOT NULL,
        payload BLOB
    );
    CREATE INDEX revocable ON signed (number) WHERE payload NOT NULL;
    """,
)
"""Tables: the genesis block, a mark of each block that the world was given, and the sequencer's signatures
with the blocks' bytes as long as a reorg of L1 could take them back."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A block that the sequencer signed.

    Attributes:
        number: Its height.
        hash: Its hash.
        signature: r, s, v.
        payload: The block as a batch of its own; None once it is final on L1.
    """

    number: int
    hash: Digest
    signature: bytes
    payload: bytes | None


class FollowerMemory:
    """One SQLite file.

    Marks are written before the world gets a block, and taken back after it has forgotten one: whatever is
    cut off in between, every block of the world has its own mark.

    Args:
        path: The file.

    Raises:
        DatabaseError: The file cannot be opened.
        MemoryCorruptError: It is damaged; any method may find that later, too.
        DatabaseVersionError: A newer program wrote it.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, MIGRATIONS, MemoryCorruptError)

    def require_chain(self, genesis: Digest) -> None:
        """Checks that the file is of a chain; an empty file becomes that chain's.

        Raises:
            WrongDataError: It is of another one.
        """
        rows = self._database.query("SELECT genesis FROM chain")
        if not rows:
            self._database.execute("INSERT INTO chain VALUES (?)", (genesis,))
        elif rows[0][0] != genesis:
            raise WrongDataError(self._database.path)

    def marks(self) -> list[Digest]:
        """The marks of the blocks from 1 on.

        Raises:
            MemoryCorruptError: There are gaps between them.
        """
        rows = self._database.query("SELECT number, mark FROM given ORDER BY number")
        if [number for number, _ in rows] != list(range(1, len(rows) + 1)):
            raise MemoryCorruptError(self._database.path, "marks of blocks are missing")
        return [self._digest(mark) for _, mark in rows]

    def note(self, first: int, marks: Sequence[Digest]) -> None:
        """Writes the marks of the blocks from `first` on, in place of all that were there."""
        rows = [(number, mark) for number, mark in enumerate(marks, start=first)]
        with self._database.transaction():
            self._database.execute("DELETE FROM given WHERE number >= ?", (first,))
            self._database.execute_many("INSERT INTO given VALUES (?, ?)", rows)

    def keep(self, signed: Confirmation) -> None:
        """Keeps what the sequencer signed for a height, in place of what was kept for it."""
        row = (signed.number, signed.hash, signed.signature, signed.payload)
        self._database.execute("INSERT OR REPLACE INTO signed VALUES (?, ?, ?, ?)", row)

    def confirmation(self, number: int) -> Confirmation | None:
        """What the sequencer signed for a height, as far as it is known here."""
        found = self._confirmations("WHERE number = ?", number)
        return found[0] if found else None

    def confirmations_after(self, number: int) -> list[Confirmation]:
        """What the sequencer signed above a height, in order."""
        return self._confirmations("WHERE number > ? ORDER BY number", number)

    def last_signed(self) -> int:
        """The last height with a signature; 0 where there is none."""
        ((last,),) = self._database.query("SELECT COALESCE(MAX(number), 0) FROM signed")
        return int(last)

    def finalize(self, number: int) -> None:
        """Drops the bytes of the signed blocks up to a height, which L1 holds for ever."""
        self._database.execute(
            "UPDATE signed SET payload = NULL WHERE number <= ? AND payload NOT NULL", (number,)
        )

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def _confirmations(self, where: str, number: int) -> list[Confirmation]:
        rows = self._database.query(f"SELECT number, hash, signature, payload FROM signed {where}", (number,))  # noqa: S608
        return [
            Confirmation(height, self._digest(hashed), self._bytes(signature), payload)
            for height, hashed, signature, payload in rows
        ]

    def _digest(self, value: Any) -> Digest:
        try:
            return digest(self._bytes(value), name="a digest")
        except EncodingError as error:
            raise MemoryCorruptError(self._database.path, error.message) from error

    def _bytes(self, value: Any) -> bytes:
        if not isinstance(value, bytes):
            raise MemoryCorruptError(self._database.path, f"a value is of type {type(value).__name__}")
        return value
