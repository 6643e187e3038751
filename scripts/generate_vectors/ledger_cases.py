"""Which steps of which histories become vectors: each kind of step once, and each way to a void batch."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from anh_rollup.encoding.blobs import BLOB_CAPACITY
from anh_rollup.encoding.checks import UINT8_MOST, UINT256_MOST
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.indexed_items import GROUP_SIZE
from anh_rollup.encoding.packed_records import pack_record, split
from anh_rollup.primitives import ETHER, GWEI, L2_CHAIN_ID, BatchNumber, Seconds
from anh_rollup.protocol.jobs import DNN_ADDRESS, Job, JobKind, Property, order_calldata
from anh_rollup.protocol.ledger import EXIT, BlockTerms, Skipped, decode_or_none, outcome_of
from anh_rollup.protocol.machine.book import Book
from anh_rollup.protocol.machine.fields import Phase
from anh_rollup.protocol.machine.state import Look, State, first_state
from anh_rollup.protocol.machine.steps import is_at_rest, step
from scripts.generate_vectors.ledger_faults import FAULTS, SHOWN_TWICE, finds_fault
from scripts.generate_vectors.ledger_history import (
    ALICE,
    BOB,
    CAROL,
    SEQUENCER,
    History,
    Sealed,
)
from scripts.generate_vectors.ledger_packing import named, post_packed

_DRAFTING: Final = (Phase.READ, Phase.GATHER, Phase.UNPACK)

_NO_FEES: Final = {"maxFeePerGas": None, "maxPriorityFeePerGas": None}
"""Of transactions with a gas price."""

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
    for carrier in ("calldata", "blobs"):
        yield from _kinds(f"{carrier}, drafts", drafts(carrier == "blobs"), _DRAFTING)
    yield _boundary()
    for name, make in FAULTS.items():
        yield _fault(name, make(), "void")
    for name in SHOWN_TWICE:
        yield _fault(name, FAULTS[name](forced=1), "void with entries")


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


def drafts(blobs: bool) -> History:
    """A batch of records that take several steps to read: long ones, and such as name much of the table."""
    history = History()
    history.deposit(ALICE.address, 10 * ETHER)
    history.mine()
    table = [int.from_bytes(each, "big") for each in (BOB.address, CAROL, SEQUENCER)]
    table += [10**16 + each for each in range(21)]
    call = ALICE.record(nonce=0, to=BOB.address, data=b"call" + b"".join(map(_word, table)), gas=200_000)
    long = ALICE.record(nonce=1, to=CAROL, data=bytes(range(1, 256)) * 2, gas=100_000)
    packed = [_named(record, table) for record in (call, long, b"\x07 no record" * 50)]
    signature = packed[0][1:65]
    names = b"".join([named(place) for place in (0, 5, 6, 7, 8, 9)])
    post_packed(history, table, [*packed, b"\x0a" + signature + names], blobs=blobs)
    return history


def _named(record: bytes, table: Sequence[int]) -> bytes:
    places = {number: place for place, number in enumerate(table)}
    return pack_record(record, split(record), places)


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")


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
        kind = _kind(history, state, after, look)
        if kind not in seen and (not phases or state.machine.phase in phases):
            seen.add(kind)
            yield Case(f"{carrier}: {kind}", history, state, last)


def _kind(history: History, state: State, after: State, look: Look) -> str:
    """What a step shows."""
    machine, phase = state.machine, state.machine.phase
    found = "".join([str(int(tree.prove(key).found)) for key, tree in look.touched])
    name = f"{phase.name.lower()} to {after.machine.phase.name.lower()}"
    if phase is Phase.APPLY:
        return f"apply {_effect(state)}, leaves {found}"
    if phase is Phase.NOTICES:
        told = look.notice.kind.name.lower() if found and look.notice is not None else "nothing"
        return f"{name}, {told}, leaves {found}"
    if phase in (Phase.GATHER, Phase.UNPACK) or after.machine.phase in (Phase.GATHER, Phase.UNPACK):
        numbers = "more numbers" if state.drafted.numbers else "numbers"
        return f"{name}, {len(look.ranges or ())} reads, {numbers}"
    if phase is Phase.READ:
        index = history.posting(machine.batch).header.count - machine.records_left
        row = f"row {index // GROUP_SIZE}" + ", first" * (index % GROUP_SIZE == 0)
        size = f"{'long' if len(after.record) > UINT8_MOST else 'short'}, {row}"
        return f"{name}, {'forced' if machine.forced_left else size}, {len(look.ranges or ())} reads"
    kind = "of a void batch" if machine.is_void else "of a batch"
    return f"{name} {kind}, {len(look.ranges or ())} reads"


def _effect(state: State) -> str:
    """What becomes of the transaction that is to be applied."""
    transaction = decode_or_none(state.record, L2_CHAIN_ID)
    machine = state.machine
    if transaction is None:
        return "undecodable"
    sender = Book(state.tree).account(transaction.sender)
    terms = BlockTerms(machine.base_fee, machine.room, int(machine.pending_forced))
    outcome = outcome_of(transaction, sender, terms)
    if isinstance(outcome, Skipped):
        return outcome.reason
    kind = "creation" if transaction.to is None else f"type {transaction.kind}"
    poor = "beyond what is cleared" if transaction.value == MOST else "covered"
    return f"{outcome.effect}, {kind}, {poor}"


def _fault(name: str, history: History, kind: str) -> Case:
    """The step that finds a fault in a history's last batch."""
    number = BatchNumber(len(history.postings))
    for state, after, _ in steps_of(history):
        if finds_fault(state, after, number):
            return Case(f"{kind}: {name}", history, state, number)
    message = f"the batch of '{name}' counts"
    raise ValueError(message)


def _boundary() -> Case:
    """The step that reads a record which lies in two blobs."""
    history = History()
    junk, own = bytes(BLOB_CAPACITY // 2 - 60), ALICE.record(to=BOB.address)
    history.post(Sealed((junk, junk, own), origins=1), blobs=True)
    for state, after, _ in steps_of(history):
        if after.record == own:
            return Case("blobs: read across two blobs", history, state, BatchNumber(1))
    message = "the record was not read"
    raise ValueError(message)
