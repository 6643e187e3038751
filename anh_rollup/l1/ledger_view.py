"""The ledger as L1 alone tells it: the order, the claims about it, and what each account may withdraw."""

from dataclasses import dataclass, field
from typing import Final

from eth_utils.address import to_canonical_address

from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.contracts.ledger_claims import LedgerClaims, LedgerClaimState
from anh_rollup.l1.deployment import Deployment, bind
from anh_rollup.l1.inbox_reader import HeldOrder, InboxReader
from anh_rollup.l1.ledger_docket import LedgerClaimRecord, LedgerDocket, LedgerDocketReader
from anh_rollup.l1.types import TransactionRequest
from anh_rollup.primitives import Address, BatchNumber, Wei
from anh_rollup.protocol.ledger import Account
from anh_rollup.protocol.ledger_claims import GENESIS_BASE, LedgerClaim
from anh_rollup.protocol.ledger_play import ContinuedTree
from anh_rollup.protocol.machine.book import Book
from anh_rollup.protocol.machine.past import Past
from anh_rollup.protocol.machine.state import first_state
from anh_rollup.protocol.machine.tree import account_key
from anh_rollup.protocol.machine.witnesses import Leaf, leaf_of

#: L1 blocks above a batch before it is claimed about: Ethereum finalizes two epochs of 32 slots later.
LEDGER_DEPTH: Final = 64


@dataclass(slots=True)
class LedgerView:
    """Reads the order and the ledger claims, and computes the ledger behind any batch.

    Attributes:
        deployment: Where the contracts are.
        client: The L1 node.
        data: Where blobs are read.
        claims: The contract.
        past: What the machine has been; another object after a reorg, which knows what is still so.
    """

    deployment: Deployment
    client: L1Client
    data: BatchDataReader
    claims: LedgerClaims = field(init=False)
    past: Past = field(init=False)
    _inbox: InboxReader = field(init=False)
    _docket: LedgerDocketReader = field(init=False)
    _held: HeldOrder = field(init=False)

    def __post_init__(self) -> None:
        """Begins at the deployment; nothing is read yet."""
        self.claims = bind(self.deployment, self.client).ledger_claims
        self._inbox = InboxReader(self.deployment, self.client, self.data)
        self._docket = LedgerDocketReader(self.client, self.claims, self.deployment.start)
        self._held = self._inbox.held
        self.past = Past(first_state(self._held.first), self._held)

    @property
    def docket(self) -> LedgerDocket:
        """The claims and their games, as of the last `refresh`."""
        return self._docket.docket

    @property
    def held(self) -> HeldOrder:
        """The order, as of the last `refresh`."""
        return self._held

    @property
    def latest(self) -> BatchNumber:
        """The last batch on L1; 0 before the first one."""
        return BatchNumber(len(self._held.batches))

    def refresh(self) -> None:
        """Reads what is new on L1.

        Raises:
            TransientL1Error: L1 cannot be read; call again.
        """
        # Claims first: what they are about was posted before.
        self._docket.refresh()
        self._inbox.refresh()
        if self._inbox.held is not self._held:
            common = self._inbox.held.common(self._held)
            self._held = self._inbox.held
            self.past = self.past.continued(self._held, common)

    def account(self, address: str, batch: BatchNumber) -> Account:
        """An account after a batch.

        Raises:
            BlobsUnavailableError: Nobody has the blobs of a batch any more.
            TransientL1Error: L1 cannot be read.
        """
        return Book(self.past.state(batch).tree).account(Address(to_canonical_address(address)))

    def leaf(self, address: str, batch: BatchNumber) -> Leaf:
        """The proof of an account's leaf after a batch; raises as `account` does."""
        key = account_key(Address(to_canonical_address(address)))
        return leaf_of(key, self.past.state(batch).tree)

    def withdrawal(self, record: LedgerClaimRecord, address: str) -> TransactionRequest:
        """The transaction that withdraws for an account against a final claim; raises as `account` does."""
        leaf = self.leaf(address, record.claim.batch)
        return self.claims.withdraw(record.claim, record.machine, address, leaf)

    def paid(self, address: str) -> Wei:
        """Wei that an account was paid so far, as of the last `refresh`."""
        return self.docket.paid.get(address, Wei(0))

    def final(self, before: BatchNumber | None = None) -> LedgerClaimRecord | None:
        """The last final claim, or the last before a batch, whose ledger is what L1's order gives.

        Raises:
            BlobsUnavailableError: Nobody has the blobs of a batch any more.
            TransientL1Error: L1 cannot be read.
        """
        final = self.docket.in_state(LedgerClaimState.FINAL)
        for record in sorted(final, key=lambda each: each.claim.batch, reverse=True):
            if (before is None or record.claim.batch < before) and self._is_right(record):
                return record
        return None

    def line(self, record: LedgerClaimRecord) -> list[LedgerClaimRecord] | None:
        """A claim and those that it builds on, up to the first final one, which is the last here.

        Returns:
            None where the claim is not true: a game can refute it or one of the others, or has. Raises as
            `final` does.
        """
        line = [record]
        while self._is_right(line[-1]):
            if line[-1].state is LedgerClaimState.FINAL or line[-1].claim.base == GENESIS_BASE:
                return line
            line.append(self.docket.claims[line[-1].claim.base])
        return None

    def claim(self, claimant: str, batch: BatchNumber, bond: Wei) -> TransactionRequest:
        """The transaction that claims the ledger after a batch, on the newest final claim before it.

        Args:
            claimant: Who sends it, checksummed.
            batch: One that was posted.
            bond: What the contract asks for.

        Raises:
            BlobsUnavailableError: Nobody has the blobs of a batch any more.
            TransientL1Error: L1 cannot be read.
        """
        base = self.final(before=batch)
        trace = self.past.trace(BatchNumber(0) if base is None else base.claim.batch, batch)
        claim = LedgerClaim(
            claimant=claimant,
            base=GENESIS_BASE if base is None else base.identifier,
            batch=batch,
            batch_commitment=self._held.batches[batch - 1].commitment,
            steps=trace.steps,
            trace=trace.tree.root,
            start=trace.hash(0),
            end=trace.hash(trace.steps),
        )
        start, end = (tuple(trace.tree.proof(each)) for each in (0, trace.steps))
        return self.claims.claim(claim, trace.end.machine, start, end, bond)

    def _is_right(self, record: LedgerClaimRecord) -> bool:
        """Whether what a claim says follows from L1's order, if what its base says does."""
        claim = record.claim
        posted = claim.batch <= self.latest
        if not posted or claim.batch_commitment != self._held.batches[claim.batch - 1].commitment:
            return False
        if record.state is not LedgerClaimState.STANDING:
            return record.state is LedgerClaimState.FINAL and self._ends_rightly(record)
        ours = self.past.trace(self.docket.base_batch(claim), claim.batch)
        begins = claim.start == ours.hash(0)
        return begins and ContinuedTree(ours.tree, claim.steps + 1).root == claim.trace

    def _ends_rightly(self, record: LedgerClaimRecord) -> bool:
        return self.past.state(record.claim.batch).machine.hash == record.claim.end
