"""What a challenger can do, one record each."""

from collections.abc import Hashable
from dataclasses import dataclass

from anh_rollup.l1.contracts.claims import Demand
from anh_rollup.l1.docket import ClaimRecord, DemandRecord, GameRecord
from anh_rollup.primitives import Wei
from anh_rollup.protocol.refutations import OneShot, OpenGame


@dataclass(frozen=True, slots=True)
class Examine:
    """Evaluate a claim again."""

    claim: ClaimRecord


@dataclass(frozen=True, slots=True)
class Refute:
    """Refute a claim in one sealed call."""

    claim: ClaimRecord
    call: OneShot


@dataclass(frozen=True, slots=True)
class Open:
    """Open a game."""

    claim: ClaimRecord
    game: OpenGame
    attempt: int


@dataclass(frozen=True, slots=True)
class Attack:
    """Make the move, if there is one, in an own game."""

    game: GameRecord


@dataclass(frozen=True, slots=True)
class Ask:
    """Demand data of a claim's result on L1."""

    demand: Demand


@dataclass(frozen=True, slots=True)
class Leave:
    """Say that a withheld result is left, as asking for all of it costs more than may be spent.

    Attributes:
        claim: The claim.
        cost: Wei in fees that all of the result would cost.
        most: Wei that may go into it, with what went into it already.
    """

    claim: ClaimRecord
    cost: Wei
    most: Wei


@dataclass(frozen=True, slots=True)
class RefuteUnanswered:
    """Refute a claim over a demand without an answer."""

    demand: DemandRecord


@dataclass(frozen=True, slots=True)
class Reclaim:
    """Take the fee of a demand over a refuted claim back."""

    demand: DemandRecord


@dataclass(frozen=True, slots=True)
class Expire:
    """End a commitment that was not opened in time."""

    claimant: str
    commitment: bytes


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Draw the credit."""


Action = Examine | Refute | Open | Attack | Ask | Leave | RefuteUnanswered | Reclaim | Expire | Withdraw


def subject(action: Action) -> tuple[Hashable, str]:
    """What an action is about, and how the log calls it; a failure there says nothing of other subjects."""
    kind = type(action).__name__
    match action:
        case Examine(claim) | Refute(claim) | Open(claim) | Leave(claim):
            return (kind, claim.identifier), f"{kind}, claim 0x{claim.identifier.hex()}"
        case Attack(game):
            of = f"{kind} in game 0x{game.identifier.hex()}, claim 0x{game.position.claim.hex()}"
            return (kind, game.identifier), of
        case Ask(asked):
            return (kind, asked), f"{kind}, claim 0x{asked.claim.hex()}"
        case RefuteUnanswered(demand) | Reclaim(demand):
            return (kind, demand.identifier), f"{kind}, claim 0x{demand.asked.claim.hex()}"
        case Expire(claimant, commitment):
            return (kind, claimant, commitment), f"{kind}, commitment 0x{commitment.hex()} of {claimant}"
        case Withdraw():
            return kind, kind
