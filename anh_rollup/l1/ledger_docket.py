"""Ledger claims, their games and what was paid against them, as a fold over L1's events.

What time makes of it, such as whether a window is over, is asked of the contract at the moment of deciding.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import singledispatchmethod
from typing import Any

from anh_rollup.l1.client import L1Client
from anh_rollup.l1.contracts.ledger_claims import (
    Chosen,
    Claimed,
    Closed,
    Finalized,
    LedgerClaims,
    LedgerClaimState,
    LedgerOutcome,
    Opened,
    Orphaned,
    Refuted,
    Revealed,
    Withdrawn,
)
from anh_rollup.l1.docket_reader import FoldReader
from anh_rollup.l1.types import Cursor
from anh_rollup.primitives import Wei
from anh_rollup.protocol.ledger_claims import LedgerClaim, LedgerPosition
from anh_rollup.protocol.machine.fields import Machine


@dataclass(frozen=True, slots=True)
class LedgerClaimRecord:
    """A ledger claim.

    Attributes:
        identifier: Its id.
        claim: The claim.
        end: Its last machine.
        state: What it has come to.
        refuter: Who gets the prize, once it has lost a game.
    """

    identifier: bytes
    claim: LedgerClaim
    end: Machine
    state: LedgerClaimState = LedgerClaimState.STANDING
    refuter: str = ""


@dataclass(frozen=True, slots=True)
class LedgerGameRecord:
    """A game about a ledger claim.

    Attributes:
        identifier: Its id.
        position: Where it stands.
        nodes: The latest ones that were revealed.
        outcome: How it ended, or None.
    """

    identifier: bytes
    position: LedgerPosition
    nodes: tuple[bytes, ...] = ()
    outcome: LedgerOutcome | None = None


@dataclass(slots=True)
class LedgerDocket:
    """All ledger claims and their games; filled by `apply`, event after event.

    Attributes:
        claims: By id, oldest first.
        games: By id, oldest first.
        paid: Wei that accounts were paid so far, by checksummed address.
    """

    claims: dict[bytes, LedgerClaimRecord] = field(default_factory=dict)
    games: dict[bytes, LedgerGameRecord] = field(default_factory=dict)
    paid: dict[str, Wei] = field(default_factory=dict)

    def newest_final(self) -> LedgerClaimRecord | None:
        """The final claim at the latest batch."""
        final = [each for each in self.claims.values() if each.state is LedgerClaimState.FINAL]
        return max(final, key=lambda each: each.claim.batch, default=None)

    def games_over(self, claim: bytes) -> list[LedgerGameRecord]:
        """Every game over a claim, oldest first."""
        return [each for each in self.games.values() if each.position.claim == claim]

    @singledispatchmethod
    def apply(self, event: Any) -> None:
        """Takes in the next event; kinds that change nothing here are passed over."""

    @apply.register
    def _(self, event: Claimed) -> None:
        self.claims[event.claim_id] = LedgerClaimRecord(event.claim_id, event.claim, event.machine)

    @apply.register
    def _(self, event: Refuted) -> None:
        self._end(event.claim_id, LedgerClaimState.REFUTED, event.challenger)

    @apply.register
    def _(self, event: Orphaned) -> None:
        self._end(event.claim_id, LedgerClaimState.REFUTED)

    @apply.register
    def _(self, event: Finalized) -> None:
        self._end(event.claim_id, LedgerClaimState.FINAL)

    @apply.register
    def _(self, event: Withdrawn) -> None:
        self.paid[event.account] = event.total

    @apply.register
    def _(self, event: Opened) -> None:
        self.games[event.game] = LedgerGameRecord(event.game, event.position)

    @apply.register
    def _(self, event: Revealed) -> None:
        if event.game in self.games:
            record = self.games[event.game]
            self.games[event.game] = replace(record, position=event.position, nodes=event.nodes)

    @apply.register
    def _(self, event: Chosen) -> None:
        if event.game in self.games:
            self.games[event.game] = replace(self.games[event.game], position=event.position)

    @apply.register
    def _(self, event: Closed) -> None:
        if event.game in self.games:
            self.games[event.game] = replace(self.games[event.game], outcome=event.outcome)

    def _end(self, claim: bytes, state: LedgerClaimState, refuter: str = "") -> None:
        if claim in self.claims:
            self.claims[claim] = replace(self.claims[claim], state=state, refuter=refuter)


class LedgerDocketReader(FoldReader[LedgerDocket]):
    """Keeps a docket of ledger claims; see `FoldReader`."""

    def __init__(self, client: L1Client, contracts: Sequence[LedgerClaims], start: Cursor) -> None:
        super().__init__(client, contracts, start, LedgerDocket)
