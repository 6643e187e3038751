"""How an artifact is published: in one transaction where it fits one, else in parts and their assembly."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from anh_rollup.encoding.artifacts import Model, encode_model
from anh_rollup.encoding.transactions import MOST_RECORD_BYTES, MOST_TRANSACTION_BYTES
from anh_rollup.encoding.zero_runs import compress
from anh_rollup.errors import AnhError
from anh_rollup.primitives import Gas
from anh_rollup.protocol.fees import base_gas, floor_gas
from anh_rollup.protocol.publications import (
    MOST_ARTIFACT_BYTES,
    MOST_PARTS,
    Assembly,
    Part,
    Publication,
    PublishedKind,
    assembly_gas,
    dnn_call_gas,
    encode_publication,
    measured,
    whole,
)
from anh_rollup.tensor.codec import encode_program
from anh_rollup.tensor.program import Program

ENVELOPE_BYTES: Final = 512
"""What a signed transaction with a short access list, or its record, has beside the calldata at most."""

FIRST_CUT: Final = 120_000
"""Bytes of a part that is tried first: many of a model's packed away, it fits the record."""


class ArtifactUnpublishableError(AnhError):
    """An artifact that no assembly may have.

    Attributes:
        size: Its bytes.
        parts: Into how many parts they go.
    """

    def __init__(self, size: int, parts: int) -> None:
        super().__init__(
            f"it has {size} bytes, {parts} parts; {MOST_ARTIFACT_BYTES} bytes in {MOST_PARTS} parts can be"
            " published",
            remedy="Use a smaller network in contracts; trainings and inferences by direct order need none"
            " of this.",
        )
        self.size, self.parts = size, parts


@dataclass(frozen=True, slots=True)
class PublishingStep:
    """One transaction that publishes.

    Attributes:
        hash: What it publishes: the hash of a part, or the artifact's root.
        calldata: To send to the DNN address.
        gas: The gas limit that makes it count, if its access list holds one address at most.
    """

    hash: bytes
    calldata: bytes
    gas: Gas


def published_form(artifact: Program | Model) -> tuple[PublishedKind, bytes]:
    """What an artifact is published as: its kind, and its bytes."""
    if isinstance(artifact, Program):
        return PublishedKind.PROGRAM, encode_program(artifact)
    return PublishedKind.MODEL, encode_model(artifact)


def publishing_steps(kind: PublishedKind, root: bytes, content: bytes) -> list[PublishingStep]:
    """The transactions that publish an artifact, in order; the last one is the artifact's own.

    Args:
        kind: What it is.
        root: Its root.
        content: Its bytes, as the artifact store keeps them.

    Raises:
        ArtifactUnpublishableError: It is too large.
    """
    if len(content) <= FIRST_CUT and _fits(whole(kind, root, content)):
        return [_step(whole(kind, root, content), root, content)]
    parts = [Part(each) for each in _cut(content)] if len(content) <= MOST_ARTIFACT_BYTES else []
    if not 0 < len(parts) <= MOST_PARTS:
        raise ArtifactUnpublishableError(len(content), len(parts))
    assembly = Assembly(kind, root, tuple(each.hash for each in parts))
    bringing = {each.hash: _step(Publication(each, None), each.hash, content) for each in parts}
    return [*bringing.values(), _step(Publication(None, assembly), root, content)]


def _cut(content: bytes) -> Iterator[bytes]:
    """Pieces that fit transactions."""
    start, size = 0, FIRST_CUT
    while start < len(content):
        while not _fits(Publication(Part(content[start : start + size]), None)):
            size = size * 15 // 16
        yield content[start : start + size]
        start += size
        size = min(FIRST_CUT, size * 16 // 15)


def _fits(publication: Publication) -> bool:
    """Whether a transaction, and its record, have room for it."""
    data = encode_publication(publication)
    packed = len(compress(data)) <= MOST_RECORD_BYTES - ENVELOPE_BYTES
    return packed and len(data) <= MOST_TRANSACTION_BYTES - ENVELOPE_BYTES


def _step(publication: Publication, digest: bytes, content: bytes) -> PublishingStep:
    data, assembly = encode_publication(publication), publication.assembly
    gas = base_gas(data, creates=False, listed_keys=[0]) + dnn_call_gas(data)
    if assembly is not None:
        gas += assembly_gas(assembly, measured(content)) or 0
    return PublishingStep(digest, data, Gas(max(gas, floor_gas(data))))
