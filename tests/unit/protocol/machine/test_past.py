from functools import partial
from itertools import pairwise

from anh_rollup.primitives import BatchNumber
from anh_rollup.protocol.derivation import Posting
from anh_rollup.protocol.machine.past import MOST_STATES, MOST_TRACES, Past
from anh_rollup.protocol.machine.state import first_state
from anh_rollup.protocol.machine.trace import Trace
from scripts.generate_vectors.ledger_cases import ordinary
from scripts.generate_vectors.ledger_history import History, Sealed

HISTORY = ordinary(blobs=False)


class Watched:
    """A history that counts how often a batch is looked at."""

    def __init__(self, history: History) -> None:
        self._history, self.asked = history, list[int]()
        self.rules = history.rules
        self.entry, self.notice = history.entry, history.notice

    def posting(self, number: BatchNumber) -> Posting:
        self.asked.append(number)
        return self._history.posting(number)


def test_a_state_is_where_the_trace_to_it_ends() -> None:
    first = first_state(HISTORY.first)
    past = Past(first, HISTORY)

    assert past.state(BatchNumber(0)) is first
    for number in (3, 1, 2):
        end = Trace(first, BatchNumber(number), HISTORY).end
        assert past.state(BatchNumber(number)).machine == end.machine
        assert past.trace(BatchNumber(0), BatchNumber(number)).end.machine == end.machine


def test_traces_go_together_to_the_whole() -> None:
    past = Past(first_state(HISTORY.first), HISTORY)
    whole = past.trace(BatchNumber(0), BatchNumber(3))
    parts = [past.trace(BatchNumber(at), BatchNumber(at + 1)) for at in range(3)]

    hashes = [part.hash(index) for part in parts for index in range(part.steps)]
    assert [*hashes, parts[-1].hash(parts[-1].steps)] == [
        whole.hash(index) for index in range(whole.steps + 1)
    ]


def test_what_was_folded_is_not_folded_again() -> None:
    watched = Watched(HISTORY)
    past = Past(first_state(HISTORY.first), watched)
    past.state(BatchNumber(2))
    watched.asked.clear()

    trace = past.trace(BatchNumber(2), BatchNumber(3))
    assert set(watched.asked) == {3}
    watched.asked.clear()
    assert past.trace(BatchNumber(2), BatchNumber(3)) is trace
    assert past.state(BatchNumber(3)) is trace.end
    assert watched.asked == []


def test_a_trace_goes_on_where_another_one_ends() -> None:
    watched = Watched(HISTORY)
    past = Past(first_state(HISTORY.first), watched)
    past.trace(BatchNumber(0), BatchNumber(2))
    watched.asked.clear()

    longer = past.trace(BatchNumber(0), BatchNumber(3))
    assert set(watched.asked) == {3}
    watched.asked.clear()
    parts = [past.trace(BatchNumber(0), BatchNumber(2)), past.trace(BatchNumber(2), BatchNumber(3))]
    assert longer.steps == sum(part.steps for part in parts)
    assert [part.hash(0) for part in parts] == [longer.hash(0), longer.hash(parts[0].steps)]
    assert watched.asked == []


def test_what_another_maker_made_is_no_part_of_anything() -> None:
    watched = Watched(HISTORY)
    past = Past(first_state(HISTORY.first), watched, partial(Trace))
    past.trace(BatchNumber(0), BatchNumber(2))
    watched.asked.clear()
    past.trace(BatchNumber(0), BatchNumber(3))
    assert set(watched.asked) == {1, 2, 3}


def test_what_l1_did_not_replace_is_still_known() -> None:
    watched, other = Watched(HISTORY), Watched(HISTORY)
    past = Past(first_state(HISTORY.first), watched)
    traces = [past.trace(BatchNumber(0), BatchNumber(end)) for end in (2, 3)]

    kept = past.continued(other, BatchNumber(2))

    assert kept.view is other
    assert kept.known(BatchNumber(0)) is past.known(BatchNumber(0))
    assert kept.known(BatchNumber(2)) is past.known(BatchNumber(2)) is not None
    assert kept.known_trace(BatchNumber(0), BatchNumber(2)) is traces[0]
    assert (kept.known(BatchNumber(3)), kept.known_trace(BatchNumber(0), BatchNumber(3))) == (None, None)
    watched.asked.clear()
    assert kept.trace(BatchNumber(0), BatchNumber(3)).tree.root == traces[1].tree.root
    assert (watched.asked, set(other.asked)) == ([], {3})


def test_of_old_states_some_are_kept_and_the_others_computed_from_them() -> None:
    history = History()
    for _ in range(2 * MOST_STATES):
        history.mine()
        history.post(Sealed())
    watched = Watched(history)
    past = Past(first_state(history.first), watched)
    numbers = [BatchNumber(number) for number in range(1, 2 * MOST_STATES + 1)]
    states = [past.state(number) for number in numbers]
    known = [number for number in numbers if past.known(number) is not None]

    assert len(known) == MOST_STATES
    assert known[-8:] == numbers[-8:]
    assert all(after - before <= 2 + numbers[-1] - after for before, after in pairwise([0, *known]))
    (gone, *_) = [number for number in reversed(numbers) if number not in known]
    watched.asked.clear()
    assert past.state(gone).machine == states[gone - 1].machine
    assert set(watched.asked) == {gone}


def test_only_the_latest_traces_are_kept() -> None:
    past = Past(first_state(HISTORY.first), HISTORY)
    ends = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3)]
    assert len(ends) == MOST_TRACES + 1
    traces = [past.trace(BatchNumber(start), BatchNumber(last)) for start, last in ends]
    assert [past.known_trace(BatchNumber(start), BatchNumber(last)) for start, last in ends] == [
        None,
        *traces[1:],
    ]
