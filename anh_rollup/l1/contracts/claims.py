"""Claims: commitments, claims, demands for data, seals."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final

from anh_rollup.encoding.tensors import Opening
from anh_rollup.l1.contracts.seals import Sealing
from anh_rollup.l1.types import BlockId, TransactionRequest
from anh_rollup.primitives import BlockNumber, Seconds, Wei
from anh_rollup.protocol.claims import Claim
from anh_rollup.protocol.game import TensorPath
from anh_rollup.protocol.jobs import Job

#: Claims of a job that one `advance` passes (contracts/libraries/PassedPlaces.sol).
PLACES_A_WORD: Final = 256


class ClaimState(IntEnum):
    """What a claim has come to."""

    NONE = 0
    STANDING = 1
    REFUTED = 2
    FINAL = 3
    RELEASED = 4


@dataclass(frozen=True, slots=True)
class ClaimStatus:
    """What L1 stores of a claim; `place` counts the claims of its job from 0."""

    claimant: str
    revealed_at: Seconds
    place: int
    transaction: bytes
    deadline: Seconds
    games: int
    demands: int
    state: ClaimState


@dataclass(frozen=True, slots=True)
class Demand:
    """A question for `count` (1 to 32) chunks of one tensor of a claim's result.

    Attributes:
        claim: Id of the claim.
        leaf: Parameter (training) or sample (inference).
        field: 0 (training) or answer (inference).
        first_chunk: The first chunk asked for.
        count: Number of chunks.
    """

    claim: bytes
    leaf: int
    field: int
    first_chunk: int
    count: int


@dataclass(frozen=True, slots=True)
class Commitment:
    """An open commitment; zeros where there is none."""

    expires_at: Seconds
    block_number: BlockNumber


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """What was fixed at deployment (see `Rules` in l1/deployment.py)."""

    window: Seconds
    clock: Seconds
    reveal_window: Seconds
    settlement: Seconds
    claim_bond: Wei
    challenge_bond: Wei
    demand_fee: Wei
    prize_share_bps: int


@dataclass(frozen=True, slots=True)
class Committed:
    """A commitment was bonded."""

    claimant: str
    commitment: bytes
    expires_at: Seconds


@dataclass(frozen=True, slots=True)
class Revealed:
    """A claim stands; `blobs` are the transaction's, where the result may be."""

    transaction: bytes
    claim_id: bytes
    claimant: str
    place: int
    claim: Claim
    job: Job
    blobs: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Retracted:
    """A commitment was taken back."""

    claimant: str
    commitment: bytes


@dataclass(frozen=True, slots=True)
class Expired:
    """A commitment that was not opened is forfeit."""

    claimant: str
    commitment: bytes
    caller: str
    prize: Wei


@dataclass(frozen=True, slots=True)
class Refuted:
    """A claim fell."""

    transaction: bytes
    claim_id: bytes
    challenger: str
    prize: Wei


@dataclass(frozen=True, slots=True)
class Finalized:
    """A claim is final: its job is done."""

    transaction: bytes
    claimant: str
    claim_id: bytes
    result: bytes


@dataclass(frozen=True, slots=True)
class Released:
    """A claim that came too late has its bond back."""

    transaction: bytes
    claim_id: bytes


@dataclass(frozen=True, slots=True)
class Lapsed:
    """The time of a job is over: a reward that nobody has earned goes back to who paid it.

    A called job has its terms as transaction.
    """

    transaction: bytes
    caller: str


@dataclass(frozen=True, slots=True)
class Demanded:
    """Data of a result was asked for."""

    claim_id: bytes
    demand_id: bytes
    demander: str
    due: Seconds
    demand: Demand


@dataclass(frozen=True, slots=True)
class Answered:
    """A demand was answered."""

    claim_id: bytes
    demand_id: bytes
    demand: Demand
    path: TensorPath
    opening: Opening


@dataclass(frozen=True, slots=True)
class FeeReturned:
    """The fee of a demand went back."""

    claim_id: bytes
    demand_id: bytes


@dataclass(frozen=True, slots=True)
class Advanced:
    """None of the first `PLACES_A_WORD` * `words` claims of a job can become final."""

    transaction: bytes
    words: int


_EVENTS: Final = (
    Committed, Revealed, Retracted, Expired, Refuted, Finalized, Released, Lapsed,
    Demanded, Answered, FeeReturned, Advanced,
)  # fmt: skip


class Claims(Sealing):
    """Wrapper of contracts/Claims.sol."""

    NAME = "Claims"
    EVENTS: ClassVar[Mapping[str, type]] = {item.__name__: item for item in _EVENTS}

    def commit(self, commitment: bytes, bond: Wei) -> TransactionRequest:
        """Bonds a hidden claim."""
        return self.request("commit", commitment, value=bond)

    def reveal(self, claim: Claim, job: Job, salt: bytes) -> TransactionRequest:
        """Shows a committed claim."""
        return self.request("reveal", claim, job, salt)

    def retract(self, claim: Claim, salt: bytes) -> TransactionRequest:
        """Takes a committed claim back."""
        return self.request("retract", claim, salt)

    def expire(self, claimant: str, commitment: bytes) -> TransactionRequest:
        """Ends a commitment that was not opened in time."""
        return self.request("expire", claimant, commitment)

    def finalize(self, claim: Claim) -> TransactionRequest:
        """Makes a claim final."""
        return self.request("finalize", claim)

    def release(self, claim: Claim) -> TransactionRequest:
        """Gives the bond of a claim back that came too late."""
        return self.request("release", claim)

    def lapse(self, record: bytes, job: Job) -> TransactionRequest:
        """Ends a job whose time is over, so that its reward goes back; `record` is that of its order."""
        return self.request("lapse", record, job)

    def lapse_called(self, job: Job) -> TransactionRequest:
        """Ends a called job whose time is over, so that what waits for it goes on."""
        return self.request("lapseCalled", job)

    def advance(self, transaction: bytes) -> TransactionRequest:
        """Passes the next 256 claims of a job, none of which can become final: later ones become free."""
        return self.request("advance", transaction)

    def demand(self, asked: Demand, fee: Wei) -> TransactionRequest:
        """Asks for chunks of a result."""
        return self.request("demand", asked, value=fee)

    def refute_unanswered(self, asked: Demand) -> TransactionRequest:
        """Refutes a claim over a demand without an answer."""
        return self.request("refuteUnanswered", asked)

    def reclaim(self, asked: Demand) -> TransactionRequest:
        """Returns the fee of a demand over a refuted claim."""
        return self.request("reclaim", asked)

    def status(self, claim_id: bytes, at: BlockId = "latest") -> ClaimStatus:
        """What a claim has come to."""
        return self.read_record(ClaimStatus, "status", claim_id, at=at)

    def committed(self, claimant: str, commitment: bytes, at: BlockId = "latest") -> Commitment:
        """An open commitment of an account."""
        return self.read_record(Commitment, "committed", claimant, commitment, at=at)

    def rules(self) -> ClaimRules:
        """What was fixed at deployment."""
        return self.read_record(ClaimRules, "rules")
