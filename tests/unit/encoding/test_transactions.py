from collections.abc import Callable
from typing import Any

import pytest
import rlp
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.recovery import CURVE_ORDER
from anh_rollup.encoding.transactions import (
    MOST_NONCE,
    MOST_TRANSACTION_BYTES,
    SignedTransaction,
    decode_record,
    decode_signed,
    encode_record,
    encode_signed,
    record_to_raw,
)
from anh_rollup.primitives import L2_CHAIN_ID, Address, Digest

KEY = keccak256(b"a key that everybody knows")
SENDER = bytes.fromhex(Account.from_key(KEY).address[2:])
TO = "0x" + "11" * 20
LISTED = [{"address": "0x" + "22" * 20, "storageKeys": ["0x" + "33" * 32, "0x" + "00" * 32]}]

LEGACY = {
    "chainId": L2_CHAIN_ID,
    "nonce": 7,
    "gasPrice": 10,
    "gas": 21000,
    "to": TO,
    "value": 5,
    "data": b"\1\0\0",
}
ACCESS_LIST = {**LEGACY, "type": 1, "accessList": LISTED}
DYNAMIC = {
    **{name: value for name, value in LEGACY.items() if name != "gasPrice"},
    "type": 2,
    "maxFeePerGas": 10,
    "maxPriorityFeePerGas": 3,
    "accessList": LISTED,
}
KINDS = [LEGACY, ACCESS_LIST, DYNAMIC]

UINT256 = st.integers(0, 2**256 - 1) | st.sampled_from([0, 1, 127, 128, 2**256 - 1])
DATA = st.binary(max_size=200) | st.integers(0, 300).map(bytes)
FIELDS = st.fixed_dictionaries(
    {"nonce": st.integers(0, MOST_NONCE), "gas": st.integers(0, 2**64 - 1), "value": UINT256, "data": DATA},
    optional={"to": st.just(TO)},
)
ACCESS_LISTS = st.lists(
    st.fixed_dictionaries(
        {
            "address": st.binary(min_size=20, max_size=20).map(lambda data: "0x" + data.hex()),
            "storageKeys": st.lists(
                st.binary(min_size=32, max_size=32).map(lambda data: "0x" + data.hex()), max_size=3
            ),
        }
    ),
    max_size=3,
)


def signed(fields: dict[str, Any]) -> bytes:
    return bytes(Account.sign_transaction(fields, KEY).raw_transaction)


def items_of(raw: bytes) -> list[Any]:
    return rlp.decode(raw if raw[0] >= 0xC0 else raw[1:])


def with_items(raw: bytes, items: list[Any]) -> bytes:
    return (b"" if raw[0] >= 0xC0 else raw[:1]) + rlp.encode(items)


def reason_of(raw: bytes) -> EncodingReason:
    with pytest.raises(EncodingError) as caught:
        decode_signed(raw)
    return caught.value.reason


def record_reason_of(record: bytes) -> EncodingReason:
    with pytest.raises(EncodingError) as caught:
        decode_record(record)
    return caught.value.reason


def sender_of(decode: Callable[[], SignedTransaction]) -> Address | None:
    """Whose transaction it is; None where it is none."""
    try:
        return decode().sender
    except EncodingError:
        return None


def test_a_dynamic_fee_transaction_is_read_whole() -> None:
    raw = signed(DYNAMIC)
    items = items_of(raw)
    assert decode_signed(raw) == SignedTransaction(
        kind=2,
        chain_id=L2_CHAIN_ID,
        nonce=7,
        gas_limit=21000,
        max_fee=10,
        priority_fee=3,
        to=Address(b"\x11" * 20),
        value=5,
        data=b"\1\0\0",
        access_list=((Address(b"\x22" * 20), (Digest(b"\x33" * 32), Digest(bytes(32)))),),
        y_parity=int.from_bytes(items[9], "big"),
        r=int.from_bytes(items[10], "big"),
        s=int.from_bytes(items[11], "big"),
        sender=Address(SENDER),
        hash=keccak256(raw),
    )


@pytest.mark.parametrize("fields", [LEGACY, ACCESS_LIST])
def test_a_gas_price_is_both_fees(fields: dict[str, Any]) -> None:
    transaction = decode_signed(signed(fields))
    assert (transaction.max_fee, transaction.priority_fee, transaction.sender) == (10, 10, SENDER)
    assert (transaction.kind, len(transaction.access_list)) == ((0, 0), (1, 1))["type" in fields]


@given(FIELDS, st.sampled_from([0, 1, 2]), UINT256, UINT256, ACCESS_LISTS)
def test_what_a_wallet_signs_comes_back_from_its_record(
    fields: dict[str, Any], kind: int, first: int, second: int, access_list: list[dict[str, Any]]
) -> None:
    prices = {"maxFeePerGas": max(first, second), "maxPriorityFeePerGas": min(first, second)}
    full = {**fields, "chainId": L2_CHAIN_ID, **(prices if kind == 2 else {"gasPrice": first})}
    if kind:
        full |= {"type": kind, "accessList": access_list}
    raw = signed(full)
    transaction = decode_signed(raw)
    record = encode_record(transaction)
    assert transaction.sender == SENDER
    assert encode_signed(transaction) == raw
    assert record_to_raw(record) == raw
    assert decode_record(record) == transaction


@pytest.mark.parametrize("fields", KINDS)
def test_a_transaction_for_another_chain_is_refused(fields: dict[str, Any]) -> None:
    raw = signed({**fields, "chainId": 1})
    assert reason_of(raw) is EncodingReason.WRONG_CHAIN
    assert decode_signed(raw, chain_id=1).chain_id == 1


def test_a_legacy_transaction_for_any_chain_is_refused() -> None:
    raw = signed(LEGACY)
    for v in (b"", b"\0", b"\x1b", b"\x1c"):
        items = items_of(raw)
        items[6] = v
        assert reason_of(with_items(raw, items)) in (EncodingReason.WRONG_CHAIN, EncodingReason.NOT_CANONICAL)
    with pytest.raises(
        EncodingError, match=r"^the legacy transaction is not signed for chain 5 as EIP-155 says$"
    ):
        decode_signed(raw, chain_id=5)


@pytest.mark.parametrize("fields", KINDS)
def test_a_high_s_is_refused(fields: dict[str, Any]) -> None:
    raw = signed(fields)
    items = items_of(raw)
    items[-1] = (CURVE_ORDER - int.from_bytes(items[-1], "big")).to_bytes(32, "big")
    items[-3] = (
        (int.from_bytes(items[-3], "big") ^ (1 if raw[0] < 0xC0 else 3))
        .to_bytes(max(1, len(items[-3])), "big")
        .lstrip(b"\0")
    )
    assert reason_of(with_items(raw, items)) in (EncodingReason.BAD_SIGNATURE, EncodingReason.WRONG_CHAIN)


@pytest.mark.parametrize("fields", KINDS)
@pytest.mark.parametrize("value", [0, CURVE_ORDER, 2**256 - 1, CURVE_ORDER // 2 + 1])
@pytest.mark.parametrize("place", [-1, -2])
def test_r_and_s_out_of_range_are_refused(fields: dict[str, Any], value: int, place: int) -> None:
    if (value, place) == (CURVE_ORDER // 2 + 1, -2):
        value = CURVE_ORDER + 1
    raw = signed(fields)
    items = items_of(raw)
    items[place] = value.to_bytes((value.bit_length() + 7) // 8, "big")
    assert reason_of(with_items(raw, items)) is EncodingReason.BAD_SIGNATURE


def test_an_r_that_is_on_no_point_is_refused() -> None:
    raw = signed(DYNAMIC)
    items = items_of(raw)
    items[10] = b"\5"  # 5 is no x of secp256k1
    with pytest.raises(EncodingError, match=r"^no key makes this signature$"):
        decode_signed(with_items(raw, items))


@pytest.mark.parametrize("fields", KINDS)
def test_any_changed_field_changes_the_sender(fields: dict[str, Any]) -> None:
    raw = signed(fields)
    items = items_of(raw)
    items[-4 if "type" not in fields else -5] = b"\2"
    assert sender_of(lambda: decode_signed(with_items(raw, items))) != SENDER


@pytest.mark.parametrize(
    ("place", "item", "reason"),
    [
        (0, b"\0", EncodingReason.NOT_CANONICAL),
        (0, b"\1", EncodingReason.WRONG_CHAIN),
        (1, b"\0", EncodingReason.NOT_CANONICAL),
        (1, b"\xff" * 8, EncodingReason.OUT_OF_RANGE),
        (2, b"\x0b", EncodingReason.OUT_OF_RANGE),
        (3, b"\1" * 33, EncodingReason.OUT_OF_RANGE),
        (4, b"\1" + bytes(8), EncodingReason.OUT_OF_RANGE),
        (5, b"\1" * 19, EncodingReason.WRONG_LENGTH),
        (5, b"\1" * 32, EncodingReason.WRONG_LENGTH),
        (6, b"\0\1", EncodingReason.NOT_CANONICAL),
        (6, [], EncodingReason.WRONG_SHAPE),
        (7, [b"data"], EncodingReason.WRONG_SHAPE),
        (8, b"", EncodingReason.WRONG_SHAPE),
        (8, [b""], EncodingReason.WRONG_SHAPE),
        (8, [[b"\1" * 20]], EncodingReason.WRONG_SHAPE),
        (8, [[b"\1" * 19, []]], EncodingReason.WRONG_LENGTH),
        (8, [[b"\1" * 20, [b"\1" * 31]]], EncodingReason.WRONG_LENGTH),
        (8, [[b"\1" * 20, b""]], EncodingReason.WRONG_SHAPE),
        (9, b"\2", EncodingReason.OUT_OF_RANGE),
    ],
)
def test_a_field_that_consensus_would_refuse_is_refused(
    place: int, item: Any, reason: EncodingReason
) -> None:
    raw = signed(DYNAMIC)
    items = items_of(raw)
    items[place] = item
    assert reason_of(with_items(raw, items)) is reason


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", EncodingReason.TRUNCATED),
        (b"\0", EncodingReason.UNSUPPORTED),
        (b"\3\xc0", EncodingReason.UNSUPPORTED),
        (b"\x7f", EncodingReason.UNSUPPORTED),
        (b"\x80", EncodingReason.UNSUPPORTED),
        (b"\2", EncodingReason.TRUNCATED),
        (b"\2\xc0", EncodingReason.WRONG_SHAPE),
        (b"\2\x80", EncodingReason.WRONG_SHAPE),
        (b"\xc0", EncodingReason.WRONG_SHAPE),
        (b"\xc0\0", EncodingReason.TRAILING),
        (bytes(MOST_TRANSACTION_BYTES + 1), EncodingReason.TOO_LARGE),
    ],
)
def test_bytes_that_are_no_transaction_are_refused(raw: bytes, reason: EncodingReason) -> None:
    assert reason_of(raw) is reason


def test_a_transaction_as_long_as_allowed_has_a_record() -> None:
    empty = len(signed({**DYNAMIC, "data": bytes(70_000)})) - 70_000
    transaction = decode_signed(signed({**DYNAMIC, "data": bytes(MOST_TRANSACTION_BYTES - empty)}))
    assert len(encode_signed(transaction)) == MOST_TRANSACTION_BYTES
    assert decode_record(encode_record(transaction)) == transaction


def test_a_transaction_whose_record_is_too_long_is_refused() -> None:
    raw = signed({**DYNAMIC, "data": b"\1\2\3\4" + b"\1\0" * 21_900})
    assert len(raw) < MOST_TRANSACTION_BYTES
    assert reason_of(raw) is EncodingReason.TOO_LARGE


def test_a_plain_transfer_takes_110_bytes() -> None:
    fields = {**DYNAMIC, "accessList": [], "data": b"", "value": 10**18, "maxFeePerGas": 10**10}
    record = encode_record(decode_signed(signed({**fields, "maxPriorityFeePerGas": 10**9})))
    assert len(record) == 1 + 64 + 20 + (1 + 1) + (1 + 2) + (1 + 5) + (1 + 4) + (1 + 8)
    assert record[0] & 0b11111011 == 2 | 1 << 3


def test_data_in_a_record_has_its_zero_runs_packed() -> None:
    long = encode_record(decode_signed(signed({**DYNAMIC, "data": b"\1\2\3\4" + bytes(1280)})))
    short = encode_record(decode_signed(signed({**DYNAMIC, "data": b""})))
    assert len(long) - len(short) == 4 + 2 * 10


def test_a_record_has_one_form() -> None:
    record, numbers = encode_record(decode_signed(signed({**LEGACY, "data": b""}))), 1 + 64 + 20
    assert (
        record_reason_of(record[:numbers] + b"\2\0\7" + record[numbers + 2 :]) is EncodingReason.NOT_CANONICAL
    )
    listed = encode_record(decode_signed(signed({**ACCESS_LIST, "accessList": [], "data": b"\1"})))
    empty_list = bytes([listed[0] | 1 << 4]) + listed[1:-1] + b"\0\0\1\xc0" + listed[-1:]
    assert record_reason_of(empty_list) is EncodingReason.NOT_CANONICAL
    legacy_list = bytes([record[0] | 1 << 4]) + record[1:] + b"\0\0\1\xc0"
    assert record_reason_of(legacy_list) is EncodingReason.NOT_CANONICAL


def test_runs_that_pack_shorter_make_another_record() -> None:
    record = encode_record(decode_signed(signed({**LEGACY, "data": b"\1\2\3\4\0\0"})))
    assert record.endswith(b"\xfe\xfd\xfc\xfb\0\1")
    loose = record[:-2] + b"\0\0\0\0"
    assert record_to_raw(loose) == record_to_raw(record)
    assert record_reason_of(loose) is EncodingReason.NOT_CANONICAL


@pytest.mark.parametrize("head", [3, 1 << 5, 1 << 6, 1 << 7, 0xFF])
def test_unused_bits_and_types_of_a_record_are_refused(head: int) -> None:
    record = encode_record(decode_signed(signed(LEGACY)))
    assert record_reason_of(bytes([record[0] | head]) + record[1:]) is EncodingReason.UNSUPPORTED


def test_a_record_cut_anywhere_is_another_transaction_or_none() -> None:
    record = encode_record(decode_signed(signed(DYNAMIC)))
    for end in range(len(record)):
        assert sender_of(lambda cut=record[:end]: decode_record(cut)) != SENDER


def test_a_number_of_33_bytes_is_refused() -> None:
    record = bytes([0]) + b"\1" * 64 + b"\x21" + b"\1" * 40
    with pytest.raises(EncodingError, match=r"^a number of 33 bytes; 32 are the most$"):
        decode_record(record)


def test_a_record_that_unfolds_to_more_than_a_transaction_is_refused() -> None:
    record = encode_record(decode_signed(signed({**LEGACY, "data": b""})))
    assert record_reason_of(record + b"\xff\x80" + b"\xff\x80" + b"\0\x7f" * 2000) is EncodingReason.TOO_LARGE


def test_a_transaction_that_no_field_holds_has_no_record() -> None:
    transaction = decode_signed(signed(LEGACY))
    with pytest.raises(EncodingError, match=r"^the record has "):
        encode_record(transaction._replace(data=b"\1" * (1 << 24)))
