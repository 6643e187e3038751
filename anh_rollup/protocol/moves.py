"""The moves of a game: calls of the Game contract, whose id and position come before the fields here.

What each one has to show is in contracts/interfaces/IGame.sol. A proof is the siblings from a node up to the
one that the position names.
"""

from dataclasses import dataclass
from typing import ClassVar

from anh_rollup.encoding.artifacts import ProgramHeader
from anh_rollup.encoding.scores import SumNode
from anh_rollup.protocol.calls import ContractCall
from anh_rollup.protocol.claims import Claim
from anh_rollup.protocol.game import Inputs, Output, RecordProof, TensorPath
from anh_rollup.protocol.jobs import Job


@dataclass(frozen=True, slots=True)
class Move(ContractCall):
    """A call that continues a game."""

    #: Whether the call has to be announced in an earlier block, because it wins a prize.
    sealed: ClassVar[bool] = False


# --- the accountant's


@dataclass(frozen=True, slots=True)
class RevealScores(Move):
    """Shows nodes of the score tree some levels below the chosen one."""

    nodes: tuple[SumNode, ...]


@dataclass(frozen=True, slots=True)
class RevealTrace(Move):
    """Shows the score program's header, nodes of the trace tree, and how the score leads to the last one."""

    header: ProgramHeader
    nodes: tuple[bytes, ...]
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RevealNodes(Move):
    """Shows nodes of the trace tree, or of a chunk tree, some levels below the chosen one."""

    nodes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RevealTensor(Move):
    """Shows a large tensor's shape, as hashed, and nodes of its chunk tree."""

    shape: bytes
    nodes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RevealElements(Move):
    """Shows a small tensor's shape, as hashed, and all of its elements, 4 bytes each."""

    shape: bytes
    elements: bytes


@dataclass(frozen=True, slots=True)
class RevealChunk(Move):
    """Shows the chosen chunk: 128 bytes."""

    chunk: bytes


@dataclass(frozen=True, slots=True)
class RevealSums(Move):
    """Shows the partial sums of an element, and the inputs that its end needs (a bias, say)."""

    record: RecordProof
    partials: tuple[int, ...]
    inputs: Inputs


# --- the challenger's


@dataclass(frozen=True, slots=True)
class ChooseScore(Move):
    """Chooses a revealed node of the score tree by its index in its level."""

    index: int
    child: SumNode
    proof: tuple[SumNode, ...]


@dataclass(frozen=True, slots=True)
class ChooseNode(Move):
    """Chooses a revealed node of the trace tree, or of a chunk tree, by its index in its level."""

    index: int
    child: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ChooseValue(Move):
    """Chooses an instruction whose tensor root is revealed."""

    index: int
    tensor: bytes
    proof: tuple[bytes, ...]
    record: RecordProof


@dataclass(frozen=True, slots=True)
class AskSums(Move):
    """Asks for the partial sums of an element with too many terms for one call."""

    output: Output
    record: RecordProof


@dataclass(frozen=True, slots=True)
class Prove(Move):
    """Has L1 compute one element."""

    sealed: ClassVar[bool] = True
    output: Output
    record: RecordProof
    inputs: Inputs


@dataclass(frozen=True, slots=True)
class ProveBlock(Move):
    """Has L1 compute one of the revealed partial sums."""

    sealed: ClassVar[bool] = True
    record: RecordProof
    partials: tuple[int, ...]
    block: int
    inputs: Inputs


@dataclass(frozen=True, slots=True)
class ProveSource(Move):
    """Shows that a source's tensor root in the trace is not the one that claim and job name."""

    sealed: ClassVar[bool] = True
    claim: Claim
    job: Job
    value: int
    tensor: bytes
    proof: tuple[bytes, ...]
    record: RecordProof
    path: TensorPath


# --- anybody's


@dataclass(frozen=True, slots=True)
class Timeout(Move):
    """Ends a game in which the other side's clock has run out."""


@dataclass(frozen=True, slots=True)
class VoidGame(Move):
    """Ends a game over a claim that was refuted elsewhere."""
