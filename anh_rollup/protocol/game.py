"""The game's records as the contract knows them, and whose turn it is (contracts/interfaces/IGame.sol).

The contract stores only the hash of the position; every move shows the position it is made in. A late or
repeated move therefore names a position that is gone and reverts, whatever a reorg did in between.
"""

from dataclasses import astuple, dataclass
from enum import IntEnum
from typing import Final

from eth_abi.abi import encode

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.scores import SumNode
from anh_rollup.encoding.tensors import Opening
from anh_rollup.primitives import ZERO_DIGEST, Seconds


class Side(IntEnum):
    """Whose turn it is; the numbers are the contract's."""

    NONE = 0
    ACCOUNTANT = 1
    CHALLENGER = 2
    OVER = 3


class Phase(IntEnum):
    """What the side to move has to do; the numbers are the contract's."""

    NONE = 0
    SCORES = 1
    CHOOSE_SCORE = 2
    TRACE = 3
    CHOOSE_VALUE = 4
    TRACE_NODES = 5
    TENSOR = 6
    CHOOSE_CHUNK = 7
    TENSOR_NODES = 8
    CHUNK = 9
    PROVE = 10
    SUMS = 11
    CHOOSE_BLOCK = 12


#: The phases in which the accountant has to reveal something; in the others the challenger chooses or proves.
REVEALING: Final = frozenset(
    {Phase.SCORES, Phase.TRACE, Phase.TRACE_NODES, Phase.TENSOR, Phase.TENSOR_NODES, Phase.CHUNK, Phase.SUMS}
)


def turn(phase: Phase) -> Side:
    """Who has to move in a phase."""
    return Side.ACCOUNTANT if phase in REVEALING else Side.CHALLENGER


@dataclass(frozen=True, slots=True)
class Position:
    """Everything that a game is about at one moment; fields that a phase does not use yet are 0.

    Attributes:
        claim: Id of the claim under dispute.
        accountant: Its claimant.
        challenger: Who opened the game.
        property: Index of the property in the job.
        phase: What comes next.
        sample: Index of the sample under dispute, from TRACE on.
        score: While the score tree is descended the sum below `node`, then the score, from SUMS on the
            claimed element.
        program: Root of the score program; after the trace was revealed the root of its record tree.
        trace_root: Root of the accountant's trace, once revealed.
        value_count: Number of the program's values, once the trace was revealed.
        node: Hash of the node under descent: of the score tree, the trace tree or a chunk tree.
        level: Its level; 0 is the leaves.
        index: Its index in that level.
        leaves: Leaves of the tree under descent: samples, values or chunks.
        value: The chosen instruction, from TENSOR on.
        tensor: Its tensor root in the accountant's trace.
        shape: keccak of its shape's bytes.
        elements: Number of its elements.
        element: Flat index of the disputed element, from SUMS on.
        partials: Hash of the revealed partial sums, in CHOOSE_BLOCK.
    """

    claim: bytes
    accountant: str
    challenger: str
    property: int
    phase: Phase
    sample: int
    score: int
    program: bytes
    trace_root: bytes
    value_count: int
    node: bytes
    level: int
    index: int
    leaves: int
    value: int
    tensor: bytes
    shape: bytes
    elements: int
    element: int
    partials: bytes


POSITION_TYPE: Final = (
    "(bytes32,address,address,uint8,uint8,uint32,int64,bytes32,bytes32,uint32,"
    "bytes32,uint8,uint32,uint32,uint32,bytes32,bytes32,uint32,uint32,bytes32)"
)


def position_hash(position: Position) -> bytes:
    """keccak(abi.encode(position)): what the contract stores of a game."""
    return keccak256(encode([POSITION_TYPE], [astuple(position)]))


def game_id(claim: bytes, challenger: str, salt: bytes) -> bytes:
    """A game's name: keccak(abi.encode(claim id, challenger, salt))."""
    return keccak256(encode(["bytes32", "address", "bytes32"], [claim, challenger, salt]))


@dataclass(frozen=True, slots=True)
class Clock:
    """A game's chess clocks.

    Attributes:
        accountant: Seconds that the accountant has left, as of `since`.
        challenger: Seconds that the challenger has left, as of `since`.
        since: L1 time at which the turn began.
        turn: Whose turn it is.
    """

    accountant: Seconds
    challenger: Seconds
    since: Seconds
    turn: Side

    @property
    def end(self) -> Seconds:
        """The L1 time from which the side to move is too late."""
        left = self.accountant if self.turn is Side.ACCOUNTANT else self.challenger
        return Seconds(self.since + left)

    def has_run_out(self, now: Seconds) -> bool:
        """Whether the side to move has lost on time."""
        return now >= self.end


@dataclass(frozen=True, slots=True)
class RecordProof:
    """A value's record, and the siblings from its hash to the root of the record tree."""

    record: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Inputs:
    """Tensors that an instruction reads, opened against the accountant's trace.

    Attributes:
        openings: One for each input; an empty one where the element does not need it.
        proofs: From each input's tensor root to the trace root; empty beside an empty opening.
    """

    openings: tuple[Opening, ...]
    proofs: tuple[tuple[bytes, ...], ...]


@dataclass(frozen=True, slots=True)
class Output:
    """An element of a value's tensor, opened against the accountant's trace.

    Attributes:
        value: The value.
        element: Flat index of the element.
        opening: The chunk that holds it.
        proof: Siblings from the tensor root to the trace root.
    """

    value: int
    element: int
    opening: Opening
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class TensorPath:
    """The way from a model's or data set's root to one tensor.

    Attributes:
        count: Leaves of the artifact: parameters or samples.
        tree_root: Root over these leaves.
        tensors: Of the leaf: its tensor root (model) or the sample's tensor roots (data set).
        proof: Siblings from the leaf to `tree_root`.
        shape: Rank and dims of the tensor, as hashed; empty where the contract does not ask for it.
        chunks_root: Root over the tensor's chunks; zeros where the contract does not ask for it.
    """

    count: int
    tree_root: bytes
    tensors: tuple[bytes, ...]
    proof: tuple[bytes, ...]
    shape: bytes = b""
    chunks_root: bytes = ZERO_DIGEST


@dataclass(frozen=True, slots=True)
class Reveal:
    """What one move of the accountant showed.

    Attributes:
        position: The position after the move.
        nodes: Nodes of the trace tree or of a chunk tree.
        scores: Nodes of the score tree.
        elements: Bytes of elements: all of a small tensor, or one chunk.
        sums: Partial sums.
    """

    position: Position
    nodes: tuple[bytes, ...] = ()
    scores: tuple[SumNode, ...] = ()
    elements: bytes = b""
    sums: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class GameView:
    """A game as its players see it.

    Attributes:
        game: Its id.
        position: Where it stands.
        clock: Its clocks.
        reveals: What the accountant revealed so far, oldest first.
        now: L1 time that the next block will have at least.
        stands: Whether the claim stands, as opposed to having been refuted elsewhere.
    """

    game: bytes
    position: Position
    clock: Clock
    reveals: tuple[Reveal, ...]
    now: Seconds
    stands: bool = True
