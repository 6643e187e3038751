"""Accounts and escrows in the ledger's tree during one step, with a note of which were touched."""

from dataclasses import dataclass, field

from anh_rollup.primitives import Address, Digest, Wei
from anh_rollup.protocol.ledger import EMPTY_ACCOUNT, Account
from anh_rollup.protocol.machine.tree import RELEASED, LedgerTree, account_key, escrow_key


@dataclass(slots=True)
class Book:
    """A tree under change.

    Attributes:
        tree: As it is now.
        touched: Each key that was looked at, with the tree in which it was.
    """

    tree: LedgerTree
    touched: list[tuple[Digest, LedgerTree]] = field(default_factory=list)

    def account(self, address: Address) -> Account:
        """An account; it counts as touched."""
        fields = self._touch(account_key(address))
        if fields is None:
            return EMPTY_ACCOUNT
        nonce, cleared, withdrawn = fields
        return Account(nonce, Wei(cleared), Wei(withdrawn))

    def write(self, address: Address, account: Account) -> None:
        """Writes an account that was looked at."""
        fields = (account.nonce, account.cleared, account.withdrawn)
        self.tree = self.tree.update(account_key(address), fields)

    def credit(self, address: Address, amount: Wei) -> None:
        """Adds to an account's cleared wei."""
        before = self.account(address)
        cleared = Wei(before.cleared + amount)
        self.write(address, Account(before.nonce, cleared, before.withdrawn))

    def lock(self, transaction: Digest, payer: Address, reward: Wei) -> None:
        """Puts a job's reward into escrow."""
        key = escrow_key(transaction)
        self._touch(key)
        self.tree = self.tree.update(key, (int.from_bytes(payer, "big"), reward))

    def release(self, transaction: Digest, to: Address | None = None) -> None:
        """Ends an escrow in favour of `to`, or of who paid it; one that is not there changes nothing."""
        key = escrow_key(transaction)
        escrow = self._touch(key)
        if not escrow:
            return
        payer, reward = escrow
        self.tree = self.tree.update(key, RELEASED)
        self.credit(to if to is not None else Address(payer.to_bytes(20, "big")), Wei(reward))

    def _touch(self, key: Digest) -> tuple[int, ...] | None:
        self.touched.append((key, self.tree))
        return self.tree.get(key)
