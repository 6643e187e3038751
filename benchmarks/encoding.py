"""Hashing and decoding, as docs/encoding.md says: `python -m benchmarks.encoding`."""

import statistics

from eth_account import Account

from anh_rollup.encoding import bulk_hashing
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.transactions import decode_record, decode_signed, encode_record
from anh_rollup.primitives import L2_CHAIN_ID
from anh_rollup.protocol.fees import TRANSFER_GAS
from benchmarks.report import PAIRS, Figure, seconds, shortest, show

ROUNDS = 5
#: So few are one part, for one thread.
CHUNK, CHUNKS = 128, 2 * bulk_hashing.PART_ROWS - 1
TRANSACTIONS = 2_000


def hashing() -> list[Figure]:
    """A leaf of a tensor's tree, by compiled code and by one sponge after the other, in turns."""
    data = memoryview(bytes(range(CHUNK)) * CHUNKS)

    def singly() -> None:
        for first in range(0, len(data), CHUNK):
            keccak256(data[first : first + CHUNK])

    def at_once() -> None:
        bulk_hashing.hash_rows(data, CHUNK, turned=False)

    at_once()
    pairs = [(seconds(at_once), seconds(singly)) for _ in range(PAIRS)]
    ratio = statistics.median([bulk / single for bulk, single in pairs])
    taken = min([bulk for bulk, _ in pairs])
    name = f"{CHUNKS:,} hashes of {CHUNK} bytes"
    return [
        Figure(f"{name}, each, shortest of {PAIRS}", "microseconds", round(taken / CHUNKS * 1e6, 3)),
        Figure(f"{name}, median of {PAIRS} pairs", "times one by one", round(ratio, 3)),
    ]


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
    show([*hashing(), *decoding()])
