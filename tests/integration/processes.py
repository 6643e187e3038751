"""Sequencers and followers as processes on a real chain, for tests that use them from outside."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from coincurve import PublicKey
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from web3 import HTTPProvider, Web3
from web3.types import TxParams, TxReceipt

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.contracts.inbox import Inbox
from anh_rollup.l1.deployment import Deployment, Rules, bind, write_deployment
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.primitives import L2_CHAIN_ID
from tests.integration.conftest import Chain, free_port

T = TypeVar("T")
ETHER = 10**18
BOB = Web3.to_checksum_address("0x" + "b0" * 20)

#: Everything in test time: a forced entry is due after a minute of L1 time.
RULES = Rules(window=30, clock=60, reveal_window=30, settlement=600, force_delay=60, force_timeout=120)


def eventually(look: Callable[[], T | None], seconds: float = 60.0) -> T:
    until = time.monotonic() + seconds
    while (found := look()) is None or found is False:
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.1)
    return found


@dataclass
class Rollup:
    """A deployment with a sequencer that can be killed."""

    chain: Chain
    deployment: Deployment
    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @classmethod
    def deployed(cls, chain: Chain, folder: Path) -> "Rollup":
        """A new deployment on a chain; its sequencer is not started yet."""
        deployment = chain.deploy(RULES)
        write_deployment(deployment, folder / "deployment.json")
        (folder / "key").write_text(bytes(chain.accounts[1].key).hex())
        return cls(chain, deployment, folder, free_port())

    @property
    def inbox(self) -> Inbox:
        return bind(self.deployment, self.chain.client).inbox

    @property
    def l2(self) -> Web3:
        return Web3(HTTPProvider(f"http://127.0.0.1:{self.port}", request_kwargs={"timeout": 20}))

    def start(self, *options: str) -> None:
        command = [sys.executable, "-m", "anh_rollup.cli", "sequencer", "--l1", self.chain.url]
        command += ["--deployment", str(self.folder / "deployment.json")]
        command += ["--key-file", str(self.folder / "key"), "--data", str(self.folder / "data")]
        command += ["--listen", f"127.0.0.1:{self.port}", "--block-interval", "0.1", "--forced-depth", "1"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([*command, *options], stdout=log, stderr=log)
        eventually(self.answers)

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()
        return bool(self.l2.is_connected())

    def kill(self, how: int = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(20)
            self.process = None

    def deposit(self, index: int, amount: int = ETHER) -> ChecksumAddress:
        account = self.chain.accounts[index]
        self.chain.sender(index).send(self.inbox.deposit(account.address, amount))
        eventually(lambda: self.cleared(account.address) >= amount)
        return to_checksum_address(account.address)

    def cleared(self, address: str) -> int:
        answer = self.anh("anh_getLedgerAccount", address)
        return int(answer["cleared"], 16)

    def anh(self, method: str, *parameters: Any) -> Any:
        answer = self.l2.provider.make_request(method, list(parameters))  # type: ignore[arg-type]
        return answer["result"]

    def signed(self, index: int, nonce: int, **fields: Any) -> bytes:
        base = {"chainId": L2_CHAIN_ID, "nonce": nonce, "to": BOB, "value": 1, "gas": 21_000}
        fees = {"maxFeePerGas": 2 * 10**9, "maxPriorityFeePerGas": 0}
        account = self.chain.accounts[index]
        chosen = {name: value for name, value in {**base, **fees, **fields}.items() if value is not None}
        return bytes(account.sign_transaction(chosen).raw_transaction)

    @property
    def sequencer(self) -> str:
        return str(self.chain.accounts[1].address)

    def signer(self, position: Any) -> str:
        """Who signed a position, by the digest that the Inbox itself computes."""
        number, block = int(position["blockNumber"], 16), bytes.fromhex(position["blockHash"][2:])
        signature = bytes.fromhex(position["signature"][2:])
        (digest,) = self.inbox.read("confirmation", number, block)
        compact = signature[:64] + bytes([signature[64] - 27])
        key = PublicKey.from_signature_and_message(compact, digest, hasher=None)
        return to_checksum_address(keccak256(key.format(compressed=False)[1:])[12:])

    def followed(self) -> OrderReader:
        """The order as a follower sees it that has only L1."""
        reader = OrderReader(self.deployment, self.chain.client, BatchDataReader(self.chain.client))
        reader.refresh()
        return reader

    def in_batch(self, digest: Any) -> Any:
        found = self.anh("anh_getPosition", "0x" + bytes(digest).hex())
        return found if found and found["batch"] else None


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


@contextmanager
def running_follower(chain: Chain, folder: Path) -> Iterator[FollowerProcess]:
    """A new rollup on a chain whose sequencer posts soon, and a follower of it, which the sequencer asks."""
    rollup = Rollup.deployed(chain, folder)
    follower = FollowerProcess(rollup, "follower", free_port())
    try:
        rollup.start("--post-interval", "0.3", "--follower", f"http://127.0.0.1:{follower.port}")
        follower.start()
        yield follower
    finally:
        follower.kill()
        rollup.kill()


def funded(follower: FollowerProcess, index: int = 2) -> str:
    """An account with an ether that the follower shows."""
    owner = follower.rollup.deposit(index)
    eventually(lambda: follower.l2.eth.get_balance(owner) == ETHER)
    return owner
