import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from coincurve import PublicKey

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import root_from_proof
from anh_rollup.l1.abi import AbiError
from anh_rollup.l1.errors import L1UnreachableError
from anh_rollup.protocol.soft_confirmation import confirmation_digest
from tests.doubles.ordering import ALICE, BOB, ETHER, FakeL1, NodeDouble, decoded, record_of

RAWS = [ALICE.transfer(nonce, BOB.address, 1) for nonce in range(5)]


def raising(error: Exception) -> Callable[[], None]:
    """Something that fails when it is called."""

    def fail() -> None:
        raise error

    return fail


@pytest.fixture
def l1() -> FakeL1:
    made = FakeL1()
    made.deposit(ALICE.address, ETHER)
    return made


@pytest.fixture
def node(l1: FakeL1, tmp_path: Path) -> NodeDouble:
    return NodeDouble(l1, tmp_path)


def test_a_sealed_block_is_signed_as_the_inbox_checks_it(node: NodeDouble) -> None:
    block = node.chain.seal()
    assert block is not None
    signature = node.confirm(1, block.hash)
    assert signature is not None
    digest = confirmation_digest(node.deployment.l2_chain_id, node._inbox, 1, block.hash)
    compact = signature[:64] + bytes([signature[64] - 27])
    signer = PublicKey.from_signature_and_message(compact, digest, hasher=None)
    assert signer == node._key.public_key
    assert node.confirm(1, block.hash) == signature


def test_sealing_goes_on_while_l1_is_away(
    node: NodeDouble, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(node.chain, "follow", raising(L1UnreachableError("l1", 3, "refused")))
    node.submit(RAWS[:1])
    node.order()
    assert node.chain.head.header.number == 1
    told = L1UnreachableError("l1", 3, "refused")
    assert caplog.messages == [f"L1 cannot be followed: {told.message}; next: {told.remedy}"]


def test_sealing_waits_for_no_answer_of_l1(node: NodeDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answered = threading.Event(), threading.Event()

    def hang() -> bool:
        asked.set()
        return answered.wait(20)

    monkeypatch.setattr(node.reader, "refresh", hang)
    following = threading.Thread(target=node.chain.follow)
    following.start()
    assert asked.wait(20)
    node.submit(RAWS[:1])
    node.seal()
    assert node.chain.head.header.number == 1
    assert following.is_alive()
    answered.set()
    following.join(20)
    assert not following.is_alive()
    assert node.chain.head.header.number == 1


def test_a_fault_that_no_time_heals_ends_the_ordering(
    node: NodeDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node.chain, "follow", raising(AbiError("Inbox has 0 functions named post")))
    node.submit(RAWS[:1])
    with pytest.raises(AbiError):
        node.order()
    assert node.chain.head.header.number == 0


def test_no_second_block_of_a_height_is_ever_signed(l1: FakeL1, node: NodeDouble) -> None:
    node.submit(RAWS[:1])
    ours = node.chain.seal()
    l1.force(b"x")
    l1.post_forced()
    node.chain.follow()
    theirs = node.chain.block(1)
    assert ours is not None
    assert theirs is not None
    assert theirs.hash != ours.hash
    assert node.confirm(1, theirs.hash) is None
    assert node.confirm(2, keccak256(b"made up")) is None


def test_an_inclusion_proof_opens_the_batches_root(l1: FakeL1, node: NodeDouble) -> None:
    for raws in (RAWS[:2], RAWS[2:]):
        node.submit(raws)
        node.chain.seal()
    l1.post(node.chain.blocks_after(0))
    node.chain.follow()
    for place, raw in enumerate(RAWS):
        placement = node.chain.placement(decoded(raw).hash)
        assert placement is not None
        included = node.inclusion(placement)
        assert included is not None
        batch, index, proof = included
        assert index == place
        leaf = keccak256(record_of(raw))
        assert root_from_proof(leaf, index, proof, 3) == batch.header.transactions_root


def test_batches_are_found_by_their_blocks(l1: FakeL1, node: NodeDouble) -> None:
    for raw in RAWS[:3]:
        node.submit([raw])
        node.chain.seal()
    l1.post(node.chain.blocks_after(0)[:2])
    l1.mine()
    l1.refresh()
    l1.post(node.chain.blocks_after(2))
    node.chain.follow()
    found = [node.batch_of(number) for number in (1, 2, 3, 4)]
    assert [each and each.header.number for each in found] == [1, 1, 2, None]


def test_a_block_is_final_when_its_batchs_l1_block_is(l1: FakeL1, node: NodeDouble) -> None:
    node.chain.seal()
    l1.post(node.chain.blocks_after(0))
    node.chain.follow()
    assert (node.chain.safe_number, node.finalized_number) == (1, 0)
    node.finalize(l1.number)
    assert node.finalized_number == 1
