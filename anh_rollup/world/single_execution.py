"""Executes single transactions, here or with what a worker has found out, and keeps what came of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from anh_rollup.primitives import Address
from anh_rollup.protocol.ledger import LedgerRules
from anh_rollup.world.cell_store import CellStore
from anh_rollup.world.engine import Account, Block, Outcome, Run, StateReader
from anh_rollup.world.errors import EngineUnsoundError, OrderReplacedError, ResultMissingError
from anh_rollup.world.order_store import Ordered, OrderStore
from anh_rollup.world.position import Position
from anh_rollup.world.result_store import Findings, Holding, Result, ResultStore
from anh_rollup.world.runs import environment
from anh_rollup.world.state import StateBehind, StateWithCover
from anh_rollup.world.strict import Scope
from anh_rollup.world.worker import Task, task_of

Call = Callable[[Run, StateReader, Block, int], Outcome]
"""Runs something on a state, in this process, as if it stood at a key."""


class SingleExecution:
    """What is done with one transaction whose dependencies are executed.

    Args:
        order: What the order says.
        results: Where findings go.
        rules: Of the deployment.
        cells: What called jobs have come to.
        call: Runs it.

    Attributes:
        executed: Transactions executed so far.
    """

    def __init__(
        self, order: OrderStore, results: ResultStore, rules: LedgerRules, cells: CellStore, call: Call
    ) -> None:
        self.executed = 0
        self._order = order
        self._results = results
        self._rules = rules
        self._cells = cells
        self._call = call

    def execute(self, key: int, run: Run, generation: int) -> None:
        """Executes a transaction in this process, and keeps what comes of it.

        Raises:
            ResultMissingError: A system contract lacks a result; it is noted that the transaction waits.
            OrderReplacedError: The order is another one than that of the generation.
            EngineUnsoundError: The engine changed what the transaction does not list.
        """
        ordered, block = self._place(key)
        request = self._results.request(key)
        if request is not None and self._cells.lacks(request):
            raise ResultMissingError(request)
        state = self._state(key, run, ordered)
        try:
            with self._cells.noting() as used:
                outcome = self._call(run, state, block, key)
        except ResultMissingError as error:
            with self._unreplaced(generation):
                self._results.wait(key, error.request)
            raise
        findings = self._findings(key, ordered, run, state, outcome)
        with self._unreplaced(generation):
            self._results.keep(key, findings)
            self._cells.keep_used(key, used)
        self.executed += 1

    def task(self, key: int, run: Run) -> Task:
        """A strict transaction that calls no system contract, with all that exists for it.

        Raises:
            OrderReplacedError: The order was replaced meanwhile.
        """
        ordered, block = self._place(key)
        return task_of(Scope(run), block, self._state(key, run, ordered))

    def keep(self, key: int, task: Task, outcome: Outcome, generation: int) -> None:
        """Keeps what a worker has found out about a task; raises as `execute` does."""
        ordered, _ = self._place(key)
        findings = self._findings(key, ordered, task.run, task, outcome)
        with self._unreplaced(generation):
            self._results.keep(key, findings)
        self.executed += 1

    # --- inside ---

    def _place(self, key: int) -> tuple[Ordered, Block]:
        ordered = self._order.ordered(key)
        block = self._order.block(Position.of_key(key).block)
        if ordered is None or block is None:
            raise OrderReplacedError
        return ordered, environment(block, self._rules, self._order)

    def _state(self, key: int, run: Run, ordered: Ordered) -> StateReader:
        behind = StateBehind(self._order, self._results, key, lambda _: None)
        return StateWithCover(behind, run.sender, ordered.covered)

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
        """What an outcome means for the world: all money that is not cleared is uncleared.

        Raises:
            EngineUnsoundError: It cannot be one of this run.
        """
        _require_sound(run, outcome, key)
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
