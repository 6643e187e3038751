"""What a call pretends: another state of some accounts, another block. Nothing of it is ever kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from anh_rollup.primitives import Address
from anh_rollup.world.engine import Account, Block, Slot, StateReader


@dataclass(frozen=True, slots=True)
class AccountOverride:
    """What is different about an account; None for what is not.

    Attributes:
        balance: Wei.
        nonce: Transactions sent.
        code: Its code.
        storage: All of its storage: what is not in it is 0.
        slots: Elements of its storage that are different; not together with `storage`.
    """

    balance: int | None = None
    nonce: int | None = None
    code: bytes | None = None
    storage: Mapping[Slot, int] | None = None
    slots: Mapping[Slot, int] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the account is left as it is, storage excepted."""
        return None not in (self.balance, self.nonce, self.code)

    def applied(self, account: Account) -> Account:
        """An account as it is pretended to be."""
        return Account(
            nonce=account.nonce if self.nonce is None else self.nonce,
            balance=account.balance if self.balance is None else self.balance,
            code=account.code if self.code is None else self.code,
        )


@dataclass(frozen=True, slots=True)
class BlockOverride:
    """What is different about the block; None for what is not. The members are those of `Block`."""

    number: int | None = None
    time: int | None = None
    base_fee: int | None = None
    gas_limit: int | None = None
    fee_recipient: Address | None = None
    randomness: bytes | None = None

    def applied(self, block: Block) -> Block:
        """The block as it is pretended to be; hashes of blocks stay those of the chain."""
        names = ("number", "time", "base_fee", "gas_limit", "fee_recipient", "randomness")
        given = {name: getattr(self, name) for name in names}
        return replace(block, **{name: value for name, value in given.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a call pretends.

    Attributes:
        accounts: By address.
        block: Of the block.
    """

    accounts: Mapping[Address, AccountOverride] = field(default_factory=dict)
    block: BlockOverride = field(default_factory=BlockOverride)

    def state(self, behind: StateReader) -> StateReader:
        """The state that the call sees."""
        return OverriddenState(behind, self.accounts) if self.accounts else behind

    def balance(self, address: Address) -> int | None:
        """The pretended wei of an account, or None."""
        found = self.accounts.get(address)
        return None if found is None else found.balance


NO_OVERRIDES: Final = Overrides()
"""Everything is as it is."""


@dataclass(frozen=True, slots=True)
class OverriddenState:
    """A state with some accounts pretended. What is pretended is not read, so nothing is executed for it.

    Attributes:
        behind: The state as it is.
        accounts: What is different.
    """

    behind: StateReader
    accounts: Mapping[Address, AccountOverride]

    def account(self, address: Address) -> Account | None:
        """An account; None where it is empty."""
        override = self.accounts.get(address)
        if override is None:
            return self.behind.account(address)
        real = None if override.is_whole else self.behind.account(address)
        pretended = override.applied(real or Account())
        return None if pretended.is_empty else pretended

    def slot(self, address: Address, key: Slot) -> int:
        """An element of an account's storage."""
        override = self.accounts.get(address)
        if override is None:
            return self.behind.slot(address, key)
        if override.storage is not None:
            return override.storage.get(key, 0)
        return override.slots[key] if key in override.slots else self.behind.slot(address, key)
