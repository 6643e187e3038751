"""A Merkle tree that we know in full, seen through what the other side revealed of its own one.

A challenger never gets the accountant's wrong tree. It gets the nodes around the path it descends, which is
enough: each hash on a proof is one that was revealed, one that follows from revealed ones below it, or one on
which both sides agree, because the descent goes to the leftmost difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import node_count, zero_hash
from anh_rollup.primitives import Digest


class NodeSource(Protocol):
    """A binary tree of hashes; level 0 holds the leaves, level `depth` the root."""

    @property
    def count(self) -> int:
        """Leaves without padding."""

    @property
    def depth(self) -> int:
        """The root's level."""

    def node(self, level: int, index: int) -> Digest:
        """The hash at a place that covers at least one leaf."""


@dataclass(frozen=True, slots=True)
class OverlayTree:
    """`ours` with some nodes replaced by what the other side revealed.

    Attributes:
        ours: The tree as we compute it.
        known: Revealed hashes by (level, index).
    """

    ours: NodeSource
    known: Mapping[tuple[int, int], Digest]
    _touched: frozenset[tuple[int, int]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Collects the places above revealed nodes, whose hashes follow from below."""
        top = self.ours.depth
        above = {(up, i >> (up - at)) for at, i in self.known for up in range(at + 1, top + 1)}
        object.__setattr__(self, "_touched", frozenset(above))

    @property
    def count(self) -> int:
        """Leaves without padding."""
        return self.ours.count

    @property
    def depth(self) -> int:
        """The root's level."""
        return self.ours.depth

    def node(self, level: int, index: int) -> Digest:
        """The hash at a place: padding, as revealed, as it follows from revealed ones, or ours."""
        if index >= node_count(self.ours.count, level):
            return zero_hash(level)
        revealed = self.known.get((level, index))
        if revealed is not None:
            return revealed
        if (level, index) not in self._touched:
            return self.ours.node(level, index)
        return keccak256(self.node(level - 1, 2 * index) + self.node(level - 1, 2 * index + 1))


def proof_between(tree: NodeSource, lower: int, index: int, level: int) -> tuple[Digest, ...]:
    """Siblings from the node (lower, index) up to, but without, its ancestor at `level`."""
    return tuple(_padded(tree, at, (index >> (at - lower)) ^ 1) for at in range(lower, level))


def _padded(tree: NodeSource, level: int, index: int) -> Digest:
    return tree.node(level, index) if index < node_count(tree.count, level) else zero_hash(level)


def first_difference(ours: NodeSource, lower: int, start: int, revealed: Sequence[bytes]) -> int | None:
    """The index at level `lower` of the leftmost revealed node that is not ours.

    Args:
        ours: The tree as we compute it.
        lower: Level of the revealed nodes.
        start: Index of the first of them.
        revealed: Their hashes.
    """
    for offset, digest in enumerate(revealed):
        if digest != ours.node(lower, start + offset):
            return start + offset
    return None
