"""Batches with one fault each, such as a hostile sequencer could post."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from anh_rollup.encoding.batches import BATCH_HEAD_SIZE, BLOCK_COUNTS_SIZE, ORIGIN_SIZE, encode_batch
from anh_rollup.encoding.blobs import BLOB_CAPACITY, pack
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.packed_records import pack_record, split
from anh_rollup.primitives import BatchNumber, BlockNumber
from anh_rollup.protocol.derivation import MOST_CLOCK_SKEW, batch_of
from anh_rollup.protocol.machine.fields import Phase
from anh_rollup.protocol.machine.payload import (
    BatchHead,
    PayloadReader,
    index_size,
    read_batch_head,
)
from anh_rollup.protocol.machine.state import State
from scripts.generate_vectors.ledger_history import (
    ALICE,
    BLOCK_SECONDS,
    BOB,
    CAROL,
    FIRST_BLOCK,
    FIRST_TIME,
    History,
    Sealed,
)
from scripts.generate_vectors.ledger_packing import named, repacked

Change = Callable[[bytearray, BatchHead], None]
"""Changes a batch's bytes in place."""


def _with(change: Change, **header: Any) -> Callable[..., History]:
    """A history whose only batch has its bytes changed."""

    def make(forced: int = 0) -> History:
        history, sealed = _begun(forced)
        data = bytearray(encode_batch(batch_of(history.blocks(*sealed))))
        head = read_batch_head(PayloadReader(bytes(data), []))
        if head is not None:
            change(data, head)
        history.post(*sealed, payload=bytes(data), **header)
        return history

    return make


def _begun(forced: int) -> tuple[History, tuple[Sealed, ...]]:
    """A history with a deposit and an entry of the queue, and the blocks of its next batch.

    With an entry to be consumed it is the second one, so that there is something to go back to.
    """
    history = History()
    history.deposit(ALICE.address)
    if forced:
        history.deposit(BOB.address)
        history.mine()
        history.post(Sealed((BOB.record(to=CAROL, value=5),), origins=2))
    else:
        history.mine()
    history.force(ALICE.record(nonce=0, to=CAROL, value=5))
    own = [ALICE.record(nonce=nonce, to=BOB.address, value=5) for nonce in range(3)]
    return history, (Sealed(tuple(own[:2]), forced, origins=2), Sealed(tuple(own[2:]), seconds=3))


def _put(at: int | Callable[[BatchHead], int], data: bytes) -> Change:
    """Writes bytes over those that are there."""

    def change(payload: bytearray, head: BatchHead) -> None:
        start = at if isinstance(at, int) else at(head)
        payload[start : start + len(data)] = data

    return change


def _insert(at: Callable[[BatchHead], int], data: bytes) -> Change:
    """Writes bytes between those that are there."""

    def change(payload: bytearray, head: BatchHead) -> None:
        start = at(head)
        payload[start:start] = data

    return change


def _lengthen(payload: bytearray, head: BatchHead) -> None:
    """Puts a byte behind the packed records, as if it were one of theirs."""
    payload[head.bodies_end : head.bodies_end] = b"\0"
    payload[BATCH_HEAD_SIZE - 3 : BATCH_HEAD_SIZE] = (head.packed + 1).to_bytes(3, "big")


def _both(one: Change, other: Change) -> Change:
    """One change, then the other."""

    def change(payload: bytearray, head: BatchHead) -> None:
        one(payload, head)
        other(payload, head)

    return change


def _cut(end: int) -> Change:
    def change(payload: bytearray, _: BatchHead) -> None:
        del payload[end:]

    return change


def _in_blobs(length: int) -> Callable[..., History]:
    """A history whose only batch travels in a blob that says another length of it."""

    def make(forced: int = 0) -> History:
        history, sealed = _begun(forced)
        (blob,) = pack(encode_batch(batch_of(history.blocks(*sealed))))
        history.post(*sealed, carried=[b"\0" + length.to_bytes(4, "big") + blob[5:]])
        return history

    return make


def _packed(third: bytes, table: Sequence[int] = ()) -> Callable[..., History]:
    """A history whose only batch has another third packed record."""

    def make(forced: int = 0) -> History:
        history, sealed = _begun(forced)
        data = encode_batch(batch_of(history.blocks(*sealed)))
        packed = [pack_record(record, split(record), {}) for block in sealed for record in block.own]
        history.post(*sealed, payload=repacked(data, table, [*packed[:2], third]))
        return history

    return make


def _index_at(head: BatchHead) -> int:
    return head.bodies_at - index_size(head.own)


def _first_block(within: int) -> Callable[[BatchHead], int]:
    return lambda head: head.bodies_end + within


def _second_block(within: int) -> Callable[[BatchHead], int]:
    return _first_block(BLOCK_COUNTS_SIZE + ORIGIN_SIZE + within)


def _number(value: int) -> bytes:
    return value.to_bytes(8, "big")


_POSTED: Final = BlockNumber(FIRST_BLOCK + 3)
"""The L1 block that takes in the batch of a faulty history."""

_FLAG: Final = BLOCK_COUNTS_SIZE - 1

FAULTS: Final[dict[str, Callable[..., History]]] = {
    "another version": _with(_put(0, b"\x02")),
    "another height": _with(_put(1, _number(2))),
    "another parent": _with(_put(9, b"\x07")),
    "no blocks": _with(_put(41, bytes(2))),
    "another count": _with(_put(0, b""), count=4),
    "a head that is cut": _with(_cut(BATCH_HEAD_SIZE - 1)),
    "a table beyond the end": _with(_put(47, b"\xff\xff")),
    "packed records beyond the end": _with(_put(49, b"\xff\xff\xff")),
    "a block's head beyond the end": _with(_cut(-1)),
    "an origin beyond the end": _with(_put(_second_block(_FLAG), b"\0")),
    "a flag of two": _with(_put(_second_block(_FLAG), b"\2")),
    "a first block without its origin": _with(_put(_first_block(_FLAG), b"\1")),
    "time that goes back": _with(_put(_second_block(0), _number(FIRST_TIME))),
    "time ahead of L1": _with(
        _put(_second_block(0), _number(FIRST_TIME + BLOCK_SECONDS * _POSTED + MOST_CLOCK_SKEW + 1))
    ),
    "an origin that goes back": _with(_put(_first_block(BLOCK_COUNTS_SIZE), _number(FIRST_BLOCK - 1))),
    "an origin that is not below its post": _with(_put(_first_block(BLOCK_COUNTS_SIZE), _number(_POSTED))),
    "too many own transactions": _with(_put(_first_block(8), b"\0\4")),
    "too many entries": _with(_put(_first_block(10), b"\0\2")),
    "a group that begins elsewhere": _with(_put(_index_at, b"\0\0\1")),
    "an empty record": _with(
        _both(_put(lambda head: _index_at(head) + 3, b"\0"), _put(lambda head: head.bodies_at, bytes(3)))
    ),
    "a record beyond the others' end": _with(_put(lambda head: head.bodies_at - 1, b"\xff")),
    "a long record's length beyond the others' end": _with(_put(lambda head: head.bodies_at - 1, b"\0")),
    "a record that names no number of the table": _with(_put(lambda head: head.bodies_at + 65, b"\x7f\xff")),
    "a long record that is cut": _packed(b"\x10" + bytes(68) + b"\0\1\1" + bytes(256)),
    "a long call of 512 arguments": _packed(b"\x20" + bytes(64 + 4 + 1 + 512)),
    "a long record that names no number of the table": _packed(b"\x20" + bytes(320) + named(2), (7, 8)),
    "a sixth name that is no number of the table": _packed(
        b"\x0a" + bytes(64) + named(0) * 5 + named(1), (7,)
    ),
    "a long record with a recipient of 21 bytes": _packed(b"\x08" + bytes(64) + b"\x54\1" + bytes(300)),
    "a long call whose selector is a large number of the table": _packed(
        b"\x20" + bytes(64 + 4) + named(0) + bytes(300), (1 << 32,)
    ),
    "another root": _with(_put(0, b""), transactions_root=keccak256(b"another")),
    "a transaction that no block has": _with(_put(_second_block(8), bytes(2))),
    "bytes behind the packed records": _with(_lengthen),
    "bytes behind the blocks": _with(_insert(_second_block(BLOCK_COUNTS_SIZE), b"\0")),
    "an entry that no block has": _with(_put(0, b""), forced_end=1),
    "a length beyond the blob": _in_blobs(BLOB_CAPACITY - 3),
    "an empty blob": _in_blobs(0),
}
"""What makes a batch with each fault."""

SHOWN_TWICE: Final = (
    "another version",
    "a record that names no number of the table",
    "a long record that is cut",
    "a long record that names no number of the table",
    "another root",
)
"""Faults that are also shown in a batch that consumes an entry of the queue."""


def finds_fault(state: State, after: State, number: BatchNumber) -> bool:
    """Whether a step finds that a batch does not count."""
    machine = after.machine
    if machine.batch != number or state.machine.is_void:
        return False
    before = state if state.entered is None else state.entered
    gone = machine.phase is Phase.IDLE and machine.height == before.machine.height
    return machine.is_void or gone
