"""EIP-4844 blobs: their hashes, and the form in which they travel with a transaction.

eth-account can sign blob transactions with their blobs, but loads the trusted setup anew for each value that
it computes (seconds each); here it is loaded once, and a transaction that is sent again reuses what it has.
"""

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

import ckzg
from py_arkworks_bls12381 import G1Point, Scalar

from anh_rollup.encoding.blobs import BLOB_ELEMENTS, BLOB_SIZE, FIELD_ELEMENT_SIZE, MOST_BLOBS
from anh_rollup.encoding.rlp import encode_bytes, encode_list
from anh_rollup.l1.errors import L1Error

#: First byte of a versioned hash (EIP-4844, VERSIONED_HASH_VERSION_KZG).
HASH_VERSION: Final = b"\x01"

#: The network form with cell proofs (EIP-7594).
WRAPPER_VERSION: Final = b"\x01"

#: Order of the field that blobs' elements are from (EIP-4844, BLS_MODULUS).
BLS_MODULUS: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001

#: A generator of that field's units (EIP-4844, PRIMITIVE_ROOT_OF_UNITY).
_PRIMITIVE_ROOT: Final = 7

#: Words before the points of the ceremony's file.
_COUNTS: Final = 2

_OUTSIDE: Final = "a field element is not below the BLS12-381 modulus"


class BlobMalformedError(L1Error):
    """Bytes that are no blob, or too many of them.

    Attributes:
        reason: What is wrong.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"not a blob: {reason}", remedy="Pack the bytes with the batch encoding's blob packer."
        )
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What travels with a blob transaction and is not part of its block.

    Attributes:
        blobs: The blobs.
        commitments: A KZG commitment of 48 bytes for each.
        cell_proofs: 128 proofs of 48 bytes for each.
        hashes: The versioned hash of each: what the transaction itself names.
    """

    blobs: tuple[bytes, ...]
    commitments: tuple[bytes, ...]
    cell_proofs: tuple[bytes, ...]
    hashes: tuple[bytes, ...]


def make_sidecar(blobs: Sequence[bytes]) -> Sidecar:
    """Computes commitments, proofs and hashes; the first call of a process takes seconds.

    Raises:
        BlobMalformedError: There are none or too many, or one is no blob.
    """
    check_blobs(blobs)
    commitments = tuple(_commit(blob) for blob in blobs)
    proofs = [ckzg.compute_cells_and_kzg_proofs(blob, load_trusted_setup())[1] for blob in blobs]
    cell_proofs = tuple(proof for listed in proofs for proof in listed)
    return Sidecar(tuple(blobs), commitments, cell_proofs, tuple(versioned(item) for item in commitments))


def check_blobs(blobs: Sequence[bytes]) -> None:
    """Checks how many blobs there are, and their sizes.

    Raises:
        BlobMalformedError: There are none or too many, or one has another size.
    """
    if not 1 <= len(blobs) <= MOST_BLOBS:
        raise BlobMalformedError(f"{len(blobs)} blobs, and a transaction carries 1 to {MOST_BLOBS}")
    for blob in blobs:
        if len(blob) != BLOB_SIZE:
            raise BlobMalformedError(f"{len(blob)} bytes instead of {BLOB_SIZE}")


def versioned_hash(blob: bytes) -> bytes:
    """The hash by which L1 names a blob.

    Raises:
        BlobMalformedError: The bytes are no blob.
    """
    check_blobs([blob])
    starts = range(0, BLOB_SIZE, FIELD_ELEMENT_SIZE)
    elements = [int.from_bytes(blob[start : start + FIELD_ELEMENT_SIZE], "big") for start in starts]
    if max(elements) >= BLS_MODULUS:
        raise BlobMalformedError(_OUTSIDE)
    commitment = G1Point.multiexp_unchecked(_bases(), [Scalar(element) for element in elements])
    return versioned(bytes(commitment.to_compressed_bytes()))


def open_element(blob: bytes, index: int) -> tuple[bytes, bytes, bytes]:
    """A field element of a blob with the blob's commitment and the KZG proof that it stands there.

    Args:
        blob: The blob.
        index: The element's place, 0 to 4,095.

    Raises:
        BlobMalformedError: The bytes are no blob, or have no such element.
    """
    check_blobs([blob])
    if not 0 <= index < BLOB_ELEMENTS:
        raise BlobMalformedError(f"it has no element {index}; it has {BLOB_ELEMENTS}")
    commitment = _commit(blob)
    point = evaluation_point(index).to_bytes(FIELD_ELEMENT_SIZE, "big")
    proof, value = ckzg.compute_kzg_proof(blob, point, load_trusted_setup())
    return value, commitment, proof


def evaluation_point(index: int) -> int:
    """Where a blob's polynomial has its element `index` as value: a root of unity, in bit-reversed order.

    Source: EIP-4844, compute_roots_of_unity and bit_reversal_permutation.
    """
    exponent = (BLS_MODULUS - 1) // BLOB_ELEMENTS * _reversed_bits(index)
    return pow(_PRIMITIVE_ROOT, exponent, BLS_MODULUS)


def wrap(signed: bytes, sidecar: Sidecar) -> bytes:
    """The network form of a signed blob transaction: its bytes with the sidecar."""
    lists = (sidecar.blobs, sidecar.commitments, sidecar.cell_proofs)
    parts = [encode_list([encode_bytes(item) for item in items]) for items in lists]
    return signed[:1] + encode_list([signed[1:], encode_bytes(WRAPPER_VERSION), *parts])


def _commit(blob: bytes) -> bytes:
    try:
        commitment: bytes = ckzg.blob_to_kzg_commitment(blob, load_trusted_setup())
    except RuntimeError as error:
        raise BlobMalformedError(_OUTSIDE) from error
    return commitment


def versioned(commitment: bytes) -> bytes:
    """The hash by which L1 names the blob of a commitment."""
    return HASH_VERSION + hashlib.sha256(commitment).digest()[1:]


@lru_cache(maxsize=1)
def load_trusted_setup() -> Any:
    """The KZG ceremony's public values, for proofs; a process's first call takes seconds."""
    with _ceremony() as path:
        return ckzg.load_trusted_setup(str(path), 0)


@lru_cache(maxsize=1)
def _bases() -> list[G1Point]:
    """The ceremony's points of which a commitment is the sum, in the order of a blob's elements.

    A tenth of a second instead of the two that ckzg takes to prepare for proofs.
    """
    with _ceremony() as path:
        points = path.read_text(encoding="ascii").split()[_COUNTS : _COUNTS + BLOB_ELEMENTS]
    return [
        G1Point.from_compressed_bytes_unchecked(bytes.fromhex(points[_reversed_bits(index)]))
        for index in range(BLOB_ELEMENTS)
    ]


def _ceremony() -> AbstractContextManager[Path]:
    """The file that eth-account ships: two counts, then points, those of the Lagrange form first."""
    folder = resources.files("eth_account.typed_transactions") / "blob_transactions"
    return resources.as_file(folder / "kzg_trusted_setup.txt")


def _reversed_bits(index: int) -> int:
    bits = BLOB_ELEMENTS.bit_length() - 1
    return int(f"{index:0{bits}b}"[::-1], 2)
