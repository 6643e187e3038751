"""The ledger's states between batches, and the traces from one of them to another."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from anh_rollup.primitives import BatchNumber
from anh_rollup.protocol.machine.state import State
from anh_rollup.protocol.machine.steps import is_at_rest, step
from anh_rollup.protocol.machine.trace import Trace
from anh_rollup.protocol.machine.view import View

MOST_STATES: Final = 16
"""States that are kept beside the first one (choice); their trees share what did not change."""

MOST_TRACES: Final = 4
"""Traces that are kept, 32 bytes a step and as much again for their tree (choice)."""

TraceMaker = Callable[[State, BatchNumber, View], Trace]
"""What makes a trace from a state to a batch."""


class Past:
    """What the machine has been, computed when it is asked for; the latest answers are kept.

    Args:
        first: The state before the first batch.
        view: What L1 holds.
        make: What makes traces.
    """

    def __init__(self, first: State, view: View, make: TraceMaker = Trace) -> None:
        self.view = view
        self._first, self._make = first, make
        self._states: OrderedDict[int, State] = OrderedDict()
        self._traces: OrderedDict[tuple[int, int], Trace] = OrderedDict()

    def state(self, batch: BatchNumber) -> State:
        """The state after a batch; 0 stands for the first one. It is folded from the nearest known one."""
        known = dict(self._states)
        state = known.get(max((each for each in known if each <= batch), default=0), self._first)
        while not is_at_rest(state.machine, batch):
            state, _ = step(state, batch, self.view)
        self._keep(state)
        return state

    def trace(self, start: BatchNumber, last: BatchNumber) -> Trace:
        """All machines from the one after `start` to the one after `last`."""
        trace = self._traces.get((start, last))
        if trace is None:
            trace = self._make(self.state(start), last, self.view)
            self._keep(trace.end)
        self._traces[start, last] = trace
        self._traces.move_to_end((start, last))
        while len(self._traces) > MOST_TRACES:
            self._traces.popitem(last=False)
        return trace

    def _keep(self, state: State) -> None:
        batch = state.machine.batch
        self._states[batch] = state
        self._states.move_to_end(batch)
        while len(self._states) > MOST_STATES:
            self._states.popitem(last=False)
