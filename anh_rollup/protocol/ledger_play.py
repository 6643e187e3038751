"""How a game over a ledger claim is played: who claims reveals, who challenges goes to the first lie."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import MerkleTree, depth_of, node_count, revealed_level, zero_hash
from anh_rollup.primitives import Digest
from anh_rollup.protocol.ledger_claims import LedgerPosition
from anh_rollup.protocol.ledger_moves import Choose, Prove, Reveal
from anh_rollup.protocol.machine.trace import Trace
from anh_rollup.protocol.machine.witnesses import Blobs
from anh_rollup.protocol.overlay import OverlayTree, first_difference, proof_between


@dataclass(frozen=True, slots=True)
class Shown:
    """What one reveal of a game showed.

    Attributes:
        position: The position after it.
        nodes: All nodes some levels below the disputed one.
    """

    position: LedgerPosition
    nodes: tuple[bytes, ...]


@dataclass(slots=True)
class ContinuedTree:
    """The tree over a trace as a claim of another length should have it.

    A machine at rest stays as it is: in a longer claim the last one is repeated. It is never written out, as
    a claim may name billions of steps.

    Attributes:
        ours: Over the trace.
        count: Machines of the claim.
    """

    ours: MerkleTree
    count: int
    _mixed: dict[tuple[int, int], Digest] = field(default_factory=dict)
    _resting: list[Digest] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Computes the subtrees in which the machine rests all the time, by their depth."""
        resting = self.ours.node(0, self.ours.count - 1)
        for _ in range(self.depth + 1):
            self._resting.append(resting)
            resting = keccak256(resting * 2)

    @property
    def depth(self) -> int:
        """The root's level."""
        return depth_of(self.count)

    @property
    def root(self) -> Digest:
        """What a true claim has as its trace."""
        return self.node(self.depth, 0)

    def node(self, level: int, index: int) -> Digest:
        """The hash at a place; of padding beyond the claim's machines."""
        start, end = index << level, (index + 1) << level
        if start >= self.count:
            return zero_hash(level)
        if end <= min(self.count, self.ours.count):
            return self.ours.node(level, index)
        if self.ours.count - 1 <= start and end <= self.count:
            return self._resting[level]
        if (level, index) not in self._mixed:
            below = self.node(level - 1, 2 * index) + self.node(level - 1, 2 * index + 1)
            self._mixed[level, index] = keccak256(below)
        return self._mixed[level, index]

    def children(self, level: int, index: int) -> tuple[Digest, ...]:
        """What a reveal below a node shows."""
        lower = revealed_level(level)
        first = index << (level - lower)
        end = min(first + (1 << (level - lower)), node_count(self.count, lower))
        return tuple([self.node(lower, each) for each in range(first, end)])


def reveal(position: LedgerPosition, tree: ContinuedTree) -> Reveal:
    """The answer to a choice in a game over a true claim: there is one right one."""
    return Reveal(tree.children(position.level, position.index))


def choose(position: LedgerPosition, tree: ContinuedTree, shown: Sequence[Shown]) -> Choose | None:
    """Goes into the first node that is not ours; None where all are.

    Args:
        position: Where the game stands: something was revealed.
        tree: What the claim should have as its trace.
        shown: What was revealed, oldest first.
    """
    lower = revealed_level(position.level)
    start = position.index << (position.level - lower)
    index = first_difference(tree, lower, start, shown[-1].nodes)
    if index is None:
        return None
    theirs = seen(tree, shown)
    return Choose(index, theirs.node(lower, index), proof_between(theirs, lower, index, position.level))


def prove(
    position: LedgerPosition, tree: ContinuedTree, shown: Sequence[Shown], trace: Trace, blobs: Blobs
) -> Prove:
    """Shows that the machine before the chosen one leads to another than it.

    Args:
        position: Where the game stands: a machine was chosen.
        tree: What the claim should have as its trace.
        shown: What was revealed, oldest first.
        trace: The machines from the claim's base.
        blobs: The blobs behind batches.
    """
    before = position.index - 1
    theirs = seen(tree, shown)
    known = min(before, trace.steps)
    proof = proof_between(theirs, 0, before, theirs.depth)
    return Prove(trace.machine(known), proof, trace.witness(known, blobs))


def seen(tree: ContinuedTree, shown: Sequence[Shown]) -> OverlayTree:
    """The claimant's tree: ours, and what was revealed of it."""
    known: dict[tuple[int, int], Digest] = {}
    for each in shown:
        lower = revealed_level(each.position.level)
        start = each.position.index << (each.position.level - lower)
        known.update({(lower, start + place): Digest(node) for place, node in enumerate(each.nodes)})
    return OverlayTree(tree, known)
