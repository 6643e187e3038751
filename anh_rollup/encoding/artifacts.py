"""Models and datasets: their roots, the openings of one part of them, and their bytes in the store.

The Solidity twin is contracts/libraries/Artifacts.sol; tests/vectors/artifacts.json binds the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

import numpy as np

from anh_rollup.encoding.checks import UINT8_MOST, UINT32_MOST, in_range
from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.hashing import expect_rows, hash_numbers, hash_rows, keccak256
from anh_rollup.encoding.merkle import (
    MerkleTree,
    check_indices,
    check_sizes,
    depth_of,
    root_from_proof,
    zero_hash,
)
from anh_rollup.encoding.reader import Reader
from anh_rollup.encoding.tensors import (
    CHUNK_ELEMENTS,
    CHUNK_SIZE,
    MOST_RANK,
    TENSOR_TAG,
    Elements,
    Shape,
    TensorTree,
    check_int32,
    check_shape,
    chunk_count_of,
    encode_shape,
    encode_tensor,
    read_shape,
    read_tensor,
)
from anh_rollup.primitives import DIGEST_SIZE, Digest

MODEL_TAG: Final = b"\x02"
"""First byte of the preimage of a model root."""

SAMPLE_TAG: Final = b"\x03"
"""First byte of the preimage of a sample root."""

DATASET_TAG: Final = b"\x04"
"""First byte of the preimage of a dataset root."""

PROGRAM_TAG: Final = b"\x05"
"""First byte of the preimage of a program root."""

MOST_PARAMETERS: Final = 2**16
"""Tensors of a model: a program names them by a uint16."""

# Bytes of chunks that are hashed at a time, so that a dataset's root needs little memory beside its elements.
_SLAB_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class ModelHeader:
    """The preimage of a model root.

    Attributes:
        count: Tensors.
        tree_root: Root of the tree over their tensor roots.
    """

    count: int
    tree_root: Digest

    @property
    def root(self) -> Digest:
        """The model root: keccak256(0x02 || uint32 count || tree root)."""
        return keccak256(MODEL_TAG + self.count.to_bytes(4, "big") + self.tree_root)


@dataclass(frozen=True, slots=True)
class DatasetHeader:
    """The preimage of a dataset root.

    Attributes:
        count: Samples.
        tree_root: Root of the tree over their sample roots.
    """

    count: int
    tree_root: Digest

    @property
    def root(self) -> Digest:
        """The dataset root: keccak256(0x04 || uint32 count || tree root)."""
        return keccak256(DATASET_TAG + self.count.to_bytes(4, "big") + self.tree_root)


@dataclass(frozen=True, slots=True)
class ProgramHeader:
    """The preimage of a program root.

    Attributes:
        value_count: Values of the program.
        field_count: How many of them are fields of the sample.
        answer_count: How many are fields of the answer.
        parameter_count: How many are parameters.
        tree_root: Root of the tree over the hashes of the values' records.
    """

    value_count: int
    field_count: int
    answer_count: int
    parameter_count: int
    tree_root: Digest

    @property
    def root(self) -> Digest:
        """keccak256 of 0x05, u32 values, u8 fields, u8 answers, u32 parameters and the tree root."""
        counts = self.value_count.to_bytes(4, "big") + bytes([self.field_count, self.answer_count])
        return keccak256(PROGRAM_TAG + counts + self.parameter_count.to_bytes(4, "big") + self.tree_root)


@dataclass(frozen=True, slots=True)
class ParameterOpening:
    """One tensor of a model, with the proof that it is one.

    Attributes:
        count: Tensors of the model.
        index: Which of them.
        tensor: Its tensor root.
        proof: Siblings from the bottom.
    """

    count: int
    index: int
    tensor: Digest
    proof: tuple[Digest, ...]

    def root(self) -> Digest:
        """The model root that this opens.

        Raises:
            EncodingError: An index outside, or a proof of another length.
        """
        check_indices([self.index], self.count)
        tree_root = root_from_proof(self.tensor, self.index, self.proof, depth_of(self.count))
        return ModelHeader(self.count, tree_root).root


@dataclass(frozen=True, slots=True)
class SampleOpening:
    """One sample of a dataset, with the proof that it is one.

    Attributes:
        count: Samples of the dataset.
        index: Which of them.
        tensors: The tensor roots of its fields.
        proof: Siblings from the bottom.
    """

    count: int
    index: int
    tensors: tuple[Digest, ...]
    proof: tuple[Digest, ...]

    def root(self) -> Digest:
        """The dataset root that this opens.

        Raises:
            EncodingError: An index or a number of fields outside, or a proof of another length.
        """
        check_indices([self.index], self.count)
        leaf = sample_root(self.tensors)
        return DatasetHeader(
            self.count, root_from_proof(leaf, self.index, self.proof, depth_of(self.count))
        ).root


class Model:
    """The parameters of a network, in program order.

    Attributes:
        tensors: The parameters with their trees. Their elements must not be changed.
        tree: The tree over the tensor roots.
    """

    __slots__ = ("tensors", "tree")

    def __init__(self, parameters: Sequence[Elements]) -> None:
        """Builds the trees over int32 arrays.

        Raises:
            EncodingError: No parameters or more than 2**16 (OUT_OF_RANGE), or one that is no tensor
                (WRONG_TYPE, WRONG_SHAPE).
        """
        in_range(len(parameters), 1, MOST_PARAMETERS, name="the number of parameters")
        self.tensors = tuple(TensorTree.several(parameters))
        self.tree = MerkleTree([tensor.root for tensor in self.tensors])

    @property
    def parameters(self) -> tuple[Elements, ...]:
        """The elements of the parameters."""
        return tuple([tensor.elements for tensor in self.tensors])

    @property
    def header(self) -> ModelHeader:
        """The preimage of the root."""
        return ModelHeader(self.tree.count, self.tree.root)

    @property
    def root(self) -> Digest:
        """The model root."""
        return self.header.root

    def opening(self, index: int) -> ParameterOpening:
        """Parameter `index` with its proof.

        Raises:
            EncodingError: There is no such parameter (OUT_OF_RANGE).
        """
        proof = self.tree.proof(index)
        return ParameterOpening(self.tree.count, index, self.tensors[index].root, tuple(proof))


class Dataset:
    """Samples that all have the same fields; also the answers of an inference job.

    Attributes:
        fields: int32 arrays (N, *field shape). Their elements must not be changed.
        count: N, the number of samples.
        tree: The tree over the sample roots.
    """

    __slots__ = ("count", "fields", "tree")

    def __init__(self, fields: Sequence[Elements]) -> None:
        """Builds the tree over int32 arrays whose first axis is the sample.

        Raises:
            EncodingError: No fields or more than 255, or no samples (OUT_OF_RANGE); arrays that are no int32
                (WRONG_TYPE) or disagree in N or make no tensors (WRONG_SHAPE).
        """
        in_range(len(fields), 1, UINT8_MOST, name="the number of fields")
        self.fields = tuple([_in_order(check_int32(field)) for field in fields])
        self.count = _sample_count(self.fields)
        self.tree = MerkleTree(_sample_roots([tensor_roots(field) for field in self.fields]))

    @property
    def field_shapes(self) -> tuple[Shape, ...]:
        """The shape of each field of one sample."""
        return tuple([field.shape[1:] for field in self.fields])

    @property
    def header(self) -> DatasetHeader:
        """The preimage of the root."""
        return DatasetHeader(self.count, self.tree.root)

    @property
    def root(self) -> Digest:
        """The dataset root."""
        return self.header.root

    def sample(self, index: int) -> tuple[Elements, ...]:
        """The fields of one sample.

        Raises:
            EncodingError: There is no such sample (OUT_OF_RANGE).
        """
        check_indices([index], self.count)
        return tuple([np.asarray(field[index]) for field in self.fields])

    def tensors(self, index: int) -> tuple[Digest, ...]:
        """The tensor roots of one sample's fields: the preimage of its sample root.

        Raises:
            EncodingError: There is no such sample (OUT_OF_RANGE).
        """
        return tuple([TensorTree(elements).root for elements in self.sample(index)])

    def opening(self, index: int) -> SampleOpening:
        """Sample `index` with its proof.

        Raises:
            EncodingError: There is no such sample (OUT_OF_RANGE).
        """
        return SampleOpening(self.count, index, self.tensors(index), tuple(self.tree.proof(index)))


def sample_root(tensors: Sequence[bytes]) -> Digest:
    """keccak256(0x03 || uint8 fields || tensor roots).

    Raises:
        EncodingError: No fields or more than 255 (OUT_OF_RANGE), or a root that is not 32 bytes long
            (WRONG_LENGTH).
    """
    in_range(len(tensors), 1, UINT8_MOST, name="the number of fields")
    check_sizes(tensors)
    return keccak256(SAMPLE_TAG + bytes([len(tensors)]) + b"".join(tensors))


def tensor_roots(field: Elements) -> bytes:
    """The packed tensor roots of one field (N, *shape): `TensorTree(sample).root` each, only faster.

    Raises:
        EncodingError: A shape that no tensor has (WRONG_SHAPE).
    """
    shape = field.shape[1:]
    count = check_shape(shape)
    head = TENSOR_TAG + encode_shape(shape)
    flat = field.reshape(len(field), count)
    expect_rows(2 * len(field) * chunk_count_of(count))
    slab = max(1, _SLAB_BYTES // (chunk_count_of(count) * CHUNK_SIZE))
    slabs = [flat[first : first + slab] for first in range(0, len(flat), slab)]
    return b"".join([_prefixed_hashes(head, _tree_roots(rows)) for rows in slabs])


def encode_model(model: Model) -> bytes:
    """The bytes of a model in the store: uint32 count, then the tensors."""
    count = len(model.tensors).to_bytes(4, "big")
    return count + b"".join([encode_tensor(tensor.elements) for tensor in model.tensors])


def decode_model(data: bytes, root: bytes | None = None) -> Model:
    """The model in `data`; with `root`, verified against that model root.

    Raises:
        EncodingError: Wrong length (TRUNCATED, TRAILING), wrong counts or shapes (OUT_OF_RANGE, WRONG_SHAPE),
            or another root (WRONG_ROOT).
    """
    reader = Reader(data, "the model")
    count = in_range(reader.uint(4), 1, MOST_PARAMETERS, name="the number of parameters")
    parameters = [read_tensor(reader) for _ in range(count)]
    reader.end()
    model = Model(parameters)
    if root is not None and model.root != root:
        raise EncodingError(EncodingReason.WRONG_ROOT, "the model has another root")
    return model


def encode_dataset(dataset: Dataset) -> bytes:
    """The bytes of a dataset in the store.

    uint32 samples, uint8 fields, the shape of each field without the sample's axis, then field by field all
    elements.
    """
    head = dataset.count.to_bytes(4, "big") + bytes([len(dataset.fields)])
    shapes = [encode_shape(shape) for shape in dataset.field_shapes]
    return b"".join([head, *shapes, *[field.astype(">i4").data for field in dataset.fields]])


def decode_dataset(data: bytes, root: bytes | None = None) -> Dataset:
    """The dataset in `data`; with `root`, verified against that dataset root.

    Raises:
        EncodingError: Wrong length (TRUNCATED, TRAILING), wrong counts or shapes (OUT_OF_RANGE, WRONG_SHAPE),
            or another root (WRONG_ROOT).
    """
    reader = Reader(data, "the dataset")
    count = in_range(reader.uint(4), 1, UINT32_MOST, name="the number of samples")
    shapes = [
        read_shape(reader)
        for _ in range(in_range(reader.uint(1), 1, UINT8_MOST, name="the number of fields"))
    ]
    fields = [reader.int32s(count * prod(shape)).reshape(count, *shape) for shape in shapes]
    reader.end()
    dataset = Dataset(fields)
    if root is not None and dataset.root != root:
        raise EncodingError(EncodingReason.WRONG_ROOT, "the dataset has another root")
    return dataset


def _in_order(field: Elements) -> Elements:
    """The field with its elements side by side; a view that is so already stays a view."""
    return np.ascontiguousarray(field) if field.ndim else field


def _sample_count(fields: Sequence[Elements]) -> int:
    counts = {field.shape[:1] for field in fields}
    if len(counts) != 1 or counts == {()}:
        shapes = ", ".join([str(field.shape) for field in fields[:MOST_RANK]])
        message = f"fields need one first axis for the samples, the same in all; the shapes are {shapes}"
        raise EncodingError(EncodingReason.WRONG_SHAPE, message)
    ((count,),) = counts
    return in_range(count, 1, UINT32_MOST, name="the number of samples")


def _sample_roots(tensors: Sequence[bytes]) -> bytes:
    """The roots of all samples, packed, from the packed tensor roots of each field."""
    columns = [np.frombuffer(roots, np.uint8).reshape(-1, DIGEST_SIZE) for roots in tensors]
    head, slab = SAMPLE_TAG + bytes([len(tensors)]), _SLAB_BYTES // (DIGEST_SIZE * len(tensors))
    firsts = range(0, len(columns[0]), slab)
    slabs = (np.hstack([column[first : first + slab] for column in columns]) for first in firsts)
    return b"".join([_prefixed_hashes(head, rows) for rows in slabs])


def _prefixed_hashes(head: bytes, rows: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> bytes:
    """The hashes of `head` followed by each row."""
    heads = np.broadcast_to(np.frombuffer(head, np.uint8), (len(rows), len(head)))
    prefixed = np.hstack([heads, rows])
    return hash_rows(prefixed.tobytes(), prefixed.shape[1])


def _tree_roots(flat: Elements) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """The roots (N, 32) of the trees over the chunks of N tensors (N, elements) of one shape."""
    samples, count = flat.shape
    chunks = chunk_count_of(count)
    if count % CHUNK_ELEMENTS:
        flat = np.pad(flat, ((0, 0), (0, -count % CHUNK_ELEMENTS)))
    leaves = hash_numbers(flat.reshape(samples * chunks, CHUNK_ELEMENTS))
    nodes = np.frombuffer(leaves, np.uint8).reshape(samples, -1)
    for level in range(depth_of(chunks)):
        if nodes.shape[1] % (2 * DIGEST_SIZE):
            padding = np.frombuffer(zero_hash(level), np.uint8)
            nodes = np.hstack([nodes, np.broadcast_to(padding, (samples, DIGEST_SIZE))])
        nodes = np.frombuffer(hash_rows(nodes.tobytes(), 2 * DIGEST_SIZE), np.uint8).reshape(samples, -1)
    return nodes
