"""A load of signed transactions for benchmarks: transfers and calls of a token, from many senders."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import orjson
from coincurve import PrivateKey

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.rlp import encode_bytes, encode_list, encode_uint
from anh_rollup.encoding.transactions import DYNAMIC_FEE
from anh_rollup.primitives import ETHER, GWEI, Address
from anh_rollup.protocol.fees import TRANSFER_GAS

#: Gas that a token's transfer to somebody who has some of it takes on Ethereum.
CALL_GAS = 45_000

#: Enough for a base fee that full blocks raise while the load runs.
MOST_FEE = 100 * GWEI

TOKEN = Address(b"\x70" * 20)
TRANSFER_SELECTOR = bytes.fromhex("a9059cbb")


@dataclass(frozen=True)
class Wallet:
    """A key that signs type 2 transactions fast, without a wallet's checks.

    Attributes:
        name: What the key is derived from.
    """

    name: str

    @cached_property
    def key(self) -> PrivateKey:
        """Its key."""
        return PrivateKey(keccak256(self.name.encode()))

    @cached_property
    def address(self) -> Address:
        """Its address."""
        return Address(keccak256(self.key.public_key.format(compressed=False)[1:])[-20:])

    def sign(self, chain_id: int, nonce: int, to: Address, value: int, data: bytes = b"") -> bytes:
        """A signed transaction: a transfer without data, a call with."""
        gas = CALL_GAS if data else TRANSFER_GAS
        fields = [encode_uint(each) for each in (chain_id, nonce, GWEI, MOST_FEE, gas)]
        fields += [encode_bytes(to), encode_uint(value), encode_bytes(data), encode_list([])]
        kind = bytes([DYNAMIC_FEE])
        signature = self.key.sign_recoverable(keccak256(kind + encode_list(fields)), hasher=None)
        r, s = (int.from_bytes(signature[at : at + 32], "big") for at in (0, 32))
        return kind + encode_list([*fields, *[encode_uint(each) for each in (signature[64], r, s)]])


def transactions(wallet: Wallet, chain_id: int, count: int) -> list[bytes]:
    """The first transactions of an account: transfers and a token's transfers in turn."""
    signed = []
    for nonce in range(count):
        other = Address(keccak256(wallet.address + bytes([nonce % 256]))[-20:])
        amount = (nonce % 9 + 1) * ETHER // 1_000
        if nonce % 2:
            data = TRANSFER_SELECTOR + bytes(12) + other + amount.to_bytes(32, "big")
            signed.append(wallet.sign(chain_id, nonce, TOKEN, 0, data))
        else:
            signed.append(wallet.sign(chain_id, nonce, other, amount))
    return signed


def body(raws: Sequence[bytes]) -> bytes:
    """A batch of JSON-RPC that submits transactions."""
    return orjson.dumps(
        [
            {
                "jsonrpc": "2.0",
                "id": place,
                "method": "eth_sendRawTransaction",
                "params": ["0x" + raw.hex()],
            }
            for place, raw in enumerate(raws)
        ]
    )
