"""What a question costs that needs a small part of a long order: `python -m benchmarks.laziness`.

Accounts deploy a counter each and call it, with access lists that make the calls strict: a thousand chains of
transactions that depend on nothing of each other, one after the other in every block.
"""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from coincurve import PrivateKey

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.rlp import encode_bytes, encode_list, encode_uint
from anh_rollup.encoding.transactions import (
    DYNAMIC_FEE,
    AccessList,
    SignedTransaction,
    encode_record,
    encode_signed,
)
from anh_rollup.primitives import ETHER, L2_CHAIN_ID, ZERO_DIGEST, Address, BlockNumber, Gas, Seconds, Wei
from anh_rollup.protocol.derivation import Head, L2Block, OrderedTransaction, build_block, genesis
from anh_rollup.protocol.fees import BLOCK_GAS_LIMIT, ELASTICITY, FIRST_BASE_FEE
from anh_rollup.protocol.ledger import Deposit, LedgerRules, Origin
from anh_rollup.world.engines import load_engine
from anh_rollup.world.strict import STRICT_MARKER, created_address
from anh_rollup.world.worker_pool import HERE, Engines
from anh_rollup.world.world import World
from benchmarks.report import Figure, Work, show

COUNTER = bytes.fromhex("600a600c600039600a6000f3" + "60005460010160005500")
"""Init code of a contract that adds one to its element 0."""

GAS, MOST_FEE = Gas(120_000), Wei(4 * FIRST_BASE_FEE)

MOST_APPEND_SECONDS, MOST_SHARE = 60, 0.01
"""Wanted: to append all of it, and of the time to execute all of it for one question."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is ordered.

    Attributes:
        contracts: Chains that depend on nothing of each other.
        calls: Transactions of each, the deployment first.
        code: Init code of the contracts.
        gas: Gas limit of each transaction.
    """

    contracts: int = 1_000
    calls: int = 100
    code: bytes = COUNTER
    gas: Gas = GAS

    @property
    def per_block(self) -> int:
        """Transactions of a block: their gas is what leaves the base fee as it is."""
        return BLOCK_GAS_LIMIT // ELASTICITY // self.gas


@dataclass(frozen=True, slots=True)
class Account:
    """A key, and the contract that it deploys first, with the gas limit of its transactions."""

    key: PrivateKey
    code: bytes
    gas: Gas

    @property
    def address(self) -> Address:
        """Its address."""
        return Address(keccak256(self.key.public_key.format(compressed=False)[1:])[-20:])

    @property
    def contract(self) -> Address:
        """What its first transaction creates."""
        return created_address(self.address, 0)

    def sign(self, nonce: int) -> OrderedTransaction:
        """The deployment, or a call of the contract."""
        listed: AccessList = ((STRICT_MARKER, ()),)
        to, data = None, self.code
        if nonce:
            listed, to, data = (*listed, (self.contract, (ZERO_DIGEST,))), self.contract, b""
        entries = [
            encode_list([encode_bytes(who), encode_list([encode_bytes(key) for key in keys])])
            for who, keys in listed
        ]
        numbers = [encode_uint(each) for each in (L2_CHAIN_ID, nonce, 0, MOST_FEE, self.gas)]
        body = [*numbers, encode_bytes(to or b""), encode_uint(0), encode_bytes(data), encode_list(entries)]
        digest = keccak256(bytes([DYNAMIC_FEE]) + encode_list(body))
        signature = self.key.sign_recoverable(digest, hasher=None)
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
        unnamed = SignedTransaction(
            kind=DYNAMIC_FEE,
            chain_id=L2_CHAIN_ID,
            nonce=nonce,
            gas_limit=self.gas,
            max_fee=MOST_FEE,
            priority_fee=Wei(0),
            to=to,
            value=Wei(0),
            data=data,
            access_list=listed,
            y_parity=signature[64],
            r=r,
            s=s,
            sender=self.address,
            hash=ZERO_DIGEST,
        )
        transaction = unnamed._replace(hash=keccak256(encode_signed(unnamed)))
        return encode_record(transaction), transaction


def accounts_of(scale: Scale) -> list[Account]:
    """The accounts that deploy and call."""
    keys = [PrivateKey.from_int(number + 1) for number in range(scale.contracts)]
    return [Account(key, scale.code, scale.gas) for key in keys]


def blocks_of(scale: Scale) -> Iterator[tuple[L2Block, Origin]]:
    """The order: deposits, and each account's transactions in turn."""
    accounts = accounts_of(scale)
    head = Head(genesis(L2_CHAIN_ID, BlockNumber(0), ZERO_DIGEST))
    turns = ((nonce, account) for nonce in range(scale.calls) for account in accounts)
    deposits = tuple(Deposit(each.address, Wei(1_000 * ETHER)) for each in accounts)
    while own := [account.sign(nonce) for nonce, account in islice(turns, scale.per_block)]:
        place = (Seconds(head.header.number), head.header.number, ZERO_DIGEST)
        block = build_block(head, place, (), own)
        head = Head(block.header, block.ordered_gas)
        yield block, Origin(deposits)
        deposits = ()


def world_in(folder: Path, engines: Engines = HERE) -> World:
    """An empty world."""
    rules = LedgerRules(L2_CHAIN_ID, Address(b"\x5e" * 20))
    first = genesis(L2_CHAIN_ID, BlockNumber(0), ZERO_DIGEST)
    return World(folder / "world.sqlite3", first, rules, engines)


def seconds(work: Work) -> float:
    """Processor time of one run on all threads of this process: the world executes on one of its own."""
    start = time.process_time()
    work()
    return time.process_time() - start


def measure(folder: Path, scale: Scale) -> list[Figure]:
    """Appends all, asks for one balance, and then for all of them."""
    world, accounts = world_in(folder), accounts_of(scale)
    blocks = list(blocks_of(scale))

    def append() -> None:
        with world.transaction():
            for block, origin in blocks:
                world.append(block, [origin])

    appending = seconds(append)
    head, total = world.behind(world.head), scale.contracts * scale.calls
    stranger = Address(b"\x11" * 20)
    plain = seconds(lambda: world.balance(stranger, head))
    after_plain = world.executed
    one = seconds(lambda: world.balance(accounts[0].address, head))
    after_one = world.executed
    rest = seconds(lambda: [world.balance(each.address, head) for each in accounts])
    counts = {world.slot(each.contract, 0, head) for each in accounts}
    if counts != {scale.calls - 1} or world.executed != total:
        raise SystemExit(f"the counters stand at {counts} after {world.executed} executions")
    name = f"{total:,} transactions, {scale.contracts:,} independent contracts"
    return [
        Figure(f"{name}: appended to the order", "seconds", round(appending, 2), MOST_APPEND_SECONDS),
        Figure(f"{name}: executed for a plain balance", "transactions", after_plain, 0),
        Figure(f"{name}: a plain balance", "milliseconds", round(plain * 1e3, 3)),
        Figure(f"{name}: executed for the first balance", "transactions", after_one, scale.calls),
        Figure(f"{name}: the first balance", "seconds", round(one, 4)),
        Figure(f"{name}: all executed", "seconds", round(one + rest, 2)),
        Figure(
            f"{name}: the first balance over all", "parts of all", round(one / (one + rest), 5), MOST_SHARE
        ),
    ]


def main() -> None:
    """Measures the whole scale, once the engine's modules are loaded."""
    load_engine()
    with tempfile.TemporaryDirectory() as folder:
        show(measure(Path(folder), Scale()))


if __name__ == "__main__":
    main()
