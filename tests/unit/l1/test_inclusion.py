"""A batch's tree is built once, and never out of blocks that the batch did not bring."""

from pathlib import Path

import pytest

from anh_rollup.encoding.batches import BatchHeader
from anh_rollup.l1.inclusion import MOST_TREES, OpenedBatches
from anh_rollup.l1.posted_batch import PostedBatch
from anh_rollup.primitives import ZERO_DIGEST, Digest
from anh_rollup.protocol.derivation import L2Block, batch_of
from tests.doubles.ordering import ALICE, BOB, ETHER, FakeL1, chain_on

COUNT = MOST_TREES + 2


class Blocks:
    """Sealed blocks that count how often they are asked for."""

    def __init__(self, blocks: list[L2Block]) -> None:
        self.blocks = blocks
        self.asked: list[int] = []

    def __call__(self, number: int) -> L2Block | None:
        self.asked.append(number)
        return self.blocks[number - 1] if number <= len(self.blocks) else None


@pytest.fixture
def blocks(tmp_path: Path) -> Blocks:
    """Blocks of two transactions each."""
    l1 = FakeL1()
    l1.deposit(ALICE.address, ETHER)
    chain = chain_on(l1, tmp_path)
    for nonce in range(0, 2 * COUNT, 2):
        chain.submit([ALICE.transfer(nonce + each, BOB.address, 1) for each in range(2)])
        chain.seal()
    return Blocks(chain.blocks_after(0))


def posted(blocks: Blocks, first: int, end: int) -> PostedBatch:
    batch = batch_of(blocks.blocks[first - 1 : end - 1])
    count = len(batch.records)
    header = BatchHeader(first, ZERO_DIGEST, batch.transactions_root, count, ZERO_DIGEST, 0)
    return PostedBatch(header, header.commitment(), first, end, Digest(b"\7" * 32), 1, ZERO_DIGEST)


def test_a_tree_is_built_once(blocks: Blocks) -> None:
    opened = OpenedBatches(blocks)
    batch = posted(blocks, 2, 5)
    first = opened.open(batch)
    assert first is not None
    assert opened.open(batch) is first
    assert blocks.asked == [2, 3, 4]
    assert (first.tree.root, first.firsts) == (batch.header.transactions_root, {2: 0, 3: 2, 4: 4})


def test_the_batches_that_were_asked_for_last_are_kept(blocks: Blocks) -> None:
    opened = OpenedBatches(blocks)
    batches = [posted(blocks, number, number + 1) for number in range(1, MOST_TREES + 2)]
    for batch in [*batches[:-1], batches[0], batches[-1]]:
        opened.open(batch)
    blocks.asked.clear()
    opened.open(batches[0])
    assert blocks.asked == []
    opened.open(batches[1])
    assert blocks.asked == [2]


def test_nothing_is_proved_from_blocks_that_the_batch_did_not_bring(blocks: Blocks) -> None:
    batch = posted(blocks, 1, 3)
    whole, swapped = blocks.blocks, [blocks.blocks[1], blocks.blocks[0]]
    opened = OpenedBatches(blocks)
    blocks.blocks = swapped
    assert opened.open(batch) is None
    blocks.blocks = whole[:1]
    assert opened.open(batch) is None
    blocks.blocks = whole
    assert opened.open(batch) is not None
