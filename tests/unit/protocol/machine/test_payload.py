from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.batches import BATCH_HEAD_SIZE, encode_batch
from anh_rollup.encoding.packed_records import unpack_record
from anh_rollup.primitives import BlockNumber, Digest
from anh_rollup.protocol.derivation import batch_of
from anh_rollup.protocol.machine.payload import (
    BatchHead,
    BlockHead,
    PayloadReader,
    RecordPlace,
    find_record,
    read_batch_head,
    read_block_head,
    read_table,
)
from scripts.generate_vectors.ledger_history import ALICE, BOB, History, Sealed

OWN = (
    *[ALICE.record(nonce=nonce, to=BOB.address, value=10**nonce) for nonce in range(18)],
    ALICE.record(nonce=18, data=bytes(range(256)) + bytes(range(99))),
    b"no record",
)
BLOCKS = History().blocks(Sealed(OWN[:1], origins=2), Sealed(OWN[1:], forced=0, seconds=3))
PAYLOAD = encode_batch(batch_of(BLOCKS))
HEAD = read_batch_head(PayloadReader(PAYLOAD, []))
assert HEAD is not None


def places(payload: bytes, head: BatchHead) -> tuple[list[bytes], list[list[tuple[int, int]]]]:
    """All packed records, and what was read to find each."""
    found, ranges, at = [], [], head.bodies_at
    for index in range(head.own):
        noted: list[tuple[int, int]] = []
        place = RecordPlace(index, head.own, head.bodies_at, at, head.bodies_end)
        read = find_record(PayloadReader(payload, noted), place)
        assert read is not None
        start, at = read
        found.append(payload[start:at])
        ranges.append(noted)
    assert at == head.bodies_end
    return found, ranges


def test_the_head_of_a_batch_says_where_everything_is() -> None:
    first = BLOCKS[0].header
    assert BatchHead(3, BlockNumber(1), first.parent, 2, 20, HEAD.table, HEAD.packed) == HEAD
    assert HEAD.is_known
    assert HEAD.bodies_end == len(PAYLOAD) - 53 - 13


def test_a_head_that_is_cut_is_none() -> None:
    noted: list[tuple[int, int]] = []
    assert read_batch_head(PayloadReader(PAYLOAD[: BATCH_HEAD_SIZE - 1], noted)) is None
    assert noted == []


def test_packed_records_are_found_one_by_one() -> None:
    found, ranges = places(PAYLOAD, HEAD)
    place = RecordPlace(0, HEAD.own, HEAD.bodies_at, HEAD.bodies_at, HEAD.bodies_end)
    table = read_table(PayloadReader(PAYLOAD, []), place, range(HEAD.table))
    assert table is not None
    assert tuple([unpack_record(each, table) for each in found]) == OWN
    # The index, with a group's begin at each 16th, and the length of the long one.
    assert [sum([end - start for start, end in noted]) for noted in ranges] == [
        4, *[1] * 15, 4, 1, 1 + 3, 1,
    ]  # fmt: skip


def test_numbers_of_the_table_are_read_where_it_has_all_of_them() -> None:
    place, noted = RecordPlace(0, HEAD.own, HEAD.bodies_at, 0, 0), list[tuple[int, int]]()
    reader = PayloadReader(PAYLOAD, noted)
    assert read_table(reader, place, [0, HEAD.table]) is None
    assert noted == []
    assert read_table(reader, place, [0]) == [int.from_bytes(PAYLOAD[52:72], "big")]
    assert noted == [(52, 72)]


def test_the_heads_of_blocks_are_read_one_by_one() -> None:
    noted: list[tuple[int, int]] = []
    reader = PayloadReader(PAYLOAD, noted)
    first, second = BLOCKS[0].header, BLOCKS[1].header
    origin = (first.origin_number, first.origin_hash)
    at = HEAD.bodies_end
    assert read_block_head(reader, at, True) == BlockHead(first.time, 1, 0, origin, at + 53)
    assert read_block_head(reader, at + 53, False) == BlockHead(second.time, 19, 0, None, len(PAYLOAD))
    assert noted == [(at, at + 13), (at + 13, at + 53), (at + 53, at + 66)]


def test_the_first_block_has_to_name_its_origin() -> None:
    at = HEAD.bodies_end + 53
    assert read_block_head(PayloadReader(PAYLOAD, []), at, True) is None


def test_a_blocks_head_that_is_cut_is_none() -> None:
    for end in (HEAD.bodies_end + 12, HEAD.bodies_end + 52):
        assert read_block_head(PayloadReader(PAYLOAD[:end], []), HEAD.bodies_end, True) is None


@given(st.data())
def test_whatever_the_bytes_are_they_are_read_within_their_bounds(data: st.DataObject) -> None:
    payload = bytearray(PAYLOAD)
    for _ in range(3):
        payload[data.draw(st.integers(BATCH_HEAD_SIZE, len(payload) - 1))] = data.draw(st.integers(0, 255))
    noted: list[tuple[int, int]] = []
    at = data.draw(st.integers(HEAD.bodies_at, HEAD.bodies_end))
    place = RecordPlace(data.draw(st.integers(0, 19)), 20, HEAD.bodies_at, at, HEAD.bodies_end)
    read = find_record(PayloadReader(bytes(payload), noted), place)
    assert all(BATCH_HEAD_SIZE <= start < end <= HEAD.bodies_end for start, end in noted)
    if read is not None:
        assert at <= read[0] < read[1] <= HEAD.bodies_end


def test_a_head_may_hold_any_numbers() -> None:
    head = BatchHead(3, BlockNumber(0), Digest(bytes(32)), 0, 2**32 - 1, 2**16 - 1, 2**24 - 1)
    assert head.bodies_end == 52 + 20 * (2**16 - 1) + 3 * 2**28 + 2**32 - 1 + 2**24 - 1
    assert read_batch_head(PayloadReader(b"\x03" + b"\xff" * 51, [])) == BatchHead(
        3, BlockNumber(2**64 - 1), Digest(b"\xff" * 32), 2**16 - 1, 2**32 - 1, 2**16 - 1, 2**24 - 1
    )
