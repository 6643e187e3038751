"""A rollup with a sequencer, whose only jobs are those that contracts call, and followers of its L1."""

from dataclasses import dataclass

from anh_rollup.client.called_jobs import read_called_jobs
from anh_rollup.encoding.transactions import decode_signed
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.follower.memory import FollowerMemory
from anh_rollup.follower.service import Follower
from anh_rollup.follower.service import Parts as FollowerParts
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.primitives import L2_CHAIN_ID
from anh_rollup.protocol.admission import RejectedError
from anh_rollup.protocol.jobs import DNN_ADDRESS
from anh_rollup.protocol.publishing import published_form, publishing_steps
from anh_rollup.rpc.service import WorldService
from anh_rollup.rpc.world_methods import method_table
from anh_rollup.sequencer.journal import Journal
from anh_rollup.sequencer.service import Parts as SequencerParts
from anh_rollup.sequencer.service import Sequencer
from anh_rollup.world.inference import Inference
from anh_rollup.world.world import World as L2World
from tests.differential.compiled import contracts
from tests.scenarios.world import ETHER, World

DEPOSIT = 50 * ETHER
GAS = 5_000_000


class Node:
    """A follower of L1 alone, which has no store, with its JSON-RPC's methods."""

    def __init__(self, world: "CalledWorld", name: str) -> None:
        folder = world.folder / name
        reader = OrderReader(world.deployment, world.client, BatchDataReader(world.client))
        genesis, rules = reader.new_order().head.header, reader.new_ledger().rules
        inference = Inference(ReferenceEvaluator)
        l2 = L2World(folder / "world.sqlite3", genesis, rules, inference=inference)
        memory = FollowerMemory(folder / "follower.sqlite3")
        self.follower = Follower(FollowerParts(world.deployment, world.client, reader, l2, memory))
        self.world = l2
        self._service = WorldService(self.follower, l2)
        self._methods = method_table(self._service)

    def ask(self, method, *parameters):
        self.follower.follow_l1()
        return self._methods[method](self.follower, list(parameters))

    def called_jobs(self):
        return read_called_jobs(self.ask("anh_getWaiting"))

    def close(self):
        self._service.close()
        self.follower.close()


@dataclass
class CalledWorld(World):
    """A rollup with a sequencer, whose only jobs are those that contracts call."""

    def _post_job(self):
        account = self.chain.account("deployer")
        journal = Journal(self.folder / "journal.sqlite3")
        clock = lambda: self.client.head().time  # noqa: E731
        parts = SequencerParts(
            self.deployment, self.deployer, account, journal, 1, force_calldata=True, clock=clock
        )
        self.sequencer = Sequencer(parts)
        self.user = self.chain.account("user")
        sender = TransactionSender(self.client, self.user)
        sender.send(self.contracts.inbox.deposit(self.user.address, DEPOSIT))
        self.nonce = 0

    def send(self, to, data=b"", value=0, gas=GAS):
        """A transaction on L2, sealed and posted; its hash."""
        fields = {
            "chainId": L2_CHAIN_ID, "nonce": self.nonce, "value": value, "gas": gas, "data": data, "type": 2,
            "maxFeePerGas": 2 * 10**9, "maxPriorityFeePerGas": 0,
        }  # fmt: skip
        if to is not None:
            fields["to"] = to
        raw = bytes(self.user.sign_transaction(fields).raw_transaction)
        self.nonce += 1
        self.sequencer.order()
        (result,) = self.sequencer.submit([raw])
        assert not isinstance(result, RejectedError), result
        self.sequencer.order()
        self.sequencer.post()
        self.sequencer.order()
        return "0x" + decode_signed(raw, L2_CHAIN_ID).hash.hex()

    def deploy(self, node):
        """A contract that uses networks; its address."""
        code = bytes.fromhex(contracts("Networks.sol")["Customer"]["code"])
        return node.ask("eth_getTransactionReceipt", self.send(None, code))["contractAddress"]

    def publish(self, *artifacts):
        """Publishes programs and models; the hashes of all that is sent."""
        steps = []
        for each in artifacts:
            kind, content = published_form(each)
            steps += publishing_steps(kind, each.root, content)
        return [self.send(DNN_ADDRESS, step.calldata, gas=step.gas) for step in steps]

    def check_ether(self):
        """What was deposited stays in the Inbox; everything else is as in other scenarios."""
        inbox = self.contracts.inbox.address
        assert self.client.balance(inbox) == DEPOSIT
        self.client.transport.request("anvil_setBalance", inbox, "0x0")
        self.chain.endowed -= DEPOSIT
        super().check_ether()
