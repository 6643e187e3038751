"""Examining a claim: fetch what it is about, evaluate it again, and say what is wrong with it."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from anh_rollup.challenger.recover import Withheld
from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.tensors import Elements
from anh_rollup.errors import AnhError
from anh_rollup.evaluation.backend import Evaluator
from anh_rollup.evaluation.disputability import check_disputable
from anh_rollup.evaluation.evaluations import Evaluations, property_key, property_keys
from anh_rollup.evaluation.properties import Artifacts
from anh_rollup.evaluation.sources import check_score_program
from anh_rollup.evaluation.workload import MOST_WORK, check_work
from anh_rollup.l1.contracts.claims import Answered, Demand
from anh_rollup.l1.docket import ClaimRecord
from anh_rollup.primitives import BatchNumber, ChainId
from anh_rollup.protocol.called import is_called
from anh_rollup.protocol.checks import (
    Subject,
    check_count,
    check_order,
    check_scores,
    check_sources,
    check_terms,
    scores_root,
)
from anh_rollup.protocol.claims import Claim, Scores
from anh_rollup.protocol.evaluated import EvaluatedProperty
from anh_rollup.protocol.jobs import Job, JobKind
from anh_rollup.protocol.orders import OrderFollower
from anh_rollup.protocol.refutations import OneShot, Refutation
from anh_rollup.storage.artifacts import ArtifactKind, ArtifactStore
from anh_rollup.storage.errors import ArtifactError

T = TypeVar("T")

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an examination found.

    Attributes:
        refutation: How to refute the claim; None where nothing is wrong.
        missing: Demands that together ask for a result that cannot be had off L1.
        answers: How many answers about the claim were looked at.
    """

    refutation: Refutation | None = None
    missing: tuple[Demand, ...] = ()
    answers: int = 0


class TransactionUnknownError(AnhError):
    """A claim names a transaction that is not in the order, at a place that nobody can open.

    Attributes:
        batch: The batch that the claim names.
        transaction: keccak of the record that it names.
    """

    def __init__(self, batch: BatchNumber, transaction: bytes) -> None:
        super().__init__(
            f"transaction 0x{transaction.hex()} is not ordered, and batch {batch} cannot be opened",
            remedy="Nothing else is wrong with the claim, and no reward waits for it; look again once it is.",
        )
        self.batch = batch
        self.transaction = transaction


class SourcesRefutableError(AnhError):
    """What a property of a claim is about is not what its score program declares.

    Attributes:
        refutation: What refutes the claim.
    """

    def __init__(self, refutation: Refutation) -> None:
        super().__init__(
            "a claim's result is not what its score program declares",
            remedy="Nothing: the claim is refuted.",
        )
        self.refutation = refutation


@dataclass(slots=True)
class Examiner:
    """Examines claims with an own store and an own evaluator; trusts nobody. Several threads may use it.

    Attributes:
        store: Where artifacts are kept, and through which strangers' are fetched.
        evaluator: An exact backend.
        order: The order, derived from L1.
        chain_id: The L2's chain id.
        most_work: Multiply-adds that one property may take.
        evaluations: What was evaluated, and whose turn it is.
    """

    store: ArtifactStore
    evaluator: Evaluator
    order: OrderFollower
    chain_id: ChainId
    most_work: int = MOST_WORK
    evaluations: Evaluations = field(default_factory=Evaluations)

    def within(self, seconds: float) -> "Examiner":
        """The same examiner; all that it fetches from others takes so many seconds together at most."""
        return replace(self, store=self.store.within(seconds))

    def examine(self, record: ClaimRecord, answers: Sequence[Answered] = ()) -> Verdict:
        """What is wrong with a claim.

        Args:
            record: The claim.
            answers: The answers to demands for its result.

        Raises:
            ArtifactError: The job's own artifacts cannot be had now: the claim cannot be judged.
            TransactionUnknownError: Nothing is wrong, as far as can be told now.
            SourcesRefusedError: They are nothing that could be evaluated, or give no score.
            WorkTooLargeError: The evaluation takes more work than it may, or `ProgramTooLargeError`: memory.
            TurnLostError: Enough cheaper evaluations wait; it is for a later round.
            UndisputableError: Something is wrong, and L1 could not settle it: a game would be lost.
        """
        claim, job = record.claim, record.job
        plain = self._check_order(claim, job) or check_terms(claim, job) or self._check_counts(claim, job)
        if plain is not None:
            return Verdict(plain)
        if self._result(claim, job) is None:
            withheld = self._recover(record, answers)
            if withheld is not None:
                return withheld
        self._fetch_model(job)
        wrong = self._examine_properties(claim, job)
        if wrong is not None:
            return Verdict(wrong)
        self._require_placed(claim)
        return Verdict()

    def known(self, claim: Claim, job: Job, index: int) -> EvaluatedProperty | None:
        """One property of a claim where it is in memory; None where it is to be evaluated."""
        return self.evaluations.known(property_key(job, claim.result, index))

    def evaluated(self, claim: Claim, job: Job, index: int, *, urgent: bool = False) -> EvaluatedProperty:
        """One property of a claim, evaluated here; once in a process.

        Args:
            claim: The claim.
            job: Its job.
            index: Which of the job's properties.
            urgent: Whether an own game waits for it.

        Raises:
            ArtifactError: An artifact cannot be had.
            SourcesRefusedError: The artifacts give no score.
            SourcesRefutableError: They are not what the program declares: the claim falls by one call.
            WorkTooLargeError: It takes more work than it may.
            ProgramTooLargeError: It takes more memory than there may be.
            TurnLostError: Enough cheaper evaluations wait; it is for a later round.
        """
        found = self.known(claim, job, index)
        if found is not None:
            return found
        program = self.store.get_program(job.properties[index].program, job.uri)
        work = check_work(program, claim.scores[index].count, self.most_work)
        key, load = property_key(job, claim.result, index), partial(self._checked, claim, job, index)
        return self.evaluations.evaluate(key, load, self.evaluator, work, urgent=urgent)

    def _checked(self, claim: Claim, job: Job, index: int) -> Artifacts:
        """What a property is evaluated over.

        Raises:
            SourcesRefutableError: It is not what the program declares: the claim falls by one call.
        """
        subject = self._subject(claim, job, index)
        wrong = check_sources(subject)
        if wrong is not None:
            raise SourcesRefutableError(wrong)
        check_score_program(subject.program, subject.dataset.fields)
        return Artifacts(subject.program, subject.dataset, subject.answers, subject.model)

    def forget_all_but(self, records: Iterable[ClaimRecord]) -> None:
        """Lets the evaluations of all other claims go: they hold models and data sets in memory."""
        kept = {key for each in records for key in property_keys(each.job, each.claim.result)}
        self.evaluations.forget(self.evaluations.keys - kept)

    def need_only(self, records: Iterable[ClaimRecord]) -> None:
        """Says of which claims fetched artifacts must stay in the store; all others may make room."""
        self.store.need_only((each.job, each.claim.result) for each in records)

    def _check_order(self, claim: Claim, job: Job) -> OneShot | None:
        batch = self.order.batch(claim.batch)
        if batch is None:
            return None
        recorded = self.order.record(claim.transaction) if batch.is_void else None
        return check_order(claim, job, batch, recorded, self.chain_id)

    def _require_placed(self, claim: Claim) -> None:
        """Raises `TransactionUnknownError` where the order does not tell whether the place is right."""
        if is_called(claim):
            return
        batch = self.order.batch(claim.batch)
        is_open = batch is not None and not batch.is_void
        if not is_open and self.order.record(claim.transaction) is None:
            raise TransactionUnknownError(claim.batch, claim.transaction)

    def _check_counts(self, claim: Claim, job: Job) -> OneShot | None:
        """Whether score lists are as long as their data sets: known before anything of the result is."""
        for index, wanted in enumerate(job.properties):
            dataset = self.store.get_dataset(wanted.dataset, job.uri)
            miscounted = check_count(claim, job, index, dataset)
            if miscounted is not None:
                return miscounted
        return None

    def _fetch_model(self, job: Job) -> None:
        """Fetches what is else fetched when the turn to evaluate has come, and would hold up others there."""

        def fetch() -> None:
            programs = (self.store.get_program(wanted.program, job.uri) for wanted in job.properties)
            if any(program.parameters for program in programs):
                self.store.get_model(job.model, job.uri)

        if job.kind is JobKind.INFERENCE and not self.store.has(ArtifactKind.MODEL, job.model):
            _or_none(fetch)

    def _recover(self, record: ClaimRecord, answers: Sequence[Answered]) -> Verdict | None:
        """Puts a withheld result together; a verdict where that is impossible or not yet possible."""
        withheld = self._withheld(record)
        if withheld is None:
            return None
        found = withheld.recover(answers)
        match found:
            case Model():
                self.store.put_model(found)
            case Dataset():
                self.store.put_dataset(found)
            case OneShot():
                return Verdict(found)
            case _:
                return Verdict(missing=found, answers=len(answers))
        return None

    def _withheld(self, record: ClaimRecord) -> Withheld | None:
        """What is known of a withheld result; None where no property reads it."""
        claim, job = record.claim, record.job
        for index, wanted in enumerate(job.properties):
            withheld = Withheld(
                record.identifier, claim, job, index, self.store.get_program(wanted.program, job.uri)
            )
            if withheld.sources:
                return withheld
        return None

    def _examine_properties(self, claim: Claim, job: Job) -> Refutation | None:
        """The first property that is wrong; one that cannot be judged does not hide another."""
        unjudged: list[Exception] = []
        for index in range(len(job.properties)):
            try:
                wrong = self._examine_property(claim, job, index)
            except AnhError as error:
                unjudged.append(error)
            except Exception as error:
                LOG.exception("property %d cannot be judged; next: the others are, then all again", index)
                unjudged.append(error)
            else:
                if wrong is not None:
                    return wrong
        if unjudged:
            raise unjudged[0]
        return None

    def _examine_property(self, claim: Claim, job: Job, index: int) -> Refutation | None:
        try:
            found = self.evaluated(claim, job, index)
        except SourcesRefutableError as error:
            return error.refutation
        scores = claim.scores[index]
        wrong = check_scores(index, scores, found.scores, self._list(claim, scores))
        if wrong is not None:
            check_disputable(found.program)  # a game that nobody can win is not opened
        return wrong

    def _subject(self, claim: Claim, job: Job, index: int) -> Subject:
        wanted = job.properties[index]
        program = self.store.get_program(wanted.program, job.uri)
        dataset = self.store.get_dataset(wanted.dataset, job.uri)
        result = self._result(claim, job)
        if isinstance(result, Model):
            return Subject(claim, job, index, program, dataset, result if program.parameters else None, None)
        model = self.store.get_model(job.model, job.uri) if program.parameters else None
        return Subject(claim, job, index, program, dataset, model, result)

    def _result(self, claim: Claim, job: Job) -> Model | Dataset | None:
        """The claimed result, or None where the claim does not lead to it."""
        if job.kind is JobKind.TRAINING:
            return _or_none(lambda: self.store.get_model(claim.result, claim.uri))
        return _or_none(lambda: self.store.get_dataset(claim.result, claim.uri))

    def _list(self, claim: Claim, scores: Scores) -> Elements | None:
        """The score list behind a claim, or None where it cannot be had or is another one."""
        return _or_none(lambda: self.store.get_scores(scores_root(scores), claim.uri))


def _or_none(read: Callable[[], T]) -> T | None:
    """What a claimant published; None where it cannot be had, for whatever reason."""
    try:
        return read()
    except ArtifactError:
        return None
    # The claimant chose the place and the bytes: nothing there may keep the claim from being judged.
    except Exception:
        LOG.exception("what a claim leads to cannot be read; next: it is asked for on L1")
        return None
