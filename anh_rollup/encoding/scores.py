"""Score lists and the Merkle-sum trees over them.

The leaf of sample i is (hash 0, sum score); a padding leaf is (0, 0); a node's hash is
keccak256(left.hash || int64 left.sum || right.hash || int64 right.sum) and its sum left.sum + right.sum. No
sum can pass int64: 2**32 - 1 scores of int32. The Solidity twin is contracts/libraries/Scores.sol;
tests/vectors/scores.json binds the two.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from anh_rollup.encoding.checks import INT64_LEAST, INT64_MOST, UINT32_MOST, in_range
from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.hashing import hash_rows, keccak256
from anh_rollup.encoding.merkle import (
    DEEPEST,
    check_indices,
    check_level,
    depth_of,
    node_count,
)
from anh_rollup.encoding.reader import Reader
from anh_rollup.encoding.tensors import check_int32
from anh_rollup.primitives import DIGEST_SIZE, ZERO_DIGEST, Digest

SCORES_TAG: Final = b"\x06"
"""First byte of the preimage of a scores root: keeps it apart from every other hash."""

REVEAL_SCORE_LEVELS: Final = 5
"""Levels of a score tree that one reveal of the game descends: at most 2**5 = 32 nodes."""

_SUM_SIZE: Final = 8
_NODE_SIZE: Final = DIGEST_SIZE + _SUM_SIZE


@dataclass(frozen=True, slots=True)
class SumNode:
    """A node of a score tree.

    Attributes:
        hash: Zero at a leaf.
        sum: Sum of the scores below it, int64.
    """

    hash: Digest
    sum: int

    def __bytes__(self) -> bytes:
        """The 40 bytes that enter the hash of the node above."""
        return self.hash + self.sum.to_bytes(_SUM_SIZE, "big", signed=True)


def revealed_score_level(level: int) -> int:
    """The level whose nodes a reveal below a score node at `level` shows."""
    return max(0, level - REVEAL_SCORE_LEVELS)


def sum_node(left: SumNode, right: SumNode) -> SumNode:
    """The node above two nodes.

    Raises:
        EncodingError: A sum outside int64 (OUT_OF_RANGE).
    """
    total = in_range(left.sum + right.sum, INT64_LEAST, INT64_MOST, name="the sum of two nodes")
    return SumNode(keccak256(bytes(left) + bytes(right)), total)


def _padding() -> tuple[SumNode, ...]:
    nodes = [SumNode(ZERO_DIGEST, 0)]
    for _ in range(DEEPEST):
        nodes.append(sum_node(nodes[-1], nodes[-1]))
    return tuple(nodes)


_PADDING: Final = _padding()


def zero_node(level: int) -> SumNode:
    """The top of a padding subtree of depth `level`, 0 to 32."""
    check_level(level, DEEPEST)
    return _PADDING[level]


@dataclass(frozen=True, slots=True)
class ScoresHeader:
    """What a claim says about one score list.

    Attributes:
        count: Scores, 1 to 2**32 - 1.
        total: Their sum, int64.
        top: Hash of the tree's top node; zero where count is 1.
    """

    count: int
    total: int
    top: Digest

    @property
    def root(self) -> Digest:
        """The scores root: keccak256(0x06 || uint32 count || int64 total || top)."""
        count = self.count.to_bytes(4, "big")
        return keccak256(SCORES_TAG + count + self.total.to_bytes(_SUM_SIZE, "big", signed=True) + self.top)


class ScoreTree:
    """A score list with all nodes of its tree; 40 bytes of memory a score beside the list.

    Attributes:
        scores: int32, one a sample, in the samples' order.
        count: How many.
        depth: ceil(log2 count).
    """

    __slots__ = ("_levels", "count", "depth", "scores")

    def __init__(self, scores: npt.NDArray[np.int32]) -> None:
        """Builds the tree over `scores` (N,), int32.

        Raises:
            EncodingError: Not int32 (WRONG_TYPE), not one axis (WRONG_SHAPE), or empty (OUT_OF_RANGE).
        """
        self.scores = check_int32(scores)
        if self.scores.ndim != 1:
            raise EncodingError(
                EncodingReason.WRONG_SHAPE, f"a score list has one axis, not {self.scores.ndim}"
            )
        self.count = len(self.scores)
        self.depth = depth_of(self.count)
        sums = self.scores.astype(np.int64)
        packed = _packed(bytes(DIGEST_SIZE * self.count), sums)
        self._levels: list[bytes] = []
        for level in range(self.depth):
            packed, sums = _even(packed, level), _sums_of_pairs(sums)
            packed = _packed(hash_rows(packed, 2 * _NODE_SIZE), sums)
            self._levels.append(packed)

    @property
    def top(self) -> SumNode:
        """The node over all scores."""
        return self._node(self.depth, 0)

    @property
    def total(self) -> int:
        """The sum of all scores."""
        return self.top.sum

    @property
    def header(self) -> ScoresHeader:
        """What a claim says about this list."""
        return ScoresHeader(self.count, self.top.sum, self.top.hash)

    @property
    def root(self) -> Digest:
        """The scores root."""
        return self.header.root

    def proof(self, index: int, level: int = 0) -> list[SumNode]:
        """The siblings on the way from the node `index` of `level` to the top, from the bottom.

        Raises:
            EncodingError: There is no such node, or it covers padding only (OUT_OF_RANGE).
        """
        self._check(level, index)
        return [self._node(at, (index >> (at - level)) ^ 1) for at in range(level, self.depth)]

    def nodes(self, level: int, first: int = 0, count: int | None = None) -> list[SumNode]:
        """`count` nodes of `level` from `first` on, or all; those that cover padding only are left out.

        Raises:
            EncodingError: `first` is not such a node, or `count` is negative (OUT_OF_RANGE).
        """
        self._check(level, first)
        width = node_count(self.count, level)
        end = width if count is None else min(width, first + in_range(count, 0, UINT32_MOST, name="count"))
        return [self._node(level, index) for index in range(first, end)]

    def children(self, level: int, index: int, at_level: int) -> list[SumNode]:
        """The descendants at `at_level` of the node `index` of `level`, without padding.

        Raises:
            EncodingError: There is no such node, or `at_level` lies above it (OUT_OF_RANGE).
        """
        self._check(level, index)
        check_level(at_level, level)
        return self.nodes(at_level, index << (level - at_level), 1 << (level - at_level))

    def _node(self, level: int, index: int) -> SumNode:
        if index >= node_count(self.count, level):
            return _PADDING[level]
        if level == 0:
            return SumNode(ZERO_DIGEST, int(self.scores[index]))
        packed = self._levels[level - 1][index * _NODE_SIZE : (index + 1) * _NODE_SIZE]
        return SumNode(Digest(packed[:DIGEST_SIZE]), int.from_bytes(packed[DIGEST_SIZE:], "big", signed=True))

    def _check(self, level: int, index: int) -> None:
        check_level(level, self.depth)
        check_indices([index], node_count(self.count, level))


def encode_scores(scores: npt.NDArray[np.int32]) -> bytes:
    """The bytes of a score list in the store: uint32 count, then int32 each.

    Raises:
        EncodingError: As `ScoreTree`.
    """
    checked = check_int32(scores)
    if checked.ndim != 1:
        raise EncodingError(EncodingReason.WRONG_SHAPE, f"a score list has one axis, not {checked.ndim}")
    depth_of(len(checked))
    return len(checked).to_bytes(4, "big") + checked.astype(">i4").tobytes()


def decode_scores(data: bytes, root: bytes | None = None) -> npt.NDArray[np.int32]:
    """The score list (N,) in `data`; with `root`, verified against that scores root.

    Raises:
        EncodingError: Wrong length (TRUNCATED, TRAILING), no scores (OUT_OF_RANGE), or another root
            (WRONG_ROOT).
    """
    reader = Reader(data, "the score list")
    count = reader.uint(4)
    depth_of(count)
    scores = reader.int32s(count)
    reader.end()
    if root is not None and ScoreTree(scores).root != root:
        raise EncodingError(EncodingReason.WRONG_ROOT, "the score list has another root")
    return scores


def _packed(hashes: bytes, sums: npt.NDArray[np.int64]) -> bytes:
    """Nodes as 40 bytes each."""
    rows = np.empty((len(sums), _NODE_SIZE), np.uint8)
    rows[:, :DIGEST_SIZE] = np.frombuffer(hashes, np.uint8).reshape(-1, DIGEST_SIZE)
    rows[:, DIGEST_SIZE:] = sums.astype(">i8").view(np.uint8).reshape(-1, _SUM_SIZE)
    return rows.tobytes()


def _even(packed: bytes, level: int) -> bytes:
    return packed + bytes(_PADDING[level]) if len(packed) % (2 * _NODE_SIZE) else packed


def _sums_of_pairs(sums: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    padded = np.append(sums, np.int64(0)) if len(sums) % 2 else sums
    return padded[::2] + padded[1::2]
