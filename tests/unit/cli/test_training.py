"""How long accountants train: a drill lies only where its result reaches what the job asks for."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from anh_rollup.accountant.conduct import HONEST, Conduct
from anh_rollup.accountant.drills import DRILLS
from anh_rollup.accountant.work import TrainingTask
from anh_rollup.cli.training import UNCHECKED_EPOCHS, make_trainer
from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.protocol.jobs import NO_ROOT, Job, JobKind, Property
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.training.hints import TrainingHints
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

    def train(_architecture: Any, _samples: Any, hints: TrainingHints, *_judge: Any, **_named: Any) -> Any:
        asked.append(hints.epochs)
        return SimpleNamespace(epochs=hints.epochs, seconds=0.0, parameters=())

    monkeypatch.setattr("anh_rollup.cli.training.train", train)

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
