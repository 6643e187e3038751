"""The shipped LedgerArbiter reads packed records of any bytes and length, step by step, as Python does."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anh_rollup.encoding.merkle import DEEPEST
from anh_rollup.encoding.packed_records import pack_record, split
from anh_rollup.encoding.transactions import MOST_TRANSACTION_BYTES
from anh_rollup.l1.contracts.ledger_claims import LedgerClaims
from anh_rollup.primitives import ETHER, ZERO_DIGEST, BatchNumber
from anh_rollup.protocol.ledger_claims import LedgerPhase, LedgerPosition
from anh_rollup.protocol.ledger_moves import Prove
from anh_rollup.protocol.machine.drafts import MOST_NUMBERS, PART_SIZE
from anh_rollup.protocol.machine.fields import Machine, Phase
from anh_rollup.protocol.machine.witnesses import Witness, witness_of
from anh_rollup.sequencer.poster import MOST_CALLDATA
from scripts.generate_vectors.ledger_cases import ALICE, CAROL, steps_of
from scripts.generate_vectors.ledger_history import History
from scripts.generate_vectors.ledger_packing import named, post_packed
from tests.differential.ledger_arbiter import Contracts, StepRevertedError, selector
from tests.doubles import ordering

CONTRACTS = Contracts()

#: What a step may take, so that with the rest of its game (docs/ledger-claims.md) it stays below 2,000,000.
MOST_STEP_GAS = 1_480_000

SIGNATURE = bytes(range(1, 65))
LONGEST = 65_568
"""Bytes of the longest packed record."""

READING = (Phase.READ, Phase.GATHER, Phase.UNPACK)

#: Short numbers of all forms, and such as are cut off.
NUMBERS = (
    st.integers(0, 63).map(lambda value: bytes([value]))
    | st.integers(0, 31).map(lambda size: bytes([0x40 + size]) + b"\5" * (size + 1))
    | st.integers(0, 40).map(named)
    | st.integers(0, 127).map(lambda form: bytes([0x80 + form]) + b"\7" * (form // 32 + 1))
    | st.binary(min_size=1, max_size=3)
)
PACKED = st.builds(
    lambda head, numbers, middle, call, tail: (
        bytes([head]) + SIGNATURE + b"".join(numbers) + middle + b"".join(call) + tail
    ),
    st.integers(0, 255) | st.sampled_from([0x0A, 0x2A, 0x20, 0x3A]),
    st.lists(NUMBERS, min_size=4, max_size=6),
    st.sampled_from([b"", b"\0\0\2\1\1", b"\0\1\0" + b"\2" * 256]),
    st.lists(NUMBERS, max_size=60) | st.lists(NUMBERS, min_size=505, max_size=520),
    st.binary(max_size=9),
)


def posted(packed: list[bytes], table: list[int], **how: bool) -> History:
    """A history with a batch of these packed records."""
    history = History()
    history.deposit(ALICE.address, 10 * ETHER)
    history.mine()
    post_packed(history, table, packed, **how)
    return history


def check(history: History) -> set[tuple[Phase, Phase]]:
    """Takes the steps that read transactions by the contract, too; from which phases they went to which.

    Of those that stay in their phase it is each 32nd.
    """
    seen, stayed = set[tuple[Phase, Phase]](), 0
    for state, after, _ in steps_of(history):
        pair = state.machine.phase, after.machine.phase
        if pair[0] not in READING:
            continue
        seen.add(pair)
        stayed += pair[0] is pair[1]
        if pair[0] is not pair[1] or stayed % 32 == 1:
            witness = witness_of(state, BatchNumber(1), history, history)
            assert CONTRACTS.step(state.machine, 1, witness, history) == after.machine.encode(), state.machine
    return seen


def check_random(packed: list[bytes], size: int, kept: float) -> None:
    random = Random(size)
    table = [random.randrange(1 << random.choice([8, 32, 33, 160])) for _ in range(size)]
    check(posted([each[: max(1, int(len(each) * kept))] for each in packed], table))


RANDOM = given(
    st.lists(PACKED, min_size=1, max_size=3), st.integers(0, 45), st.sampled_from([1, 1, 0.9, 0.3])
)


@RANDOM
@settings(max_examples=25, deadline=None)
def test_packed_records_of_any_bytes_are_read_alike(packed: list[bytes], size: int, kept: float) -> None:
    check_random(packed, size, kept)


@pytest.mark.slow
@RANDOM
@settings(max_examples=3_000, deadline=None)
def test_many_packed_records_of_any_bytes_are_read_alike(packed: list[bytes], size: int, kept: float) -> None:
    check_random(packed, size, kept)


@pytest.mark.parametrize("length", [PART_SIZE - 1, PART_SIZE, PART_SIZE + 1, 2 * PART_SIZE, LONGEST])
def test_records_are_read_in_as_many_parts_as_they_have(length: int) -> None:
    phases = check(posted([b"\x80" + Random(length).randbytes(length - 1)], []))
    expected = {(Phase.READ, Phase.APPLY)}
    if length > PART_SIZE:
        expected = {(Phase.READ, Phase.GATHER), (Phase.GATHER, Phase.UNPACK), (Phase.UNPACK, Phase.APPLY)}
    if length > 2 * PART_SIZE:
        expected.add((Phase.GATHER, Phase.GATHER))
    assert phases == expected


def test_a_few_names_are_read_at_once() -> None:
    for count in (MOST_NUMBERS, MOST_NUMBERS + 1):
        packed = b"\x0a" + SIGNATURE + named(0) * count + b"\1" * (6 - count)
        (read,) = [pair for pair in check(posted([packed], [7])) if pair[0] is Phase.READ]
        assert read[1] is (Phase.APPLY if count == MOST_NUMBERS else Phase.UNPACK)


def test_the_dearest_reads_of_blobs_leave_the_rest_of_their_game_its_gas() -> None:
    """Field elements far apart, numbers and the index's row across two each, a part across ten."""
    random = Random("dearest")
    split_places = [place for place in range(8_000) if (4 + 52 + 20 * place) % 31 > 11]
    names = [named(place) for place in split_places[:: len(split_places) // 512]]
    data = bytes(random.choices(range(1, 256), k=256))
    short = (b"\x0a" + SIGNATURE + b"".join(names[:MOST_NUMBERS]) + b"\5" + data)[:PART_SIZE]
    call = b"\x2a" + SIGNATURE + b"".join(names[:6]) + b"\x43four" + b"".join(names[1:512])
    packed = [b"\x80" + b"\1" * 80, *[b"\x80\1"] * 15, short, call]
    history = posted(packed, [random.randrange(1 << 159, 1 << 160) for _ in range(8_160)], blobs=True)
    elements, gas = list[int](), list[int]()
    for state, after, _ in steps_of(history):
        machine = state.machine
        chosen = machine.phase in READING and machine.records_left <= 2
        if not chosen or 0 < state.drafted.draft.count < 512:
            continue
        witness = witness_of(state, BatchNumber(1), history, history)
        assert CONTRACTS.step(machine, 1, witness, history) == after.machine.encode()
        elements.append(len(witness.payload.elements))
        gas.append(CONTRACTS.gas)
    assert max(elements) == 22
    assert max(gas) < MOST_STEP_GAS, gas


def proved(machine: Machine, witness: Witness) -> bytes:
    """A signed transaction that proves a step of the deepest trace."""
    full = b"\xff" * 32
    account = "0x" + "ff" * 20
    position = LedgerPosition(
        full, account, account, BatchNumber(1), full, (1 << 32) - 1, LedgerPhase.PROVE, full, 0, (1 << 32) - 1
    )
    claims = LedgerClaims(None, account)  # type: ignore[arg-type]
    request = claims.request_for(Prove(machine, (full,) * DEEPEST, witness), full, position)
    return ordering.ALICE.call(0, request.data, gas=10**7, to=account)


def test_the_longest_proof_about_a_batch_of_calldata_is_relayed() -> None:
    """One record that names six numbers fills the batch; beside a full batch there is room for any record."""
    packed = b"\x0a" + SIGNATURE + b"".join([named(place) for place in range(MOST_NUMBERS + 1)])
    table = [(1 << 160) - 1 - place for place in range(10)]
    long = packed + b"\5" * PART_SIZE
    spare = MOST_CALLDATA - len(posted([long], table).posting(BatchNumber(1)).payload or b"")
    history = posted([long + b"\5" * spare], table)
    reading = [each for each in steps_of(history) if each[0].machine.phase is Phase.UNPACK and each[2].ranges]
    assert len(reading) == 2
    for state, after, _ in reading:
        witness = witness_of(state, BatchNumber(1), history, history)
        assert len(witness.payload.data) == MOST_CALLDATA
        assert CONTRACTS.step(state.machine, 1, witness, history) == after.machine.encode()
        grown = replace(
            witness,
            packed=witness.packed + b"\5" * (LONGEST - len(witness.packed)),
            batch_frontier=(ZERO_DIGEST,) * DEEPEST,
            block_frontier=(ZERO_DIGEST,) * DEEPEST,
        )
        assert len(proved(state.machine, grown)) < MOST_TRANSACTION_BYTES


def test_a_long_record_that_is_shown_otherwise_is_refused() -> None:
    table = [int.from_bytes(CAROL, "big"), *range(10**9, 10**9 + 20)]
    data = b"call" + b"".join([number.to_bytes(32, "big") for number in table])
    record = ALICE.record(nonce=0, to=CAROL, data=data, gas=10**6)
    packed = pack_record(record, split(record), {number: place for place, number in enumerate(table)})
    history = posted([packed], table)
    last = [each for each, after, _ in steps_of(history) if after.machine.phase is Phase.APPLY][-1]
    witness = witness_of(last, BatchNumber(1), history, history)
    assert witness.numbers[:2] == (table[0], table[0])
    others = {
        "WrongDraft(bytes32,bytes32)": {"draft": replace(witness.draft, end=witness.draft.end + 1)},
        "WrongPacked(bytes32,bytes32)": {"packed": witness.packed + b"\0"},
        "WrongNumbers(bytes32,bytes32)": {"numbers": witness.numbers[1:]},
    }
    for error, other in others.items():
        with pytest.raises(StepRevertedError, match=selector(error).hex()):
            CONTRACTS.step(last.machine, 1, replace(witness, **other), history)
