"""Hashing and decoding, as docs/encoding.md says: `python -m benchmarks.encoding`."""

from eth_account import Account

from anh_rollup.encoding.hashing import hash_rows
from anh_rollup.encoding.transactions import decode_record, decode_signed, encode_record
from anh_rollup.primitives import L2_CHAIN_ID
from anh_rollup.protocol.fees import TRANSFER_GAS
from benchmarks.report import Figure, shortest, show

ROUNDS = 5
CHUNK, CHUNKS = 128, 100_000
TRANSACTIONS = 2_000


def hashing() -> Figure:
    """A leaf of a tensor's tree."""
    data = bytes(range(CHUNK)) * CHUNKS
    taken = shortest(lambda: hash_rows(data, CHUNK), ROUNDS)
    return Figure(
        f"a hash of {CHUNK} bytes, shortest of {ROUNDS}", "microseconds", round(taken / CHUNKS * 1e6, 2)
    )


def signed_transfer() -> bytes:
    """A plain transfer as a wallet sends it."""
    transfer = {
        "type": 2,
        "chainId": L2_CHAIN_ID,
        "nonce": 5,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 1,
        "gas": TRANSFER_GAS,
        "to": "0x" + "11" * 20,
        "value": 10**18,
    }
    return bytes(Account.sign_transaction(transfer, b"\1" * 32).raw_transaction)


def decoding() -> list[Figure]:
    """Transactions of users and records of batches, decoded and their senders recovered."""
    raw = signed_transfer()
    record = encode_record(decode_signed(raw))
    times = {
        "a signed transaction": shortest(lambda: [decode_signed(raw) for _ in range(TRANSACTIONS)], ROUNDS),
        "a record": shortest(lambda: [decode_record(record) for _ in range(TRANSACTIONS)], ROUNDS),
    }
    return [
        Figure(
            f"{name} decoded, sender recovered, shortest of {ROUNDS}",
            "microseconds",
            round(taken / TRANSACTIONS * 1e6, 1),
        )
        for name, taken in times.items()
    ]


if __name__ == "__main__":
    show([hashing(), *decoding()])
