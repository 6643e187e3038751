"""The ledger's states between batches, and the traces from one of them to another."""

from collections.abc import Callable
from typing import Final

from anh_rollup.primitives import BatchNumber
from anh_rollup.protocol.machine.fields import Phase
from anh_rollup.protocol.machine.state import State
from anh_rollup.protocol.machine.steps import is_at_rest, step
from anh_rollup.protocol.machine.trace import Trace
from anh_rollup.protocol.machine.view import View

MOST_STATES: Final = 64
"""States that are kept beside the first one, the older the sparser (choice); their trees share what did not
change."""

MOST_TRACES: Final = 4
"""Traces that are kept, 32 bytes a step and as much again for their tree (choice)."""

TraceMaker = Callable[[State, BatchNumber, View], Trace]
"""What makes a trace from a state to a batch."""


class Past:
    """What the machine has been, computed when it is asked for; some answers are kept.

    What is known may be asked for at any time; only one thread at a time may have something computed.

    Args:
        first: The state before the first batch.
        view: What L1 holds.
        make: What makes traces.
    """

    def __init__(self, first: State, view: View, make: TraceMaker = Trace) -> None:
        self.view = view
        self._first, self._make = first, make
        self._states: dict[int, State] = {}
        self._traces: dict[tuple[int, int], Trace] = {}

    def continued(self, view: View, last: BatchNumber) -> "Past":
        """The same past up to a batch, where L1 holds something else from there on."""
        past = Past(self._first, view, self._make)
        past._states = {at: state for at, state in dict(self._states).items() if at <= last}
        past._traces = {ends: trace for ends, trace in dict(self._traces).items() if ends[1] <= last}
        return past

    def known(self, batch: BatchNumber) -> State | None:
        """The state after a batch if it is there already."""
        return self._first if batch == 0 else self._states.get(batch)

    def known_trace(self, start: BatchNumber, last: BatchNumber) -> Trace | None:
        """The trace between two batches if it is there already."""
        return self._traces.get((start, last))

    def state(self, batch: BatchNumber) -> State:
        """The state after a batch; 0 stands for the first one. It is folded from the nearest known one."""
        near = max((each for each in dict(self._states) if each <= batch), default=0)
        state = self._states.get(near, self._first)
        while not is_at_rest(state.machine, batch):
            state, _ = step(state, batch, self.view)
            if state.machine.phase is Phase.IDLE:
                self._keep(state)
        return state

    def trace(self, start: BatchNumber, last: BatchNumber) -> Trace:
        """All machines from the one after `start` to the one after `last`."""
        trace = self._traces.pop((start, last), None) or self._computed(start, last)
        self._keep(trace.end)
        self._traces[start, last] = trace
        while len(self._traces) > MOST_TRACES:
            del self._traces[next(iter(self._traces))]
        return trace

    def _computed(self, start: BatchNumber, last: BatchNumber) -> Trace:
        """A trace, from what is known of it on. Only those of the machine itself have parts in common."""
        known = [each for each in self._traces.values() if each.rests_after(start)]
        if self._make is not Trace or not known:
            return self._make(self.state(start), last, self.view)
        longest = max(known, key=lambda each: min(each.end.machine.batch, last))
        until = min(longest.end.machine.batch, last)
        base, end = (self.known(batch) or longest.after(batch) for batch in (start, until))
        return Trace(base, last, self.view, longest.stretch(start, end))

    def _keep(self, state: State) -> None:
        self._states[state.machine.batch] = state
        if len(self._states) > MOST_STATES:
            del self._states[_least_missed(sorted(self._states))]


def _least_missed(batches: list[int]) -> int:
    """Of ascending numbers the one, but the last, that leaves the smallest gap for its age."""
    newest = batches[-1]
    gaps = zip([0, *batches], batches, batches[1:], strict=False)
    return min(gaps, key=lambda gap: ((gap[2] - gap[0]) / (newest - gap[1]), gap[1]))[1]
