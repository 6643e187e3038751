"""Whether one result can serve all properties of a job: where none can, every claim about it can be refuted.

L1 compares whole counts: a result has exactly the tensors that each score program declares, a score list
exactly one entry for each sample. A job that contradicts itself there costs whoever claims it the bond.
"""

from collections.abc import Sequence

from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.errors import AnhError
from anh_rollup.protocol.jobs import Job, JobKind, Property
from anh_rollup.tensor.program import Program, Value

#: A property's score program with its samples.
Scored = tuple[Program, Dataset]


class JobUnfitError(AnhError):
    """A job of which every claim can be refuted, whatever the result.

    Attributes:
        index: The property that no result fits.
        reason: Why, as a phrase.
    """

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(
            f"no claim about this job could be defended: property {index} {reason}",
            remedy="Order it with score programs that read the whole result, and samples that fit them.",
        )
        self.index = index
        self.reason = reason


class ThresholdUnreachableError(AnhError):
    """A property that no result can have.

    Attributes:
        threshold: The least sum that it asks for.
        count: Samples of its data set.
        best: The best score of a sample.
    """

    def __init__(self, threshold: int, count: int, best: int) -> None:
        super().__init__(
            f"no result reaches a sum of {threshold}: {count} samples score {best} each at most",
            remedy=f"Ask for a sum of {count * best} or less.",
        )
        self.threshold = threshold
        self.count = count
        self.best = best


def require_fitting(job: Job, architecture: Program, scored: Sequence[Scored], model: Model | None) -> None:
    """Checks a job with its artifacts, before anything is paid or computed.

    Args:
        job: The job.
        architecture: The program that it has trained or run.
        scored: For each property its score program and its samples.
        model: What an inference runs with; None for training.

    Raises:
        JobUnfitError: No result fits all properties.
    """
    for index, (program, dataset) in enumerate(scored):
        reason = _unscored(program, dataset)
        if job.kind is JobKind.TRAINING:
            reason = reason or _untrainable(program, architecture)
        elif model is not None:
            reason = reason or _unanswerable(program, dataset, scored[0]) or _misled(program, model)
            reason = reason or _ungiven(program, architecture)
        if reason is not None:
            raise JobUnfitError(index, reason)


def require_reachable(wanted: Property, program: Program, samples: Dataset) -> None:
    """Checks that a property's least sum can be had at all, before anything is paid.

    Raises:
        ThresholdUnreachableError: Not even the best score for every sample adds up to it.
    """
    if wanted.threshold > program.output.high * samples.count:
        raise ThresholdUnreachableError(wanted.threshold, samples.count, program.output.high)


def _unscored(program: Program, dataset: Dataset) -> str | None:
    if program.fields or program.answers or dataset.count == 1:
        return None
    return f"reads nothing of a sample: it has one score, and its data set {dataset.count} samples"


def _untrainable(program: Program, architecture: Program) -> str | None:
    """Why no trained model fits a score program."""
    if program.answers:
        return f"reads {len(program.answers)} answers, and a training has none"
    read, trained = _shapes(program.parameters), _shapes(architecture.parameters)
    if read == trained:
        return None
    return f"declares parameters of shapes {read}, the architecture has {trained}"


def _unanswerable(program: Program, dataset: Dataset, first: Scored) -> str | None:
    """Why no answers fit both a property and the first one."""
    read, asked = _shapes(program.answers), _shapes(first[0].answers)
    if not read:
        return "reads no answer, and an inference has some"
    if read != asked:
        return f"declares answers of shapes {read}, property 0 declares {asked}"
    if dataset.count != first[1].count:
        return f"is about {dataset.count} samples, property 0 about {first[1].count}"
    return None


def _ungiven(program: Program, architecture: Program) -> str | None:
    """Why the architecture's outputs are no answers that a score program reads."""
    read, given = _shapes(program.answers), architecture.output.shape
    if read == [given]:
        return None
    return f"declares answers of shapes {read}, the architecture gives {given}"


def _misled(program: Program, model: Model) -> str | None:
    """Why the job's own model contradicts what a score program declares of it."""
    held = model.parameters[: len(program.parameters)]
    if _shapes(program.parameters) != [each.shape for each in held]:
        return "declares other parameters than those of the job's model"
    for value, elements in zip(program.parameters, held, strict=True):
        if ((elements < value.low) | (elements > value.high)).any():
            return (
                f"declares parameter {value.index} within [{value.low}, {value.high}], the model exceeds it"
            )
    return None


def _shapes(values: Sequence[Value]) -> list[tuple[int, ...]]:
    return [each.shape for each in values]
