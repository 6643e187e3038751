import pytest

from anh_rollup.encoding.blob_chunks import CHUNK_SIZE, LOW_BYTES, contents_of, open_chunk
from anh_rollup.encoding.blobs import BLOB_SIZE, pack
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import MerkleTree

PAYLOAD = b"".join([keccak256(b"%d" % number) for number in range(3900)])
(BLOB,) = pack(PAYLOAD)


def test_the_contents_of_a_packed_blob_are_what_it_carries() -> None:
    carried = len(PAYLOAD).to_bytes(4, "big") + PAYLOAD
    assert contents_of(BLOB) == carried.ljust(LOW_BYTES, b"\0")


@pytest.mark.parametrize("index", [0, 1, 31, 32, 4095])
def test_first_bytes_stand_behind_as_seven_bits_each(index: int) -> None:
    blob = bytearray(BLOB)
    blob[32 * index] = 0x73
    contents = contents_of(bytes(blob))
    assert contents[:LOW_BYTES] == contents_of(BLOB)
    bits = int.from_bytes(contents[LOW_BYTES:], "big")
    assert len(contents[LOW_BYTES:]) == 7 * 4096 // 8
    assert bits == 0x73 << 7 * (4095 - index)


def test_a_chunk_leads_to_the_root_over_all_of_them() -> None:
    contents = contents_of(BLOB)
    chunks = [contents[start : start + CHUNK_SIZE] for start in range(0, LOW_BYTES, CHUNK_SIZE)]
    root = MerkleTree([keccak256(chunk) for chunk in chunks]).root
    for index in (0, 1, 77, 127):
        data, proof = open_chunk(BLOB, index)
        assert data == chunks[index]
        node = keccak256(data)
        for level, sibling in enumerate(proof):
            node = keccak256(sibling + node if index >> level & 1 else node + sibling)
        assert node == root


def test_first_bytes_are_in_no_chunk() -> None:
    assert open_chunk(b"\x01" + BLOB[1:], 0) == open_chunk(BLOB, 0)
    assert len(BLOB) == BLOB_SIZE
