"""What `anh job submit` makes of its words: the wish, and the job with its artifacts verified."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from anh_rollup.cli.job_checks import (
    require_architecture,
    require_attractive,
    require_light,
    require_model_option,
    scored_properties,
)
from anh_rollup.cli.options import UsageError, parse_digest
from anh_rollup.encoding.abi import text_size
from anh_rollup.evaluation.disputability import check_disputable
from anh_rollup.evaluation.sources import check_score_program
from anh_rollup.primitives import HOUR, Seconds
from anh_rollup.protocol.fitting import require_fitting, require_reachable
from anh_rollup.protocol.jobs import (
    MOST_PROPERTIES,
    MOST_URI_BYTES,
    Job,
    JobKind,
    JobMalformedError,
    Property,
)
from anh_rollup.storage.artifacts import ArtifactStore

#: A property as a word.
PROPERTY: Final = re.compile(r"([^:]+):([^:]+):(-?[0-9]{1,19})")

KINDS: Final = {"training": JobKind.TRAINING, "inference": JobKind.INFERENCE}


class PropertyOptionError(UsageError):
    """A word that should be a property.

    Attributes:
        word: The word.
    """

    def __init__(self, word: str) -> None:
        super().__init__(
            f"--property {word[:200]!r} is no property",
            remedy="Write SCORE_PROGRAM_ROOT:DATASET_ROOT:LEAST_SUM, the sum as a whole number of 64 bits.",
        )
        self.word = word


class JobOptionsError(UsageError):
    """Options that no job can have, whatever is in the store.

    Attributes:
        reason: What is wrong, as a phrase.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"these options make no job: {reason}", remedy="See `anh job submit --help`.")
        self.reason = reason


def parse_property(word: str) -> Property:
    """A property from PROGRAM:DATASET:LEAST.

    Raises:
        PropertyOptionError: It is something else.
        DigestOptionError: A root is malformed.
    """
    matched = PROPERTY.fullmatch(word)
    if matched is None:
        raise PropertyOptionError(word)
    try:
        return Property(parse_digest(matched[1]), parse_digest(matched[2]), int(matched[3]))
    except JobMalformedError as error:
        raise PropertyOptionError(word) from error


@dataclass(frozen=True, slots=True)
class JobWish:
    """What `anh job submit` was told about the job.

    Attributes:
        kind: Training or inference, as a word.
        architecture: Root of the program.
        model: Root of the model, or zeros.
        properties: What the result must have.
        reward: Wei.
        hours: To the deadline.
        uri: Where the artifacts are; empty for the store's own folder.
    """

    kind: str
    architecture: bytes
    model: bytes
    properties: Sequence[Property]
    reward: int
    hours: float
    uri: str

    def __post_init__(self) -> None:
        """Raises `ModelOptionError` or `JobOptionsError` where the options contradict themselves."""
        require_model_option(KINDS[self.kind], self.model)
        if len(self.properties) > MOST_PROPERTIES:
            raise JobOptionsError(f"{len(self.properties)} properties, {MOST_PROPERTIES} are the most")
        if text_size(self.uri) > MOST_URI_BYTES:
            raise JobOptionsError(f"the URI has more than {MOST_URI_BYTES} bytes")


def make_job(wish: JobWish, store: ArtifactStore, now: int) -> Job:
    """The job of a wish; its artifacts are read and verified first.

    Raises:
        RewardTooSmallError: No accountant with the usual settings works for the reward.
        DeadlineTooNearError: Nor in the time that is left.
        ArchitectureOptionError: The architecture is a score program.
        ArtifactError: The store lacks an artifact, or holds a damaged one.
        ThresholdUnreachableError: A least sum is beyond what its scores can add up to.
        SourcesRefusedError: A property's program gives no score, or its data set is not what it declares.
        UndisputableError: A lie about a score could not be refuted on L1.
        JobUnfitError: No result fits all properties.
        JobTooHeavyError: A property takes too much work, or `ProgramTooLargeError`: memory.
        JobMalformedError: The name of the store's folder is too long for a URI.
    """
    kind, left = KINDS[wish.kind], int(wish.hours * HOUR)
    require_attractive(wish.reward, left)
    properties = tuple(wish.properties)
    uri = wish.uri or (store.folder.resolve().as_uri() if store.folder is not None else "")
    job = Job(kind, wish.architecture, wish.model, properties, Seconds(now + left), uri)
    architecture = store.get_program(job.architecture)
    require_architecture(job, architecture)
    model = store.get_model(job.model) if job.kind is JobKind.INFERENCE else None
    scored = scored_properties(store, properties)
    for each, (program, samples) in zip(properties, scored, strict=True):
        check_score_program(program, samples.fields)
        check_disputable(program)
        require_reachable(each, program, samples)
    require_fitting(job, architecture, scored, model)
    require_light(scored)
    return job
