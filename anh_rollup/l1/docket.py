"""Claims, demands and games as a fold over L1's events: what both roles know about the disputes going on.

The fold keeps what was said, not what time makes of it: whether a window is over or a clock has run out is
asked of the contracts at the moment of deciding. What nobody needs any more can be forgotten; later events
about it are passed over.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import singledispatchmethod
from typing import Any

from anh_rollup.l1.contracts.claims import (
    Advanced,
    Answered,
    ClaimState,
    Committed,
    Demand,
    Demanded,
    Expired,
    FeeReturned,
    Finalized,
    Refuted,
    Released,
    Retracted,
    Revealed,
)
from anh_rollup.l1.contracts.game import (
    Chosen,
    Closed,
    ElementsRevealed,
    GameOutcome,
    NodesRevealed,
    Opened,
    ScoresRevealed,
    SumsRevealed,
)
from anh_rollup.primitives import Seconds
from anh_rollup.protocol.claims import Claim
from anh_rollup.protocol.game import Position, Reveal
from anh_rollup.protocol.jobs import Job


@dataclass(frozen=True, slots=True)
class ClaimRecord:
    """A revealed claim.

    Attributes:
        identifier: Its id.
        claim: The claim.
        job: The job that it names.
        place: Its place among the claims of the job, from 0.
        state: What it has come to.
        refuter: Who gets the prize, once refuted.
    """

    identifier: bytes
    claim: Claim
    job: Job
    place: int
    state: ClaimState = ClaimState.STANDING
    refuter: str = ""


@dataclass(frozen=True, slots=True)
class GameRecord:
    """A game.

    Attributes:
        identifier: Its id.
        position: Where it stands.
        reveals: What the accountant revealed, oldest first.
        outcome: How it ended, or None.
    """

    identifier: bytes
    position: Position
    reveals: tuple[Reveal, ...] = ()
    outcome: GameOutcome | None = None


@dataclass(frozen=True, slots=True)
class DemandRecord:
    """A demand for data.

    Attributes:
        identifier: Its id.
        asked: What was asked for.
        demander: Who asked.
        due: Last L1 time of an answer.
        is_open: Whether it waits for an answer.
        is_answered: Whether it was answered, so that its fee is spent.
    """

    identifier: bytes
    asked: Demand
    demander: str
    due: Seconds
    is_open: bool = True
    is_answered: bool = False


@dataclass(slots=True)
class Docket:
    """All claims, games, demands and open commitments; filled by `apply`, event after event.

    Attributes:
        claims: Revealed claims by id.
        games: Games by id.
        demands: Demands by id.
        commitments: Time at which each commitment expires, by (claimant, commitment). An opened one stays,
            as its reveal does not name it: the contract tells.
        answers: Answers to demands, oldest first.
        words: How many words of `PLACES_A_WORD` claims are passed, by job; none where a job is not in it.
            Never forgotten: each stands for `PLACES_A_WORD` bonds, and a later claim may need it.
    """

    claims: dict[bytes, ClaimRecord] = field(default_factory=dict)
    games: dict[bytes, GameRecord] = field(default_factory=dict)
    demands: dict[bytes, DemandRecord] = field(default_factory=dict)
    commitments: dict[tuple[str, bytes], Seconds] = field(default_factory=dict)
    answers: list[Answered] = field(default_factory=list)
    words: dict[bytes, int] = field(default_factory=dict)

    def claims_of(self, transaction: bytes) -> list[ClaimRecord]:
        """The claims about one job, in the order of their reveal."""
        found = [record for record in self.claims.values() if record.claim.transaction == transaction]
        return sorted(found, key=lambda record: record.place)

    def knows(self, claim: bytes) -> bool:
        """Whether a claim was revealed in a form that can be read, and is not forgotten."""
        return claim in self.claims

    def open_games(self, claim: bytes | None = None) -> list[GameRecord]:
        """The games that have not ended, over one claim or all."""
        running = (game for game in self.games.values() if game.outcome is None)
        games = (game for game in running if self.knows(game.position.claim))
        return [game for game in games if claim in (None, game.position.claim)]

    def open_demands(self, claim: bytes | None = None) -> list[DemandRecord]:
        """The demands that wait for an answer, of one claim or all."""
        asked = (item for item in self.demands.values() if item.is_open and self.knows(item.asked.claim))
        return [item for item in asked if claim in (None, item.asked.claim)]

    def close_commitment(self, claimant: str, commitment: bytes) -> None:
        """Takes in that a commitment is open no more; an opened one leaves no event that says so."""
        self.commitments.pop((claimant, commitment), None)

    def forget_commitments(self, before: Seconds, kept: Collection[tuple[str, bytes]]) -> None:
        """Lets go of commitments that expired before a time (seconds), but for those that are kept."""
        self.commitments = {
            key: expires_at
            for key, expires_at in self.commitments.items()
            if expires_at >= before or key in kept
        }

    def forget(self, claims: Collection[bytes], own: str) -> None:
        """Lets go of claims and of all that is about them, or about claims that cannot be read.

        Demands by an account whose fees are lost stay, as they count against what it may lose. Other threads
        may read on in what they hold: nothing is changed in place.

        Args:
            claims: The claims, by id.
            own: The account.
        """
        won = {each for each in claims if self.knows(each) and self.claims[each].refuter == own}
        self.claims = {key: record for key, record in self.claims.items() if key not in claims}
        self.games = {key: game for key, game in self.games.items() if self.knows(game.position.claim)}
        self.answers = [each for each in self.answers if self.knows(each.claim_id)]
        self.demands = {
            key: each
            for key, each in self.demands.items()
            if self.knows(each.asked.claim)
            or (each.demander == own and each.is_answered and each.asked.claim not in won)
        }

    @singledispatchmethod
    def apply(self, event: Any) -> None:
        """Takes in the next event; kinds that change nothing here are passed over."""

    @apply.register
    def _(self, event: Committed) -> None:
        self.commitments[event.claimant, event.commitment] = event.expires_at

    @apply.register(Retracted)
    @apply.register(Expired)
    def _(self, event: Retracted | Expired) -> None:
        self.close_commitment(event.claimant, event.commitment)

    @apply.register
    def _(self, event: Revealed) -> None:
        self.claims[event.claim_id] = ClaimRecord(event.claim_id, event.claim, event.job, event.place)

    @apply.register
    def _(self, event: Refuted) -> None:
        self._end(event.claim_id, ClaimState.REFUTED, event.challenger)

    @apply.register
    def _(self, event: Finalized) -> None:
        self._end(event.claim_id, ClaimState.FINAL)

    @apply.register
    def _(self, event: Released) -> None:
        self._end(event.claim_id, ClaimState.RELEASED)

    @apply.register
    def _(self, event: Advanced) -> None:
        self.words[event.transaction] = event.words

    @apply.register
    def _(self, event: Demanded) -> None:
        self.demands[event.demand_id] = DemandRecord(event.demand_id, event.demand, event.demander, event.due)

    @apply.register
    def _(self, event: Answered) -> None:
        self.answers.append(event)
        self._close_demand(event.demand_id, is_answered=True)

    @apply.register
    def _(self, event: FeeReturned) -> None:
        self._close_demand(event.demand_id)

    @apply.register
    def _(self, event: Opened) -> None:
        self.games[event.game] = GameRecord(event.game, event.position)

    @apply.register
    def _(self, event: Chosen) -> None:
        self._move(event.game, event.position)

    @apply.register
    def _(self, event: ScoresRevealed) -> None:
        self._move(event.game, event.position, Reveal(event.position, scores=event.nodes))

    @apply.register
    def _(self, event: NodesRevealed) -> None:
        self._move(event.game, event.position, Reveal(event.position, nodes=event.nodes))

    @apply.register
    def _(self, event: ElementsRevealed) -> None:
        self._move(event.game, event.position, Reveal(event.position, elements=event.elements))

    @apply.register
    def _(self, event: SumsRevealed) -> None:
        self._move(event.game, event.position, Reveal(event.position, sums=event.partials))

    @apply.register
    def _(self, event: Closed) -> None:
        if event.game in self.games:
            self.games[event.game] = replace(self.games[event.game], outcome=event.outcome)

    def _end(self, claim: bytes, state: ClaimState, refuter: str = "") -> None:
        if claim in self.claims:
            self.claims[claim] = replace(self.claims[claim], state=state, refuter=refuter)

    def _close_demand(self, demand: bytes, *, is_answered: bool = False) -> None:
        if demand in self.demands:
            closed = replace(self.demands[demand], is_open=False, is_answered=is_answered)
            self.demands[demand] = closed

    def _move(self, game: bytes, position: Position, *reveals: Reveal) -> None:
        if game in self.games:
            record = self.games[game]
            self.games[game] = replace(record, position=position, reveals=record.reveals + reveals)
