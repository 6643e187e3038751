"""A real Ray cluster on this machine: on loopback alone, small, and quick to notice a lost node.

Ray starts it in a process of its own: what it leaves open there is no fault of a test.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

from benchmarks.ray_node import STORE_BYTES, ray_environment

NODE = {"num_cpus": 1, "object_store_memory": STORE_BYTES}

#: A node that is killed is noticed after a few seconds.
QUICK = {
    "health_check_initial_delay_ms": 500,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 2_000,
    "health_check_failure_threshold": 3,
}

_STARTED: list[Any] = []
"""In the process that starts nodes: `ray.cluster_utils.Cluster`, and then its nodes."""


@dataclass(frozen=True, slots=True)
class RayNodes:
    """A cluster.

    Attributes:
        address: Where it is joined.
        starter: The process that has started it.
    """

    address: str
    starter: ProcessPoolExecutor

    def add(self, **environment: str) -> int:
        """Adds a node of one core, whose processes get these variables; its number."""
        return self.starter.submit(_add, environment).result()

    def remove(self, number: int, *, gracefully: bool = False) -> None:
        """Ends a node, or kills it."""
        self.starter.submit(_remove, number, gracefully).result()

    def behead(self) -> None:
        """Kills what holds the cluster together."""
        self.starter.submit(_behead).result()

    def shutdown(self) -> None:
        """Ends all nodes."""
        self.starter.submit(_shutdown).result()


@contextmanager
def ray_nodes(count: int = 2, port: int | None = None) -> Iterator[RayNodes]:
    """So many nodes of one core, at a port if one is given."""
    with ray_environment(), ProcessPoolExecutor(1, get_context("spawn")) as starter:
        try:
            nodes = RayNodes(starter.submit(_start, port).result(), starter)
            for _ in range(count - 1):
                nodes.add()
            yield nodes
        finally:
            starter.submit(_shutdown).result()


def _start(port: int | None) -> str:
    from ray.cluster_utils import Cluster  # noqa: PLC0415 - only where nodes are started

    cluster = Cluster()
    _STARTED.append(cluster)
    given = {} if port is None else {"gcs_server_port": port}
    head = cluster.add_node(**NODE, include_dashboard=False, _system_config=QUICK, **given)
    _STARTED.append(head)
    return str(cluster.address)


def _add(environment: dict[str, str]) -> int:
    _STARTED.append(_STARTED[0].add_node(wait=False, **NODE, env_vars=environment or None))
    return len(_STARTED) - 1


def _remove(number: int, gracefully: bool) -> None:
    _STARTED[0].remove_node(_STARTED[number], allow_graceful=gracefully)


def _behead() -> None:
    _STARTED[1].kill_gcs_server()


def _shutdown() -> None:
    _STARTED[0].shutdown()
