import hashlib

import ckzg
import pytest

from anh_rollup.encoding.blobs import BLOB_SIZE, pack
from anh_rollup.l1.blobs import (
    BLS_MODULUS,
    BlobMalformedError,
    evaluation_point,
    load_trusted_setup,
    open_element,
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
