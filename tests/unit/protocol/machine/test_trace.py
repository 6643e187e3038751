import pytest

from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.protocol.machine import trace as traces
from anh_rollup.protocol.machine.state import State, first_state
from anh_rollup.protocol.machine.trace import Trace
from anh_rollup.protocol.machine.witnesses import witness_of
from scripts.generate_vectors.ledger_cases import ordinary, steps_of

HISTORY = ordinary(blobs=False)
STATES = [state for state, _, _ in steps_of(HISTORY)]


def a_trace(base: State = STATES[0], last: int = 3) -> Trace:
    return Trace(base, last, HISTORY)


def test_a_trace_holds_every_machine_from_its_base_to_its_batch() -> None:
    trace = a_trace()
    assert trace.steps == len(STATES) - 1
    assert trace.end == STATES[-1]
    assert [trace.hash(index) for index in range(trace.steps + 1)] == [state.machine.hash for state in STATES]
    assert trace.tree.root == MerkleTree([state.machine.hash for state in STATES]).root


def test_a_trace_may_begin_at_any_batch() -> None:
    base = next(state for state in STATES if state.machine.batch == 1 and state.entered is None)
    trace = a_trace(base, last=2)
    assert trace.hash(0) == base.machine.hash
    assert (trace.end.machine.batch, trace.end.entered) == (2, None)
    assert trace.hash(trace.steps) in [state.machine.hash for state in STATES]


def test_a_trace_of_nothing_is_its_base() -> None:
    trace = Trace(first_state(HISTORY.first), 0, HISTORY)
    assert (trace.steps, trace.end, trace.tree.root) == (0, STATES[0], STATES[0].machine.hash)


@pytest.mark.parametrize(("spacing", "most"), [(4096, 64), (1, 4), (2, 6), (3, 2), (7, 64)])
def test_states_in_between_are_computed_again(
    spacing: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "FIRST_SPACING", spacing)
    monkeypatch.setattr(traces, "MOST_KEPT", most)
    trace = a_trace()
    assert [trace.state(index) for index in range(trace.steps, -1, -1)] == STATES[::-1]
    assert [trace.state(index) for index in range(trace.steps + 1)] == STATES
    assert trace.machine(5) == STATES[5].machine
    assert len(trace._kept) <= most


def test_a_witness_is_that_of_the_state() -> None:
    trace = a_trace()
    for index in (0, 1, 5, trace.steps):
        assert trace.witness(index, HISTORY) == witness_of(STATES[index], 3, HISTORY, HISTORY)


@pytest.mark.parametrize(("spacing", "most"), [(4096, 16), (1, 4), (3, 5)])
def test_what_is_taken_from_another_trace_is_what_would_be_computed(
    spacing: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "FIRST_SPACING", spacing)
    monkeypatch.setattr(traces, "MOST_KEPT", most)
    for end in range(4):
        known = a_trace(last=end)
        for start in range(end + 1):
            for last in range(start, 4):
                base = known.after(start)
                part = Trace(base, last, HISTORY, known.stretch(start, known.after(min(last, end))))
                own = Trace(base, last, HISTORY)
                hashes = [own.hash(index) for index in range(own.steps + 1)]
                assert [part.hash(index) for index in range(part.steps + 1)] == hashes
                assert (part.end, part.tree.root) == (own.end, own.tree.root)
                assert [part.state(at) for at in range(part.steps + 1)] == [
                    own.state(at) for at in range(own.steps + 1)
                ]
                assert [part.rests_after(batch) for batch in range(4)] == [
                    start <= batch <= last for batch in range(4)
                ]
                assert len(part._kept) <= most
