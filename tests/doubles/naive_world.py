"""The world by executing everything in order: what a lazy world is compared with. It knows no closures."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from anh_rollup.encoding.transactions import SignedTransaction
from anh_rollup.primitives import Address
from anh_rollup.protocol.derivation import L2Block
from anh_rollup.protocol.fees import effective_gas_price
from anh_rollup.protocol.ledger import BlockTerms, Charged, Effect, Ledger, Origin
from anh_rollup.world.engine import Account, Block, Engine, Log, Outcome, Run, Slot
from anh_rollup.world.strict import is_strict

Place = tuple[int, int]


@dataclass
class Moment:
    """All state at one place."""

    ledger: Ledger
    total: dict[Address, int] = field(default_factory=dict)
    counts: dict[Address, int] = field(default_factory=dict)
    codes: dict[Address, bytes] = field(default_factory=dict)
    slots: dict[tuple[Address, Slot], int] = field(default_factory=dict)

    def copy(self) -> "Moment":
        parts = (self.total, self.counts, self.codes, self.slots)
        return Moment(self.ledger.copy(), *[dict(each) for each in parts])  # type: ignore[arg-type]

    # --- what an engine reads ---

    def account(self, who: Address) -> Account | None:
        counted = max(self.ledger.account(who).nonce, self.counts.get(who, 0))
        account = Account(counted, self.total.get(who, 0), self.codes.get(who, b""))
        return None if account == Account() else account

    def slot(self, who: Address, key: Slot) -> int:
        return self.slots.get((who, key), 0)


@dataclass
class NaiveWorld:
    """Executes each block as it comes, on one balance for each account, and remembers every moment."""

    ledger: Ledger
    engine: Engine
    moments: dict[Place, Moment] = field(default_factory=dict)
    outcomes: dict[Place, Outcome] = field(default_factory=dict)
    runs: dict[Place, Run] = field(default_factory=dict)
    logs: list[tuple[Place, Log]] = field(default_factory=list)
    spent: int = 0

    def __post_init__(self) -> None:
        self._now = Moment(self.ledger)
        self.moments[0, -1] = self._now.copy()

    def append(self, block: L2Block, origins: Sequence[Origin]) -> None:
        now, terms = self._now, BlockTerms(block.header.base_fee, forced=block.forced)
        for origin in origins:
            with_ledger(now, lambda ledger, brings=origin: ledger.apply_origin(brings))
        self.moments[block.number, -1] = now.copy()
        for index, (record, transaction) in enumerate(block.transactions):
            held = dict(now.total)
            charged = with_ledger(now, lambda ledger, of=(record, transaction): ledger.apply(*of, terms))
            if transaction and isinstance(charged, Charged) and charged.effect is Effect.PREPAID:
                now.total[transaction.sender] = held[transaction.sender] - charged.fee
                self._execute((block.number, index), transaction, charged, block)
            self.moments[block.number, index] = now.copy()

    def _execute(self, place: Place, of: SignedTransaction, charged: Charged, block: L2Block) -> None:
        now, head = self._now, block.header
        price = effective_gas_price(of, head.base_fee)
        keys = [(who, tuple(int.from_bytes(key, "big") for key in each)) for who, each in of.access_list]
        strict = is_strict(of.access_list)
        run = Run(of.sender, of.nonce, of.to, of.value, of.data, of.gas_limit, price, tuple(keys), strict)  # type: ignore[arg-type]
        known = (of.chain_id, block.number, head.time, head.base_fee, head.gas_limit)
        seen = Block(*known, now.ledger.rules.fee_recipient, b"", _no_hash)  # type: ignore[arg-type]
        outcome = self.engine.run(run, seen, now, {})
        for who, changed in outcome.changes.accounts.items():
            account = changed or Account()
            now.total[who], now.counts[who], now.codes[who] = account.balance, account.nonce, account.code
        now.slots.update(outcome.changes.slots)
        now.total[of.sender] += charged.fee - outcome.gas_used * price
        self.spent += outcome.gas_used * price
        self.outcomes[place], self.runs[place] = outcome, run
        self.logs += [(place, log) for log in outcome.logs]


def with_ledger(now: Moment, change):  # type: ignore[no-untyped-def]
    """Changes the ledger, and each account's balance by what its cleared money changes."""
    before = {who: each.cleared for who, each in now.ledger.accounts.items()}
    result = change(now.ledger)
    for who, each in now.ledger.accounts.items():
        now.total[who] = now.total.get(who, 0) + each.cleared - before.get(who, 0)
    return result


def _no_hash(number: int) -> bytes:
    return bytes(32)
