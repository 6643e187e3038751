from collections.abc import Sequence

import pytest

from anh_rollup.encoding.batches import BATCH_HEAD_SIZE, encode_batch
from anh_rollup.l1.side_process import SideProcess
from anh_rollup.protocol.derivation import L2Block, batch_of
from anh_rollup.protocol.sealed import block_size
from anh_rollup.sequencer import packing
from anh_rollup.sequencer.chain import SequencerChain
from anh_rollup.sequencer.packing import PackedBatch, Packer
from tests.doubles.ordering import ALICE, BOB, ETHER, FakeL1


@pytest.fixture
def l1() -> FakeL1:
    made = FakeL1()
    made.deposit(ALICE.address, ETHER)
    made.mine()
    return made


@pytest.fixture
def blocks(chain: SequencerChain) -> Sequence[L2Block]:
    for nonce in range(40):
        chain.submit([ALICE.transfer(nonce, BOB.address, 1)])
        chain.seal()
    return chain.blocks_after(0)


def packed(blocks: Sequence[L2Block]) -> PackedBatch:
    batch = batch_of(blocks)
    return PackedBatch(batch, encode_batch(batch))


def test_what_does_not_fit_is_left(blocks: Sequence[L2Block]) -> None:
    two = packed(blocks[:2])
    assert Packer().pack(blocks, len(two.payload)) == two
    assert Packer().pack(blocks, len(two.payload) - 1) == packed(blocks[:1])


def test_one_block_is_taken_however_little_fits(blocks: Sequence[L2Block]) -> None:
    assert Packer().pack(blocks, 1) == packed(blocks[:1])


def test_a_batch_takes_what_packing_makes_room_for(blocks: Sequence[L2Block]) -> None:
    sure = BATCH_HEAD_SIZE + sum(block_size(block) for block in blocks[:20])
    found = Packer().pack(blocks, sure)
    count = len(found.batch.blocks)
    assert 20 < count < 40
    assert found == packed(blocks[:count])
    assert len(found.payload) <= sure < len(encode_batch(batch_of(blocks[: count + 1])))


def test_many_transactions_are_packed_in_the_process_beside(
    blocks: Sequence[L2Block], monkeypatch: pytest.MonkeyPatch
) -> None:
    side = SideProcess()
    most = len(packed(blocks[:15]).payload)
    try:
        monkeypatch.setattr(packing, "FEW", 15)
        assert Packer(side).pack(blocks[:15], most) == packed(blocks[:15])
        assert side.pid is None
        assert Packer(side).pack(blocks, most) == packed(blocks[:15])
        assert side.pid is not None
    finally:
        side.close()
