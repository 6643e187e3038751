"""The world finds on a cluster what it finds alone, whatever the cluster does with its batches."""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from anh_rollup.cluster import closures
from anh_rollup.cluster.closures import ClusterPool
from anh_rollup.cluster.errors import ClusterError, ClusterLostError, TaskFailedError
from anh_rollup.world import execution
from anh_rollup.world.errors import WorldClosedError
from anh_rollup.world.worker import Batch, Outcomes, run_batch
from tests.doubles.clusters import FakeCluster, SilentCluster
from tests.doubles.toy_engine import ToyEngine
from tests.doubles.worlds import appended, world_in
from tests.unit.world.test_parallel import crowd, found, serial

LOAD = {closures.LOAD: lambda: None}


def execute(batch: Batch) -> Outcomes:
    return run_batch(ToyEngine(), batch)


def fake(*errors: ClusterError, chance: float = 0.0) -> FakeCluster:
    return FakeCluster(LOAD | {closures.EXECUTE: execute}, errors, chance)


@pytest.fixture(autouse=True)
def _small_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "FEWEST", 2)


def pool_of(cluster: Any, patience: float = 30.0) -> ClusterPool:
    return ClusterPool(cluster, patience)


@pytest.mark.parametrize("lost", [0.0, 0.3, 1.0])
def test_what_a_cluster_executes_or_loses_changes_nothing(tmp_path: Path, lost: float) -> None:
    orders, cluster = crowd(12), fake(ClusterLostError(), TaskFailedError("execute", "it rains"), chance=lost)
    world = appended(world_in(tmp_path, ToyEngine(), pool=pool_of(cluster)), orders.blocks)
    world.receipt(world.head, 0)
    assert found(world) == serial(tmp_path, orders)
    assert world.executed == 37
    assert bool(cluster.told) == (lost > 0)
    assert set(cluster.told) <= {"it rains"}


def test_what_is_not_answered_for_long_is_executed_here(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    orders, cluster = crowd(2), SilentCluster(LOAD)
    world = appended(world_in(tmp_path, ToyEngine(), pool=pool_of(cluster, 0.01)), orders.blocks)
    world.receipt(world.head, 0)
    assert found(world) == serial(tmp_path, orders)
    assert cluster.cancelled
    assert {line.partition(":")[0] for line in caplog.messages} == {"no answer of the Ray cluster for 0.01 s"}


def test_nothing_is_sent_until_the_nodes_have_loaded_their_engine() -> None:
    cluster = SilentCluster(LOAD)
    loading: list[Future[Any]] = []
    cluster.submit = lambda _work: loading.append(Future()) or loading[-1]  # type: ignore[method-assign, func-returns-value]
    pool = pool_of(cluster)
    assert (pool.room(), len(loading)) == (0, 2)
    loading[0].set_result(None)
    assert (pool.room(), len(loading)) == (0, 2)
    loading[1].set_exception(ClusterLostError())
    assert (pool.room(), pool.working) == (4, 2)


def test_room_is_what_may_be_out_and_is_not() -> None:
    pool = pool_of(cluster := SilentCluster(LOAD))
    for number in range(3):
        pool.send(number, ())
    assert pool.room() == 1
    cluster.places = 2
    assert pool.room() == 0
    pool.forget()
    assert (pool.room(), len(cluster.cancelled)) == (2, 3)


def test_what_was_forgotten_never_comes_back() -> None:
    pool = pool_of(fake())
    pool.send(0, ())
    pool.forget()
    pool.send(1, ())
    assert pool.answers(patient=False) == [(1, [])]


def test_a_closed_pool_says_so_to_who_waits() -> None:
    pool = pool_of(cluster := SilentCluster(LOAD))
    pool.send(0, ())
    with ThreadPoolExecutor(1) as elsewhere:
        waiting = elsewhere.submit(pool.answers, patient=True)
        with pytest.raises(TimeoutError):
            waiting.result(0.1)
        pool.close()
        assert isinstance(waiting.exception(), WorldClosedError)
    assert cluster.is_closed
    with pytest.raises(WorldClosedError):
        pool.answers(patient=False)
