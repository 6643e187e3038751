"""Many tensors in one array, and all nodes of their trees in another, laid out once for the same shapes.

Each tensor begins with a chunk of its own, those of most chunks first: at every level the trees that go on
are the first ones, their nodes lie side by side, and one call hashes them all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anh_rollup.encoding.hashing import Hashes, Places, hash_into, hash_rows
from anh_rollup.encoding.merkle import MerkleTree, zero_hash
from anh_rollup.encoding.tensors import (
    CHUNK_ELEMENTS,
    CHUNK_SIZE,
    TENSOR_TAG,
    Elements,
    Shape,
    TensorTree,
    check_shape,
    chunk_count_of,
    encode_shape,
)
from anh_rollup.evaluation.spare_memory import SpareMemory
from anh_rollup.primitives import DIGEST_SIZE
from anh_rollup.sequences import LazySequence

#: Bytes of memory that a layout takes for each chunk: where its hash and a node above it go.
LAYOUT_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class _Level:
    """The nodes of one level of all trees.

    Attributes:
        starts: Where each tree's nodes begin among all nodes, for the trees that get so high.
        places: Where each node's hash goes.
        pads: Where padding goes.
        below: The first node of the level below, side by side with all others that are hashed.
    """

    starts: NDArray[np.int64]
    places: Places
    pads: NDArray[np.int64]
    below: int


class Packing:
    """How tensors of known shapes lie, and their trees.

    Attributes:
        shapes: Of each tensor, by its number.
        owner: For each tensor the one whose elements it has in the same order: itself, or another one.
        chunks: How many all of them take.
    """

    def __init__(self, shapes: Mapping[int, Shape], same: Mapping[int, int]) -> None:
        """Lays tensors out.

        Args:
            shapes: Of each tensor, by its number.
            same: For tensors that only rename another one, which it is; that one has its own elements.

        Raises:
            EncodingError: A shape that no tensor has (WRONG_SHAPE).
        """
        self.shapes = dict(shapes)
        self.owner = {each: same.get(each, each) for each in shapes}
        sizes = {each: check_shape(shape) for each, shape in shapes.items() if each not in same}
        order = sorted(sizes, key=sizes.__getitem__, reverse=True)
        counts = np.array([chunk_count_of(sizes[each]) for each in order], np.int64)
        starts = np.cumsum(counts) - counts
        self.chunks = int(counts.sum())
        self._starts = dict(zip(order, starts.tolist(), strict=True))
        self._trees = {each: place for place, each in enumerate(order)}
        self._counts = counts
        self._levels, self._nodes = _levels(counts)
        self._roots = self._root_places()
        self._heads = self._headed()
        self._spare_elements = SpareMemory((self.chunks, CHUNK_ELEMENTS), np.int32)
        self._spare_nodes = SpareMemory((self._nodes, DIGEST_SIZE), np.uint8)

    def start(self, tensor: int) -> int:
        """The chunk with which a tensor begins."""
        return int(self._starts[self.owner[tensor]])

    def make_ready(self) -> None:
        """Takes memory for the next elements and their nodes, unless some is ready."""
        self._spare_elements.make_ready()
        self._spare_nodes.make_ready()

    def elements(self) -> Elements:
        """Memory for the elements, (chunks, 32): 0 behind each tensor's last one, which has to stay so."""
        return self._spare_elements.take()

    def nodes(self, rows: Elements) -> Hashes:
        """All nodes of all trees, (nodes, 32)."""
        found = self._spare_nodes.take()
        for level, own in enumerate(self._levels):
            found[own.pads] = np.frombuffer(zero_hash(level), np.uint8)
            if level == 0:
                hash_into(rows.view(np.uint8).reshape(-1), CHUNK_SIZE, found, own.places, turned=True)
            else:
                hash_into(found[own.below :].reshape(-1), 2 * DIGEST_SIZE, found, own.places, turned=False)
        return found

    def write_roots(self, nodes: Hashes, roots: Hashes) -> None:
        """Writes each tensor's root into the row of its number, (tensors, 32)."""
        for tensors, heads, places in self._heads:
            rows = np.concatenate([heads, nodes[places]], axis=1)
            hashes = hash_rows(rows.data.cast("B"), rows.shape[1])
            roots[tensors] = np.frombuffer(hashes, np.uint8).reshape(-1, DIGEST_SIZE)

    def tree(self, nodes: Hashes, tensor: int) -> MerkleTree:
        """One tensor's tree among all nodes, which it shows and does not copy."""
        place = self._trees[self.owner[tensor]]
        count, levels = int(self._counts[place]), list[memoryview]()
        for own in self._levels[: (count - 1).bit_length() + 1]:
            start = int(own.starts[place])
            levels.append(nodes[start : start + count].reshape(-1).data)
            count = -(-count // 2)
        return MerkleTree.known(levels)

    def _root_places(self) -> NDArray[np.int64]:
        """Where the root of each tree is among all nodes."""
        found = np.empty(len(self._counts), np.int64)
        for own in self._levels:
            found[: len(own.starts)] = own.starts
        return found

    def _headed(self) -> list[tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]]:
        """By rank: tensors' numbers, what is hashed before the roots of their trees, and where those are."""
        ranks: dict[int, list[int]] = {}
        for each, shape in self.shapes.items():
            ranks.setdefault(len(shape), []).append(each)
        found = []
        for tensors in ranks.values():
            heads = b"".join([TENSOR_TAG + encode_shape(self.shapes[each]) for each in tensors])
            places = self._roots[[self._trees[self.owner[each]] for each in tensors]]
            rows = np.frombuffer(heads, np.uint8).reshape(len(tensors), -1)
            found.append((np.array(tensors, np.int64), rows, places))
        return found


def _levels(counts: NDArray[np.int64]) -> tuple[list[_Level], int]:
    """All levels of trees of so many leaves, the largest ones first; and how many nodes they have."""
    levels, nodes, first, below = list[_Level](), counts, 0, 0
    while True:
        widths = nodes + np.where(nodes > 1, nodes % 2, 0)
        starts = first + np.cumsum(widths) - widths
        away = np.repeat(starts - (np.cumsum(nodes) - nodes), nodes)
        places = (away + np.arange(len(away))).astype(np.int32)
        levels.append(_Level(starts, places, (starts + nodes)[widths > nodes], below))
        below, first = first, first + int(widths.sum())
        nodes = widths[nodes > 1] // 2
        if len(nodes) == 0:
            return levels, first


class PackedTensors(LazySequence[Elements]):
    """Tensors that lie as a `Packing` says, among others that are given.

    Attributes:
        packing: How they lie.
        rows: Their elements, (chunks, 32).
        given: Further tensors, by the numbers that are left.
    """

    def __init__(self, packing: Packing, rows: Elements, given: Mapping[int, Elements]) -> None:
        self.packing, self.rows, self.given = packing, rows, given

    @classmethod
    def of(
        cls, packing: Packing, tensors: Sequence[Elements], given: Mapping[int, Elements]
    ) -> "PackedTensors":
        """Copies tensors to where they lie, but for those that are given."""
        packed = cls(packing, packing.elements(), given)
        for each in set(packing.owner.values()):
            packed[each][...] = tensors[each]
        return packed

    def __len__(self) -> int:
        return len(self.packing.shapes) + len(self.given)

    def _item(self, each: int, /) -> Elements:
        if each in self.given:
            return self.given[each]
        shape, flat = self.packing.shapes[each], self.rows.reshape(-1)
        start = self.packing.start(each) * CHUNK_ELEMENTS
        return flat[start : start + check_shape(shape)].reshape(shape)


class TensorForest(LazySequence[TensorTree]):
    """The trees of packed tensors; each is looked for when it is asked for.

    Attributes:
        packed: The tensors.
        nodes: All nodes of their trees.
        given: The trees of the given ones among them.
    """

    def __init__(self, packed: PackedTensors, given: Mapping[int, TensorTree]) -> None:
        self.packed, self.given = packed, given
        self.nodes = packed.packing.nodes(packed.rows)

    def __len__(self) -> int:
        return len(self.packed)

    def roots(self, given: Hashes) -> bytes:
        """The roots of all tensors, side by side.

        Args:
            given: Those of the given ones in the rows of their numbers, (tensors, 32); others are not read.
        """
        found = given.copy()
        self.packed.packing.write_roots(self.nodes, found)
        return found.tobytes()

    def _item(self, each: int, /) -> TensorTree:
        if each in self.given:
            return self.given[each]
        return TensorTree(self.packed[each], self.packed.packing.tree(self.nodes, each))
