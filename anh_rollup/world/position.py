"""Places in the order, and the things of the state that transactions read and write."""

from dataclasses import dataclass
from typing import Final

from anh_rollup.primitives import Address
from anh_rollup.world.engine import Slot

INDEX_BITS: Final = 20
"""A block has fewer than 2**17 transactions: two counts of 16 bits (docs/encoding.md)."""

ORIGIN_INDEX: Final = -1
"""The index of the place behind a block's origin events, before its first transaction."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the order: behind a transaction, or behind a block's origin events.

    Attributes:
        block: The block's height.
        index: The transaction's in its block; -1 behind the origin events.
    """

    block: int
    index: int = ORIGIN_INDEX

    @property
    def key(self) -> int:
        """The position as one number that grows with the order."""
        return (self.block << INDEX_BITS) + self.index + 1

    @classmethod
    def of_key(cls, key: int) -> "Position":
        """The position of a key."""
        return cls(key >> INDEX_BITS, key % (1 << INDEX_BITS) - 1)


def end_of(block: int) -> int:
    """The highest key that a position of a block can have."""
    return ((block + 1) << INDEX_BITS) - 1


Item = bytes
"""What is read or written as a whole: an account (20 bytes) or an element of storage (52)."""


def account_item(address: Address) -> Item:
    """An account's nonce, balance and code."""
    return address


def slot_item(address: Address, key: Slot) -> Item:
    """An element of an account's storage."""
    return address + key.to_bytes(32, "big")
