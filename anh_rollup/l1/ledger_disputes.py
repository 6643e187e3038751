"""The disputes about the ledger on L1 as a role reads and moves them: docket, statuses, sealed calls."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from anh_rollup.encoding.blobs import BLOB_ELEMENTS
from anh_rollup.errors import AnhError
from anh_rollup.l1.contracts.ledger_claims import LedgerClaimStatus, LedgerRules
from anh_rollup.l1.deployment import Deployment, bind
from anh_rollup.l1.disputes import Call, Freshness, Spending
from anh_rollup.l1.ledger_docket import LedgerDocket, LedgerDocketReader
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.l1.types import Block
from anh_rollup.protocol.claims import seal
from anh_rollup.protocol.ledger_claims import LedgerPosition
from anh_rollup.protocol.ledger_moves import Prove
from anh_rollup.protocol.machine.witnesses import FieldElement, Payload
from anh_rollup.protocol.moves import Move

#: Field elements that a proof is given, for about 60,000 gas each; more are registered before (choice).
MOST_GIVEN: Final = 160

#: Elements that a proof is given less for each chunk, so that it fits 128 KiB (choice).
ELEMENTS_PER_CHUNK: Final = 2

#: Field elements that one transaction registers, for about 80,000 gas each (choice: within EIP-7825's cap).
MOST_REGISTERED: Final = 160


class LedgerDisputes:
    """A role's access to ledger claims; keeps nothing that it cannot read again.

    Args:
        deployment: Where the contracts are.
        sender: The role's account.
        freshness: When to refuse to decide.
    """

    def __init__(self, deployment: Deployment, sender: TransactionSender, freshness: Freshness) -> None:
        contracts = bind(deployment, sender.client)
        self.contract, self._arbiter = contracts.ledger_claims, contracts.ledger_arbiter
        self.sender = sender
        self.spending = Spending()
        self._freshness = freshness
        self._reader = LedgerDocketReader(sender.client, self.contract, deployment.start, self._arbiter)
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
        """The calls that make a move.

        For a proof that are the blobs that it has chunks of, and its elements, if they are too many for one
        transaction, until all are registered; then its announcement, until it is in a block; then the proof.
        """
        if isinstance(move, Prove):
            missing, move = self._prepared(move)
            if missing:
                return missing
        request = self.contract.request_for(move, game, position)
        if move.sealed:
            digest = seal(self.address, request.data)
            if self.contract.sealed_at(digest) == 0:
                return [("seal", self.contract.seal(digest))]
        return [(move.function, request)]

    def _prepared(self, move: Prove) -> tuple[list[Call], Prove]:
        """The calls that come before a proof, and the proof without what they register."""
        payload = move.witness.payload
        missing = [
            ("proveBlob", self._arbiter.prove_blob(opening))
            for opening in move.openings
            if opening.blob not in self.docket.blobs
        ]
        if len(payload.elements) > MOST_GIVEN - ELEMENTS_PER_CHUNK * len(payload.chunks):
            missing += self._registrations(payload)
            payload = replace(payload, elements=())
        return missing, replace(move, witness=replace(move.witness, payload=payload))

    def _registrations(self, payload: Payload) -> list[Call]:
        """The calls that register what is not registered of a payload's elements."""
        missing: dict[bytes, list[FieldElement]] = {}
        for element in payload.elements:
            number, index = divmod(element.index, BLOB_ELEMENTS)
            blob = payload.blobs[number]
            if index not in self.docket.elements.get(blob, ()):
                missing.setdefault(blob, []).append(replace(element, index=index))
        parts = [
            (blob, tuple(listed[start : start + MOST_REGISTERED]))
            for blob, listed in missing.items()
            for start in range(0, len(listed), MOST_REGISTERED)
        ]
        return [("proveElements", self._arbiter.prove_elements(*part)) for part in parts]

    def send_all(self, calls: Sequence[Call]) -> list[AnhError | None]:
        """Sends a group of calls at once and counts what they cost; for each its error, or None.

        Raises:
            L1Error: Nothing was sent (see `TransactionSender.send_all`).
        """
        return self.spending.send_all(self.sender, calls)
