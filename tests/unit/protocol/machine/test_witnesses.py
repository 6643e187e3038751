import pytest

from anh_rollup.encoding.blobs import pack
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.packed_records import join, read_parts
from anh_rollup.protocol.machine.drafts import NO_DRAFT
from anh_rollup.protocol.machine.fields import Phase
from anh_rollup.protocol.machine.tree import Found
from anh_rollup.protocol.machine.witnesses import (
    NO_BATCH,
    NO_MACHINE,
    NO_NOTICE,
    Payload,
    Witness,
    elements_of,
    witness_of,
)
from scripts.generate_vectors.ledger_cases import drafts, ordinary, steps_of
from scripts.generate_vectors.ledger_faults import FAULTS
from scripts.generate_vectors.ledger_history import History
from tests.doubles.ledger_proofs import proven_root

HISTORY = ordinary(blobs=False)
IN_BLOBS = ordinary(blobs=True)
NOTHING = Witness(NO_BATCH, NO_MACHINE, Payload(), NO_NOTICE, b"", NO_DRAFT, b"", (), (), (), ())
OWN_PHASES = (Phase.BLOCK, Phase.READ, Phase.GATHER, Phase.UNPACK, Phase.SEAL)


def witnesses(history: History, *phases: Phase) -> list[Witness]:
    last = len(history.postings)
    return [
        witness_of(state, last, history, history)
        for state, _, _ in steps_of(history)
        if not phases or state.machine.phase in phases
    ]


def test_a_machine_at_rest_needs_nothing() -> None:
    assert witnesses(HISTORY)[-1] == NOTHING


def test_each_leaf_stands_in_the_tree_after_the_touches_before_it() -> None:
    shown = set[Found]()
    for state, after, look in steps_of(HISTORY):
        leaves = witness_of(state, 3, HISTORY, HISTORY).leaves
        roots = [tree.root for _, tree in look.touched]
        assert [root for root in roots[:1] if root != state.tree.root] == []
        for (key, tree), leaf in zip(look.touched, leaves, strict=True):
            expected = tree.prove(key)
            assert (leaf.found, leaf.siblings) == (expected.found, expected.siblings)
            assert proven_root(key, expected) == tree.root
            padded = (*expected.fields, 0, 0, 0)[:3]
            assert leaf.fields == padded
            shown.add(leaf.found)
        assert after.machine.ledger == after.tree.root
    assert shown == set(Found)


@pytest.mark.parametrize("history", [HISTORY, IN_BLOBS], ids=["calldata", "blobs"])
def test_what_a_witness_holds_is_what_its_phase_says(history: History) -> None:
    for state, _, look in steps_of(history):
        machine, witness = state.machine, witness_of(state, 3, history, history)
        own = machine.phase in OWN_PHASES and not machine.is_void
        entering = machine.phase is Phase.IDLE and machine.batch < 3
        number = machine.batch + entering
        assert witness.batch == (history.posting(number).header if own or entering else NO_BATCH)
        assert (witness.checkpoint.hash == machine.checkpoint) == own
        assert (witness.payload == Payload()) == (not look.ranges)
        assert (
            keccak256(witness.record) == machine.pending
            if machine.phase is Phase.APPLY
            else not witness.record
        )
        grows = machine.phase in (Phase.READ, Phase.UNPACK, Phase.SEAL)
        assert witness.block_frontier == (state.block_frontier.roots if grows else ())
        assert witness.batch_frontier == (state.batch_frontier.roots if grows and own else ())
        assert witness.notice == (look.notice or NO_NOTICE)


def test_calldata_is_given_as_a_whole() -> None:
    reading = witnesses(HISTORY, Phase.BLOCK)
    assert [keccak256(each.payload.data) for each in reading] == [each.batch.data for each in reading]


def test_of_blobs_the_elements_are_given_in_which_the_read_bytes_lie() -> None:
    (blob,) = pack(IN_BLOBS.posting(1).payload or b"")
    for state, _, look in steps_of(IN_BLOBS):
        payload = witness_of(state, 3, IN_BLOBS, IN_BLOBS).payload
        if state.machine.batch + (state.machine.phase is Phase.IDLE) != 1 or not look.ranges:
            continue
        given = {each.index: each.value for each in payload.elements}
        assert list(given) == sorted(given)
        assert all(blob[32 * index : 32 * index + 32] == value for index, value in given.items())
        needed = {(4 + at) // 31 for start, end in look.ranges for at in range(start, end)}
        assert needed | ({0} if state.machine.phase is Phase.IDLE else set()) == set(given)
        assert (payload.data, payload.blobs) == (b"", IN_BLOBS.hashes(1))


def test_of_a_blob_that_holds_no_payload_its_length_is_given() -> None:
    for name in ("a length beyond the blob", "an empty blob"):
        (first, *_) = witnesses(FAULTS[name]())
        assert [each.index for each in first.payload.elements] == [0]


def test_of_a_long_record_a_step_opens_ten_elements_at_most() -> None:
    history = drafts(blobs=True)
    for state, _, look in steps_of(history):
        if state.machine.phase in (Phase.GATHER, Phase.UNPACK):
            payload = witness_of(state, 1, history, history).payload
            assert len(payload.elements) <= 10
            assert [each.index for each in payload.elements] == elements_of(look.ranges or ())


def test_the_last_step_of_a_long_record_is_given_all_that_was_read_of_it() -> None:
    history = drafts(blobs=False)
    for state, after, _ in steps_of(history):
        phase, witness = state.machine.phase, witness_of(state, 1, history, history)
        drafted = phase in (Phase.GATHER, Phase.UNPACK)
        assert witness.draft == (state.drafted.draft if drafted else NO_DRAFT)
        assert not drafted or witness.draft.digest == state.machine.pending
        assert witness.packed == (state.drafted.packed if phase is Phase.UNPACK else b"")
        ends = phase is Phase.UNPACK and after.machine.phase is Phase.APPLY
        assert witness.numbers == (state.drafted.numbers if ends else ())
        if ends:
            parts = read_parts(witness.packed)
            assert keccak256(join(parts.filled(witness.numbers))) == after.machine.pending


def test_ranges_lie_in_elements_behind_the_length() -> None:
    assert elements_of([]) == []
    assert elements_of([(-4, 0)]) == [0]
    assert elements_of([(0, 27)]) == [0]
    assert elements_of([(26, 28), (0, 1)]) == [0, 1]
    assert elements_of([(27, 58), (58, 59)]) == [1, 2]


def test_a_released_escrow_is_shown_without_fields() -> None:
    lapses = [each for each in witnesses(HISTORY, Phase.NOTICES) if each.notice.kind == 3]
    there, released = (each.leaves for each in lapses)
    payer, reward, _ = there[0].fields
    assert (there[0].found, released[0].found) == (Found.ITSELF, Found.ITSELF)
    assert reward > 0
    assert payer > 0
    assert (released[0].fields, len(released)) == ((0, 0, 0), 1)
