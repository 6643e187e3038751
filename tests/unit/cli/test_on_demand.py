"""What roles compute with on demand is what `training` makes."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from anh_rollup.accountant.conduct import HONEST
from anh_rollup.cli.on_demand import NO_TIME, make_answerer, make_evaluator, make_trainer
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.primitives import Seconds
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.training.answering import ENGINES
from anh_rollup.training.engines import AnsweringEngine
from anh_rollup.watching import unwatched
from tests.doubles.small_program import random_fields, random_parameters, small_program


def test_it_evaluates_as_the_reference_does() -> None:
    program = small_program()
    sources = Sources(random_fields(program, 3, 1), (), random_parameters(program, 1))
    ours, reference = make_evaluator(), ReferenceEvaluator()
    expected = reference.evaluate(program, sources)
    loaded = ours.load(program, sources.parameters)
    for found in (ours.evaluate(program, sources), loaded.evaluate(sources.fields, sources.answers)):
        assert np.array_equal(found, expected)
    traces = zip(ours.trace(program, sources, 2), reference.trace(program, sources, 2), strict=True)
    assert all(np.array_equal(*pair) for pair in traces)


def test_trainers_and_answerers_are_made_as_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def recorder(*made: Any) -> Any:
        return lambda *given: (*made, *given)

    stub = SimpleNamespace(make_trainer=recorder, make_answerer=recorder)
    monkeypatch.setattr("anh_rollup.cli.on_demand.import_module", lambda _name: stub)
    store = ArtifactStore(tmp_path)
    task: Any = "a task"
    three: Any = ("a program", "samples", "a model")
    assert make_trainer(store)(task) == (store, HONEST, unwatched, NO_TIME, time.time, task)
    spare, clock = Seconds(7), lambda: 5.0
    given = make_trainer(store, HONEST, unwatched, spare, clock)
    assert given(task) == (store, HONEST, unwatched, spare, clock, task)
    assert make_answerer("auto", store)(*three) == ("auto", store, unwatched, *three)


def test_every_engine_has_an_implementation() -> None:
    assert list(ENGINES) == list(AnsweringEngine)
