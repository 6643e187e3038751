"""How `anh follower` is wired: what it checks first, and which loops it runs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from anh_rollup.cli import follower as command
from anh_rollup.cli import main
from anh_rollup.cli.connecting import OtherRollupError
from anh_rollup.client.l2 import Followed, L2UnreachableError
from anh_rollup.cluster.closures import ClusterPool
from anh_rollup.cluster.cluster import Cluster
from anh_rollup.config import FollowerConfig
from anh_rollup.follower.errors import WrongDataError
from anh_rollup.l1.order_reader import genesis_of
from anh_rollup.protocol.derivation import Order
from anh_rollup.world.errors import WrongWorldError
from anh_rollup.world.worker_pool import HERE, WorkerPool
from tests.doubles.ordering import FakeL1, NodeDouble

L2 = "http://127.0.0.1:1"


def config(folder: Path, **changed: Any) -> FollowerConfig:
    given = {
        "l1_url": "http://127.0.0.1:1",
        "deployment": folder / "deployment.json",
        "beacon_url": None,
        "l2_url": L2,
        "listen": "127.0.0.1:0",
        "data": folder / "data",
        "blobs": None,
        "interval": 1.0,
        "l2_interval": 1.0,
        "allowed_origins": (),
        "workers": 0,
    }
    return FollowerConfig(**{**given, **changed})


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The deployment of an empty L1, which stands for the real one."""
    l1 = FakeL1()
    made = replace(NodeDouble(l1, tmp_path / "sequencer").deployment, block_hash=l1.hash_of(0))
    monkeypatch.setattr(command, "open_rollup", lambda *_given: (SimpleNamespace(), made))
    monkeypatch.setattr(command, "BatchDataReader", lambda *_given: None)
    monkeypatch.setattr(command, "OrderReader", lambda *_given, **_named: FakeL1())
    monkeypatch.setattr(command, "LedgerView", lambda *_given: None)
    return made


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Followed]], None]:
    """Sets what the sequencer says about the deployment that it follows."""

    def choose(followed: Callable[[], Followed]) -> None:
        monkeypatch.setattr(command, "L2Client", lambda *_given: SimpleNamespace(followed=followed))

    return choose


def names(chosen: FollowerConfig) -> list[str]:
    follower = command.open_follower(chosen, Console(stderr=True))
    try:
        return [each.name for each in command.follower_services(chosen, follower)]
    finally:
        follower.close()


def away() -> Followed:
    raise L2UnreachableError("127.0.0.1:1", "refused")


LOOPS = ["follower: L1", "follower: ledger claims", "follower: json-rpc", "follower: executions"]


def test_it_follows_l1_and_the_sequencer(deployment: Any, says: Any, tmp_path: Path) -> None:
    says(lambda: Followed(deployment.addresses["inbox"], deployment.block_hash))
    assert names(config(tmp_path)) == [*LOOPS, "follower: sequencer"]


def test_without_a_sequencer_it_follows_l1_alone(deployment: Any, tmp_path: Path) -> None:
    assert names(config(tmp_path, l2_url=None)) == LOOPS


def test_a_sequencer_that_is_away_at_the_start_is_waited_for(
    deployment: Any, says: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    says(away)
    assert names(config(tmp_path)) == [*LOOPS, "follower: sequencer"]
    assert "the L2 at 127.0.0.1:1 does not answer: refused; L1 is followed meanwhile" in caplog.text


def test_the_sequencer_of_another_rollup_is_refused(deployment: Any, says: Any, tmp_path: Path) -> None:
    says(lambda: Followed("0x" + "12" * 20, deployment.block_hash))
    with pytest.raises(OtherRollupError):
        names(config(tmp_path))


@pytest.mark.parametrize(
    ("file", "refused"), [("follower.sqlite3", WrongDataError), ("world.sqlite3", WrongWorldError)]
)
def test_the_data_folder_of_another_chain_is_refused(
    deployment: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, refused: type[Exception]
) -> None:
    chosen = config(tmp_path, l2_url=None)
    names(chosen)
    other = "world.sqlite3" if file == "follower.sqlite3" else "follower.sqlite3"
    for left in chosen.data.glob(f"{other}*"):
        left.unlink()
    reader, another = FakeL1(), replace(deployment, block_hash=b"\7" * 32)
    order = Order.begin(reader.order.ledger, genesis_of(another))
    monkeypatch.setattr(reader, "new_order", lambda: order)
    monkeypatch.setattr(command, "open_rollup", lambda *_given: (SimpleNamespace(), another))
    monkeypatch.setattr(command, "OrderReader", lambda *_given, **_named: reader)
    with pytest.raises(refused):
        names(chosen)


def test_it_needs_a_folder() -> None:
    result = CliRunner().invoke(main, ["follower", "--l1", L2])
    assert result.exit_code == 2
    assert "Missing option '--data'" in result.output


@pytest.mark.parametrize("words", [["--listen", "nowhere"], ["--l2", "ftp://x"], ["--interval", "nan"]])
def test_words_without_sense_end_with_2(words: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["follower", "--l1", L2, "--data", str(tmp_path), *words])
    assert result.exit_code == 2


@pytest.mark.parametrize(("given", "cores", "expected"), [(None, 1, 1), (None, 8, 7), (3, 1, 3)])
def test_workers_leave_a_core_to_the_rest_unless_a_number_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: int | None, cores: int, expected: int
) -> None:
    monkeypatch.setattr(command, "usable_cores", lambda: cores)
    pool = command._engines(config(tmp_path, workers=given)).pool
    assert isinstance(pool, WorkerPool)
    assert (pool.size, pool.processes) == (expected, [])


def test_on_a_cluster_its_cores_are_the_workers(tmp_path: Path) -> None:
    pool = command._engines(config(tmp_path, cluster="a:1", workers=3), Cluster("a:1", 3)).pool
    assert isinstance(pool, ClusterPool)


def test_without_workers_the_follower_executes_everything_itself(tmp_path: Path) -> None:
    assert command._engines(config(tmp_path, workers=0)) == HERE


def test_as_many_cores_are_counted_as_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _process: {0, 5, 6})
    assert command.usable_cores() == 3
    monkeypatch.delattr("os.sched_getaffinity")
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert command.usable_cores() == 4
