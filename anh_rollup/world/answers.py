"""What the world answers."""

from dataclasses import dataclass
from enum import StrEnum

from anh_rollup.primitives import Address, Gas
from anh_rollup.world.engine import Log
from anh_rollup.world.position import Position


class Kind(StrEnum):
    """What a transaction of the order is."""

    TRANSFER = "transfer"
    ORDER = "order"
    EXIT = "exit"
    PREPAID = "prepaid"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account has, and what it costs to believe it.

    Attributes:
        cleared: Wei whose validity needs no execution.
        uncleared: Wei that executed transactions have added; below zero where they took cleared money.
        validation_cost: Gas used by the transactions that one has to execute to be sure of it: those of its
            closure that are not final on L1.
    """

    cleared: int
    uncleared: int
    validation_cost: Gas

    @property
    def total(self) -> int:
        """What the EVM sees, wei."""
        return self.cleared + self.uncleared


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of a transaction.

    Attributes:
        position: Where it stands.
        kind: What it is.
        status: False where it was skipped, reverted or halted.
        gas_used: 0 where it was skipped.
        effective_price: Wei that each gas cost; 0 where it was skipped.
        created: The contract that it created, if any.
        logs: In order.
    """

    position: Position
    kind: Kind
    status: bool
    gas_used: Gas
    effective_price: int
    created: Address | None = None
    logs: tuple[Log, ...] = ()


@dataclass(frozen=True, slots=True)
class PlacedPublication:
    """Bytes that every node has.

    Attributes:
        position: Where what makes them published stands.
        kind: `program`, `model`, or `part` of one.
        size: How many they are.
    """

    position: Position
    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class PlacedLog:
    """A log and where it stands.

    Attributes:
        position: Its transaction's.
        place: Which of the transaction's logs it is, from 0.
        log: The log.
    """

    position: Position
    place: int
    log: Log

    @property
    def block(self) -> int:
        """The height of its block."""
        return self.position.block

    @property
    def index(self) -> int:
        """Its transaction's place in the block."""
        return self.position.index
