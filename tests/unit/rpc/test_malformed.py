"""Malformed transactions over JSON-RPC: each gets the code, the words and the remedy that its fault has."""

from typing import Any

import pytest
from eth_account import Account
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anh_rollup.encoding.recovery import CURVE_ORDER
from anh_rollup.encoding.rlp import encode_bytes, encode_list, encode_uint
from anh_rollup.primitives import L2_CHAIN_ID
from anh_rollup.protocol.admission import REMEDIES, RejectReason
from anh_rollup.rpc.errors import Code
from tests.doubles.ordering import ALICE, GWEI
from tests.unit.fuzz.decoders import SIGNED
from tests.unit.fuzz.mangling import mangled
from tests.unit.rpc.conftest import Ask

TO = "0x" + "11" * 20


def fields_of_type_2(**changes: bytes) -> bytes:
    """A type 2 transaction of RLP items, each a word of its own, with some of them replaced."""
    items = {
        "chain": encode_uint(L2_CHAIN_ID),
        "nonce": encode_uint(0),
        "tip": encode_uint(0),
        "fee": encode_uint(2 * GWEI),
        "gas": encode_uint(21_000),
        "to": encode_bytes(bytes.fromhex(TO[2:])),
        "value": encode_uint(0),
        "data": encode_bytes(b""),
        "access": encode_list([]),
        "parity": encode_uint(0),
        "r": encode_uint(1),
        "s": encode_uint(1),
    }
    return b"\x02" + encode_list([*{**items, **changes}.values()])


def blob_transaction() -> bytes:
    fields: dict[str, Any] = {
        "type": 3,
        "chainId": L2_CHAIN_ID,
        "nonce": 0,
        "to": TO,
        "value": 0,
        "gas": 21_000,
    }
    fees = {"maxFeePerGas": GWEI, "maxPriorityFeePerGas": 0, "maxFeePerBlobGas": 1}
    hashes = ["0x01" + "22" * 31]
    signed = Account.sign_transaction({**fields, **fees, "blobVersionedHashes": hashes}, ALICE.key)
    return bytes(signed.raw_transaction)


def legacy_without_chain() -> bytes:
    fields = {"nonce": 0, "to": TO, "value": 0, "gas": 21_000, "gasPrice": 2 * GWEI}
    return bytes(Account.sign_transaction(fields, ALICE.key).raw_transaction)


NESTED = encode_list([encode_list([encode_list([encode_list([encode_list([])])])])])
MALFORMED = RejectReason.MALFORMED
CASES: dict[str, tuple[bytes, RejectReason]] = {
    "nothing": (b"", MALFORMED),
    "a byte": (b"\x7f", RejectReason.UNSUPPORTED),
    "type 3, with blobs": (blob_transaction(), RejectReason.UNSUPPORTED),
    "type 4, which delegates": (b"\x04" + fields_of_type_2()[1:], RejectReason.UNSUPPORTED),
    "type 2 without fields": (b"\x02", MALFORMED),
    "type 2 with eleven fields": (b"\x02" + encode_list([encode_uint(0)] * 11), MALFORMED),
    "type 1 with twelve fields": (b"\x01" + fields_of_type_2()[1:], MALFORMED),
    "a legacy one without a chain id": (legacy_without_chain(), RejectReason.WRONG_CHAIN),
    "another chain": (ALICE.sign(chainId=1), RejectReason.WRONG_CHAIN),
    "bytes behind the end": (ALICE.sign() + b"\0", MALFORMED),
    "cut off": (ALICE.sign()[:-1], MALFORMED),
    "a number with a leading zero": (fields_of_type_2(gas=encode_bytes(b"\0\1")), MALFORMED),
    "a number that is a list": (fields_of_type_2(gas=encode_list([])), MALFORMED),
    "a nonce beyond its range": (fields_of_type_2(nonce=encode_uint(2**64 - 1)), MALFORMED),
    "a fee beyond 256 bits": (fields_of_type_2(fee=encode_uint(2**256)), MALFORMED),
    "a tip above the fee": (fields_of_type_2(tip=encode_uint(3 * GWEI)), MALFORMED),
    "a recipient of 19 bytes": (fields_of_type_2(to=encode_bytes(bytes(19))), MALFORMED),
    "an access list that is a text": (fields_of_type_2(access=encode_bytes(b"x")), MALFORMED),
    "lists without end": (fields_of_type_2(access=NESTED), RejectReason.TOO_LARGE),
    "a parity of 2": (fields_of_type_2(parity=encode_uint(2)), MALFORMED),
    "a signature of zeros": (fields_of_type_2(r=encode_uint(0)), RejectReason.BAD_SIGNATURE),
    "an s in the upper half": (fields_of_type_2(s=encode_uint(CURVE_ORDER - 1)), RejectReason.BAD_SIGNATURE),
    "an r beyond the curve": (fields_of_type_2(r=encode_uint(2**256 - 1)), RejectReason.BAD_SIGNATURE),
    "more than 128 KiB": (b"\x02" + bytes(1 << 17), RejectReason.TOO_LARGE),
    "too little gas": (ALICE.sign(gas=20_999), RejectReason.INTRINSIC_GAS),
    "more gas than a block": (ALICE.sign(gas=2**63), RejectReason.BLOCK_GAS),
    "more value than there is": (ALICE.sign(value=2**255), RejectReason.FUNDS),
    "a nonce far ahead": (ALICE.sign(nonce=17), RejectReason.NONCE_TOO_HIGH),
    "a fee below the base fee": (ALICE.sign(maxFeePerGas=0), RejectReason.BASE_FEE),
}


@pytest.mark.parametrize("name", CASES)
def test_a_malformed_transaction_is_refused_by_name(name: str, ask: Ask) -> None:
    raw, reason = CASES[name]
    refused = ask("eth_sendRawTransaction", "0x" + raw.hex())
    code = Code.REJECTED if reason is RejectReason.TOO_LARGE else Code.SERVER
    assert (refused["code"], refused["data"]) == (code, REMEDIES[reason])
    assert refused["message"].startswith(reason)


@pytest.mark.parametrize(
    "parameter", [None, 5, [], {}, "", "0x", "0X", "12", "0x1", "0xzz", "0x 12", "0x1_2", "0x" + "٣" * 2]
)
def test_what_is_no_hexadecimal_text_is_no_parameter(parameter: Any, ask: Ask) -> None:
    refused = ask("eth_sendRawTransaction", parameter)
    # "0x" is hexadecimal: of no bytes, which are no transaction.
    expected = Code.SERVER if parameter in ("0x", "0X") else Code.INVALID_PARAMS
    assert (refused["code"], bool(refused["data"])) == (expected, True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.sampled_from(SIGNED).flatmap(mangled))
def test_no_mangled_transaction_breaks_the_node(raw: bytes, ask: Ask) -> None:
    answered = ask("eth_sendRawTransaction", "0x" + raw.hex())
    assert answered["code"] in (Code.SERVER, Code.REJECTED)
    assert answered["data"] in REMEDIES.values()
