"""`python -m benchmarks.encoding`: the figures of docs/encoding.md, section Speed."""

import time
from collections.abc import Callable

from eth_account import Account

from anh_rollup.encoding.hashing import hash_rows
from anh_rollup.encoding.transactions import decode_record, decode_signed, encode_record
from anh_rollup.primitives import L2_CHAIN_ID

_ROUNDS = 5


def seconds(work: Callable[[], object]) -> float:
    """The shortest of several runs."""
    runs = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        work()
        runs.append(time.perf_counter() - start)
    return min(runs)


def main() -> None:
    """Prints each figure."""
    chunks = 100_000
    data = bytes(range(128)) * chunks
    print(f"a hash of 128 bytes: {seconds(lambda: hash_rows(data, 128)) / chunks * 1e6:.2f} us")
    fields = {
        "type": 2,
        "chainId": L2_CHAIN_ID,
        "nonce": 5,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 1,
    }
    transfer = {**fields, "gas": 21000, "to": "0x" + "11" * 20, "value": 10**18}
    raw = bytes(Account.sign_transaction(transfer, b"\1" * 32).raw_transaction)
    record, count = encode_record(decode_signed(raw)), 2000
    signed = seconds(lambda: [decode_signed(raw) for _ in range(count)])
    records = seconds(lambda: [decode_record(record) for _ in range(count)])
    print(f"signed transactions: {count / signed:,.0f} a second; records: {count / records:,.0f} a second")


if __name__ == "__main__":
    main()
