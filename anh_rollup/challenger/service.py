"""The challenger's loops: read L1, decide, act, repeat. One plays games, one examines claims."""

import logging
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from anh_rollup.background import Background
from anh_rollup.bulkhead import Bulkhead
from anh_rollup.challenger.actions import (
    Action,
    Ask,
    Attack,
    Examine,
    Expire,
    Leave,
    Open,
    Reclaim,
    Refute,
    RefuteUnanswered,
    Withdraw,
    subject,
)
from anh_rollup.challenger.examine import Examiner, Verdict
from anh_rollup.challenger.strategy import Budget, ChallengerView, decide
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.disputes import DisputeChain
from anh_rollup.l1.docket import ClaimRecord
from anh_rollup.l1.errors import TransientL1Error
from anh_rollup.protocol.attack import decide_challenger
from anh_rollup.protocol.game import GameView
from anh_rollup.protocol.moves import Move
from anh_rollup.protocol.refutations import OpenGame

LOG = logging.getLogger(__name__)

#: Seconds in which an examination has to fetch all that it needs (choice); the next one goes on from there.
MOST_SECONDS_OF_FETCHING: Final = 300.0


@dataclass(slots=True)
class Challenger:
    """A challenger. Call `play` and `examine` again and again, from one thread each, and `close` in the end.

    Attributes:
        chain: The disputes on L1, and the account.
        examiner: Evaluates claims.
        budget: What may be put at stake.
        patience: Seconds that a round of `examine` waits for what goes on before new claims are looked at.
    """

    chain: DisputeChain
    examiner: Examiner
    budget: Budget = field(default_factory=Budget)
    patience: float = 10.0
    _examinations: Background = field(default_factory=Background)
    _acting: Bulkhead = field(default_factory=lambda: Bulkhead(healing=(TransientL1Error,)))
    _verdicts: dict[bytes, Verdict] = field(default_factory=dict)
    _waiting: list[ClaimRecord] = field(default_factory=list)
    _disputed: list[tuple[ClaimRecord, int]] = field(default_factory=list)
    _left: set[bytes] = field(default_factory=set)

    def play(self) -> list[Action]:
        """One round of everything but examining; gives what was tried.

        One action that fails, in whatever way, does not stop the others. It is tried again: in the next round
        where L1 is to blame, later and later otherwise.

        Raises:
            TransientL1Error: The chain cannot be read, or lags: nothing was done.
        """
        decided = decide(self.look(), self.budget)
        self._waiting = [action.claim for action in decided if isinstance(action, Examine)]
        self._disputed = []
        self._acting.begin_round()
        tried: list[Action] = []
        for action in decided:
            key, name = subject(action)
            if not isinstance(action, Examine) and self._acting.is_due(key):
                tried.append(action)
                self._acting.run(key, name, partial(self.act, action))
        return tried

    def examine(self) -> bool:
        """Begins to examine every claim that waits, several at a time; whether there was one.

        A claim that cannot be judged now is tried again after some rounds; no other is held up by it.
        """
        (waiting, self._waiting), (disputed, self._disputed) = (self._waiting, []), (self._disputed, [])
        self._examinations.begin_round()
        for record in waiting:
            self._begin(record.identifier, record, partial(self._examine, record))
        for record, index in disputed:
            work = partial(self.examiner.evaluated, record.claim, record.job, index, urgent=True)
            self._begin((record.identifier, index), record, work)
        self._examinations.wait(self.patience)
        return bool(waiting or disputed)

    def close(self) -> None:
        """Begins no more examinations."""
        self._examinations.close()

    def _begin(self, key: Hashable, record: ClaimRecord, work: Callable[[], object]) -> None:
        self._examinations.begin(key, f"Examine, claim 0x{record.identifier.hex()}", work)

    def look(self) -> ChallengerView:
        """What there is to see now."""
        head = self.chain.refresh()
        self.examiner.order.refresh()
        docket = self.chain.docket
        standing = [each for each in docket.claims.values() if each.state is ClaimState.STANDING]
        self._forget_all_but(standing)
        own = [each for each in docket.open_games() if each.position.challenger == self.chain.address]
        self.examiner.need_only([docket.claims[each.position.claim] for each in own])
        # Before the verdicts: what ends in between is seen as going on, and looked at again in a later round.
        running = self._examinations.running
        return ChallengerView(
            now=head.time,
            address=self.chain.address,
            docket=docket,
            statuses={each.identifier: self.chain.status(each.identifier) for each in standing},
            verdicts=dict(self._verdicts),
            rules=self.chain.rules,
            balance=self.chain.sender.balance(),
            credit=self.chain.contracts.bonds.credit_of(self.chain.address),
            examining=frozenset(each.identifier for each in standing if each.identifier in running),
        )

    def _forget_all_but(self, standing: list[ClaimRecord]) -> None:
        """Lets go of what was found about claims that are over."""
        self.examiner.forget_all_but(standing)
        kept = {each.identifier for each in standing}
        for identifier in [each for each in list(self._verdicts) if each not in kept]:
            del self._verdicts[identifier]
        self._left &= kept

    def act(self, action: Action) -> None:
        """Carries an action out.

        Raises:
            AnhError: It could not be; the next round decides anew.
        """
        claims, chain = self.chain.contracts.claims, self.chain
        match action:
            case Attack(_):
                self._attack(action)
            case Refute(_, call):
                chain.send_sealed(call.function, chain.contracts.claim_arbiter.request_for(call))
            case Open(record, game, attempt):
                self._open(record, game, attempt)
            case Leave(_):
                self._leave(action)
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

    def _examine(self, record: ClaimRecord) -> None:
        answers = [each for each in self.chain.docket.answers if each.claim_id == record.identifier]
        examiner = self.examiner.within(MOST_SECONDS_OF_FETCHING)
        self._verdicts[record.identifier] = examiner.examine(record, answers)

    def _open(self, record: ClaimRecord, game: OpenGame, attempt: int) -> None:
        contract, bond = self.chain.contracts.game, self.chain.rules.challenge_bond
        head = (record.claim, record.job, game.property, attempt.to_bytes(32, "big"))
        if game.opened is None:
            self.chain.send("openScores", contract.request("openScores", *head, value=bond))
        else:
            self.chain.send("open", contract.request("open", *head, *game.opened, value=bond))

    def _attack(self, action: Attack) -> None:
        answer = self.answer(action)
        if answer is not None:
            self.chain.play(*answer)

    def answer(self, action: Attack) -> tuple[GameView, Move] | None:
        """The move that an attack takes now, with the state of the game that it answers; None for no move."""
        position = action.game.position
        record = self.chain.docket.claims[position.claim]
        evaluated = self.examiner.known(record.claim, record.job, position.property)
        if evaluated is None:
            self._disputed.append((record, position.property))
        view = self.chain.view(action.game, self.chain.client.head().time)
        move = decide_challenger(view, evaluated, record.claim, record.job)
        return None if move is None else (view, move)

    def _leave(self, action: Leave) -> None:
        """Says once that a claim is left."""
        if action.claim.identifier not in self._left:
            self._left.add(action.claim.identifier)
            LOG.warning(
                "claim 0x%s: its withheld result costs %d wei in demands, and %d are the most; next: get the "
                "result from elsewhere into the store, or raise --most-demand-fees or --most-lost-fees",
                action.claim.identifier.hex(), action.cost, action.most,
            )  # fmt: skip

    def _expire(self, claimant: str, commitment: bytes) -> None:
        """Commitments that were opened leave no event of their own, so the contract is asked first."""
        claims = self.chain.contracts.claims
        if claims.committed(claimant, commitment).expires_at == 0:
            self.chain.docket.close_commitment(claimant, commitment)
            return
        self.chain.send("expire", claims.expire(claimant, commitment))
