"""The disputes about the ledger on L1 as a role reads and moves them: docket, statuses, sealed calls."""

from collections.abc import Sequence

from anh_rollup.errors import AnhError
from anh_rollup.l1.contracts.ledger_claims import LedgerClaimStatus, LedgerRules
from anh_rollup.l1.deployment import Deployment, bind
from anh_rollup.l1.disputes import Call, Freshness, Spending
from anh_rollup.l1.ledger_docket import LedgerDocket, LedgerDocketReader
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.l1.types import Block
from anh_rollup.protocol.claims import seal
from anh_rollup.protocol.ledger_claims import LedgerPosition
from anh_rollup.protocol.moves import Move


class LedgerDisputes:
    """A role's access to ledger claims; keeps nothing that it cannot read again.

    Args:
        deployment: Where the contracts are.
        sender: The role's account.
        freshness: When to refuse to decide.
    """

    def __init__(self, deployment: Deployment, sender: TransactionSender, freshness: Freshness) -> None:
        self.contract = bind(deployment, sender.client).ledger_claims
        self.sender = sender
        self.spending = Spending()
        self._freshness = freshness
        self._reader = LedgerDocketReader(sender.client, self.contract, deployment.start)
        self._highest = 0
        self._rules: LedgerRules | None = None

    @property
    def docket(self) -> LedgerDocket:
        """Claims and games, as of the last `refresh`."""
        return self._reader.docket

    @property
    def address(self) -> str:
        """The role's account."""
        return self.sender.address

    @property
    def rules(self) -> LedgerRules:
        """What was fixed at deployment."""
        if self._rules is None:
            self._rules = self.contract.rules()
        return self._rules

    def refresh(self) -> Block:
        """Reads what is new; the block that the docket now stands at.

        Raises:
            LaggingNodeError: The node's head is old, or behind one that was seen before.
            TransientL1Error: L1 cannot be read.
        """
        head = self.sender.client.head()
        self._freshness.require(head, self._highest)
        reorg = self._reader.refresh().reorg
        known = self._highest if reorg is None else reorg.to.number
        self._highest = max(known, self._reader.cursor.number)
        return head

    def status(self, claim: bytes) -> LedgerClaimStatus:
        """What a claim has come to, by the contract."""
        return self.contract.status(claim)

    def move(self, game: bytes, position: LedgerPosition, move: Move) -> list[Call]:
        """The call that makes a move; of a proof its announcement first, until that is in a block."""
        request = self.contract.request_for(move, game, position)
        if move.sealed:
            digest = seal(self.address, request.data)
            if self.contract.sealed_at(digest) == 0:
                return [("seal", self.contract.seal(digest))]
        return [(move.function, request)]

    def send_all(self, calls: Sequence[Call]) -> list[AnhError | None]:
        """Sends a group of calls at once and counts what they cost; for each its error, or None.

        Raises:
            L1Error: Nothing was sent (see `TransactionSender.send_all`).
        """
        return self.spending.send_all(self.sender, calls)
