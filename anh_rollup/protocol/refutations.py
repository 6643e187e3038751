"""How a claim is refuted: by one sealed call of the ClaimArbiter, or by a game.

What each call has to show is in contracts/interfaces/IClaimArbiter.sol.
"""

from dataclasses import dataclass

from anh_rollup.encoding.artifacts import ProgramHeader
from anh_rollup.encoding.batches import BatchHeader
from anh_rollup.encoding.scores import SumNode
from anh_rollup.encoding.tensors import Opening
from anh_rollup.protocol.calls import ContractCall
from anh_rollup.protocol.claims import Claim
from anh_rollup.protocol.game import TensorPath
from anh_rollup.protocol.jobs import Job


@dataclass(frozen=True, slots=True)
class ProgramRecord:
    """A value's record in a score program.

    Attributes:
        header: The program's.
        value: The value.
        record: Its record.
        proof: Siblings from the record's hash to the root of the record tree.
    """

    header: ProgramHeader
    value: int
    record: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class OneShot(ContractCall):
    """A sealed call of the ClaimArbiter that refutes a claim.

    Attributes:
        claim: The claim.
    """

    claim: Claim


@dataclass(frozen=True, slots=True)
class RefuteIndex(OneShot):
    """The claimed place is behind the batch; `previous` is the batch before it, or anything for the first."""

    batch: BatchHeader
    previous: BatchHeader


@dataclass(frozen=True, slots=True)
class RefutePlace(OneShot):
    """Another transaction stands at the claimed place: the one whose record has the hash `leaf`."""

    batch: BatchHeader
    leaf: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RefuteRecord(OneShot):
    """The transaction, whose record this is, does not order the claimed job."""

    record: bytes


@dataclass(frozen=True, slots=True)
class RefuteThreshold(OneShot):
    """A claimed sum is below its threshold.

    Attributes:
        job: The claim's job.
        property: Index of the property.
    """

    job: Job
    property: int


@dataclass(frozen=True, slots=True)
class RefuteCount(OneShot):
    """A score list is not as long as its data set, which has `count` samples under `tree_root`."""

    job: Job
    property: int
    count: int
    tree_root: bytes


@dataclass(frozen=True, slots=True)
class RefuteResult(OneShot):
    """A result has a wrong number of tensors, samples or answers; `path` opens what it has for a sample."""

    job: Job
    property: int
    header: ProgramHeader
    sample: int
    path: TensorPath


@dataclass(frozen=True, slots=True)
class RefuteShape(OneShot):
    """The tensor that `source` reads for a sample has another shape than it declares."""

    job: Job
    property: int
    source: ProgramRecord
    sample: int
    path: TensorPath


@dataclass(frozen=True, slots=True)
class RefuteRange(OneShot):
    """An element that `source` reads for a sample is outside the range that it declares."""

    job: Job
    property: int
    source: ProgramRecord
    sample: int
    path: TensorPath
    element: int
    opening: Opening


@dataclass(frozen=True, slots=True)
class OpenGame:
    """A game over one property.

    Attributes:
        property: Its index.
        opened: (sample, claimed score, proof) of a wrong score; None where the list is unknown.
    """

    property: int
    opened: tuple[int, int, tuple[SumNode, ...]] | None


Refutation = OneShot | OpenGame
