"""Writes that can be undone, and looks that are remembered."""

from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.world.engine import Account, Reads
from anh_rollup.world.journal import Journal, StateBefore
from tests.doubles.state import MemoryState
from tests.unit.world.engines import CONTRACT, OTHER

WRITES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)))


@given(WRITES, WRITES)
def test_a_rollback_restores_what_was_there_at_the_mark(
    first: list[tuple[int, int]], then: list[tuple[int, int]]
) -> None:
    journal, table = Journal(), dict[int, int]()
    for key, value in first:
        journal.write(table, key, value)
    mark, there = journal.mark(), dict(table)
    for key, value in then:
        journal.write(table, key, value)
    journal.rollback(mark)
    assert table == there == dict(first)


def test_each_part_of_the_state_is_fetched_once() -> None:
    state = MemoryState({CONTRACT: Account(1, 5)}, {(CONTRACT, 1): 7})
    before = StateBefore(state, Journal())
    assert [before.account(CONTRACT) for _ in range(2)] == [Account(1, 5)] * 2
    assert [before.slot((CONTRACT, 1)) for _ in range(2)] == [7, 7]
    assert before.account(OTHER) == Account()
    assert state.asked == 3


def test_looks_outlive_a_rollback_only_among_all_that_ever_were() -> None:
    journal = Journal()
    before = StateBefore(MemoryState(), journal)
    before.account(CONTRACT)
    mark = journal.mark()
    before.account(OTHER)
    before.slot((OTHER, 1))
    journal.rollback(mark)
    assert before.looked_at == Reads(frozenset({CONTRACT, OTHER}), frozenset({(OTHER, 1)}))
    assert before.still_looked_at == Reads(frozenset({CONTRACT}))


def test_what_a_reverted_frame_saw_counts_again_when_it_is_looked_at_again() -> None:
    journal = Journal()
    before = StateBefore(MemoryState(), journal)
    before.slot((OTHER, 1))
    journal.rollback(0)
    before.slot((OTHER, 1))
    assert before.still_looked_at == Reads(frozenset(), frozenset({(OTHER, 1)}))
