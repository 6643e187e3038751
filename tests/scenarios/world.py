"""A rollup's L1 side on a real anvil chain: contracts, an ordered job, stores, roles in this process."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from eth_account import Account
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from anh_rollup.accountant.conduct import HONEST
from anh_rollup.accountant.drafts import Drafts
from anh_rollup.accountant.service import Accountant
from anh_rollup.accountant.strategy import Conditions
from anh_rollup.accountant.work import Worker
from anh_rollup.challenger.examine import Examiner
from anh_rollup.challenger.service import Challenger
from anh_rollup.cli.moves import calls_between
from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.batches import BatchHeader
from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.encoding.transactions import decode_signed, encode_record
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.deployment import Rules, bind, deploy
from anh_rollup.l1.disputes import DisputeChain, Freshness
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.primitives import L2_CHAIN_ID
from anh_rollup.protocol.jobs import DNN_ADDRESS, Job, JobKind, Property, order_calldata
from anh_rollup.protocol.orders import OrderedBatch, OrderedJob
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.storage.remote import RemotePolicy
from tests.doubles import small_program as small

ROOT = Path(__file__).resolve().parents[2]
ETHER = 10**18
SAMPLES = 80

#: Short clocks; anvil's time is moved on when nobody has anything to do.
RULES = Rules(
    window=900, clock=600, reveal_window=300, settlement=4_000, claim_bond=ETHER, challenge_bond=ETHER // 5,
    demand_fee=ETHER // 100, prize_share_bps=5_000, force_delay=3_600, force_timeout=7_200, force_fee=1,
)  # fmt: skip

BURNT = "0x000000000000000000000000000000000000dEaD"


class Chain:
    """An anvil process that mines a block for each transaction, and a folder for who works on it."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="anh-scenario-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [
            str(ROOT / "scripts/foundry"), "anvil", "--port", str(port), "--silent", "--accounts", "1",
            "--enable-tx-gas-limit",
        ]  # fmt: skip
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{port}"
        self.client = self._connect()
        self.accounts = [str(each) for each in self.client.transport.request("eth_accounts")]
        self.endowed = sum(self.client.balance(each) for each in self.accounts)

    def _connect(self):
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", int(self.url.rsplit(":", 1)[1])), 1).close()
                return L1Client.connect(self.url)
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def pass_time(self, seconds):
        """Moves the clock on and mines a block."""
        self.client.transport.request("evm_increaseTime", hex(seconds))
        self.client.transport.request("evm_mine")

    def account(self, name, ether=100):
        """A funded account, the same for the same name."""
        account = Account.from_key(keccak(text=f"scenario {name}"))
        if account.address in self.accounts:
            return account
        self.accounts.append(account.address)
        self.endowed += ether * ETHER
        self.client.transport.request("anvil_setBalance", account.address, hex(ether * ETHER))
        return account

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


class OneBatch:
    """An order of one batch with given records, posted to the Inbox."""

    def __init__(self):
        self.posted, self.ordered = None, ()

    def refresh(self):
        return False

    def jobs(self):
        return self.ordered

    def batch(self, number):
        return self.posted if self.posted is not None and number == self.posted.header.number else None

    def record(self, transaction):
        return next((each for each in self.posted.records if keccak(each) == transaction), None)


@dataclass
class World:
    """Everything of one scenario. Close it in the end.

    Attributes:
        threshold_above: How far the job's threshold lies above what the model reaches.
        program: Makes the score program.
    """

    threshold_above: int = 0
    program: Callable = small.small_program

    def __post_init__(self):
        self.chain = Chain()
        self.folder = self.chain.folder
        try:
            self._begin()
        except BaseException:
            self.chain.close()
            raise

    def _begin(self):
        self.client = self.chain.client
        self.deployer = TransactionSender(self.client, self.chain.account("deployer"))
        self.deployment = deploy(self.deployer, self.deployer.address, RULES)
        self.contracts = bind(self.deployment, self.client)
        self.order = OneBatch()
        self._make_artifacts()
        self._post_job()

    def _make_artifacts(self):
        program = self.program()
        self.parameters = small.random_parameters(program, 5)
        fields = small.random_fields(program, SAMPLES, 6)
        scores = ReferenceEvaluator().evaluate(program, Sources(fields, (), self.parameters))
        self.reached = int(scores.sum())
        self.user_store = self.store("user")
        self.roots = (
            self.user_store.put_program(program),
            self.user_store.put_dataset(Dataset(fields)),
        )

    def _post_job(self):
        program, dataset = self.roots
        wanted = Property(program, dataset, self.reached + self.threshold_above)
        deadline = self.client.head().time + 3_000
        job = Job(JobKind.TRAINING, program, bytes(32), (wanted,), deadline, self.uri("user"))
        records = [self.order_record(job, nonce) for nonce in (0, 1)]
        leaves = [keccak(record) for record in records]
        data = b"".join(records)
        previous = self.contracts.inbox.commitment(0)
        root = MerkleTree(leaves).root
        batch = BatchHeader(1, previous, root, len(records), keccak(data), 0)
        self.deployer.send(self.contracts.inbox.post_calldata(batch, data))
        commitment = self.contracts.inbox.commitment(1)
        self.order.posted = OrderedBatch(batch, tuple(records))
        self.order.ordered = (OrderedJob(1, commitment, 0, leaves[0], job, ETHER),)

    def order_record(self, job, nonce):
        transaction = {
            "chainId": L2_CHAIN_ID, "nonce": nonce, "to": to_checksum_address(DNN_ADDRESS), "value": ETHER,
            "gas": 200_000, "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 0, "type": 2,
            "data": order_calldata(job),
        }  # fmt: skip
        signed = Account.from_key(keccak(text="user")).sign_transaction(transaction)
        return encode_record(decode_signed(bytes(signed.raw_transaction)))

    def store(self, name):
        """An actor's own store, which may read the others' by file URI."""
        (self.folder / name).mkdir(exist_ok=True)
        return ArtifactStore(self.folder / name, RemotePolicy(file_roots=(self.folder,)))

    def uri(self, name):
        return f"file://{self.folder / name}"

    def disputes(self, account):
        return DisputeChain(
            self.deployment, TransactionSender(self.client, account), Freshness(None, time.time)
        )

    def accountant(self, name="accountant", conduct=HONEST):
        """An accountant whose training gives the scenario's model."""
        account = self.chain.account(name)
        store = self.store(name)
        worker = Worker(
            store, ReferenceEvaluator(), lambda *_: self.parameters, lambda *_: (np.zeros(1, np.int32),)
        )
        return Accountant(
            self.disputes(account), account, self.order, worker, Drafts(self.folder / name),
            Conditions(least_credit=ETHER * 1000), self.uri(name), conduct,
        )  # fmt: skip

    def challenger(self, name="challenger"):
        """An honest challenger."""
        account = self.chain.account(name)
        examiner = Examiner(self.store(name), ReferenceEvaluator(), self.order, L2_CHAIN_ID)
        return Challenger(self.disputes(account), examiner)

    def play(self, rounds, until, most_rounds=200, step=60):
        """Calls the actors in turn until `until()`; moves time on when a whole round changed nothing."""
        for _ in range(most_rounds):
            before = self.client.head().number
            for each in rounds:
                each()
            if until():
                return
            if self.client.head().number == before:
                self.chain.pass_time(step)
        raise AssertionError("the scenario does not end")

    def state(self, claim_id):
        return self.contracts.claims.status(claim_id).state

    def held(self):
        """Wei of the protocol's contracts, and what was burnt."""
        addresses = [*self.deployment.addresses.values(), BURNT]
        return sum(self.client.balance(each) for each in addresses)

    def check_ether(self):
        """Every wei that there was is with an account, in a contract, burnt, or paid for gas; all are owed.

        Raises:
            AssertionError: Wei came or went.
        """
        client, bonds, addresses = self.client, self.contracts.bonds, self.deployment.addresses
        accounts = sum(client.balance(each) for each in self.chain.accounts)
        paid = sum(each.cost for each in calls_between(client, self.deployment, 1, client.head().number))
        owed = sum(bonds.credit_of(each) for each in self.chain.accounts)
        locked = sum(bonds.read("locked", addresses[court])[0] for court in ("claims", "game"))

        assert accounts + self.held() + paid == self.chain.endowed
        assert client.balance(bonds.address) == owed + locked
        assert [client.balance(at) for name, at in addresses.items() if name != "bonds"] == [0] * (
            len(addresses) - 1
        )

    def close(self):
        """Stops the chain, after a look at where the ether is.

        Raises:
            AssertionError: Wei came or went.
        """
        try:
            self.check_ether()
        finally:
            self.chain.close()


def model_root(parameters):
    return Model(parameters).root


__all__ = ["ETHER", "RULES", "ClaimState", "World"]
