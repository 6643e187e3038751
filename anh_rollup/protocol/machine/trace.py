"""All machines of a ledger claim, from its base to its batch, in a tree of hashes."""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.primitives import DIGEST_SIZE, BatchNumber, Digest
from anh_rollup.protocol.machine.fields import Machine, Phase
from anh_rollup.protocol.machine.state import State
from anh_rollup.protocol.machine.steps import is_at_rest, step
from anh_rollup.protocol.machine.view import View
from anh_rollup.protocol.machine.witnesses import Blobs, Witness, witness_of

MOST_KEPT = 16
"""States that a trace keeps, each with a version of the tree; the others are computed again (choice)."""

FIRST_SPACING = 1 << 12
"""Steps from one kept state to the next; doubled whenever there are too many (choice)."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is known of a trace.

    Attributes:
        hashes: Of its machines, from the base on, packed.
        rests: Steps from the base until a batch has ended, by batch.
        kept: Some states behind the base, with the steps to them, ascending.
        spacing: Steps from one of them to the next.
        end: The last state.
    """

    hashes: bytearray
    rests: dict[int, int]
    kept: list[tuple[int, State]]
    spacing: int
    end: State


class Trace:
    """The machines from a base until the fold stands still: 32 bytes each, and some states.

    Args:
        base: The state of the base, which is idle.
        last: The batch after which it stands still.
        view: What L1 holds; it is asked again when a state is.
        known: How it begins, as far as that is known.
    """

    def __init__(self, base: State, last: BatchNumber, view: View, known: Stretch | None = None) -> None:
        self._last, self._view = last, view
        if known is None:
            known = Stretch(bytearray(base.machine.hash), {base.machine.batch: 0}, [], FIRST_SPACING, base)
        self._hashes, self._rests = known.hashes, known.rests
        self._kept, self._spacing = [(0, base), *known.kept], known.spacing
        self._end = self._run(known.end)
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
        if index == self.steps:
            return self._end
        known = self._kept[bisect_right(self._kept, index, key=lambda kept: kept[0]) - 1]
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

    def rests_after(self, batch: BatchNumber) -> bool:
        """Whether a batch ends in here, or is the base's."""
        return batch in self._rests

    def after(self, batch: BatchNumber) -> State:
        """The state after a batch that ends in here."""
        return self.state(self._rests[batch])

    def stretch(self, start: BatchNumber, end: State) -> Stretch:
        """What is known from the end of one batch to that of another, whose state is given."""
        first, until = self._rests[start], self._rests[end.machine.batch]
        return Stretch(
            self._hashes[first * DIGEST_SIZE : (until + 1) * DIGEST_SIZE],
            {batch: at - first for batch, at in self._rests.items() if first <= at <= until},
            [(at - first, state) for at, state in self._kept if first < at <= until],
            self._spacing,
            end,
        )

    def _run(self, state: State) -> State:
        while not is_at_rest(state.machine, self._last):
            state, _ = step(state, self._last, self._view)
            self._hashes += state.machine.hash
            if state.machine.phase is Phase.IDLE:
                self._rests[state.machine.batch] = self.steps
            if self.steps - self._kept[-1][0] >= self._spacing:
                self._keep(state)
        return state

    def _keep(self, state: State) -> None:
        self._kept.append((self.steps, state))
        if len(self._kept) > MOST_KEPT:
            del self._kept[1::2]
            self._spacing *= 2
