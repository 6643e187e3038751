"""Followers as processes on a real chain: wallets use them, crashes and reorgs change nothing."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from web3 import HTTPProvider, Web3
from web3.exceptions import Web3RPCError
from web3.types import TxParams, TxReceipt

from anh_rollup.l1.deployment import write_deployment
from tests.integration.conftest import Chain, free_port
from tests.integration.test_sequencer_process import BOB, ETHER, RULES, Rollup, eventually

pytestmark = pytest.mark.anvil

#: Called with a word it keeps it and logs 0x42; called with nothing it gives the word.
RUNTIME = "36600c575f545f5260205ff35b5f355f5560425f5fa100"
CREATION = "0x6017600a5f3960175ff3" + RUNTIME


@dataclass
class FollowerProcess:
    """A follower that can be killed and started again on its folder."""

    rollup: Rollup
    name: str
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def l2(self) -> Web3:
        return Web3(HTTPProvider(f"http://127.0.0.1:{self.port}", request_kwargs={"timeout": 20}))

    @property
    def log(self) -> Path:
        return self.rollup.folder / f"{self.name}.log"

    def start(self, *, alone: bool = False) -> None:
        folder = self.rollup.folder
        command = [sys.executable, "-m", "anh_rollup.cli", "follower", "--l1", self.rollup.chain.url]
        command += ["--deployment", str(folder / "deployment.json"), "--data", str(folder / self.name)]
        command += ["--listen", f"127.0.0.1:{self.port}", "--interval", "0.2", "--l2-interval", "0.1"]
        command += [] if alone else ["--l2", f"http://127.0.0.1:{self.rollup.port}"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        eventually(self.answers)

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        return bool(self.l2.is_connected())

    def kill(self, how: int = signal.SIGKILL) -> int | None:
        if self.process is None:
            return None
        self.process.send_signal(how)
        code = self.process.wait(30)
        self.process = None
        return code

    def anh(self, method: str, *parameters: Any) -> Any:
        return self.l2.provider.make_request(method, list(parameters))["result"]  # type: ignore[arg-type]

    def head(self) -> tuple[int, str]:
        block = self.l2.eth.get_block("latest")
        return block["number"], block["hash"].hex()

    def view(self) -> tuple[tuple[int, str], list[int]]:
        """Its head, and the balances that a test knows of."""
        owners = [BOB, *[each.address for each in self.rollup.chain.accounts[:4]]]
        return self.head(), [self.l2.eth.get_balance(Web3.to_checksum_address(each)) for each in owners]

    def send(self, index: int, **fields: Any) -> TxReceipt:
        """Signs and sends as a wallet does, and waits for the receipt."""
        l2, account = self.l2, self.rollup.chain.accounts[index]
        call: TxParams = {"from": account.address, "value": 0, **fields}  # type: ignore[typeddict-item]
        fees = {"maxFeePerGas": 2 * l2.eth.gas_price, "maxPriorityFeePerGas": l2.eth.max_priority_fee}
        nonce = l2.eth.get_transaction_count(account.address, "pending")
        ready = {**call, **fees, "nonce": nonce, "chainId": l2.eth.chain_id, "gas": l2.eth.estimate_gas(call)}
        sent = l2.eth.send_raw_transaction(account.sign_transaction(ready).raw_transaction)
        return l2.eth.wait_for_transaction_receipt(sent, timeout=30, poll_latency=0.1)


@pytest.fixture
def rollup(anvil: Chain, tmp_path: Path) -> Iterator[Rollup]:
    """A deployment with a sequencer that posts soon."""
    deployment = anvil.deploy(RULES)
    write_deployment(deployment, tmp_path / "deployment.json")
    (tmp_path / "key").write_text(bytes(anvil.accounts[1].key).hex())
    made = Rollup(anvil, deployment, tmp_path, free_port())
    made.start("--post-interval", "0.3")
    yield made
    made.kill()


@pytest.fixture
def make_follower(rollup: Rollup) -> Iterator[Callable[[str], FollowerProcess]]:
    made: list[FollowerProcess] = []

    def make(name: str) -> FollowerProcess:
        made.append(FollowerProcess(rollup, name, free_port()))
        return made[-1]

    yield make
    for each in made:
        each.kill()


@pytest.fixture
def follower(make_follower: Callable[[str], FollowerProcess]) -> FollowerProcess:
    made = make_follower("follower")
    made.start()
    return made


def funded(follower: FollowerProcess, index: int = 2) -> str:
    """An account with an ether that the follower shows."""
    owner = follower.rollup.deposit(index)
    eventually(lambda: follower.l2.eth.get_balance(owner) == ETHER)
    return owner


def spent(*receipts: TxReceipt) -> int:
    """Wei paid for gas."""
    return sum(each["gasUsed"] * each["effectiveGasPrice"] for each in receipts)


def is_posted(follower: FollowerProcess, number: int) -> bool:
    return follower.l2.eth.get_block("safe")["number"] >= number


def test_a_wallet_sends_deploys_and_reads_through_a_follower(follower: FollowerProcess) -> None:
    alice = funded(follower)
    paid = follower.send(2, to=BOB, value=5)
    assert (paid["status"], paid["gasUsed"], follower.l2.eth.get_balance(BOB)) == (1, 21_000, 5)
    created = follower.send(2, data=CREATION)
    contract = created["contractAddress"]
    assert contract is not None
    assert (created["status"], follower.l2.eth.get_code(contract).hex()) == (1, RUNTIME)
    called = follower.send(2, to=contract, data="0x" + (77).to_bytes(32, "big").hex())
    assert [log["topics"][0][-1] for log in called["logs"]] == [0x42]
    assert int.from_bytes(follower.l2.eth.get_storage_at(contract, 0), "big") == 77
    assert int.from_bytes(follower.l2.eth.call({"to": contract}), "big") == 77
    assert int.from_bytes(follower.l2.eth.call({"to": contract}, created["blockNumber"]), "big") == 0
    found = follower.l2.eth.get_logs({"fromBlock": 0, "toBlock": "latest", "address": contract})
    assert [log["transactionHash"] for log in found] == [called["transactionHash"]]
    assert follower.l2.eth.get_balance(alice) == ETHER - 5 - spent(paid, created, called)
    with pytest.raises(Web3RPCError, match="nonce too low"):
        follower.l2.eth.send_raw_transaction(follower.rollup.signed(2, 0, value=6))


def test_a_position_has_the_sequencers_signature(follower: FollowerProcess) -> None:
    funded(follower)
    paid = follower.send(2, to=BOB, value=5)
    name = "0x" + paid["transactionHash"].hex()
    eventually(lambda: follower.anh("anh_getPosition", name)["signature"])
    position = follower.anh("anh_getPosition", name)
    assert follower.rollup.signer(position) == follower.rollup.sequencer


def test_a_killed_follower_goes_on_and_one_from_nothing_agrees(
    follower: FollowerProcess, make_follower: Callable[[str], FollowerProcess]
) -> None:
    owner = funded(follower)
    receipts = [follower.send(2, data=CREATION)]
    contract = receipts[0]["contractAddress"]
    for number in range(2):
        receipts.append(follower.send(2, to=contract, data="0x" + (number + 1).to_bytes(32, "big").hex()))
        follower.kill()
        follower.start()
    receipts.append(follower.send(2, to=BOB, value=9))
    assert follower.l2.eth.get_balance(owner) == ETHER - 9 - spent(*receipts)
    before = follower.view()
    follower.kill()
    follower.start()
    assert follower.view() == before
    eventually(lambda: is_posted(follower, before[0][0]))
    fresh = make_follower("fresh")
    fresh.start(alone=True)
    assert fresh.view() == before
    assert fresh.l2.eth.get_storage_at(contract, 0) == follower.l2.eth.get_storage_at(contract, 0)


def test_without_a_sequencer_it_serves_what_l1_has(follower: FollowerProcess) -> None:
    funded(follower)
    contract = follower.send(2, data=CREATION)["contractAddress"]
    paid = follower.send(2, to=BOB, value=5)
    eventually(lambda: is_posted(follower, paid["blockNumber"]))
    follower.rollup.kill()
    before = follower.view()
    follower.kill()
    follower.start()
    assert follower.view() == before
    assert follower.l2.eth.get_code(contract).hex() == RUNTIME
    assert follower.l2.eth.get_transaction_receipt(paid["transactionHash"]) == paid
    with pytest.raises(Web3RPCError, match="does not answer"):
        follower.l2.eth.send_raw_transaction(follower.rollup.signed(2, 2))
    assert "the sequencer at 127.0.0.1" in follower.log.read_text()


def test_a_reorg_of_l1_under_a_posted_batch_is_mended(follower: FollowerProcess) -> None:
    funded(follower)
    follower.rollup.chain.mine(6)
    contract = follower.send(2, data=CREATION)["contractAddress"]
    paid = follower.send(2, to=BOB, value=5)
    eventually(lambda: is_posted(follower, paid["blockNumber"]))
    before = follower.view()
    follower.rollup.chain.request("anvil_reorg", 2, [])
    follower.rollup.chain.mine(4)
    eventually(lambda: is_posted(follower, paid["blockNumber"]))
    assert follower.view() == before
    assert follower.l2.eth.get_code(contract).hex() == RUNTIME


def test_a_deposit_that_a_reorg_took_back_is_gone(follower: FollowerProcess) -> None:
    funded(follower)
    follower.rollup.chain.mine(6)
    owner = follower.rollup.deposit(3)
    eventually(lambda: follower.l2.eth.get_balance(owner) == ETHER)
    follower.rollup.chain.request("anvil_reorg", 3, [])
    follower.rollup.chain.mine(5)
    eventually(lambda: follower.l2.eth.get_balance(owner) == 0)
    eventually(lambda: follower.rollup.cleared(owner) == 0)
    assert follower.head()[1] == follower.rollup.l2.eth.get_block("latest")["hash"].hex()


def test_it_stops_when_it_is_told_to(follower: FollowerProcess) -> None:
    assert follower.kill(signal.SIGTERM) == 0
