"""Doing a job: train or answer, round, evaluate every property, and keep what the claim names."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.tensors import Elements
from anh_rollup.errors import AnhError
from anh_rollup.evaluation.backend import Evaluator
from anh_rollup.evaluation.disputability import check_disputable
from anh_rollup.evaluation.properties import Artifacts, evaluate_property
from anh_rollup.evaluation.sources import check_score_program
from anh_rollup.evaluation.workload import MOST_WORK, check_work
from anh_rollup.protocol.checks import Subject, check_sources, check_terms
from anh_rollup.protocol.claims import Claim, Scores
from anh_rollup.protocol.evaluated import EvaluatedProperty
from anh_rollup.protocol.fitting import require_fitting
from anh_rollup.protocol.jobs import Job, JobKind, Property, terms
from anh_rollup.protocol.orders import OrderedJob
from anh_rollup.protocol.refutations import OneShot, Refutation
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.tensor.program import Program

#: From a task to parameters; any optimizer, any hardware.
Trainer = Callable[["TrainingTask"], Sequence[Elements]]

#: (architecture, samples, parameters) to one array (N, *shape) for each answer; any runtime.
Answerer = Callable[[Program, Dataset, Model], Sequence[Elements]]

#: What a result is known by: the terms of its job, and its root.
ResultKey = tuple[bytes, bytes]


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


class ThresholdMissedError(AnhError):
    """The work was done, and its result does not have a property that the job asks for.

    Attributes:
        index: The property.
        reached: The sum of its scores.
        threshold: The least sum.
    """

    def __init__(self, index: int, reached: int, threshold: int) -> None:
        super().__init__(
            f"property {index} reaches {reached} of {threshold}",
            remedy="Train longer, or with another recipe; no claim was made.",
        )
        self.index = index
        self.reached = reached
        self.threshold = threshold


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
    """A job's result with its properties.

    Attributes:
        root: Root of the model or of the answers.
        properties: Each property, evaluated.
    """

    root: bytes
    properties: tuple[EvaluatedProperty, ...]

    @property
    def scores(self) -> tuple[Scores, ...]:
        """What a claim says about each property."""
        heads = (each.scores.header for each in self.properties)
        return tuple(Scores(head.count, head.total, head.top) for head in heads)


@dataclass(slots=True)
class Worker:
    """Does jobs, and finds results again that were kept.

    Attributes:
        store: Where artifacts are read and kept.
        evaluator: An exact backend.
        train: How to train.
        answer: How to answer.
        most_work: Multiply-adds that the evaluation of one property may take.
    """

    store: ArtifactStore
    evaluator: Evaluator
    train: Trainer
    answer: Answerer
    most_work: int = MOST_WORK
    _results: dict[ResultKey, Result] = field(default_factory=dict)

    def perform(self, ordered: OrderedJob) -> Result:
        """Does a job; its artifacts are in the store when this returns.

        Raises:
            ArtifactError: The job's artifacts cannot be had.
            SourcesRefusedError: A property's program gives no score, or its data set is not what it declares.
            UndisputableError: A lie about a score could not be refuted on L1.
            WorkTooLargeError: A property takes more work than it may, or `ProgramTooLargeError`: memory.
            JobUnfitError: No result fits all properties.
            AnhError: Whatever training, evaluation or the programs object to.
        """
        job = ordered.job
        scored = [self._scored(job, wanted) for wanted in job.properties]
        for program, dataset in scored:
            check_score_program(program, dataset.fields)
            check_disputable(program)
            check_work(program, dataset.count, self.most_work)
        architecture = self.store.get_program(job.architecture, job.uri)
        model = None if job.kind is JobKind.TRAINING else self.store.get_model(job.model, job.uri)
        require_fitting(job, architecture, scored, model)
        samples = scored[0][1]
        if model is None:
            task = TrainingTask(job, architecture, samples, partial(self._is_good, job))
            root = self.store.put_model(Model(tuple(self.train(task))))
        else:
            root = self.store.put_dataset(Dataset(self.answer(architecture, samples, model)))
        return self.result(job, root)

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
        for index, (wanted, scores) in enumerate(zip(job.properties, result.scores, strict=True)):
            if scores.sum < wanted.threshold:
                raise ThresholdMissedError(index, scores.sum, wanted.threshold)

    def _is_good(self, job: Job, parameters: Sequence[Elements]) -> bool:
        """Whether parameters have every property of a training job."""
        model = Model(tuple(parameters))
        for wanted in job.properties:
            program, samples = self._scored(job, wanted)
            evaluated = evaluate_property(Artifacts(program, samples, None, model), self.evaluator)
            if evaluated.scores.total < wanted.threshold:
                return False
        return True

    def result(self, job: Job, root: bytes) -> Result:
        """A kept result, evaluated; once for each job and root until it is forgotten."""
        key = (terms(job), root)
        found = self._results.get(key)
        if found is None:
            found = self._results[key] = self._evaluate(job, root)
        return found

    def forget_all_but(self, kept: Collection[ResultKey]) -> None:
        """Lets all other results go: they hold models, data sets and traces in memory."""
        for key in [each for each in list(self._results) if each not in kept]:
            self._results.pop(key, None)

    def _evaluate(self, job: Job, root: bytes) -> Result:
        training = job.kind is JobKind.TRAINING
        model = self.store.get_model(root if training else job.model, job.uri)
        answers = None if training else self.store.get_dataset(root)
        evaluated = []
        for wanted in job.properties:
            program, samples = self._scored(job, wanted)
            held = model if program.parameters else None
            evaluated.append(evaluate_property(Artifacts(program, samples, answers, held), self.evaluator))
            self.store.put_scores(evaluated[-1].scores.scores)
        return Result(root, tuple(evaluated))


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
