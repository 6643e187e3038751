"""The challenger's loops: read L1, decide, act, repeat. One plays games, one examines claims."""

import logging
from dataclasses import dataclass, field

from anh_rollup.challenger.checks import OpenGame
from anh_rollup.challenger.examine import Examiner, Verdict
from anh_rollup.challenger.strategy import (
    Action,
    Ask,
    Attack,
    Budget,
    ChallengerView,
    Examine,
    Expire,
    Open,
    Reclaim,
    Refute,
    RefuteUnanswered,
    Withdraw,
    decide,
)
from anh_rollup.errors import AnhError
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.disputes import DisputeChain
from anh_rollup.l1.docket import ClaimRecord
from anh_rollup.protocol.attack import decide_challenger

LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Challenger:
    """A challenger. Call `play` and `examine` again and again, from one thread each.

    Attributes:
        chain: The disputes on L1, and the account.
        examiner: Evaluates claims.
        budget: What may be put at stake.
    """

    chain: DisputeChain
    examiner: Examiner
    budget: Budget = field(default_factory=Budget)
    _verdicts: dict[bytes, Verdict] = field(default_factory=dict)
    _waiting: list[ClaimRecord] = field(default_factory=list)

    def play(self) -> list[Action]:
        """One round of everything but examining; gives what was tried.

        One action that fails does not stop the others (F18); it is tried again in the next round.

        Raises:
            L1Error: The chain cannot be read, or lags: nothing was done (F19).
        """
        decided = decide(self.look(), self.budget)
        self._waiting = [action.claim for action in decided if isinstance(action, Examine)]
        actions: list[Action] = [action for action in decided if not isinstance(action, Examine)]
        for action in actions:
            try:
                self.act(action)
            except AnhError as error:
                LOG.warning("%s: %s; next: %s", type(action).__name__, error.message, error.remedy)
        return actions

    def examine(self) -> bool:
        """Examines every claim that waits; whether there was one.

        A claim whose job cannot be read now is left for the next round; the others are not held up by it.
        """
        waiting, self._waiting = self._waiting, []
        for record in waiting:
            try:
                self._examine(record)
            except AnhError as error:
                LOG.warning("claim 0x%s: %s; next: %s", record.identifier.hex(), error.message, error.remedy)
        return bool(waiting)

    def look(self) -> ChallengerView:
        """What there is to see now."""
        head = self.chain.refresh()
        self.examiner.order.refresh()
        docket = self.chain.docket
        standing = [each for each in docket.claims.values() if each.state is ClaimState.STANDING]
        return ChallengerView(
            now=head.time,
            address=self.chain.address,
            docket=docket,
            statuses={each.identifier: self.chain.status(each.identifier) for each in standing},
            verdicts=dict(self._verdicts),
            rules=self.chain.rules,
            balance=self.chain.sender.balance(),
            credit=self.chain.contracts.bonds.credit_of(self.chain.address),
        )

    def act(self, action: Action) -> None:
        """Carries an action out.

        Raises:
            AnhError: It could not be; the next round decides anew.
        """
        claims, chain = self.chain.contracts.claims, self.chain
        match action:
            case Attack(_):
                self._attack(action)
            case Refute(call):
                request = chain.contracts.claim_arbiter.request(call.function, *call.arguments)
                chain.send_sealed(call.function, request)
            case Open(record, game, attempt):
                self._open(record, game, attempt)
            case Ask(asked):
                chain.send("demand", claims.demand(asked, chain.rules.demand_fee))
            case RefuteUnanswered(demand):
                chain.send("refuteUnanswered", claims.refute_unanswered(demand.asked))
            case Reclaim(demand):
                chain.send("reclaim", claims.reclaim(demand.asked))
            case Expire(claimant, commitment):
                self._expire(claimant, commitment)
            case Withdraw():
                chain.send("withdraw", chain.contracts.bonds.withdraw(chain.address))
            case Examine(record):
                self._examine(record)

    def _examine(self, record: ClaimRecord) -> None:
        answers = [each for each in self.chain.docket.answers if each.claim_id == record.identifier]
        self._verdicts[record.identifier] = self.examiner.examine(record, answers)

    def _open(self, record: ClaimRecord, game: OpenGame, attempt: int) -> None:
        contract, bond = self.chain.contracts.game, self.chain.rules.challenge_bond
        head = (record.claim, record.job, game.property, attempt.to_bytes(32, "big"))
        if game.opened is None:
            self.chain.send("openScores", contract.request("openScores", *head, value=bond))
        else:
            self.chain.send("open", contract.request("open", *head, *game.opened, value=bond))

    def _attack(self, action: Attack) -> None:
        position = action.game.position
        record = self.chain.docket.claims[position.claim]
        evaluated = self.examiner.evaluated(record.claim, record.job, position.property)
        view = self.chain.view(action.game, self.chain.client.head().time)
        move = decide_challenger(view, evaluated, record.claim, record.job)
        if move is not None:
            self.chain.play(view, move)

    def _expire(self, claimant: str, commitment: bytes) -> None:
        """Commitments that were opened leave no event of their own, so the contract is asked first."""
        claims = self.chain.contracts.claims
        if claims.committed(claimant, commitment).expires_at == 0:
            self.chain.docket.commitments.pop((claimant, commitment), None)
            return
        self.chain.send("expire", claims.expire(claimant, commitment))
