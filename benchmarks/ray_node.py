"""A Ray cluster of one node on this machine, for as long as something is measured on it."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from unittest.mock import patch

from anh_rollup.cli.processes import accepts_connections, free_port
from anh_rollup.cluster.cluster import Cluster

#: The first keeps Ray on the loopback address, where who joins looks for it, too.
_ENVIRONMENT = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}

#: What a node keeps of shared values at most.
STORE_BYTES = 80 << 20

START_SECONDS = 60


@contextmanager
def ray_environment() -> Iterator[None]:
    """Has what this process starts run Ray on loopback, in a folder of its own, until the block ends."""
    # A socket's path has a hundred characters at most.
    with (
        tempfile.TemporaryDirectory(prefix="ray") as folder,
        patch.dict(os.environ, _ENVIRONMENT, RAY_TMPDIR=folder),
    ):
        yield


@contextmanager
def ray_node(cores: int) -> Iterator[Cluster]:
    """A cluster of one node with so many cores, joined; it ends with the block.

    Raises:
        SystemExit: It does not start.
    """
    port = free_port()
    given = {
        "port": port,
        "num-cpus": cores,
        "object-store-memory": STORE_BYTES,
        "include-dashboard": "false",
    }
    options = [f"--{name}={value}" for name, value in given.items()]
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", *options]
    with (
        ray_environment(),
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running,
    ):
        try:
            await_port(port)
            with closing(Cluster(f"127.0.0.1:{port}")) as cluster:
                cluster.start()
                yield cluster
        finally:
            running.terminate()


def await_port(port: int) -> None:
    """Waits until somebody listens on a port of this machine."""
    end = time.monotonic() + START_SECONDS
    while not accepts_connections(port):
        if time.monotonic() > end:
            raise SystemExit(f"no Ray node has come up within {START_SECONDS} s")
        time.sleep(0.1)
