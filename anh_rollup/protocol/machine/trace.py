"""All machines of a ledger claim, from its base to its batch, in a tree of hashes."""

from functools import cached_property

from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.primitives import DIGEST_SIZE, BatchNumber, Digest
from anh_rollup.protocol.machine.fields import Machine
from anh_rollup.protocol.machine.state import State
from anh_rollup.protocol.machine.steps import is_at_rest, step
from anh_rollup.protocol.machine.view import View
from anh_rollup.protocol.machine.witnesses import Blobs, Witness, witness_of

MOST_KEPT = 16
"""States that a trace keeps, each with a version of the tree; the others are computed again (choice)."""

FIRST_SPACING = 1 << 12
"""Steps from one kept state to the next; doubled whenever there are too many (choice)."""


class Trace:
    """The machines from a base until the fold stands still: 32 bytes each, and some states.

    Args:
        base: The state of the base, which is idle.
        last: The batch after which it stands still.
        view: What L1 holds; it is asked again when a state is.
    """

    def __init__(self, base: State, last: BatchNumber, view: View) -> None:
        self._last, self._view = last, view
        self._kept, self._spacing = [base], FIRST_SPACING
        self._hashes = bytearray(base.machine.hash)
        self._end = self._run(base)
        self._recent = 0, base

    @property
    def steps(self) -> int:
        """Steps from the base to the end."""
        return len(self._hashes) // DIGEST_SIZE - 1

    @property
    def end(self) -> State:
        """The last state."""
        return self._end

    @cached_property
    def tree(self) -> MerkleTree:
        """The tree over the machines' hashes: leaf 0 is the base, leaf `steps` the end."""
        return MerkleTree(self._hashes)

    def hash(self, index: int) -> Digest:
        """The hash of the machine after so many steps."""
        return Digest(bytes(self._hashes[index * DIGEST_SIZE : (index + 1) * DIGEST_SIZE]))

    def machine(self, index: int) -> Machine:
        """The machine after so many steps."""
        return self.state(index).machine

    def state(self, index: int) -> State:
        """The state after so many steps, computed again from the last one before it that is known."""
        at = min(index // self._spacing, len(self._kept) - 1)
        known = at * self._spacing, self._kept[at]
        if known[0] < self._recent[0] <= index:
            known = self._recent
        start, state = known
        for _ in range(start, index):
            state, _ = step(state, self._last, self._view)
        self._recent = index, state
        return state

    def witness(self, index: int, blobs: Blobs) -> Witness:
        """What L1 needs for the step from the machine after so many steps."""
        return witness_of(self.state(index), self._last, self._view, blobs)

    def _run(self, state: State) -> State:
        taken = 0
        while not is_at_rest(state.machine, self._last):
            state, _ = step(state, self._last, self._view)
            taken += 1
            self._hashes += state.machine.hash
            if taken % self._spacing == 0:
                self._keep(state)
        return state

    def _keep(self, state: State) -> None:
        self._kept.append(state)
        if len(self._kept) > MOST_KEPT:
            del self._kept[1::2]
            self._spacing *= 2
