"""Samples give the same bytes on a cluster as here, whatever the cluster does with them."""

import logging
from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest

from anh_rollup.cluster import evaluator as module
from anh_rollup.cluster.errors import ClusterClosedError, ClusterError, ClusterLostError, TaskFailedError
from anh_rollup.cluster.evaluator import ClusterEvaluator
from anh_rollup.cluster.sample_tasks import _LOADED, MOST_LOADED, evaluate_rows
from anh_rollup.evaluation.errors import SourcesRefusedError
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from tests.doubles.clusters import FakeCluster, SilentCluster
from tests.doubles.small_program import random_fields, random_parameters, small_program

PROGRAM = small_program()
SOURCES = Sources(random_fields(PROGRAM, 300, seed=1), (), random_parameters(PROGRAM, seed=2))


WORKS = {"anh_rollup.cluster.sample_tasks:evaluate_rows": evaluate_rows}


def fake(*errors: ClusterError, chance: float = 1.0) -> FakeCluster:
    return FakeCluster(WORKS, errors, chance)


def rows(cluster: FakeCluster) -> list[int]:
    """The rows of each task that was carried out."""
    return [len(fields[0]) for _, fields, _ in cluster.carried_out]


def evaluator(cluster: Any, least_work: int = 1) -> ClusterEvaluator:
    return ClusterEvaluator(FastEvaluator(), cluster, least_work)


def expected() -> bytes:
    return ReferenceEvaluator().evaluate(PROGRAM, SOURCES).tobytes()


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST_PART", 1)


def test_rows_are_evaluated_in_parts_and_put_together() -> None:
    cluster = fake()
    found = evaluator(cluster).evaluate(PROGRAM, SOURCES)
    assert (found.tobytes(), found.dtype, found.shape) == (expected(), np.int32, (300,))
    assert (len(rows(cluster)), sum(rows(cluster)), cluster.released, cluster.shared) == (16, 300, 1, {})


@pytest.mark.parametrize(
    "errors", [(ClusterLostError(),), (TaskFailedError("evaluate_rows", "it rains"),)], ids=["lost", "failed"]
)
@pytest.mark.parametrize("chance", [0.3, 1.0])
def test_what_gets_lost_or_fails_is_evaluated_here(
    errors: tuple[ClusterError, ...], chance: float, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    cluster = fake(*errors, chance=chance)
    assert evaluator(cluster).evaluate(PROGRAM, SOURCES).tobytes() == expected()
    here = 300 - sum(rows(cluster))
    assert here > 0
    assert caplog.messages[0] == "evaluating 300 samples in 16 parts on 2 node(s), 2 core(s)"
    assert caplog.messages[-1].endswith(f", {here} of them here")
    assert set(cluster.told) <= {"it rains"}
    assert bool(cluster.told) == isinstance(errors[0], TaskFailedError)


def test_a_cluster_that_is_lost_in_the_middle_leaves_the_rest_to_this_machine() -> None:
    cluster = fake()
    submit = cluster.submit

    def last(*given: Any) -> Future[Any]:
        cluster.places = 0
        return submit(*given)

    cluster.submit = last  # type: ignore[method-assign]
    assert evaluator(cluster).evaluate(PROGRAM, SOURCES).tobytes() == expected()
    assert len(rows(cluster)) == 1


def test_a_cluster_that_does_not_answer_is_not_waited_for_twice(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(module, "PATIENCE", 0)
    cluster = SilentCluster({})
    assert evaluator(cluster).evaluate(PROGRAM, SOURCES).tobytes() == expected()
    assert caplog.messages == ["no answer of the Ray cluster for 0 s: the samples are evaluated here"]
    assert len(cluster.cancelled) == 4


def test_little_work_stays_here_and_so_does_all_without_a_cluster() -> None:
    cluster = fake()
    assert evaluator(cluster, 10**12).evaluate(PROGRAM, SOURCES).tobytes() == expected()
    assert evaluator(cluster).evaluate(PROGRAM, SOURCES.sample(3)).shape == (1,)
    loaded = evaluator(cluster, 10**12).load(PROGRAM, SOURCES.parameters)
    assert loaded.evaluate(SOURCES.fields).tobytes() == expected()
    cluster.places = 0
    assert evaluator(cluster).evaluate(PROGRAM, SOURCES).tobytes() == expected()
    assert rows(cluster) == []


def test_a_loaded_program_can_be_evaluated_again_and_traced() -> None:
    cluster = fake()
    loaded = evaluator(cluster).load(PROGRAM, SOURCES.parameters)
    for _ in range(2):
        assert loaded.evaluate(SOURCES.fields).tobytes() == expected()
    traces = loaded.trace(7, SOURCES.fields), evaluator(cluster).trace(PROGRAM, SOURCES, 7)
    for trace in traces:
        wanted = ReferenceEvaluator().trace(PROGRAM, SOURCES, 7)
        assert [each.tobytes() for each in trace] == [each.tobytes() for each in wanted]
    assert (sum(rows(cluster)), cluster.released) == (600, 2)


def test_what_the_program_does_not_declare_is_refused_before_anything_is_sent() -> None:
    cluster = fake()
    with pytest.raises(SourcesRefusedError, match="fields: 1 given, 2 declared"):
        evaluator(cluster).evaluate(PROGRAM, Sources(SOURCES.fields[:1], (), SOURCES.parameters))
    assert rows(cluster) == []


def test_an_evaluation_ends_with_the_process() -> None:
    cluster = fake(ClusterClosedError())
    cluster.is_closed = True
    with pytest.raises(ClusterClosedError):
        evaluator(cluster).evaluate(PROGRAM, SOURCES)
    assert cluster.released == 1


def test_a_node_keeps_the_programs_of_few_evaluations() -> None:
    cluster = fake()
    for _ in range(MOST_LOADED + 2):
        evaluator(cluster).evaluate(PROGRAM, SOURCES)
    assert len(_LOADED) == MOST_LOADED
