"""Merkle trees that grow by a leaf at a time, of which only the complete subtrees' roots are kept.

The root is that of `encoding/merkle.py`. The Solidity twin is contracts/libraries/Frontier.sol.
"""

from dataclasses import dataclass
from typing import Final

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import depth_of, zero_hash
from anh_rollup.primitives import ZERO_DIGEST, Digest


@dataclass(frozen=True, slots=True)
class Frontier:
    """What is kept of a tree's leaves.

    Attributes:
        count: Leaves.
        roots: Of the complete subtrees that the binary digits of `count` name, lowest first.
    """

    count: int
    roots: tuple[Digest, ...]

    @property
    def digest(self) -> Digest:
        """What a machine holds of it."""
        return keccak256(b"".join(self.roots))

    @property
    def root(self) -> Digest:
        """The root of the tree; zero without leaves."""
        if not self.count:
            return ZERO_DIGEST
        depth, rest = depth_of(self.count), iter(self.roots)
        node: Digest | None = None
        for level in range(depth):
            if self.count >> level & 1:
                node = keccak256(next(rest) + (zero_hash(level) if node is None else node))
            elif node is not None:
                node = keccak256(node + zero_hash(level))
        return self.roots[0] if node is None else node

    def append(self, leaf: Digest) -> "Frontier":
        """The frontier with one more leaf."""
        merged = 0
        while self.count >> merged & 1:
            leaf = keccak256(self.roots[merged] + leaf)
            merged += 1
        return Frontier(self.count + 1, (leaf, *self.roots[merged:]))


NO_LEAVES: Final = Frontier(0, ())
"""The frontier of nothing."""
