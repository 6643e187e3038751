"""The scripts that a user copies, on a real L1 and against a real sequencer."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from anh_rollup.cli.local_network import LocalNetwork
from anh_rollup.cli.processes import ProcessGroup
from anh_rollup.l1.deployment import load_deployment

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.anvil

#: Seconds for a job to become final on two busy cores.
MOST_SECONDS = 300


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalNetwork]:
    folder = tmp_path_factory.mktemp("scripts")
    with ProcessGroup(folder / "logs") as processes:
        local = LocalNetwork(folder, processes)
        local.start_l1()
        local.start_sequencer()
        yield local


def script(name: str, *options: str) -> list[str]:
    return [sys.executable, "-m", f"scripts.{name}", *options]


def run(name: str, *options: str) -> str:
    """What a script prints; it has to end with 0."""
    done = subprocess.run(
        script(name, *options), cwd=ROOT, capture_output=True, text=True, timeout=MOST_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def both_chains(network: LocalNetwork) -> list[str]:
    return ["--l1", network.l1_url, "--l2", network.l2_url, "--deployment", str(network.deployment_file)]


def ordering(network: LocalNetwork) -> list[str]:
    key, store = network.key_file("user"), network.user_folder
    return [*both_chains(network), "--key-file", str(key), "--store", str(store)]


def found(pattern: str, text: str) -> str:
    matched = re.search(pattern, text, re.M)
    assert matched is not None, text
    return matched[1]


def test_deploy_writes_a_file_that_the_chain_confirms(network: LocalNetwork, tmp_path: Path) -> None:
    sequencer, out = str(network.accounts["sequencer"].address), tmp_path / "deployment.json"
    options = ["--key-file", str(network.key_file("deployer")), "--sequencer", sequencer, "--out", str(out)]
    told = run("deploy", "--l1", network.l1_url, *options)
    deployment = load_deployment(out, network.l1())
    assert deployment.sequencer == sequencer
    for address in deployment.addresses.values():
        assert address in told


def test_an_order_gets_a_position_that_the_sequencer_signed(network: LocalNetwork) -> None:
    told = run("submit_training_job", *ordering(network), "--reward", "0.5")
    transaction = found(r"^transaction: (0x[0-9a-f]{64})$", told)
    assert found(r"^sequencer: (0x\w{40})$", told) == network.accounts["sequencer"].address
    job = network.customer().l2.record("anh_getJob", transaction)
    assert job is not None
    assert (job["payer"], int(job["reward"], 16)) == (network.accounts["user"].address, 5 * 10**17)
    assert job["recordHash"] == found(r"^recordHash: (0x[0-9a-f]{64})$", told)


def test_a_script_without_its_chain_explains_itself(network: LocalNetwork) -> None:
    options = ["--l1", "http://127.0.0.1:1", "--l2", network.l2_url]
    command = script("watch", "0x" + "12" * 32, *options, "--deployment", str(network.deployment_file))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "Error: no JSON-RPC endpoint answers at http://127.0.0.1:1\n"
        "Next:  Check --l1 and --l2; `anh devnet` starts both.\n"
    )


@pytest.mark.slow
def test_training_and_inference_are_followed_to_their_end(network: LocalNetwork) -> None:
    accountant, hostile = "honest accountant", "baseless challenger"
    network.start_accountant(accountant)
    options = {
        "--l1": network.l1_url,
        "--deployment": str(network.deployment_file),
        "--key-file": str(network.key_file(hostile)),
        "--against": str(network.accounts[accountant].address),
        "--store": str(network.store_folder(hostile)),
        "--allow-folder": str(network.user_folder),
    }
    words = [word for pair in options.items() for word in pair]
    baseless = subprocess.Popen(
        script("baseless_challenge", *words), cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    ordered = run("submit_training_job", *ordering(network))
    seen = run("watch", found(r"^transaction: (\S+)$", ordered), *both_chains(network))
    model, source = found(r"^final: result (0x\w{64}),", seen), found(r"artifacts at (\S+)$", seen)
    assert seen.endswith(f"look at it with: anh model show {model} --from {source}\n")
    said, _ = baseless.communicate(timeout=MOST_SECONDS)
    assert "NothingWrong()" in said
    assert said.endswith("the game is over: CHALLENGER_LATE\n")
    asked = run("submit_inference_job", *ordering(network), "--model", model, "--from", source)
    answered = run("watch", found(r"^transaction: (\S+)$", asked), *both_chains(network))
    assert re.search(r"claim 0x\w{64} of 0x\w{40}: 360 of 360", answered)
    assert "is FINAL" in answered
