"""What the order publishes, in the world's tables: parts by hash, assemblies by root, and which are sound."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import DIGEST_SIZE, Digest, Gas
from anh_rollup.protocol.publications import (
    COUNT_BYTES,
    Assembly,
    Measure,
    Part,
    Publication,
    PublishedKind,
    assembly_gas,
    count_of,
    measured,
)
from anh_rollup.storage.database import Database
from anh_rollup.world.errors import OrderReplacedError


@dataclass(frozen=True, slots=True)
class Candidate:
    """An assembly that counts if its bytes have its root.

    Attributes:
        key: Where it stands.
        kind: What it is said to be.
        root: Its root.
        size: Bytes of the artifact.
    """

    key: int
    kind: PublishedKind
    root: bytes
    size: int


class PublicationStore:
    """The publications of a world. Everything but `judge` follows from the order alone, when it is appended.

    Args:
        database: The world's, migrated.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- writing ---

    def add(self, published: Iterable[tuple[int, Publication, Gas]]) -> None:
        """Takes over what transactions publish, in order: key, publication, and gas for an assembly."""
        for key, publication, gas in published:
            assembly, part = publication.assembly, publication.part
            if assembly is not None:
                self._assemble(key, assembly, part, gas)
            if part is not None:
                self._database.execute(
                    "INSERT OR IGNORE INTO part VALUES (?, ?, ?, ?)",
                    (part.hash, key, len(part.content), part.content),
                )

    def judge(self, assembly: Assembly, sound: bool) -> None:
        """Notes whether the bytes of an assembly have its root. That depends on nothing but the assembly."""
        self._database.execute(
            "UPDATE publication SET sound = ? WHERE digest = ?", (sound, _digest(assembly))
        )

    # --- reading ---

    def first(self, kind: PublishedKind, root: bytes, before: int) -> Candidate | None:
        """The first assembly of a root before a key that is known to be sound; None where none is."""
        return self._first(kind, root, before, "sound = 1")

    def unknown(self, kind: PublishedKind, root: bytes, before: int) -> Candidate | None:
        """The first assembly of a root before a key that nobody has looked at; None where there is none."""
        return self._first(kind, root, before, "sound IS NULL")

    def assembly(self, candidate: Candidate) -> Assembly:
        """The assembly of a candidate.

        Raises:
            OrderReplacedError: It is not there any more.
        """
        rows = self._database.query(
            "SELECT parts FROM publication WHERE position = ? AND kind = ? AND root = ?",
            (candidate.key, candidate.kind, candidate.root),
        )
        if not rows:
            raise OrderReplacedError
        return Assembly(candidate.kind, candidate.root, _split(rows[0][0]))

    def verdict(self, assembly: Assembly) -> bool | None:
        """Whether the bytes of an assembly have its root; None where nobody has looked yet."""
        query = "SELECT sound FROM publication WHERE digest = ? AND sound IS NOT NULL LIMIT 1"
        rows = self._database.query(query, (_digest(assembly),))
        return bool(rows[0][0]) if rows else None

    def part(self, digest: bytes, before: int) -> tuple[int, int] | None:
        """The key at which a part was first published before another one, and its bytes' number; or None."""
        query = "SELECT position, size FROM part WHERE hash = ? AND position < ?"
        rows = self._database.query(query, (digest, before))
        return rows[0] if rows else None

    def missing(self, parts: Iterable[bytes], before: int) -> bytes | None:
        """The first of some parts that is not published before a key; None where all are."""
        return next((each for each in parts if self.part(each, before) is None), None)

    def measure(self, parts: Sequence[bytes], before: int) -> Measure | None:
        """Size and count of parts one after the other; None where one is not published before a key."""
        known = {each: self.part(each, before) for each in set(parts)}
        sizes = [found[1] for each in parts if (found := known[each]) is not None]
        if len(sizes) < len(parts):
            return None
        query = "SELECT substr(content, 1, ?) FROM part WHERE hash = ?"
        rows = self._database.query(query, (COUNT_BYTES, parts[0]))
        return Measure(sum(sizes), count_of(rows[0][0])) if rows else None

    def content(self, parts: Sequence[bytes]) -> bytes:
        """Parts one after the other.

        Raises:
            OrderReplacedError: One is not there any more.
        """
        return b"".join([self._content(each) for each in parts])

    # --- inside ---

    def _assemble(self, key: int, assembly: Assembly, part: Part | None, gas: Gas) -> None:
        """Keeps an assembly if its transaction has paid for what looking at it takes."""
        measure = measured(part.content) if part is not None else self.measure(assembly.parts, key)
        if measure is None:
            return
        needed = assembly_gas(assembly, measure)
        if needed is not None and needed <= gas:
            parts, known = b"".join(assembly.parts), self.verdict(assembly)
            row = (key, assembly.kind, assembly.root, _digest(assembly), measure.size, known, parts)
            self._database.execute("INSERT INTO publication VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def _first(self, kind: PublishedKind, root: bytes, before: int, state: str) -> Candidate | None:
        """Found by an index for the state: however many others there are, it takes no time."""
        rows = self._database.query(
            "SELECT position, size FROM publication WHERE root = ? AND kind = ? AND position < ?"  # noqa: S608
            f" AND {state} ORDER BY position LIMIT 1",
            (root, kind, before),
        )
        return Candidate(rows[0][0], kind, root, rows[0][1]) if rows else None

    def _content(self, digest: bytes) -> bytes:
        rows = self._database.query("SELECT content FROM part WHERE hash = ?", (digest,))
        if not rows:
            raise OrderReplacedError
        return bytes(rows[0][0])


def _digest(assembly: Assembly) -> Digest:
    """What names an assembly wherever it stands."""
    return keccak256(bytes([assembly.kind]) + assembly.root + b"".join(assembly.parts))


def _split(parts: bytes) -> tuple[bytes, ...]:
    return tuple(parts[start : start + DIGEST_SIZE] for start in range(0, len(parts), DIGEST_SIZE))
