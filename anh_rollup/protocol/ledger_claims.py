"""Ledger claims: "after this batch the ledger's machine is this one", and the game about them.

Records and identifiers as the contract has them (contracts/interfaces/ILedgerClaims.sol).
"""

from dataclasses import astuple, dataclass
from enum import IntEnum
from typing import Final

from eth_abi.abi import encode
from eth_utils.address import is_checksum_address

from anh_rollup.encoding.checks import UINT32_MOST, UINT64_MOST
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.errors import AnhError
from anh_rollup.primitives import DIGEST_SIZE, ZERO_DIGEST, BatchNumber, Digest

LEDGER_CLAIM_TYPE: Final = "(address,bytes32,uint64,bytes32,uint32,bytes32,bytes32,bytes32)"
LEDGER_POSITION_TYPE: Final = "(bytes32,address,address,uint64,bytes32,uint32,uint8,bytes32,uint8,uint32)"

GENESIS_BASE: Final = ZERO_DIGEST
"""The base of a claim that starts from the first machine."""

MOST_STEPS: Final = UINT32_MOST - 1
"""Steps of the longest claim: its trace has one leaf more, and their number is a uint32."""


class LedgerClaimMalformedError(AnhError):
    """A ledger claim that breaks a rule.

    Attributes:
        reason: What is wrong, as a phrase.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"not a ledger claim: {reason}", remedy="Check its fields against docs/ledger-claims.md."
        )
        self.reason = reason


@dataclass(frozen=True, slots=True)
class LedgerClaim:
    """What a claimant puts its bond on.

    Attributes:
        claimant: Checksummed address on L1.
        base: Id of the claim whose end is `start`; `GENESIS_BASE` where that is the first machine.
        batch: At which `end` stands, uint64; above the base's.
        batch_commitment: The Inbox's commitment of that batch.
        steps: From `start` to `end`, 1 to `MOST_STEPS`.
        trace: Root of the Merkle tree over the machines' hashes.
        start: Hash of the first machine, leaf 0.
        end: Hash of the last machine, leaf `steps`.
    """

    claimant: str
    base: bytes
    batch: BatchNumber
    batch_commitment: bytes
    steps: int
    trace: bytes
    start: bytes
    end: bytes

    def __post_init__(self) -> None:
        """Raises `LedgerClaimMalformedError` where a field breaks a rule."""
        if not is_checksum_address(self.claimant):
            raise LedgerClaimMalformedError(f"the claimant {self.claimant} is not a checksummed address")
        if not 1 <= self.batch <= UINT64_MOST:
            raise LedgerClaimMalformedError(f"batch {self.batch} is not 1 to {UINT64_MOST}")
        if not 1 <= self.steps <= MOST_STEPS:
            raise LedgerClaimMalformedError(f"it has {self.steps} steps, not 1 to {MOST_STEPS}")
        for name in ("base", "batch_commitment", "trace", "start", "end"):
            if len(getattr(self, name)) != DIGEST_SIZE:
                raise LedgerClaimMalformedError(f"{name} has not {DIGEST_SIZE} bytes")


def ledger_claim_id(claim: LedgerClaim) -> Digest:
    """The name of a ledger claim on L1: keccak(abi.encode(claim))."""
    return keccak256(encode([LEDGER_CLAIM_TYPE], [astuple(claim)]))


class LedgerPhase(IntEnum):
    """What the side to move has to do; the numbers are the contract's."""

    NONE = 0
    REVEAL = 1
    CHOOSE = 2
    PROVE = 3


@dataclass(frozen=True, slots=True)
class LedgerPosition:
    """Everything that a game is about at one moment; the contract stores its hash.

    Attributes:
        claim: Id of the claim under dispute.
        claimant: Whose it is.
        challenger: Who opened the game.
        batch: The claim's.
        trace: The claim's.
        leaves: Machines of the trace.
        phase: What comes next.
        node: Hash of the node under descent; in PROVE of the disputed machine.
        level: Its level; 0 is the machines.
        index: Its index in that level.
    """

    claim: bytes
    claimant: str
    challenger: str
    batch: BatchNumber
    trace: bytes
    leaves: int
    phase: LedgerPhase
    node: bytes
    level: int
    index: int


def ledger_position_hash(position: LedgerPosition) -> Digest:
    """keccak(abi.encode(position)): what the contract stores of a game."""
    return keccak256(encode([LEDGER_POSITION_TYPE], [astuple(position)]))
