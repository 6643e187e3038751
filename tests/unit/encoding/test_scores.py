import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import zero_hash
from anh_rollup.encoding.scores import (
    ScoresHeader,
    ScoreTree,
    SumNode,
    decode_scores,
    encode_scores,
    revealed_score_level,
    sum_node,
    zero_node,
)
from anh_rollup.primitives import ZERO_DIGEST
from tests.doubles.proofs import score_leaf, top_from_nodes, top_from_proof

SCORES = st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=70)


def tree_of(scores: list[int]) -> ScoreTree:
    return ScoreTree(np.array(scores, np.int32))


def naive_top(scores: list[int]) -> tuple[bytes, int]:
    row = [(bytes(32), score) for score in scores]
    while len(row) & (len(row) - 1):
        row.append((bytes(32), 0))
    while len(row) > 1:
        pairs = zip(row[::2], row[1::2], strict=True)
        row = [
            (keccak256(a + x.to_bytes(8, "big", signed=True) + b + y.to_bytes(8, "big", signed=True)), x + y)
            for (a, x), (b, y) in pairs
        ]
    return row[0]


@given(SCORES)
def test_the_top_is_the_defined_one(scores: list[int]) -> None:
    tree = tree_of(scores)
    assert (tree.top.hash, tree.top.sum) == naive_top(scores)
    assert (tree.count, tree.total) == (len(scores), sum(scores))


def test_the_root_hashes_count_sum_and_top() -> None:
    tree = tree_of([3, -5])
    pair = bytes(32) + (3).to_bytes(8, "big") + bytes(32) + (-5).to_bytes(8, "big", signed=True)
    assert tree.header == ScoresHeader(2, -2, keccak256(pair))
    assert tree.root == keccak256(b"\6\0\0\0\2" + b"\xff" * 7 + b"\xfe" + keccak256(pair))


def test_a_single_score_has_a_zero_top() -> None:
    assert tree_of([-1]).header == ScoresHeader(1, -1, ZERO_DIGEST)


@given(SCORES, st.data())
def test_a_proof_leads_every_node_to_the_top(scores: list[int], data: st.DataObject) -> None:
    tree = tree_of(scores)
    index = data.draw(st.integers(0, len(scores) - 1))
    assert top_from_proof(score_leaf(scores[index]), index, tree.proof(index), tree.depth) == tree.top
    for level in range(tree.depth + 1):
        node = tree.nodes(level, index >> level, 1)[0]
        proof = tree.proof(index >> level, level)
        assert top_from_proof(node, index >> level, proof, tree.depth - level) == tree.top


@given(SCORES, st.data())
def test_another_score_leads_to_another_top(scores: list[int], data: st.DataObject) -> None:
    tree = tree_of(scores)
    index = data.draw(st.integers(0, len(scores) - 1))
    other = score_leaf(scores[index] ^ 1)
    assert top_from_proof(other, index, tree.proof(index), tree.depth) != tree.top


@given(SCORES, st.data())
def test_a_reveal_leads_to_the_node_above_it(scores: list[int], data: st.DataObject) -> None:
    tree = tree_of(scores)
    level = data.draw(st.integers(0, tree.depth))
    below = data.draw(st.integers(0, level))
    index = data.draw(st.integers(0, (len(scores) - 1) >> level))
    children = tree.children(level, index, below)
    assert [top_from_nodes(children, below, level)] == tree.nodes(level, index, 1)


def test_padding_adds_nothing() -> None:
    assert zero_node(0) == SumNode(ZERO_DIGEST, 0)
    assert zero_node(3) == sum_node(zero_node(2), zero_node(2))
    assert zero_node(1).hash != zero_hash(1)


@pytest.mark.parametrize("level", [-1, 33])
def test_there_is_no_padding_outside_the_deepest_tree(level: int) -> None:
    with pytest.raises(EncodingError, match=rf"^level {level} is not in 0 to 32$"):
        zero_node(level)


@pytest.mark.parametrize("extreme", [-(2**31), 2**31 - 1])
def test_the_largest_scores_add_up(extreme: int) -> None:
    assert tree_of([extreme] * 9).total == 9 * extreme


@pytest.mark.parametrize(("left", "right"), [(2**63 - 1, 1), (-(2**63), -1)])
def test_a_sum_outside_int64_is_refused(left: int, right: int) -> None:
    with pytest.raises(EncodingError) as caught:
        sum_node(SumNode(ZERO_DIGEST, left), SumNode(ZERO_DIGEST, right))
    assert caught.value.reason is EncodingReason.OUT_OF_RANGE


@pytest.mark.parametrize("index", [-1, 3])
def test_a_score_that_is_not_there_has_no_proof(index: int) -> None:
    with pytest.raises(EncodingError) as caught:
        tree_of([1, 2, 3]).proof(index)
    assert caught.value.reason is EncodingReason.OUT_OF_RANGE


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        (np.zeros(3, np.int64), EncodingReason.WRONG_TYPE),
        (np.array([np.nan]), EncodingReason.WRONG_TYPE),
        (np.zeros((3, 1), np.int32), EncodingReason.WRONG_SHAPE),
        (np.zeros(0, np.int32), EncodingReason.OUT_OF_RANGE),
    ],
)
def test_only_lists_of_int32_are_score_lists(scores: np.ndarray, reason: EncodingReason) -> None:
    for make in (ScoreTree, encode_scores):
        with pytest.raises(EncodingError) as caught:
            make(scores)
        assert caught.value.reason is reason


@given(SCORES)
def test_stored_scores_come_back(scores: list[int]) -> None:
    stored = encode_scores(np.array(scores, np.int32))
    assert decode_scores(stored, tree_of(scores).root).tolist() == scores


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", EncodingReason.TRUNCATED),
        (bytes(4), EncodingReason.OUT_OF_RANGE),
        (b"\xff" * 4, EncodingReason.TRUNCATED),
        (b"\0\0\0\1" + bytes(3), EncodingReason.TRUNCATED),
        (b"\0\0\0\1" + bytes(5), EncodingReason.TRAILING),
    ],
)
def test_stored_scores_of_another_length_are_refused(data: bytes, reason: EncodingReason) -> None:
    with pytest.raises(EncodingError) as caught:
        decode_scores(data)
    assert caught.value.reason is reason


def test_stored_scores_of_another_root_are_refused() -> None:
    with pytest.raises(EncodingError) as caught:
        decode_scores(encode_scores(np.array([1], np.int32)), bytes(32))
    assert caught.value.reason is EncodingReason.WRONG_ROOT


def test_a_reveal_goes_down_five_levels() -> None:
    assert [revealed_score_level(level) for level in (0, 1, 5, 6, 9, 32)] == [0, 0, 0, 1, 4, 27]


def test_a_tree_takes_forty_bytes_a_score_beside_its_list() -> None:
    scores = np.ones(100_000, np.int32)
    tracemalloc.start()
    tree = ScoreTree(scores)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert taken / tree.count == pytest.approx(40, rel=0.05)
