"""Executes closures: each transaction once, in order, its findings kept before the next one starts."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from anh_rollup.primitives import Address
from anh_rollup.protocol.fees import BLOCK_GAS_LIMIT
from anh_rollup.protocol.ledger import LedgerRules
from anh_rollup.world.cell_store import CellStore
from anh_rollup.world.dependencies import Closure, Dependencies
from anh_rollup.world.engine import Block, Engine, Outcome, Run, StateReader, SystemContract
from anh_rollup.world.errors import ResultMissingError, WorldClosedError
from anh_rollup.world.order_store import OrderStore
from anh_rollup.world.position import Item
from anh_rollup.world.result_store import ResultStore
from anh_rollup.world.rounds import FEWEST, Rounds
from anh_rollup.world.single_execution import SingleExecution
from anh_rollup.world.state import StateBehind
from anh_rollup.world.strict import Scope
from anh_rollup.world.time_limit import require_time
from anh_rollup.world.worker import Task
from anh_rollup.world.worker_pool import Engines

_LOG = logging.getLogger(__name__)

SystemsBefore = Callable[[int], Mapping[Address, SystemContract]]
"""The system contracts by address, as a run sees them that stands at a key."""

REPORT_EVERY: Final = 1_000
"""Transactions of one closure between two lines of log (choice)."""


class Execution:
    """Executes what questions depend on; may be asked from several threads, which take turns.

    Args:
        order: What the order says.
        results: Where findings go.
        rules: Of the deployment.
        cells: What called jobs have come to.
        engines: What runs them.
        systems: The system contracts by address, for a run before a key.

    Attributes:
        dependencies: Of the order.
    """

    def __init__(
        self,
        order: OrderStore,
        results: ResultStore,
        rules: LedgerRules,
        cells: CellStore,
        engines: Engines,
        systems: SystemsBefore,
    ) -> None:
        self.dependencies = Dependencies(order, rules.chain_id)
        self._order = order
        self._results = results
        self._engines = engines
        self._systems = systems
        self._single = SingleExecution(order, results, rules, cells, self.call)
        # A thread of their own: what asks may be deep inside of a run, and Python's stack is bounded.
        self._worker = ThreadPoolExecutor(1, "world")
        self._closed = False

    @cached_property
    def _engine(self) -> Engine:
        return self._engines.load()

    @property
    def executed(self) -> int:
        """Transactions executed so far."""
        return self._single.executed

    def close(self) -> None:
        """Stops before the next transaction, for good; what workers do is thrown away."""
        self._closed = True
        if self._engines.pool is not None:
            self._engines.pool.close()

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
                self.settle_transactions(each)
            except ResultMissingError:
                ordered = self._order.ordered(each)
                if ordered is None or not ordered.strict:
                    return  # whatever comes behind reads what it writes

    def settle_transactions(self, *keys: int) -> None:
        """Executes transactions that run code, and what they depend on; raises as `settle` does."""
        if keys:
            self._execute(self.dependencies.of_transactions(keys, self._results.is_executed))

    def state(self, key: int) -> StateBehind:
        """The state behind a key; what it depends on is executed when it is read."""
        return StateBehind(self._order, self._results, key, lambda item: self.settle([item], key))

    def call(self, run: Run, state: StateReader, block: Block, key: int) -> Outcome:
        """Runs something on a state, as if it stood at a key; changes nothing.

        Raises:
            ResultMissingError: A system contract lacks a result.
        """
        return self._engine.run(run, block, state, self._systems(key))

    def _execute(self, closure: Closure) -> None:
        generation = self._order.generation
        keys = [*self._results.unexecuted_until(closure.everything_until), *closure.strict]
        done = 0
        while done < len(keys):
            require_time()
            before = done
            done += self._worker.submit(self._execute_some, keys, done, generation).result()
            if done // REPORT_EVERY > before // REPORT_EVERY:
                _LOG.info("executed %d of the %d transactions that a question depends on", done, len(keys))

    def _execute_some(self, keys: Sequence[int], start: int, generation: int) -> int:
        """Executes the transaction at a place of keys, or a round of them; how many places that makes."""
        self._require_open()
        pool = self._engines.pool
        if pool is not None and len(keys) - start >= FEWEST:
            runs, places = self._round(keys, start, BLOCK_GAS_LIMIT * (pool.working + 1))
            if len(runs) >= FEWEST:
                Rounds(pool, self._require_open).execute(runs, _Steps(self._single, runs, generation))
                return places
        # Unless another question has had it done.
        if not self._results.is_executed(keys[start]):
            self._single.execute(keys[start], self.dependencies.run(keys[start]), generation)
        return 1

    def _round(self, keys: Sequence[int], start: int, gas: int) -> tuple[dict[int, Run], int]:
        """The strict runs from a place on that may call no system contract, and how many places they take.

        They end before any other transaction, so that one that waits does so when all before it is executed,
        and at this sum of gas limits, so that other questions get their turn.
        """
        runs: dict[int, Run] = {}
        systems = self._systems(keys[start])
        for place in range(start, len(keys)):
            run = self.dependencies.run(keys[place])
            gas -= run.gas_limit
            if gas < 0 or not run.is_strict or not Scope(run).accounts.isdisjoint(systems):
                return runs, place - start
            if not self._results.is_executed(keys[place]):
                runs[keys[place]] = run
        return runs, len(keys) - start

    def _require_open(self) -> None:
        if self._closed:
            raise WorldClosedError


@dataclass(frozen=True, slots=True)
class _Steps:
    """What a round does with the transactions of one order."""

    single: SingleExecution
    runs: Mapping[int, Run]
    generation: int

    def task(self, key: int) -> Task:
        return self.single.task(key, self.runs[key])

    def keep(self, key: int, task: Task, outcome: Outcome) -> None:
        self.single.keep(key, task, outcome, self.generation)

    def execute(self, key: int) -> None:
        self.single.execute(key, self.runs[key], self.generation)
