"""The Game: every move of both sides, and its events."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from anh_rollup.l1.contracts.base import Contract
from anh_rollup.l1.contracts.records import Inputs, Output, ProgramHeader, RecordProof, ScoreNode, TensorPath
from anh_rollup.l1.types import BlockId, TransactionRequest
from anh_rollup.protocol.claims import Claim
from anh_rollup.protocol.game import Position
from anh_rollup.protocol.jobs import Job


class Turn(IntEnum):
    """Whose clock runs."""

    NONE = 0
    ACCOUNTANT = 1
    CHALLENGER = 2
    OVER = 3


class Outcome(IntEnum):
    """How a game ended."""

    REFUTED = 0
    ACCOUNTANT_LATE = 1
    CHALLENGER_LATE = 2
    VOID = 3


@dataclass(frozen=True, slots=True)
class GameClock:
    """Seconds that each side has left, as of `since`."""

    accountant: int
    challenger: int
    since: int
    turn: Turn


@dataclass(frozen=True, slots=True)
class Opened:
    """A game began."""

    game: bytes
    claim: bytes
    challenger: str
    position: Position


@dataclass(frozen=True, slots=True)
class Chosen:
    """The challenger chose, or asked for partial sums."""

    game: bytes
    position: Position


@dataclass(frozen=True, slots=True)
class ScoresRevealed:
    """The accountant revealed nodes of the score tree."""

    game: bytes
    position: Position
    nodes: tuple[ScoreNode, ...]


@dataclass(frozen=True, slots=True)
class NodesRevealed:
    """The accountant revealed nodes of the trace tree or of a chunk tree."""

    game: bytes
    position: Position
    nodes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ElementsRevealed:
    """The accountant revealed elements, 4 bytes each."""

    game: bytes
    position: Position
    elements: bytes


@dataclass(frozen=True, slots=True)
class SumsRevealed:
    """The accountant revealed partial sums."""

    game: bytes
    position: Position
    partials: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Closed:
    """A game ended."""

    game: bytes
    claim: bytes
    outcome: Outcome


_EVENTS = (Opened, Chosen, ScoresRevealed, NodesRevealed, ElementsRevealed, SumsRevealed, Closed)


class Game(Contract):
    """Wrapper of contracts/Game.sol; every move names the position that it is made in."""

    NAME = "Game"
    EVENTS: ClassVar[Mapping[str, type]] = {item.__name__: item for item in _EVENTS}

    def open(
        self,
        claim: Claim,
        job: Job,
        property_index: int,
        salt: bytes,
        opened: tuple[int, int, tuple[ScoreNode, ...]],
        *,
        bond: int,
    ) -> TransactionRequest:
        """Opens a game over one sample; `opened` is (sample, score, proof)."""
        return self.request("open", claim, job, property_index, salt, *opened, value=bond)

    def open_scores(
        self, claim: Claim, job: Job, property_index: int, salt: bytes, *, bond: int
    ) -> TransactionRequest:
        """Opens a game over an unknown or inconsistent score tree."""
        return self.request("openScores", claim, job, property_index, salt, value=bond)

    def reveal_scores(
        self, game: bytes, position: Position, nodes: tuple[ScoreNode, ...]
    ) -> TransactionRequest:
        """Accountant: nodes of the score tree."""
        return self.request("revealScores", game, position, nodes)

    def choose_score(
        self, game: bytes, position: Position, index: int, child: ScoreNode, proof: tuple[ScoreNode, ...]
    ) -> TransactionRequest:
        """Challenger: one of the revealed nodes."""
        return self.request("chooseScore", game, position, index, child, proof)

    def reveal_trace(
        self,
        game: bytes,
        position: Position,
        header: ProgramHeader,
        nodes: tuple[bytes, ...],
        proof: tuple[bytes, ...],
    ) -> TransactionRequest:
        """Accountant: the top of the trace tree."""
        return self.request("revealTrace", game, position, header, nodes, proof)

    def choose_node(
        self, game: bytes, position: Position, index: int, child: bytes, proof: tuple[bytes, ...]
    ) -> TransactionRequest:
        """Challenger: one of the revealed nodes of a trace or chunk tree."""
        return self.request("chooseNode", game, position, index, child, proof)

    def reveal_nodes(self, game: bytes, position: Position, nodes: tuple[bytes, ...]) -> TransactionRequest:
        """Accountant: nodes below the chosen one."""
        return self.request("revealNodes", game, position, nodes)

    def choose_value(
        self,
        game: bytes,
        position: Position,
        index: int,
        leaf: tuple[bytes, tuple[bytes, ...]],
        record: RecordProof,
    ) -> TransactionRequest:
        """Challenger: an instruction; `leaf` is (tensor root, proof)."""
        return self.request("chooseValue", game, position, index, *leaf, record)

    def reveal_tensor(
        self, game: bytes, position: Position, shape: bytes, nodes: tuple[bytes, ...]
    ) -> TransactionRequest:
        """Accountant: the top of a large tensor's chunk tree."""
        return self.request("revealTensor", game, position, shape, nodes)

    def reveal_elements(
        self, game: bytes, position: Position, shape: bytes, elements: bytes
    ) -> TransactionRequest:
        """Accountant: all elements of a small tensor."""
        return self.request("revealElements", game, position, shape, elements)

    def reveal_chunk(self, game: bytes, position: Position, chunk: bytes) -> TransactionRequest:
        """Accountant: the chosen chunk's 128 bytes."""
        return self.request("revealChunk", game, position, chunk)

    def prove(
        self, game: bytes, position: Position, output: Output, record: RecordProof, inputs: Inputs
    ) -> TransactionRequest:
        """Challenger, sealed: a wrong element."""
        return self.request("prove", game, position, output, record, inputs)

    def ask_sums(
        self, game: bytes, position: Position, output: Output, record: RecordProof
    ) -> TransactionRequest:
        """Challenger: asks for an element's partial sums."""
        return self.request("askSums", game, position, output, record)

    def reveal_sums(
        self, game: bytes, position: Position, record: RecordProof, partials: tuple[int, ...], inputs: Inputs
    ) -> TransactionRequest:
        """Accountant: the partial sums."""
        return self.request("revealSums", game, position, record, partials, inputs)

    def prove_block(
        self,
        game: bytes,
        position: Position,
        record: RecordProof,
        block: tuple[tuple[int, ...], int],
        inputs: Inputs,
    ) -> TransactionRequest:
        """Challenger, sealed: a wrong partial sum; `block` is (partials, index)."""
        return self.request("proveBlock", game, position, record, *block, inputs)

    def prove_source(
        self,
        game: bytes,
        position: Position,
        terms: tuple[Claim, Job],
        leaf: tuple[int, bytes, tuple[bytes, ...]],
        record: RecordProof,
        *,
        path: TensorPath,
    ) -> TransactionRequest:
        """Challenger, sealed: a wrong source; `leaf` is (value, tensor root, proof)."""
        return self.request("proveSource", game, position, *terms, *leaf, record, path)

    def timeout(self, game: bytes, position: Position) -> TransactionRequest:
        """Ends a game whose mover is late."""
        return self.request("timeout", game, position)

    def void_game(self, game: bytes, position: Position) -> TransactionRequest:
        """Ends a game over a claim that fell elsewhere."""
        return self.request("voidGame", game, position)

    def position_hash(self, game: bytes, at: BlockId = "latest") -> bytes:
        """Hash of a game's position; zeros where it is not open."""
        return bytes(self.read("positions", game, at=at)[0])

    def clocks(self, game: bytes, at: BlockId = "latest") -> GameClock:
        """A game's clocks."""
        return self.read_record(GameClock, "clocks", game, at=at)

    def game_id(self, claim_id: bytes, challenger: str, salt: bytes) -> bytes:
        """The id of a game."""
        return bytes(self.read("gameId", claim_id, challenger, salt)[0])

    def challenge_bond(self) -> int:
        """Wei that a challenger bonds."""
        return int(self.read("challengeBond")[0])
