"""A real Ray cluster of two nodes does what this machine does alone, to the byte, whatever dies."""

import logging
import multiprocessing
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

import pytest

import anh_rollup
from anh_rollup.cli.processes import accepts_connections
from anh_rollup.cluster import cluster as module
from anh_rollup.cluster.closures import ClusterPool
from anh_rollup.cluster.cluster import Cluster
from anh_rollup.cluster.errors import ClusterClosedError, TaskFailedError
from anh_rollup.cluster.evaluator import ClusterEvaluator
from anh_rollup.cluster.identity import own_identity
from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.evaluation.backend import Evaluator
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.properties import Artifacts, evaluate_property
from anh_rollup.world.schema import FOUND
from anh_rollup.world.worker import Outcomes
from anh_rollup.world.worker_pool import HERE, Engines
from benchmarks.laziness import Scale, blocks_of, world_in
from tests.doubles.ray_nodes import RayNodes, ray_nodes
from tests.doubles.small_program import random_fields, random_parameters, small_program

SAMPLES = 600


@pytest.fixture(scope="module")
def nodes() -> Iterator[RayNodes]:
    with ray_nodes() as found:
        yield found


class Counting(ClusterPool):
    """Counts the transactions that the cluster executes."""

    executed = 0

    def answers(self, *, patient: bool) -> list[tuple[int, Outcomes]]:
        found = super().answers(patient=patient)
        self.executed += sum(outcome is not None for _, outcomes in found for outcome in outcomes)
        return found


def joined(nodes: RayNodes) -> Cluster:
    cluster = Cluster(nodes.address)
    cluster.start()
    return cluster


def executed(folder: Path, engines: Engines) -> dict[str, list[tuple[Any, ...]]]:
    """All that executing a small order has put into the tables."""
    folder.mkdir()
    world = world_in(folder, engines)
    with world.transaction():
        for block, origin in blocks_of(Scale(contracts=40, calls=3)):
            world.append(block, [origin])
    world.logs(0, world.head, frozenset())
    return {table: sorted(world._database.query(f"SELECT * FROM {table}")) for table in FOUND}


def artifacts(samples: int) -> Artifacts:
    program = small_program()
    dataset = Dataset(random_fields(program, samples, seed=1))
    return Artifacts(program, dataset, None, Model(random_parameters(program, seed=2)))


def scores(samples: int, evaluator: Evaluator) -> bytes:
    return evaluate_property(artifacts(samples), evaluator).scores.scores.tobytes()


def until(happens: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.05)


def test_two_nodes_find_what_is_found_here_to_the_byte(
    nodes: RayNodes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with closing(joined(nodes)) as cluster:
        assert (cluster.nodes, cluster.working, cluster.places) == (2, 2, 4)
        pool = Counting(cluster)
        pool.start()
        found = executed(tmp_path / "cluster", Engines(pool=pool))
        there = scores(SAMPLES, ClusterEvaluator(FastEvaluator(), cluster, least_work=1))
        failed = cluster.submit("operator:truediv", 1, 0).exception()
    assert found == executed(tmp_path / "here", HERE)
    assert pool.executed > 10
    assert there == scores(SAMPLES, FastEvaluator())
    assert "the Ray cluster has 2 node(s) with 2 core(s) for us" in caplog.messages
    assert re.search(rf"evaluated {SAMPLES} samples in [0-9.]+ s, 0 of them here", caplog.text)
    assert isinstance(failed, TaskFailedError)
    assert failed.reason.startswith("ZeroDivisionError: division by zero, on node ")


def test_where_nothing_listens_the_command_says_so(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("12" * 32)
    options = ["--engine", "ray", "--ray-address", "127.0.0.1:9", "--key-file", key, "--store", tmp_path]
    command = [sys.executable, "-m", "anh_rollup.cli", "challenger", "--l1", "http://127.0.0.1:9", *options]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith(
        "Error: the Ray cluster at 127.0.0.1:9 cannot be used: ConnectionRefusedError: "
    )


@pytest.mark.slow
@pytest.mark.parametrize("work", ["closure", "evaluation"])
def test_a_node_that_is_killed_in_the_middle_changes_nothing(
    nodes: RayNodes,
    work: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second = nodes.add()
    with closing(joined(nodes)) as cluster, ThreadPoolExecutor(1) as elsewhere:
        before = cluster.nodes
        asked, submit = Event(), cluster.submit

        def noticed(*given: Any) -> Any:
            if next(numbers) == 3:
                asked.set()
            return submit(*given)

        numbers = count()
        monkeypatch.setattr(cluster, "submit", noticed)
        if work == "closure":
            pool = ClusterPool(cluster)
            pool.start()
            ends = elsewhere.submit(executed, tmp_path / "cluster", Engines(pool=pool))
        else:
            ends = elsewhere.submit(scores, 40_000, ClusterEvaluator(FastEvaluator(), cluster, 1))
        assert asked.wait(30)
        nodes.remove(second)
        found = ends.result()
        until(lambda: cluster.nodes == before - 1)
    expected = executed(tmp_path / "here", HERE) if work == "closure" else scores(40_000, FastEvaluator())
    assert found == expected
    assert "node 127.0.0.1 is lost; what it had is done elsewhere" in caplog.messages


@pytest.mark.slow
def test_a_node_with_other_code_is_refused(
    nodes: RayNodes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    package = tmp_path / "anh_rollup"
    shutil.copytree(Path(anh_rollup.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "__init__.py").write_text('__version__ = "0.0.9"')
    broken = tmp_path / "broken"
    (broken / "anh_rollup").mkdir(parents=True)
    (broken / "anh_rollup" / "__init__.py").write_text("raise ImportError")
    with closing(joined(nodes)) as cluster:
        before = cluster.nodes
        added = [nodes.add(PYTHONPATH=str(each)) for each in (tmp_path, broken)]
        until(lambda: sum("is refused: " in line for line in caplog.messages) == 2)
        assert cluster.nodes == before
        for each in added:
            nodes.remove(each, gracefully=True)
    own = own_identity()
    refused = {line for line in caplog.messages if "is refused" in line}
    assert [line for line in refused if "it runs anh_rollup 0.0.9 (sources " in line and str(own) in line]
    assert [line for line in refused if "it cannot import our package (" in line]


@pytest.mark.slow
def test_a_cluster_that_is_gone_is_joined_again_and_work_goes_on_meanwhile(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(module, "RETRY_SECONDS", 1.0)
    monkeypatch.setattr(module, "SILENCE_SECONDS", 5.0)
    with ray_nodes(1) as nodes, closing(joined(nodes)) as cluster:
        address = nodes.address
        nodes.behead()
        evaluator = ClusterEvaluator(FastEvaluator(), cluster, least_work=1)
        assert scores(SAMPLES, evaluator) == scores(SAMPLES, FastEvaluator())
        until(lambda: cluster.nodes == 0)
        nodes.shutdown()
        assert any("the Ray cluster is lost; work goes on here" in line for line in caplog.messages)
        assert scores(SAMPLES, evaluator) == scores(SAMPLES, FastEvaluator())
        with ray_nodes(1, int(address.rpartition(":")[2])) as again:
            assert again.address == address
            until(lambda: cluster.nodes == 1)
            caplog.clear()
            assert scores(SAMPLES, evaluator) == scores(SAMPLES, FastEvaluator())
            assert f"evaluated {SAMPLES} samples" in caplog.text
            cluster.close()


@pytest.mark.slow
def test_a_cluster_is_reached_from_outside_through_its_client_server(nodes: RayNodes) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = [sys.executable, "-m", "ray.util.client.server", "--address", nodes.address, "--mode", "proxy"]
    with subprocess.Popen([*server, "--host", "127.0.0.1", "--port", str(port)]) as running:
        try:
            until(lambda: accepts_connections(port))
            with closing(Cluster(f"ray://127.0.0.1:{port}")) as cluster:
                cluster.start()
                evaluator = ClusterEvaluator(FastEvaluator(), cluster, least_work=1)
                assert scores(SAMPLES, evaluator) == scores(SAMPLES, FastEvaluator())
        finally:
            running.terminate()


@pytest.mark.slow
def test_closing_is_prompt_and_leaves_nothing_running(nodes: RayNodes) -> None:
    cluster = joined(nodes)
    tasks = [cluster.submit("time:sleep", 600) for _ in range(3)]
    until(lambda: processes("ray::_call"))
    begun = time.monotonic()
    cluster.close()
    assert time.monotonic() - begun < 10
    assert [type(task.exception()) for task in tasks] == [ClusterClosedError] * 3
    assert [each.name for each in multiprocessing.active_children() if each.name == "cluster bridge"] == []
    until(lambda: not processes("ray::_call"))


def processes(title: str) -> list[str]:
    """Those of this machine that call themselves so."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.append(path.read_bytes().decode(errors="replace"))
    return [each for each in found if each.startswith(title)]
