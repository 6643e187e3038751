"""The accountant's loops: read L1 and the order, decide, act, repeat. One works, one defends."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from eth_account.signers.local import LocalAccount

from anh_rollup.accountant.actions import (
    Action,
    Advance,
    Answer,
    Commit,
    Defend,
    Finalize,
    Release,
    Renew,
    Retract,
    Reveal,
    Withdraw,
    Work,
    subject,
)
from anh_rollup.accountant.answers import answer_from_answers, answer_from_model
from anh_rollup.accountant.conduct import HONEST, Conduct
from anh_rollup.accountant.drafts import Draft, Drafts, salt_for
from anh_rollup.accountant.preparations import MOST_LIGHT, Preparations
from anh_rollup.accountant.strategy import AccountantView, Conditions, decide, is_over
from anh_rollup.accountant.work import Result, Worker, make_claim, require_unrefuted, scores_of
from anh_rollup.bulkhead import Bulkhead
from anh_rollup.errors import AnhError
from anh_rollup.evaluation.evaluations import Key, property_key, property_keys
from anh_rollup.evaluation.turns import TurnLostError
from anh_rollup.evaluation.workload import multiply_adds
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.disputes import Call, DisputeChain
from anh_rollup.l1.docket import ClaimRecord
from anh_rollup.l1.errors import L1Error, TransientL1Error
from anh_rollup.l1.forgetting import SECONDS_OF_REORGS
from anh_rollup.l1.sender import MOST_IN_FLIGHT
from anh_rollup.primitives import Seconds
from anh_rollup.protocol.checks import check_order
from anh_rollup.protocol.claims import Claim
from anh_rollup.protocol.defence import decide_accountant
from anh_rollup.protocol.evaluated import EvaluatedProperty
from anh_rollup.protocol.jobs import Job, JobKind
from anh_rollup.protocol.orders import OrderedJob, OrderFollower
from anh_rollup.storage.errors import ArtifactError

LOG: Final = logging.getLogger(__name__)

#: Announcements: their clock is the shortest, so nothing is computed before they are sent.
ANNOUNCED: Final = (Reveal, Retract)

#: What is prepared in threads: evaluations, traces and large artifacts take minutes to hours.
PREPARED: Final = (Defend, Answer)


def _sample(action: Defend | Answer) -> int:
    """Moves about one sample follow each other, so that one trace serves them all; answers come first."""
    return action.game.position.sample if isinstance(action, Defend) else -1


def _fail(error: AnhError) -> None:
    """Raises an error that a transaction of a group ended with, so that it is told and counted."""
    raise error


@dataclass(slots=True)
class Accountant:
    """An accountant. Call `defend` and `work` again and again, from one thread each.

    Attributes:
        chain: The disputes on L1, and the account.
        account: The key, from which salts are derived.
        order: Where jobs come from.
        worker: Does the work.
        drafts: Claims that were made ready.
        conditions: What it works for.
        uri: Where others find its artifacts.
        conduct: Honest, or a drill.
        patience: Seconds that a round of `defend` waits for moves that are soon ready.
    """

    chain: DisputeChain
    account: LocalAccount
    order: OrderFollower
    worker: Worker
    drafts: Drafts
    conditions: Conditions = field(default_factory=Conditions)
    uri: str = ""
    conduct: Conduct = HONEST
    patience: float = 1.0
    _acting: Bulkhead = field(default_factory=lambda: Bulkhead(healing=(TransientL1Error,)))
    _working: Bulkhead = field(default_factory=lambda: Bulkhead(passing=(ArtifactError, TurnLostError)))
    _view: AccountantView | None = None
    _preparations: Preparations = field(default_factory=Preparations)
    _over_since: dict[bytes, Seconds] = field(default_factory=dict)

    def defend(self) -> list[Action]:
        """One round of everything but the work itself; gives what was tried.

        Hidden claims are announced before anything is computed. A move that is not ready is sent in a later
        round. Up to `MOST_IN_FLIGHT` transactions are sent at once. One action that fails, in whatever way,
        does not stop the others. It is tried again: in the next round where L1 is to blame, later and later
        otherwise.

        Raises:
            TransientL1Error: The chain cannot be read, or lags: nothing was done.
        """
        if self._view is None:
            self.drafts.attempts.tell()
        self._view = self.look()
        self._acting.begin_round()
        decided = decide(self._view, self.conditions)
        due = (each for each in decided if self._acting.is_due(subject(each)[0]))
        tried: list[Action] = [each for each in due if not isinstance(each, Work)]
        self._act_all([each for each in tried if isinstance(each, ANNOUNCED)], self.call)
        self._prepare_all([each for each in tried if isinstance(each, PREPARED)])
        self._act_all([each for each in tried if not isinstance(each, ANNOUNCED)], self._ready_call)
        return tried

    def close(self) -> None:
        """Prepares no more moves."""
        self._preparations.close()

    def _prepare_all(self, actions: Sequence[Defend | Answer]) -> None:
        """Begins to prepare moves and answers, and waits a moment for what is soon ready."""
        self._preparations.begin_round(actions)
        for action in sorted(actions, key=_sample):
            key, name = subject(action)
            if self._acting.is_due(("Prepare", key)):
                self._acting.run(("Prepare", key), name, partial(self._begin, action))
        if actions:
            self._preparations.wait(self.patience)

    def _begin(self, action: Defend | Answer) -> None:
        """Begins to prepare a call; games about one property wait for its evaluation as one piece of work."""
        key: Action | Key = action
        if isinstance(action, Defend) and not self.worker.is_known(*self._disputed(action)):
            key = property_key(*self._disputed(action))
        self._preparations.begin(key, subject(action)[1], partial(self._prepare, action))

    def _disputed(self, action: Defend) -> tuple[Job, bytes, int]:
        """What a game is about: a job, the root of its result, and one of the job's properties."""
        record = self.chain.docket.claims[action.game.position.claim]
        return record.job, record.claim.result, action.game.position.property

    def _prepare(self, action: Defend | Answer) -> None:
        """Prepares a call; what has to be evaluated for it must not hold up the traces of others."""
        cost = MOST_LIGHT + 1  # the result is read, whatever its size
        if isinstance(action, Defend):
            evaluated = self.worker.evaluated(*self._disputed(action), urgent=True)
            cost = multiply_adds(evaluated.program, 1)
        self._preparations.keep(action, cost, partial(self.call, action))

    def _ready_call(self, action: Action) -> Call | None:
        return self._preparations.take(action) if isinstance(action, PREPARED) else self.call(action)

    def _act_all(self, actions: Sequence[Action], call_of: Callable[[Action], Call | None]) -> None:
        for start in range(0, len(actions), MOST_IN_FLIGHT):
            self._act_at_once(actions[start : start + MOST_IN_FLIGHT], call_of)

    def _act_at_once(self, actions: Sequence[Action], call_of: Callable[[Action], Call | None]) -> None:
        """Carries actions out in one group of transactions: a move must not wait for the block of another."""
        calls: list[tuple[Action, Call]] = []

        def make(action: Action) -> None:
            call = call_of(action)
            if call is not None:
                calls.append((action, call))

        for action in actions:
            self._acting.run(*subject(action), partial(make, action))
        errors = self._send_all([call for _, call in calls])
        for (action, _), error in zip(calls, errors, strict=True):
            if error is None:
                LOG.info("%s: on L1", subject(action)[1])
            else:
                self._acting.run(*subject(action), partial(_fail, error))

    def _send_all(self, calls: Sequence[Call]) -> Sequence[AnhError | None]:
        try:
            return self.chain.send_all(calls) if calls else ()
        except L1Error as error:
            return [error] * len(calls)

    def work(self) -> bool:
        """Does the best job that waits, and keeps the draft of its claim; whether there was one.

        A job whose artifacts cannot be had, or that gets no turn, is tried again after some rounds; one that
        fails in another way is given up until the next start, one that ends the process after some starts.
        None holds up other jobs.
        """
        view = self._view
        if view is None:
            return False
        self._working.begin_round()
        self._working.forget_all_but({each.transaction for each in view.jobs})
        for action in decide(view, self.conditions):
            if isinstance(action, Work) and self._is_open(action.ordered.transaction):
                self._working.run(*subject(action), partial(self._attempt, action.ordered))
                return True
        return False

    def _attempt(self, ordered: OrderedJob) -> None:
        """Does a job, unless it ends this process: then the next one knows that it was begun."""
        attempts = self.drafts.attempts
        attempts.begin(ordered.transaction)
        try:
            self.perform(ordered)
        finally:
            attempts.end(ordered.transaction)

    def _is_open(self, transaction: bytes) -> bool:
        """Whether a job is still to be done: a draft may be newer than the view."""
        try:
            return self._working.is_due(transaction) and self.drafts.load(transaction) is None
        except AnhError:
            return False  # its draft is corrupt, which `look` tells; a new one would bury it

    def look(self) -> AccountantView:
        """What there is to see now."""
        # Before the drafts are read: a job that ends in between has its draft by then.
        idle = self.worker.idle
        head = self.chain.refresh()
        self.order.refresh()
        docket, address = self.chain.docket, self.chain.address
        own = [record for record in docket.claims.values() if record.claim.claimant == address]
        standing = [record for record in own if record.state is ClaimState.STANDING]
        view = AccountantView(
            now=head.time,
            address=address,
            jobs=tuple(map(self.conduct.place, self.order.jobs())),
            drafts=tuple(self.drafts.all()),
            docket=docket,
            statuses={record.identifier: self.chain.status(record.identifier) for record in standing},
            rules=self.chain.rules,
            balance=self.chain.sender.balance(),
            credit=self.chain.contracts.bonds.credit_of(address),
            price=self.chain.sender.price(),
            given_up=self._working.ended | self.drafts.attempts.given_up(),
        )
        self._forget_what_is_over(view, idle)
        return view

    def perform(self, ordered: OrderedJob) -> Draft:
        """Does a job and keeps the draft of its claim.

        Raises:
            AnhError: The job cannot be done, or not well enough.
        """
        try:
            return self._perform(ordered)
        finally:
            self.worker.put_down()

    def _perform(self, ordered: OrderedJob) -> Draft:
        result = self.worker.perform(ordered)
        if self.conduct.checks:
            self.worker.require_good(ordered.job, result)
        if self.conduct.checks and self.conduct.examines:
            self.require_defensible(make_claim(self.chain.address, ordered, result, ""), ordered.job)
        told = self._told(ordered.job, result.root)
        claim = make_claim(self.chain.address, ordered, told, self.uri if self.conduct.publishes else "")
        claim = self._substituted(self.conduct.claim(claim))
        draft = Draft(claim, ordered.job, salt_for(self.account, claim), ordered.reward)
        self.drafts.save(draft)
        return draft

    def require_defensible(self, claim: Claim, job: Job) -> None:
        """Examines an own claim as a challenger would, before a bond stands behind it.

        Raises:
            ClaimRefutableError: It could be refuted.
        """
        batch = self.order.batch(claim.batch)
        if batch is not None:
            recorded = self.order.record(claim.transaction) if batch.is_void else None
            require_unrefuted(check_order(claim, job, batch, recorded, self.chain.l2_chain_id))
        self.worker.require_defensible(claim, job)

    def _substituted(self, claim: Claim) -> Claim:
        """The claim with another model than the trained one, where a drill asks for that."""
        if self.conduct.substitute is None:
            return claim
        model = self.conduct.substitute(self.worker.store.get_model(claim.result))
        return replace(claim, result=self.worker.store.put_model(model))

    def call(self, action: Action) -> Call | None:
        """The call on L1 that carries an action out; None where none is needed, or none is made.

        Raises:
            AnhError: It cannot be made; the next round decides anew.
        """
        claims = self.chain.contracts.claims
        match action:
            case Renew(draft, ordered):
                return self._renew(draft, ordered)
            case Commit(draft):
                return self._commit(draft)
            case Reveal(draft):
                return "reveal", claims.reveal(draft.claim, draft.job, draft.salt)
            case Retract(draft):
                return "retract", claims.retract(draft.claim, draft.salt)
            case Defend(_):
                return self._defend(action)
            case Answer(_):
                return self._answer(action)
            case Finalize(record):
                return "finalize", claims.finalize(record.claim)
            case Advance(record, _):
                return "advance", claims.advance(record.claim.transaction)
            case Release(record):
                return "release", claims.release(record.claim)
            case Withdraw():
                return "withdraw", self.chain.contracts.bonds.withdraw(self.chain.address)
            case Work(_):
                return None

    def _renew(self, draft: Draft, ordered: OrderedJob) -> Call | None:
        """Keeps the same claim for another place; the old draft stays: its bond may come in."""
        claim = replace(
            draft.claim,
            batch=ordered.batch,
            batch_commitment=ordered.batch_commitment,
            index=ordered.index,
        )
        self.drafts.save(replace(draft, claim=claim, salt=salt_for(self.account, claim)))
        return None

    def _commit(self, draft: Draft) -> Call | None:
        commitment = self.conduct.commitment(self.chain.docket, draft.commitment, self.chain.address)
        if commitment is None:
            return None
        return "commit", self.chain.contracts.claims.commit(commitment, self.chain.rules.claim_bond)

    def _defend(self, action: Defend) -> Call | None:
        view = self.chain.view(action.game, self.chain.client.head().time)
        move = decide_accountant(view, self._evaluated(*self._disputed(action)))
        told = None if move is None else self.conduct.move(move)
        return None if told is None else self.chain.move(view, told)

    def _answer(self, action: Answer) -> Call | None:
        if not self.conduct.answers:
            return None
        asked = action.demand.asked
        record = self.chain.docket.claims[asked.claim]
        if record.job.kind is JobKind.TRAINING:
            shown = answer_from_model(asked, self.worker.store.get_model(record.claim.result))
        else:
            shown = answer_from_answers(asked, self.worker.store.get_dataset(record.claim.result))
        claims = self.chain.contracts.claims
        return "answer", claims.request("answer", record.claim, record.job, asked, *shown)

    def _evaluated(self, job: Job, root: bytes, index: int) -> EvaluatedProperty:
        """A property as this conduct claims and defends it."""
        return self.conduct.evaluated(index, self.worker.evaluated(job, root, index, urgent=True))

    def _told(self, job: Job, root: bytes) -> Result:
        """A result as this conduct claims it, with its score lists in the store where it publishes them."""
        scores = []
        for index in range(len(job.properties)):
            told = self.conduct.evaluated(index, self.worker.claimable(job, root, index, urgent=True))
            if self.conduct.lists:
                self.worker.store.put_scores(told.scores.scores)
            scores.append(scores_of(told))
        return Result(root, tuple(scores))

    def _forget_what_is_over(self, view: AccountantView, idle: frozenset[Key]) -> None:
        """Lets go of drafts that are over for long, and of results that nobody can dispute any more.

        Args:
            view: What is seen.
            idle: What was evaluated, and belonged to no job in work before the drafts were read.
        """
        self._forget_drafts(view)
        bonded = {(view.address, draft.commitment) for draft in view.drafts}
        view.docket.forget_commitments(Seconds(view.now - SECONDS_OF_REORGS), bonded)
        claims = view.docket.claims
        disputed = {game.position.claim for game in view.docket.open_games()}
        living: list[ClaimRecord | Draft] = [claims[each] for each in disputed.union(view.statuses)]
        living += [each for each in view.drafts if each.identifier not in claims]
        own = [each for each in living if each.claim.claimant == self.chain.address]
        needed = [(each.job, each.claim.result) for each in own]
        self.worker.forget(idle - {key for each in needed for key in property_keys(*each)})
        self.worker.store.need_only((*needed, *self.worker.in_work))

    def _forget_drafts(self, view: AccountantView) -> None:
        """Removes drafts that were over in every look for `SECONDS_OF_REORGS`."""
        living = {draft.claim.transaction for draft in view.drafts if not is_over(view, draft)}
        over = {draft.claim.transaction for draft in view.drafts} - living
        self._over_since = {each: self._over_since.get(each, view.now) for each in over}
        for transaction, since in self._over_since.items():
            key = ("Forget", transaction)
            if view.now - since >= SECONDS_OF_REORGS and self._acting.is_due(key):
                name = f"Forget, job 0x{transaction.hex()}"
                self._acting.run(key, name, partial(self.drafts.remove, transaction))
