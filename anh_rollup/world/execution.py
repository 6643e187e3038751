"""Executes closures: each transaction once, in order, its findings kept before the next one starts."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from typing import Final

from anh_rollup.primitives import Address
from anh_rollup.protocol.ledger import LedgerRules
from anh_rollup.world.cell_store import CellStore
from anh_rollup.world.dependencies import Closure, Dependencies
from anh_rollup.world.engine import Account, Block, Engine, Outcome, Run, StateReader, SystemContract
from anh_rollup.world.engines import LoadEngine
from anh_rollup.world.errors import (
    EngineUnsoundError,
    OrderReplacedError,
    ResultMissingError,
    WorldClosedError,
)
from anh_rollup.world.order_store import Ordered, OrderStore
from anh_rollup.world.position import Item, Position
from anh_rollup.world.result_store import Findings, Holding, Result, ResultStore
from anh_rollup.world.runs import environment
from anh_rollup.world.state import StateBehind, StateWithCover
from anh_rollup.world.strict import Scope
from anh_rollup.world.time_limit import require_time

_LOG = logging.getLogger(__name__)

REPORT_EVERY: Final = 1_000
"""Transactions of one closure between two lines of log (choice)."""


class Execution:
    """Executes what questions depend on; may be asked from several threads, which take turns.

    Args:
        order: What the order says.
        results: Where findings go.
        rules: Of the deployment.
        cells: What called jobs have come to.
        load: Makes the engine.
        systems: The system contracts by address.

    Attributes:
        dependencies: Of the order.
        executed: Transactions executed so far.
    """

    def __init__(
        self,
        order: OrderStore,
        results: ResultStore,
        rules: LedgerRules,
        cells: CellStore,
        load: LoadEngine,
        systems: Mapping[Address, SystemContract],
    ) -> None:
        self.dependencies = Dependencies(order, rules.chain_id)
        self.executed = 0
        self._order = order
        self._results = results
        self._rules = rules
        self._cells = cells
        self._load = load
        self._systems = systems
        # A thread of their own: what asks may be deep inside of a run, and Python's stack is bounded.
        self._worker = ThreadPoolExecutor(1, "world")
        self._closed = False

    @cached_property
    def _engine(self) -> Engine:
        return self._load()

    def close(self) -> None:
        """Stops before the next transaction, for good."""
        self._closed = True

    def settle(self, items: Iterable[Item], key: int) -> None:
        """Executes what items depend on behind a key.

        Raises:
            ResultMissingError: A system contract lacks a result; what was done is kept.
            OrderReplacedError: The order was replaced meanwhile.
            WorldClosedError: The world was closed meanwhile.
            TimeLimitError: The question has had its time; what was done is kept.
        """
        self._execute(self.dependencies.of_items(items, key, self._results.is_executed))

    def settle_until(self, key: int) -> None:
        """Executes all that can be executed up to a key: what waits, and what depends on it, is left.

        Raises:
            OrderReplacedError: The order was replaced meanwhile.
            WorldClosedError: The world was closed meanwhile.
            TimeLimitError: The question has had its time; what was done is kept.
        """
        for each in self._results.unexecuted_until(key):
            try:
                self.settle_transaction(each)
            except ResultMissingError:
                ordered = self._order.ordered(each)
                if ordered is None or not ordered.strict:
                    return  # whatever comes behind reads what it writes

    def settle_transaction(self, key: int) -> None:
        """Executes a transaction that runs code, and what it depends on; raises as `settle` does."""
        self._execute(self.dependencies.of_transaction(key, self._results.is_executed))

    def state(self, key: int) -> StateBehind:
        """The state behind a key; what it depends on is executed when it is read."""
        return StateBehind(self._order, self._results, key, lambda item: self.settle([item], key))

    def call(self, run: Run, state: StateReader, block: Block) -> Outcome:
        """Runs something on a state; changes nothing.

        Raises:
            ResultMissingError: A system contract lacks a result.
        """
        return self._engine.run(run, block, state, self._systems)

    def _execute(self, closure: Closure) -> None:
        generation = self._order.generation
        keys = [*self._results.unexecuted_until(closure.everything_until), *closure.strict]
        for done, key in enumerate(keys):
            require_time()
            if done and done % REPORT_EVERY == 0:
                _LOG.info("executed %d of the %d transactions that a question depends on", done, len(keys))
            self._worker.submit(self._execute_next, key, generation).result()

    def _execute_next(self, key: int, generation: int) -> None:
        """Executes a transaction whose dependencies are executed, unless another question has had it done."""
        if self._closed:
            raise WorldClosedError
        if not self._results.is_executed(key):
            self._execute_one(key, generation)

    def _execute_one(self, key: int, generation: int) -> None:
        ordered = self._order.ordered(key)
        block = self._order.block(Position.of_key(key).block)
        if ordered is None or block is None:
            raise OrderReplacedError
        request = self._results.request(key)
        if request is not None and self._cells.lacks_cell(request):
            raise ResultMissingError(request)
        run = self.dependencies.run(key)
        behind = StateBehind(self._order, self._results, key, lambda _: None)
        state = StateWithCover(behind, run.sender, ordered.covered)
        try:
            with self._cells.noting() as used:
                outcome = self.call(run, state, environment(block, self._rules, self._order))
        except ResultMissingError as error:
            with self._unreplaced(generation):
                self._results.wait(key, error.request)
            raise
        _require_sound(run, outcome, key)
        findings = self._findings(key, ordered, run, state, outcome)
        with self._unreplaced(generation):
            self._results.keep(key, findings)
            self._cells.keep_used(key, used)
        self.executed += 1

    @contextmanager
    def _unreplaced(self, generation: int) -> Iterator[None]:
        """A transaction of the database, on the same order and cells as what was executed.

        Raises:
            OrderReplacedError: They are others now.
        """
        with self._order.database.transaction():
            if generation != self._order.generation:
                raise OrderReplacedError
            yield

    def _findings(
        self, key: int, ordered: Ordered, run: Run, state: StateReader, outcome: Outcome
    ) -> Findings:
        """What an outcome means for the world: all money that is not cleared is uncleared."""
        changed: dict[Address, Account | None] = {run.sender: state.account(run.sender)}
        changed.update(outcome.changes.accounts)
        holdings = {}
        for address, each in changed.items():
            account = each or Account()
            uncleared = account.balance - self._order.account(address, key).cleared
            if address == run.sender:
                uncleared += ordered.gas * ordered.price - outcome.gas_used * run.gas_price
            holdings[address] = Holding(account.nonce, uncleared, account.code)
        result = Result(outcome.succeeded, outcome.gas_used, outcome.created)
        return Findings(result, holdings, dict(outcome.changes.slots), outcome.logs)


def _require_sound(run: Run, outcome: Outcome, key: int) -> None:
    """What dependencies say of a strict run holds for its outcome, whatever the engine.

    Raises:
        EngineUnsoundError: It does not.
    """
    if run.is_strict:
        scope, changes = Scope(run), outcome.changes
        if not (changes.accounts.keys() <= scope.writable and changes.slots.keys() <= scope.slots):
            place = Position.of_key(key)
            raise EngineUnsoundError(place.block, place.index)
