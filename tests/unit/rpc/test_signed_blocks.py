"""`anh_getSignedBlocks`: every block as a batch of its own, with the signature that it has."""

from collections.abc import Callable
from typing import Any

import pytest

from anh_rollup.encoding.batches import encode_batch
from anh_rollup.protocol.derivation import batch_of
from anh_rollup.rpc import signed_blocks
from tests.doubles.ordering import ALICE, BOB, FakeL1, NodeDouble, record_of

Ask = Callable[..., Any]


@pytest.fixture
def three(node: NodeDouble, l1: FakeL1) -> NodeDouble:
    """A node with three sealed blocks."""
    for nonce in range(3):
        node.chain.follow()
        node.submit([ALICE.transfer(nonce, BOB.address, 5)])
        node.chain.seal()
    return node


def test_blocks_come_with_their_bytes_and_signatures(three: NodeDouble, ask: Ask) -> None:
    expected = [
        {
            "number": hex(block.number),
            "hash": "0x" + block.hash.hex(),
            "payload": "0x" + encode_batch(batch_of([block])).hex(),
            "signature": "0x" + (three.confirm(block.number, block.hash) or b"").hex(),
        }
        for block in three.chain.blocks_after(0)
    ]
    assert ask("anh_getSignedBlocks", "0x1") == expected
    assert ask("anh_getSignedBlocks", "0x3") == expected[2:]


@pytest.mark.parametrize("first", ["0x0", "0x4", "0x" + "f" * 64])
def test_where_there_is_no_block_there_are_none(three: NodeDouble, ask: Ask, first: str) -> None:
    assert ask("anh_getSignedBlocks", first) == []


def test_a_block_that_l1_put_in_the_place_of_a_signed_one_has_no_signature(
    three: NodeDouble, l1: FakeL1, ask: Ask
) -> None:
    l1.force(record_of(ALICE.transfer(0, BOB.address, 9)))
    l1.post_forced()
    three.chain.follow()
    (replaced,) = ask("anh_getSignedBlocks", "0x1")
    assert replaced["signature"] is None


@pytest.mark.parametrize(("name", "most", "given"), [("MOST_BLOCKS", 2, 2), ("MOST_BYTES", 0, 1)])
def test_an_answer_is_bounded(
    three: NodeDouble, ask: Ask, monkeypatch: pytest.MonkeyPatch, name: str, most: int, given: int
) -> None:
    monkeypatch.setattr(signed_blocks, name, most)
    assert len(ask("anh_getSignedBlocks", "0x1")) == given


@pytest.mark.parametrize("parameters", [[], ["latest"], [1], ["0x1", "0x2"]])
def test_other_parameters_are_refused(ask: Ask, parameters: list[Any]) -> None:
    assert ask("anh_getSignedBlocks", *parameters)["code"] == -32602
