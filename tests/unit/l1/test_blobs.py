import hashlib
from random import Random

import ckzg
import pytest

from anh_rollup.encoding.blobs import BLOB_SIZE, pack
from anh_rollup.l1.blobs import (
    BLS_MODULUS,
    BlobMalformedError,
    evaluation_point,
    load_trusted_setup,
    open_element,
    versioned,
    versioned_hash,
)

BLOB = pack(bytes(range(256)) * 500)[1]


def test_an_opened_element_is_proven_by_the_point_evaluation() -> None:
    for index in (0, 1, 5, 4095):
        value, commitment, proof = open_element(BLOB, index)
        assert value == BLOB[32 * index : 32 * index + 32]
        assert b"\x01" + hashlib.sha256(commitment).digest()[1:] == versioned_hash(BLOB)
        point = evaluation_point(index).to_bytes(32, "big")
        assert ckzg.verify_kzg_proof(commitment, point, value, proof, load_trusted_setup())
        other = evaluation_point(index ^ 1).to_bytes(32, "big")
        assert not ckzg.verify_kzg_proof(commitment, other, value, proof, load_trusted_setup())


def test_the_points_are_all_roots_of_unity() -> None:
    points = {evaluation_point(index) for index in range(4096)}
    assert len(points) == 4096
    assert {pow(point, 4096, BLS_MODULUS) for point in points} == {1}


def test_what_is_no_blob_or_not_in_it_is_not_opened() -> None:
    with pytest.raises(BlobMalformedError, match="it has no element 4096; it has 4096"):
        open_element(BLOB, 4096)
    with pytest.raises(BlobMalformedError, match=f"3 bytes instead of {BLOB_SIZE}"):
        open_element(b"abc", 0)


@pytest.mark.parametrize("elements", [[0] * 4096, [1] + [0] * 4095, [0] * 4095 + [BLS_MODULUS - 1], None])
def test_a_hash_is_that_of_the_commitment_that_is_sent(elements: list[int] | None) -> None:
    chance = Random(4844)
    elements = elements or [chance.randrange(BLS_MODULUS) for _ in range(4096)]
    blob = b"".join([element.to_bytes(32, "big") for element in elements])
    assert versioned_hash(blob) == versioned(ckzg.blob_to_kzg_commitment(blob, load_trusted_setup()))


def test_an_element_outside_of_the_field_has_no_hash() -> None:
    blob = bytes(BLOB_SIZE - 32) + BLS_MODULUS.to_bytes(32, "big")
    with pytest.raises(BlobMalformedError, match="a field element is not below the BLS12-381 modulus"):
        versioned_hash(blob)
