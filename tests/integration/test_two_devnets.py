"""Two local L1s that start within the same second are two chains."""

from collections.abc import Callable
from pathlib import Path

from anh_rollup.cli.local_network import LocalNetwork
from anh_rollup.cli.processes import ProcessGroup
from tests.integration.conftest import Chain

SECOND = "1700000000"


def test_their_gas_limits_tell_them_apart(start_anvil: Callable[..., Chain], tmp_path: Path) -> None:
    limits = [LocalNetwork(tmp_path, ProcessGroup(tmp_path)).block_gas for _ in range(2)]

    def first_block(limit: int) -> bytes:
        found = start_anvil("--timestamp", SECOND, "--gas-limit", str(limit)).client.block(0)
        assert found is not None
        return found.hash

    one, same, other = [first_block(limit) for limit in (limits[0], limits[0], limits[1])]
    assert one == same
    assert one != other
