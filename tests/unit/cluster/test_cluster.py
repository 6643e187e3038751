"""Tasks come to an end, whatever becomes of the bridge and of the cluster behind it."""

import logging
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from anh_rollup.cluster import cluster as module
from anh_rollup.cluster.cluster import Cluster
from anh_rollup.cluster.errors import (
    ClusterClosedError,
    ClusterLostError,
    ClusterUnreachableError,
    TaskFailedError,
)
from anh_rollup.cluster.messages import Release, Share, Submit
from tests.doubles import bridges

Open = Callable[..., Cluster]


@pytest.fixture(autouse=True)
def _bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_serve", bridges.serve)
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.05)


@pytest.fixture
def started() -> Iterator[Open]:
    opened: list[Cluster] = []

    def start(address: str = "works", most: int | None = None) -> Cluster:
        opened.append(Cluster(address, most))
        opened[-1].start()
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def until(happens: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not happens():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.01)


def test_tasks_are_carried_out_elsewhere(started: Open, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    cluster = started()
    assert (cluster.nodes, cluster.working, cluster.places) == (2, 3, 6)
    assert [cluster.submit("operator:add", 1, each).result() for each in range(3)] == [1, 2, 3]
    assert cluster.submit("os:getpid").result() != os.getpid()
    assert caplog.messages == [
        "the Ray cluster has 2 node(s) with 3 core(s) for us",
        "node 10.0.0.1 works with 3 core(s)",
    ]


@pytest.mark.parametrize(("most", "working", "places"), [(1, 1, 1), (3, 3, 3), (4, 3, 4), (9, 3, 6)])
def test_no_more_tasks_are_out_than_are_allowed(started: Open, most: int, working: int, places: int) -> None:
    cluster = started(most=most)
    assert (cluster.working, cluster.places) == (working, places)


def test_an_error_of_a_task_is_told_once(started: Open, caplog: pytest.LogCaptureFixture) -> None:
    cluster = started()
    error = cluster.submit("operator:floordiv", 1, 0).exception()
    assert isinstance(error, TaskFailedError)
    assert (error.task, error.reason) == ("operator:floordiv", "integer division or modulo by zero")
    other = TaskFailedError("operator:floordiv", "MemoryError: 1 byte")
    for each in (error, error, other, TaskFailedError("operator:floordiv", "MemoryError: 2 bytes")):
        cluster.tell_once(each)
    assert caplog.messages == [f"{each.message}; next: {each.remedy}" for each in (error, other)]


def test_what_is_shared_is_sent_once_and_forgotten_when_it_is_released(started: Open) -> None:
    cluster = started()
    shared = cluster.share([1, 2])
    assert [cluster.submit("builtins:len", shared).result() for _ in range(2)] == [2, 2]
    cluster.release(shared)
    assert cluster.submit("heard").result() == [
        Share(shared, [1, 2]),
        Submit(0, "builtins:len", (shared,)),
        Submit(1, "builtins:len", (shared,)),
        Release(shared),
        Submit(2, "heard", ()),
    ]
    assert cluster._bridge is not None
    assert not cluster._bridge.shared


def test_what_no_bridge_has_is_released_in_silence(started: Open) -> None:
    cluster = started()
    cluster.release(cluster.share([1, 2]))
    assert cluster.submit("heard").result() == [Submit(0, "heard", ())]


def test_what_is_shared_reaches_the_next_bridge_too(started: Open) -> None:
    cluster = started()
    shared = cluster.share([1, 2])
    assert cluster.submit("builtins:len", shared).result() == 2
    cluster.submit("die").exception()
    until(lambda: cluster.nodes)
    assert cluster.submit("builtins:len", shared).result() == 2


def test_a_bridge_that_dies_loses_its_tasks_and_another_one_takes_its_place(
    started: Open, caplog: pytest.LogCaptureFixture
) -> None:
    cluster = started()
    tasks = [cluster.submit("never"), cluster.submit("die")]
    assert [type(each.exception()) for each in tasks] == [ClusterLostError] * 2
    until(lambda: cluster.nodes)
    assert cluster.submit("operator:add", 1, 2).result() == 3
    assert caplog.messages == ["the Ray cluster is lost; work goes on here, and it is tried every 0.05 s"]


def test_a_bridge_that_says_nothing_is_replaced(started: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.2)
    cluster = started()
    assert isinstance(cluster.submit("hang").exception(), ClusterLostError)


def test_while_the_cluster_is_gone_tasks_come_back_at_once(
    started: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    cluster = started(f"once:{tmp_path}")
    cluster.submit("die").exception()
    until(lambda: "there is nothing" in caplog.text)
    assert (cluster.nodes, cluster.working, cluster.places) == (0, 0, 0)
    assert isinstance(cluster.submit("operator:add", 1, 2).exception(), ClusterLostError)
    (tmp_path / "begun").unlink()
    until(lambda: cluster.nodes)
    assert cluster.submit("operator:add", 1, 2).result() == 3


def test_what_is_given_up_never_ends_and_the_rest_does(started: Open) -> None:
    cluster = started()
    given_up, kept = cluster.submit("never"), cluster.submit("never")
    cluster.cancel([given_up])
    cluster.close()
    assert isinstance(kept.exception(0), ClusterClosedError)
    assert not given_up.done()


def test_there_is_an_error_where_there_is_no_cluster() -> None:
    with pytest.raises(ClusterUnreachableError) as raised:
        Cluster("none").start()
    assert raised.value.message == "the Ray cluster at none cannot be used: there is nothing"


def test_a_bridge_that_never_answers_is_an_error_and_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "START_SECONDS", 0.2)
    with pytest.raises(ClusterUnreachableError, match=r"no answer within 0\.2 s"):
        Cluster("mute").start()
    assert multiprocessing.active_children() == []


def test_a_bridge_that_dies_at_once_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_serve", os.close)
    with pytest.raises(ClusterUnreachableError, match="the connection to it ended at once"):
        Cluster("works").start()


def test_closing_ends_what_is_out_and_takes_nothing_more(started: Open) -> None:
    cluster = started()
    task = cluster.submit("never")
    cluster.close()
    cluster.close()
    assert isinstance(task.exception(0), ClusterClosedError)
    assert isinstance(cluster.submit("operator:add", 1, 2).exception(0), ClusterClosedError)
    assert multiprocessing.active_children() == []


def test_closing_does_not_wait_for_a_cluster_that_is_looked_for(
    started: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cluster = started()
    monkeypatch.setattr(cluster, "_address", "mute")
    cluster.submit("die").exception()
    until(lambda: cluster._starting)
    begun = time.monotonic()
    cluster.close()
    assert time.monotonic() - begun < 10
    assert multiprocessing.active_children() == []


def test_several_threads_may_submit(started: Open) -> None:
    cluster = started()
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda each: cluster.submit("operator:neg", each).result(), range(200)))
    assert found == [-each for each in range(200)]
