"""Merkle trees over 32-byte leaves, padded with zeros to a power of two.

Level 0 is the leaves and level `depth` the root; a node is keccak256(left || right). The Solidity twin is
contracts/libraries/Merkle.sol; tests/vectors/merkle.json binds the two.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from anh_rollup.encoding.checks import UINT32_MOST
from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.hashing import hash_rows, keccak256
from anh_rollup.primitives import DIGEST_SIZE, ZERO_DIGEST, Digest

DEEPEST: Final = 32
"""Depth of the largest tree: counts are uint32."""

REVEAL_LEVELS: Final = 6
"""Levels that one reveal of the game descends, but in score trees: at most 2**6 = 64 nodes."""


def _zero_hashes() -> tuple[Digest, ...]:
    hashes = [ZERO_DIGEST]
    for _ in range(DEEPEST):
        hashes.append(keccak256(hashes[-1] * 2))
    return tuple(hashes)


_ZERO_HASHES: Final = _zero_hashes()


def depth_of(count: int) -> int:
    """Levels above the leaves of a tree of `count` leaves: ceil(log2 count).

    Raises:
        EncodingError: `count` is not in 1 to 2**32 - 1 (OUT_OF_RANGE).
    """
    if not 1 <= count <= UINT32_MOST:
        raise EncodingError(EncodingReason.OUT_OF_RANGE, f"a tree has 1 to 2**32 - 1 leaves, not {count:#x}")
    return (count - 1).bit_length()


def node_count(count: int, level: int) -> int:
    """Nodes at `level` that cover at least one of `count` leaves: ceil(count / 2**level)."""
    return -(-count >> level)


def zero_hash(level: int) -> Digest:
    """The root of a padding subtree of depth `level`.

    Raises:
        EncodingError: `level` is not in 0 to `DEEPEST` (OUT_OF_RANGE).
    """
    check_level(level, DEEPEST)
    return _ZERO_HASHES[level]


def revealed_level(level: int) -> int:
    """The level whose nodes a reveal below a node at `level` shows."""
    return max(0, level - REVEAL_LEVELS)


class MerkleTree:
    """All nodes of one tree, packed level by level; 64 bytes of memory a leaf.

    Attributes:
        count: Leaves without padding, at least 1.
        depth: ceil(log2 count).
    """

    __slots__ = ("_levels", "count", "depth")

    def __init__(self, leaves: Sequence[bytes] | bytes | bytearray | memoryview) -> None:
        """Builds the tree.

        Args:
            leaves: Either 32-byte strings, or all of them packed into one.

        Raises:
            EncodingError: No leaves (OUT_OF_RANGE), or a leaf of another size (WRONG_LENGTH).
        """
        packed = _packed(leaves)
        self.count = len(packed) // DIGEST_SIZE
        self.depth = depth_of(self.count)
        self._levels: Sequence[bytes | memoryview] = _levels_of([packed])[0]

    @classmethod
    def several(cls, leaves: Sequence[bytes]) -> list["MerkleTree"]:
        """The trees over each of these packed leaves, in less time than one after the other."""
        return [cls.known(levels) for levels in _levels_of(leaves)]

    @classmethod
    def known(cls, levels: Sequence[bytes | memoryview]) -> "MerkleTree":
        """The tree of which all packed nodes are known, level by level; nothing is hashed or copied."""
        tree = cls.__new__(cls)
        tree.count, tree._levels = len(levels[0]) // DIGEST_SIZE, levels  # noqa: SLF001
        tree.depth = depth_of(tree.count)
        return tree

    @property
    def root(self) -> Digest:
        """The node at level `depth`."""
        return Digest(bytes(self._levels[self.depth]))

    def node(self, level: int, index: int) -> Digest:
        """The node `index` of `level`.

        Raises:
            EncodingError: There is no such node, or it covers padding only (OUT_OF_RANGE).
        """
        self._check(level, index)
        return self._node(level, index)

    def proof(self, index: int, level: int = 0) -> list[Digest]:
        """The depth - level siblings on the way from node `index` of `level` to the root, from the bottom.

        Raises:
            EncodingError: There is no such node, or it covers padding only (OUT_OF_RANGE).
        """
        self._check(level, index)
        return [self._node(at, (index >> (at - level)) ^ 1) for at in range(level, self.depth)]

    def nodes(self, level: int, first: int = 0, count: int | None = None) -> list[Digest]:
        """`count` nodes of `level` from `first` on, or all; those that cover padding only are left out.

        Raises:
            EncodingError: `first` is not such a node, or `count` is negative (OUT_OF_RANGE).
        """
        self._check(level, first)
        width = node_count(self.count, level)
        if count is not None and count < 0:
            raise EncodingError(EncodingReason.OUT_OF_RANGE, f"{count} nodes were asked for")
        end = width if count is None else min(width, first + count)
        return [self._node(level, index) for index in range(first, end)]

    def children(self, level: int, index: int, at_level: int) -> list[Digest]:
        """The descendants at `at_level` of the node `index` of `level`, without padding: what a reveal shows.

        Raises:
            EncodingError: There is no such node, or `at_level` lies above it (OUT_OF_RANGE).
        """
        self._check(level, index)
        check_level(at_level, level)
        return self.nodes(at_level, index << (level - at_level), 1 << (level - at_level))

    def multiproof(self, indices: Sequence[int]) -> list[Digest]:
        """The hashes that `root_from_multiproof` needs beside the leaves `indices`.

        Raises:
            EncodingError: No indices or one too high (OUT_OF_RANGE), or not strictly ascending
                (NOT_ASCENDING).
        """
        check_indices(indices, self.count)
        proof = []
        for level in range(self.depth):
            known = set(indices)
            proof += [self._node(level, index ^ 1) for index in indices if index ^ 1 not in known]
            indices = _parents(indices)
        return proof

    def _node(self, level: int, index: int) -> Digest:
        packed = self._levels[level][index * DIGEST_SIZE : (index + 1) * DIGEST_SIZE]
        return Digest(bytes(packed)) if packed else _ZERO_HASHES[level]

    def _check(self, level: int, index: int) -> None:
        check_level(level, self.depth)
        width = node_count(self.count, level)
        if not 0 <= index < width:
            message = f"level {level} of a tree of {self.count} leaves has {width} nodes, not one at {index}"
            raise EncodingError(EncodingReason.OUT_OF_RANGE, message)


def root_from_proof(leaf: bytes, index: int, proof: Sequence[bytes], depth: int) -> Digest:
    """The root of the tree of `depth` in which `leaf` stands at `index` with these siblings, from the bottom.

    For an inner node at level l, `depth` is the tree's less l.

    Raises:
        EncodingError: Another number of siblings (BAD_PROOF), an index outside (OUT_OF_RANGE), or a hash that
            is not 32 bytes long (WRONG_LENGTH).
    """
    check_level(depth, DEEPEST)
    check_sizes([leaf, *proof])
    if len(proof) != depth:
        message = f"the proof has {len(proof)} siblings for a depth of {depth}"
        raise EncodingError(EncodingReason.BAD_PROOF, message)
    check_indices([index], 1 << depth)
    node = Digest(leaf)
    for level, sibling in enumerate(proof):
        node = keccak256(sibling + node if index >> level & 1 else node + sibling)
    return node


def root_from_multiproof(
    leaves: Sequence[bytes], indices: Sequence[int], proof: Sequence[bytes], depth: int
) -> Digest:
    """The root of the tree of `depth` in which these leaves stand at these strictly ascending indices.

    Level by level from the bottom and from left to right, a node whose sibling is known too consumes it; any
    other takes the proof's next hash. All hashes must be taken.

    Raises:
        EncodingError: As `root_from_proof`; or indices that are not strictly ascending (NOT_ASCENDING).
    """
    check_level(depth, DEEPEST)
    check_indices(indices, 1 << depth)
    check_sizes([*leaves, *proof])
    if len(leaves) != len(indices):
        raise EncodingError(EncodingReason.BAD_PROOF, f"{len(leaves)} leaves stand at {len(indices)} indices")
    rest = iter(proof)
    known = dict(zip(indices, leaves, strict=True))
    for _ in range(depth):
        known = _level_above(known, rest)
    if next(rest, None) is not None:
        raise EncodingError(EncodingReason.BAD_PROOF, f"the multiproof of {len(proof)} hashes is too long")
    return Digest(known[0])


def check_level(level: int, highest: int) -> None:
    """Refuses a level outside 0 to `highest` (OUT_OF_RANGE)."""
    if not 0 <= level <= highest:
        raise EncodingError(EncodingReason.OUT_OF_RANGE, f"level {level} is not in 0 to {highest}")


def check_indices(indices: Sequence[int], count: int) -> None:
    """Refuses no indices, one outside 0 to `count` - 1 (OUT_OF_RANGE), or a wrong order (NOT_ASCENDING)."""
    if not indices:
        raise EncodingError(EncodingReason.OUT_OF_RANGE, "no index was given")
    for before, after in pairwise(indices):
        if before >= after:
            message = f"index {after} follows {before}: indices must rise strictly"
            raise EncodingError(EncodingReason.NOT_ASCENDING, message)
    if indices[0] < 0 or indices[-1] >= count:
        outside = indices[0] if indices[0] < 0 else indices[-1]
        raise EncodingError(EncodingReason.OUT_OF_RANGE, f"index {outside:#x} is not in 0 to {count - 1}")


def check_sizes(hashes: Sequence[bytes]) -> None:
    """Refuses a hash that is not 32 bytes long (WRONG_LENGTH)."""
    for data in hashes:
        if len(data) != DIGEST_SIZE:
            message = f"a node has {len(data)} bytes instead of {DIGEST_SIZE}"
            raise EncodingError(EncodingReason.WRONG_LENGTH, message)


def _packed(leaves: Sequence[bytes] | bytes | bytearray | memoryview) -> bytes:
    if isinstance(leaves, bytes | bytearray | memoryview):
        packed = bytes(leaves)
        if len(packed) % DIGEST_SIZE:
            message = f"{len(packed)} packed bytes are not a whole number of leaves of {DIGEST_SIZE} bytes"
            raise EncodingError(EncodingReason.WRONG_LENGTH, message)
        return packed
    check_sizes(leaves)
    return b"".join(leaves)


def _levels_of(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """The levels of each tree; one level of all trees is hashed at once."""
    found, level = [[each] for each in leaves], 0
    while growing := [each for each in found if len(each[-1]) > DIGEST_SIZE]:
        nodes = [_even(each[-1], level) for each in growing]
        hashes, first = hash_rows(b"".join(nodes), 2 * DIGEST_SIZE), 0
        for levels, below in zip(growing, nodes, strict=True):
            levels.append(hashes[first : first + len(below) // 2])
            first += len(below) // 2
        level += 1
    return found


def _even(packed: bytes, level: int) -> bytes:
    """The nodes of one level, with one of padding if their number is odd."""
    return packed + _ZERO_HASHES[level] if len(packed) % (2 * DIGEST_SIZE) else packed


def _parents(indices: Sequence[int]) -> list[int]:
    """The indices one level up, each once and in order."""
    return list(dict.fromkeys(index >> 1 for index in indices))


def _level_above(known: dict[int, bytes], rest: Iterator[bytes]) -> dict[int, bytes]:
    """The nodes one level up; the siblings that are not known come from `rest`."""
    above: dict[int, bytes] = {}
    for index, node in known.items():
        if index >> 1 in above:
            continue
        sibling = known.get(index ^ 1)
        if sibling is None:
            sibling = next(rest, None)
        if sibling is None:
            raise EncodingError(EncodingReason.BAD_PROOF, "the multiproof is too short")
        above[index >> 1] = keccak256(sibling + node if index & 1 else node + sibling)
    return above
