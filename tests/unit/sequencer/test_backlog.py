"""What waits for L1 is so little that no load and no forced entry breaks what was signed."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from anh_rollup.encoding.batches import BATCH_HEAD_SIZE
from anh_rollup.l1.deployment import Rules
from anh_rollup.primitives import Digest
from anh_rollup.protocol.admission import RejectedError, RejectReason
from anh_rollup.sequencer.backlog import SLOT, SLOTS_PER_BATCH, most_unposted
from anh_rollup.sequencer.chain import FORCED_DEPTH
from anh_rollup.sequencer.poster import decide, most_batch_bytes
from tests.doubles.ordering import ALICE, ETHER, FakeL1, chain_on

SMALL_BATCH = 2_000
LIMITS = {RejectReason.BACKLOG_FULL, RejectReason.BLOCK_FULL}


# --- the bound ---


@pytest.mark.parametrize("blobs", [True, False])
def test_what_may_wait_is_posted_within_half_the_delay_even_in_half_full_batches(blobs: bool) -> None:
    most = most_batch_bytes(blobs=blobs)
    delay = Rules().force_delay
    allowed = most_unposted(delay, FORCED_DEPTH, 0.0, most)
    assert allowed > 10 * most
    assert 2 * allowed // most * SLOT * SLOTS_PER_BATCH <= delay // 2


def test_a_longer_interval_between_batches_lets_less_wait() -> None:
    assert most_unposted(3_600, 2, 60.0, 1_000) < most_unposted(3_600, 2, 0.0, 1_000)


@pytest.mark.parametrize("delay", [0, 1, 60])
def test_one_batch_may_always_wait(delay: int) -> None:
    assert most_unposted(delay, FORCED_DEPTH, 2.0, 1_000) == 1_000


def test_with_a_bound_of_one_batch_one_batch_holds_all_that_waits(tmp_path: Path) -> None:
    run = Run(tmp_path, delay=60)
    for _ in range(20):
        run.load([100, 700])
    assert LIMITS >= run.refused >= {RejectReason.BACKLOG_FULL}
    post = decide(run.l1, run.chain, SMALL_BATCH)
    assert post is not None
    assert post.left == 0
    assert SMALL_BATCH - 1_000 < len(post.payload) <= SMALL_BATCH


def test_what_was_refused_is_taken_when_the_backlog_is_on_l1(tmp_path: Path) -> None:
    run = Run(tmp_path, delay=60)
    run.load([1_600, 1_600])
    assert run.refused == {RejectReason.BLOCK_FULL}
    run.load([1_600])
    assert run.refused == LIMITS
    run.end_slot(posting=True)
    run.refused.clear()
    run.load([1_600])
    assert run.refused == set()


# --- any load ---


@dataclass
class Run:
    """A sequencer under load, on an L1 that refuses a batch without a due entry, as the Inbox does."""

    folder: Path
    delay: int
    l1: FakeL1 = field(default_factory=FakeL1)
    nonce: int = 0
    signed: dict[int, Digest] = field(default_factory=dict)
    refused: set[RejectReason] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.l1.deposit(ALICE.address, 100 * ETHER)
        allowed = most_unposted(self.delay, FORCED_DEPTH, 0.0, SMALL_BATCH)
        setting = {"most_batch_bytes": SMALL_BATCH, "most_unposted": allowed}
        self.chain = chain_on(self.l1, self.folder, **setting)

    def load(self, sizes: list[int]) -> None:
        """Sends a transaction of each size, then seals and notes what is signed."""
        for size in sizes:
            raw = ALICE.call(self.nonce, bytes([1]) * size, gas=200_000, maxFeePerGas=10**12)
            (result,) = self.chain.submit([raw])
            if isinstance(result, RejectedError):
                self.refused.add(result.reason)
            else:
                self.nonce += 1
        block = self.chain.seal()
        if block is not None:
            self.signed[block.number] = block.hash

    def force(self, entries: int) -> None:
        """Puts entries into the queue with the next L1 block."""
        self.l1.queue += [b"\1"] * entries
        self.l1.queued_at += [self.l1.number + 1] * entries

    def end_slot(self, *, posting: bool) -> None:
        """Mines an L1 block, with the next batch where one is posted."""
        post = decide(self.l1, self.chain, SMALL_BATCH) if posting else None
        if post is None:
            self.l1.mine()
        else:
            left = self.l1.queued_at[post.batch.forced_end :]
            assert not left or self.l1.time_of(self.l1.number + 1) < self.l1.time_of(left[0]) + self.delay
            self.l1.post(list(post.blocks))
        self.chain.follow()

    @property
    def kept(self) -> dict[int, Digest]:
        """The hashes of the blocks that there are."""
        return {block.number: block.hash for block in self.chain.blocks_after(0)}


BLOCKS = st.lists(st.lists(st.sampled_from([0, 50, 900, 1_000, 1_700]), max_size=3), max_size=4)
SLOTS = st.lists(st.tuples(BLOCKS, st.integers(0, 2)), min_size=1, max_size=6)


# An example takes a second, so there are fewer, and a smaller one would take minutes to find.
@settings(max_examples=settings.default.max_examples // 6, phases=[Phase.reuse, Phase.generate])
@given(cycle=SLOTS, delay=st.sampled_from([120, 180, 240]), late=st.booleans())
def test_no_load_breaks_a_confirmation_or_stops_posting(
    cycle: list[tuple[list[list[int]], int]], delay: int, late: bool
) -> None:
    """A batch gets in with each L1 block, or `late` only with each second one."""
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), delay)
        for slot in range(2 * delay // SLOT):
            blocks, entries = cycle[slot % len(cycle)]
            for sizes in blocks:
                run.load(sizes)
            run.force(entries)
            run.end_slot(posting=not late or slot % 2 == 1)
        for _ in range(delay // SLOT):
            run.load([])
            run.end_slot(posting=True)
        assert run.l1.order.head.forced_end == len(run.l1.queue)
        assert run.signed == run.kept
        assert run.refused <= LIMITS
        posted = [block for block in run.l1.order.blocks if block.transactions]
        assert posted == [block for block in run.chain.blocks_after(0) if block.transactions]
        assert all(len(each) <= SMALL_BATCH for each in payloads(run.l1))


def payloads(l1: FakeL1) -> list[bytes]:
    return [posting.payload or b"" for posting in l1.postings]


def test_a_batch_head_is_counted_before_the_first_block(tmp_path: Path) -> None:
    run = Run(tmp_path, delay=60)
    run.load([1_000])
    post = decide(run.l1, run.chain, SMALL_BATCH)
    assert post is not None
    waited = run.chain._sealed.bytes_after(0)
    assert waited < len(post.payload) <= BATCH_HEAD_SIZE + waited
