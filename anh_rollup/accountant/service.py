"""The accountant's loops: read L1 and the order, decide, act, repeat. One works, one defends."""

import logging
from dataclasses import dataclass, field, replace

from eth_account.signers.local import LocalAccount

from anh_rollup.accountant.answers import answer_from_answers, answer_from_model
from anh_rollup.accountant.conduct import HONEST, Conduct
from anh_rollup.accountant.drafts import Draft, Drafts, salt_for
from anh_rollup.accountant.strategy import (
    AccountantView,
    Action,
    Answer,
    Commit,
    Defend,
    Finalize,
    Release,
    Retract,
    Reveal,
    Terms,
    Withdraw,
    Work,
    decide,
)
from anh_rollup.accountant.work import Result, Worker, make_claim
from anh_rollup.errors import AnhError
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.disputes import DisputeChain
from anh_rollup.l1.docket import ClaimRecord
from anh_rollup.protocol.claims import Claim
from anh_rollup.protocol.defence import decide_accountant
from anh_rollup.protocol.jobs import Job, JobKind, terms
from anh_rollup.protocol.orders import Order, OrderedJob

LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Accountant:
    """An accountant. Call `defend` and `work` again and again, from one thread each.

    Attributes:
        chain: The disputes on L1, and the account.
        account: The key, from which salts are derived.
        order: Where jobs come from.
        worker: Does the work.
        drafts: Claims that were made ready.
        terms: What it works for.
        uri: Where others find its artifacts.
        conduct: Honest, or a drill.
    """

    chain: DisputeChain
    account: LocalAccount
    order: Order
    worker: Worker
    drafts: Drafts
    terms: Terms = field(default_factory=Terms)
    uri: str = ""
    conduct: Conduct = HONEST
    _given_up: set[bytes] = field(default_factory=set)
    _view: AccountantView | None = None
    _presented: dict[tuple[bytes, bytes], Result] = field(default_factory=dict)

    def defend(self) -> list[Action]:
        """One round of everything but the work itself; gives what was tried.

        One action that fails does not stop the others; it is tried again in the next round.

        Raises:
            L1Error: The chain cannot be read, or lags: nothing was done.
        """
        self._view = self.look()
        actions: list[Action] = [
            action for action in decide(self._view, self.terms) if not isinstance(action, Work)
        ]
        for action in actions:
            try:
                self.act(action)
            except AnhError as error:
                LOG.warning("%s: %s; next: %s", type(action).__name__, error.message, error.remedy)
        return actions

    def work(self) -> bool:
        """Does the best job that waits, and keeps the draft of its claim; whether there was one.

        A job that fails is given up until the next start.
        """
        view = self._view
        waiting = (
            [] if view is None else [each for each in decide(view, self.terms) if isinstance(each, Work)]
        )
        waiting = [each for each in waiting if each.ordered.transaction not in self._given_up]
        if not waiting or self.drafts.load(waiting[0].ordered.transaction) is not None:
            return False
        ordered = waiting[0].ordered
        try:
            self.perform(ordered)
        except AnhError as error:
            self._given_up.add(ordered.transaction)
            LOG.warning("job 0x%s: %s; next: %s", ordered.transaction.hex(), error.message, error.remedy)
        return True

    def _is_tried(self, transaction: bytes) -> bool:
        return transaction in self._given_up or self.drafts.load(transaction) is not None

    def look(self) -> AccountantView:
        """What there is to see now."""
        head = self.chain.refresh()
        self.order.refresh()
        docket, address = self.chain.docket, self.chain.address
        own = [record for record in docket.claims.values() if record.claim.claimant == address]
        standing = [record for record in own if record.state is ClaimState.STANDING]
        return AccountantView(
            now=head.time,
            address=address,
            jobs=tuple(self.order.jobs()),
            drafts=tuple(self.drafts.all()),
            docket=docket,
            statuses={record.identifier: self.chain.status(record.identifier) for record in standing},
            rules=self.chain.rules,
            balance=self.chain.sender.balance(),
            credit=self.chain.contracts.bonds.credit_of(address),
            given_up=frozenset(self._given_up),
        )

    def perform(self, ordered: OrderedJob) -> Draft:
        """Does a job and keeps the draft of its claim.

        Raises:
            AnhError: The job cannot be done, or not well enough.
        """
        result = self.worker.perform(ordered)
        if self.conduct.checks:
            self.worker.require_good(ordered.job, result)
        told = self._told(ordered.job, result)
        if self.conduct.lists:
            for each in told.properties:
                self.worker.store.put_scores(each.scores.scores)
        claim = make_claim(self.chain.address, ordered, told, self.uri if self.conduct.publishes else "")
        claim = self._substituted(self.conduct.claim(claim))
        draft = Draft(claim, ordered.job, salt_for(self.account, claim), ordered.reward)
        self.drafts.save(draft)
        return draft

    def _substituted(self, claim: Claim) -> Claim:
        """The claim with another model than the trained one, where a drill asks for that."""
        if self.conduct.substitute is None:
            return claim
        model = self.conduct.substitute(self.worker.store.get_model(claim.result))
        return replace(claim, result=self.worker.store.put_model(model))

    def act(self, action: Action) -> None:
        """Carries an action out.

        Raises:
            AnhError: It could not be; the next round decides anew.
        """
        claims = self.chain.contracts.claims
        match action:
            case Commit(draft):
                self._commit(draft)
            case Reveal(draft):
                self.chain.send("reveal", claims.reveal(draft.claim, draft.job, draft.salt))
            case Retract(draft):
                self.chain.send("retract", claims.retract(draft.claim, draft.salt))
            case Defend(_):
                self._defend(action)
            case Answer(_):
                self._answer(action)
            case Finalize(record):
                self.chain.send("finalize", claims.finalize(record.claim))
            case Release(record):
                self.chain.send("release", claims.release(record.claim))
            case Withdraw():
                self.chain.send("withdraw", self.chain.contracts.bonds.withdraw(self.chain.address))
            case Work(ordered):
                self.perform(ordered)

    def _commit(self, draft: Draft) -> None:
        commitment = self.conduct.commitment(self.chain.docket, draft.commitment, self.chain.address)
        if commitment is not None:
            bond = self.chain.rules.claim_bond
            self.chain.send("commit", self.chain.contracts.claims.commit(commitment, bond))

    def _defend(self, action: Defend) -> None:
        position = action.game.position
        record = self.chain.docket.claims[position.claim]
        view = self.chain.view(action.game, self.chain.client.head().time)
        move = decide_accountant(view, self._result(record).properties[position.property])
        told = None if move is None else self.conduct.move(move)
        if told is not None:
            self.chain.play(view, told)

    def _answer(self, action: Answer) -> None:
        if not self.conduct.answers:
            return
        asked = action.demand.asked
        record = self.chain.docket.claims[asked.claim]
        if record.job.kind is JobKind.TRAINING:
            shown = answer_from_model(asked, self.worker.store.get_model(record.claim.result))
        else:
            shown = answer_from_answers(asked, self.worker.store.get_dataset(record.claim.result))
        request = self.chain.contracts.claims.request("answer", record.claim, record.job, asked, *shown)
        self.chain.send("answer", request)

    def _result(self, record: ClaimRecord) -> Result:
        """The result behind an own claim, evaluated as it was claimed."""
        return self._told(record.job, self.worker.result(record.job, record.claim.result))

    def _told(self, job: Job, result: Result) -> Result:
        """A result as this conduct presents it; made once, because traces are dear."""
        key = (terms(job), result.root)
        if key not in self._presented:
            self._presented[key] = self.conduct.result(job, result)
        return self._presented[key]
