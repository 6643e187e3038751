"""Transaction records, batch commitments, batches and block headers.

Types 1 and 2 are signed by eth-account, not by this repository's code, with a key that is public.
"""

from typing import Any

from eth_account import Account

from anh_rollup.encoding.batches import (
    Batch,
    BatchHeader,
    BlockRecord,
    Header,
    block_transactions_root,
    encode_batch,
    genesis_commitment,
)
from anh_rollup.encoding.blobs import pack
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.transactions import decode_signed, encode_record
from anh_rollup.primitives import (
    GWEI,
    L2_CHAIN_ID,
    ZERO_ADDRESS,
    ZERO_DIGEST,
    BatchNumber,
    BlockNumber,
    Digest,
    Gas,
    Seconds,
)
from scripts.generate_vectors.cases import Row, Vectors, some_bytes, table

_TO = "0x" + "11" * 20
_TIME = 1_700_000_000
_ACCESS_LIST = [
    {"address": "0x" + "22" * 20, "storageKeys": ["0x" + "33" * 32, "0x" + "00" * 32]},
    {"address": "0x" + "44" * 20, "storageKeys": []},
]


def vectors() -> Vectors:
    """Tables `records`, `bad_records`, `commitments`, `batches`, `headers` and `blobs`.

    A record that creates a contract has `has_to` 0 and `to` zero. Numbers that may be large are decimal
    strings.
    """
    raws = [_signed(fields) for fields in _transactions()]
    records = [encode_record(decode_signed(raw)) for raw in raws]
    batches = _batches(records)
    return {
        "records": table([_record(raw, record) for raw, record in zip(raws, records, strict=True)]),
        "bad_records": table(_bad_records(records[0])),
        "commitments": table(_commitments(batches)),
        "batches": table([_batch(batch) for batch in batches]),
        "headers": table([_header(number, records[:number]) for number in (0, 1, 3)]),
        "blobs": table([_blobs(size) for size in (0, 1, 31, 4096 * 31 - 4, 4096 * 31 - 3)]),
    }


def _transactions() -> list[dict[str, Any]]:
    legacy = {"chainId": L2_CHAIN_ID, "gasPrice": 7 * GWEI}
    listed = {**legacy, "type": 1, "accessList": _ACCESS_LIST}
    dynamic = {"type": 2, "chainId": L2_CHAIN_ID, "maxFeePerGas": 9 * GWEI, "maxPriorityFeePerGas": GWEI}
    order = "0x" + some_bytes("order", 4).hex() + bytes(200).hex() + "ff" * 50
    most = {"nonce": 2**64 - 2, "gas": 2**64 - 1, "value": 2**256 - 1}
    return [
        {**dynamic, "nonce": 0, "gas": 21000, "to": _TO, "value": 10**18},
        {
            **dynamic,
            "nonce": 1,
            "gas": 500000,
            "to": _TO,
            "value": 0,
            "data": order,
            "accessList": _ACCESS_LIST,
        },
        {**dynamic, "nonce": 2, "gas": 500000, "value": 0, "data": "0x" + some_bytes("code", 60).hex()},
        {**dynamic, **most, "to": _TO, "maxFeePerGas": 2**256 - 1, "maxPriorityFeePerGas": 0},
        {**listed, "nonce": 3, "gas": 90000, "to": _TO, "value": 5, "data": "0x00"},
        {**listed, "accessList": [], "nonce": 128, "gas": 90000, "to": _TO, "value": 127},
        {**legacy, "nonce": 0, "gas": 21000, "to": _TO, "value": 1},
        {**legacy, "nonce": 256, "gas": 70000, "value": 0, "data": "0x" + "00" * 300},
    ]


def _signed(fields: dict[str, Any]) -> bytes:
    return bytes(Account.sign_transaction(fields, keccak256(b"a key that everybody knows")).raw_transaction)


def _record(raw: bytes, record: bytes) -> Row:
    transaction = decode_signed(raw)
    return {
        "record": record,
        "digest": keccak256(record),
        "raw": raw,
        "hash": transaction.hash,
        "kind": transaction.kind,
        "sender": bytes(transaction.sender),
        "nonce": str(transaction.nonce),
        "gas_limit": str(transaction.gas_limit),
        "max_fee": str(transaction.max_fee),
        "priority_fee": str(transaction.priority_fee),
        "has_to": int(transaction.to is not None),
        "to": bytes(transaction.to or ZERO_ADDRESS),
        "value": str(transaction.value),
        "data": transaction.data,
    }


def _bad_records(good: bytes) -> list[Row]:
    head, rest = good[0], good[1:]
    numbers = 1 + 32 + 32 + 20
    return [
        {"record": b"", "why": "empty"},
        {"record": good[:60], "why": "cut"},
        {"record": bytes([head | 0b11]) + rest, "why": "type 3"},
        {"record": bytes([head | 1 << 5]) + rest, "why": "an unused bit"},
        {"record": bytes([head | 1 << 4]) + rest, "why": "an access list that is not there"},
        {"record": good[:numbers] + b"\x01\x00" + good[numbers + 1 :], "why": "a number behind a zero byte"},
        {"record": good[:numbers] + b"\x21" + good[numbers + 1 :], "why": "a number of 33 bytes"},
        {"record": good + b"\xff", "why": "a packed run without its control byte"},
        {"record": good + b"\xff" * 4, "why": "runs that pack shorter"},
    ]


def _batches(records: list[bytes]) -> list[Batch]:
    blocks = [
        _block(_TIME, 10, 0, records[:3]),
        _block(_TIME + 2, 11, 2, []),
        _block(_TIME + 4, 11, 0, records[3:]),
    ]
    parent = Digest(some_bytes("parent", 32))
    return [
        Batch(BlockNumber(1), ZERO_DIGEST, tuple(blocks[:1])),
        Batch(BlockNumber(2), parent, tuple(blocks[1:])),
        Batch(BlockNumber(5), parent, (blocks[1],)),
    ]


def _block(time: int, origin: int, forced: int, records: list[bytes]) -> BlockRecord:
    origin_hash = Digest(some_bytes(f"origin {origin}", 32))
    return BlockRecord(Seconds(time), BlockNumber(origin), origin_hash, forced, tuple(records))


def _commitments(batches: list[Batch]) -> list[Row]:
    rows: list[Row] = []
    previous, forced_end = genesis_commitment(L2_CHAIN_ID), 0
    for place, batch in enumerate(batches, 1):
        number = BatchNumber(place)
        forced_end += batch.forced
        data = keccak256(encode_batch(batch))
        header = BatchHeader(number, previous, batch.transactions_root, len(batch.records), data, forced_end)
        rows.append(
            {
                "number": number,
                "previous": previous,
                "transactions_root": header.transactions_root,
                "count": header.count,
                "data": data,
                "forced_end": forced_end,
                "commitment": header.commitment(),
            }
        )
        previous = header.commitment()
    return rows


def _batch(batch: Batch) -> Row:
    return {
        "bytes": encode_batch(batch),
        "count": len(batch.records),
        "forced": batch.forced,
        "transactions_root": batch.transactions_root,
    }


def _header(number: int, records: list[bytes]) -> Row:
    root = block_transactions_root(records)
    origin = Digest(some_bytes("origin", 32))
    parent = Digest(some_bytes("parent", 32))
    place = (Seconds(_TIME), BlockNumber(77), origin)
    header = Header(BlockNumber(number), parent, *place, root, Gas(30_000_000), GWEI)
    return {"number": number, "transactions_root": root, "rlp": header.encode(), "hash": header.hash}


def _blobs(size: int) -> Row:
    payload = bytes([at % 251 for at in range(size)])
    blobs = pack(payload)
    return {"size": size, "blobs": len(blobs), "digest": keccak256(b"".join(blobs))}
