import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.packed_records import (
    CALL_BIT,
    join,
    pack_record,
    read_parts,
    repeated_numbers,
    split,
    unpack_record,
)
from anh_rollup.encoding.transactions import SignedTransaction, encode_record
from anh_rollup.primitives import L2_CHAIN_ID, ZERO_DIGEST, Address, Digest

WORD = 2**256 - 1
ADDRESSES = st.binary(min_size=20, max_size=20).map(Address)
WORDS = st.integers(0, WORD) | st.integers(0, 2**64).map(lambda digits: digits * 10**18)
ARGUMENTS = st.lists(
    st.binary(min_size=32, max_size=32) | st.integers(0, 2**70).map(lambda n: n.to_bytes(32, "big"))
)
CALLS = st.builds(lambda selector, words: selector + b"".join(words), st.binary(max_size=5), ARGUMENTS)
TRANSACTIONS = st.builds(
    SignedTransaction,
    kind=st.integers(0, 2),
    chain_id=st.just(L2_CHAIN_ID),
    nonce=st.integers(0, 2**64 - 2),
    gas_limit=st.integers(0, 2**64 - 1),
    max_fee=WORDS,
    priority_fee=WORDS,
    to=ADDRESSES | st.none(),
    value=WORDS,
    data=st.binary(max_size=80) | CALLS,
    access_list=st.lists(
        st.tuples(
            ADDRESSES, st.lists(st.binary(min_size=32, max_size=32).map(Digest), max_size=2).map(tuple)
        ),
        max_size=2,
    ).map(tuple),
    y_parity=st.integers(0, 1),
    r=st.integers(0, WORD),
    s=st.integers(0, WORD),
    sender=ADDRESSES,
    hash=st.just(ZERO_DIGEST),
)
TOKEN, FRIEND = Address(b"\xaa" * 20), Address(b"\xbb" * 20)
TRANSFER = SignedTransaction(
    kind=2,
    chain_id=L2_CHAIN_ID,
    nonce=7,
    gas_limit=60_000,
    max_fee=3 * 10**9,
    priority_fee=10**9,
    to=TOKEN,
    value=0,
    data=bytes.fromhex("a9059cbb") + bytes(12) + FRIEND + (25 * 10**17).to_bytes(32, "big"),
    access_list=(),
    y_parity=1,
    r=1,
    s=2,
    sender=FRIEND,
    hash=ZERO_DIGEST,
)
SIGNATURE = "00" * 31 + "01" + "00" * 31 + "02"
PACKED = bytes.fromhex(
    "2e" + SIGNATURE + "53" + "aa" * 20 + "07 83 06 88 03 88 01 00" + "43 a9059cbb 53" + "bb" * 20 + "90 19"
)


def packed(record: bytes, table: tuple[int, ...] = ()) -> bytes:
    return pack_record(record, split(record), {number: place for place, number in enumerate(table)})


def number(address: Address) -> int:
    return int.from_bytes(address, "big")


def test_a_packed_record_has_the_documented_bytes() -> None:
    record = encode_record(TRANSFER)
    assert packed(record) == PACKED
    assert unpack_record(PACKED, ()) == record


def test_what_stands_in_the_table_is_named_by_its_place() -> None:
    table = (0xA9059CBB, number(TOKEN), number(FRIEND))
    short = bytes.fromhex("2e" + SIGNATURE + "6001 07 83 06 88 03 88 01 00 6000 6002 90 19")
    assert packed(encode_record(TRANSFER), table) == short
    assert unpack_record(short, table) == encode_record(TRANSFER)


def test_a_packed_record_says_which_places_it_names_before_they_are_looked_up() -> None:
    short = bytes.fromhex("2e" + SIGNATURE + "6001 07 83 06 88 03 88 01 00 6000 6002 90 19")
    parts = read_parts(short)
    assert parts.places == [1, 0, 2]
    numbers = [number(TOKEN), 0xA9059CBB, number(FRIEND)]
    assert join(parts.filled(numbers)) == encode_record(TRANSFER)
    assert read_parts(PACKED).places == read_parts(b"\x80" + short).places == []


@pytest.mark.parametrize("numbers", [(2**160, 5, 6), (5, 2**32, 6)])
def test_a_number_of_the_table_that_is_too_large_is_refused(numbers: tuple[int, ...]) -> None:
    short = bytes.fromhex("2e" + SIGNATURE + "6001 07 83 06 88 03 88 01 00 6000 6002 90 19")
    with pytest.raises(EncodingError) as caught:
        read_parts(short).filled(numbers)
    assert caught.value.reason is EncodingReason.OUT_OF_RANGE


@given(TRANSACTIONS)
def test_every_record_comes_back_and_grows_by_a_byte_at_most(transaction: SignedTransaction) -> None:
    record = encode_record(transaction)
    parts = split(record)
    assert parts is not None
    assert join(parts) == record
    table = tuple(sorted({*parts.numbers, *parts.call})[:3])
    assert unpack_record(packed(record, table), table) == record
    assert len(packed(record)) <= len(record) + 1


@given(st.binary(min_size=1, max_size=120))
def test_any_other_bytes_come_back(record: bytes) -> None:
    assert unpack_record(packed(record), ()) == record


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"\3" + encode_record(TRANSFER)[1:],
        b"\x2e" + encode_record(TRANSFER)[1:],
        encode_record(TRANSFER)[:80],
        encode_record(TRANSFER)[:85] + b"\2\0\7" + encode_record(TRANSFER)[87:],
        encode_record(TRANSFER)[:85] + b"\x21" + bytes(200),
    ],
)
def test_what_is_no_record_stands_as_it_is(record: bytes) -> None:
    assert packed(record) == b"\x80" + record


@pytest.mark.parametrize(
    "data", [b"", b"\1\2\3", b"\1" * 36, TRANSFER.data + b"\1", b"\xff" * 4 + bytes(320)]
)
def test_data_that_are_no_call_or_shorter_as_they_are_stay(data: bytes) -> None:
    record = encode_record(TRANSFER._replace(data=data))
    assert packed(record)[0] & CALL_BIT == 0
    assert packed(record).endswith(record[102:])


def test_a_call_has_at_most_511_arguments() -> None:
    longest, longer = (
        TRANSFER._replace(data=b"four" + TOKEN.rjust(32, b"\0") * count) for count in (511, 512)
    )
    assert packed(encode_record(longest))[0] & CALL_BIT
    assert packed(encode_record(longer))[0] & CALL_BIT == 0


def test_data_that_are_packed_another_way_stay() -> None:
    record = encode_record(TRANSFER)
    loose = record[:-2] + b"\0\0" + record[-2:]
    assert packed(loose)[0] & CALL_BIT == 0
    assert unpack_record(packed(loose), ()) == loose


def test_the_table_holds_what_saves_bytes_in_the_order_of_use() -> None:
    records = [TRANSFER._replace(nonce=nonce, to=TOKEN if nonce % 2 else FRIEND) for nonce in range(7)]
    parts = [split(encode_record(each)) for each in records]
    known = [each for each in parts if each is not None]
    assert repeated_numbers(known) == [number(FRIEND), 0xA9059CBB, number(TOKEN)]
    assert repeated_numbers(known[:6]) == [number(FRIEND), number(TOKEN)]
    assert repeated_numbers(known[1:2]) == []


def test_numbers_too_large_for_the_table_stay_where_they_are() -> None:
    large = [split(encode_record(TRANSFER._replace(value=2**160))) for _ in range(9)]
    assert 2**160 not in repeated_numbers([each for each in large if each is not None])


@pytest.mark.parametrize(
    ("data", "table", "reason"),
    [
        (PACKED[:65] + b"\x54" + b"\1" * 21 + PACKED[86:], (), EncodingReason.OUT_OF_RANGE),
        (PACKED[:94] + b"\x44" + b"\1" * 5, (), EncodingReason.OUT_OF_RANGE),
        (PACKED[:65] + b"\x60\1" + PACKED[86:], (1,), EncodingReason.OUT_OF_RANGE),
        (PACKED + bytes(1_022), (), EncodingReason.OUT_OF_RANGE),
        (PACKED[:94], (), EncodingReason.TRUNCATED),
        (PACKED[:60], (), EncodingReason.TRUNCATED),
        (b"", (), EncodingReason.TRUNCATED),
        (b"\x80", (), EncodingReason.TRUNCATED),
    ],
)
def test_bytes_that_are_no_packed_record_are_refused(
    data: bytes, table: tuple[int, ...], reason: EncodingReason
) -> None:
    with pytest.raises(EncodingError) as caught:
        unpack_record(data, table)
    assert caught.value.reason is reason
