"""Samples give the same bytes on a cluster as here, whatever the cluster does with them."""

import logging
import random
from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest

from anh_rollup.cluster import evaluator as module
from anh_rollup.cluster.errors import ClusterClosedError, ClusterError, ClusterLostError, TaskFailedError
from anh_rollup.cluster.evaluator import ClusterEvaluator
from anh_rollup.cluster.messages import Shared
from anh_rollup.cluster.sample_tasks import _LOADED, MOST_LOADED, evaluate_rows
from anh_rollup.evaluation.errors import SourcesRefusedError
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.evaluation.torch_backend import TorchEvaluator
from tests.doubles.small_program import random_fields, random_parameters, small_program

PROGRAM = small_program()
SOURCES = Sources(random_fields(PROGRAM, 300, seed=1), (), random_parameters(PROGRAM, seed=2))


class FakeCluster:
    """Evaluates in this process; some tasks end with an error."""

    nodes, working, places = 2, 2, 4

    def __init__(self, errors: tuple[ClusterError, ...] = (), chance: float = 0.0) -> None:
        self.errors = errors
        self.chance = chance
        self.random = random.Random(1)
        self.is_closed = False
        self.shared: dict[Shared, Any] = {}
        self.released = 0
        self.rows: list[int] = []
        self.told: list[str] = []
        self.cancelled: list[Future[Any]] = []

    def share(self, value: Any) -> Shared:
        shared = Shared(str(len(self.shared)))
        self.shared[shared] = value
        return shared

    def release(self, shared: Shared) -> None:
        del self.shared[shared]
        self.released += 1

    def submit(self, work: str, shared: Shared, fields: Any, answers: Any) -> Future[Any]:
        assert work == "anh_rollup.cluster.sample_tasks:evaluate_rows"
        future: Future[Any] = Future()
        if self.errors and self.random.random() < self.chance:
            future.set_exception(self.random.choice(self.errors))
        else:
            self.rows.append(len(fields[0]))
            future.set_result(evaluate_rows(self.shared[shared], fields, answers))
        return future

    def cancel(self, futures: list[Future[Any]]) -> None:
        self.cancelled += futures

    def tell_once(self, error: TaskFailedError) -> None:
        self.told.append(error.reason)


class Silent(FakeCluster):
    """Never answers."""

    def submit(self, *_given: Any) -> Future[Any]:
        return Future()


def evaluator(cluster: Any, least_work: int = 1) -> ClusterEvaluator:
    return ClusterEvaluator(TorchEvaluator(), cluster, least_work)


def expected() -> bytes:
    return ReferenceEvaluator().evaluate(PROGRAM, SOURCES).tobytes()


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST_PART", 1)


def test_rows_are_evaluated_in_parts_and_put_together() -> None:
    cluster = FakeCluster()
    found = evaluator(cluster).evaluate(PROGRAM, SOURCES)
    assert (found.tobytes(), found.dtype, found.shape) == (expected(), np.int32, (300,))
    assert (len(cluster.rows), sum(cluster.rows), cluster.released, cluster.shared) == (16, 300, 1, {})


@pytest.mark.parametrize(
    "errors", [(ClusterLostError(),), (TaskFailedError("evaluate_rows", "it rains"),)], ids=["lost", "failed"]
)
@pytest.mark.parametrize("chance", [0.3, 1.0])
def test_what_gets_lost_or_fails_is_evaluated_here(
    errors: tuple[ClusterError, ...], chance: float, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    cluster = FakeCluster(errors, chance)
    assert evaluator(cluster).evaluate(PROGRAM, SOURCES).tobytes() == expected()
    here = 300 - sum(cluster.rows)
    assert here > 0
    assert caplog.messages[0] == "evaluating 300 samples in 16 parts on 2 node(s), 2 core(s)"
    assert caplog.messages[-1].endswith(f", {here} of them here")
    assert set(cluster.told) <= {"it rains"}
    assert bool(cluster.told) == isinstance(errors[0], TaskFailedError)


def test_a_cluster_that_is_lost_in_the_middle_leaves_the_rest_to_this_machine() -> None:
    cluster = FakeCluster()
    submit = cluster.submit

    def last(*given: Any) -> Future[Any]:
        cluster.places = 0
        return submit(*given)

    cluster.submit = last  # type: ignore[method-assign]
    assert evaluator(cluster).evaluate(PROGRAM, SOURCES).tobytes() == expected()
    assert len(cluster.rows) == 1


def test_a_cluster_that_does_not_answer_is_not_waited_for_twice(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(module, "PATIENCE", 0)
    cluster = Silent()
    assert evaluator(cluster).evaluate(PROGRAM, SOURCES).tobytes() == expected()
    assert caplog.messages == ["no answer of the Ray cluster for 0 s: the samples are evaluated here"]
    assert len(cluster.cancelled) == 4


def test_little_work_stays_here_and_so_does_all_without_a_cluster() -> None:
    cluster = FakeCluster()
    assert evaluator(cluster, 10**12).evaluate(PROGRAM, SOURCES).tobytes() == expected()
    assert evaluator(cluster).evaluate(PROGRAM, SOURCES.sample(3)).shape == (1,)
    loaded = evaluator(cluster, 10**12).load(PROGRAM, SOURCES.parameters)
    assert loaded.evaluate(SOURCES.fields).tobytes() == expected()
    cluster.places = 0
    assert evaluator(cluster).evaluate(PROGRAM, SOURCES).tobytes() == expected()
    assert cluster.rows == []


def test_a_loaded_program_can_be_evaluated_again_and_traced() -> None:
    cluster = FakeCluster()
    loaded = evaluator(cluster).load(PROGRAM, SOURCES.parameters)
    for _ in range(2):
        assert loaded.evaluate(SOURCES.fields).tobytes() == expected()
    traces = loaded.trace(7, SOURCES.fields), evaluator(cluster).trace(PROGRAM, SOURCES, 7)
    for trace in traces:
        wanted = ReferenceEvaluator().trace(PROGRAM, SOURCES, 7)
        assert [each.tobytes() for each in trace] == [each.tobytes() for each in wanted]
    assert (sum(cluster.rows), cluster.released) == (600, 2)


def test_what_the_program_does_not_declare_is_refused_before_anything_is_sent() -> None:
    cluster = FakeCluster()
    with pytest.raises(SourcesRefusedError, match="fields: 1 given, 2 declared"):
        evaluator(cluster).evaluate(PROGRAM, Sources(SOURCES.fields[:1], (), SOURCES.parameters))
    assert cluster.rows == []


def test_an_evaluation_ends_with_the_process() -> None:
    cluster = FakeCluster((ClusterClosedError(),), 1.0)
    cluster.is_closed = True
    with pytest.raises(ClusterClosedError):
        evaluator(cluster).evaluate(PROGRAM, SOURCES)
    assert cluster.released == 1


def test_a_node_keeps_the_programs_of_few_evaluations() -> None:
    cluster = FakeCluster()
    for _ in range(MOST_LOADED + 2):
        evaluator(cluster).evaluate(PROGRAM, SOURCES)
    assert len(_LOADED) == MOST_LOADED
