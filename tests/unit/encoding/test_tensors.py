from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding import tensors
from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.encoding.reader import Reader
from anh_rollup.encoding.tensors import (
    Elements,
    TensorTree,
    check_shape,
    encode_shape,
    encode_tensor,
    opening_tree_root,
    read_tensor,
    tensor_root,
)

SHAPES = st.lists(st.integers(1, 9), max_size=4).map(tuple)


def tensor_of(shape: tuple[int, ...], bits: int = 32, seed: int = 0) -> Elements:
    words = np.random.default_rng(seed).integers(-(2**31), 2**31, shape, np.int64).astype(np.int32)
    return np.asarray(words >> (32 - bits), np.int32)


def leaves_of(elements: Elements) -> list[bytes]:
    data = b"".join([int(element).to_bytes(4, "big", signed=True) for element in elements.ravel()])
    return [keccak256(data[at : at + 128].ljust(128, b"\0")) for at in range(0, len(data), 128)]


@given(st.lists(SHAPES, max_size=7), st.integers(1, 3), st.integers(0, 100))
def test_several_tensors_have_the_trees_of_each_alone(
    shapes: list[tuple[int, ...]], together: int, small: int
) -> None:
    given_tensors = [tensor_of(shape, seed=seed) for seed, shape in enumerate(shapes)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tensors, "_TOGETHER", together)
        patch.setattr(tensors, "_SMALL", small)
        found = TensorTree.several(given_tensors)
    assert [each.root for each in found] == [TensorTree(each).root for each in given_tensors]
    assert [each.elements.tobytes() for each in found] == [each.tobytes() for each in given_tensors]


@given(SHAPES)
def test_the_root_is_the_defined_one(shape: tuple[int, ...]) -> None:
    elements = tensor_of(shape)
    tree = TensorTree(elements)
    tree_root = MerkleTree(leaves_of(elements)).root
    head = bytes([1, len(shape)]) + b"".join([dimension.to_bytes(4, "big") for dimension in shape])
    assert (tree.shape, tree.tree_root, tree.root) == (shape, tree_root, keccak256(head + tree_root))


def test_a_tensor_longer_than_one_slab_has_the_same_leaves() -> None:
    elements = np.arange((1 << 16) * 32 + 5, dtype=np.int32)
    tree = TensorTree(elements)
    assert tree.chunk_count == (1 << 16) + 1
    assert tree.tree.node(0, 1 << 16) == leaves_of(elements[-5:])[0]
    assert tree.tree.node(0, (1 << 16) - 1) == leaves_of(elements[-37:-5])[0]


def test_the_layout_in_memory_does_not_matter() -> None:
    elements = tensor_of((4, 6))
    turned = np.asfortranarray(elements)
    assert TensorTree(turned).root == TensorTree(elements).root
    assert TensorTree(elements.astype(">i4")).root == TensorTree(elements).root
    assert encode_tensor(turned) == encode_tensor(elements)


def test_equal_elements_in_another_shape_have_another_root() -> None:
    elements = tensor_of((4, 6))
    assert TensorTree(elements.reshape(6, 4)).root != TensorTree(elements).root


def test_a_chunk_is_128_bytes_and_the_last_one_is_padded() -> None:
    tree = TensorTree(np.arange(33, dtype=np.int32) - 1)
    assert tree.chunk(0)[:8] == b"\xff" * 4 + bytes(4)
    assert tree.chunk(1) == b"\0\0\0\x1f" + bytes(124)


@pytest.mark.parametrize("index", [-1, 2])
def test_a_chunk_that_is_not_there_is_refused(index: int) -> None:
    with pytest.raises(EncodingError) as caught:
        TensorTree(np.zeros(33, np.int32)).chunk(index)
    assert caught.value.reason is EncodingReason.OUT_OF_RANGE


@given(st.integers(1, 400), st.sampled_from([1, 2, 7, 8, 9, 16, 17, 24, 25, 32]), st.data())
def test_an_opening_yields_the_root_over_the_chunks(count: int, bits: int, data: st.DataObject) -> None:
    tree = TensorTree(tensor_of((count,), bits, seed=count))
    last = tree.chunk_count - 1
    chunks = sorted(data.draw(st.sets(st.integers(0, last), min_size=1)))
    opening = tree.opening(chunks)
    width = data.draw(st.integers(opening.width, 4))
    assert opening.chunks == tuple(chunks)
    assert opening_tree_root(tree.shape, opening) == tree.tree_root
    assert opening_tree_root(tree.shape, tree.opening(chunks, width)) == tree.tree_root
    packed = b"".join([tree.chunk(index) for index in chunks])
    assert opening.elements().astype(">i4").tobytes() == packed


@pytest.mark.parametrize(
    ("elements", "width"),
    [
        ([0], 1),
        ([127, -128], 1),
        ([128], 2),
        ([-129], 2),
        ([32767, -32768], 2),
        ([32768], 3),
        ([-(2**23), 2**23 - 1], 3),
        ([2**23], 4),
        ([-(2**31)], 4),
    ],
)
def test_an_opening_takes_the_smallest_sufficient_width(elements: list[int], width: int) -> None:
    tree = TensorTree(np.array(elements, np.int32))
    assert tree.opening([0]).width == width
    assert len(tree.opening([0]).data) == 32 * width


@pytest.mark.parametrize("width", [0, 1, 5])
def test_a_width_that_does_not_hold_the_elements_is_refused(width: int) -> None:
    with pytest.raises(
        EncodingError, match=rf"^a width of {width} bytes was asked for; these elements need 2 to 4$"
    ):
        TensorTree(np.array([300], np.int32)).opening([0], width)


@pytest.mark.parametrize(
    ("chunks", "reason"),
    [
        ([], EncodingReason.OUT_OF_RANGE),
        ([3], EncodingReason.OUT_OF_RANGE),
        ([1, 0], EncodingReason.NOT_ASCENDING),
    ],
)
def test_chunks_that_cannot_be_opened_are_refused(chunks: list[int], reason: EncodingReason) -> None:
    tree = TensorTree(tensor_of((70,)))
    with pytest.raises(EncodingError) as made:
        tree.opening(chunks)
    with pytest.raises(EncodingError) as checked:
        opening_tree_root(tree.shape, replace(tree.opening([0]), chunks=tuple(chunks)))
    assert (made.value.reason, checked.value.reason) == (reason, reason)


def test_a_changed_element_yields_another_root() -> None:
    tree = TensorTree(tensor_of((70,)))
    opening = tree.opening([0, 2])
    changed = replace(opening, data=opening.data[:3] + bytes([opening.data[3] ^ 1]) + opening.data[4:])
    assert opening_tree_root(tree.shape, changed) != tree.tree_root


def test_padding_has_to_be_zero_so_that_one_tensor_has_one_root() -> None:
    tree = TensorTree(tensor_of((70,)))
    opening = tree.opening([2])
    dirty = replace(opening, data=opening.data[:-1] + b"\1")
    with pytest.raises(EncodingError, match=r"^an element behind the tensor's last one is not zero$"):
        opening_tree_root(tree.shape, dirty)


@pytest.mark.parametrize("change", [-1, 1])
def test_an_opening_of_another_size_is_refused(change: int) -> None:
    opening = TensorTree(tensor_of((70,))).opening([0, 2])
    with pytest.raises(EncodingError) as caught:
        opening_tree_root((70,), replace(opening, data=bytes(len(opening.data) + change)))
    assert caught.value.message == f"2 chunks of 4 bytes an element take 256 bytes, not {256 + change}"


@pytest.mark.parametrize("width", [0, 5, 255])
def test_a_width_outside_one_to_four_is_refused(width: int) -> None:
    opening = TensorTree(tensor_of((70,))).opening([0])
    with pytest.raises(EncodingError, match=rf"^a width of {width} bytes is not in 1 to 4$"):
        opening_tree_root((70,), replace(opening, width=width, data=bytes(32 * width)))


@pytest.mark.parametrize("change", [-1, 1])
def test_an_opening_with_a_proof_of_another_length_is_refused(change: int) -> None:
    opening = TensorTree(tensor_of((70,))).opening([0])
    proof = (*opening.proof, opening.proof[0])[: len(opening.proof) + change]
    with pytest.raises(EncodingError) as caught:
        opening_tree_root((70,), replace(opening, proof=proof))
    assert caught.value.reason is EncodingReason.BAD_PROOF


@pytest.mark.parametrize(
    "elements",
    [np.zeros(3, np.int64), np.zeros(3, np.uint32), np.array([np.nan]), np.zeros(3, np.float32), [1, 2], 7],
)
def test_nothing_but_int32_is_a_tensor(elements: Elements) -> None:
    for make in (TensorTree, encode_tensor):
        with pytest.raises(EncodingError, match=r"^elements are int32, not ") as caught:
            make(elements)
        assert caught.value.reason is EncodingReason.WRONG_TYPE


@pytest.mark.parametrize(
    "shape", [(0,), (-1,), (3, 0), (1,) * 9, (2**31,), (2**32,), (2**16, 2**15), (2**32 - 1,) * 8, (1, 2**40)]
)
def test_a_shape_that_no_tensor_has_is_refused(shape: tuple[int, ...]) -> None:
    for make in (check_shape, encode_shape, lambda shape: tensor_root(shape, bytes(32))):
        with pytest.raises(EncodingError) as caught:
            make(shape)
        assert caught.value.reason is EncodingReason.WRONG_SHAPE


@pytest.mark.parametrize("shape", [(), (1,), (1,) * 8, (2**31 - 1,), (46340, 46341)])
def test_the_largest_shapes_are_tensors(shape: tuple[int, ...]) -> None:
    assert check_shape(shape) == int(np.prod(shape, dtype=np.int64))


def test_an_empty_array_is_no_tensor() -> None:
    with pytest.raises(EncodingError, match=r"^a dimension of 3x0 is not in 1 to 2\*\*32 - 1$"):
        TensorTree(np.zeros((3, 0), np.int32))


@given(SHAPES)
def test_a_stored_tensor_comes_back(shape: tuple[int, ...]) -> None:
    elements = tensor_of(shape)
    reader = Reader(encode_tensor(elements), "the tensor")
    back = read_tensor(reader)
    reader.end()
    assert back.dtype == np.int32
    assert back.shape == shape
    assert np.array_equal(back, elements)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", EncodingReason.TRUNCATED),
        (b"\x09", EncodingReason.WRONG_SHAPE),
        (b"\x01\0\0\0", EncodingReason.TRUNCATED),
        (b"\x01" + bytes(4), EncodingReason.WRONG_SHAPE),
        (b"\x01\x7f\xff\xff\xff" + bytes(64), EncodingReason.TRUNCATED),
        (b"\x02" + b"\xff" * 8, EncodingReason.WRONG_SHAPE),
        (b"\0" + bytes(3), EncodingReason.TRUNCATED),
    ],
)
def test_bytes_that_are_no_tensor_are_refused(data: bytes, reason: EncodingReason) -> None:
    with pytest.raises(EncodingError) as caught:
        read_tensor(Reader(data, "the tensor"))
    assert caught.value.reason is reason
