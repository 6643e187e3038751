"""ethers, viem and cast, as their users run them, see the same through a follower as web3.py does."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from eth_utils.abi import function_signature_to_4byte_selector
from web3.types import TxReceipt

from anh_rollup.l1.deployment import create_address
from anh_rollup.primitives import L2_CHAIN_ID
from tests.integration.conftest import ANVIL, running
from tests.integration.processes import ETHER, FollowerProcess, funded, running_follower

pytestmark = pytest.mark.anvil

ROOT = Path(__file__).resolve().parents[2]

#: A compiled contract with getters, events and errors: its courts lock ether, and burn what they locked.
BONDS = json.loads((ROOT / "anh_rollup" / "l1" / "artifacts" / "Bonds.json").read_text())

#: What the clients lock, in wei. They are refused to burn twice as much.
SUM = 5

#: Seconds that a client's whole script, or one command of cast, may take.
PATIENCE = 40


@pytest.fixture(scope="module")
def follower(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FollowerProcess]:
    with running(ANVIL) as chain, running_follower(chain, tmp_path_factory.mktemp("rollup")) as follower:
        yield follower


def run(command: Sequence[str], given: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
    """Runs a command without the user's own settings for cast; it has to end with that code."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ETH_")}
    done = subprocess.run(
        command, check=False, input=given, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == code, done.stderr
    return done


def key(follower: FollowerProcess, index: int) -> str:
    return "0x" + bytes(follower.rollup.chain.accounts[index].key).hex()


def receipts(follower: FollowerProcess, owner: str, hashes: Sequence[str]) -> list[TxReceipt]:
    """What web3.py says of an account's first transactions."""
    for nonce, name in enumerate(hashes):
        sent = follower.l2.eth.get_transaction(name)  # type: ignore[arg-type]
        assert (sent["from"], sent["nonce"]) == (owner, nonce)
    return [follower.l2.eth.get_transaction_receipt(name) for name in hashes]  # type: ignore[arg-type]


def cost(receipt: TxReceipt) -> int:
    return receipt["gasUsed"] * receipt["effectiveGasPrice"]


def outcome(receipt: TxReceipt) -> dict[str, Any]:
    """As the scripts print it: integers that may be long are text."""
    return {
        "hash": "0x" + receipt["transactionHash"].hex(),
        "status": True,
        "gasUsed": str(receipt["gasUsed"]),
        "gasPrice": str(receipt["effectiveGasPrice"]),
        "block": receipt["blockNumber"],
    }


def expected(owner: str, created: TxReceipt, sent: TxReceipt) -> dict[str, Any]:
    """Everything that a script prints, but for the heads that it heard of."""
    event = {
        "name": "Locked",
        "arguments": [owner, str(SUM)],
        "block": sent["blockNumber"],
        "transaction": "0x" + sent["transactionHash"].hex(),
    }
    after_creation = ETHER - cost(created)
    return {
        "chain": L2_CHAIN_ID,
        "contract": create_address(owner, 0),
        "created": outcome(created),
        "sent": outcome(sent),
        "estimated": str(sent["gasUsed"]),
        "locked": {"before": "0", "atCreation": "0", "now": str(SUM)},
        "refused": {"name": "MoreThanLocked", "arguments": [owner, str(2 * SUM), str(SUM)]},
        "logs": [event],
        "heard": event,
        "balances": [str(after_creation), str(after_creation - SUM - cost(sent))],
        "nonce": 2,
    }


@pytest.mark.parametrize(
    ("client", "index", "door"),
    [
        ("ethers", 2, "follower"),
        ("viem", 3, "follower"),
        ("ethers", 6, "sequencer"),
        ("viem", 7, "sequencer"),
    ],
)
def test_a_script_deploys_calls_sends_and_hears(
    follower: FollowerProcess, client: str, index: int, door: str
) -> None:
    """Through the sequencer, too, which hands on what needs execution; WebSockets are the follower's."""
    owner = funded(follower, index)
    port = follower.port if door == "follower" else follower.rollup.port
    given = {
        "http": f"http://127.0.0.1:{port}",
        "socket": f"ws://127.0.0.1:{follower.port}",
        "key": key(follower, index),
        "abi": BONDS["abi"],
        "bytecode": BONDS["bytecode"],
        "sum": SUM,
    }
    script = ROOT / "tests" / "integration" / "clients" / f"{client}.mjs"
    seen = json.loads(run(["node", str(script)], json.dumps(given)).stdout)
    created, sent = receipts(follower, owner, [seen["created"]["hash"], seen["sent"]["hash"]])
    heads = seen.pop("heads")
    assert seen == expected(owner, created, sent)
    assert heads == list(range(heads[0], sent["blockNumber"] + 1))


class Cast:
    """cast as a command, pointed at a follower."""

    def __init__(self, follower: FollowerProcess) -> None:
        self.url = f"http://127.0.0.1:{follower.port}"

    def __call__(self, command: str, *arguments: str, code: int = 0) -> str:
        """What it prints: the answer, or the error where it has to end with another code than 0."""
        tool = [str(ROOT / "scripts" / "foundry"), "cast", command, "--rpc-url", self.url]
        done = run([*tool, *arguments], code=code)
        return (done.stderr if code else done.stdout).strip()

    def json(self, command: str, *arguments: str) -> Any:
        return json.loads(self(command, "--json", *arguments))


def lower(answer: Any) -> Any:
    """Without the checksums of addresses, which cast leaves out."""
    return json.loads(json.dumps(answer).lower())


def test_cast_deploys_calls_and_sends(follower: FollowerProcess) -> None:
    owner, cast = funded(follower, 4), Cast(follower)
    assert (cast("chain-id"), cast("balance", owner)) == (str(L2_CHAIN_ID), str(ETHER))
    signed = ["--private-key", key(follower, 4)]
    courts = ["constructor(address,address,address,address)", *[owner] * 4]
    creation = cast.json("send", *signed, "--create", BONDS["bytecode"], *courts)
    contract = create_address(owner, 0)
    locking = ["--value", str(SUM), contract, "lock()"]
    estimated = cast("estimate", "--from", owner, *locking)
    sending = cast.json("send", *signed, *locking)
    created, sent = receipts(follower, owner, [creation["transactionHash"], sending["transactionHash"]])
    assert estimated == str(sent["gasUsed"])
    told = [
        follower.anh("eth_getTransactionReceipt", each["transactionHash"]) for each in (creation, sending)
    ]
    assert lower([creation, sending]) == lower(told)
    assert cast.json("receipt", sending["transactionHash"]) == sending
    locked = ["call", contract, "locked(address)(uint256)", owner]
    assert (cast(*locked), cast(*locked, "--block", str(created["blockNumber"]))) == (str(SUM), "0")
    event = "Locked(address indexed,uint256)"
    assert cast.json("logs", "--from-block", "0", "--address", contract, event) == sending["logs"]
    old = cast("balance", owner, "--block", str(created["blockNumber"]))
    assert (old, cast("balance", owner)) == (
        str(ETHER - cost(created)),
        str(ETHER - cost(created) - SUM - cost(sent)),
    )


def test_cast_tells_why_a_call_reverts(follower: FollowerProcess) -> None:
    owner, cast = funded(follower, 5), Cast(follower)
    courts = ["constructor(address,address,address,address)", *[owner] * 4]
    cast("send", "--private-key", key(follower, 5), "--create", BONDS["bytecode"], *courts)
    refused = cast("call", "--from", owner, create_address(owner, 0), "burn(uint256)", str(SUM), code=1)
    selector = function_signature_to_4byte_selector("MoreThanLocked(address,uint256,uint256)").hex()
    words = [int(owner, 16), SUM, 0]
    data = "0x" + selector + "".join(f"{word:064x}" for word in words)
    assert (
        refused
        == f'Error: server returned an error response: error code 3: execution reverted, data: "{data}"'
    )
