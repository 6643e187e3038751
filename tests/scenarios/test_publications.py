"""Networks that are in the order: a follower that has nothing but L1 answers what contracts ask them."""

import numpy as np
import pytest
from eth_abi import decode
from eth_account import Account
from eth_utils.crypto import keccak

from anh_rollup.encoding.artifacts import Model
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.protocol import publishing
from anh_rollup.protocol.jobs import DNN_ADDRESS
from anh_rollup.rpc.errors import DataError
from tests.doubles import small_program as small
from tests.doubles.networks import calldata, error
from tests.scenarios.called_world import CalledWorld, Node

pytestmark = pytest.mark.anvil

GAS = 5_000_000
NOWHERE = b"\7" * 32


@pytest.fixture
def world():
    made = CalledWorld()
    yield made
    made.close()


def last_of(node, customer):
    answer = node.ask("eth_call", {"to": customer, "data": "0x" + calldata("last").hex()})
    return list(decode(["int32[]"], bytes.fromhex(answer[2:]))[0])


def status_of(node, sent):
    return node.ask("eth_getTransactionReceipt", sent)["status"]


def test_an_inference_on_a_root_that_nobody_has_stops_nobody(world):
    node = Node(world, "first")
    customer = world.deploy(node)
    attack = world.send(customer, calldata("ask", NOWHERE, NOWHERE, [1, 2]))
    after = world.send(customer, calldata("step"))
    friend = Account.from_key(keccak(text="friend")).address
    paid = world.send(friend, value=5, gas=21_000)
    assert [status_of(node, each) for each in (attack, after, paid)] == ["0x0", "0x1", "0x1"]
    steps = node.ask("eth_call", {"to": customer, "data": "0x" + calldata("steps").hex()})
    assert int(steps, 16) == 1
    assert node.ask("eth_getBalance", friend) == "0x5"
    assert node.ask("anh_getWaiting") == []
    asked = {"to": DNN_ADDRESS, "data": "0x" + calldata("infer", NOWHERE, NOWHERE, [1, 2]).hex()}
    with pytest.raises(DataError) as raised:
        node.ask("eth_call", asked)
    assert raised.value.content == error("NotPublished", "bytes32", NOWHERE)
    node.close()


@pytest.mark.parametrize("cut", [None, 4_000], ids=["whole", "parts"])
def test_a_follower_with_nothing_but_l1_answers_an_inference(world, monkeypatch, cut):
    program = world.program()
    fields = small.random_fields(program, 1, 9)
    sources = Sources(fields, (), world.parameters)
    expected = ReferenceEvaluator().evaluate(program, sources).reshape(-1).tolist()
    x = np.concatenate([each.reshape(-1) for each in fields]).tolist()
    model = Model(world.parameters)
    node = Node(world, "first")
    customer = world.deploy(node)
    asks = calldata("ask", program.root, model.root, x)

    early = world.send(customer, asks)
    assert status_of(node, early) == "0x0"
    if cut is not None:
        monkeypatch.setattr(publishing, "FIRST_CUT", cut)
    sent = world.publish(program, model)
    assert len(sent) == 2 if cut is None else len(sent) > 4
    assert {status_of(node, each) for each in sent} == {"0x1"}
    assert node.ask("anh_getPublication", "0x" + model.root.hex())["transactionHash"] == sent[-1]
    asked = world.send(customer, asks)
    assert (status_of(node, asked), last_of(node, customer)) == ("0x1", expected)

    # Another one reads L1 alone, now: it has no store, and nobody to ask.
    fresh = Node(world, "second")
    assert (status_of(fresh, early), status_of(fresh, asked)) == ("0x0", "0x1")
    assert last_of(fresh, customer) == expected
    for each in (node, fresh):
        each.close()
