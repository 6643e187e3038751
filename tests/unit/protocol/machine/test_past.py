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


def test_only_the_latest_are_kept_and_the_others_computed_again() -> None:
    history = History()
    for _ in range(MOST_STATES + 2):
        history.mine()
        history.post(Sealed())
    watched = Watched(history)
    past = Past(first_state(history.first), watched)
    traces = [past.trace(BatchNumber(0), BatchNumber(end)) for end in range(1, MOST_TRACES + 2)]
    assert past.trace(BatchNumber(0), BatchNumber(MOST_TRACES + 1)) is traces[-1]
    assert past.trace(BatchNumber(0), BatchNumber(1)) is not traces[0]
    states = [past.state(BatchNumber(number)) for number in range(1, MOST_STATES + 2)]
    watched.asked.clear()

    again = past.state(BatchNumber(1))

    assert again.machine == states[0].machine
    assert set(watched.asked) == {1}
