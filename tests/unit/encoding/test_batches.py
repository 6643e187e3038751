from dataclasses import replace

import pytest
import rlp
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.batches import (
    BATCH_HEAD_SIZE,
    BLOCK_HEAD_SIZE,
    EMPTY_OMMERS_HASH,
    EMPTY_TRIE_ROOT,
    RECORD_HEAD_SIZE,
    Batch,
    BatchHeader,
    BlockRecord,
    Header,
    block_transactions_root,
    decode_batch,
    encode_batch,
    genesis_commitment,
    transactions_root,
)
from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.primitives import ZERO_DIGEST, Digest

UINT64 = st.integers(0, 2**64 - 1)
DIGESTS = st.binary(min_size=32, max_size=32).map(Digest)
BLOCKS = st.builds(
    BlockRecord,
    time=UINT64,
    origin_number=UINT64,
    origin_hash=DIGESTS,
    forced=st.integers(0, 2**16 - 1),
    records=st.lists(st.binary(min_size=1, max_size=40), max_size=5).map(tuple),
)
BATCHES = st.builds(
    Batch, first_number=UINT64, parent=DIGESTS, blocks=st.lists(BLOCKS, min_size=1, max_size=5).map(tuple)
)

BLOCK = BlockRecord(
    time=1, origin_number=2, origin_hash=Digest(b"\3" * 32), forced=4, records=(b"one", b"two!")
)
BATCH = Batch(first_number=9, parent=Digest(b"\5" * 32), blocks=(BLOCK, replace(BLOCK, records=())))
BYTES = bytes.fromhex(
    "03 0000000000000009" + "05" * 32 + "0002 00000002 0000 000009"
    "000000 04 05 806f6e65 8074776f21"
    "0000000000000001 0002 0004 00 0000000000000002" + "03" * 32 + "0000000000000001 0000 0004 01"
)
#: Places in it: sizes of table and records, begin of the first group, first packed record, last block.
TABLE, SIZE, GROUP, RECORD, LAST = 47, 49, 52, 57, len(BYTES) - 13
HEADER = Header(
    number=5,
    parent=Digest(b"\1" * 32),
    time=1_700_000_000,
    origin_number=77,
    origin_hash=Digest(b"\2" * 32),
    transactions_root=Digest(b"\3" * 32),
    gas_limit=30_000_000,
    base_fee=10**9,
)


def reason_of(data: bytes) -> EncodingReason:
    with pytest.raises(EncodingError) as caught:
        decode_batch(data)
    return caught.value.reason


def test_a_batch_has_the_documented_bytes() -> None:
    assert encode_batch(BATCH) == BYTES
    assert decode_batch(BYTES) == BATCH


def test_a_batch_knows_its_records_forced_entries_and_root() -> None:
    assert (BATCH.records, BATCH.forced) == ((b"one", b"two!"), 8)
    assert BATCH.transactions_root == keccak256(keccak256(b"one") + keccak256(b"two!"))


@given(BATCHES)
def test_a_batch_comes_back(batch: Batch) -> None:
    assert decode_batch(encode_batch(batch)) == batch


@pytest.mark.parametrize(
    "data",
    [
        BYTES[:TABLE] + b"\0\1" + BYTES[SIZE:GROUP] + bytes(20) + BYTES[GROUP:],
        BYTES[:RECORD] + b"\x81" + BYTES[RECORD + 1 :],
        BYTES[:-1] + b"\0" + BYTES[LAST - 40 : LAST],
        BYTES[:SIZE] + b"\0\0\x0c\0\0\0\0\5\0\0\4" + BYTES[RECORD:],
    ],
    ids=[
        "a table of no use",
        "a verbatim record's other bits",
        "an origin said again",
        "a long form's length",
    ],
)
def test_bytes_that_an_encoder_would_not_write_are_a_batch_all_the_same(data: bytes) -> None:
    assert decode_batch(data) == BATCH


@given(BATCHES, st.data())
def test_a_changed_byte_is_refused_or_makes_a_batch_that_has_bytes_of_its_own(
    batch: Batch, data: st.DataObject
) -> None:
    changed = bytearray(encode_batch(batch))
    changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = decode_batch(bytes(changed))
    except EncodingError:
        return
    assert decode_batch(encode_batch(read)) == read


def test_a_batch_cut_anywhere_is_refused() -> None:
    assert {reason_of(BYTES[:end]) for end in range(len(BYTES))} == {EncodingReason.TRUNCATED}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (BYTES + b"\0", EncodingReason.TRAILING),
        (b"\1" + BYTES[1:], EncodingReason.UNSUPPORTED),
        (b"\2" + BYTES[1:], EncodingReason.UNSUPPORTED),
        (BYTES[:41] + b"\0\0" + BYTES[43:], EncodingReason.OUT_OF_RANGE),
        (BYTES[:43] + b"\xff\xff\xff\xff" + BYTES[47:], EncodingReason.TRUNCATED),
        (BYTES[:SIZE] + b"\0\0\x08" + BYTES[GROUP:], EncodingReason.TRUNCATED),
        (BYTES[:SIZE] + b"\0\0\x0a" + BYTES[GROUP:], EncodingReason.TRAILING),
        (BYTES[:GROUP] + b"\0\0\1" + BYTES[GROUP + 3 :], EncodingReason.NOT_CANONICAL),
        (
            BYTES[:SIZE]
            + b"\0\0\6"
            + BYTES[GROUP : GROUP + 3]
            + b"\1\5"
            + BYTES[RECORD : RECORD + 1]
            + BYTES[RECORD + 4 :],
            EncodingReason.TRUNCATED,
        ),
        (BYTES[:-1] + b"\2", EncodingReason.OUT_OF_RANGE),
        (BYTES[: LAST - 41] + b"\1" + BYTES[LAST:], EncodingReason.OUT_OF_RANGE),
        (BYTES[: LAST + 9] + b"\1" + BYTES[LAST + 10 :], EncodingReason.NOT_CANONICAL),
    ],
)
def test_bytes_that_are_no_batch_are_refused(data: bytes, reason: EncodingReason) -> None:
    assert reason_of(data) is reason


@pytest.mark.parametrize(
    "batch",
    [
        replace(BATCH, blocks=()),
        replace(BATCH, blocks=(BLOCK,) * 2**16),
        replace(BATCH, first_number=2**64),
        replace(BATCH, first_number=-1),
        replace(BATCH, blocks=(replace(BLOCK, forced=2**16),)),
        replace(BATCH, blocks=(replace(BLOCK, time=2**64),)),
        replace(BATCH, blocks=(replace(BLOCK, records=(b"",)),)),
        replace(BATCH, blocks=(replace(BLOCK, records=(b"x",) * 2**16),)),
        replace(BATCH, blocks=(replace(BLOCK, records=(bytes(2**18),)),)),
    ],
)
def test_a_batch_that_no_field_holds_is_not_written(batch: Batch) -> None:
    with pytest.raises(EncodingError) as caught:
        encode_batch(batch)
    assert caught.value.reason is EncodingReason.OUT_OF_RANGE


def test_a_hash_of_another_size_is_not_written() -> None:
    with pytest.raises(EncodingError, match=r"^the parent hash has 31 bytes instead of 32$"):
        encode_batch(replace(BATCH, parent=Digest(bytes(31))))


@given(UINT64, DIGESTS, DIGESTS, st.integers(0, 2**32 - 1), DIGESTS, UINT64)
def test_a_commitment_is_the_hash_of_the_abi_encoded_struct(
    number: int, previous: Digest, root: Digest, count: int, data: Digest, forced_end: int
) -> None:
    struct = "(uint64,bytes32,bytes32,uint32,bytes32,uint64)"
    encoded = encode([struct], [(number, previous, root, count, data, forced_end)])
    assert BatchHeader(number, previous, root, count, data, forced_end).commitment() == keccak256(encoded)


def test_a_commitment_of_fields_that_do_not_fit_is_refused() -> None:
    header = BatchHeader(1, ZERO_DIGEST, ZERO_DIGEST, 0, ZERO_DIGEST, 0)
    for wrong in (
        replace(header, number=2**64),
        replace(header, count=2**32),
        replace(header, forced_end=-1),
    ):
        with pytest.raises(EncodingError) as caught:
            wrong.commitment()
        assert caught.value.reason is EncodingReason.OUT_OF_RANGE


def test_the_genesis_commitment_hashes_the_chain_id() -> None:
    assert genesis_commitment(210614763) == keccak256(encode(["uint256"], [210614763]))


def test_a_transactions_root_is_zero_where_there_are_none() -> None:
    assert transactions_root([]) == ZERO_DIGEST
    assert transactions_root([b"one"]) == keccak256(b"one")
    hashes = [keccak256(record) for record in (b"one", b"two", b"three")]
    assert transactions_root([b"one", b"two", b"three"]) == MerkleTree(hashes).root


def test_a_block_without_transactions_says_so_as_ethereum_does() -> None:
    assert block_transactions_root([]) == EMPTY_TRIE_ROOT
    assert block_transactions_root([b"one"]) == transactions_root([b"one"])


def test_the_empty_roots_are_those_of_ethereum() -> None:
    ommers = "1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
    trie = "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
    assert (EMPTY_OMMERS_HASH.hex(), EMPTY_TRIE_ROOT.hex()) == (ommers, trie)


def test_a_header_is_one_of_london_without_execution() -> None:
    fields = [
        b"\1" * 32,
        EMPTY_OMMERS_HASH,
        bytes(20),
        bytes(32),
        b"\3" * 32,
        EMPTY_TRIE_ROOT,
        bytes(256),
        0,
        5,
        30_000_000,
        0,
        1_700_000_000,
        (77).to_bytes(8, "big"),
        b"\2" * 32,
        bytes(8),
        10**9,
    ]
    assert HEADER.encode() == rlp.encode(fields)
    assert HEADER.hash == keccak256(rlp.encode(fields))


@pytest.mark.parametrize(
    "change",
    [
        {"number": 6},
        {"parent": ZERO_DIGEST},
        {"time": 0},
        {"origin_number": 78},
        {"origin_hash": ZERO_DIGEST},
        {"transactions_root": ZERO_DIGEST},
        {"gas_limit": 0},
        {"base_fee": 0},
    ],
)
def test_every_field_enters_the_block_hash(change: dict[str, object]) -> None:
    assert replace(HEADER, **change).hash != HEADER.hash


@given(BATCHES)
def test_a_batch_is_no_longer_than_its_heads_and_records(batch: Batch) -> None:
    heads = BATCH_HEAD_SIZE + BLOCK_HEAD_SIZE * len(batch.blocks) + RECORD_HEAD_SIZE * len(batch.records)
    assert len(encode_batch(batch)) <= heads + sum(map(len, batch.records))
