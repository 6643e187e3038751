from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.primitives import ZERO_DIGEST
from anh_rollup.protocol.machine.frontier import NO_LEAVES, Frontier


def grown(count: int) -> tuple[Frontier, list[bytes]]:
    leaves = [keccak256(b"%d" % at) for at in range(count)]
    frontier = NO_LEAVES
    for leaf in leaves:
        frontier = frontier.append(leaf)
    return frontier, leaves


@given(st.integers(1, 300))
def test_a_frontiers_root_is_the_trees(count: int) -> None:
    frontier, leaves = grown(count)
    assert frontier.root == MerkleTree(leaves).root
    assert (frontier.count, len(frontier.roots)) == (count, count.bit_count())


def test_the_roots_are_those_of_complete_subtrees_lowest_first() -> None:
    frontier, leaves = grown(6)
    assert frontier.roots == (MerkleTree(leaves[4:]).root, MerkleTree(leaves[:4]).root)
    assert frontier.digest == keccak256(b"".join(frontier.roots))


def test_nothing_has_the_zero_root_and_the_hash_of_nothing() -> None:
    assert (NO_LEAVES.root, NO_LEAVES.digest) == (ZERO_DIGEST, keccak256(b""))
