"""Examining a claim: fetch what it is about, evaluate it again, and say what is wrong with it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from anh_rollup.challenger.checks import (
    OneShot,
    Refutation,
    Subject,
    check_order,
    check_scores,
    check_sources,
    check_terms,
    scores_root,
)
from anh_rollup.challenger.recover import Withheld
from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.tensors import Elements
from anh_rollup.evaluation.backend import Evaluator
from anh_rollup.evaluation.properties import Artifacts, evaluate_property
from anh_rollup.l1.contracts.claims import Answered, Demand
from anh_rollup.l1.docket import ClaimRecord
from anh_rollup.protocol.claims import Claim, Scores
from anh_rollup.protocol.evaluated import EvaluatedProperty
from anh_rollup.protocol.jobs import Job, JobKind, terms
from anh_rollup.protocol.orders import Order
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.storage.errors import ArtifactError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an examination found.

    Attributes:
        refutation: How to refute the claim; None where nothing is wrong.
        missing: Demands that together ask for a result that cannot be had off L1.
    """

    refutation: Refutation | None = None
    missing: tuple[Demand, ...] = ()


@dataclass(slots=True)
class Examiner:
    """Examines claims with an own store and an own evaluator; trusts nobody.

    Attributes:
        store: Where artifacts are kept, and through which strangers' are fetched.
        evaluator: An exact backend.
        order: The order, derived from L1.
        chain_id: The L2's chain id.
    """

    store: ArtifactStore
    evaluator: Evaluator
    order: Order
    chain_id: int
    _evaluated: dict[tuple[bytes, bytes, int], EvaluatedProperty] = field(default_factory=dict)

    def examine(self, record: ClaimRecord, answers: Sequence[Answered] = ()) -> Verdict:
        """What is wrong with a claim.

        Args:
            record: The claim.
            answers: The answers to demands for its result.

        Raises:
            ArtifactError: The job's own artifacts cannot be had now: the claim cannot be judged.
            AnhError: They are nothing that could be evaluated.
        """
        claim, job = record.claim, record.job
        batch = self.order.batch(claim.batch)
        ordered = None if batch is None else check_order(claim, job, batch, self.chain_id)
        refutation = ordered or check_terms(claim, job)
        if refutation is not None:
            return Verdict(refutation)
        for index in range(len(job.properties)):
            refutation = self._check_count(claim, job, index)
            if refutation is not None:
                return Verdict(refutation)
        if self._result(claim, job) is None:
            withheld = self._recover(record, answers)
            if withheld is not None:
                return withheld
        for index in range(len(job.properties)):
            refutation = self._examine_property(claim, job, index)
            if refutation is not None:
                return Verdict(refutation)
        return Verdict()

    def evaluated(self, claim: Claim, job: Job, index: int) -> EvaluatedProperty:
        """One property of a claim, evaluated here; once in a process.

        Raises:
            ArtifactError: An artifact cannot be had.
            SourcesRefusedError: The artifacts are not what the program declares.
        """
        key = (terms(job), claim.result, index)
        if key not in self._evaluated:
            subject = self._subject(claim, job, index)
            held = Artifacts(subject.program, subject.dataset, subject.answers, subject.model)
            self._evaluated[key] = evaluate_property(held, self.evaluator)
        return self._evaluated[key]

    def _recover(self, record: ClaimRecord, answers: Sequence[Answered]) -> Verdict | None:
        """Puts a withheld result together; a verdict where that is impossible or not yet possible."""
        program = self.store.get_program(record.job.properties[0].program, record.job.uri)
        withheld = Withheld(record.identifier, record.claim, record.job, program)
        found = withheld.recover(answers)
        match found:
            case Model():
                self.store.put_model(found)
            case Dataset():
                self.store.put_dataset(found)
            case OneShot():
                return Verdict(found)
            case None:
                return Verdict(missing=tuple(withheld.pieces()))
        return None

    def _check_count(self, claim: Claim, job: Job, index: int) -> Refutation | None:
        """Whether a score list is as long as its data set: known before anything of the result is."""
        dataset = self.store.get_dataset(job.properties[index].dataset, job.uri)
        if claim.scores[index].count == dataset.count:
            return None
        return OneShot("refuteCount", (claim, job, index, dataset.count, dataset.tree.root))

    def _examine_property(self, claim: Claim, job: Job, index: int) -> Refutation | None:
        wrong = check_sources(self._subject(claim, job, index))
        if wrong is not None:
            return wrong
        ours = self.evaluated(claim, job, index).scores
        return check_scores(index, claim.scores[index], ours, self._list(claim, claim.scores[index]))

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
    try:
        return read()
    except ArtifactError:
        return None
