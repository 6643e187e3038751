"""The Game's events and views; its moves are calls that `protocol.attack` and `.defence` decide on."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final

from anh_rollup.encoding.scores import SumNode
from anh_rollup.l1.contracts.base import Contract
from anh_rollup.l1.types import BlockId
from anh_rollup.protocol.game import Clock, Position


class GameOutcome(IntEnum):
    """How a game ended."""

    REFUTED = 0
    ACCOUNTANT_LATE = 1
    CHALLENGER_LATE = 2
    VOID = 3


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
    nodes: tuple[SumNode, ...]


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
    outcome: GameOutcome


_EVENTS: Final = (Opened, Chosen, ScoresRevealed, NodesRevealed, ElementsRevealed, SumsRevealed, Closed)


class Game(Contract):
    """Wrapper of contracts/Game.sol; every move names the position that it is made in."""

    NAME = "Game"
    EVENTS: ClassVar[Mapping[str, type]] = {item.__name__: item for item in _EVENTS}

    def position_hash(self, game: bytes, at: BlockId = "latest") -> bytes:
        """Hash of a game's position; zeros where it is not open."""
        return bytes(self.read("positions", game, at=at)[0])

    def clocks(self, game: bytes, at: BlockId = "latest") -> Clock:
        """A game's clocks."""
        return self.read_record(Clock, "clocks", game, at=at)
