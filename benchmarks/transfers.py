"""Transfers as people sign them, for the measurement of what a transaction costs on L1.

The shares are choices, on the careful side: what need not repeat on a busy L2 does not repeat here. Nine of
ten recipients are seen once, a third of all amounts and half of all fees have every digit, one transaction in
ten is of type 0. Signatures are random numbers of their range, which is what signatures look like.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from anh_rollup.encoding.abi import encode
from anh_rollup.encoding.batches import Header
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.recovery import CURVE_ORDER
from anh_rollup.encoding.transactions import (
    DYNAMIC_FEE,
    LEGACY,
    SignedTransaction,
    encode_record,
)
from anh_rollup.primitives import (
    GWEI,
    L2_CHAIN_ID,
    ZERO_DIGEST,
    Address,
    BlockNumber,
    Gas,
    Seconds,
    Wei,
)
from anh_rollup.protocol.derivation import L2Block
from anh_rollup.protocol.fees import BLOCK_GAS_LIMIT, FIRST_BASE_FEE, TRANSFER_GAS

BLOCK_TRANSACTIONS: Final = 50
"""Transactions of a block: a hundred a second at the sequencer's default interval."""

ORIGIN_BLOCKS: Final = 24
"""L2 blocks over one L1 block: 12 seconds at the same interval."""

TRANSFER: Final = keccak256(b"transfer(address,uint256)")[:4]
TOKENS: Final = 200
POPULAR: Final = 100


@dataclass(frozen=True, slots=True)
class Token:
    """An ERC-20 token: where it is, and how many decimals its amounts have."""

    address: Address
    decimals: int


class Wallets:
    """Who signs, drawn from a seeded generator."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._popular = [self._address() for _ in range(POPULAR)]
        self._tokens = [Token(self._address(), self._random.choice((6, 18, 18))) for _ in range(TOKENS)]
        # The nth token is used a n-th as often as the first (Zipf).
        self._weights = [1 / rank for rank in range(1, TOKENS + 1)]

    def ether_transfer(self, base_fee: int) -> SignedTransaction:
        """A plain transfer."""
        gas = TRANSFER_GAS if self._random.random() < 0.8 else self._random.choice((25_200, 31_500, 50_000))
        return self._signed(base_fee, Gas(gas), self._recipient(), self._amount(18), b"")

    def token_transfer(self, base_fee: int) -> SignedTransaction:
        """A call of `transfer(address,uint256)`; its gas limit is an estimate with all its digits, mostly."""
        (token,) = self._random.choices(self._tokens, self._weights)
        estimate = self._random.randrange(34_000, 98_000)
        gas = estimate if self._random.random() < 0.8 else self._random.choice((60_000, 65_000, 100_000))
        arguments = encode(("address", "uint256"), (self._recipient(), self._amount(token.decimals)))
        return self._signed(base_fee, Gas(gas), token.address, Wei(0), TRANSFER + arguments)

    def _signed(self, base_fee: int, gas: Gas, to: Address, value: Wei, data: bytes) -> SignedTransaction:
        kind = DYNAMIC_FEE if self._random.random() < 0.9 else LEGACY
        tip = self._tip()
        max_fee = 2 * base_fee + tip if kind == DYNAMIC_FEE else base_fee + tip
        if self._random.random() < 0.3:
            max_fee = -(-max_fee // 10**7) * 10**7
        return SignedTransaction(
            kind=kind,
            chain_id=L2_CHAIN_ID,
            nonce=int(10 ** self._random.uniform(0, 4)),
            gas_limit=gas,
            max_fee=Wei(max_fee),
            priority_fee=Wei(tip if kind == DYNAMIC_FEE else max_fee),
            to=to,
            value=value,
            data=data,
            access_list=(),
            y_parity=self._random.randrange(2),
            r=self._random.randrange(1, CURVE_ORDER),
            s=self._random.randrange(1, CURVE_ORDER // 2),
            sender=self._address(),
            hash=ZERO_DIGEST,
        )

    def _tip(self) -> int:
        """Half are what wallets suggest, half have all digits."""
        if self._random.random() < 0.5:
            return self._random.choice((10**6, 10**8, GWEI, 15 * 10**8, 2 * GWEI))
        return self._random.randrange(10**6, 2 * GWEI)

    def _amount(self, decimals: int) -> Wei:
        """Two thirds with one to six digits, as people type them, a third with all that there are."""
        units = 10 ** self._random.uniform(-3, 4)
        if self._random.random() < 1 / 3:
            return Wei(int(units * 10**decimals) + self._random.randrange(10 ** (decimals // 2)))
        typed = Decimal(f"{units:.{self._random.randrange(6)}e}")
        return Wei(int(typed.scaleb(decimals)))

    def _recipient(self) -> Address:
        return self._random.choice(self._popular) if self._random.random() < 0.1 else self._address()

    def _address(self) -> Address:
        return Address(self._random.randbytes(20))


def blocks(transfer: Callable[[int], SignedTransaction], count: int, seed: int) -> list[L2Block]:
    """Consecutive blocks as the sequencer seals them, full of transfers.

    Args:
        transfer: Makes the next one at a base fee.
        count: How many blocks.
        seed: Of the base fees and the hashes that the blocks name.
    """
    drawn, sealed, base_fee = random.Random(seed), list[L2Block](), FIRST_BASE_FEE
    for number in range(1, count + 1):
        base_fee = Wei(base_fee * drawn.randrange(950, 1_050) // 1_000)
        made = [transfer(base_fee) for _ in range(BLOCK_TRANSACTIONS)]
        origin = number // ORIGIN_BLOCKS
        header = Header(
            number=BlockNumber(number),
            parent=keccak256(b"parent %d" % number),
            time=Seconds(1_700_000_000 + number // 2),
            origin_number=BlockNumber(20_000_000 + origin),
            origin_hash=keccak256(b"origin %d" % origin),
            transactions_root=ZERO_DIGEST,
            gas_limit=BLOCK_GAS_LIMIT,
            base_fee=base_fee,
        )
        sealed.append(L2Block(header, 0, tuple([(encode_record(each), each) for each in made])))
    return sealed
