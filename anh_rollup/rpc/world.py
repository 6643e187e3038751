"""What the methods that need execution ask of the node behind them; a follower and its world fit.

Only types of the world are imported here: no engine is, and no EVM.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from anh_rollup.encoding.transactions import SignedTransaction
from anh_rollup.primitives import Address
from anh_rollup.protocol.called import TrainingRequest
from anh_rollup.protocol.ledger import Account as LedgerAccount
from anh_rollup.rpc.backend import Backend
from anh_rollup.world.answers import Balance, PlacedLog, PlacedPublication, Receipt
from anh_rollup.world.engine import AccessList, Account, Outcome, Run
from anh_rollup.world.overrides import NO_OVERRIDES, Overrides
from anh_rollup.world.position import Position


class World(Protocol):
    """State behind any transaction, executed when it is asked for; see docs/world.md. For several threads."""

    def behind(self, block: int, index: int | None = None) -> Position:
        """The position behind a transaction, or behind a whole block.

        Raises:
            UnknownPositionError: There is none.
        """

    def balance(self, address: Address, position: Position) -> Balance:
        """An account's money."""

    def account(self, address: Address, position: Position) -> Account:
        """Nonce, balance and code."""

    def ledger_account(self, address: Address, position: Position) -> LedgerAccount:
        """Nonce and cleared money; executes nothing."""

    def slot(self, address: Address, key: int, position: Position) -> int:
        """An element of storage."""

    def call(self, run: Run, position: Position, overrides: Overrides = NO_OVERRIDES) -> Outcome:
        """What a call would do, where some things are otherwise than they are."""

    def estimate_gas(self, run: Run, position: Position, overrides: Overrides = NO_OVERRIDES) -> int:
        """The least gas limit with which a run succeeds.

        Raises:
            RunRevertedError: It reverts.
            RunHaltedError: It stops otherwise.
        """

    def access_list(
        self, run: Run, position: Position, overrides: Overrides = NO_OVERRIDES
    ) -> tuple[AccessList, int]:
        """A strict list that covers a run, and the least gas limit with which it succeeds with it.

        Raises:
            RunRevertedError: It reverts.
            RunHaltedError: It stops otherwise.
        """

    def receipt(self, block: int, index: int) -> Receipt | None:
        """What came of a transaction; None where there is none."""

    def logs(
        self,
        first: int,
        last: int,
        addresses: frozenset[Address],
        topics: Sequence[frozenset[bytes] | None],
    ) -> Sequence[PlacedLog]:
        """The events of some blocks by address (none: all) and by topic at each place (None: all)."""

    def publication(self, root: bytes, position: Position) -> PlacedPublication | None:
        """What is published under a root, or as the part of this hash; executes nothing."""

    def closure(self, block: int, index: int) -> Sequence[Position]:
        """What a transaction depends on, in order, itself last."""

    def requests(self) -> Mapping[Position, TrainingRequest]:
        """What executions wait for, by the transaction that asked; executes all that can be executed."""


class WorldBackend(Backend, Protocol):
    """A node that executes what it is asked for. Its chain is never ahead of its world."""

    @property
    def syncing(self) -> tuple[int, int, int] | None:
        """The blocks where it started, where it is and that it knows of; None where it is at the head."""

    def pending(self) -> Sequence[SignedTransaction]:
        """Accepted transactions that it knows of and that no block holds, oldest first; bounded in number."""
