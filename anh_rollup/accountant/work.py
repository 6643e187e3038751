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
from anh_rollup.protocol.claims import Claim, Scores
from anh_rollup.protocol.evaluated import EvaluatedProperty
from anh_rollup.protocol.jobs import Job, JobKind, terms
from anh_rollup.protocol.orders import OrderedJob
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
    """

    store: ArtifactStore
    evaluator: Evaluator
    train: Trainer
    answer: Answerer
    _results: dict[ResultKey, Result] = field(default_factory=dict)

    def perform(self, ordered: OrderedJob) -> Result:
        """Does a job; its artifacts are in the store when this returns.

        Raises:
            ArtifactError: The job's artifacts cannot be had.
            SourcesRefusedError: A property's program gives no score, or its data set is not what it declares.
            UndisputableError: A lie about a score could not be refuted on L1.
            AnhError: Whatever training, evaluation or the programs object to.
        """
        job = ordered.job
        for wanted in job.properties:
            program = self.store.get_program(wanted.program, job.uri)
            check_score_program(program, self.store.get_dataset(wanted.dataset, job.uri).fields)
            check_disputable(program)
        architecture = self.store.get_program(job.architecture, job.uri)
        samples = self.store.get_dataset(job.properties[0].dataset, job.uri)
        if job.kind is JobKind.TRAINING:
            task = TrainingTask(job, architecture, samples, partial(self._is_good, job))
            root = self.store.put_model(Model(tuple(self.train(task))))
        else:
            model = self.store.get_model(job.model, job.uri)
            root = self.store.put_dataset(Dataset(self.answer(architecture, samples, model)))
        return self.result(job, root)

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
            program = self.store.get_program(wanted.program, job.uri)
            samples = self.store.get_dataset(wanted.dataset, job.uri)
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
            program = self.store.get_program(wanted.program, job.uri)
            samples = self.store.get_dataset(wanted.dataset, job.uri)
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
