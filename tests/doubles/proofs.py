"""What contracts/libraries/Merkle.sol and Scores.sol make of revealed nodes and of proofs.

The referee decides with it, and tests/vectors binds it to Solidity. The roles make such proofs
and leave judging them to the contracts.
"""

from collections.abc import Sequence

from anh_rollup.encoding.checks import INT32_LEAST, INT32_MOST, INT64_LEAST, INT64_MOST, in_range
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import zero_hash
from anh_rollup.encoding.scores import SumNode, sum_node, zero_node
from anh_rollup.encoding.tensors import Opening, opening_tree_root, tensor_root
from anh_rollup.primitives import ZERO_DIGEST, Digest


def root_from_nodes(nodes: Sequence[bytes], level: int, depth: int) -> Digest:
    """The node at level `depth` above these nodes of `level`, filled up with padding."""
    row = list(nodes)
    assert 1 <= len(row) <= 1 << (depth - level)
    for at in range(level, depth):
        row += [zero_hash(at)] * (len(row) % 2)
        row = [keccak256(left + right) for left, right in zip(row[::2], row[1::2], strict=True)]
    return Digest(row[0])


def score_leaf(score: int) -> SumNode:
    """The leaf of one int32 score."""
    return SumNode(ZERO_DIGEST, in_range(score, INT32_LEAST, INT32_MOST, name="the score"))


def top_from_proof(node: SumNode, index: int, proof: Sequence[SumNode], depth: int) -> SumNode:
    """The top of the tree of `depth` in which `node` stands at `index` with these siblings."""
    assert len(proof) == depth
    assert 0 <= index < 1 << depth
    for level, sibling in enumerate(proof):
        node = sum_node(sibling, node) if index >> level & 1 else sum_node(node, sibling)
    return node


def top_from_nodes(nodes: Sequence[SumNode], level: int, depth: int) -> SumNode:
    """The node at level `depth` above these nodes of `level`, filled up with padding."""
    row = list(nodes)
    assert 1 <= len(row) <= 1 << (depth - level)
    for node in row:
        in_range(node.sum, INT64_LEAST, INT64_MOST, name="the sum of a node")
    for at in range(level, depth):
        row += [zero_node(at)] * (len(row) % 2)
        row = [sum_node(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
    return row[0]


def opening_root(shape: Sequence[int], opening: Opening) -> Digest:
    """The root of the tensor of `shape` that an opening shows chunks of."""
    return tensor_root(shape, opening_tree_root(shape, opening))
