from anh_rollup.rpc.dispatch import METHODS
from anh_rollup.rpc.not_served import FOLLOWERS_ONLY, NOT_SERVED, REFUSED
from anh_rollup.rpc.service import WorldService
from anh_rollup.rpc.world_methods import method_table
from anh_rollup.world.errors import TimeLimitError, UnknownPositionError
from tests.doubles.answering_world import FakeWorld, FollowerDouble, service_of
from tests.doubles.ordering import ALICE
from tests.unit.rpc.conftest import Ask, asking
from tests.unit.rpc.stories import name_of, sealed, text


def test_what_a_sequencer_does_not_answer_is_named(service: WorldService) -> None:
    table = method_table(service)
    assert table.keys() - METHODS.keys() == set(FOLLOWERS_ONLY)
    assert METHODS.keys() <= table.keys()
    assert table.keys() & REFUSED.keys() == set()
    assert METHODS.keys() & NOT_SERVED.keys() == set()


def test_what_no_node_answers_is_refused_with_a_reason(query: Ask) -> None:
    for method, remedy in REFUSED.items():
        assert query(method) == {
            "code": -32004,
            "message": f"{method} is not served by this node",
            "data": remedy,
        }


def test_a_closure_lists_what_a_transaction_depends_on(query: Ask, follower: FollowerDouble) -> None:
    raws = [ALICE.call(nonce, b"\1") for nonce in range(3)]
    assert query("anh_getClosure", name_of(raws[0])) is None
    follower.submit(raws[:1])
    assert query("anh_getClosure", name_of(raws[0])) is None
    follower.chain.seal()
    sealed(follower, raws[1], raws[2])
    assert query("anh_getClosure", name_of(raws[2])) == {
        "count": "0x2",
        "transactions": [
            {"blockNumber": "0x1", "index": "0x0", "transactionHash": name_of(raws[0])},
            {"blockNumber": "0x2", "index": "0x1", "transactionHash": name_of(raws[2])},
        ],
    }


def test_a_long_closure_is_cut_at_its_beginning(follower: FollowerDouble, world: FakeWorld) -> None:
    raws = [ALICE.call(nonce, b"\1") for nonce in range(3)]
    for raw in raws:
        sealed(follower, raw)
    query = asking(follower, method_table(service_of(follower, world, closure=2)))
    found = query("anh_getClosure", name_of(raws[2]))
    assert (found["count"], [each["blockNumber"] for each in found["transactions"]]) == (
        "0x3",
        ["0x2", "0x3"],
    )


def test_a_node_that_lags_says_so(query: Ask, follower: FollowerDouble) -> None:
    assert query("eth_syncing") is False
    follower.syncing = (1, 5, 300)
    assert query("eth_syncing") == {"startingBlock": "0x1", "currentBlock": "0x5", "highestBlock": "0x12c"}


def test_a_block_that_was_replaced_meanwhile_is_not_found(query: Ask, world: FakeWorld) -> None:
    world.failure = UnknownPositionError(3, None, 2)
    found = query("eth_getBalance", text(ALICE.address))
    assert (found["code"], found["message"]) == (-32000, "header not found")


def test_a_node_that_stops_says_so(query: Ask, service: WorldService) -> None:
    service.execution.close()
    found = query("eth_call", {"to": text(ALICE.address)})
    assert (found["code"], found["message"]) == (-32603, "the node stops")


def test_a_call_that_never_ends_is_cut(follower: FollowerDouble, world: FakeWorld) -> None:
    world.failure = TimeLimitError(10.0)
    query = asking(follower, method_table(service_of(follower, world)))
    for method in ("eth_call", "eth_estimateGas", "eth_createAccessList"):
        assert query(method, {}) == {
            "code": -32000,
            "message": "execution aborted (timeout = 10s)",
            "data": "Ask again: what was executed is kept. A call that needs so long itself wants less gas.",
        }
