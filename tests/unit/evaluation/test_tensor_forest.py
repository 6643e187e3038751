"""Many tensors laid out together have the trees and roots that each has by itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from anh_rollup.encoding import hashing
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.merkle import node_count
from anh_rollup.encoding.tensors import Elements, TensorTree
from anh_rollup.evaluation.tensor_forest import PackedTensors, Packing, TensorForest

SHAPES = st.lists(st.lists(st.integers(1, 9), max_size=4).map(tuple), min_size=1, max_size=12)


def elements(shape: tuple[int, ...], seed: int) -> Elements:
    """Random int32."""
    chance = np.random.default_rng(seed)
    return np.asarray(chance.integers(-(2**31), 2**31, shape, dtype=np.int32))


def same_tree(found: TensorTree, wanted: TensorTree) -> None:
    """All that a game may ask of them is the same."""
    assert found.root == wanted.root
    assert found.elements.tobytes() == wanted.elements.tobytes()
    assert (found.shape, found.chunk_count) == (wanted.shape, wanted.chunk_count)
    levels = range(wanted.tree.depth + 1)
    assert [found.tree.nodes(level) for level in levels] == [wanted.tree.nodes(level) for level in levels]
    last = wanted.chunk_count - 1
    assert found.opening([last]) == wanted.opening([last])
    assert [len(found.tree.nodes(level)) for level in levels] == [
        node_count(wanted.chunk_count, level) for level in levels
    ]


def forest_of(tensors: list[Elements], given: set[int], same: dict[int, int]) -> TensorForest:
    """These tensors, some of them given."""
    shapes = {each: tensor.shape for each, tensor in enumerate(tensors) if each not in given}
    packed = PackedTensors.of(Packing(shapes, same), tensors, {each: tensors[each] for each in given})
    return TensorForest(packed, {each: TensorTree(tensors[each]) for each in given})


@given(SHAPES, st.data())
@settings(max_examples=40, deadline=None)
def test_a_forest_has_the_trees_of_its_tensors(shapes: list[tuple[int, ...]], data: st.DataObject) -> None:
    tensors = [elements(shape, seed) for seed, shape in enumerate(shapes)]
    shared = set(data.draw(st.lists(st.sampled_from(range(len(tensors))), unique=True)))
    forest = forest_of(tensors, shared, {})
    for found, tensor in zip(forest, tensors, strict=True):
        same_tree(found, TensorTree(tensor))


def template(forest: TensorForest) -> NDArray[np.uint8]:
    """The roots of the given tensors in their rows."""
    found = np.full((len(forest), 32), 7, np.uint8)
    for each, tree in forest.given.items():
        found[each] = np.frombuffer(tree.root, np.uint8)
    return found


def test_roots_come_in_order_whatever_the_shapes() -> None:
    shapes = [(40, 33), (), (5,), (64,), (2, 2, 2), (65,), (1,), (3000,)]
    tensors = [elements(shape, seed) for seed, shape in enumerate(shapes)]
    forest = forest_of(tensors, {2, 5}, {})
    given = template(forest)
    before = given.copy()
    assert forest.roots(given) == b"".join([TensorTree(each).root for each in tensors])
    np.testing.assert_array_equal(given, before)


def test_a_renamed_tensor_shares_elements_and_tree_under_a_root_of_its_own() -> None:
    first = elements((6, 50), 1)
    tensors = [first, first.reshape(300), elements((4,), 2), first.reshape(3, 2, 50)]
    forest = forest_of(tensors, set(), {1: 0, 3: 0})
    assert forest.packed.packing.chunks == 11
    for found, tensor in zip(forest, tensors, strict=True):
        same_tree(found, TensorTree(tensor))
    assert len({each.root for each in forest}) == 4
    assert np.shares_memory(forest[1].elements, forest[3].elements)
    assert forest.roots(template(forest)) == b"".join([TensorTree(each).root for each in tensors])


def test_compiled_code_hashes_the_same_forest(monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = [elements((size,), size) for size in (100_000, 31, 32, 33, 4_097, 70_000, 1)]
    slow = forest_of(tensors, set(), {})
    monkeypatch.setattr(hashing._bulk, "rows", hashing.WORTH)
    fast = forest_of(tensors, set(), {})
    np.testing.assert_array_equal(fast.nodes, slow.nodes)
    same_tree(fast[0], TensorTree(tensors[0]))


def test_memory_that_is_ready_serves_one_forest() -> None:
    tensors = [elements((70,), 1), elements((3, 33), 2)]
    packing = Packing({each: tensor.shape for each, tensor in enumerate(tensors)}, {})
    packing.make_ready()
    forests = [TensorForest(PackedTensors.of(packing, tensors, {}), {}) for _ in range(2)]
    assert not np.shares_memory(forests[0].nodes, forests[1].nodes)
    assert not np.shares_memory(forests[0].packed.rows, forests[1].packed.rows)
    for forest in forests:
        for found, tensor in zip(forest, tensors, strict=True):
            same_tree(found, TensorTree(tensor))


def test_a_forest_in_the_memory_of_another_one_has_its_own_trees() -> None:
    shapes = [(70,), (3, 33), (1,), (4097,)]
    packing, places = Packing(dict(enumerate(shapes)), {}), set[int]()
    for seed in (1, 2, 3):
        tensors = [elements(shape, seed) for shape in shapes]
        forest = TensorForest(PackedTensors.of(packing, tensors, {}), {})
        places |= {forest.nodes.ctypes.data, forest.packed.rows.ctypes.data}
        for found, tensor in zip(forest, tensors, strict=True):
            same_tree(found, TensorTree(tensor))
        del forest, found
    assert len(places) == 2


def test_packed_tensors_are_a_sequence() -> None:
    tensors = [elements((2, 3), 1), elements((), 2), elements((40,), 3)]
    packed = forest_of(tensors, {1}, {}).packed
    assert len(packed) == 3
    assert [each.tolist() for each in packed[-2:]] == [each.tolist() for each in tensors[-2:]]
    assert packed[-1].tolist() == tensors[2].tolist()
    with pytest.raises(IndexError):
        packed[3]


def test_a_shape_that_no_tensor_has_is_refused() -> None:
    with pytest.raises(EncodingError, match="a dimension of 0 is not in 1 to 2\\*\\*32 - 1"):
        Packing({0: (0,)}, {})
