"""Ether comes in, is paid on, and leaves again, with the roles as processes of their own."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from anh_rollup.cli.local_network import LEDGER_CLAIMS, LOCAL_RULES, LocalNetwork
from anh_rollup.cli.processes import ProcessGroup
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.deployment import bind
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.primitives import ETHER, Address, Seconds
from anh_rollup.protocol.ledger import Ledger

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.anvil, pytest.mark.slow]

RULES = replace(LOCAL_RULES, window=Seconds(8))
MOST_SECONDS = 240
FRIEND = "0x00000000000000000000000000000000000f41e4"


@pytest.fixture
def network(tmp_path: Path) -> Iterator[LocalNetwork]:
    with ProcessGroup(tmp_path / "logs") as processes:
        local = LocalNetwork(tmp_path, processes, rules=RULES)
        local.start_l1()
        local.start_sequencer()
        local.start_follower()
        local.start_accountant("honest accountant", *LEDGER_CLAIMS)
        local.start_challenger()
        yield local


def run(*command: str) -> str:
    """What a command prints; it has to end with 0."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def places(network: LocalNetwork) -> list[str]:
    return ["--l1", network.l1_url, "--deployment", str(network.deployment_file)]


def key(network: LocalNetwork, name: str) -> list[str]:
    return ["--key-file", str(network.key_file(name))]


def test_a_user_pays_leaves_and_is_paid(network: LocalNetwork) -> None:
    user, l1 = network.accounts["user"], network.l1()
    inbox = bind(network.deployment, l1).inbox
    with_user, wallet = [*places(network), *key(network, "user")], ["--l2", network.wallet_url]
    told = run("scripts.withdraw", "0.5", *with_user, *wallet, "--pay", FRIEND, "--gift", "0.25")
    assert f"paid 0.2500 eth to {FRIEND}" in told.lower()
    assert re.search(r"^L1 has paid 0\.5000 ETH in its block \d+$", told, re.M)
    held = l1.balance(inbox.address)
    assert held == fresh_ledger(network).deposited - ETHER // 2
    told = run("anh_rollup.cli", "exit", "all", *with_user, *wallet)
    left = network.customer().l2.request("anh_getLedgerAccount", user.address)["withdrawn"]
    before = l1.balance(str(user.address))
    paying = [*places(network), *key(network, "baseless challenger")]
    told = run("anh_rollup.cli", "withdraw", str(user.address), "--wait", *paying)
    rest = int(left, 16) - ETHER // 2
    assert l1.balance(str(user.address)) == before + rest
    assert l1.balance(inbox.address) == held - rest
    ledger = fresh_ledger(network)
    friend = ledger.account(Address(bytes.fromhex(FRIEND[2:])))
    assert (friend.cleared, ledger.held) == (ETHER // 4, ledger.deposited)
    shown = run("anh_rollup.cli", "ledger", "show", str(user.address), *places(network))
    assert "refuted" not in shown


def fresh_ledger(network: LocalNetwork) -> Ledger:
    """The ledger as a follower that begins now derives it from L1."""
    client = network.l1()
    reader = OrderReader(network.deployment, client, BatchDataReader(client))
    reader.refresh()
    return reader.order.ledger
