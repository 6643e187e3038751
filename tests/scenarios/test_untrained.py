"""A contract asks for what nobody can train: the others wait for a while, and then they go on."""

from functools import partial

import pytest

from anh_rollup.accountant.called import CalledJobs
from anh_rollup.accountant.called_lapses import CalledLapser
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.protocol.jobs import terms
from anh_rollup.protocol.ledger import DNN
from anh_rollup.rpc.errors import DataError
from tests.doubles.networks import calldata, error
from tests.scenarios.called_world import CalledWorld, Node
from tests.scenarios.world import ETHER, RULES

pytestmark = pytest.mark.anvil

REWARD = 3 * ETHER
TRAINING_SECONDS = 600

#: More than any sum of scores.
IMPOSSIBLE = 2**62


@pytest.fixture
def world():
    made = CalledWorld()
    yield made
    made.close()


def test_a_training_that_nobody_does_holds_up_the_others_for_a_while_only(world):
    node = Node(world, "first")
    customer = world.deploy(node)
    program, dataset = world.roots
    deadline = world.client.head().time + TRAINING_SECONDS
    asked = calldata("learn", program, [(program, dataset, IMPOSSIBLE)], deadline, world.uri("user"))
    asks = world.send(customer, asked, REWARD)
    after = world.send(customer, calldata("step"))
    receipts = partial(receipts_of, sent=(asks, after))
    assert receipts(node) == [None, None]
    (job,), (waiting,) = node.called_jobs(), node.ask("anh_getWaiting")
    assert waiting["lapsesAt"] == hex(deadline + RULES.settlement)

    # An accountant tries, and gives it up; until the end of the time nobody can end it.
    lapser = lapser_of(world, node)
    accountant = world.accountant("honest")
    accountant.order = CalledJobs(accountant.order, node.called_jobs)
    accountant.order.poll()
    accountant.defend()
    assert accountant.work()
    assert list(accountant.drafts.all()) == []
    world.chain.pass_time(deadline + RULES.settlement - world.client.head().time - 30)
    assert lapser.step() == []
    assert receipts(node) == [None, None]

    # Then anybody can: the call has reverted, and everything behind it goes on.
    world.chain.pass_time(30)
    before = world.client.transport.request("evm_snapshot")
    assert lapser.step() == [job]
    done = receipts(node)
    assert [each["status"] for each in done] == ["0x0", "0x1"]
    assert node.ask("anh_getWaiting") == []
    assert state(node, customer) == (1, 0, 0)
    with pytest.raises(DataError) as refused:
        node.ask("eth_call", {"to": customer, "data": "0x" + asked.hex()}, done[0]["blockNumber"])
    assert refused.value.content == error("NotTrained", "bytes32", terms(job.job))
    fresh = Node(world, "second")
    assert (receipts(fresh), state(fresh, customer)) == (done, (1, 0, 0))

    # L1 takes the end back: they wait again, until somebody says it again.
    world.client.transport.request("evm_revert", before)
    world.client.transport.request("anvil_mine", hex(4))
    assert [receipts(each) for each in (node, fresh)] == [[None, None]] * 2
    assert lapser_of(world, node).step() == [job]
    assert [receipts(each) for each in (node, fresh)] == [done] * 2
    for each in (node, fresh):
        each.close()


def receipts_of(node, sent):
    return [node.ask("eth_getTransactionReceipt", each) for each in sent]


def state(node, customer):
    """The steps that the contract has counted, and the wei that it and the DNN address hold."""
    steps = node.ask("eth_call", {"to": customer, "data": "0x" + calldata("steps").hex()})
    held = [node.ask("eth_getBalance", each) for each in (customer, "0x" + DNN.hex())]
    return tuple(int(each, 16) for each in (steps, *held))


def lapser_of(world, node):
    sender = TransactionSender(world.client, world.chain.account("anybody"))
    return CalledLapser(node.called_jobs, world.contracts.claims, sender, RULES.settlement)
