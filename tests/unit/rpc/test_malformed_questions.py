"""Nothing that a client of a follower sends breaks it: whatever is no question is refused by a code."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import WSMessage, WSMsgType
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.rpc.dispatch import Limits, answer
from anh_rollup.rpc.override_objects import BLOCK_MEMBERS
from anh_rollup.rpc.service import WorldService
from anh_rollup.rpc.world_methods import method_table
from anh_rollup.world.strict import STRICT_MARKER
from tests.doubles.answering_world import FakeWorld, FollowerDouble
from tests.doubles.ordering import ALICE, FakeL1
from tests.unit.rpc.schemas import ERROR, RESULTS
from tests.unit.rpc.stories import block_with_logs, log
from tests.unit.rpc.story import CONTRACT, FollowerStory
from tests.unit.rpc.test_dispatch import RELAXED, VALUES, WORDS, is_answer
from tests.unit.rpc.test_hub import Client
from tests.unit.rpc.test_schemas import faults

ADDRESSES = st.sampled_from(["0x" + each.hex() for each in (CONTRACT, ALICE.address, STRICT_MARKER)])
DATA = st.binary(max_size=40).map(lambda content: "0x" + content.hex())
NUMBERS = st.integers(0, 2**256).map(hex) | st.integers(0, 10**7).map(hex)
HASHES = st.binary(min_size=32, max_size=32).map(lambda content: "0x" + content.hex())
LISTS = st.lists(
    st.fixed_dictionaries({"address": ADDRESSES}, optional={"storageKeys": st.lists(HASHES, max_size=2)}),
    max_size=3,
)
CALLS = st.fixed_dictionaries(
    {},
    optional={
        "from": ADDRESSES | VALUES,
        "to": ADDRESSES | VALUES,
        "gas": NUMBERS | VALUES,
        "gasPrice": NUMBERS | VALUES,
        "maxFeePerGas": NUMBERS | VALUES,
        "maxPriorityFeePerGas": NUMBERS | VALUES,
        "value": NUMBERS | VALUES,
        "nonce": NUMBERS | VALUES,
        "data": DATA | VALUES,
        "input": DATA | VALUES,
        "accessList": LISTS | VALUES,
        "blobVersionedHashes": VALUES,
    },
)
BLOCKS = st.sampled_from(["latest", "0x0", "0x1", "0x9", None]) | st.fixed_dictionaries(
    {}, optional={"blockNumber": WORDS | VALUES, "blockHash": HASHES | VALUES, "requireCanonical": VALUES}
)
TOPICS = st.lists(HASHES | st.lists(HASHES | VALUES, max_size=3) | VALUES, max_size=5)
QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "fromBlock": WORDS | VALUES,
        "toBlock": WORDS | VALUES,
        "blockHash": HASHES | VALUES,
        "address": ADDRESSES | st.lists(ADDRESSES | VALUES, max_size=3) | VALUES,
        "topics": TOPICS | VALUES,
    },
)
ELEMENTS = st.dictionaries(HASHES | VALUES.map(str), HASHES | VALUES, max_size=2)
OVERRIDES = st.dictionaries(
    ADDRESSES,
    st.fixed_dictionaries(
        {},
        optional={
            "balance": NUMBERS | VALUES,
            "nonce": NUMBERS | VALUES,
            "code": DATA | VALUES,
            "state": ELEMENTS | VALUES,
            "stateDiff": ELEMENTS | VALUES,
        },
    )
    | VALUES,
    max_size=3,
)
BLOCK_OVERRIDES = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(BLOCK_MEMBERS[:6], NUMBERS | ADDRESSES | HASHES | VALUES)
)
QUESTIONS = st.one_of(
    st.tuples(st.sampled_from(["eth_call", "eth_estimateGas", "eth_createAccessList"]), CALLS, BLOCKS),
    st.tuples(
        st.sampled_from(["eth_call", "eth_estimateGas"]),
        CALLS,
        BLOCKS,
        OVERRIDES | VALUES,
        BLOCK_OVERRIDES | VALUES,
    ),
    st.tuples(st.sampled_from(["eth_getLogs", "eth_newFilter"]), QUERIES),
    st.tuples(st.sampled_from(["eth_getBalance", "eth_getCode", "anh_getBalance"]), ADDRESSES, BLOCKS),
    st.tuples(st.just("eth_getStorageValues"), st.dictionaries(ADDRESSES | WORDS, VALUES, max_size=2)),
    st.tuples(st.just("eth_getStorageAt"), ADDRESSES, WORDS | VALUES, BLOCKS),
    st.tuples(st.just("eth_getBlockReceipts"), BLOCKS | VALUES),
)


@pytest.fixture
def story(l1: FakeL1, tmp_path: Path) -> Iterator[FollowerStory]:
    told = FollowerStory(l1, tmp_path)
    told.tell()
    # Loads the engine, which sets the recursion limit: hypothesis wants that done before it begins.
    assert told.ask("eth_call", {"to": "0x" + CONTRACT.hex()}) == "0x" + "2a".rjust(64, "0")
    yield told
    told.close()


def is_sound(question: tuple[Any, ...], found: Any) -> bool:
    """Whether it is an answer of the method, or an error of JSON-RPC that is not this node's fault."""
    if isinstance(found, dict) and "code" in found:
        return not faults(ERROR, found) and found["code"] != -32603
    return question[0] not in RESULTS or not faults(RESULTS[question[0]], found)


@RELAXED
@given(question=QUESTIONS)
def test_no_question_breaks_a_world(story: FollowerStory, question: tuple[Any, ...]) -> None:
    assert is_sound(question, story.ask(*question))


@RELAXED
@given(data=st.data())
def test_no_parameters_break_a_method(
    service: WorldService, follower: FollowerDouble, world: FakeWorld, data: st.DataObject
) -> None:
    if not world.events:
        block_with_logs(follower, world, log())
    methods = {name: each for name, each in method_table(service).items() if name != SLOW}
    method = data.draw(st.sampled_from(sorted(methods)))
    parameters = data.draw(st.lists(WORDS | VALUES | CALLS | QUERIES, max_size=4) | VALUES)
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    found = orjson.loads(answer(follower, orjson.dumps(request), Limits(), methods) or b"null")
    assert is_answer(found)


SLOW = "eth_sendRawTransactionSync"
"""It waits; its parameters are read like those of others."""

LAST = {"jsonrpc": "2.0", "id": "the last one"}
FRAMES = (
    st.text(max_size=40).map(lambda text: WSMessage(WSMsgType.TEXT, text, None))
    | st.binary(max_size=40).map(lambda content: WSMessage(WSMsgType.BINARY, content, None))
    | VALUES.map(lambda value: WSMessage(WSMsgType.BINARY, orjson.dumps(value), None))
    | st.lists(WORDS | VALUES | QUERIES, max_size=3).map(
        lambda parameters: WSMessage(
            WSMsgType.BINARY,
            orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": parameters}),
            None,
        )
    )
)


@RELAXED
@given(frames=st.lists(FRAMES, max_size=8))
def test_no_frames_break_a_websocket(service: WorldService, frames: list[WSMessage]) -> None:
    async def send() -> list[Any]:
        client, found = Client(service, most=100), list[Any]()
        client.begin()
        for frame in frames:
            client.socket.incoming.put_nowait(frame)
        client.socket.send({**LAST, "method": "eth_chainId"})
        while not found or found[-1] != {**LAST, "result": "0xc8db9eb"}:
            found.append(await asyncio.wait_for(client.socket.sent.get(), 5))
        await client.end()
        return found

    found = asyncio.run(send())
    single = [each for group in found for each in (group if isinstance(group, list) else [group])]
    assert all(is_answer(each) for each in single)


async def test_a_request_after_bad_frames_is_answered(service: WorldService) -> None:
    client = Client(service)
    client.begin()
    for each in ("{", "", "[]", "5"):
        client.socket.send(each)
        assert (await asyncio.wait_for(client.socket.sent.get(), 5))["error"]["code"] in (-32700, -32600)
    assert await client.ask("eth_chainId") == "0xc8db9eb"
    await client.end()
