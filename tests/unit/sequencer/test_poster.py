from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from anh_rollup.encoding.batches import decode_batch, encode_batch, genesis_commitment
from anh_rollup.encoding.blobs import MOST_PAYLOAD, unpack
from anh_rollup.l1.contracts.inbox import Inbox
from anh_rollup.l1.errors import L1RevertedError
from anh_rollup.l1.types import TransactionRequest
from anh_rollup.primitives import L2_CHAIN_ID
from anh_rollup.protocol.derivation import batch_of
from anh_rollup.sequencer.chain import SequencerChain
from anh_rollup.sequencer.poster import (
    MOST_CALLDATA,
    MOST_IDLE_ORIGINS,
    Poster,
    decide,
    most_batch_bytes,
)
from tests.doubles.ordering import ALICE, BOB, ETHER, FakeL1, chain_on, record_of

MOST = 100_000


@pytest.fixture
def l1() -> FakeL1:
    made = FakeL1()
    made.deposit(ALICE.address, ETHER)
    made.mine()
    return made


def seal(chain: SequencerChain, *nonces: int) -> None:
    for nonce in nonces:
        chain.submit([ALICE.transfer(nonce, BOB.address, 1)])
        chain.seal()


# --- the decision ---


def test_there_is_nothing_to_post_at_first(l1: FakeL1, chain: SequencerChain) -> None:
    assert decide(l1, chain, MOST) is None


def test_the_first_batch_names_the_genesis_commitment(l1: FakeL1, chain: SequencerChain) -> None:
    seal(chain, 0, 1)
    post = decide(l1, chain, MOST)
    assert post is not None
    assert [block.number for block in post.blocks] == [1, 2]
    assert (post.batch.number, post.batch.previous) == (1, genesis_commitment(L2_CHAIN_ID))
    assert (post.batch.count, post.batch.forced_end, post.left) == (2, 0, 0)
    assert list(decode_batch(post.payload).records) == [
        record_of(ALICE.transfer(nonce, BOB.address, 1)) for nonce in (0, 1)
    ]


def test_the_next_batch_continues_where_l1_stands(l1: FakeL1, chain: SequencerChain) -> None:
    seal(chain, 0)
    l1.post(chain.blocks_after(0))
    chain.follow()
    assert decide(l1, chain, MOST) is None
    seal(chain, 1)
    post = decide(l1, chain, MOST)
    assert post is not None
    assert (post.batch.number, post.batch.previous) == (2, l1.batches[-1].commitment)
    assert [block.number for block in post.blocks] == [2]


def test_forced_entries_are_consumed_by_the_batch_that_has_their_block(
    l1: FakeL1, chain: SequencerChain
) -> None:
    l1.force(b"one")
    l1.force(b"two")
    l1.mine(2)
    chain.follow()
    seal(chain, 0)
    l1.mine(chain.forced_depth)
    chain.follow()
    post = decide(l1, chain, MOST)
    assert post is not None
    assert (post.batch.forced_end, post.batch.count) == (2, 1)


def test_blocks_behind_a_forced_transaction_wait_until_no_reorg_makes_their_batch_void(
    l1: FakeL1, chain: SequencerChain
) -> None:
    """A reorg could put the batch into an L1 block that is as low as its last origin."""
    l1.force(b"one")
    l1.mine(2)
    chain.follow()
    seal(chain, 0)
    l1.mine()
    chain.follow()
    assert decide(l1, chain, MOST) is None
    l1.mine()
    chain.follow()
    post = decide(l1, chain, MOST)
    assert post is not None

    l1.reorg(chain.forced_depth)
    l1.mine()
    l1.post(list(post.blocks))
    l1.mine()
    chain.follow()
    assert [block.hash for block in l1.order.blocks] == [block.hash for block in post.blocks]


def test_blocks_whose_origin_a_reorg_took_wait_until_l1_is_there_again(
    l1: FakeL1, chain: SequencerChain
) -> None:
    seal(chain, 0)
    l1.reorg(1)
    chain.follow()
    assert decide(l1, chain, MOST) is None
    l1.mine()
    chain.follow()
    assert decide(l1, chain, MOST) is not None


def test_what_does_not_fit_waits_for_the_next_batch(l1: FakeL1, chain: SequencerChain) -> None:
    seal(chain, 0, 1, 2)
    blocks = chain.blocks_after(0)
    two = len(encode_batch(batch_of(blocks[:2])))
    post = decide(l1, chain, two)
    assert post is not None
    assert (len(post.payload), post.left) == (two, 1)


def test_every_block_fits_a_batch_of_its_own(l1: FakeL1, tmp_path: Path) -> None:
    most = 2_000
    chain = chain_on(l1, tmp_path, most_batch_bytes=most)
    for nonce in range(40):
        chain.submit([ALICE.transfer(nonce, BOB.address, 1)])
    chain.seal()
    post = decide(l1, chain, most)
    assert post is not None
    assert len(post.payload) <= most
    assert 0 < chain.waiting + post.batch.count <= 40


def test_a_batch_has_room_for_what_its_carrier_carries() -> None:
    assert (most_batch_bytes(blobs=True), most_batch_bytes(blobs=False)) == (MOST_PAYLOAD, MOST_CALLDATA)


# --- blocks without transactions ---


def test_a_block_without_transactions_waits_for_the_next_transaction(
    l1: FakeL1, chain: SequencerChain
) -> None:
    chain.seal()
    assert decide(l1, chain, MOST) is None
    seal(chain, 0)
    post = decide(l1, chain, MOST)
    assert post is not None
    assert [len(block.transactions) for block in post.blocks] == [0, 1]


def test_a_block_without_transactions_does_not_wait_for_ever(l1: FakeL1, chain: SequencerChain) -> None:
    block = chain.seal()
    assert block is not None
    l1.mine(MOST_IDLE_ORIGINS - (l1.number - block.header.origin_number) - 1)
    chain.follow()
    assert decide(l1, chain, MOST) is None
    l1.mine()
    chain.follow()
    post = decide(l1, chain, MOST)
    assert post is not None
    assert (post.blocks, post.batch.count) == ((block,), 0)


def test_a_forced_transaction_waits_for_no_other(l1: FakeL1, chain: SequencerChain) -> None:
    chain.seal()
    l1.force(b"one")
    l1.mine(2)
    chain.follow()
    chain.seal()
    l1.mine(chain.forced_depth)
    chain.follow()
    post = decide(l1, chain, MOST)
    assert post is not None
    assert (len(post.blocks), post.batch.forced_end, post.batch.count) == (2, 1, 0)


# --- carrying it out ---


@dataclass
class FakeSender:
    """Takes what is sent; raises what it is told to, in order."""

    refusals: list[str] = field(default_factory=list)
    sent: list[TransactionRequest] = field(default_factory=list)

    def send(self, request: TransactionRequest) -> Any:
        self.sent.append(request)
        if self.refusals and (reason := self.refusals.pop(0)):
            raise L1RevertedError(reason, ())
        return type("Receipt", (), {"gas_used": 1})()


INBOX = "0x" + "00" * 19 + "01"


def poster(l1: FakeL1, chain: SequencerChain, sender: FakeSender, *, blobs: bool = False) -> Poster:
    return Poster(chain, l1, Inbox(None, INBOX), sender, blobs=blobs)


def test_a_batch_goes_out_as_blobs_or_as_calldata(l1: FakeL1, chain: SequencerChain) -> None:
    seal(chain, 0)
    sender = FakeSender()
    first = poster(l1, chain, sender).step()
    poster(l1, chain, sender, blobs=True).step()
    assert first is not None
    calldata, blob = sender.sent
    assert first.payload in calldata.data
    assert unpack(blob.blobs) == first.payload


def test_a_batch_without_own_transactions_is_no_blob(l1: FakeL1, chain: SequencerChain) -> None:
    l1.force(b"one")
    l1.mine(2)
    chain.follow()
    chain.seal()
    l1.mine(chain.forced_depth)
    chain.follow()
    sender = FakeSender()
    post = poster(l1, chain, sender, blobs=True).step()
    (request,) = sender.sent
    assert post is not None
    assert post.payload in request.data
    assert request.blobs == ()


def test_nothing_is_sent_where_there_is_nothing(l1: FakeL1, chain: SequencerChain) -> None:
    sender = FakeSender()
    assert poster(l1, chain, sender).step() is None
    assert sender.sent == []


@pytest.mark.parametrize("reason", ["WrongPrevious", "WrongForcedEnd", "ForcedEntryLeftOut"])
def test_a_stale_view_is_read_again_instead_of_insisted_on(
    l1: FakeL1, chain: SequencerChain, reason: str
) -> None:
    seal(chain, 0)
    sender = FakeSender([reason])
    assert poster(l1, chain, sender).step() is None
    assert len(sender.sent) == 1


def test_a_refusal_that_a_fresh_view_does_not_explain_is_told(l1: FakeL1, chain: SequencerChain) -> None:
    seal(chain, 0)
    with pytest.raises(L1RevertedError, match="NotTheSequencer"):
        poster(l1, chain, FakeSender(["NotTheSequencer"])).step()


def test_after_a_crash_between_sending_and_seeing_nothing_is_posted_twice(
    l1: FakeL1, chain: SequencerChain, tmp_path: Path
) -> None:
    seal(chain, 0)
    l1.post(chain.blocks_after(0))  # mined, and the sequencer died before it knew
    again = chain_on(l1, tmp_path)
    sender = FakeSender()
    assert poster(l1, again, sender).step() is None
    assert sender.sent == []


def test_the_same_blocks_are_posted_again_after_a_reorg(l1: FakeL1, chain: SequencerChain) -> None:
    seal(chain, 0)
    first = decide(l1, chain, MOST)
    l1.post(chain.blocks_after(0))
    chain.follow()
    l1.reorg(1)
    chain.follow()
    assert decide(l1, chain, MOST) == first


@pytest.mark.parametrize("refusals", [["ForcedEntryLeftOut"], ["ForcedEntryLeftOut", "NothingOverdue"]])
def test_where_a_due_entry_lies_beyond_the_first_batch_the_queue_is_posted(
    l1: FakeL1, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusals: list[str]
) -> None:
    monkeypatch.setattr("anh_rollup.sequencer.poster.MOST_CALLDATA", 300)
    chain = chain_on(l1, tmp_path, most_batch_bytes=300, most_unposted=1_000)
    seal(chain, 0, 1, 2, 3)
    sender = FakeSender(list(refusals))
    assert poster(l1, chain, sender).step() is None
    assert sender.sent[1] == Inbox(None, INBOX).post_forced()
    assert len(sender.sent) == 2
