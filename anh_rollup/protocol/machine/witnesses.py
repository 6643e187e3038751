"""What L1 needs to take one step by itself: the preimages of what it has only hashes of.

The records are named like the structs of contracts/types/Witness.sol, and have their fields in their order.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Protocol

from anh_rollup.encoding.batches import BatchHeader
from anh_rollup.encoding.blob_chunks import BLOB_CHUNKS, CHUNK_ELEMENTS
from anh_rollup.encoding.blobs import BLOB_ELEMENTS, CARRIED_SIZE, LENGTH_SIZE
from anh_rollup.primitives import (
    ZERO_ADDRESS,
    ZERO_DIGEST,
    BatchNumber,
    BlockNumber,
    Digest,
    Gas,
    Seconds,
    Wei,
)
from anh_rollup.protocol.machine.fields import Machine, Phase
from anh_rollup.protocol.machine.frontier import Frontier
from anh_rollup.protocol.machine.state import Look, State
from anh_rollup.protocol.machine.steps import step
from anh_rollup.protocol.machine.tree import Found, LedgerTree
from anh_rollup.protocol.machine.view import Notice, NoticeKind, View

MOST_CHUNKS: Final = 80
"""Chunks that a step is given: with their proofs they take 110 of the 128 KiB of a transaction (choice)."""

_ELEMENT_GAS: Final = Gas(60_000)
_CHUNK_GAS: Final = Gas(50_000)
_BLOB_GAS: Final = Gas(7_200_000)
"""What it takes to show L1 an element, a chunk, a whole blob: about what docs/ledger-claims.md measures."""

_LEAF_FIELDS: Final = 3


@dataclass(frozen=True, slots=True)
class FieldElement:
    """A point of a blob with its KZG opening.

    Attributes:
        index: Over all blobs of the batch in a row.
        value: 32 bytes.
        commitment: 48 bytes.
        proof: 48 bytes.
    """

    index: int
    value: bytes
    commitment: bytes
    proof: bytes


@dataclass(frozen=True, slots=True)
class BlobChunk:
    """What 32 field elements carry, of a blob that L1 has as a whole.

    Attributes:
        index: Over all blobs of the batch in a row.
        data: 992 bytes.
        proof: Siblings within the blob, from the bottom up.
    """

    index: int
    data: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class BlobOpening:
    """What shows L1 a whole blob.

    Attributes:
        blob: The versioned hash.
        contents: What its elements are (`encoding.blob_chunks.contents_of`).
        commitment: 48 bytes.
        proof: 48 bytes.
    """

    blob: bytes
    contents: bytes
    commitment: bytes
    proof: bytes


class Blobs(Protocol):
    """The blobs behind batches."""

    def hashes(self, number: BatchNumber) -> tuple[bytes, ...]:
        """The versioned hashes of a batch's blobs; none where it travelled as calldata, or not at all."""

    def open(self, number: BatchNumber, index: int) -> FieldElement:
        """A field element of a batch's blobs in a row, opened."""

    def chunk(self, number: BatchNumber, index: int) -> BlobChunk:
        """A chunk of a batch's blobs in a row."""

    def whole(self, number: BatchNumber, place: int) -> BlobOpening:
        """A batch's blob as a whole, opened."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A batch's bytes: of calldata all, of blobs the elements that the step reads.

    Attributes:
        data: Empty where blobs carry the batch.
        blobs: Versioned hashes.
        elements: Ascending.
        chunks: Ascending.
    """

    data: bytes = b""
    blobs: tuple[bytes, ...] = ()
    elements: tuple[FieldElement, ...] = ()
    chunks: tuple[BlobChunk, ...] = ()


@dataclass(frozen=True, slots=True)
class Leaf:
    """What stands at the end of a key's path.

    Attributes:
        found: 0 nothing, 1 the leaf itself, 2 another leaf.
        key: Of another leaf; zero otherwise.
        value: Of another leaf; zero otherwise.
        siblings: From the bottom up.
        fields: Of the leaf itself: nonce, cleared, withdrawn; or payer, reward, 0; all 0 once released.
    """

    found: Found
    key: Digest
    value: Digest
    siblings: tuple[Digest, ...]
    fields: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Witness:
    """All that a step reads and L1 has only hashes of; what a step does not need is empty.

    Attributes:
        batch: The one that is entered or read.
        checkpoint: The machine in which it was entered, in phases Block, Read and Seal of an own batch.
        payload: What is read of its bytes.
        notice: The next entry of the log.
        record: Behind the machine's `pending`.
        batch_frontier: Roots of complete subtrees, lowest first.
        block_frontier: The same.
        leaves: In the order of touches, each against the root after those before.
    """

    batch: BatchHeader
    checkpoint: Machine
    payload: Payload
    notice: Notice
    record: bytes
    batch_frontier: tuple[Digest, ...]
    block_frontier: tuple[Digest, ...]
    leaves: tuple[Leaf, ...]


NO_BATCH: Final = BatchHeader(BatchNumber(0), ZERO_DIGEST, ZERO_DIGEST, 0, ZERO_DIGEST, 0)
NO_NOTICE: Final = Notice(NoticeKind.NONE, ZERO_ADDRESS, Wei(0), ZERO_DIGEST, BlockNumber(0))
NO_MACHINE: Final = Machine(
    phase=Phase.IDLE,
    ledger=ZERO_DIGEST,
    notices=0,
    batch=BatchNumber(0),
    forced=0,
    height=BlockNumber(0),
    head=ZERO_DIGEST,
    time=Seconds(0),
    origin=BlockNumber(0),
    origin_hash=ZERO_DIGEST,
    base_fee=Wei(0),
)

_READING: Final = (Phase.BLOCK, Phase.READ, Phase.SEAL)


def witness_of(state: State, last: BatchNumber, view: View, blobs: Blobs) -> Witness:
    """The witness of the step that a state takes next.

    Args:
        state: The machine before it.
        last: The batch after which it stands still.
        view: What L1 holds.
        blobs: The blobs behind batches; only the elements that the step reads are opened.
    """
    after, look = step(state, last, view)
    machine = state.machine
    own = machine.phase in _READING and not machine.is_void
    enters = after.machine.batch != machine.batch
    number = after.machine.batch
    in_blocks = machine.phase in (Phase.READ, Phase.SEAL)
    entered = state.entered if own else None
    return Witness(
        batch=view.posting(number).header if own or enters else NO_BATCH,
        checkpoint=NO_MACHINE if entered is None else entered.machine,
        payload=_payload(number, look, blobs, machine.phase is Phase.IDLE),
        notice=look.notice or NO_NOTICE,
        record=state.record,
        batch_frontier=_roots(state.batch_frontier, own and in_blocks),
        block_frontier=_roots(state.block_frontier, in_blocks),
        leaves=tuple([leaf_of(key, tree) for key, tree in look.touched]),
    )


def elements_of(ranges: Iterable[tuple[int, int]]) -> list[int]:
    """The field elements, over all blobs in a row, in which ranges of a payload lie."""
    indices = set[int]()
    for start, end in ranges:
        indices.update(range((LENGTH_SIZE + start) // CARRIED_SIZE, -(-(LENGTH_SIZE + end) // CARRIED_SIZE)))
    return sorted(indices)


def openings_of(witness: Witness, blobs: Blobs) -> tuple[BlobOpening, ...]:
    """The blobs that L1 has to know as a whole before it takes a witness."""
    places = {each.index // BLOB_CHUNKS for each in witness.payload.chunks}
    return tuple([blobs.whole(witness.batch.number, place) for place in sorted(places)])


def leaf_of(key: Digest, tree: LedgerTree) -> Leaf:
    """What stands at the end of a key's path in a tree."""
    proof = tree.prove(key)
    nonce, cleared, withdrawn = (*proof.fields, *[0] * (_LEAF_FIELDS - len(proof.fields)))
    return Leaf(proof.found, proof.key, proof.value, proof.siblings, (nonce, cleared, withdrawn))


def _payload(number: BatchNumber, look: Look, blobs: Blobs, with_length: bool) -> Payload:
    """What a step reads of a batch's bytes."""
    if look.ranges is None:
        return Payload()
    hashes = blobs.hashes(number)
    if not hashes:
        return Payload(data=look.view.posting(number).payload or b"")
    length = [(-LENGTH_SIZE, 0)] if with_length else []
    indices = elements_of([*length, *look.ranges])
    chunks = _chunks_of(indices)
    return Payload(
        blobs=hashes,
        elements=tuple(
            [blobs.open(number, each) for each in indices if each // CHUNK_ELEMENTS not in chunks]
        ),
        chunks=tuple([blobs.chunk(number, each) for each in sorted(chunks)]),
    )


def _chunks_of(indices: Iterable[int]) -> set[int]:
    """The fullest chunks of those blobs that are cheaper to show as a whole than element by element."""
    chosen = set[int]()
    for _, listed in groupby(indices, lambda each: each // BLOB_ELEMENTS):
        counts = Counter([each // CHUNK_ELEMENTS for each in listed])
        fullest = counts.most_common(MOST_CHUNKS - len(chosen))
        saved = sum([count * _ELEMENT_GAS - _CHUNK_GAS for _, count in fullest])
        if saved > _BLOB_GAS:
            chosen.update([chunk for chunk, _ in fullest])
    return chosen


def _roots(frontier: Frontier, needed: bool) -> tuple[Digest, ...]:
    return frontier.roots if needed else ()
