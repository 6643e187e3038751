"""Signed transactions whose turn has not come: behind a gap of nonces, or out of a block that is full.

They are kept for a while and in bounded number; none of them has a place in the order. Pure: whoever uses it
brings the time, and keeps what it says on the disk.
"""

import heapq
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from anh_rollup.encoding.transactions import SignedTransaction
from anh_rollup.primitives import Address, Digest, Wei
from anh_rollup.protocol.admission import RejectedError, RejectReason
from anh_rollup.protocol.ledger import asked_cover, effect_of

_Entry = tuple[int, int, Digest]
"""The highest fee, the number of those that came before below zero, the hash."""

SPARE_ENTRIES: Final = 1_000
"""Entries of the heap beside two for each that waits, before it is cleaned (choice)."""


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """What may wait.

    Attributes:
        per_sender: How far a nonce may be ahead of its account's, and so how many of one sender wait.
        most: Transactions of all senders.
        most_bytes: Bytes of their records.
        seconds: How long one waits at most.
        bump: Percent that both fees of a replacement are above those that it replaces.
    """

    per_sender: int = 16
    most: int = 4_096
    most_bytes: int = 16 << 20
    seconds: float = 600.0
    bump: int = 10


@dataclass(frozen=True, slots=True)
class Pooled:
    """A transaction that waits.

    Attributes:
        record: Its record.
        transaction: The same, decoded.
        since: When it came, seconds.
    """

    record: bytes
    transaction: SignedTransaction
    since: float


@dataclass(slots=True)
class Pool:
    """What waits, by sender and nonce.

    Attributes:
        limits: How much of it there may be.
        changes: What came (with its record) and went (None) since somebody took these over.
    """

    limits: PoolLimits
    changes: dict[Digest, bytes | None] = field(default_factory=dict)
    _by_hash: dict[Digest, Pooled] = field(default_factory=dict)
    _by_sender: dict[Address, dict[int, Pooled]] = field(default_factory=dict)
    _numbers: dict[Digest, int] = field(default_factory=dict)
    _cheapest: list[_Entry] = field(default_factory=list)
    _size: int = 0
    _count: int = 0

    def __len__(self) -> int:
        """How many wait."""
        return len(self._by_hash)

    def __contains__(self, digest: Digest) -> bool:
        """Whether a transaction waits."""
        return digest in self._by_hash

    def get(self, digest: Digest) -> Pooled | None:
        """A transaction that waits."""
        return self._by_hash.get(digest)

    @property
    def senders(self) -> Collection[Address]:
        """Whose transactions wait."""
        return self._by_sender.keys()

    def first(self, sender: Address) -> Pooled | None:
        """The one of a sender with the lowest nonce."""
        own = self._by_sender.get(sender)
        return own[min(own)] if own else None

    def cost(self, sender: Address, but: int | None = None) -> Wei:
        """Cleared wei that a sender's transactions ask for together.

        Args:
            sender: Whose.
            but: A nonce that does not count.
        """
        own = self._by_sender.get(sender, {})
        others = [each.transaction for nonce, each in own.items() if nonce != but]
        return Wei(sum(asked_cover(each, effect_of(each)) for each in others))

    def require_replaceable(self, transaction: SignedTransaction) -> None:
        """Checks a transaction against the one that waits with its nonce, if there is any.

        Raises:
            RejectedError: Its fees are not enough above the other's.
        """
        other = self._by_sender.get(transaction.sender, {}).get(transaction.nonce)
        if other is None:
            return
        old = other.transaction
        pairs = ((old.max_fee, transaction.max_fee), (old.priority_fee, transaction.priority_fee))
        if any(new <= was or 100 * new < was * (100 + self.limits.bump) for was, new in pairs):
            least = f"both fees {self.limits.bump} % above {old.max_fee} and {old.priority_fee} wei"
            raise RejectedError(RejectReason.REPLACEMENT, least)

    def add(self, pooled: Pooled) -> None:
        """Lets a transaction wait, in the place of one with its nonce; without room the cheapest go.

        Raises:
            RejectedError: It would be the cheapest itself.
        """
        transaction = pooled.transaction
        other = self._by_sender.get(transaction.sender, {}).get(transaction.nonce)
        self._make_room(pooled, other)
        if other is not None:
            self.remove(other.transaction.hash)
        self._by_hash[transaction.hash] = pooled
        self._by_sender.setdefault(transaction.sender, {})[transaction.nonce] = pooled
        self._size += len(pooled.record)
        self._push(transaction)
        self.changes[transaction.hash] = pooled.record

    def remove(self, digest: Digest) -> None:
        """Lets go of a transaction that waits."""
        pooled = self._by_hash.pop(digest)
        transaction = pooled.transaction
        own = self._by_sender[transaction.sender]
        del own[transaction.nonce], self._numbers[digest]
        if not own:
            del self._by_sender[transaction.sender]
        self._size -= len(pooled.record)
        self.changes[digest] = None

    def expire(self, now: float) -> int:
        """Lets go of what has waited for too long; how many these were."""
        before = len(self._by_hash)
        for digest, pooled in list(self._by_hash.items()):
            if now - pooled.since < self.limits.seconds:
                break  # those behind it came later
            self.remove(digest)
        return before - len(self._by_hash)

    def take_changes(self) -> dict[Digest, bytes | None]:
        """What came and went since the last time."""
        taken, self.changes = self.changes, {}
        return taken

    def _make_room(self, pooled: Pooled, other: Pooled | None) -> None:
        """Lets the cheapest go until there is room for one more, in the place of the other.

        Raises:
            RejectedError: They are not cheaper than this one; nothing changed.
        """
        digest = None if other is None else other.transaction.hash
        count = len(self._by_hash) + (other is None)
        size = self._size + len(pooled.record) - (0 if other is None else len(other.record))
        looked: list[_Entry] = []
        going: list[Digest] = []
        while count > self.limits.most or size > self.limits.most_bytes:
            cheapest = self._pop_cheapest()
            looked += [] if cheapest is None else [cheapest]
            if cheapest is None or cheapest[0] >= pooled.transaction.max_fee:
                for each in looked:
                    heapq.heappush(self._cheapest, each)
                raise RejectedError(RejectReason.POOL_FULL)
            if cheapest[2] != digest:
                going.append(cheapest[2])
                count, size = count - 1, size - len(self._by_hash[cheapest[2]].record)
        for gone in going:
            self.remove(gone)

    def _pop_cheapest(self) -> _Entry | None:
        """Takes the cheapest one off the heap, which may hold some that do not wait any more."""
        while self._cheapest:
            entry = heapq.heappop(self._cheapest)
            if self._numbers.get(entry[2]) == -entry[1]:
                return entry
        return None

    def _push(self, transaction: SignedTransaction) -> None:
        """Puts one onto the heap: of equally cheap ones the newest is to go first."""
        self._count += 1
        self._numbers[transaction.hash] = self._count
        heapq.heappush(self._cheapest, (transaction.max_fee, -self._count, transaction.hash))
        if len(self._cheapest) > 2 * len(self._numbers) + SPARE_ENTRIES:
            self._cheapest = [each for each in self._cheapest if self._numbers.get(each[2]) == -each[1]]
            heapq.heapify(self._cheapest)
