"""A contract trains inside of a transaction: waiting, a lie, a reorg, and the same state everywhere."""

from dataclasses import dataclass

import numpy as np
import pytest
from eth_abi import decode
from eth_account import Account
from eth_utils.crypto import keccak

from anh_rollup.accountant.called import CalledJobs
from anh_rollup.accountant.drills import find_drill
from anh_rollup.cli.called_jobs import read_called_jobs
from anh_rollup.encoding.transactions import decode_signed
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.follower.memory import FollowerMemory
from anh_rollup.follower.service import Follower
from anh_rollup.follower.service import Parts as FollowerParts
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.primitives import L2_CHAIN_ID, Address
from anh_rollup.protocol.admission import RejectedError
from anh_rollup.protocol.jobs import terms
from anh_rollup.protocol.ledger import DNN
from anh_rollup.rpc.service import WorldService
from anh_rollup.rpc.world_methods import method_table
from anh_rollup.sequencer.journal import Journal
from anh_rollup.sequencer.service import Parts as SequencerParts
from anh_rollup.sequencer.service import Sequencer
from anh_rollup.world.inference import Inference
from anh_rollup.world.world import World as L2World
from tests.differential.compiled import contracts
from tests.doubles import small_program as small
from tests.doubles.networks import calldata
from tests.scenarios.world import ETHER, ClaimState, World, model_root

pytestmark = pytest.mark.anvil

REWARD = 3 * ETHER
DEPOSIT = 50 * ETHER
GAS = 5_000_000


class Node:
    """A follower of L1 alone, with its JSON-RPC's methods."""

    def __init__(self, world: "CalledWorld", name: str) -> None:
        folder = world.folder / name
        reader = OrderReader(world.deployment, world.client, BatchDataReader(world.client))
        genesis, rules = reader.new_order().head.header, reader.new_ledger().rules
        inference = Inference(world.store(f"{name} artifacts"), ReferenceEvaluator)
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

    def check_ether(self):
        """What was deposited stays in the Inbox; everything else is as in other scenarios."""
        inbox = self.contracts.inbox.address
        assert self.client.balance(inbox) == DEPOSIT
        self.client.transport.request("anvil_setBalance", inbox, "0x0")
        self.chain.endowed -= DEPOSIT
        super().check_ether()


@pytest.fixture
def world():
    made = CalledWorld()
    yield made
    made.close()


def as_address(account) -> Address:
    return Address(bytes.fromhex(account.address[2:]))


def test_a_contract_trains_inside_of_a_transaction(world):
    node = Node(world, "first")
    x, answer = sample(world)
    code = bytes.fromhex(contracts("Networks.sol")["Customer"]["code"])
    customer = node.ask("eth_getTransactionReceipt", world.send(None, code))["contractAddress"]
    trains, after, waiting = ask_for_training(world, node, customer, x)

    # A false claim about it stands first, and falls on L1; the next one is true.
    liar, honest, challenger = actors(world, node)
    world.play([liar.defend, liar.work], lambda: claims_in(honest, ClaimState.STANDING))
    snapshots = []

    def is_final():
        snapshots.append(world.client.transport.request("evm_snapshot"))
        return claims_in(honest, ClaimState.FINAL)

    world.play([liar.defend, *challenger, honest.defend, honest.work], is_final)
    (lie,), (final,) = claims_in(honest, ClaimState.REFUTED), claims_in(honest, ClaimState.FINAL)
    assert (lie.claim.claimant, final.claim.claimant) == (liar.chain.address, honest.chain.address)
    assert final.claim.transaction == terms(final.job) == bytes.fromhex(waiting["terms"][2:])
    seen = outcome(node, customer, (trains, after), honest)
    assert (seen.model, seen.answer) == (model_root(world.parameters), answer)
    assert (seen.reward, seen.kept) == (REWARD, 0)
    assert node.ask("anh_getWaiting") == []

    # L1 takes the end of the claim back: what was executed with it is undone, until it is final again.
    world.client.transport.request("evm_revert", snapshots[-2])
    world.client.transport.request("anvil_mine", hex(4))
    assert node.ask("eth_getTransactionReceipt", trains) is None
    assert [each["terms"] for each in node.ask("anh_getWaiting")] == [waiting["terms"]]
    world.play([honest.defend], lambda: claims_in(honest, ClaimState.FINAL))
    assert outcome(node, customer, (trains, after), honest) == seen

    fresh = Node(world, "second")
    assert outcome(fresh, customer, (trains, after), honest) == seen
    for each in (node, fresh):
        each.close()


def ask_for_training(world, node, customer, x):
    """Two transactions of which the first trains, and what the node waits for; payments go on meanwhile."""
    program, dataset = world.roots
    wanted = (program, [(program, dataset, world.reached)], world.uri("user"))
    trains = world.send(customer, calldata("learnAndAsk", *wanted, x), REWARD)
    after = world.send(customer, calldata("step"))
    paid = world.send(Account.from_key(keccak(text="friend")).address, value=5, gas=21_000)
    assert node.ask("eth_getTransactionReceipt", trains) is None
    assert node.ask("eth_getTransactionReceipt", after) is None
    assert node.ask("eth_getTransactionReceipt", paid)["status"] == "0x1"
    (waiting,) = node.ask("anh_getWaiting")
    assert (waiting["kind"], waiting["reward"], waiting["transactions"]) == ("training", hex(REWARD), "0x1")
    assert waiting["since"]["transactionHash"] == trains
    return trains, after, waiting


@dataclass(frozen=True)
class Outcome:
    """What a node says came of the training."""

    receipts: tuple
    model: bytes
    answer: list
    reward: int
    kept: int


def outcome(node, customer, transactions, honest) -> Outcome:
    receipts = tuple(node.ask("eth_getTransactionReceipt", each) for each in transactions)
    assert [each["status"] for each in receipts] == ["0x1", "0x1"]
    views = [
        decode([kind], bytes.fromhex(node.ask("eth_call", {"to": customer, "data": selector(name)})[2:]))[0]
        for name, kind in (("model", "bytes32"), ("last", "int32[]"))
    ]
    behind = node.world.behind(node.world.head)
    reward = node.world.balance(as_address(honest.account), behind).uncleared
    kept = node.world.balance(DNN, behind).total
    return Outcome(tuple(map(str, receipts)), views[0], list(views[1]), reward, kept)


def selector(name):
    return "0x" + calldata(name).hex()


def sample(world):
    """The elements of one sample, and what the trained network answers."""
    program = world.program()
    fields = small.random_fields(program, 1, 9)
    answer = ReferenceEvaluator().evaluate(program, Sources(fields, (), world.parameters))
    x = np.concatenate([each.reshape(-1) for each in fields])
    return x.tolist(), answer.reshape(-1).tolist()


def actors(world, node):
    """A dishonest accountant, an honest one, and the rounds of a challenger."""
    liar = world.accountant("liar", find_drill("boasted-accuracy"))
    honest, challenger = world.accountant("honest"), world.challenger()
    for each in (liar, honest):
        each.order = CalledJobs(order_of(world), node.called_jobs)
        each.order.poll()
    challenger.examiner.order = order_of(world)
    return liar, honest, [honest.order.poll, challenger.play, challenger.examine, challenger.play]


def order_of(world):
    return OrderReader(world.deployment, world.client, BatchDataReader(world.client))


def claims_in(accountant, state):
    accountant.chain.refresh()
    return [each for each in accountant.chain.docket.claims.values() if each.state is state]
