"""How long accountants train and from where."""

from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from anh_rollup.accountant.conduct import HONEST, Conduct
from anh_rollup.accountant.drills import DRILLS
from anh_rollup.accountant.work import TrainingTask, Worker
from anh_rollup.cli.training import UNCHECKED_EPOCHS, make_trainer
from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.tensors import Elements
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.primitives import Seconds
from anh_rollup.protocol.jobs import NO_ROOT, Job, JobKind, Property
from anh_rollup.protocol.orders import OrderedJob
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.storage.errors import ArtifactCorruptError, ArtifactError, ArtifactMissingError
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.properties import accuracy
from anh_rollup.training.errors import TrainingError
from anh_rollup.training.float_program import FloatProgram
from anh_rollup.training.hints import TrainingHints, encode_hints
from tests.doubles.small_program import random_fields, small_program

#: The drills that claim what nobody checked: their network may be worth nothing.
UNCHECKED = {"boasted-accuracy", "below-threshold"}


@pytest.fixture
def trained_epochs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """How many epochs a training may take that somebody of a conduct starts, without hints."""
    program = small_program()
    samples = Dataset(random_fields(program, 3, 1))
    store = ArtifactStore(tmp_path)
    wanted = Property(store.put_program(program), store.put_dataset(samples), 2)
    job = Job(JobKind.TRAINING, program.root, NO_ROOT, (wanted,), 2_000_000_000, "")
    asked: list[int] = []

    def train_module(_module: Any, _samples: Any, hints: TrainingHints, *_judge: Any) -> Any:
        asked.append(hints.epochs)
        return SimpleNamespace(epochs=hints.epochs, seconds=0.0, parameters=())

    monkeypatch.setattr("anh_rollup.cli.training.train_module", train_module)

    def epochs(conduct: Conduct) -> int:
        make_trainer(store, conduct)(TrainingTask(job, program, samples, lambda _: True))
        return asked.pop()

    return epochs


def test_an_honest_accountant_trains_as_long_as_the_hints_say(trained_epochs: Any) -> None:
    assert (
        trained_epochs(HONEST) == TrainingHints(training_data="0x" + NO_ROOT.hex()).epochs > UNCHECKED_EPOCHS
    )


@pytest.mark.parametrize("drill", DRILLS)
def test_only_a_drill_whose_result_need_not_be_good_hardly_trains(drill: str, trained_epochs: Any) -> None:
    expected = UNCHECKED_EPOCHS if drill in UNCHECKED else trained_epochs(HONEST)
    assert trained_epochs(DRILLS[drill]) == expected


ENDLESS = 100_000


def endless_job(store: ArtifactStore, deadline: int) -> Job:
    """A training whose recipe asks for 100,000 passes of one sample a step, and whose data is noise."""
    b, chance = ProgramBuilder(), np.random.default_rng(1)
    x = b.field((4,), scale=8, low=-9, high=9)
    architecture = b.build(b.linear(x, b.parameter((2, 4), scale=8, low=-9, high=9), scale=8))
    score = accuracy(architecture)
    fields = [np.zeros((9, 4), np.int32), chance.permutation(9).astype(np.int32) % 2]
    data = store.put_dataset(Dataset(fields))
    hints = TrainingHints(training_data="0x" + data.hex(), epochs=ENDLESS, batch_size=1)
    store.put_recipe(store.put_program(architecture), encode_hints(hints))
    wanted = Property(store.put_program(score), data, 9)
    return Job(JobKind.TRAINING, architecture.root, NO_ROOT, (wanted,), Seconds(deadline), "")


@pytest.mark.parametrize(("spare", "epochs"), [(0, 11), (30, 7), (99, 0), (100, 0)])
def test_an_endless_recipe_ends_while_there_is_time_for_a_claim(
    tmp_path: Path, spare: int, epochs: int
) -> None:
    """Every step takes a second; the job has a hundred."""
    store, seconds = ArtifactStore(tmp_path), count(1_000)
    trainer = make_trainer(store, spare=Seconds(spare), clock=lambda: float(next(seconds)))
    job = endless_job(store, 1_100)
    worker = Worker(store, FastEvaluator(), trainer, lambda *_: ())

    with pytest.raises(TrainingError) as ended:
        worker.perform(OrderedJob(4, NO_ROOT, 2, NO_ROOT, job, 9))
    assert ended.value.reason == f"the deadline came after epoch {epochs}"
    assert next(seconds) == 1_100 - spare + 1


class Started:
    """Trainings of a job whose recipe names a model; what they would begin with is noted instead."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.program = small_program()
        self.samples = Dataset(random_fields(self.program, 3, 1))
        self.store = ArtifactStore(folder)
        self.data = self.store.put_dataset(self.samples)
        self.begun: list[tuple[Elements, ...]] = []
        monkeypatch.setattr("anh_rollup.cli.training.train_module", self._train)

    def _train(self, module: FloatProgram, *_rest: Any) -> Any:
        self.begun.append(module.rounded())
        return SimpleNamespace(epochs=1, seconds=0.0, parameters=())

    def train(self, initial: bytes) -> None:
        hints = TrainingHints(training_data=f"0x{self.data.hex()}", initial_model=f"0x{initial.hex()}")
        self.store.put_recipe(self.store.put_program(self.program), encode_hints(hints))
        wanted = Property(self.program.root, self.data, 2)
        job = Job(JobKind.TRAINING, self.program.root, NO_ROOT, (wanted,), 2_000_000_000, "")
        make_trainer(self.store)(TrainingTask(job, self.program, self.samples, lambda _: True))


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Started:
    return Started(tmp_path, monkeypatch)


def test_a_training_starts_from_the_model_that_its_recipe_names(started: Started) -> None:
    rng = np.random.default_rng(4)
    model = [
        rng.integers(each.low, each.high + 1, each.shape).astype(np.int32)
        for each in started.program.parameters
    ]
    started.train(started.store.put_model(Model(model)))
    (begun,) = started.begun
    assert [each.tolist() for each in begun] == [each.tolist() for each in model]


def test_a_model_of_another_network_is_refused(started: Started) -> None:
    with pytest.raises(TrainingError, match=r"parameters of the shapes \[\(3,\)\] for a program with"):
        started.train(started.store.put_model(Model([np.zeros(3, np.int32)])))
    assert not started.begun


@pytest.mark.parametrize(
    ("content", "expected"), [(None, ArtifactMissingError), (b"not it", ArtifactCorruptError)]
)
def test_a_model_that_is_not_there_is_refused(
    started: Started, tmp_path: Path, content: bytes | None, expected: type[ArtifactError]
) -> None:
    if content is not None:
        (tmp_path / "model").mkdir(exist_ok=True)
        (tmp_path / "model" / ("ee" * 32)).write_bytes(content)
    with pytest.raises(expected):
        started.train(b"\xee" * 32)
    assert not started.begun
