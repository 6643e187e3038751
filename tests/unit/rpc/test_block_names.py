from typing import Any

import pytest

from tests.doubles.answering_world import FollowerDouble
from tests.doubles.ordering import ALICE, FakeL1
from tests.unit.rpc.conftest import Ask
from tests.unit.rpc.stories import sealed, text

OWNER = text(ALICE.address)
MISSING = {
    "code": -32000,
    "message": "header not found",
    "data": "Ask eth_blockNumber for the newest block, and try again.",
}


def nonce_at(query: Ask, name: Any) -> Any:
    return query("eth_getTransactionCount", OWNER, name)


def test_a_block_is_named_by_tag_number_hash_or_object(
    query: Ask, follower: FollowerDouble, l1: FakeL1
) -> None:
    sealed(follower, ALICE.sign())
    digest = text(follower.chain.head.header.hash)
    newest: list[Any] = [
        "latest",
        "pending",
        "0x1",
        digest,
        None,
        {"blockNumber": "0x1"},
        {"blockNumber": "latest"},
    ]
    newest += [{"blockHash": digest}, {"blockHash": digest, "requireCanonical": True}]
    assert [nonce_at(query, name) for name in newest] == ["0x1"] * len(newest)
    assert [nonce_at(query, name) for name in ("earliest", "safe", "finalized", "0x0")] == ["0x0"] * 4
    l1.post(follower.chain.blocks_after(0))
    follower.chain.follow()
    assert [nonce_at(query, name) for name in ("safe", "finalized")] == ["0x1", "0x0"]
    follower.finalize(l1.number)
    assert nonce_at(query, "finalized") == "0x1"


@pytest.mark.parametrize("name", ["0x9", {"blockNumber": "0x9"}])
def test_a_height_above_the_head_is_not_found(query: Ask, name: Any) -> None:
    assert nonce_at(query, name) == MISSING


@pytest.mark.parametrize("name", ["0x" + "12" * 32, {"blockHash": "0x" + "12" * 32}])
def test_an_unknown_hash_is_not_found(query: Ask, name: Any) -> None:
    assert nonce_at(query, name) == {**MISSING, "message": "header for hash not found"}


@pytest.mark.parametrize(
    "name",
    [
        {},
        {"blockNumber": "0x0", "blockHash": "0x" + "12" * 32},
        {"blockNumber": "0x0", "requireCanonical": "yes"},
        {"blockHash": "0x12"},
        {"blockNumber": 5},
        {"number": "0x0"},
        "newest",
        5,
        [],
        True,
    ],
)
def test_what_names_no_block_is_a_wrong_parameter(query: Ask, name: Any) -> None:
    assert nonce_at(query, name)["code"] == -32602
