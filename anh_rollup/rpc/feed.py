"""What is new on the chain, for filters and subscriptions: blocks and transactions, numbered as they come.

It looks when it is asked to. Memory is bounded: who asks too seldom misses the oldest.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import islice
from threading import Lock
from typing import Final, Generic, TypeVar

from anh_rollup.primitives import BlockNumber, Digest
from anh_rollup.rpc.world import WorldBackend

MOST_BLOCKS: Final = 10_000
"""New blocks that are kept (choice: over an hour at two a second)."""

MOST_TRANSACTIONS: Final = 50_000
"""Hashes of new transactions that are kept (choice: a few megabytes)."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NewBlock:
    """A block that was new, or that is the chain's no more.

    Attributes:
        number: Its height.
        hash: Its hash.
        is_removed: Whether another one takes its place.
    """

    number: BlockNumber
    hash: Digest
    is_removed: bool = False


@dataclass(slots=True)
class Kept(Generic[T]):
    """The last of a row of things, numbered from 0.

    Attributes:
        most: How many are kept.
        end: The number of the next one.
    """

    most: int
    end: int = 0
    _items: deque[T] = field(default_factory=deque)

    def append(self, item: T) -> None:
        """Adds one, and forgets the oldest where there are too many."""
        self._items.append(item)
        self.end += 1
        if len(self._items) > self.most:
            self._items.popleft()

    def since(self, mark: int) -> list[T]:
        """Those from a number on that are still kept."""
        return list(islice(self._items, max(mark - self.end + len(self._items), 0), None))


class Feed:
    """New blocks, and the hashes of transactions when this node first sees them; for several threads.

    A block that was put in the place of another one is new, too; before it comes which ones are removed, the
    newest first.

    Args:
        backend: The node.
    """

    def __init__(self, backend: WorldBackend) -> None:
        self._backend = backend
        self._lock = Lock()
        self._blocks: Kept[NewBlock] = Kept(MOST_BLOCKS)
        self._transactions: Kept[Digest] = Kept(MOST_TRANSACTIONS)
        self._seen: dict[Digest, None] = {}
        head = backend.chain.head.header
        self._row = deque([NewBlock(head.number, head.hash)], MOST_BLOCKS)

    def marks(self) -> tuple[int, int]:
        """The numbers of the next block and of the next transaction, as of now."""
        with self._lock:
            self._refresh()
            return self._blocks.end, self._transactions.end

    def blocks(self, mark: int) -> tuple[list[NewBlock], int]:
        """The blocks from a number on, new and removed ones, and the number behind them."""
        with self._lock:
            self._refresh()
            return self._blocks.since(mark), self._blocks.end

    def transactions(self, mark: int) -> tuple[list[Digest], int]:
        """The hashes of the transactions from a number on, and the number behind them."""
        with self._lock:
            self._refresh()
            return self._transactions.since(mark), self._transactions.end

    def _refresh(self) -> None:
        chain = self._backend.chain
        while self._row and not self._holds(self._row[-1]):
            self._blocks.append(replace(self._row.pop(), is_removed=True))
        head = chain.head.header.number
        first = self._row[-1].number + 1 if self._row else 0
        for number in map(BlockNumber, range(max(first, head - MOST_BLOCKS + 1), head + 1)):
            block = chain.block(number)
            if block is None:
                continue
            self._see(each.hash for _, each in block.transactions if each is not None)
            self._row.append(NewBlock(number, block.hash))
            self._blocks.append(self._row[-1])
        self._see(each.hash for each in self._backend.pending())

    def _holds(self, block: NewBlock) -> bool:
        """Whether a block is still the chain's."""
        return self._backend.chain.number_of(block.hash) == block.number

    def _see(self, hashes: Iterable[Digest]) -> None:
        for each in hashes:
            if each not in self._seen:
                self._seen[each] = None
                self._transactions.append(each)
        for oldest in list(islice(self._seen, max(len(self._seen) - MOST_TRANSACTIONS, 0))):
            del self._seen[oldest]
