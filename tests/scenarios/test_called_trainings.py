"""A contract trains inside of a transaction: waiting, a lie, a reorg, and the same state everywhere."""

from dataclasses import dataclass

import numpy as np
import pytest
from eth_abi import decode
from eth_account import Account
from eth_utils.crypto import keccak

from anh_rollup.accountant.called import CalledJobs
from anh_rollup.accountant.drills import find_drill
from anh_rollup.encoding.artifacts import Model
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.primitives import Address
from anh_rollup.protocol.jobs import terms
from anh_rollup.protocol.ledger import DNN
from tests.doubles import small_program as small
from tests.doubles.networks import calldata
from tests.scenarios.called_world import CalledWorld, Node
from tests.scenarios.world import ETHER, RULES, ClaimState, model_root

pytestmark = pytest.mark.anvil

REWARD = 3 * ETHER

#: Seconds to the deadline: a lie falls in a quarter of an hour, and the true claim stands after that.
TRAINING_SECONDS = 3_000
GAS = 20_000_000


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
    customer = world.deploy(node)
    # Who knows what comes of a training may publish it before: who trains is paid for showing how good it is.
    world.publish(world.program(), Model(world.parameters))
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
    deadline = world.client.head().time + TRAINING_SECONDS
    wanted = (program, [(program, dataset, world.reached)], deadline, world.uri("user"))
    trains = world.send(customer, calldata("learnAndAsk", *wanted, x), REWARD, GAS)
    after = world.send(customer, calldata("step"))
    paid = world.send(Account.from_key(keccak(text="friend")).address, value=5, gas=21_000)
    assert node.ask("eth_getTransactionReceipt", trains) is None
    assert node.ask("eth_getTransactionReceipt", after) is None
    assert node.ask("eth_getTransactionReceipt", paid)["status"] == "0x1"
    (waiting,) = node.ask("anh_getWaiting")
    assert (waiting["kind"], waiting["reward"], waiting["transactions"]) == ("training", hex(REWARD), "0x1")
    ends = hex(deadline), hex(deadline + RULES.settlement)
    assert (waiting["deadline"], waiting["lapsesAt"]) == ends
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
