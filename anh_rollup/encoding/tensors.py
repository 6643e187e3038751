"""Tensors: shapes, int32 elements in chunks of 32, their trees, and openings of several chunks at once.

A chunk is 32 elements as 128 big-endian bytes, the last one padded with zeros; a leaf is its hash; the tensor
root is keccak256(0x01 || rank || dims || tree root). The Solidity twin is contracts/libraries/Artifacts.sol;
tests/vectors/artifacts.json binds the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import prod
from operator import index
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from anh_rollup.encoding.checks import INT32_MOST, UINT32_MOST
from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.hashing import hash_numbers, keccak256
from anh_rollup.encoding.merkle import MerkleTree, check_indices, depth_of, root_from_multiproof
from anh_rollup.encoding.reader import Reader
from anh_rollup.primitives import DIGEST_SIZE, Digest

Shape = tuple[int, ...]
"""Dimensions, outermost first; () is a single number."""

Elements = npt.NDArray[np.int32]
"""The elements of a tensor, in its shape."""

TENSOR_TAG: Final = b"\x01"
"""First byte of the preimage of a tensor root."""

MOST_RANK: Final = 8
"""Highest rank of a tensor."""

MOST_ELEMENTS: Final = INT32_MOST
"""Most elements of a tensor."""

CHUNK_ELEMENTS: Final = 32
"""Elements of a leaf: 128 bytes, just inside one keccak-256 block of 136."""

ELEMENT_SIZE: Final = 4
"""Bytes of an int32."""

CHUNK_SIZE: Final = CHUNK_ELEMENTS * ELEMENT_SIZE
"""Bytes of a leaf."""

# Elements of a tensor that is hashed together with others, and how many are: 16 MiB (choice).
_SMALL: Final = 1 << 12
_TOGETHER: Final = 1 << 10


@dataclass(frozen=True, slots=True)
class Opening:
    """Several chunks of one tensor, with the proof that they are in its tree.

    Attributes:
        chunks: Indices, strictly ascending.
        width: Bytes an element, 1 to 4; two's complement.
        data: 32 * width bytes a chunk.
        proof: The multiproof's hashes.
    """

    chunks: tuple[int, ...]
    width: int
    data: bytes
    proof: tuple[Digest, ...]

    def elements(self) -> Elements:
        """The elements (chunks, 32), padding included.

        Raises:
            EncodingError: A width outside 1 to 4 (OUT_OF_RANGE), or data of another size (WRONG_LENGTH).
        """
        return _expanded(self.data, self.width, len(self.chunks))


class TensorTree:
    """A tensor with the tree over its chunks; 64 bytes of memory a chunk beside the elements.

    Attributes:
        elements: int32, in the tensor's shape.
        tree: The tree over the hashes of the chunks.
    """

    __slots__ = ("elements", "tree")

    def __init__(self, elements: Elements, tree: MerkleTree | None = None) -> None:
        """Builds the tree, unless it is known.

        Raises:
            EncodingError: Not int32 (WRONG_TYPE), or a shape that no tensor has (WRONG_SHAPE).
        """
        self.elements: Elements = _checked(elements)
        self.tree = MerkleTree(_leaves(self.elements.reshape(-1))) if tree is None else tree

    @classmethod
    def several(cls, tensors: Sequence[Elements]) -> list["TensorTree"]:
        """The tree of each tensor, in less time than one after the other where they are small.

        Raises:
            EncodingError: As one of them does.
        """
        checked = [_checked(each) for each in tensors]
        trees = MerkleTree.several(_leaves_of_each([each.reshape(-1) for each in checked]))
        return [cls(elements, tree) for elements, tree in zip(checked, trees, strict=True)]

    @property
    def shape(self) -> Shape:
        """The dimensions."""
        return self.elements.shape

    @property
    def chunk_count(self) -> int:
        """Leaves of the tree."""
        return self.tree.count

    @property
    def tree_root(self) -> Digest:
        """Root of the tree over the chunks, without the shape."""
        return self.tree.root

    @property
    def root(self) -> Digest:
        """The tensor root."""
        return tensor_root(self.shape, self.tree_root)

    def chunk(self, index: int) -> bytes:
        """The 128 bytes of one chunk.

        Raises:
            EncodingError: There is no such chunk (OUT_OF_RANGE).
        """
        check_indices([index], self.chunk_count)
        return _chunk_bytes(self.elements.reshape(-1), index)

    def opening(self, chunks: Sequence[int], width: int | None = None) -> Opening:
        """These strictly ascending chunks with their proof, in the smallest sufficient width unless told.

        Raises:
            EncodingError: No chunks, one too high, or a width that does not hold an element (OUT_OF_RANGE),
                or chunks that are not strictly ascending (NOT_ASCENDING).
        """
        check_indices(chunks, self.chunk_count)
        packed = b"".join([self.chunk(index) for index in chunks])
        least = _least_width(packed)
        if width is None:
            width = least
        if not least <= width <= ELEMENT_SIZE:
            message = f"a width of {width} bytes was asked for; these elements need {least} to {ELEMENT_SIZE}"
            raise EncodingError(EncodingReason.OUT_OF_RANGE, message)
        return Opening(tuple(chunks), width, _narrowed(packed, width), tuple(self.tree.multiproof(chunks)))


def tensor_root(shape: Sequence[int], tree_root: bytes) -> Digest:
    """keccak256(0x01 || uint8 rank || uint32 dims || tree root).

    Raises:
        EncodingError: A shape that no tensor has (WRONG_SHAPE).
    """
    return keccak256(TENSOR_TAG + encode_shape(shape) + tree_root)


def opening_tree_root(shape: Sequence[int], opening: Opening) -> Digest:
    """The root over the chunks of the tensor of `shape` that an opening shows some of.

    Raises:
        EncodingError: Whatever makes the opening none: a shape that no tensor has (WRONG_SHAPE), chunks out
            of range or order (OUT_OF_RANGE, NOT_ASCENDING), data of another size (WRONG_LENGTH), padding that
            is not zero (NOT_CANONICAL), or a proof too short or too long (BAD_PROOF).
    """
    count = check_shape(shape)
    check_indices(opening.chunks, chunk_count_of(count))
    elements = opening.elements()
    _check_padding(elements, opening.chunks, count)
    packed = hash_numbers(elements)
    leaves = [packed[first : first + DIGEST_SIZE] for first in range(0, len(packed), DIGEST_SIZE)]
    depth = depth_of(chunk_count_of(count))
    return root_from_multiproof(leaves, opening.chunks, opening.proof, depth)


def chunk_count_of(count: int) -> int:
    """Chunks of a tensor of `count` elements."""
    return -(-count // CHUNK_ELEMENTS)


def check_int32(elements: npt.NDArray[Any]) -> Elements:
    """`elements` in native byte order, where they are int32; nothing is converted.

    Raises:
        EncodingError: Not an array of int32 (WRONG_TYPE): floats, NaN among them, have to be rounded first,
            other libraries' tensors made numpy's, and masked elements filled.
    """
    given: Any = elements
    is_array = isinstance(given, np.ndarray | np.generic) and not isinstance(given, np.ma.MaskedArray)
    if not is_array or given.dtype.kind != "i" or given.dtype.itemsize != ELEMENT_SIZE:
        name = str(given.dtype)[:80] if is_array else type(given).__name__
        raise EncodingError(EncodingReason.WRONG_TYPE, f"elements are int32, not {name}")
    return elements.astype(np.int32, copy=False)


def check_shape(shape: Sequence[int]) -> int:
    """The number of elements of a tensor of `shape`.

    Raises:
        EncodingError: More than 8 axes, a dimension that is no integer in 1 to 2**32 - 1, or more than
            2**31 - 1 elements (WRONG_SHAPE).
    """
    if len(shape) > MOST_RANK:
        raise EncodingError(
            EncodingReason.WRONG_SHAPE, f"{len(shape)} axes; a tensor has at most {MOST_RANK}"
        )
    try:
        sound = all(1 <= index(dimension) <= UINT32_MOST for dimension in shape)
    except TypeError:
        sound = False
    if not sound:
        raise EncodingError(
            EncodingReason.WRONG_SHAPE, f"a dimension of {_text(shape)[:80]} is not in 1 to 2**32 - 1"
        )
    count = prod(shape)
    if count > MOST_ELEMENTS:
        message = f"{_text(shape)} makes {count} elements; a tensor has at most {MOST_ELEMENTS}"
        raise EncodingError(EncodingReason.WRONG_SHAPE, message)
    return count


def encode_shape(shape: Sequence[int]) -> bytes:
    """uint8 rank, then uint32 dimensions.

    Raises:
        EncodingError: A shape that no tensor has (WRONG_SHAPE).
    """
    check_shape(shape)
    return bytes([len(shape)]) + b"".join([int(dimension).to_bytes(4, "big") for dimension in shape])


def read_shape(reader: Reader) -> Shape:
    """The shape that `encode_shape` wrote.

    Raises:
        EncodingError: Too few bytes (TRUNCATED), or a shape that no tensor has (WRONG_SHAPE).
    """
    rank = reader.uint(1)
    if rank > MOST_RANK:
        raise EncodingError(EncodingReason.WRONG_SHAPE, f"{rank} axes; a tensor has at most {MOST_RANK}")
    shape = tuple([reader.uint(4) for _ in range(rank)])
    check_shape(shape)
    return shape


def encode_tensor(elements: Elements) -> bytes:
    """The bytes of a tensor in the store: its shape, then int32 each, row by row.

    Raises:
        EncodingError: Not int32 (WRONG_TYPE), or a shape that no tensor has (WRONG_SHAPE).
    """
    checked = check_int32(elements)
    return encode_shape(checked.shape) + checked.astype(">i4").tobytes()


def tensor_size(shape: Shape) -> int:
    """Bytes of a tensor of a shape in the store."""
    return 1 + 4 * len(shape) + ELEMENT_SIZE * prod(shape)


def read_tensor(reader: Reader) -> Elements:
    """The tensor that `encode_tensor` wrote.

    Raises:
        EncodingError: Too few bytes (TRUNCATED), or a shape that no tensor has (WRONG_SHAPE).
    """
    shape = read_shape(reader)
    return reader.int32s(prod(shape)).reshape(shape)


def _checked(elements: Elements) -> Elements:
    """A tensor's elements, side by side."""
    checked = check_int32(elements)
    check_shape(checked.shape)
    return np.ascontiguousarray(checked).reshape(checked.shape)


def _text(shape: Sequence[int]) -> str:
    return "x".join([str(dimension) for dimension in shape])


def _chunk_bytes(flat: Elements, index: int) -> bytes:
    """A chunk as bytes, the tensor's last one padded."""
    packed = flat[index * CHUNK_ELEMENTS : (index + 1) * CHUNK_ELEMENTS].astype(">i4").tobytes()
    return packed.ljust(CHUNK_SIZE, b"\0")


def _leaves(flat: Elements) -> bytes:
    whole = len(flat) // CHUNK_ELEMENTS
    hashes = hash_numbers(flat[: whole * CHUNK_ELEMENTS].reshape(whole, CHUNK_ELEMENTS))
    return hashes if len(flat) == whole * CHUNK_ELEMENTS else hashes + keccak256(_chunk_bytes(flat, whole))


def _leaves_of_each(flats: Sequence[Elements]) -> list[bytes]:
    """The leaves of each tensor; those of small ones are hashed together."""
    found = {each: _leaves(flat) for each, flat in enumerate(flats) if len(flat) > _SMALL}
    small = [each for each in range(len(flats)) if each not in found]
    for first in range(0, len(small), _TOGETHER):
        some = small[first : first + _TOGETHER]
        ends = [0, *accumulate([chunk_count_of(len(flats[each])) for each in some])]
        rows = np.zeros((ends[-1], CHUNK_ELEMENTS), np.int32)
        for each, start in zip(some, ends, strict=False):
            place = start * CHUNK_ELEMENTS
            rows.reshape(-1)[place : place + len(flats[each])] = flats[each]
        hashes = hash_numbers(rows)
        for each, (start, end) in zip(some, pairwise(ends), strict=True):
            found[each] = hashes[start * DIGEST_SIZE : end * DIGEST_SIZE]
    return [found[each] for each in range(len(flats))]


def _least_width(packed: bytes) -> int:
    """Bytes that hold each of these int32 in two's complement."""
    elements = np.frombuffer(packed, ">i4")
    extremes = (int(elements.min()), int(elements.max()))
    bits = max([(~value if value < 0 else value).bit_length() for value in extremes]) + 1
    return -(-bits // 8)


def _narrowed(packed: bytes, width: int) -> bytes:
    rows = np.frombuffer(packed, np.uint8).reshape(-1, ELEMENT_SIZE)
    return rows[:, ELEMENT_SIZE - width :].tobytes()


def _expanded(data: bytes, width: int, chunks: int) -> Elements:
    if not 1 <= width <= ELEMENT_SIZE:
        raise EncodingError(
            EncodingReason.OUT_OF_RANGE, f"a width of {width} bytes is not in 1 to {ELEMENT_SIZE}"
        )
    size = chunks * CHUNK_ELEMENTS * width
    if len(data) != size:
        message = f"{chunks} chunks of {width} bytes an element take {size} bytes, not {len(data)}"
        raise EncodingError(EncodingReason.WRONG_LENGTH, message)
    rows = np.zeros((chunks * CHUNK_ELEMENTS, ELEMENT_SIZE), np.uint8)
    rows[:, :width] = np.frombuffer(data, np.uint8).reshape(-1, width)
    # The sign is now in the highest bit; the arithmetic shift spreads it.
    shifted = rows.view(">i4").astype(np.int32) >> (8 * (ELEMENT_SIZE - width))
    return shifted.reshape(chunks, CHUNK_ELEMENTS)


def _check_padding(elements: Elements, chunks: Sequence[int], count: int) -> None:
    """Elements behind the tensor's last one have to be zero: one tensor has one root."""
    used = count % CHUNK_ELEMENTS
    if used and chunks[-1] == chunk_count_of(count) - 1 and elements[-1, used:].any():
        raise EncodingError(
            EncodingReason.NOT_CANONICAL, "an element behind the tensor's last one is not zero"
        )
