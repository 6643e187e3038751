"""What a question depends on: the closure of transactions that have to be executed before it is answered.

A transaction that is not strict reads and writes everything, so with it come all that run code before it.
Behind the latest such one there are strict transactions only, and what they read and write is known.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from anh_rollup.encoding.transactions import decode_record
from anh_rollup.primitives import ChainId
from anh_rollup.world.engine import Run
from anh_rollup.world.errors import OrderReplacedError
from anh_rollup.world.order_store import OrderStore
from anh_rollup.world.position import Item, Position, account_item, slot_item
from anh_rollup.world.runs import run_of
from anh_rollup.world.strict import Scope

MOST_DECODED: Final = 512
"""Decoded transactions that are kept in memory, at most 64 MiB of them (choice)."""

Stop = Callable[[int], bool]
"""Where a walk along dependencies ends: true for a transaction that is left out, with all before it."""


@dataclass(frozen=True, slots=True)
class Closure:
    """A closed set of transactions, by key.

    Attributes:
        everything_until: All that run code up to here belong to it; -1 where none has to.
        strict: The strict ones behind, in order.
    """

    everything_until: int
    strict: tuple[int, ...]


def items_read(run: Run) -> Iterable[Item]:
    """What a strict run can read."""
    scope = Scope(run)
    yield from map(account_item, scope.accounts)
    yield from (slot_item(*slot) for slot in scope.slots)


def items_written(run: Run) -> Iterable[Item]:
    """What a strict run can write."""
    scope = Scope(run)
    yield from map(account_item, scope.writable)
    yield from (slot_item(*slot) for slot in scope.slots)


class Dependencies:
    """Follows dependencies through the order.

    Args:
        order: What the order says.
        chain_id: The L2's.
    """

    def __init__(self, order: OrderStore, chain_id: ChainId) -> None:
        self._order = order
        self._chain_id = chain_id
        self._decoded = lru_cache(MOST_DECODED)(self._decode)

    def run(self, key: int) -> Run:
        """What a transaction that runs code runs."""
        return self._decoded(key, self._order.generation)

    def of_items(self, items: Iterable[Item], key: int, stop: Stop) -> Closure:
        """What items depend on behind a key."""
        base = self._order.latest_open(key)
        return Closure(base, self._walk(self._writers(items, key), base, stop))

    def of_transactions(self, keys: Collection[int], stop: Stop) -> Closure:
        """Transactions that run code, at least one, and what they depend on."""
        base = self._order.latest_open(max(keys))
        return Closure(base, self._walk(keys, base, stop))

    def _walk(self, start: Iterable[int], base: int, stop: Stop) -> tuple[int, ...]:
        """The strict transactions behind `base` that can be reached, in order."""
        found: set[int] = set()
        ahead = list(start)
        while ahead:
            key = ahead.pop()
            if key > base and key not in found and not stop(key):
                found.add(key)
                ahead += self._writers(items_read(self.run(key)), key - 1)
        return tuple(sorted(found))

    def _writers(self, items: Iterable[Item], key: int) -> list[int]:
        return [self._order.latest_writer(item, key) for item in items]

    def _decode(self, key: int, _generation: int) -> Run:
        ordered = self._order.ordered(key)
        block = self._order.block(Position.of_key(key).block)
        if ordered is None or block is None:
            raise OrderReplacedError
        return run_of(decode_record(ordered.record, self._chain_id), block.base_fee)
