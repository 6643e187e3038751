"""What a player of ledger claims can do, one record each."""

from collections.abc import Hashable
from dataclasses import dataclass

from anh_rollup.l1.ledger_docket import LedgerClaimRecord, LedgerGameRecord
from anh_rollup.primitives import BatchNumber
from anh_rollup.protocol.ledger_claims import ledger_position_hash


@dataclass(frozen=True, slots=True)
class Check:
    """Compute what a claim should say."""

    claim: LedgerClaimRecord


@dataclass(frozen=True, slots=True)
class Play:
    """Make the next move of a game: reveal, choose or prove."""

    game: LedgerGameRecord


@dataclass(frozen=True, slots=True)
class Timeout:
    """End a game whose mover is late."""

    game: LedgerGameRecord


@dataclass(frozen=True, slots=True)
class VoidGame:
    """Take the bond of an own game back, whose claim another one refuted."""

    game: LedgerGameRecord


@dataclass(frozen=True, slots=True)
class Open:
    """Open a game over a claim.

    Attributes:
        claim: The claim.
        attempt: How many own games over it were there before.
    """

    claim: LedgerClaimRecord
    attempt: int


@dataclass(frozen=True, slots=True)
class RefuteBase:
    """End a claim whose base is refuted."""

    claim: LedgerClaimRecord


@dataclass(frozen=True, slots=True)
class Finalize:
    """Make a claim final."""

    claim: LedgerClaimRecord


@dataclass(frozen=True, slots=True)
class MakeClaim:
    """Claim the ledger after a batch.

    Attributes:
        base: The claim to build on; None for genesis.
        batch: The batch.
    """

    base: LedgerClaimRecord | None
    batch: BatchNumber


Action = Check | Play | Timeout | VoidGame | Open | RefuteBase | Finalize | MakeClaim


def subject(action: Action) -> tuple[Hashable, str]:
    """What an action is about, and how the log calls it; a failure there says nothing of other subjects."""
    kind = type(action).__name__
    match action:
        case Play(game) | Timeout(game) | VoidGame(game):
            key = kind, game.identifier, ledger_position_hash(game.position)
            of = f"game 0x{game.identifier.hex()}, ledger claim 0x{game.position.claim.hex()}"
            return key, f"{kind} in {of}"
        case MakeClaim(_, batch):
            return kind, f"{kind} of the ledger after batch {batch}"
        case _:
            identifier = action.claim.identifier
            return (kind, identifier), f"{kind}, ledger claim 0x{identifier.hex()}"
