"""LedgerClaims: claims about the ledger, their game (moves: `protocol.ledger_moves`), withdrawals."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final

from anh_rollup.l1.contracts.seals import Sealing
from anh_rollup.l1.types import BlockId, TransactionRequest
from anh_rollup.primitives import BatchNumber, Seconds, Wei
from anh_rollup.protocol.game import Clock
from anh_rollup.protocol.ledger_claims import LedgerClaim, LedgerPosition
from anh_rollup.protocol.machine.fields import Machine
from anh_rollup.protocol.machine.witnesses import Leaf


class LedgerClaimState(IntEnum):
    """What a claim has come to."""

    NONE = 0
    STANDING = 1
    REFUTED = 2
    FINAL = 3


class LedgerOutcome(IntEnum):
    """How a game ended."""

    REFUTED = 0
    CLAIMANT_LATE = 1
    CHALLENGER_LATE = 2
    VOID = 3


@dataclass(frozen=True, slots=True)
class LedgerRules:
    """What was fixed at deployment (see `Rules` in l1/deployment.py)."""

    window: Seconds
    clock: Seconds
    claim_bond: Wei
    challenge_bond: Wei
    prize_share_bps: int


@dataclass(frozen=True, slots=True)
class LedgerClaimStatus:
    """What L1 stores of a claim; `games` are the open ones, `end` is the hash of its last machine."""

    claimed_at: Seconds
    batch: BatchNumber
    games: int
    state: LedgerClaimState
    end: bytes


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim stands; `machine` is its last one."""

    claim_id: bytes
    claimant: str
    batch: BatchNumber
    claim: LedgerClaim
    machine: Machine


@dataclass(frozen=True, slots=True)
class Refuted:
    """A claim lost a game."""

    claim_id: bytes
    challenger: str
    prize: Wei


@dataclass(frozen=True, slots=True)
class Orphaned:
    """A claim fell with the one that it builds on."""

    claim_id: bytes
    base: bytes


@dataclass(frozen=True, slots=True)
class Finalized:
    """A claim is final."""

    claim_id: bytes
    claimant: str
    batch: BatchNumber
    end: bytes


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """An account was paid `amount`, in all `total`."""

    claim_id: bytes
    account: str
    amount: Wei
    total: Wei


@dataclass(frozen=True, slots=True)
class Opened:
    """A game began."""

    game: bytes
    claim: bytes
    challenger: str
    position: LedgerPosition
    clock: Clock


@dataclass(frozen=True, slots=True)
class Revealed:
    """The nodes below the disputed one were revealed."""

    game: bytes
    position: LedgerPosition
    clock: Clock
    nodes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The challenger chose a node, or a machine."""

    game: bytes
    position: LedgerPosition
    clock: Clock


@dataclass(frozen=True, slots=True)
class Closed:
    """A game ended."""

    game: bytes
    claim: bytes
    outcome: LedgerOutcome


_EVENTS: Final = (
    Claimed, Refuted, Orphaned, Finalized, Withdrawn,
    Opened, Revealed, Chosen, Closed,
)  # fmt: skip


class LedgerClaims(Sealing):
    """Wrapper of contracts/LedgerClaims.sol; every move names the position that it is made in."""

    NAME = "LedgerClaims"
    EVENTS: ClassVar[Mapping[str, type]] = {item.__name__: item for item in _EVENTS}

    def claim(
        self,
        claim: LedgerClaim,
        end: Machine,
        start_proof: tuple[bytes, ...],
        end_proof: tuple[bytes, ...],
        bond: Wei,
    ) -> TransactionRequest:
        """Makes a claim; both proofs lead from the ends of the trace to its root."""
        return self.request("claim", claim, end, start_proof, end_proof, value=bond)

    def finalize(self, claim: LedgerClaim) -> TransactionRequest:
        """Makes a claim final."""
        return self.request("finalize", claim)

    def refute_base(self, claim: LedgerClaim) -> TransactionRequest:
        """Ends a claim on a refuted one."""
        return self.request("refuteBase", claim)

    def open(self, claim: LedgerClaim, salt: bytes, bond: Wei) -> TransactionRequest:
        """Opens a game over a claim."""
        return self.request("open", claim, salt, value=bond)

    def withdraw(self, claim: LedgerClaim, end: Machine, account: str, leaf: Leaf) -> TransactionRequest:
        """Pays an account what its leaf in a final claim's ledger says that it withdrew."""
        return self.request("withdraw", claim, end, account, leaf)

    def status(self, claim_id: bytes, at: BlockId = "latest") -> LedgerClaimStatus:
        """What a claim has come to."""
        return self.read_record(LedgerClaimStatus, "status", claim_id, at=at)

    def position_hash(self, game: bytes, at: BlockId = "latest") -> bytes:
        """Hash of a game's position; zeros where it is not open."""
        return bytes(self.read("positions", game, at=at)[0])

    def clocks(self, game: bytes, at: BlockId = "latest") -> Clock:
        """A game's clocks; the accountant's is the claimant's."""
        return self.read_record(Clock, "clocks", game, at=at)

    def paid(self, account: str, at: BlockId = "latest") -> Wei:
        """Wei that an account was paid so far."""
        return Wei(self.read("paid", account, at=at)[0])

    def genesis(self) -> bytes:
        """Hash of the machine that the first claims start from."""
        return bytes(self.read("genesis")[0])

    def rules(self) -> LedgerRules:
        """What was fixed at deployment."""
        return self.read_record(LedgerRules, "rules")
