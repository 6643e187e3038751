"""Which steps of which histories become vectors: each kind of step once, and each way to a void batch."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from anh_rollup.encoding.batches import encode_batch
from anh_rollup.encoding.blobs import BLOB_CAPACITY, pack
from anh_rollup.encoding.checks import UINT8_MOST, UINT256_MOST
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import ETHER, GWEI, L2_CHAIN_ID, Address, BatchNumber, BlockNumber, Seconds
from anh_rollup.protocol.derivation import MOST_CLOCK_SKEW, batch_of
from anh_rollup.protocol.jobs import DNN_ADDRESS, Job, JobKind, Property, order_calldata
from anh_rollup.protocol.ledger import EXIT, BlockTerms, Ledger, decode_or_none, effect_of
from anh_rollup.protocol.machine.book import Book
from anh_rollup.protocol.machine.fields import Phase
from anh_rollup.protocol.machine.payload import (
    BLOCK_COUNTS_SIZE,
    HEAD_SIZE,
    ORIGIN_SIZE,
    BatchHead,
    PayloadReader,
    index_size,
    read_batch_head,
)
from anh_rollup.protocol.machine.state import Look, State, first_state
from anh_rollup.protocol.machine.steps import is_at_rest, step
from scripts.generate_vectors.ledger_history import (
    BLOCK_SECONDS,
    FIRST_BLOCK,
    FIRST_TIME,
    SEQUENCER,
    History,
    Sealed,
    Signer,
)

Change = Callable[[bytearray, BatchHead], None]
"""Changes a batch's bytes in place."""

_NO_FEES: Final = {"maxFeePerGas": None, "maxPriorityFeePerGas": None}
"""Of transactions with a gas price."""

ALICE, BOB = Signer("alice"), Signer("bob")
CAROL: Final = Address(b"\xca" * 20)
MOST: Final = UINT256_MOST
"""Of a value or a fee."""

ORDER: Final = order_calldata(
    Job(
        JobKind.TRAINING,
        b"\1" * 32,
        bytes(32),
        (Property(b"\2" * 32, b"\3" * 32, -1),),
        Seconds(1_800_000_000),
        "https://a",
    )
)


@dataclass(frozen=True)
class Case:
    """A step.

    Attributes:
        name: What it shows.
        history: What L1 holds.
        state: Before it.
        last: The batch after which the machine stands still.
    """

    name: str
    history: History
    state: State
    last: BatchNumber


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _kinds("calldata", ordinary(blobs=False), ())
    yield from _kinds("blobs", ordinary(blobs=True), (Phase.IDLE, Phase.BLOCK, Phase.READ))
    for name, make in FAULTS.items():
        yield _fault(name, make(), entries=False)
    for name in SHOWN_TWICE:
        yield _fault(name, FAULTS[name](forced=1), entries=True)


def steps_of(history: History) -> Iterator[tuple[State, State, Look]]:
    """The states of a history's machine, each with the next one and what was looked at for it."""
    state, last = first_state(history.first), BatchNumber(len(history.postings))
    while not is_at_rest(state.machine, last):
        after, look = step(state, last, history)
        yield state, after, look
        state = after
    yield state, *step(state, last, history)


def ordinary(blobs: bool) -> History:
    """Batches that count, with transactions of all kinds; and a forced one."""
    history = History()
    for to in (ALICE.address, BOB.address):
        history.deposit(to, 10 * ETHER)
    history.mine()
    first_order, second_order = (
        ALICE.record(nonce=nonce, to=DNN_ADDRESS, data=ORDER, value=ETHER, gas=200_000) for nonce in (3, 4)
    )
    history.force(BOB.record(nonce=0, to=CAROL, value=5))
    history.force(b"no record at all")
    history.post(
        Sealed((*_payments(), first_order, second_order), forced=2, origins=2),
        Sealed(_others(), seconds=3),
        blobs=blobs,
    )
    history.pay_out(keccak256(first_order), CAROL)
    history.lapse(keccak256(second_order))
    history.lapse(keccak256(second_order))
    history.pay_out(keccak256(b"no order"), CAROL)
    history.mine(2)
    history.deposit(CAROL, 7)
    history.post(Sealed(origins=2), Sealed(_skipped(), origins=1), blobs=blobs)
    history.force(ALICE.record(nonce=5, to=EXIT, value=ETHER, maxFeePerGas=GWEI * 3 // 2))
    history.post_forced()
    return history


def _payments() -> tuple[bytes, ...]:
    """Plain transfers: to somebody else, to oneself, of nothing."""
    return (
        ALICE.record(nonce=0, to=BOB.address, value=ETHER),
        ALICE.record(nonce=1, to=ALICE.address, value=5),
        ALICE.record(nonce=2, to=SEQUENCER, value=0, type=None, gasPrice=GWEI, **_NO_FEES),
    )


def _others() -> tuple[bytes, ...]:
    """An exit, transactions that prepay, and so many transfers that the index has a second row."""
    words = b"\xa9\x05\x9c\xbb" + bytes(12) + BOB.address + (10**18).to_bytes(32, "big")
    listed = [{"address": "0x" + "22" * 20, "storageKeys": ["0x" + "33" * 32]}]
    most = {"value": MOST, "gas": 100_000}
    return (
        ALICE.record(nonce=5, to=EXIT, value=3 * GWEI),
        ALICE.record(nonce=6, to=CAROL, data=words, gas=60_000),
        ALICE.record(nonce=7, data=bytes(range(256)) + bytes(300), gas=200_000),
        ALICE.record(
            nonce=8, type=1, to=BOB.address, gasPrice=GWEI, accessList=listed, gas=50_000, **_NO_FEES
        ),
        BOB.record(nonce=1, to=DNN_ADDRESS, data=ORDER[:-1] + b"\1", **most),
        *[BOB.record(nonce=nonce, to=CAROL, value=10**nonce) for nonce in range(2, 12)],
    )


def _skipped() -> tuple[bytes, ...]:
    """A transaction for each rule that it can break; the account next in line is Alice's, with nonce 9."""
    return (
        b"\x07 no record",
        ALICE.record(nonce=8, to=BOB.address),
        ALICE.record(nonce=10, to=BOB.address),
        ALICE.record(nonce=9, to=BOB.address, gas=20_999),
        ALICE.record(nonce=9, to=BOB.address, gas=120_000_001),
        ALICE.record(nonce=9, to=BOB.address, maxFeePerGas=GWEI // 2),
        ALICE.record(nonce=9, to=BOB.address, gas=120_000_000, maxFeePerGas=MOST),
        ALICE.record(nonce=9, to=BOB.address, value=MOST),
    )


def _kinds(carrier: str, history: History, phases: Collection[Phase]) -> Iterator[Case]:
    """The first step of each kind, of some phases or of all."""
    seen, last = set[str](), BatchNumber(len(history.postings))
    for state, after, look in steps_of(history):
        kind = _kind(state, after, look)
        if kind not in seen and (not phases or state.machine.phase in phases):
            seen.add(kind)
            yield Case(f"{carrier}: {kind}", history, state, last)


def _kind(state: State, after: State, look: Look) -> str:
    """What a step shows."""
    machine, phase = state.machine, state.machine.phase
    found = "".join([str(int(tree.prove(key).found)) for key, tree in look.touched])
    name = f"{phase.name.lower()} to {after.machine.phase.name.lower()}"
    if phase is Phase.APPLY:
        return f"apply {_effect(state)}, leaves {found}"
    if phase is Phase.NOTICES:
        told = look.notice.kind.name.lower() if found and look.notice is not None else "nothing"
        return f"{name}, {told}, leaves {found}"
    if phase is Phase.READ:
        size = "long" if len(after.record) > UINT8_MOST else "short"
        return f"{name}, {'forced' if machine.forced_left else size}, {len(look.ranges or ())} reads"
    kind = "of a void batch" if machine.is_void else "of a batch"
    return f"{name} {kind}, {len(look.ranges or ())} reads"


def _effect(state: State) -> str:
    """What becomes of the transaction that is to be applied."""
    transaction = decode_or_none(state.record, L2_CHAIN_ID)
    machine = state.machine
    if transaction is None:
        return "undecodable"
    ledger = Ledger(History().rules, {transaction.sender: Book(state.tree).account(transaction.sender)})
    terms = BlockTerms(machine.base_fee, machine.room, int(machine.pending_forced))
    refused = ledger.refusal(transaction, terms)
    if refused is not None:
        return refused
    kind = "creation" if transaction.to is None else f"type {transaction.kind}"
    poor = "beyond what is cleared" if transaction.value == MOST else "covered"
    return f"{effect_of(transaction)}, {kind}, {poor}"


# --- faults ---


def _fault(name: str, history: History, entries: bool) -> Case:
    """The step that finds a fault in a history's only batch."""
    for state, after, _ in steps_of(history):
        if after.machine.is_void or (after.machine.phase is Phase.IDLE and after.machine.height == 0):
            kind = "void with entries" if entries else "void"
            return Case(f"{kind}: {name}", history, state, BatchNumber(1))
    message = f"the batch of '{name}' counts"
    raise ValueError(message)


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
    """A history with a deposit and an entry of the queue, and the blocks of its first batch."""
    history = History()
    history.deposit(ALICE.address)
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
    payload[HEAD_SIZE - 3 : HEAD_SIZE] = (head.packed + 1).to_bytes(3, "big")


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
    "a head that is cut": _with(_cut(HEAD_SIZE - 1)),
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
    "another root": _with(_put(0, b""), transactions_root=keccak256(b"another")),
    "a transaction that no block has": _with(_put(_second_block(8), bytes(2))),
    "bytes behind the packed records": _with(_lengthen),
    "bytes behind the blocks": _with(_insert(_second_block(BLOCK_COUNTS_SIZE), b"\0")),
    "an entry that no block has": _with(_put(0, b""), forced_end=1),
    "a length beyond the blob": _in_blobs(BLOB_CAPACITY - 3),
    "an empty blob": _in_blobs(0),
}
"""What makes a batch with each fault."""

SHOWN_TWICE: Final = ("another version", "a record that names no number of the table", "another root")
"""Faults that are also shown in a batch that consumes an entry of the queue."""
