"""Orders for worlds: blocks of signed transactions, built one after the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.transactions import SignedTransaction
from anh_rollup.primitives import L2_CHAIN_ID, Address, Gas
from anh_rollup.protocol.derivation import Head, L2Block, build_block, genesis
from anh_rollup.protocol.fees import next_base_fee
from anh_rollup.protocol.jobs import DNN_ADDRESS, order_calldata
from anh_rollup.protocol.ledger import DNN, Deposit, Ledger, LedgerEvent, Origin, fold_block
from anh_rollup.world.engine import AccessList, Engine, SystemAnswer, SystemCall, SystemContract
from anh_rollup.world.errors import ResultMissingError
from anh_rollup.world.strict import STRICT_MARKER
from anh_rollup.world.worker_pool import Engines, Pool
from anh_rollup.world.world import World
from tests.doubles.ordering import (
    ALICE,
    BOB,
    ETHER,
    GENESIS_TIME,
    GWEI,
    JOB,
    MALLORY,
    Wallet,
    empty_ledger,
    pair,
)
from tests.doubles.toy_engine import Step, ToyEngine, program

GENESIS = genesis(L2_CHAIN_ID, 0, keccak256(b"origin"))
CONTRACTS = tuple(Address(bytes([0xC0 + number]) * 20) for number in range(4))
FEE = 2 * GWEI
"""Wei a gas at most; the base fee is less."""

Ordered = tuple[bytes, SignedTransaction | None]


@lru_cache(10_000)
def _signed(wallet: Wallet, fields: tuple[tuple[str, Any], ...]) -> Ordered:
    named = dict(fields)
    if "accessList" in named:
        named["accessList"] = [
            {"address": who, "storageKeys": list(keys)} for who, keys in named["accessList"]
        ]
    return pair(wallet.sign(**named))


@dataclass
class Orders:
    """An order under construction, and the ledger behind it."""

    blocks: list[tuple[L2Block, tuple[Origin, ...]]] = field(default_factory=list)
    ledger: Ledger = field(default_factory=empty_ledger)
    _head: Head = field(default_factory=lambda: Head(GENESIS))
    _next: list[Ordered] = field(default_factory=list)
    _events: list[LedgerEvent] = field(default_factory=list)

    def deposit(self, to: Address, wei: int) -> None:
        self._events.append(Deposit(to, wei))

    def fund(self, *wallets: Wallet, wei: int = 100 * ETHER) -> "Orders":
        """Deposits for wallets in a block of its own."""
        for wallet in wallets or (ALICE, BOB, MALLORY):
            self.deposit(wallet.address, wei)
        self.seal()
        return self

    def send(self, wallet: Wallet, *steps: Step, access: AccessList | None = None, **fields: Any) -> int:
        """A transaction that runs a program; its index in the block."""
        listed: dict[str, Any] = {}
        if access is not None:
            frozen = ((STRICT_MARKER, ()), *access)
            keys = [("0x" + who.hex(), tuple(f"{key:#066x}" for key in slots)) for who, slots in frozen]
            listed = {"accessList": tuple(keys)}
        to = fields.pop("to", CONTRACTS[0])
        named = {"to": None if to is None else "0x" + to.hex(), "data": program(*steps), "gas": 200_000}
        return self.add(wallet, **{**named, **listed, **fields})

    def transfer(self, wallet: Wallet, to: Address, wei: int) -> int:
        return self.add(wallet, to="0x" + to.hex(), value=wei)

    def order(self, wallet: Wallet, reward: int, deadline: int = JOB.deadline) -> bytes:
        """A direct order of a job; its record."""
        data = order_calldata(replace(JOB, deadline=deadline))
        index = self.add(wallet, to=DNN_ADDRESS, value=reward, data=data, gas=200_000)
        return self._next[index][0]

    def add(self, wallet: Wallet, **fields: Any) -> int:
        """A transaction with the nonce that the wallet has there; its index in the block."""
        ledger = self.ledger.copy()
        fold_block(ledger, self._next, self._base_fee, [self._origin])
        base = {"nonce": ledger.account(wallet.address).nonce, "maxFeePerGas": FEE}
        self._next.append(_signed(wallet, tuple(sorted({**base, **fields}.items()))))
        return len(self._next) - 1

    def seal(self, *events: LedgerEvent) -> L2Block:
        """Closes the block; the events come before its transactions."""
        self._events += events
        head, origin = self._head.header, self._origin
        time = GENESIS_TIME + head.number
        place = (time, head.origin_number + 1, keccak256(bytes([head.number % 256])))
        block = build_block(self._head, place, (), self._next)
        fold_block(self.ledger, block.transactions, block.header.base_fee, [origin])
        self._head = Head(block.header, block.ordered_gas)
        self.blocks.append((block, (origin,)))
        self._next, self._events = [], []
        return block

    @property
    def _origin(self) -> Origin:
        return Origin(tuple(self._events))

    @property
    def _base_fee(self) -> int:
        return next_base_fee(self._head.header.base_fee, self._head.ordered_gas)


class Cells:
    """A system contract whose results arrive one by one."""

    def __init__(self) -> None:
        self.known: set[bytes] = set()

    def call(self, call: SystemCall) -> SystemAnswer:
        if call.data not in self.known:
            raise ResultMissingError(call.data)
        return SystemAnswer(b"", Gas(0))

    @property
    def systems(self) -> dict[Address, SystemContract]:
        return {DNN: self}


def world_in(
    folder: Path,
    engine: Engine | None = None,
    systems: dict[Address, SystemContract] | None = None,
    pool: Pool | None = None,
) -> World:
    """The world of a folder, as after a (re)start."""
    chosen = engine or ToyEngine()
    load: Callable[[], Engine] = lambda: chosen  # noqa: E731
    return World(folder / "world.sqlite3", GENESIS, empty_ledger().rules, Engines(load, pool), systems or {})


def appended(world: World, blocks: Sequence[tuple[L2Block, tuple[Origin, ...]]]) -> World:
    """The world with more blocks."""
    for block, origins in blocks:
        world.append(block, origins)
    return world
