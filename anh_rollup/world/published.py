"""Programs and models that are published before a place: put together and checked when they are asked for."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from anh_rollup.encoding.artifacts import Model, decode_model
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.protocol.publications import Assembly, Measure, PublishedKind
from anh_rollup.storage.artifacts import UNREADABLE, verified_program
from anh_rollup.storage.errors import ArtifactError
from anh_rollup.tensor.errors import ProgramError
from anh_rollup.tensor.program import Program
from anh_rollup.world.answers import PlacedPublication
from anh_rollup.world.errors import OrderReplacedError
from anh_rollup.world.position import Position
from anh_rollup.world.publication_store import Candidate, PublicationStore
from anh_rollup.world.time_limit import require_time

_READERS: Final[Mapping[PublishedKind, Callable[[bytes, bytes], Any]]] = {
    PublishedKind.PROGRAM: verified_program,
    PublishedKind.MODEL: decode_model,
}

#: How bytes can be wrong. What this machine lacks - memory, or depth of its stack - is never their fault:
#: another node would find them sound.
_WRONG: Final = (
    EncodingError,
    ProgramError,
    ArtifactError,
    *(each for each in UNREADABLE if each not in (MemoryError, RecursionError)),
)


class Published:
    """What is published before a place.

    Args:
        store: What the order publishes.
        before: The place's key.
    """

    def __init__(self, store: PublicationStore, before: int) -> None:
        self._store = store
        self._before = before

    def find(self, kind: PublishedKind, root: bytes) -> Candidate | None:
        """The sound publication of a root that takes the least gas to read, the first of them, or None.

        So nobody makes a network dear by publishing it in many parts before others do.
        Each assembly is looked at once in the life of a world, and its transaction has paid for that: who
        publishes junk under a root delays its first question by no more than what they bought.

        Raises:
            OrderReplacedError: The order was replaced meanwhile.
            TimeLimitError: The question has had its time; what was found out is kept.
        """
        while True:
            found = self._store.cheapest(kind, root, self._before)
            unknown = self._store.unknown(kind, root, self._before, found)
            if unknown is None:
                return found
            self.is_sound(self._store.assembly(unknown))
            require_time()

    def program(self, candidate: Candidate) -> Program:
        """A program that was found; raises `OrderReplacedError` as `find` does."""
        return verified_program(self._content(candidate), candidate.root)

    def model(self, candidate: Candidate) -> Model:
        """A model that was found; raises `OrderReplacedError` as `find` does."""
        return decode_model(self._content(candidate), candidate.root)

    def missing_part(self, assembly: Assembly) -> bytes | None:
        """The first part of an assembly that is not published; None where all are."""
        return self._store.missing(assembly.parts, self._before)

    def measure(self, assembly: Assembly) -> Measure:
        """What is known of the bytes of an assembly that misses no part.

        Raises:
            OrderReplacedError: It misses one now.
        """
        measure = self._store.measure(assembly.parts, self._before)
        if measure is None:
            raise OrderReplacedError
        return measure

    def is_sound(self, assembly: Assembly, content: bytes | None = None) -> bool:
        """Whether the bytes of an assembly have its root; looks at them where nobody has.

        Args:
            assembly: The assembly, of parts that are published unless the content is given.
            content: Its bytes, where they are at hand.
        """
        known = self._store.verdict(assembly)
        if known is not None:
            return known
        sound = _is_sound(assembly, self._store.content(assembly.parts) if content is None else content)
        self._store.judge(assembly, sound)
        return sound

    def _content(self, candidate: Candidate) -> bytes:
        return self._store.content(self._store.assembly(candidate).parts)


def _is_sound(assembly: Assembly, content: bytes) -> bool:
    try:
        _READERS[assembly.kind](content, assembly.root)
    except _WRONG:
        return False
    return True


def find_publication(store: PublicationStore, root: bytes, position: Position) -> PlacedPublication | None:
    """What is published under a root, or as the part of this hash, behind a place; None where nothing is.

    Raises:
        OrderReplacedError: The order was replaced meanwhile.
        TimeLimitError: The question has had its time; what was found out is kept.
    """
    before = position.key + 1
    for kind in PublishedKind:
        found = Published(store, before).find(kind, root)
        if found is not None:
            return PlacedPublication(Position.of_key(found.key), kind.name.lower(), found.size)
    part = store.part(root, before)
    return None if part is None else PlacedPublication(Position.of_key(part[0]), "part", part[1])
