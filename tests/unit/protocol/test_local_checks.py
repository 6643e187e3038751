"""A batch is void exactly where a few of its bytes say so: read by hand, as docs/ledger-claims.md has it."""

from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.batches import Batch, BatchHeader, BlockRecord, encode_batch, transactions_root
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.indexed_items import GROUP_SIZE, MOST_ITEM
from anh_rollup.encoding.packed_records import unpack_record
from anh_rollup.primitives import (
    L2_CHAIN_ID,
    ZERO_DIGEST,
    BatchNumber,
    BlockNumber,
    Digest,
    Seconds,
)
from anh_rollup.protocol.derivation import MOST_CLOCK_SKEW, Head, Posting, blocks_of, genesis
from tests.doubles.ordering import ALICE, BOB, record_of

HEAD = Head(genesis(L2_CHAIN_ID, BlockNumber(10), ZERO_DIGEST), forced_end=3)
POSTED_NUMBER, POSTED_TIME = BlockNumber(20), Seconds(1_000)
ENTRIES = 3

RECORDS = (
    *[record_of(ALICE.transfer(nonce, BOB.address, 10**18)) for nonce in range(GROUP_SIZE)],
    record_of(ALICE.call(GROUP_SIZE, bytes.fromhex("a9059cbb") + bytes(64))),
    record_of(ALICE.call(GROUP_SIZE + 1, b"\1" * 300)),
    b"no record",
)
BLOCKS = (
    BlockRecord(Seconds(990), BlockNumber(12), ZERO_DIGEST, 1, RECORDS[:2]),
    BlockRecord(Seconds(990), BlockNumber(12), ZERO_DIGEST, 2, ()),
    BlockRecord(Seconds(1_800), BlockNumber(19), Digest(b"\1" * 32), 0, RECORDS[2:]),
)
HONEST = Batch(BlockNumber(1), HEAD.header.hash, BLOCKS)
PAYLOAD = encode_batch(HONEST)


HEADER = BatchHeader(
    BatchNumber(1),
    ZERO_DIGEST,
    HONEST.transactions_root,
    len(RECORDS),
    ZERO_DIGEST,
    HEAD.forced_end + ENTRIES,
)


def posting(payload: bytes) -> Posting:
    return Posting(HEADER, payload, POSTED_NUMBER, POSTED_TIME)


def number(payload: bytes, start: int, size: int) -> int:
    return int.from_bytes(payload[start : start + size], "big")


class FaultError(Exception):
    """A local check failed."""


def require(holds: bool) -> None:
    if not holds:
        raise FaultError


def check(payload: bytes, made: Posting) -> None:
    """Reads a payload as the machine does; raises where it is void."""
    end, header = len(payload), made.header
    require(end >= 52 and payload[0] == 3)
    require(number(payload, 1, 8) == HEAD.header.number + 1 and payload[9:41] == HEAD.header.hash)
    blocks, count = number(payload, 41, 2), number(payload, 43, 4)
    table, size = number(payload, 47, 2), number(payload, 49, 3)
    require(blocks >= 1 and count == header.count)
    index = 52 + 20 * table
    bodies = index + count + 3 * -(-count // GROUP_SIZE)
    records_end = bodies + size
    require(records_end <= end)
    numbers = [number(payload, 52 + 20 * place, 20) for place in range(table)]
    at, block_at, own_left, forced = bodies, records_end, count, HEAD.forced_end
    time, origin, read, hashed = HEAD.header.time, HEAD.header.origin_number, 0, []
    for place in range(blocks):
        require(block_at + 13 <= end)
        time_now, own = number(payload, block_at, 8), number(payload, block_at + 8, 2)
        entries, flag = number(payload, block_at + 10, 2), payload[block_at + 12]
        require(flag == 0 or (flag == 1 and place > 0))
        require(time <= time_now <= POSTED_TIME + MOST_CLOCK_SKEW)
        require(flag == 1 or block_at + 53 <= end)
        origin_now = origin if flag else number(payload, block_at + 13, 8)
        require(origin <= origin_now < POSTED_NUMBER)
        require(own <= own_left and forced + entries <= header.forced_end)
        time, origin, own_left, forced = time_now, origin_now, own_left - own, forced + entries
        block_at += 13 if flag else 53
        for _ in range(own):
            row = index + read // GROUP_SIZE * (3 + GROUP_SIZE)
            require(read % GROUP_SIZE > 0 or number(payload, row, 3) == at - bodies)
            length = payload[row + 3 + read % GROUP_SIZE]
            if length == 0:
                require(at + 3 <= records_end)
                length, at = number(payload, at, 3), at + 3
            require(1 <= length <= MOST_ITEM and at + length <= records_end)
            try:
                hashed.append(unpack_record(payload[at : at + length], numbers))
            except EncodingError:
                raise FaultError from None
            at, read = at + length, read + 1
    require(own_left == 0 and at == records_end and block_at == end and forced == header.forced_end)
    require(transactions_root(hashed) == header.transactions_root)


def is_void(made: Posting) -> bool:
    """Whether the entries that a batch consumes stand in one block by themselves."""
    found = list(blocks_of(made, HEAD, [b"entry"] * (HEAD.forced_end + ENTRIES), L2_CHAIN_ID))
    return [record.origin_hash for record, _, _ in found] == [made.header.commitment()]


def agrees(made: Posting) -> bool:
    """Whether derivation and the local checks say the same of a payload."""
    assert made.payload is not None
    try:
        check(made.payload, made)
    except FaultError:
        return is_void(made)
    return not is_void(made)


def test_the_honest_payload_passes_every_check() -> None:
    check(PAYLOAD, posting(PAYLOAD))
    assert not is_void(posting(PAYLOAD))


@given(st.lists(st.tuples(st.integers(0, len(PAYLOAD) - 1), st.integers(0, 255)), min_size=1, max_size=3))
def test_changed_bytes_are_void_exactly_where_a_local_check_says_so(changes: list[tuple[int, int]]) -> None:
    payload = bytearray(PAYLOAD)
    for place, byte in changes:
        payload[place] = byte
    assert agrees(posting(bytes(payload)))


@given(st.integers(0, len(PAYLOAD)), st.integers(0, 60), st.binary(max_size=60))
def test_bytes_cut_out_and_put_in_are_void_exactly_where_a_local_check_says_so(
    start: int, cut: int, put: bytes
) -> None:
    assert agrees(posting(PAYLOAD[:start] + put + PAYLOAD[start + cut :]))


def test_every_single_bit_of_the_heads_counts_as_the_local_checks_say() -> None:
    heads = [*range(52), *range(len(PAYLOAD) - 160, len(PAYLOAD))]
    for place in heads:
        for bit in range(8):
            payload = bytearray(PAYLOAD)
            payload[place] ^= 1 << bit
            assert agrees(posting(bytes(payload))), (place, bit)


@given(st.binary(max_size=200))
def test_any_bytes_are_void_and_never_raise(payload: bytes) -> None:
    assert agrees(posting(payload))
    assert agrees(posting(PAYLOAD[:52] + payload))
