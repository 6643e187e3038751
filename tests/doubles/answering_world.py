"""A follower on an L1 in memory, with a world whose answers a test sets."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from anh_rollup.encoding.transactions import SignedTransaction
from anh_rollup.primitives import Address, Gas
from anh_rollup.protocol.called import TrainingRequest
from anh_rollup.protocol.ledger import Account as LedgerAccount
from anh_rollup.protocol.ledger import Charged, Effect
from anh_rollup.rpc.service import WorldLimits, WorldService
from anh_rollup.world.answers import Balance, Kind, PlacedLog, PlacedPublication, Receipt
from anh_rollup.world.engine import AccessList, Account, Changes, Log, Outcome, Reads, Run
from anh_rollup.world.errors import RunHaltedError, UnknownPositionError
from anh_rollup.world.overrides import NO_OVERRIDES, Overrides
from anh_rollup.world.position import Position
from tests.doubles.ordering import NodeDouble

CALL_GAS_USED = Gas(50_000)
"""What every prepaid transaction of the double uses."""

RETURNED = Outcome(True, CALL_GAS_USED, b"\x2a", None, (), Changes(), Reads())


class FollowerDouble(NodeDouble):
    """A node that orders for itself what it would otherwise forward."""

    syncing: tuple[int, int, int] | None = None

    def pending(self) -> Sequence[SignedTransaction]:
        waiting = [each for _, each in self.chain._waiting.values() if each is not None]
        return [*waiting, *[each.transaction for each in self.chain._pool._by_hash.values()]]


@dataclass
class FakeWorld:
    """Answers with what is set, and counts what is asked.

    Attributes:
        node: Whose blocks it knows.
        accounts: What there is beside the ledger's accounts.
        uncleared: Wei by account.
        slots: Storage.
        outcome: Of every call.
        failure: Raised by whatever executes.
        events: The logs of transactions, by block and index.
        created: The contracts that transactions created, likewise.
        asked: What executions wait for.
        listed: What an access list shows.
        least_gas: What a run with its access list needs.
        runs: Every run that was asked for.
        overrides: What each of them pretended.
    """

    node: NodeDouble
    accounts: dict[Address, Account] = field(default_factory=dict)
    uncleared: dict[Address, int] = field(default_factory=dict)
    slots: dict[tuple[Address, int], int] = field(default_factory=dict)
    outcome: Outcome = RETURNED
    failure: Exception | None = None
    events: dict[tuple[int, int], tuple[Log, ...]] = field(default_factory=dict)
    created: dict[tuple[int, int], Address] = field(default_factory=dict)
    asked: dict[Position, TrainingRequest] = field(default_factory=dict)
    published: dict[bytes, PlacedPublication] = field(default_factory=dict)
    listed: AccessList = ()
    least_gas: int = 0
    runs: list[Run] = field(default_factory=list)
    overrides: list[Overrides] = field(default_factory=list)
    log_questions: int = 0

    def behind(self, block: int, index: int | None = None) -> Position:
        head = self.node.chain.head.header.number
        if block > head:
            raise UnknownPositionError(block, index, head)
        found = self.node.chain.block(block)
        last = -1 if found is None else len(found.transactions) - 1
        return Position(block, last if index is None else index)

    def ledger_account(self, address: Address, position: Position) -> LedgerAccount:
        return self.node.chain.account(address, pending=False) if position.block else LedgerAccount()

    def balance(self, address: Address, position: Position) -> Balance:
        self._fail()
        uncleared = self.uncleared.get(address, 0)
        return Balance(self.ledger_account(address, position).cleared, uncleared, CALL_GAS_USED)

    def account(self, address: Address, position: Position) -> Account:
        self._fail()
        return self.accounts.get(address, Account())

    def slot(self, address: Address, key: int, position: Position) -> int:
        self._fail()
        return self.slots.get((address, key), 0)

    def call(self, run: Run, position: Position, overrides: Overrides = NO_OVERRIDES) -> Outcome:
        self._fail()
        self.overrides.append(overrides)
        self.runs.append(run)
        return self.outcome

    def estimate_gas(self, run: Run, position: Position, overrides: Overrides = NO_OVERRIDES) -> int:
        self._fail()
        self.overrides.append(overrides)
        self.runs.append(run)
        return CALL_GAS_USED if run.data else 21_000

    def access_list(
        self, run: Run, position: Position, overrides: Overrides = NO_OVERRIDES
    ) -> tuple[AccessList, int]:
        self._fail()
        self.overrides.append(overrides)
        self.runs.append(run)
        if run.gas_limit < self.least_gas:
            raise RunHaltedError("out of gas")
        return self.listed, CALL_GAS_USED

    def publication(self, root: bytes, position: Position) -> PlacedPublication | None:
        self._fail()
        return self.published.get(root)

    def requests(self) -> dict[Position, TrainingRequest]:
        self._fail()
        return self.asked

    def receipt(self, block: int, index: int) -> Receipt | None:
        self._fail()
        found = self.node.chain.block(block)
        if found is None or index >= len(found.transactions):
            return None
        outcome, position = self.node.chain.outcomes(block)[index], Position(block, index)
        if not isinstance(outcome, Charged):
            return Receipt(position, Kind.SKIPPED, False, Gas(0), 0)
        prepaid = outcome.effect is Effect.PREPAID
        gas = CALL_GAS_USED if prepaid else Gas(outcome.gas)
        place = (block, index)
        created, logs = self.created.get(place), self.events.get(place, ())
        return Receipt(position, Kind(outcome.effect), True, gas, outcome.price, created, logs)

    def logs(
        self,
        first: int,
        last: int,
        addresses: frozenset[Address],
        topics: Sequence[frozenset[bytes] | None],
    ) -> list[PlacedLog]:
        self._fail()
        self.log_questions += 1
        return [
            PlacedLog(Position(*place), number, log)
            for place, logs in sorted(self.events.items())
            for number, log in enumerate(logs)
            if first <= place[0] <= last and matches(log, addresses, topics)
        ]

    def closure(self, block: int, index: int) -> list[Position]:
        return [Position(number, 0) for number in range(1, block)] + [Position(block, index)]

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


def matches(log: Log, addresses: frozenset[Address], topics: Sequence[frozenset[bytes] | None]) -> bool:
    if addresses and log.address not in addresses:
        return False
    if len(topics) > len(log.topics):
        return False
    return all(wanted is None or topic in wanted for topic, wanted in zip(log.topics, topics, strict=False))


def service_of(node: FollowerDouble, world: FakeWorld, **limits: Any) -> WorldService:
    return WorldService(node, world, WorldLimits(**{"receipt_seconds": 0.0, **limits}))
