"""What `anh job submit` checks so that nobody pays for a job that no accountant would do."""

from collections.abc import Sequence

from anh_rollup.accountant.strategy import Conditions
from anh_rollup.cli.options import UsageError
from anh_rollup.errors import AnhError
from anh_rollup.evaluation.errors import WorkTooLargeError
from anh_rollup.evaluation.workload import check_work
from anh_rollup.protocol.fitting import Scored
from anh_rollup.protocol.jobs import NO_ROOT, Job, JobKind, Property
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.tensor.program import Program


class ModelOptionError(UsageError):
    """`--model` does not go with `--kind`.

    Attributes:
        kind: What the job asks for.
    """

    def __init__(self, kind: JobKind) -> None:
        inference = kind is JobKind.INFERENCE
        super().__init__(
            "an inference asks a model, and none is given" if inference else "a training asks no model",
            remedy="Give --model ROOT." if inference else "Leave --model out, or give --kind inference.",
        )
        self.kind = kind


class RewardTooSmallError(AnhError):
    """A reward for which accountants with the usual settings do not work.

    Attributes:
        reward: Wei.
        least: Wei from which on they do.
    """

    def __init__(self, reward: int, least: int) -> None:
        super().__init__(
            f"no accountant works for {reward} wei: the usual least reward is {least}",
            remedy="Give a larger --reward.",
        )
        self.reward = reward
        self.least = least


class DeadlineTooNearError(AnhError):
    """A deadline before which accountants with the usual settings do not start.

    Attributes:
        left: Seconds to it.
        least: Seconds that they want.
    """

    def __init__(self, left: int, least: int) -> None:
        super().__init__(
            f"no accountant starts {left} seconds before the deadline: the usual least time is {least}",
            remedy="Give more --hours: the order's batch, the work and the claim have to fit in.",
        )
        self.left = left
        self.least = least


class JobTooHeavyError(AnhError):
    """A property that accountants and challengers with the usual settings leave: it takes too much work.

    Attributes:
        index: The property.
        work: Multiply-adds that its evaluation takes.
        most: The most that they take on.
    """

    def __init__(self, index: int, work: int, most: int) -> None:
        super().__init__(
            f"no accountant takes the job: property {index} takes {work} multiply-adds to evaluate, "
            f"the usual most is {most}",
            remedy="Use fewer samples or a smaller network, or split the samples over several properties.",
        )
        self.index = index
        self.work = work
        self.most = most


class ArchitectureOptionError(AnhError):
    """A program that nothing can be trained or answered with.

    Attributes:
        root: Its root.
        reason: Why not, as a phrase.
    """

    def __init__(self, root: bytes, reason: str) -> None:
        super().__init__(
            f"0x{root.hex()} is no architecture: it {reason}",
            remedy="Give --architecture the program of the network; score programs go into --property.",
        )
        self.root = root
        self.reason = reason


def require_model_option(kind: JobKind, model: bytes) -> None:
    """Checks that a model is named by an inference, and by nothing else.

    Raises:
        ModelOptionError: It is the other way around.
    """
    if (model == NO_ROOT) != (kind is JobKind.TRAINING):
        raise ModelOptionError(kind)


def require_attractive(reward: int, left: int) -> None:
    """Checks what accountants look at first, by their settings where nobody changes them.

    Args:
        reward: Wei for the accountant.
        left: Seconds to the deadline.

    Raises:
        RewardTooSmallError: The reward is below their least.
        DeadlineTooNearError: The time is below their least.
    """
    usual = Conditions()
    if reward < usual.least_reward:
        raise RewardTooSmallError(reward, usual.least_reward)
    if left < usual.least_time:
        raise DeadlineTooNearError(left, usual.least_time)


def scored_properties(store: ArtifactStore, properties: Sequence[Property]) -> list[Scored]:
    """The score program and the samples of each property.

    Raises:
        ArtifactError: The store lacks one, or holds a damaged one.
    """
    return [(store.get_program(each.program), store.get_dataset(each.dataset)) for each in properties]


def require_light(scored: Sequence[Scored]) -> None:
    """Checks each property against the work and memory that accountants and challengers usually spend on one.

    Raises:
        JobTooHeavyError: One takes more work.
        ProgramTooLargeError: One takes more memory.
    """
    for index, (program, samples) in enumerate(scored):
        try:
            check_work(program, samples.count)
        except WorkTooLargeError as error:
            raise JobTooHeavyError(index, error.work, error.most) from error


def require_architecture(job: Job, architecture: Program) -> None:
    """Checks that a job's architecture can be a network.

    Raises:
        ArchitectureOptionError: It reads answers, or scores one of the job's properties.
    """
    if architecture.answers:
        raise ArchitectureOptionError(job.architecture, "reads answers, which only score programs do")
    if job.architecture in {each.program for each in job.properties}:
        raise ArchitectureOptionError(job.architecture, "is a score program of this job")
