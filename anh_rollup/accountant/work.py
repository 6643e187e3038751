"""Doing a job: train or answer, round, evaluate every property, and keep what the claim names."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import numpy as np

from anh_rollup.accountant.judging import TrainingJudge
from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.scores import ScoreTree
from anh_rollup.encoding.tensors import Elements
from anh_rollup.errors import AnhError
from anh_rollup.evaluation import reference
from anh_rollup.evaluation.backend import Evaluator
from anh_rollup.evaluation.disputability import check_disputable
from anh_rollup.evaluation.errors import WorkTooLargeError
from anh_rollup.evaluation.evaluations import (
    MOST_HELD,
    Evaluations,
    Key,
    dataset_bytes,
    property_key,
    property_keys,
)
from anh_rollup.evaluation.properties import MOST_KEPT, Artifacts, evaluate_property, trace_bytes
from anh_rollup.evaluation.sources import Sources, check_score_program
from anh_rollup.evaluation.workload import MOST_WORK, check_memory, check_work, multiply_adds, trace_work
from anh_rollup.primitives import ZERO_DIGEST
from anh_rollup.protocol.checks import Subject, check_sources, check_terms
from anh_rollup.protocol.claims import Claim, Scores
from anh_rollup.protocol.evaluated import EvaluatedProperty
from anh_rollup.protocol.fitting import require_fitting, require_reachable
from anh_rollup.protocol.jobs import Job, JobKind, Property, terms
from anh_rollup.protocol.orders import OrderedJob
from anh_rollup.protocol.refutations import OneShot, Refutation
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.tensor.program import Program

LOG = logging.getLogger(__name__)

#: From a task to parameters; any optimizer, any hardware.
Trainer = Callable[["TrainingTask"], Sequence[Elements]]

#: (architecture, samples, parameters) to one array (N, *shape) for each answer; any runtime.
Answerer = Callable[[Program, Dataset, Model], Sequence[Elements]]

#: Of the work of an evaluation, what may have to be traced again for each move (choice). An accountant makes
#: 14 moves in a game that need a trace; at the slowest rate (`MOST_WORK`) a third of the work takes 16 hours
#: for 14 moves, of the 24 of its clock (deployment.Rules.clock), however many samples are disputed at once.
RETRACED: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class TrainingTask:
    """A training job as a trainer sees it.

    Attributes:
        job: The job.
        architecture: What to train.
        samples: The first property's data set: what to train on where the poster suggests nothing else.
        is_good: Whether parameters have all properties of the job, evaluated exactly.
    """

    job: Job
    architecture: Program
    samples: Dataset
    is_good: Callable[[Sequence[Elements]], bool]


#: Evaluations that wait for a turn (choice): after a restart those of all claims in games do, and the work
#: that was done for a job must not be lost to them.
MOST_WAITING: Final = 24


#: What to do about a result that misses a threshold: trainings differ, and exact answers do not.
_REMEDIES: Final = {
    JobKind.TRAINING: "Train longer, or with another recipe",
    JobKind.INFERENCE: "Leave it: exact answers miss it, too, and only another order can ask for less",
}


class ThresholdMissedError(AnhError):
    """The work was done, and its result does not have a property that the job asks for.

    Attributes:
        kind: Of the job.
        index: The property.
        reached: The sum of its scores.
        threshold: The least sum.
        best: The greatest sum that a look at the training gave, or `reached` where there was none.
    """

    def __init__(
        self, kind: JobKind, index: int, reached: int, threshold: int, best: int | None = None
    ) -> None:
        self.kind = kind
        self.index = index
        self.reached = reached
        self.threshold = threshold
        self.best = reached if best is None else best
        before = f", and {self.best} at best" if self.best != reached else ""
        super().__init__(
            f"property {index} reaches {reached} of {threshold}{before}",
            remedy=f"{_REMEDIES[kind]}; no claim was made, and who ordered it is not told.",
        )


class JobTooLargeError(AnhError):
    """The data sets of a job together take too much memory.

    Attributes:
        taken: Bytes that they take at least.
        most: The most bytes.
    """

    def __init__(self, taken: int, most: int) -> None:
        super().__init__(
            f"the job's data sets take {taken} bytes of memory, {most} are the most",
            remedy="No claim was made: use fewer samples, or the same data set for several properties.",
        )
        self.taken = taken
        self.most = most


class ClaimRefutableError(AnhError):
    """A claim that anybody could refute with one call on L1; it is not bonded.

    Attributes:
        function: The call.
    """

    def __init__(self, function: str) -> None:
        super().__init__(
            f"a claim about this result could be refuted by {function}",
            remedy="No claim was made: leave the job, or give it a result that its programs declare.",
        )
        self.function = function


def require_unrefuted(found: Refutation | None) -> None:
    """Checks what an examination of an own claim gave.

    Raises:
        ClaimRefutableError: It found something.
    """
    if found is not None:
        raise ClaimRefutableError(found.function if isinstance(found, OneShot) else "a game")


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A job's result with the scores of its properties.

    Attributes:
        root: Root of the model or of the answers.
        scores: What a claim says about each property.
        best: Of a training, the greatest sum that was seen of a property, by its index.
    """

    root: bytes
    scores: tuple[Scores, ...]
    best: Mapping[int, int] = field(default_factory=dict)


def _first_missed(job: Job, result: Result) -> int | None:
    """Which threshold the result misses first; None where it misses none."""
    pairs = enumerate(zip(job.properties, result.scores, strict=True))
    return next((index for index, (wanted, scores) in pairs if scores.sum < wanted.threshold), None)


def scores_of(evaluated: EvaluatedProperty) -> Scores:
    """What a claim says about a property."""
    head = evaluated.scores.header
    return Scores(head.count, head.total, head.top)


@dataclass(slots=True)
class Worker:
    """Does jobs, and finds results again that were kept.

    Attributes:
        store: Where artifacts are read and kept.
        evaluator: An exact backend.
        train: How to train.
        answer: How to answer.
        most_work: Multiply-adds that the evaluation of one property may take.
        checks_answers: Whether answers are evaluated before they are claimed, and not only in a game.
        evaluations: What was evaluated, and whose turn it is.
    """

    store: ArtifactStore
    evaluator: Evaluator
    train: Trainer
    answer: Answerer
    most_work: int = MOST_WORK
    checks_answers: bool = True
    evaluations: Evaluations = field(default_factory=lambda: Evaluations(most_waiting=MOST_WAITING))
    _in_work: tuple[Job, bytes] | None = None

    @property
    def in_work(self) -> tuple[tuple[Job, bytes], ...]:
        """The job that was last begun with its result, zero before there is one; none once it is put down."""
        return () if self._in_work is None else (self._in_work,)

    def perform(self, ordered: OrderedJob) -> Result:
        """Does a job; its artifacts are in the store when this returns.

        Raises:
            ArtifactError: The job's artifacts cannot be had.
            SourcesRefusedError: A property's program gives no score, or its data set is not what it declares.
            UndisputableError: A lie about a score could not be refuted on L1.
            WorkTooLargeError: A property or the architecture takes more work than it may, or
                `ProgramTooLargeError`: memory.
            JobTooLargeError: The samples take too much memory.
            JobUnfitError: No result fits all properties.
            ThresholdUnreachableError: No scores add up to a least sum.
            AnhError: Whatever training, evaluation or the programs object to.
        """
        job = ordered.job
        self._in_work = (job, ZERO_DIGEST)
        architecture, samples, model = self._checked(job)
        if model is None:
            return self._trained(job, architecture, samples)
        root = self.store.put_dataset(Dataset(self.answer(architecture, samples, model)))
        result = self._kept(job, root)
        if _first_missed(job, result) is None:
            return result
        # What a program allows and its calibration did not show saturates, and native answers do not.
        LOG.warning("native answers miss a threshold; the samples are answered by the exact reading")
        parameters = model.parameters if architecture.parameters else ()
        sources = Sources(samples.fields, (), parameters)
        return self._kept(
            job, self.store.put_dataset(Dataset([self.evaluator.evaluate(architecture, sources)]))
        )

    def _trained(self, job: Job, architecture: Program, samples: Dataset) -> Result:
        judge = TrainingJudge(job, partial(self._score, job))
        task = TrainingTask(job, architecture, samples, judge)
        result = self._kept(job, self.store.put_model(Model(tuple(self.train(task)))))
        return replace(result, best=judge.best)

    def _kept(self, job: Job, root: bytes) -> Result:
        """The scores of a result of the job in work, which is in the store."""
        self._in_work = (job, root)
        return self.result(job, root)

    def put_down(self) -> None:
        """Says that the job in work is over: its draft is kept, or there is none."""
        self._in_work = None

    def _checked(self, job: Job) -> tuple[Program, Dataset, Model | None]:
        """What a job is done with, once all that it takes is known: its owner may be anybody."""
        programs = [self.store.get_program(wanted.program, job.uri) for wanted in job.properties]
        architecture = self.store.get_program(job.architecture, job.uri)
        for program in (*programs, architecture):
            check_memory(program)
        for program in programs:
            check_disputable(program)
        scored = list(zip(programs, self._datasets(job, programs), strict=True))
        check_work(architecture, scored[0][1].count, self.most_work)
        model = None if job.kind is JobKind.TRAINING else self.store.get_model(job.model, job.uri)
        for wanted, (program, dataset) in zip(job.properties, scored, strict=True):
            require_reachable(wanted, program, dataset)
        require_fitting(job, architecture, scored, model)
        return architecture, scored[0][1], model

    def _datasets(self, job: Job, programs: Sequence[Program]) -> list[Dataset]:
        """The samples of each property; those that make too much work or memory end it before the next."""
        held: dict[bytes, Dataset] = {}
        retraced = 0
        for wanted, program in zip(job.properties, programs, strict=True):
            if wanted.dataset not in held:
                held[wanted.dataset] = self.store.get_dataset(wanted.dataset, job.uri)
            dataset, taken = held[wanted.dataset], sum(map(dataset_bytes, held.values()))
            if taken > MOST_HELD:
                raise JobTooLargeError(taken, MOST_HELD)
            check_score_program(program, dataset.fields)
            check_work(program, dataset.count, self.most_work)
            if dataset.count * trace_bytes(program) > MOST_KEPT:
                retraced += dataset.count * trace_work(program)
        if retraced > self.most_work // RETRACED:
            raise WorkTooLargeError(retraced, self.most_work // RETRACED)
        return [held[wanted.dataset] for wanted in job.properties]

    def require_defensible(self, claim: Claim, job: Job) -> None:
        """Checks a claim about a kept result as a challenger would: whatever one call on L1 could refute.

        Raises:
            ClaimRefutableError: Whoever challenged the claim would take its bond.
            ArtifactError: An artifact cannot be had.
        """
        training = job.kind is JobKind.TRAINING
        model = self.store.get_model(claim.result if training else job.model, job.uri)
        answers = None if training else self.store.get_dataset(claim.result)
        require_unrefuted(check_terms(claim, job))
        for index, wanted in enumerate(job.properties):
            program, dataset = self._scored(job, wanted)
            # A trained model counts even where no parameter is read: L1 compares the numbers of tensors.
            held = model if training or program.parameters else None
            require_unrefuted(check_sources(Subject(claim, job, index, program, dataset, held, answers)))

    def _scored(self, job: Job, wanted: Property) -> tuple[Program, Dataset]:
        program = self.store.get_program(wanted.program, job.uri)
        return program, self.store.get_dataset(wanted.dataset, job.uri)

    def require_good(self, job: Job, result: Result) -> None:
        """Checks a result against the job.

        Raises:
            ThresholdMissedError: The result is not good enough.
        """
        index = _first_missed(job, result)
        if index is not None:
            reached, threshold = result.scores[index].sum, job.properties[index].threshold
            raise ThresholdMissedError(job.kind, index, reached, threshold, result.best.get(index))

    def _score(self, job: Job, wanted: Property, model: Model) -> int:
        """The sum of a trained model's scores for a property."""
        held = Artifacts(*self._scored(job, wanted), None, model)
        return evaluate_property(held, self.evaluator, traced=False).scores.total

    def result(self, job: Job, root: bytes) -> Result:
        """The scores of a kept result; its score lists are in the store when this returns."""
        scores = []
        for index in range(len(job.properties)):
            evaluated = self.claimable(job, root, index)
            self.store.put_scores(evaluated.scores.scores)
            scores.append(scores_of(evaluated))
        return Result(root, tuple(scores))

    def claimable(self, job: Job, root: bytes, index: int, *, urgent: bool = False) -> EvaluatedProperty:
        """One property of a kept result as it is claimed.

        Where answers are not checked, and the job takes none but the best score for every sample, nothing is
        evaluated: these are the scores, or there is no claim to make. A trace is evaluated when it is asked.
        """
        wanted = job.properties[index]
        if self.checks_answers or job.kind is JobKind.TRAINING:
            return self.evaluated(job, root, index, urgent=urgent)
        program, samples = self._scored(job, wanted)
        best = program.output.high
        if wanted.threshold < best * samples.count:
            return self.evaluated(job, root, index, urgent=urgent)
        return EvaluatedProperty(
            program=program,
            scores=ScoreTree(np.full(samples.count, best, dtype=np.int32)),
            trace_of=lambda sample: self.evaluated(job, root, index).trace_of(sample),
            path_of=lambda value, sample: self.evaluated(job, root, index).path_of(value, sample),
            rules=reference,
        )

    def is_known(self, job: Job, root: bytes, index: int) -> bool:
        """Whether a property of a kept result is in memory."""
        return self.evaluations.known(property_key(job, root, index)) is not None

    def evaluated(self, job: Job, root: bytes, index: int, *, urgent: bool = False) -> EvaluatedProperty:
        """One property of a kept result, evaluated; once until it is forgotten.

        Args:
            job: The job.
            root: The result's.
            index: Which of the job's properties.
            urgent: Whether a game waits for it.

        Raises:
            ArtifactError: An artifact cannot be had.
            TurnLostError: Enough lighter evaluations wait; it is for a later round.
        """
        key = property_key(job, root, index)
        found = self.evaluations.known(key)
        if found is not None:
            return found
        program, samples = self._scored(job, job.properties[index])
        training = job.kind is JobKind.TRAINING
        answers = None if training else self.store.get_dataset(root)
        model = self.store.get_model(root if training else job.model, job.uri) if program.parameters else None
        work = multiply_adds(program, samples.count)
        held = Artifacts(program, samples, answers, model)
        return self.evaluations.evaluate(key, lambda: held, self.evaluator, work, urgent=urgent)

    @property
    def idle(self) -> frozenset[Key]:
        """What was evaluated, but for the job in work: it goes unless a draft or a claim needs it."""
        return self.evaluations.keys - {key for each in self.in_work for key in property_keys(*each)}

    def forget(self, keys: Collection[Key]) -> None:
        """Lets go of evaluations, but for those that a job in work needs."""
        self.evaluations.forget(self.idle & set(keys))


def make_claim(claimant: str, ordered: OrderedJob, result: Result, uri: str) -> Claim:
    """The claim that a result has the properties of a job."""
    return Claim(
        claimant=claimant,
        batch=ordered.batch,
        batch_commitment=ordered.batch_commitment,
        index=ordered.index,
        transaction=ordered.transaction,
        terms=terms(ordered.job),
        result=result.root,
        scores=result.scores,
        uri=uri,
    )
