"""What L1 says about withdrawals, kept for questions: one thread reads, any other asks."""

from collections.abc import Mapping
from dataclasses import dataclass

from eth_utils.address import to_checksum_address

from anh_rollup.l1.contracts.ledger_claims import LedgerClaims
from anh_rollup.l1.ledger_docket import LedgerClaimRecord
from anh_rollup.l1.ledger_view import LedgerView
from anh_rollup.l1.types import TransactionRequest
from anh_rollup.primitives import Address, Wei
from anh_rollup.protocol.machine.book import Book
from anh_rollup.protocol.machine.tree import LedgerTree, account_key
from anh_rollup.protocol.machine.witnesses import leaf_of


@dataclass(frozen=True, slots=True)
class LedgerSnapshot:
    """The ledger claims as of one look at L1.

    Attributes:
        contract: Where they are made.
        claims: All of them, oldest first.
        paid: Wei that accounts were paid so far, by checksummed address.
        final: The last final claim whose ledger is what L1's order gives, or None.
        tree: The ledger that it speaks of; the empty one without it.
    """

    contract: LedgerClaims
    claims: tuple[LedgerClaimRecord, ...]
    paid: Mapping[str, Wei]
    final: LedgerClaimRecord | None
    tree: LedgerTree

    def paid_to(self, account: Address) -> Wei:
        """Wei that an account was paid so far."""
        return self.paid.get(to_checksum_address(account), Wei(0))

    def payable(self, account: Address) -> Wei:
        """Wei that the final claim has for an account beyond what it was paid."""
        return Wei(max(Book(self.tree).account(account).withdrawn - self.paid_to(account), 0))

    def withdrawal(self, account: Address) -> TransactionRequest | None:
        """The transaction that has L1 pay it; None where there is nothing to pay."""
        if self.final is None or not self.payable(account):
            return None
        leaf = leaf_of(account_key(account), self.tree)
        record = self.final
        return self.contract.withdraw(record.claim, record.machine, to_checksum_address(account), leaf)


class LedgerWatch:
    """Looks at L1 again and again; `latest` is what it saw.

    Args:
        view: L1; nobody else uses it.
    """

    def __init__(self, view: LedgerView) -> None:
        self._view = view
        self.latest: LedgerSnapshot | None = None

    def look(self) -> None:
        """One round: what `latest` is afterwards.

        Raises:
            TransientL1Error: L1 or the blobs of a batch cannot be read; the next round goes on.
        """
        view = self._view
        view.refresh()
        final, docket = view.final(), view.docket
        tree = LedgerTree() if final is None else view.past.state(final.claim.batch).tree
        self.latest = LedgerSnapshot(
            view.claims, tuple(docket.claims.values()), dict(docket.paid), final, tree
        )
