"""A follower that is killed between any two writes of its world or its memory ends up as if it was not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from anh_rollup.follower.memory import FollowerMemory
from tests.doubles.follower import Following, WorldDouble
from tests.doubles.ordering import ALICE, BOB, ETHER, record_of

WORLD_WRITES = ("append", "truncate", "finalize")
MEMORY_WRITES = ("require_chain", "note", "keep", "finalize")

#: More writes than the story has, so that the last points end it without a crash.
MOST_WRITES = 30


class KilledError(Exception):
    """The process is gone."""


class Countdown:
    """Kills before the write with a number."""

    def __init__(self, left: int) -> None:
        self.left = left

    def guard(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*given: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                raise KilledError
            return write(*given)

        return guarded


class DurableWorld(WorldDouble):
    """Keeps what was appended in a transaction only where it ended."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        before = list(self.given)
        try:
            yield
        except BaseException:
            self.given[:] = before
            raise


def story(following: Following) -> Iterator[None]:
    """Blocks of the sequencer's, their posting, finality, a queue that replaces them, a reorg; by steps."""
    following.l1.deposit(ALICE.address, ETHER)
    following.seal(ALICE.transfer(0, BOB.address, 5))
    following.seal(ALICE.transfer(1, BOB.address, 5))
    yield
    following.post()
    following.finality.final = following.l1.number
    following.seal(ALICE.transfer(2, BOB.address, 5))
    following.seal(ALICE.transfer(3, BOB.address, 5))
    yield
    following.l1.force(record_of(ALICE.transfer(2, BOB.address, 9)))
    following.l1.post_forced()
    following.node.chain.follow()
    yield
    following.seal(ALICE.transfer(4, BOB.address, 5))
    following.post()
    following.l1.deposit(BOB.address, 100)
    following.seal(ALICE.transfer(5, BOB.address, 5))
    yield
    following.l1.reorg(1)
    following.l1.mine(3)
    yield


def play(following: Following, countdown: Countdown, monkeypatch: pytest.MonkeyPatch) -> None:
    """The story, with a start of the follower behind a kill."""
    for name in WORLD_WRITES:
        monkeypatch.setattr(following.world, name, countdown.guard(getattr(following.world, name)))
    for name in MEMORY_WRITES:
        monkeypatch.setattr(FollowerMemory, name, countdown.guard(getattr(FollowerMemory, name)))
    for _ in story(following):
        for turn in (following.follower.follow_l1, following.follower.follow_sequencer) * 2:
            try:
                getattr(following.follower, turn.__name__)()
            except KilledError:
                following.follower._memory.close()
                following.start()


def final(following: Following) -> tuple[Any, ...]:
    """Everything that the follower answers from."""
    chain = following.follower.chain
    signatures = [chain.confirmation(block.number, block.hash) for block in following.world.blocks]
    accounts = [chain.account(each.address, pending=False) for each in (ALICE, BOB)]
    return chain.head, list(following.world.given), accounts, signatures


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ...]:
    following = Following(tmp_path_factory.mktemp("whole"), world=DurableWorld())
    with pytest.MonkeyPatch.context() as patch:
        play(following, Countdown(-1), patch)
    return final(following)


def test_the_story_ends_with_the_origin_that_l1_kept(expected: tuple[Any, ...]) -> None:
    head, given, (alice, bob), _ = expected
    assert (head.header.number, alice.nonce, bob.cleared) == (5, 6, 5 + 5 + 9 + 5 + 5 + 5)
    assert sum(len(origin.events) for _, (origin,) in given) == 1


@pytest.mark.parametrize("point", range(1, MOST_WRITES))
def test_a_kill_at_any_write_changes_nothing(
    tmp_path: Path, expected: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch, point: int
) -> None:
    following = Following(tmp_path, world=DurableWorld())
    countdown = Countdown(point)
    play(following, countdown, monkeypatch)
    assert final(following) == expected


def test_the_points_cover_the_whole_story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    countdown = Countdown(MOST_WRITES)
    play(Following(tmp_path, world=DurableWorld()), countdown, monkeypatch)
    assert countdown.left > 0
