"""L1 as somebody sees it who only looks: every event so far, and the docket made of them."""

from dataclasses import dataclass, field
from typing import Any

from anh_rollup.errors import AnhError
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.contracts.base import Emitted
from anh_rollup.l1.deployment import Contracts, Deployment, bind
from anh_rollup.l1.docket import ClaimRecord, Docket, GameRecord
from anh_rollup.l1.docket_reader import DocketReader
from anh_rollup.l1.types import Log


class UnknownOnL1Error(AnhError):
    """L1's events know nothing of an id.

    Attributes:
        kind: Claim, game or job.
        identifier: The id.
    """

    def __init__(self, kind: str, identifier: bytes) -> None:
        super().__init__(
            f"L1 knows no {kind} 0x{identifier.hex()}",
            remedy="Check the id and --deployment; `anh job status` lists the claims of a job.",
        )
        self.kind = kind
        self.identifier = identifier


@dataclass(slots=True)
class L1View:
    """Reads a rollup's events on L1.

    Attributes:
        client: The chain.
        deployment: Where the contracts are.
        events: Every event, oldest first, as of the last `refresh`.
    """

    client: L1Client
    deployment: Deployment
    events: list[Emitted[Any]] = field(default_factory=list)
    contracts: Contracts = field(init=False)
    _reader: DocketReader = field(init=False)

    def __post_init__(self) -> None:
        """Binds the contracts."""
        self.contracts = at = bind(self.deployment, self.client)
        read = [at.inbox, at.claims, at.game, at.bonds, at.ledger_claims]
        self._reader = DocketReader(self.client, read, self.deployment.start)

    @property
    def docket(self) -> Docket:
        """Claims, games and demands, as of the last `refresh`."""
        return self._reader.docket

    def refresh(self) -> list[Emitted[Any]]:
        """Reads on; what is new. After a reorg everything is read again, and nothing counts as new twice."""
        seen = {_identity(each.log) for each in self.events}
        reading = self._reader.refresh()
        if reading.reorg is not None:
            self.events = []
        self.events.extend(reading.emitted)
        return [each for each in reading.emitted if _identity(each.log) not in seen]

    def claim(self, identifier: bytes) -> ClaimRecord:
        """A revealed claim.

        Raises:
            UnknownOnL1Error: There is none of this id.
        """
        if identifier not in self.docket.claims:
            raise UnknownOnL1Error("claim", identifier)
        return self.docket.claims[identifier]

    def game(self, identifier: bytes) -> GameRecord:
        """A game.

        Raises:
            UnknownOnL1Error: There is none of this id.
        """
        if identifier not in self.docket.games:
            raise UnknownOnL1Error("game", identifier)
        return self.docket.games[identifier]

    def games_over(self, claim: bytes) -> list[GameRecord]:
        """Every game over a claim, oldest first."""
        return [each for each in self.docket.games.values() if each.position.claim == claim]


def _identity(log: Log) -> tuple[bytes, bytes, bytes]:
    """What makes an event the same one, also in another block."""
    return log.transaction, log.data, b"".join(log.topics)
