"""Publications: programs and models whose bytes are in the order, so every node has them (docs/world.md).

Bytes come in *parts*, named by their hash; an *assembly* says which parts, one after the other, are the bytes
of which root. A small artifact is published *whole*: it is its only part. All of them are transactions to the
DNN address, and whether they count follows from the order alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import ceil
from typing import Any, Final

from eth_abi.exceptions import DecodingError

from anh_rollup.encoding.abi import decode, encode
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.transactions import SignedTransaction
from anh_rollup.errors import AnhError
from anh_rollup.primitives import Digest, Gas
from anh_rollup.protocol.fees import base_gas
from anh_rollup.protocol.ledger import DNN

CALL_GAS: Final = 5_000
"""What every call of the DNN address takes, refused ones too."""

WORD_GAS: Final = 6
"""What every 32 bytes of its calldata take beside it (those of KECCAK256)."""

VALUE_GAS: Final = 1_000
"""What each value of a program, and each tensor of a model, takes where it is decoded. Measured: a value
takes 31 microseconds, 40 with what it takes to hand it to an evaluator; a tensor takes up to 20."""

PART_GAS: Final = 1_000
"""What each part of an assembly takes: it is looked up twice, and copied."""

MOST_ARTIFACT_BYTES: Final = 1 << 26
"""Bytes of a published artifact at most: a model of 64 MiB costs 69 of the 120 million gas of a block."""

MOST_PARTS: Final = 2_000
"""Parts of an assembly at most: as many roots fit a record."""

COUNT_BYTES: Final = 4
"""The first bytes of every artifact: how many values or tensors it has. They lie in its first part."""


class PublishedKind(IntEnum):
    """What an artifact is."""

    PROGRAM = 1
    MODEL = 2


BYTE_GAS: Final = {PublishedKind.PROGRAM: 16, PublishedKind.MODEL: 1}
"""What each byte of an artifact takes where it is put together, decoded and hashed. Measured: 13 nanoseconds
for a model, 440 for a program of long concatenations, at 25 million gas a second."""

_PART: Final = ("bytes",)
_WHOLE: Final = ("uint8", "bytes32", "bytes")
_ASSEMBLY: Final = ("uint8", "bytes32", "bytes32[]")


def _selector(name: str, types: Sequence[str]) -> bytes:
    return keccak256(f"{name}({','.join(types)})".encode())[:4]


_TYPES: Final = {
    _selector("publish", _PART): _PART,
    _selector("publish", _WHOLE): _WHOLE,
    _selector("assemble", _ASSEMBLY): _ASSEMBLY,
}

SELECTORS: Final = frozenset(_TYPES)
"""The first four bytes of the calldata of publications."""


class PublicationMalformedError(AnhError):
    """Calldata that is no publication.

    Attributes:
        reason: What is wrong, as a phrase.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a publication: {reason}", remedy="Use what `encode_publication` gives.")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of an artifact, or all of them.

    Attributes:
        content: The bytes.
    """

    content: bytes

    @property
    def hash(self) -> Digest:
        """What assemblies name it by."""
        return keccak256(self.content)


@dataclass(frozen=True, slots=True)
class Assembly:
    """Which parts, one after the other, are an artifact.

    Attributes:
        kind: What it is.
        root: Its root (32 bytes).
        parts: Their hashes.
    """

    kind: PublishedKind
    root: bytes
    parts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Publication:
    """What a transaction publishes.

    Attributes:
        part: The bytes that it brings; None where an assembly only names some.
        assembly: What it puts together; None where it only brings a part.
    """

    part: Part | None
    assembly: Assembly | None


@dataclass(frozen=True, slots=True)
class Measure:
    """What is known of bytes without reading them.

    Attributes:
        size: How many they are.
        count: Values or tensors, as the first ones say; None where the first part is too short to say.
    """

    size: int
    count: int | None


def measured(content: bytes) -> Measure:
    """The measure of bytes in one piece."""
    return Measure(len(content), count_of(content))


def whole(kind: PublishedKind, root: bytes, content: bytes) -> Publication:
    """An artifact in one piece."""
    part = Part(content)
    return Publication(part, Assembly(kind, root, (part.hash,)))


def encode_publication(publication: Publication) -> bytes:
    """The calldata of a transaction that publishes."""
    part, assembly = publication.part, publication.assembly
    content = b"" if part is None else part.content
    if assembly is None:
        return _selector("publish", _PART) + encode(_PART, [content])
    if part is None:
        parts = [assembly.kind, assembly.root, assembly.parts]
        return _selector("assemble", _ASSEMBLY) + encode(_ASSEMBLY, parts)
    return _selector("publish", _WHOLE) + encode(_WHOLE, [assembly.kind, assembly.root, content])


def decode_publication(calldata: bytes) -> Publication:
    """What a transaction's calldata publishes.

    Raises:
        PublicationMalformedError: It is no canonical call of `publish` or `assemble`, its kind is none, or it
            has no bytes, no parts or too many.
    """
    types = _TYPES.get(calldata[:4])
    if types is None:
        raise PublicationMalformedError("it calls another function")
    try:
        values = decode(types, calldata[4:])
    except (DecodingError, OverflowError) as error:
        raise PublicationMalformedError(f"it cannot be decoded ({error})") from error
    if encode(types, values) != calldata[4:]:
        raise PublicationMalformedError("the encoding is not the canonical one")
    return _publication(types, values)


def _publication(types: tuple[str, ...], values: tuple[Any, ...]) -> Publication:
    if not values[-1]:
        raise PublicationMalformedError("it has no bytes, or names no parts")
    if types == _PART:
        return Publication(Part(values[0]), None)
    number, root, content = values
    if number not in tuple(PublishedKind):
        raise PublicationMalformedError(f"the kind {number} is neither 1 (program) nor 2 (model)")
    kind = PublishedKind(number)
    if types == _WHOLE:
        return whole(kind, root, content)
    if len(content) > MOST_PARTS:
        raise PublicationMalformedError(f"it names {len(content)} parts, at most {MOST_PARTS} are allowed")
    return Publication(None, Assembly(kind, root, tuple(content)))


def dnn_call_gas(calldata: bytes) -> Gas:
    """What a call of the DNN address takes before anything is looked at, beside the transaction's own gas."""
    return Gas(CALL_GAS + WORD_GAS * ceil(len(calldata) / 32))


def assembly_gas(assembly: Assembly, measure: Measure) -> Gas | None:
    """What an assembly takes beside `dnn_call_gas`: it counts if its transaction has that much gas.

    Args:
        assembly: The assembly.
        measure: That of its parts together.

    Returns:
        The gas; None where it never counts: it is larger than an artifact may be, or too short to be one.
    """
    if measure.count is None or measure.size > MOST_ARTIFACT_BYTES:
        return None
    parts = PART_GAS * len(assembly.parts)
    return Gas(parts + BYTE_GAS[assembly.kind] * measure.size + VALUE_GAS * measure.count)


def count_of(head: bytes) -> int | None:
    """Values or tensors of an artifact whose first part begins so; None where it is too short to say."""
    return int.from_bytes(head[:COUNT_BYTES], "big") if len(head) >= COUNT_BYTES else None


def ordered_publication(transaction: SignedTransaction) -> tuple[Publication, Gas] | None:
    """What a valid transaction of the order publishes, and the gas that it has for an assembly.

    None where it is no call of the DNN address that publishes, has a value, or too little gas for the call.
    """
    data = transaction.data
    if transaction.to != DNN or transaction.value or data[:4] not in SELECTORS:
        return None
    listed = [len(keys) for _, keys in transaction.access_list]
    left = transaction.gas_limit - base_gas(data, creates=False, listed_keys=listed) - dnn_call_gas(data)
    try:
        return (decode_publication(data), Gas(left)) if left >= 0 else None
    except PublicationMalformedError:
        return None
