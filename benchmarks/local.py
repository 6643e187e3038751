"""A local L1 with the contracts for benchmarks that measure gas."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anh_rollup.cli.local_network import LocalNetwork
from anh_rollup.cli.processes import ProcessGroup
from anh_rollup.l1.deployment import Deployment

#: What a transaction of a game may cost, and the last one, which computes up to 4,096 terms.
MOST_MOVE_GAS, MOST_CHECK_GAS = 150_000, 1_200_000


@contextmanager
def local_network() -> Iterator[tuple[LocalNetwork, Deployment]]:
    """Starts anvil with the contracts, in a folder that goes when this ends.

    Raises:
        AnhError: anvil does not come up, or the contracts cannot be deployed.
    """
    with (
        tempfile.TemporaryDirectory(prefix="anh-bench-") as folder,
        ProcessGroup(Path(folder) / "logs") as processes,
    ):
        network = LocalNetwork(Path(folder), processes)
        yield network, network.start_l1()
