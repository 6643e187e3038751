"""What executions wait for, as clients and accountants read it."""

from anh_rollup.client.called_jobs import read_called_jobs
from anh_rollup.primitives import Seconds, Wei
from anh_rollup.protocol.called import TrainingRequest, called_job, encode_request, placeless
from anh_rollup.protocol.jobs import Property, encode_job, terms
from anh_rollup.rpc import requests
from anh_rollup.world.errors import ResultMissingError, TimeLimitError
from anh_rollup.world.position import Position
from tests.doubles.answering_world import FakeWorld, FollowerDouble
from tests.doubles.ordering import ALICE
from tests.unit.rpc.conftest import Ask
from tests.unit.rpc.stories import name_of, sealed, text

ROOT = b"\1" * 32
WANTED = [Property(b"\2" * 32, b"\3" * 32, -5)]
JOB = called_job(ROOT, WANTED, Seconds(1_000), "http://a")
OTHER = called_job(ROOT, WANTED, Seconds(2_000), "http://\udcff")


def test_nothing_is_waited_for_at_first(query: Ask) -> None:
    assert query("anh_getWaiting") == []


def test_requests_are_listed_once_with_all_that_is_paid_for_them(
    query: Ask, follower: FollowerDouble, world: FakeWorld
) -> None:
    raws = [ALICE.call(nonce, b"\1") for nonce in range(3)]
    for raw in raws:
        sealed(follower, raw)
    world.asked = {
        Position(1, 0): TrainingRequest(JOB, Wei(7)),
        Position(2, 0): TrainingRequest(OTHER, Wei(1)),
        Position(3, 0): TrainingRequest(JOB, Wei(5)),
    }
    training, other = query("anh_getWaiting")
    assert training["since"] == {"blockNumber": "0x1", "index": "0x0", "transactionHash": name_of(raws[0])}
    assert (training["kind"], training["reward"], training["transactions"]) == ("training", "0xc", "0x2")
    assert (training["terms"], training["encodedJob"]) == (text(terms(JOB)), text(encode_job(JOB)))
    settlement = follower.deployment.rules.settlement
    assert (training["deadline"], training["lapsesAt"]) == (hex(1_000), hex(1_000 + settlement))
    assert training["job"]["properties"][0]["threshold"] == "-5"
    assert read_called_jobs([training, other]) == [
        placeless(TrainingRequest(JOB, Wei(12))),
        placeless(TrainingRequest(OTHER, Wei(1))),
    ]
    assert other["since"] == {"blockNumber": "0x2", "index": "0x0", "transactionHash": name_of(raws[1])}
    assert (other["transactions"], other["job"]["uri"]) == ("0x1", "http://?")


def test_there_are_not_more_than_one_answer_may_list(query: Ask, world: FakeWorld) -> None:
    for number in range(requests.MOST_LISTED + 1):
        each = called_job(ROOT, WANTED, Seconds(number), "")
        world.asked[Position(1, number)] = TrainingRequest(each, Wei(0))
    world.node.chain.block = lambda _number: None  # type: ignore[method-assign, assignment]
    listed = query("anh_getWaiting")
    assert len(listed) == requests.MOST_LISTED
    assert listed[0]["deadline"] == "0x0"


def test_it_takes_no_longer_than_other_questions(query: Ask, world: FakeWorld) -> None:
    world.failure = TimeLimitError(10.0)
    assert query("anh_getWaiting")["code"] == -32000


def test_other_questions_say_what_they_wait_for(query: Ask, world: FakeWorld) -> None:
    world.failure = ResultMissingError(encode_request(TrainingRequest(JOB, Wei(7))))
    found = query("eth_getBalance", text(ALICE.address))
    told = f"the result of training {text(terms(JOB))} is not known yet"
    assert (found["code"], found["message"]) == (-32002, told)
