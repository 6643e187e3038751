from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import (
    DEEPEST,
    MerkleTree,
    depth_of,
    node_count,
    revealed_level,
    root_from_multiproof,
    root_from_proof,
    zero_hash,
)
from tests.doubles.proofs import root_from_nodes


def leaves_of(count: int) -> list[bytes]:
    return [keccak256(index.to_bytes(4, "big")) for index in range(count)]


def naive_root(leaves: list[bytes]) -> bytes:
    """The definition, word by word."""
    width = 1
    while width < len(leaves):
        width *= 2
    row = leaves + [bytes(32)] * (width - len(leaves))
    while len(row) > 1:
        row = [keccak256(row[at] + row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


COUNTS = st.integers(1, 80)
A_LEAF_OF_A_TREE = COUNTS.flatmap(lambda count: st.tuples(st.just(count), st.integers(0, count - 1)))
SOME_LEAVES_OF_A_TREE = COUNTS.flatmap(
    lambda count: st.tuples(st.just(count), st.sets(st.integers(0, count - 1), min_size=1).map(sorted))
)


@pytest.mark.parametrize(
    ("count", "depth"),
    [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (64, 6), (65, 7), (2**31, 31), (2**32 - 1, 32)],
)
def test_the_depth_is_the_rounded_up_logarithm(count: int, depth: int) -> None:
    assert depth_of(count) == depth


@pytest.mark.parametrize("count", [0, -1, 2**32])
def test_a_count_that_is_no_positive_uint32_has_no_depth(count: int) -> None:
    with pytest.raises(EncodingError) as caught:
        depth_of(count)
    assert caught.value.reason is EncodingReason.OUT_OF_RANGE


def test_padding_doubles_from_zero() -> None:
    assert zero_hash(0) == bytes(32)
    assert [zero_hash(at + 1) for at in range(DEEPEST)] == [
        keccak256(zero_hash(at) * 2) for at in range(DEEPEST)
    ]


@pytest.mark.parametrize("level", [-1, DEEPEST + 1])
def test_there_is_no_padding_outside_the_deepest_tree(level: int) -> None:
    with pytest.raises(EncodingError, match=rf"^level {level} is not in 0 to 32$"):
        zero_hash(level)


def test_a_reveal_descends_at_most_six_levels() -> None:
    assert [revealed_level(level) for level in (0, 1, 6, 7, 20)] == [0, 0, 0, 1, 14]


@given(COUNTS)
def test_the_root_is_the_defined_one(count: int) -> None:
    leaves = leaves_of(count)
    assert MerkleTree(leaves).root == naive_root(leaves)
    assert MerkleTree(b"".join(leaves)).root == naive_root(leaves)
    assert MerkleTree(memoryview(b"".join(leaves))).root == naive_root(leaves)


def test_a_single_leaf_is_its_own_root() -> None:
    tree = MerkleTree([b"\7" * 32])
    assert (tree.root, tree.depth, tree.count, tree.proof(0)) == (b"\7" * 32, 0, 1, [])


@given(st.lists(COUNTS, max_size=6))
def test_several_trees_are_those_of_each_alone(counts: list[int]) -> None:
    packed = [b"".join(leaves_of(count)) for count in counts]
    together, alone = MerkleTree.several(packed), [MerkleTree(each) for each in packed]
    shown = [
        [[tree.nodes(level) for level in range(tree.depth + 1)] for tree in trees]
        for trees in (together, alone)
    ]
    assert shown[0] == shown[1]


def test_no_tree_of_several_is_empty() -> None:
    with pytest.raises(EncodingError) as caught:
        MerkleTree.several([bytes(32), b""])
    assert caught.value.reason is EncodingReason.OUT_OF_RANGE


@given(A_LEAF_OF_A_TREE)
def test_a_proof_leads_every_node_to_the_root(place: tuple[int, int]) -> None:
    count, index = place
    tree = MerkleTree(leaves_of(count))
    for level in range(tree.depth + 1):
        proof = tree.proof(index >> level, level)
        node = tree.node(level, index >> level)
        assert root_from_proof(node, index >> level, proof, tree.depth - level) == tree.root


@given(A_LEAF_OF_A_TREE)
def test_a_proof_does_not_hold_for_another_index(place: tuple[int, int]) -> None:
    count, index = place
    tree = MerkleTree(leaves_of(count))
    proof, leaf = tree.proof(index), tree.node(0, index)
    others = [at for at in range(1 << tree.depth) if at != index]
    assert tree.root not in [root_from_proof(leaf, at, proof, tree.depth) for at in others]


@pytest.mark.parametrize("change", [-1, 1])
def test_a_proof_of_another_length_is_refused(change: int) -> None:
    tree = MerkleTree(leaves_of(5))
    proof = [*tree.proof(4), bytes(32)][: 3 + change]
    with pytest.raises(EncodingError, match=rf"^the proof has {3 + change} siblings for a depth of 3$"):
        root_from_proof(tree.node(0, 4), 4, proof, 3)


@pytest.mark.parametrize("index", [-1, 8, 12])
def test_a_proof_for_an_index_outside_is_refused(index: int) -> None:
    tree = MerkleTree(leaves_of(5))
    with pytest.raises(EncodingError) as caught:
        root_from_proof(tree.node(0, 4), index, tree.proof(4), 3)
    assert caught.value.reason is EncodingReason.OUT_OF_RANGE


def test_a_hash_of_another_size_is_refused() -> None:
    tree = MerkleTree(leaves_of(2))
    for leaf, proof in ((b"short", tree.proof(0)), (tree.node(0, 0), [bytes(33)])):
        with pytest.raises(EncodingError) as caught:
            root_from_proof(leaf, 0, proof, 1)
        assert caught.value.reason is EncodingReason.WRONG_LENGTH


@given(SOME_LEAVES_OF_A_TREE)
def test_a_multiproof_leads_its_leaves_to_the_root(place: tuple[int, list[int]]) -> None:
    count, indices = place
    tree = MerkleTree(leaves_of(count))
    leaves = [tree.node(0, index) for index in indices]
    assert root_from_multiproof(leaves, indices, tree.multiproof(indices), tree.depth) == tree.root


def test_every_choice_of_leaves_of_a_small_tree_has_a_multiproof() -> None:
    for count in range(1, 8):
        tree = MerkleTree(leaves_of(count))
        for size in range(1, count + 1):
            for indices in combinations(range(count), size):
                leaves = [tree.node(0, index) for index in indices]
                assert (
                    root_from_multiproof(leaves, indices, tree.multiproof(indices), tree.depth) == tree.root
                )


def test_the_multiproof_of_one_leaf_is_its_proof() -> None:
    tree = MerkleTree(leaves_of(21))
    assert [tree.multiproof([index]) for index in range(21)] == [tree.proof(index) for index in range(21)]


def test_neighbours_need_no_siblings_of_their_own() -> None:
    tree = MerkleTree(leaves_of(4))
    assert tree.multiproof([0, 1]) == [tree.node(1, 1)]
    assert tree.multiproof([1, 2]) == [tree.node(0, 0), tree.node(0, 3)]
    assert tree.multiproof([0, 1, 2, 3]) == []


@pytest.mark.parametrize(
    ("indices", "reason"),
    [
        ([], EncodingReason.OUT_OF_RANGE),
        ([-1, 2], EncodingReason.OUT_OF_RANGE),
        ([2, 16], EncodingReason.OUT_OF_RANGE),
        ([2, 2], EncodingReason.NOT_ASCENDING),
        ([5, 2], EncodingReason.NOT_ASCENDING),
    ],
)
def test_indices_of_a_multiproof_rise_strictly_inside_the_tree(
    indices: list[int], reason: EncodingReason
) -> None:
    with pytest.raises(EncodingError) as made:
        MerkleTree(leaves_of(9)).multiproof(indices)
    with pytest.raises(EncodingError) as checked:
        root_from_multiproof([bytes(32)] * len(indices), indices, [], 4)
    assert (made.value.reason, checked.value.reason) == (reason, reason)


@given(SOME_LEAVES_OF_A_TREE)
def test_a_multiproof_of_another_length_is_refused(place: tuple[int, list[int]]) -> None:
    count, indices = place
    tree = MerkleTree(leaves_of(count))
    leaves, proof = [tree.node(0, index) for index in indices], tree.multiproof(indices)
    with pytest.raises(EncodingError, match=r"is too long$"):
        root_from_multiproof(leaves, indices, [*proof, bytes(32)], tree.depth)
    if proof:
        with pytest.raises(EncodingError, match=r"^the multiproof is too short$"):
            root_from_multiproof(leaves, indices, proof[:-1], tree.depth)


def test_a_multiproof_needs_one_leaf_an_index() -> None:
    with pytest.raises(EncodingError, match=r"^1 leaves stand at 2 indices$"):
        root_from_multiproof([bytes(32)], [0, 1], [], 1)


@given(A_LEAF_OF_A_TREE)
def test_a_reveal_leads_to_the_node_above_it(place: tuple[int, int]) -> None:
    count, index = place
    tree = MerkleTree(leaves_of(count))
    for level in range(tree.depth + 1):
        for below in range(level + 1):
            children = tree.children(level, index >> level, below)
            assert root_from_nodes(children, below, level) == tree.node(level, index >> level)


@given(COUNTS)
def test_nodes_cover_all_leaves_and_no_padding(count: int) -> None:
    tree = MerkleTree(leaves_of(count))
    for level in range(tree.depth + 1):
        nodes = tree.nodes(level)
        assert len(nodes) == node_count(count, level)
        assert root_from_nodes(nodes, level, tree.depth) == tree.root


def test_nodes_can_be_asked_for_by_the_range() -> None:
    tree = MerkleTree(leaves_of(5))
    assert tree.nodes(0, 3, 1) == leaves_of(5)[3:4]
    assert tree.nodes(0, 3, 100) == leaves_of(5)[3:]
    assert tree.nodes(0, 3, 0) == []


@pytest.mark.parametrize(
    ("level", "first", "count"), [(4, 0, 1), (-1, 0, 1), (0, 5, 1), (0, -1, 1), (0, 0, -1)]
)
def test_nodes_outside_the_tree_are_refused(level: int, first: int, count: int) -> None:
    with pytest.raises(EncodingError) as caught:
        MerkleTree(leaves_of(5)).nodes(level, first, count)
    assert caught.value.reason is EncodingReason.OUT_OF_RANGE


def test_padding_has_no_proof() -> None:
    message = r"^level 0 of a tree of 5 leaves has 5 nodes, not one at 5$"
    with pytest.raises(EncodingError, match=message):
        MerkleTree(leaves_of(5)).proof(5)


def test_children_do_not_lie_above_their_node() -> None:
    with pytest.raises(EncodingError, match=r"^level 2 is not in 0 to 1$"):
        MerkleTree(leaves_of(5)).children(1, 0, 2)


@pytest.mark.parametrize("leaves", [[], b""])
def test_a_tree_without_leaves_is_refused(leaves: list[bytes] | bytes) -> None:
    with pytest.raises(EncodingError, match=r"^a tree has 1 to 2\*\*32 - 1 leaves, not 0x0$"):
        MerkleTree(leaves)


@pytest.mark.parametrize("leaves", [[bytes(31)], bytes(33)])
def test_a_leaf_of_another_size_is_refused(leaves: list[bytes] | bytes) -> None:
    with pytest.raises(EncodingError) as caught:
        MerkleTree(leaves)
    assert caught.value.reason is EncodingReason.WRONG_LENGTH
