"""What an accountant can do, one record each."""

from collections.abc import Hashable
from dataclasses import dataclass

from anh_rollup.accountant.drafts import Draft
from anh_rollup.l1.docket import ClaimRecord, DemandRecord, GameRecord
from anh_rollup.protocol.orders import OrderedJob


@dataclass(frozen=True, slots=True)
class Work:
    """Do a job, and keep a draft of the claim."""

    ordered: OrderedJob


@dataclass(frozen=True, slots=True)
class Renew:
    """Make a draft anew for the place at which its job is now."""

    draft: Draft
    ordered: OrderedJob


@dataclass(frozen=True, slots=True)
class Commit:
    """Bond a draft."""

    draft: Draft


@dataclass(frozen=True, slots=True)
class Reveal:
    """Show a committed claim."""

    draft: Draft


@dataclass(frozen=True, slots=True)
class Retract:
    """Take a committed claim back."""

    draft: Draft


@dataclass(frozen=True, slots=True)
class Defend:
    """Make the move, if there is one, in a game over an own claim."""

    game: GameRecord


@dataclass(frozen=True, slots=True)
class Answer:
    """Show the data that a demand asks for."""

    demand: DemandRecord


@dataclass(frozen=True, slots=True)
class Finalize:
    """Make an own claim final."""

    claim: ClaimRecord


@dataclass(frozen=True, slots=True)
class Advance:
    """Pass a word of claims, none of which can become final, before an own claim."""

    claim: ClaimRecord
    word: int


@dataclass(frozen=True, slots=True)
class Release:
    """Take the bond of a claim back that can no longer become final."""

    claim: ClaimRecord


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Draw the credit."""


Action = Work | Renew | Commit | Reveal | Retract | Defend | Answer | Finalize | Advance | Release | Withdraw


def subject(action: Action) -> tuple[Hashable, str]:
    """What an action is about, and how the log calls it; a failure there says nothing of other subjects."""
    kind = type(action).__name__
    match action:
        case Work(ordered):
            return ordered.transaction, f"job 0x{ordered.transaction.hex()}"
        case Renew(draft, _) | Commit(draft) | Reveal(draft) | Retract(draft):
            return (kind, draft.identifier), f"{kind}, claim 0x{draft.identifier.hex()}"
        case Defend(game):
            of = f"{kind} in game 0x{game.identifier.hex()}, claim 0x{game.position.claim.hex()}"
            return (kind, game.identifier), of
        case Answer(demand):
            return (kind, demand.identifier), f"{kind}, claim 0x{demand.asked.claim.hex()}"
        case Advance(claim, word):
            return (kind, claim.identifier, word), f"{kind}, claim 0x{claim.identifier.hex()}"
        case Finalize(claim) | Release(claim):
            return (kind, claim.identifier), f"{kind}, claim 0x{claim.identifier.hex()}"
        case Withdraw():
            return kind, kind
