"""The state at a place of the order, put together from the ledger and from what was executed."""

from collections.abc import Callable
from dataclasses import dataclass

from anh_rollup.primitives import Address
from anh_rollup.world.engine import Account, Slot, StateReader
from anh_rollup.world.order_store import OrderStore
from anh_rollup.world.position import Item, account_item, slot_item
from anh_rollup.world.result_store import ResultStore


@dataclass(frozen=True, slots=True)
class StateBehind:
    """The state behind a key.

    Attributes:
        order: What the order says.
        results: What was executed.
        key: The place.
        prepare: Called before an item is read: executes what the item depends on.
    """

    order: OrderStore
    results: ResultStore
    key: int
    prepare: Callable[[Item], None]

    def account(self, address: Address) -> Account | None:
        """An account, cleared and uncleared money together; None where it is empty."""
        self.prepare(account_item(address))
        known = self.order.account(address, self.key)
        holding = self.results.holding(address, self.key)
        account = Account(
            nonce=max(known.nonce, holding.nonce),
            balance=known.cleared + holding.uncleared,
            code=holding.code,
        )
        return None if account.is_empty else account

    def slot(self, address: Address, key: Slot) -> int:
        """An element of an account's storage, 0 where nothing was written."""
        self.prepare(slot_item(address, key))
        return self.results.slot(address, key, self.key)


@dataclass(frozen=True, slots=True)
class StateWithCover:
    """A state in which a sender still has what the ledger took of its value.

    Attributes:
        state: The state behind the ledger's debit.
        sender: The sender.
        covered: Wei.
    """

    state: StateReader
    sender: Address
    covered: int

    def account(self, address: Address) -> Account | None:
        """An account."""
        account = self.state.account(address)
        if address != self.sender or self.covered == 0:
            return account
        account = account or Account()
        return Account(account.nonce, account.balance + self.covered, account.code)

    def slot(self, address: Address, key: Slot) -> int:
        """An element of an account's storage."""
        return self.state.slot(address, key)
