"""One rollup through every fault in turn, under load; a follower from nothing ends where the others are."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.transactions import decode_signed, encode_record
from tests.integration.conftest import Chain, free_port
from tests.integration.load import Load, children_of, require_kept
from tests.integration.processes import BOB, RULES, FollowerProcess, Rollup, eventually

pytestmark = [pytest.mark.anvil, pytest.mark.slow]

#: Transfers between two faults, wei of a forced transfer, and seconds for which L1 stands still.
BETWEEN, FORCED, STANDSTILL = 15, 1_000_000, 8.0

#: Seconds for whatever a fault delays: a loop that failed again and again looks once a minute.
PATIENCE = 120.0

OPTIONS = ("--post-interval", "0.5")


class Life:
    """A rollup on a chain with a block a second, its follower, and the faults that befall them."""

    def __init__(self, chain: Chain, folder: Path) -> None:
        self.chain = chain
        self.rollup = Rollup.deployed(chain, folder)
        self.follower = FollowerProcess(self.rollup, "follower", free_port())
        self.forced = 0

    def begin(self) -> None:
        self.rollup.start(*OPTIONS)
        self.follower.start()
        for index in (2, 3):
            self.rollup.deposit(index)
        self.chain.mine(6)

    def kill_the_sequencer(self) -> None:
        self.rollup.kill()
        self.rollup.start(*OPTIONS)

    def kill_the_follower(self) -> None:
        self.follower.kill()
        self.follower.start()

    def kill_the_blob_process(self) -> None:
        process = self.rollup.process
        assert process is not None
        for each in eventually(lambda: children_of(process.pid) or None):
            os.kill(each, signal.SIGKILL)

    def take_back_blocks(self) -> None:
        self.chain.request("anvil_reorg", 2, [])

    def stop_l1(self) -> None:
        stopped = descendants(os.getpid(), "anvil")
        assert stopped
        for each in stopped:
            os.kill(each, signal.SIGSTOP)
        time.sleep(STANDSTILL)
        for each in stopped:
            os.kill(each, signal.SIGCONT)

    def raise_the_base_fee(self) -> None:
        dear = 20 * (self.chain.client.head().base_fee or 0)
        for _ in range(3):
            self.chain.request("anvil_setNextBlockBaseFeePerGas", hex(dear))
            self.chain.mine()

    def drop_a_batch(self) -> None:
        content = eventually(lambda: self.chain.request("txpool_content")["pending"] or None, PATIENCE)
        for mine in content.values():
            for each in mine.values():
                self.chain.request("anvil_dropTransaction", each["hash"])

    def go_on_without_a_sequencer(self) -> None:
        """Its keeper stops it; a user forces a transfer, and anybody posts the queue."""
        self.rollup.kill()
        anybody = self.chain.sender(3)
        for _ in range(2):
            raw = self.rollup.signed(3, self.forced, value=FORCED)
            record = encode_record(decode_signed(raw))
            anybody.send(self.rollup.inbox.force(record, RULES.force_fee))
            self.chain.request("evm_increaseTime", RULES.force_timeout + 1)
            self.chain.mine()
            anybody.send(self.rollup.inbox.post_forced())
            self.forced += 1
            eventually(lambda: self.follower.l2.eth.get_balance(BOB) >= self.forced * FORCED, PATIENCE)
        self.rollup.start(*OPTIONS)

    def settle(self, load: Load) -> None:
        """Waits until L1 has all that was acknowledged, and both have seen it there."""
        last = keccak256(load.acknowledged[-1])
        eventually(lambda: self.rollup.in_batch(last), PATIENCE)

        def is_safe() -> bool:
            at = self.rollup.l2.eth.get_block("latest")["hash"].hex()
            return self.follower.head()[1] == at == self.follower.l2.eth.get_block("safe")["hash"].hex()

        eventually(is_safe, PATIENCE)


def descendants(process: int, name: str) -> list[int]:
    """The processes below a process that run a program of a name."""
    found = []
    for each in children_of(process):
        if Path(f"/proc/{each}/comm").read_text(encoding="utf-8").strip() == name:
            found.append(each)
        found += descendants(each, name)
    return found


@pytest.fixture
def life(start_anvil: Callable[..., Chain], tmp_path: Path) -> Iterator[Life]:
    made = Life(start_anvil("--block-time", "1"), tmp_path)
    yield made
    made.follower.kill()
    made.rollup.kill()


FAULTS = (
    Life.kill_the_sequencer, Life.take_back_blocks, Life.kill_the_blob_process, Life.stop_l1,
    Life.kill_the_follower, Life.raise_the_base_fee, Life.drop_a_batch, Life.go_on_without_a_sequencer,
    Life.take_back_blocks, Life.kill_the_sequencer,
)  # fmt: skip


def test_after_every_fault_a_follower_from_nothing_agrees_with_one_that_saw_them_all(life: Life) -> None:
    life.begin()
    with Load(life.rollup, 2, life.rollup.port) as load:
        for fault in FAULTS:
            load.grow(BETWEEN, PATIENCE)
            fault(life)
        load.grow(BETWEEN, PATIENCE)
    life.settle(load)
    require_kept(load)
    assert life.follower.l2.eth.get_balance(BOB) == len(load.acknowledged) + life.forced * FORCED
    fresh = FollowerProcess(life.rollup, "fresh", free_port())
    try:
        fresh.start(alone=True)
        assert fresh.view() == life.follower.view()
    finally:
        fresh.kill()
