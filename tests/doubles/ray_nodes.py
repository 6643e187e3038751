"""A real Ray cluster on this machine: on loopback alone, small, and quick to notice a lost node."""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

import pytest

#: With the first, nodes listen on the loopback address: as on systems where Ray has one node alone.
ENVIRONMENT = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
}

NODE = {"num_cpus": 1, "object_store_memory": 80 << 20}

#: A node that is killed is noticed after a few seconds.
QUICK = {
    "health_check_initial_delay_ms": 500,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 2_000,
    "health_check_failure_threshold": 3,
}


@contextmanager
def ray_nodes(count: int = 2, **head: Any) -> Iterator[Any]:
    """`ray.cluster_utils.Cluster` with so many nodes of one core, the head's included."""
    # A socket's path has a hundred characters at most.
    with pytest.MonkeyPatch.context() as patched, TemporaryDirectory(prefix="ray") as folder:
        for name, value in {**ENVIRONMENT, "RAY_TMPDIR": folder}.items():
            patched.setenv(name, value)
        from ray.cluster_utils import Cluster  # noqa: PLC0415 - it reads the environment

        nodes = Cluster()
        try:
            given = {**NODE, "include_dashboard": False, "_system_config": QUICK}
            nodes.add_node(**given, **head)
            for _ in range(count - 1):
                add_node(nodes)
            yield nodes
        finally:
            nodes.shutdown()


def add_node(nodes: Any, **environment: str) -> Any:
    """Adds a node of one core, whose processes get these variables."""
    return nodes.add_node(wait=False, **NODE, env_vars=environment or None)
