from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.hashing import keccak256 as keccak
from anh_rollup.encoding.merkle import MerkleTree, revealed_level
from anh_rollup.protocol.overlay import OverlayTree, first_difference, proof_between


def fold(leaf, index, proof):
    for sibling in proof:
        leaf = keccak(sibling + leaf) if index & 1 else keccak(leaf + sibling)
        index >>= 1
    return leaf


def descend(ours, theirs):
    """Plays the descent to the leftmost difference; gives its index and what was revealed on the way."""
    level, index, known = ours.depth, 0, {}
    while True:
        lower = revealed_level(level)
        shown = theirs.children(level, index, lower)
        start = index << (level - lower)
        known.update({(lower, start + i): digest for i, digest in enumerate(shown)})
        index = first_difference(ours, lower, start, shown)
        level = lower
        if level == 0:
            return index, known


def leaves_of(seeds):
    return [keccak(seed.to_bytes(4, "big")) for seed in seeds]


@given(st.lists(st.integers(0, 99), min_size=1, max_size=300), st.data())
def test_after_a_descent_every_leaf_up_to_the_difference_can_be_proven_in_the_tree_of_the_other_side(
    seeds, data
):
    honest = leaves_of(seeds)
    first = data.draw(st.integers(0, len(seeds) - 1))
    tail = data.draw(
        st.lists(st.integers(100, 999), min_size=len(seeds) - first, max_size=len(seeds) - first)
    )
    ours, theirs = MerkleTree(honest), MerkleTree(honest[:first] + leaves_of(tail))

    found, known = descend(ours, theirs)
    overlay = OverlayTree(ours, known)

    assert found == first
    for index in range(first + 1):
        proof = proof_between(overlay, 0, index, theirs.depth)
        assert fold(theirs.node(0, index), index, proof) == theirs.node(theirs.depth, 0)


def test_without_reveals_the_overlay_is_our_tree():
    ours = MerkleTree(leaves_of(range(5)))

    overlay = OverlayTree(ours, {})

    assert [overlay.node(level, 0) for level in range(4)] == [ours.node(level, 0) for level in range(4)]


def test_equal_nodes_have_no_difference():
    ours = MerkleTree(leaves_of(range(70)))

    assert first_difference(ours, 0, 64, [ours.node(0, i) for i in range(64, 70)]) is None
