"""The example contracts on a whole rollup: real networks, asked and trained inside of transactions."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from anh_rollup.cli import main
from anh_rollup.cli.local_network import LocalNetwork
from anh_rollup.cli.processes import ProcessGroup
from anh_rollup.encoding.artifacts import Model
from scripts import lend, retrain_dao

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.anvil

#: Seconds for two trainings to become final on two busy cores.
MOST_SECONDS = 600


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalNetwork]:
    folder = tmp_path_factory.mktemp("examples")
    with ProcessGroup(folder / "logs") as processes:
        local = LocalNetwork(folder, processes)
        local.start_l1()
        local.start_sequencer()
        local.start_follower()
        yield local


@pytest.fixture(scope="module")
def accounted(network: LocalNetwork) -> LocalNetwork:
    """The same with somebody who trains."""
    network.start_accountant("honest accountant")
    return network


def run(name: str, network: LocalNetwork, **more: str) -> str:
    """What a script prints; it has to end with 0."""
    options = {
        "--l1": network.l1_url,
        "--l2": network.wallet_url,
        "--deployment": str(network.deployment_file),
        "--key-file": str(network.key_file("user")),
        **more,
    }
    command = [sys.executable, "-m", f"scripts.{name}", *[word for pair in options.items() for word in pair]]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=MOST_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def found(pattern: str, text: str) -> list[str]:
    matched = re.findall(pattern, text, re.M)
    assert matched, text
    return [str(each) for each in matched]


def ether(shown: str) -> float:
    """An amount as it is printed: `0.0800 ETH`."""
    return float(shown.removesuffix(" ETH"))


@pytest.mark.slow
def test_nfts_are_sold_at_the_prices_of_a_network(network: LocalNetwork) -> None:
    told = run("appraise_nft", network)
    lines = [line for line in told.splitlines() if line.startswith("│")]
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines]
    assert [row[0] for row in rows] == ["0", "1", "2", "3"]
    for _token, drawn, read, price, paid, _gas in rows:
        assert read == drawn
        assert 0 < ether(paid) <= ether(price)


def test_a_model_is_published_from_the_command_line(network: LocalNetwork, tmp_path: Path) -> None:
    """In parts, and only once."""
    elements = np.random.default_rng(1).integers(-(2**31), 2**31, 40_000, dtype=np.int32)
    model, file = Model([elements]), tmp_path / "model.npz"
    np.savez(file, parameter_00000=elements)
    key = ["--key-file", str(network.key_file("user"))]
    chains = ["--l1", network.l1_url, "--deployment", str(network.deployment_file)]
    anh("deposit", "1", *chains, "--l2", network.wallet_url, *key)
    first, second = (anh("model", "publish", str(file), "--l2", network.wallet_url, *key) for _ in range(2))
    name = f"model 0x{model.root.hex()}"
    assert first == (
        f"{name}: 160,009 bytes, 4 of 4 transactions are to be sent\n"
        "published: contracts can ask it from now on\n"
    )
    assert second == f"{name} is published already\n"


def anh(*words: str) -> str:
    """What a command prints; it has to end with 0."""
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.slow
def test_a_pool_lends_to_whom_a_network_trusts(accounted: LocalNetwork) -> None:
    told = run("lend", accounted, **{"--store": str(accounted.user_folder)})
    (right,) = found(r"^trained: model 0x\w{64}, right on (\d+) of 143 test rows$", told)
    assert int(right) >= lend.LEAST_RIGHT
    assert found(r"^the worst one gets nothing: (ScoreTooLow\(-?\d+, 4096\))$", told)
    assert told.endswith("wei of interest; 0 wei are lent now\n")


@pytest.mark.slow
def test_a_dao_replaces_its_network_by_a_better_one(accounted: LocalNetwork) -> None:
    told = run("retrain_dao", accounted, **{"--store": str(accounted.user_folder)})
    scores = [int(score.replace(",", "")) for score in found(r"whose score is (-[\d,]+)$", told)]
    thresholds = [retrain_dao.threshold_of(loss) for loss in retrain_dao.LOSSES]
    assert [score >= wanted for score, wanted in zip(scores, thresholds, strict=True)] == [True, True]
    assert scores[1] > scores[0]
    assert f"NotBetter({thresholds[0]}, {scores[1]})" in told
    (right,) = found(r"tells the cultivar of (\d+) of 45 wines$", told)
    assert int(right) > 40
