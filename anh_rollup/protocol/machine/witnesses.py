"""What L1 needs to take one step by itself: the preimages of what it has only hashes of.

The records are named like the structs of contracts/types/Witness.sol, and have their fields in their order.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from anh_rollup.encoding.batches import BatchHeader
from anh_rollup.encoding.blobs import CARRIED_SIZE, LENGTH_SIZE
from anh_rollup.primitives import (
    ZERO_ADDRESS,
    ZERO_DIGEST,
    BatchNumber,
    BlockNumber,
    Digest,
    Seconds,
    Wei,
)
from anh_rollup.protocol.machine.drafts import Draft
from anh_rollup.protocol.machine.fields import Machine, Phase
from anh_rollup.protocol.machine.frontier import Frontier
from anh_rollup.protocol.machine.state import Look, State
from anh_rollup.protocol.machine.steps import step
from anh_rollup.protocol.machine.tree import Found, LedgerTree
from anh_rollup.protocol.machine.view import Notice, NoticeKind, View

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


class Blobs(Protocol):
    """The blobs behind batches."""

    def hashes(self, number: BatchNumber) -> tuple[bytes, ...]:
        """The versioned hashes of a batch's blobs; none where it travelled as calldata, or not at all."""

    def open(self, number: BatchNumber, index: int) -> FieldElement:
        """A field element of a batch's blobs in a row, opened."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A batch's bytes: of calldata all, of blobs the elements that the step reads.

    Attributes:
        data: Empty where blobs carry the batch.
        blobs: Versioned hashes.
        elements: Ascending.
    """

    data: bytes = b""
    blobs: tuple[bytes, ...] = ()
    elements: tuple[FieldElement, ...] = ()


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
        checkpoint: The machine in which it was entered, in phases Block, Read, Gather, Unpack and Seal of an
            own batch.
        payload: What is read of its bytes.
        notice: The next entry of the log.
        record: Behind the machine's `pending` in phase Apply.
        draft: Behind it in phases Gather and Unpack.
        packed: All bytes of the draft, in phase Unpack.
        numbers: All numbers of the draft, in the step that unpacks it.
        batch_frontier: Roots of complete subtrees, lowest first.
        block_frontier: The same.
        leaves: In the order of touches, each against the root after those before.
    """

    batch: BatchHeader
    checkpoint: Machine
    payload: Payload
    notice: Notice
    record: bytes
    draft: Draft
    packed: bytes
    numbers: tuple[int, ...]
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

_READING: Final = (Phase.BLOCK, Phase.READ, Phase.GATHER, Phase.UNPACK, Phase.SEAL)
_GROWING: Final = (Phase.READ, Phase.UNPACK, Phase.SEAL)


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
    grows = machine.phase in _GROWING
    entered, drafted = state.entered if own else None, state.drafted
    unpacks = machine.phase is Phase.UNPACK
    return Witness(
        batch=view.posting(number).header if own or enters else NO_BATCH,
        checkpoint=NO_MACHINE if entered is None else entered.machine,
        payload=_payload(number, look, blobs, machine.phase is Phase.IDLE),
        notice=look.notice or NO_NOTICE,
        record=state.record,
        draft=drafted.draft,
        packed=drafted.packed if unpacks else b"",
        numbers=drafted.numbers if unpacks and look.ranges is None else (),
        batch_frontier=_roots(state.batch_frontier, own and grows),
        block_frontier=_roots(state.block_frontier, grows),
        leaves=tuple([leaf_of(key, tree) for key, tree in look.touched]),
    )


def elements_of(ranges: Iterable[tuple[int, int]]) -> list[int]:
    """The field elements, over all blobs in a row, in which ranges of a payload lie."""
    indices = set[int]()
    for start, end in ranges:
        indices.update(range((LENGTH_SIZE + start) // CARRIED_SIZE, -(-(LENGTH_SIZE + end) // CARRIED_SIZE)))
    return sorted(indices)


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
    return Payload(blobs=hashes, elements=tuple([blobs.open(number, each) for each in indices]))


def _roots(frontier: Frontier, needed: bool) -> tuple[Digest, ...]:
    return frontier.roots if needed else ()
