"""The world: EVM state behind any place of the order, computed when somebody asks (docs/world.md)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from anh_rollup.encoding.batches import Header
from anh_rollup.primitives import Address, Gas
from anh_rollup.protocol import ledger
from anh_rollup.protocol.called import Ending, TrainingRequest
from anh_rollup.protocol.derivation import L2Block
from anh_rollup.protocol.fees import TRANSFER_GAS
from anh_rollup.storage.database import Database
from anh_rollup.world.answers import Balance, PlacedLog, PlacedPublication, Receipt
from anh_rollup.world.appending import fold
from anh_rollup.world.cell_store import CellStore, read_request
from anh_rollup.world.dependencies import items_read
from anh_rollup.world.engine import AccessList, Account, Outcome, Run, Slot, SystemContract
from anh_rollup.world.errors import (
    BlockOutOfOrderError,
    RunHaltedError,
    UnknownPositionError,
    WorldError,
    WrongWorldError,
)
from anh_rollup.world.execution import Execution
from anh_rollup.world.finding import Finder
from anh_rollup.world.inference import Inference
from anh_rollup.world.network_contract import NetworkContract
from anh_rollup.world.order_store import OrderStore
from anh_rollup.world.outcomes import BALANCE_OVERFLOW
from anh_rollup.world.overrides import NO_OVERRIDES, Overrides
from anh_rollup.world.position import INDEX_BITS, ORIGIN_INDEX, Position, end_of
from anh_rollup.world.publication_store import PublicationStore
from anh_rollup.world.published import Published, find_publication
from anh_rollup.world.questions import least_gas, strict_list
from anh_rollup.world.result_store import ResultStore
from anh_rollup.world.runs import environment
from anh_rollup.world.schema import MIGRATIONS
from anh_rollup.world.searching import LogSearch, Topics
from anh_rollup.world.worker_pool import HERE, Engines

Answer = TypeVar("Answer")


class World:
    """Appends the order and answers questions about it; questions may come from several threads.

    Where an answer needs a system contract's result that is not known yet, every question raises
    `ResultMissingError`; what was executed until then is kept.

    Args:
        path: The file that it lives in; made if it is missing.
        genesis: The first block's header.
        rules: Of the deployment.
        engines: What transactions are executed with. `close` ends its pool.
        systems: The system contracts by address.
        inference: How networks are evaluated; without it the DNN address has no system contract.

    Attributes:
        head: The height of the last block.

    Raises:
        WrongWorldError: The file is another chain's.
        DatabaseError: The file cannot be opened.
    """

    head: int

    def __init__(
        self,
        path: Path,
        genesis: Header,
        rules: ledger.LedgerRules,
        engines: Engines = HERE,
        systems: Mapping[Address, SystemContract] = MappingProxyType({}),
        inference: Inference | None = None,
    ) -> None:
        self._database = Database(path, MIGRATIONS)
        # Appended blocks that a power failure takes back are derived from L1 again.
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._open, self._must_last = 0, False
        self._rules = rules
        self._order = OrderStore(self._database)
        self._results = ResultStore(self._database)
        self._cells = CellStore(self._database)
        self._publications = PublicationStore(self._database)
        self._others, self._inference = systems, inference
        self._execution = Execution(
            self._order, self._results, rules, self._cells, engines, self._systems_before
        )
        self._find = Finder(self._order, self._results, self._execution)
        self._search = LogSearch(self._order, self._results, self._execution)
        if self._order.genesis is None:
            self._order.begin(genesis)
        if self._order.genesis != genesis.hash:
            raise WrongWorldError(path)
        self._fill()

    # --- the order ---

    def append(self, block: L2Block, origins: Sequence[ledger.Origin]) -> None:
        """Adds the next block: folds the ledger and notes who writes what. Nothing is executed.

        Args:
            block: The block.
            origins: What L1 brings with it.

        Raises:
            BlockOutOfOrderError: It is not the next one.
        """
        with self.transaction():
            if block.number != self.head + 1:
                raise BlockOutOfOrderError(block.number, self.head)
            rows = fold(self._ledger, self._accounts, block, origins)
            self._order.add(block.header, rows, self._ledger)
            self._publications.add(rows.published)
            self.head = block.number

    def truncate(self, number: int) -> None:
        """Forgets the blocks from this height on, with all that followed from them.

        Once this, and the transaction around it, is over, not even a power failure brings them back.

        Raises:
            UnknownPositionError: It is the first block's height, which stays.
        """
        if number < 1:
            raise UnknownPositionError(number, None, self.head)
        with self.transaction():
            self._order.truncate(number)
            self._fill()
            self._must_last = True

    def finalize(self, number: int) -> None:
        """Notes that the blocks up to here are final on L1, so that they cost no validation."""
        self._order.finalize(min(number, self.head))

    def learn(self, cells: Mapping[bytes, Ending]) -> None:
        """Takes over what L1 says about called jobs, by their terms: all that have ended now.

        What was executed with an end that L1 takes back is forgotten, with all behind it.
        """
        with self.transaction():
            gone = self._cells.replace(cells)
            if gone:
                # A run that still waits may have used one of them, too, and wait for something else now.
                first = self._cells.first_user(gone)
                self._order.forget_results(end_of(self.head) if first is None else first)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything that is appended inside is kept together, or nothing of it."""
        with ExitStack() as failed:
            failed.callback(self._fill)
            with self._database.transaction():
                self._open += 1
                try:
                    yield
                finally:
                    self._open -= 1
            failed.pop_all()
        if self._must_last and not self._open:
            self._must_last = False
            self._database.query("PRAGMA wal_checkpoint(FULL)")

    def close(self) -> None:
        """Stops executions before their next transaction: questions that need one raise from now on."""
        self._execution.close()

    # --- places ---

    def behind(self, block: int, index: int | None = None) -> Position:
        """The place behind a transaction, or behind a whole block.

        Raises:
            UnknownPositionError: The order has no such place.
        """
        known = self._order.block(block) if 0 <= block <= self.head else None
        count = 0 if known is None else known.transactions
        last = count - 1 if index is None else index
        if known is None or not ORIGIN_INDEX <= last < count:
            raise UnknownPositionError(block, index, self.head)
        return Position(block, last)

    def closure(self, block: int, index: int) -> Sequence[Position]:
        """What a transaction depends on, in order, the transaction itself last.

        Raises:
            UnknownPositionError: The order has no such transaction.
        """
        position = self.behind(block, index)
        if index == ORIGIN_INDEX:
            raise UnknownPositionError(block, index, self.head)
        return self._consistent(lambda: self._find.closure(position.key))

    # --- state ---

    def ledger_account(self, address: Address, position: Position) -> ledger.Account:
        """Nonce and cleared balance; executes nothing."""
        return self._order.account(address, position.key)

    def balance(self, address: Address, position: Position) -> Balance:
        """What an account has; executes what its uncleared money depends on."""
        return self._consistent(lambda: self._find.balance(address, position.key))

    def account(self, address: Address, position: Position) -> Account:
        """Nonce, total balance and code; empty where there is none."""
        state = self._execution.state(position.key)
        return self._consistent(lambda: state.account(address)) or Account()

    def slot(self, address: Address, key: Slot, position: Position) -> int:
        """An element of an account's storage, 0 where nothing was written."""
        state = self._execution.state(position.key)
        return self._consistent(lambda: state.slot(address, key))

    def publication(self, root: bytes, position: Position) -> PlacedPublication | None:
        """What is published under a root, or as the part of this hash, behind a place; executes nothing."""
        return self._consistent(lambda: find_publication(self._publications, root, position))

    # --- calls ---

    def call(self, run: Run, position: Position, overrides: Overrides = NO_OVERRIDES) -> Outcome:
        """What a call would do behind a place; it changes nothing, and pays nothing for gas.

        Args:
            run: The call. A value that the sender does not have fails it.
            position: Behind what.
            overrides: What it sees otherwise than it is there.
        """
        return self._consistent(lambda: self._call(run, position, overrides))

    def estimate_gas(self, run: Run, position: Position, overrides: Overrides = NO_OVERRIDES) -> Gas:
        """The least gas limit, up to the run's own, with which it succeeds behind a place.

        What exactly 21,000 gas would make a plain transfer gets one more where cleared money does not cover
        one: only transactions that run code spend uncleared money.

        Raises:
            RunRevertedError: It reverts.
            RunHaltedError: It stops without a revert.
        """
        gas = least_gas(lambda each: self.call(each, position, overrides), run)
        if gas != TRANSFER_GAS or run.data:
            return gas
        pretended = overrides.balance(run.sender)
        cleared = self.ledger_account(run.sender, position).cleared if pretended is None else pretended
        return gas if cleared >= run.value + gas * run.gas_price else Gas(gas + 1)

    def access_list(
        self, run: Run, position: Position, overrides: Overrides = NO_OVERRIDES
    ) -> tuple[AccessList, Gas]:
        """The list that makes a run strict, and the least gas limit with which it succeeds with it.

        Raises:
            RunRevertedError: It reverts.
            RunHaltedError: It stops without a revert.
        """
        return strict_list(lambda each: self.call(each, position, overrides), run, self._rules.fee_recipient)

    # --- what came of it ---

    def receipt(self, block: int, index: int) -> Receipt | None:
        """What came of a transaction; executes what it depends on. None where there is none."""
        if not (0 < block <= self.head and 0 <= index < 1 << INDEX_BITS):
            return None
        return self._consistent(lambda: self._find.receipt(Position(block, index).key))

    def logs(
        self, first: int, last: int, addresses: frozenset[Address], topics: Topics = ()
    ) -> list[PlacedLog]:
        """The logs of the blocks from one height to another; executes what may have logged them.

        Args:
            first: Height.
            last: Height, inclusive.
            addresses: Of the contracts wanted; empty for all.
            topics: For each place of a topic those wanted; None for any.
        """
        start, end = Position(max(first, 0)).key, end_of(min(last, self.head))
        return self._consistent(lambda: self._search.logs(start, end, addresses, topics))

    def waiting(self) -> dict[Position, bytes]:
        """The transactions that were asked for and lack a system contract's result, with what each asked."""
        return self._results.waiting()

    def requests(self) -> dict[Position, TrainingRequest]:
        """What executions wait for, by the transaction that asked; executes all that can be executed."""
        self._consistent(lambda: self._execution.settle_until(end_of(self.head)))
        waiting = self._results.waiting().items()
        noted = {position: read_request(each) for position, each in waiting if self._cells.lacks(each)}
        return {position: each for position, each in noted.items() if each is not None}

    @property
    def executed(self) -> int:
        """Transactions executed so far."""
        return self._execution.executed

    # --- inside ---

    def _systems_before(self, key: int) -> Mapping[Address, SystemContract]:
        """The system contracts, for a run at a key."""
        if self._inference is None:
            return self._others
        published = Published(self._publications, key)
        return {**self._others, ledger.DNN: NetworkContract(self._cells, published, self._inference)}

    def _fill(self) -> None:
        """Takes head and ledger from the tables."""
        self._accounts = ledger.WatchedAccounts()
        self._ledger = self._order.fill(self._rules, self._accounts)
        self.head = self._order.head

    def _consistent(self, ask: Callable[[], Answer]) -> Answer:
        """An answer that saw one order: asked again where the order was replaced meanwhile."""
        while True:
            generation = self._order.generation
            try:
                answer = ask()
            except WorldError:
                if generation == self._order.generation:
                    raise
                continue
            if generation == self._order.generation:
                return answer

    def _call(self, run: Run, position: Position, overrides: Overrides) -> Outcome:
        known = self._order.block(position.block)
        if known is None:
            raise UnknownPositionError(position.block, None, self.head)
        block = overrides.block.applied(environment(known, self._rules, self._order))
        state = overrides.state(self._execution.state(position.key))
        self._execution.settle(items_read(run) if run.is_strict else (), position.key)
        try:
            return self._execution.call(run, state, block, position.key + 1)
        except OverflowError as error:
            if not overrides.accounts:
                raise
            raise RunHaltedError(BALANCE_OVERFLOW) from error
