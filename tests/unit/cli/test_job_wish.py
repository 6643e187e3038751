"""`anh job submit`: from words to a job, and every way in which that can fail."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anh_rollup.accountant.strategy import Conditions
from anh_rollup.cli.job_checks import (
    ArchitectureOptionError,
    DeadlineTooNearError,
    JobTooHeavyError,
    ModelOptionError,
    RewardTooSmallError,
)
from anh_rollup.cli.job_wish import (
    JobOptionsError,
    JobWish,
    PropertyOptionError,
    make_job,
    parse_property,
)
from anh_rollup.cli.options import DigestOptionError
from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.evaluation import workload
from anh_rollup.evaluation.errors import ProgramTooLargeError
from anh_rollup.evaluation.workload import multiply_adds
from anh_rollup.primitives import HOUR
from anh_rollup.protocol.fitting import JobUnfitError, ThresholdUnreachableError
from anh_rollup.protocol.jobs import NO_ROOT, Job, JobKind, Property
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.storage.errors import ArtifactMissingError
from anh_rollup.tensor.program import Program
from tests.doubles.claimed import answered_program, answering_program
from tests.doubles.small_program import LOGITS, random_fields, random_parameters, small_program

NOW = 1_700_000_000
ROOT = "ab" * 32


class Artifacts:
    """A store with everything that a job over the small program needs."""

    def __init__(self, folder: Path) -> None:
        program = small_program()
        self.store = ArtifactStore(folder)
        self.program = self.store.put_program(program)
        network = Program(program.values[: LOGITS + 1], program.constants)
        self.architecture = self.store.put_program(network)
        self.dataset = self.store.put_dataset(Dataset(random_fields(program, 3, 1)))
        self.model = self.store.put_model(Model(random_parameters(program, 2)))

    def answered(self) -> tuple[bytes, bytes]:
        """Roots of a score program that reads answers, and of samples for it."""
        program = answered_program()
        samples = Dataset(random_fields(program, 3, 1))
        return self.store.put_program(program), self.store.put_dataset(samples)

    def wish(self, **changes: Any) -> JobWish:
        words = f"{self.program.hex()}:0x{self.dataset.hex()}:2"
        told = {
            "kind": "training", "architecture": self.architecture, "model": NO_ROOT, "properties": (words,),
            "reward": 10**18, "hours": 0.5, "uri": "", **changes,
        }  # fmt: skip
        return JobWish(**{**told, "properties": tuple(map(parse_property, told["properties"]))})


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(tmp_path)


def test_a_wish_becomes_a_job_with_a_deadline_and_the_stores_own_uri(
    artifacts: Artifacts, tmp_path: Path
) -> None:
    wanted = (Property(artifacts.program, artifacts.dataset, 2),)
    expected = Job(
        JobKind.TRAINING, artifacts.architecture, NO_ROOT, wanted, NOW + 1_800, tmp_path.resolve().as_uri()
    )

    assert make_job(artifacts.wish(), artifacts.store, NOW) == expected


def test_a_given_uri_is_taken(artifacts: Artifacts) -> None:
    assert make_job(artifacts.wish(uri="https://a.b"), artifacts.store, NOW).uri == "https://a.b"


def test_an_inference_job_names_a_model(artifacts: Artifacts) -> None:
    program, dataset = artifacts.answered()
    words = f"{program.hex()}:{dataset.hex()}:2"
    architecture = artifacts.store.put_program(answering_program())
    given = {"architecture": architecture, "model": artifacts.model, "properties": (words,)}
    job = make_job(artifacts.wish(kind="inference", **given), artifacts.store, NOW)

    assert (job.kind, job.model) == (JobKind.INFERENCE, artifacts.model)


def test_a_training_job_names_none(artifacts: Artifacts) -> None:
    with pytest.raises(ModelOptionError, match="a training asks no model") as refused:
        make_job(artifacts.wish(model=artifacts.model), artifacts.store, NOW)
    assert refused.value.remedy == "Leave --model out, or give --kind inference."


def test_an_inference_job_without_a_model_is_refused(artifacts: Artifacts) -> None:
    with pytest.raises(ModelOptionError, match="an inference asks a model, and none is given") as refused:
        make_job(artifacts.wish(kind="inference"), artifacts.store, NOW)
    assert refused.value.remedy == "Give --model ROOT."


def test_a_job_without_a_reward_is_refused(artifacts: Artifacts) -> None:
    assert make_job(artifacts.wish(reward=1), artifacts.store, NOW).properties
    with pytest.raises(RewardTooSmallError, match="no accountant works for 0 wei"):
        make_job(artifacts.wish(reward=0), artifacts.store, NOW)


def test_a_deadline_before_which_nobody_starts_is_refused(artifacts: Artifacts) -> None:
    least = Conditions().least_time
    job = make_job(artifacts.wish(hours=(least + 0.5) / HOUR), artifacts.store, NOW)
    assert job.deadline == NOW + least
    with pytest.raises(DeadlineTooNearError, match=f"no accountant starts {least - 1} seconds before"):
        make_job(artifacts.wish(hours=(least - 0.5) / HOUR), artifacts.store, NOW)


def test_a_score_program_is_no_architecture(artifacts: Artifacts) -> None:
    with pytest.raises(ArchitectureOptionError, match="it is a score program of this job"):
        make_job(artifacts.wish(architecture=artifacts.program), artifacts.store, NOW)


@pytest.mark.parametrize("kind", ["training", "inference"])
def test_a_program_that_reads_answers_is_no_architecture(kind: str, artifacts: Artifacts) -> None:
    program, _ = artifacts.answered()
    model = artifacts.model if kind == "inference" else NO_ROOT
    with pytest.raises(ArchitectureOptionError, match="it reads answers") as refused:
        make_job(artifacts.wish(kind=kind, model=model, architecture=program), artifacts.store, NOW)
    assert refused.value.root == program


@pytest.mark.parametrize("missing", ["architecture", "model", "program", "dataset"])
def test_every_artifact_has_to_be_in_the_store(artifacts: Artifacts, missing: str) -> None:
    unknown = np.random.default_rng(1).bytes(32)
    program = unknown if missing == "program" else artifacts.program
    dataset = unknown if missing == "dataset" else artifacts.dataset
    wish = artifacts.wish(
        kind="inference",
        architecture=unknown if missing == "architecture" else artifacts.architecture,
        model=unknown if missing == "model" else artifacts.model,
        properties=(f"{program.hex()}:{dataset.hex()}:2",),
    )

    with pytest.raises(ArtifactMissingError):
        make_job(wish, artifacts.store, NOW)


def test_a_sum_that_no_result_reaches_is_told_before_anything_is_paid(artifacts: Artifacts) -> None:
    most = 3 * small_program().output.high
    words = f"{artifacts.program.hex()}:{artifacts.dataset.hex()}"
    assert make_job(artifacts.wish(properties=(f"{words}:{most}",)), artifacts.store, NOW).properties
    with pytest.raises(ThresholdUnreachableError) as refused:
        make_job(artifacts.wish(properties=(f"{words}:{most + 1}",)), artifacts.store, NOW)
    assert refused.value.remedy == f"Ask for a sum of {most} or less."


def test_a_job_that_no_result_fits_is_told_before_anything_is_paid(artifacts: Artifacts) -> None:
    program, dataset = artifacts.answered()
    scored = f"{artifacts.program.hex()}:{artifacts.dataset.hex()}:2"
    words = (scored, f"{program.hex()}:{dataset.hex()}:2")

    with pytest.raises(JobUnfitError, match="property 1 reads 1 answers"):
        make_job(artifacts.wish(properties=words), artifacts.store, NOW)


def test_a_property_that_nobody_evaluates_is_told_before_anything_is_paid(
    artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = multiply_adds(small_program(), 3)
    most = workload.MOST_WORK
    factor = most // work + 1
    monkeypatch.setattr(
        workload, "multiply_adds", lambda program, count: factor * multiply_adds(program, count)
    )
    with pytest.raises(JobTooHeavyError) as refused:
        make_job(artifacts.wish(), artifacts.store, NOW)
    assert refused.value.message == (
        f"no accountant takes the job: property 0 takes {factor * work} multiply-adds to evaluate, "
        f"the usual most is {most}"
    )


def test_a_property_at_the_bound_is_ordered(artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workload, "multiply_adds", lambda _program, _count: workload.MOST_WORK)
    assert make_job(artifacts.wish(), artifacts.store, NOW).properties


def test_a_property_that_fits_no_memory_is_told_before_anything_is_paid(
    artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = workload.held_elements(small_program())
    monkeypatch.setattr(workload, "MOST_TRACED", taken - 1)
    with pytest.raises(ProgramTooLargeError) as refused:
        make_job(artifacts.wish(), artifacts.store, NOW)
    assert (refused.value.elements, refused.value.most) == (taken, taken - 1)


def test_a_property_is_program_data_set_and_least_sum() -> None:
    expected = Property(bytes.fromhex(ROOT), bytes.fromhex("cd" * 32), -17)
    assert parse_property(f"0x{ROOT}:{'cd' * 32}:-17") == expected


@pytest.mark.parametrize(
    "word", ["", "a:b", f"{ROOT}:{ROOT}", f"{ROOT}:{ROOT}:x", f"{ROOT}:{ROOT}:1:2", "::1"]
)
def test_a_malformed_property_is_told(word: str) -> None:
    with pytest.raises(PropertyOptionError) as refused:
        parse_property(word)

    assert refused.value.remedy.startswith("Write SCORE_PROGRAM_ROOT:DATASET_ROOT:LEAST_SUM,")


def test_a_property_with_a_malformed_root_is_told() -> None:
    with pytest.raises(DigestOptionError):
        parse_property(f"{ROOT}:0x12:5")


def test_a_threshold_beyond_int64_is_told() -> None:
    assert parse_property(f"{ROOT}:{ROOT}:{2**63 - 1}").threshold == 2**63 - 1
    with pytest.raises(PropertyOptionError):
        parse_property(f"{ROOT}:{ROOT}:{2**63}")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"properties": (f"{ROOT}:{ROOT}:1",) * 5}, "5 properties, 4 are the most"),
        ({"uri": "x" * 513}, "the URI has more than 512 bytes"),
    ],
)
def test_options_that_no_job_can_have_are_told_before_the_store_is_read(
    artifacts: Artifacts, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(JobOptionsError) as refused:
        artifacts.wish(**changes)
    assert refused.value.message == f"these options make no job: {told}"
