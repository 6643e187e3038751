"""EVM state in memory, and the block that tests run in."""

from dataclasses import dataclass, field

from anh_rollup.primitives import Address
from anh_rollup.world.engine import Account, Block, Changes, Slot

FEE_RECIPIENT = Address(b"\xfe" * 20)


@dataclass
class MemoryState:
    """A state that counts how often it is asked.

    Attributes:
        accounts: All that there are.
        slots: What is not zero.
        asked: How many reads there were.
    """

    accounts: dict[Address, Account] = field(default_factory=dict)
    slots: dict[tuple[Address, Slot], int] = field(default_factory=dict)
    asked: int = 0

    def account(self, address: Address) -> Account | None:
        self.asked += 1
        return self.accounts.get(address)

    def slot(self, address: Address, key: Slot) -> int:
        self.asked += 1
        return self.slots.get((address, key), 0)

    def apply(self, changes: Changes) -> None:
        """Makes the changes of a run."""
        for address, account in changes.accounts.items():
            self.accounts.pop(address, None)
            if account is not None:
                self.accounts[address] = account
        for place, value in changes.slots.items():
            self.slots.pop(place, None)
            if value:
                self.slots[place] = value


def block(number: int = 1_000, base_fee: int = 7) -> Block:
    """A block whose ancestors' hashes are their numbers."""
    return Block(
        chain_id=7,
        number=number,
        time=12 * number,
        base_fee=base_fee,
        gas_limit=120_000_000,
        fee_recipient=FEE_RECIPIENT,
        randomness=b"\x11" * 32,
        hash_of=lambda height: height.to_bytes(32, "big"),
    )
