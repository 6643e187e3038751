"""Structs that several contracts take, named as in contracts/interfaces."""

from dataclasses import dataclass
from typing import Final

from anh_rollup.encoding.tensors import Opening


@dataclass(frozen=True, slots=True)
class TensorPath:
    """The way from a model's or data set's root to one tensor.

    Attributes:
        count: Number of the artifact's leaves.
        tree_root: Root over these leaves.
        tensors: Tensor roots of the leaf: one (model), or the sample's fields (data set).
        proof: From the leaf to `tree_root`.
        shape: The tensor's rank and dims, as hashed.
        chunks_root: Root over the tensor's chunks.
    """

    count: int
    tree_root: bytes
    tensors: tuple[bytes, ...]
    proof: tuple[bytes, ...]
    shape: bytes
    chunks_root: bytes


@dataclass(frozen=True, slots=True)
class ProgramHeader:
    """Preimage of a program root.

    Attributes:
        value_count: Number of values.
        field_count: Number of sample fields.
        answer_count: Number of answers.
        parameter_count: Number of parameters.
        tree_root: Root over the records' hashes.
    """

    value_count: int
    field_count: int
    answer_count: int
    parameter_count: int
    tree_root: bytes


@dataclass(frozen=True, slots=True)
class ProgramRecord:
    """A record opened from the root of a property's program.

    Attributes:
        header: Preimage of the program root.
        value: The value's id.
        record: Its record.
        proof: From the record's hash to `header.tree_root`.
    """

    header: ProgramHeader
    value: int
    record: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RecordProof:
    """A record of the score program with its place.

    Attributes:
        record: The value's record.
        proof: From the record's hash to the root of the record tree.
    """

    record: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ScoreNode:
    """A node of a score tree; a leaf has hash 0 and its score as sum.

    Attributes:
        hash: 32 bytes.
        sum: Exact sum below it, int64.
    """

    hash: bytes
    sum: int


@dataclass(frozen=True, slots=True)
class Inputs:
    """Tensors that an instruction reads; entry i belongs to input i, unread ones are empty.

    Attributes:
        openings: One opening an input.
        proofs: From each tensor root to the trace root.
    """

    openings: tuple[Opening, ...]
    proofs: tuple[tuple[bytes, ...], ...]


@dataclass(frozen=True, slots=True)
class Output:
    """An element of a value's tensor, opened against the accountant's trace.

    Attributes:
        value: The value.
        element: Index of the element.
        opening: The chunk that holds it.
        proof: From the tensor root to the trace root.
    """

    value: int
    element: int
    opening: Opening
    proof: tuple[bytes, ...]


#: An opening of nothing, for inputs that are not read.
NO_OPENING: Final = Opening((), 1, b"", ())
