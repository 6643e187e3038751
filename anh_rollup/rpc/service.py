"""What serves the methods that need execution: the node, its world, what questions may take, what is new."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from anh_rollup.l1.ledger_watch import LedgerSnapshot
from anh_rollup.rpc.block_names import known_block
from anh_rollup.rpc.execution import Execution, ExecutionLimits
from anh_rollup.rpc.feed import Feed
from anh_rollup.rpc.told import Told
from anh_rollup.rpc.world import World, WorldBackend
from anh_rollup.world.position import Position

CALL_GAS: Final = 50_000_000
"""Gas of one eth_call at most, and of one that names none (as in Ethereum's clients)."""


@dataclass(frozen=True, slots=True)
class WorldLimits:
    """What one question may ask for.

    Attributes:
        call_gas: Gas of a call.
        blocks: Blocks of one eth_getLogs.
        logs: Events of one answer.
        filters: Filters that are installed at the same time.
        filter_seconds: Time after which a filter that nobody asks is forgotten.
        closure: Transactions of one anh_getClosure.
        slots: Elements of storage of one eth_getStorageValues.
        waiting: Requests that wait for a transaction's block at the same time.
        sync_seconds: Time that eth_sendRawTransactionSync waits if it does not say; and at most.
        receipt_seconds: Time that eth_getTransactionReceipt waits for an accepted transaction's block.
        execution: What questions together may take.
        clock: Seconds that only grow.
        sleep: Waits so many seconds.
    """

    call_gas: int = CALL_GAS
    blocks: int = 10_000
    logs: int = 10_000
    filters: int = 1_000
    filter_seconds: float = 300.0
    closure: int = 10_000
    slots: int = 1_024
    waiting: int = 16
    sync_seconds: tuple[float, float] = (2.0, 10.0)
    receipt_seconds: float = 1.0
    execution: ExecutionLimits = field(default_factory=ExecutionLimits)
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class WorldService:
    """A node that executes, as its methods see it; `close` it.

    Args:
        backend: The node.
        world: Its world.
        limits: What questions may ask for.
        ledger: Gives what L1 says about withdrawals; None before it is read.
    """

    def __init__(
        self,
        backend: WorldBackend,
        world: World,
        limits: WorldLimits | None = None,
        ledger: Callable[[], LedgerSnapshot | None] = lambda: None,
    ) -> None:
        self.backend = backend
        self.world = world
        self.ledger = ledger
        self.limits = limits or WorldLimits()
        self.execution = Execution(self.limits.execution)
        self.feed = Feed(backend)
        self.told = Told()

    def position(self, name: Any) -> Position:
        """The position behind the block that a parameter names.

        Raises:
            RpcError: There is no such block.
        """
        return self.world.behind(known_block(self.backend, name))

    def close(self) -> None:
        """Takes no more questions."""
        self.execution.close()


Reader = Callable[[WorldService, Sequence[Any]], Any]
"""A method: from its parameters to its result."""
