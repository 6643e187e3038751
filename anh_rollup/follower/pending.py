"""Transactions that the sequencer accepted through this follower and that have no block yet."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from anh_rollup.primitives import Address, Digest, Wei
from anh_rollup.protocol.derivation import Placement
from anh_rollup.protocol.ledger import Account, Ledger, charge, effect_of

MOST_WAITING: Final = 10_000
"""Most transactions that are kept (choice): more than a sequencer puts into a few blocks."""

MOST_SECONDS: Final = 600.0
"""How long a transaction is kept without a block (choice): a sequencer that lost it brings it no more."""


@dataclass(slots=True)
class Pending:
    """What waits, by sender; not for several threads at once.

    Attributes:
        clock: Seconds that only grow.
    """

    clock: Callable[[], float]
    _by_hash: dict[Digest, tuple[Placement, float]] = field(default_factory=dict)
    _by_sender: dict[Address, dict[Digest, Placement]] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._by_hash)

    def __iter__(self) -> Iterator[Placement]:
        """What waits, in the order of its acceptance."""
        return iter([placed for placed, _ in self._by_hash.values()])

    def add(self, placed: Placement) -> None:
        """Keeps an accepted transaction; the oldest one goes where there are too many."""
        while len(self._by_hash) >= MOST_WAITING:
            self._forget(next(iter(self._by_hash)))
        transaction = placed.transaction
        self._by_hash[transaction.hash] = (placed, self.clock())
        self._by_sender.setdefault(transaction.sender, {})[transaction.hash] = placed

    def get(self, digest: Digest) -> Placement | None:
        """A transaction that waits."""
        found = self._by_hash.get(digest)
        return None if found is None else found[0]

    def account(self, address: Address, ledger: Ledger, base_fee: Wei) -> Account:
        """An account after what it has sent itself: the sequencer found that to be valid.

        What others send to it, and deposits that no block has taken in, are not looked at.
        """
        known = ledger.account(address)
        nonce, cleared, withdrawn = known.nonce, known.cleared, known.withdrawn
        own = self._by_sender.get(address, {}).values()
        for placed in sorted(own, key=lambda each: each.transaction.nonce):
            transaction = placed.transaction
            if transaction.nonce == nonce:  # behind a gap it waits for its turn
                nonce += 1
                charged = charge(transaction, effect_of(transaction), base_fee, cleared)
                cleared = Wei(cleared - charged.paid)
                withdrawn = Wei(withdrawn + charged.exits)
        return Account(nonce, max(cleared, Wei(0)), withdrawn)

    def settle(self, ledger: Ledger) -> None:
        """Lets go of what has a block, of what can never have one, and of what has waited too long."""
        too_old = self.clock() - MOST_SECONDS
        for digest, (placed, since) in list(self._by_hash.items()):
            sender = placed.transaction.sender
            if since > too_old and ledger.account(sender).nonce <= placed.transaction.nonce:
                continue
            self._forget(digest)

    def _forget(self, digest: Digest) -> None:
        placed, _ = self._by_hash.pop(digest)
        own = self._by_sender[placed.transaction.sender]
        del own[digest]
        if not own:
            del self._by_sender[placed.transaction.sender]
