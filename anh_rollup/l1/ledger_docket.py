"""Ledger claims, their games and what was paid against them, as a fold over L1's events.

What time makes of it, such as whether a window is over, is asked of the contract at the moment of deciding.
"""

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
from anh_rollup.primitives import BatchNumber, Wei
from anh_rollup.protocol.game import Clock
from anh_rollup.protocol.ledger_claims import GENESIS_BASE, LedgerClaim, LedgerPosition
from anh_rollup.protocol.ledger_play import Shown
from anh_rollup.protocol.machine.fields import Machine


@dataclass(frozen=True, slots=True)
class LedgerClaimRecord:
    """A ledger claim.

    Attributes:
        identifier: Its id.
        claim: The claim.
        machine: Its last one.
        state: What it has come to.
        refuter: Who gets the prize, once it has lost a game.
    """

    identifier: bytes
    claim: LedgerClaim
    machine: Machine
    state: LedgerClaimState = LedgerClaimState.STANDING
    refuter: str = ""


@dataclass(frozen=True, slots=True)
class LedgerGameRecord:
    """A game over a ledger claim.

    Attributes:
        identifier: Its id.
        position: Where it stands.
        clock: Its clocks.
        shown: What was revealed, oldest first.
        outcome: How it ended, or None.
    """

    identifier: bytes
    position: LedgerPosition
    clock: Clock
    shown: tuple[Shown, ...] = ()
    outcome: LedgerOutcome | None = None


@dataclass(slots=True)
class LedgerDocket:
    """All ledger claims and games; filled by `apply`, event after event.

    Attributes:
        claims: By id, oldest first.
        games: By id, oldest first.
        paid: Wei that accounts were paid so far, by checksummed address.
    """

    claims: dict[bytes, LedgerClaimRecord] = field(default_factory=dict)
    games: dict[bytes, LedgerGameRecord] = field(default_factory=dict)
    paid: dict[str, Wei] = field(default_factory=dict)

    def in_state(self, *states: LedgerClaimState) -> list[LedgerClaimRecord]:
        """The claims that have come to one of these, oldest first."""
        return [record for record in self.claims.values() if record.state in states]

    def games_over(self, claim: bytes) -> list[LedgerGameRecord]:
        """Every game over a claim, oldest first."""
        return [each for each in self.games.values() if each.position.claim == claim]

    def open_games(self, claim: bytes | None = None) -> list[LedgerGameRecord]:
        """The games that have not ended, over one claim or all."""
        running = [game for game in self.games.values() if game.outcome is None]
        return [game for game in running if claim in (None, game.position.claim)]

    def base_batch(self, claim: LedgerClaim) -> BatchNumber:
        """The batch at which a claim's base ends; 0 for genesis."""
        return BatchNumber(0) if claim.base == GENESIS_BASE else self.claims[claim.base].claim.batch

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
        self.games[event.game] = LedgerGameRecord(event.game, event.position, event.clock)

    @apply.register
    def _(self, event: Revealed) -> None:
        shown = Shown(event.position, event.nodes)
        self._move(event.game, event.position, event.clock, shown)

    @apply.register
    def _(self, event: Chosen) -> None:
        self._move(event.game, event.position, event.clock)

    @apply.register
    def _(self, event: Closed) -> None:
        self.games[event.game] = replace(self.games[event.game], outcome=event.outcome)

    def _end(self, claim: bytes, state: LedgerClaimState, refuter: str = "") -> None:
        self.claims[claim] = replace(self.claims[claim], state=state, refuter=refuter)

    def _move(self, game: bytes, position: LedgerPosition, clock: Clock, *shown: Shown) -> None:
        record = self.games[game]
        moved = replace(record, position=position, clock=clock, shown=record.shown + shown)
        self.games[game] = moved


class LedgerDocketReader(FoldReader[LedgerDocket]):
    """Keeps a docket of ledger claims."""

    def __init__(self, client: L1Client, contract: LedgerClaims, start: Cursor) -> None:
        super().__init__(client, [contract], start, LedgerDocket)
