"""The disputes on L1 as a role reads and moves them: the docket, clocks, moves, sealed calls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from anh_rollup.errors import AnhError
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.contracts.claims import ClaimRules, ClaimState, ClaimStatus
from anh_rollup.l1.deployment import Contracts, Deployment, bind
from anh_rollup.l1.docket import Docket, GameRecord
from anh_rollup.l1.docket_reader import DocketReader
from anh_rollup.l1.errors import L1RevertedError, TransientL1Error, is_unsealed
from anh_rollup.l1.forgetting import Forgetting
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.l1.types import Block, Receipt, TransactionRequest
from anh_rollup.primitives import Gas, Seconds, Wei
from anh_rollup.protocol.claims import seal
from anh_rollup.protocol.game import GameView, position_hash
from anh_rollup.protocol.moves import Move

#: A call of a contract: its function, and the transaction that makes it.
Call = tuple[str, TransactionRequest]


class LaggingNodeError(TransientL1Error):
    """The L1 node is behind: deciding on its view could lose a bond, so nothing is done.

    Attributes:
        detail: What shows that it is behind.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(
            f"the L1 node lags: {detail}",
            remedy="Nothing is moved until it has caught up; use another L1 endpoint if it does not.",
        )
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Freshness:
    """When an L1 view is too old to decide on.

    Attributes:
        most_seconds: Greatest age of the latest block; None where blocks come only with transactions.
        clock: The wall clock, seconds since 1970.
    """

    most_seconds: Seconds | None
    clock: Callable[[], float]

    def require(self, head: Block, highest: int) -> None:
        """Checks a node's head.

        Args:
            head: The block.
            highest: Number of the highest block that was read before.

        Raises:
            LaggingNodeError: It is too old, or behind what was seen.
        """
        if head.number < highest:
            raise LaggingNodeError(f"its head {head.number} is below block {highest}, seen before")
        age = int(self.clock()) - head.time
        if self.most_seconds is not None and age > self.most_seconds:
            raise LaggingNodeError(f"its head is {age} s old, and {self.most_seconds} s are allowed")


@dataclass(slots=True)
class Spending:
    """Gas and wei that a role has spent since it started.

    Attributes:
        gas: Gas used.
        cost: Wei paid for it.
        calls: How often each function was called.
    """

    gas: Gas = Gas(0)
    cost: Wei = Wei(0)
    calls: dict[str, int] = field(default_factory=dict)

    def add(self, function: str, receipt: Receipt) -> None:
        """Counts one mined transaction."""
        self.gas = Gas(self.gas + receipt.gas_used)
        self.cost = Wei(self.cost + receipt.cost)
        self.calls[function] = self.calls.get(function, 0) + 1

    def send_all(self, sender: TransactionSender, calls: Sequence[Call]) -> list[AnhError | None]:
        """Sends a group of calls at once and counts what they cost; for each its error, or None.

        Raises:
            L1Error: Nothing was sent (see `TransactionSender.send_all`).
        """
        outcomes = sender.send_all([request for _, request in calls])
        for (function, _), outcome in zip(calls, outcomes, strict=True):
            if isinstance(outcome, Receipt):
                self.add(function, outcome)
        return [None if isinstance(outcome, Receipt) else outcome for outcome in outcomes]


class DisputeChain:
    """A role's access to the disputes on L1; keeps nothing that it cannot read again.

    Args:
        deployment: Where the contracts are.
        sender: The role's account.
        freshness: When to refuse to decide.
    """

    def __init__(self, deployment: Deployment, sender: TransactionSender, freshness: Freshness) -> None:
        self.contracts: Contracts = bind(deployment, sender.client)
        self.l2_chain_id = deployment.l2_chain_id
        self.sender = sender
        self.spending = Spending()
        self._freshness = freshness
        read = [self.contracts.claims, self.contracts.game]
        self._reader = DocketReader(sender.client, read, deployment.start)
        self._forgetting = Forgetting(str(sender.address))
        self._highest = 0
        self._rules: ClaimRules | None = None

    @property
    def docket(self) -> Docket:
        """Claims, games and demands, as of the last `refresh`."""
        return self._reader.docket

    @property
    def client(self) -> L1Client:
        """The chain."""
        return self.sender.client

    @property
    def address(self) -> str:
        """The role's account."""
        return self.sender.address

    @property
    def rules(self) -> ClaimRules:
        """What was fixed at deployment."""
        if self._rules is None:
            self._rules = self.contracts.claims.rules()
        return self._rules

    def refresh(self) -> Block:
        """Reads what is new, and forgets what is over for long; the block that the docket now stands at.

        Raises:
            LaggingNodeError: The node's head is old, or behind one that was seen before.
            TransientL1Error: L1 cannot be read.
        """
        head = self.client.head()
        self._freshness.require(head, self._highest)
        reorg = self._reader.refresh().reorg
        known = self._highest if reorg is None else reorg.to.number
        self._highest = max(known, self._reader.cursor.number)
        self._forgetting.tidy(self.docket, head.time)
        return head

    def status(self, claim: bytes) -> ClaimStatus:
        """What a claim has come to, by the contract."""
        return self.contracts.claims.status(claim)

    def view(self, game: GameRecord, now: Seconds) -> GameView:
        """A game as its players see it.

        Raises:
            LaggingNodeError: Events and contract disagree about where it stands.
        """
        held = self.contracts.game.position_hash(game.identifier)
        if held != position_hash(game.position):
            raise LaggingNodeError(f"game 0x{game.identifier.hex()[:8]} stands elsewhere than its events say")
        clock = self.contracts.game.clocks(game.identifier)
        stands = self.status(game.position.claim).state is ClaimState.STANDING
        return GameView(game.identifier, game.position, clock, game.reveals, now, stands)

    def move(self, view: GameView, move: Move) -> Call:
        """The call that makes a move in a game."""
        return move.function, self.contracts.game.request_for(move, view.game, view.position)

    def play(self, view: GameView, move: Move) -> None:
        """Makes a move in a game; a sealed one may take another round."""
        send = self.send_sealed if move.sealed else self.send
        send(*self.move(view, move))

    def send(self, function: str, request: TransactionRequest) -> None:
        """Sends a transaction and counts what it cost."""
        self.spending.add(function, self.sender.send(request))

    def send_all(self, calls: Sequence[Call]) -> list[AnhError | None]:
        """Sends a group of calls at once and counts what they cost; for each its error, or None.

        Raises:
            L1Error: Nothing was sent (see `TransactionSender.send_all`).
        """
        return self.spending.send_all(self.sender, calls)

    def send_sealed(self, function: str, request: TransactionRequest) -> None:
        """Announces a call, or makes it if an earlier block has announced it; a later round tries again."""
        digest = seal(self.address, request.data)
        claims = self.contracts.claims
        if claims.sealed_at(digest) == 0:
            self.send("seal", claims.seal(digest))
        try:
            self.send(function, request)
        except L1RevertedError as error:
            if not is_unsealed(error):
                raise
