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
        gas: What it takes to put it together and to decode it (`assembly_gas`).
    """

    key: int
    kind: PublishedKind
    root: bytes
    size: int
    gas: Gas


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

    def cheapest(self, kind: PublishedKind, root: bytes, before: int) -> Candidate | None:
        """The first of the cheapest assemblies of a root before a key that are known to be sound, or None."""
        return self._cheapest(kind, root, before, "sound = 1")

    def unknown(
        self, kind: PublishedKind, root: bytes, before: int, known: Candidate | None
    ) -> Candidate | None:
        """The cheapest assembly of a root before a key that nobody has looked at; None where there is none.

        Args:
            kind: What the root names.
            root: The root.
            before: The key.
            known: Only what takes less gas, or the same earlier, is asked for; None asks for all.
        """
        found = self._cheapest(kind, root, before, "sound IS NULL")
        if found is None or known is None:
            return found
        return found if (found.gas, found.key) < (known.gas, known.key) else None

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
        """Keeps an assembly if its transaction has paid for looking at it, and it is not kept already."""
        measure = measured(part.content) if part is not None else self.measure(assembly.parts, key)
        if measure is None:
            return
        needed = assembly_gas(assembly, measure)
        digest = _digest(assembly)
        if needed is None or needed > gas or self._has(digest):
            return
        row = (key, assembly.kind, assembly.root, digest, measure.size, b"".join(assembly.parts), needed)
        self._database.execute("INSERT INTO publication VALUES (?, ?, ?, ?, ?, NULL, ?, ?)", row)

    def _has(self, digest: Digest) -> bool:
        """Whether an assembly is kept: the same again would be as sound and as dear, and later."""
        return bool(self._database.query("SELECT 1 FROM publication WHERE digest = ?", (digest,)))

    def _cheapest(self, kind: PublishedKind, root: bytes, before: int, state: str) -> Candidate | None:
        """The first of the cheapest, by an index for the state; those behind the key are passed over."""
        rows = self._database.query(
            "SELECT position, size, gas FROM publication WHERE root = ? AND kind = ? AND position < ?"  # noqa: S608
            f" AND {state} ORDER BY gas, position LIMIT 1",
            (root, kind, before),
        )
        return Candidate(rows[0][0], kind, root, rows[0][1], Gas(rows[0][2])) if rows else None

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
