"""Strict transactions: what exists for them, what they may change, and how they fail (docs/world.md).

Engines enforce it with these rules, and dependencies follow from them: both from the order alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.rlp import encode_bytes, encode_list, encode_uint
from anh_rollup.primitives import ADDRESS_SIZE, Address
from anh_rollup.world.engine import Account, Changes, Outcome, Reads, Run, Slot, StateReader
from anh_rollup.world.outcomes import halted

STRICT_MARKER: Final = Address(bytes.fromhex("000000000000000000000000000000000057e1c7"))
"""Listed without keys, it makes a transaction strict. Nobody has its key; it reads as an empty account."""

ACCOUNT_KEY: Final[Slot] = int.from_bytes(keccak256(b"anh.account"), "big")
"""Listed for an address, it permits to change its balance, nonce and code. It is no element of storage."""

PRECOMPILED: Final = frozenset(Address(bytes(ADDRESS_SIZE - 1) + bytes([number])) for number in range(1, 11))
"""The precompiled contracts of Cancun, 0x01 to 0x0a."""

OUTSIDE: Final = "outside the access list"
"""Why a strict run halts that looks at or changes what does not exist for it."""


def is_strict(access_list: Iterable[tuple[Address, tuple[object, ...]]]) -> bool:
    """Whether a transaction with this access list is strict."""
    return any(address == STRICT_MARKER and not keys for address, keys in access_list)


def created_address(sender: Address, nonce: int) -> Address:
    """The address of the contract that a transaction creates."""
    return Address(keccak256(encode_list([encode_bytes(sender), encode_uint(nonce)]))[-ADDRESS_SIZE:])


@dataclass(frozen=True)
class Scope:
    """All that exists for one strict run.

    Attributes:
        run: The run.
    """

    run: Run

    @cached_property
    def target(self) -> Address:
        """The recipient, or the contract that is created."""
        return created_address(self.run.sender, self.run.nonce) if self.run.to is None else self.run.to

    @cached_property
    def accounts(self) -> frozenset[Address]:
        """The accounts that it can read."""
        listed = {address for address, _ in self.run.access_list if address != STRICT_MARKER}
        return frozenset(listed | {self.run.sender, self.target})

    @cached_property
    def writable(self) -> frozenset[Address]:
        """The accounts whose balance, nonce and code it may change."""
        permitted = {address for address, keys in self.run.access_list if ACCOUNT_KEY in keys}
        if self.run.value or self.run.to is None:
            permitted.add(self.target)
        return frozenset(permitted | {self.run.sender})

    @cached_property
    def slots(self) -> frozenset[tuple[Address, Slot]]:
        """The elements of storage that it can read and write."""
        return frozenset((address, key) for address, key in self._listed if key != ACCOUNT_KEY)

    @cached_property
    def _listed(self) -> frozenset[tuple[Address, Slot]]:
        """Listed keys, account keys among them."""
        return frozenset((address, key) for address, keys in self.run.access_list for key in keys)

    @property
    def reads(self) -> Reads:
        """What every outcome of this run may depend on."""
        return Reads(self.accounts, self.slots)

    def permits(self, looks: Reads, changes: Changes, fee_recipient: Address) -> bool:
        """Whether a run may have looked at and changed this; what reverted frames did is not in it.

        What is touched from the start may be looked at, and reads as empty where it is not listed: the
        precompiled contracts, the block's fee recipient, the marker, and account keys that are listed.
        """
        harmless = PRECOMPILED | {fee_recipient, STRICT_MARKER}
        return (
            looks.accounts <= self.accounts | harmless
            and looks.slots <= self._listed
            and changes.accounts.keys() <= self.writable
            and changes.slots.keys() <= self.slots
        )

    def judged(self, outcome: Outcome, looks: Reads, fee_recipient: Address) -> Outcome:
        """What an outcome on the scoped state comes to.

        Args:
            outcome: Of the engine.
            looks: What frames that were not reverted looked at.
            fee_recipient: Of the block.
        """
        if outcome.succeeded and not self.permits(looks, outcome.changes, fee_recipient):
            return halted(self.run.gas_limit, OUTSIDE, self.reads)
        return replace(outcome, reads=self.reads)


@dataclass(frozen=True, slots=True)
class ScopedState:
    """The state as a strict run sees it: empty outside of its scope.

    Attributes:
        state: The state before the run.
        scope: What exists.
    """

    state: StateReader
    scope: Scope

    def account(self, address: Address) -> Account | None:
        """An account of the scope; None for every other."""
        return self.state.account(address) if address in self.scope.accounts else None

    def slot(self, address: Address, key: Slot) -> int:
        """An element of the scope; 0 for every other."""
        return self.state.slot(address, key) if (address, key) in self.scope.slots else 0
