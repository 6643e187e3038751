"""kill -9 under load: what was acknowledged is on L1, once and in order, and who was killed serves soon."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from anh_rollup.encoding.hashing import keccak256
from benchmarks.report import cpu_seconds
from tests.integration.conftest import Chain, free_port
from tests.integration.load import Load, children_of, require_kept
from tests.integration.processes import FollowerProcess, Rollup, eventually, running_follower

pytestmark = pytest.mark.anvil

#: Processor seconds from a start to the first answer: on a machine with time to spare, seconds.
MOST_CPU = 5.0

KILLS, BETWEEN = 3, 20


@pytest.fixture
def rollup(anvil: Chain, tmp_path: Path) -> Iterator[Rollup]:
    made = Rollup.deployed(anvil, tmp_path)
    yield made
    made.kill()


@pytest.fixture
def follower(anvil: Chain, tmp_path: Path) -> Iterator[FollowerProcess]:
    with running_follower(anvil, tmp_path) as made:
        yield made


def start_again(who: Rollup | FollowerProcess, *options: str) -> float:
    """Kills it, starts it, and waits for its first answer; the processor seconds that this took."""
    who.kill()
    began = time.monotonic()
    who.start(*options)
    assert who.process is not None
    used = cpu_seconds(who.process.pid)
    sys.stdout.write(f"{type(who).__name__}: {time.monotonic() - began:.1f} s, {used:.1f} s of a processor\n")
    return used


def is_on_l1(load: Load) -> None:
    """Waits until the last acknowledged transfer is in a batch."""
    last = keccak256(load.acknowledged[-1])
    eventually(lambda: load.rollup.in_batch(last))


@pytest.mark.parametrize("kills", [1, pytest.param(KILLS, marks=pytest.mark.slow)])
def test_a_sequencer_killed_under_load_keeps_its_word_and_serves_again_soon(
    rollup: Rollup, kills: int
) -> None:
    options = ("--calldata", "--post-interval", "0.2")
    rollup.start(*options)
    rollup.deposit(2)
    with Load(rollup, 2, rollup.port) as load:
        for _ in range(kills):
            load.grow(BETWEEN)
            assert start_again(rollup, *options) < MOST_CPU
        load.grow(BETWEEN)
    is_on_l1(load)
    require_kept(load)
    assert load.lost > 0


@pytest.mark.slow
def test_a_follower_killed_under_load_keeps_its_word_and_serves_again_soon(follower: FollowerProcess) -> None:
    rollup = follower.rollup
    rollup.deposit(2)
    with Load(rollup, 2, follower.port) as load:
        for _ in range(KILLS):
            load.grow(BETWEEN)
            assert start_again(follower) < MOST_CPU
        load.grow(BETWEEN)
    is_on_l1(load)
    require_kept(load)
    assert load.lost > 0
    eventually(lambda: follower.l2.eth.get_block("safe")["hash"].hex() == follower.head()[1])
    fresh = FollowerProcess(rollup, "fresh", free_port())
    try:
        fresh.start(alone=True)
        assert fresh.view() == follower.view()
    finally:
        fresh.kill()


@pytest.mark.slow
def test_a_sequencer_whose_blob_process_is_killed_under_load_posts_on(rollup: Rollup) -> None:
    rollup.start("--post-interval", "0.2")
    rollup.deposit(2)
    killed: set[int] = set()
    with Load(rollup, 2, rollup.port) as load:
        for _ in range(KILLS):
            child = eventually(lambda: new_child(rollup, killed))
            load.grow(BETWEEN)
            os.kill(child, signal.SIGKILL)
            killed.add(child)
            load.grow(1)
            is_on_l1(load)
    is_on_l1(load)
    require_kept(load)
    assert (len(killed), load.lost) == (KILLS, 0)


def new_child(rollup: Rollup, known: set[int]) -> int | None:
    """The process that computes blob proofs now."""
    assert rollup.process is not None
    return next((each for each in children_of(rollup.process.pid) if each not in known), None)
