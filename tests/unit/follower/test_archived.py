"""A follower that goes on from an archive is one that has read all of L1."""

from pathlib import Path
from typing import Any

import pytest

from anh_rollup.l1 import order_archive
from anh_rollup.primitives import BlockNumber
from tests.doubles.archived import ArchivedFollower, ArchivedSequencer, archive_in
from tests.doubles.ordering import ALICE, BOB, decoded

DEPTH = 3
RAWS = [ALICE.transfer(nonce, BOB.address, 5) for nonce in range(6)]


@pytest.fixture
def node(tmp_path: Path) -> ArchivedSequencer:
    """Six posted blocks, of which four are deep."""
    made = ArchivedSequencer(tmp_path / "sequencer", archived=False)
    made.l1.deposit(ALICE)
    for at in range(6):
        made.seal(RAWS[at])
        made.post()
        if at == 3:
            made.l1.mine(DEPTH)
    return made


@pytest.fixture
def following(node: ArchivedSequencer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ArchivedFollower:
    monkeypatch.setattr(order_archive, "DEPTH", DEPTH)
    made = ArchivedFollower(tmp_path, node.l1)
    made.follower.follow_l1()
    return made


def known(following: ArchivedFollower) -> Any:
    """All that the chain answers, and what the world was given."""
    chain, last = following.follower.chain, following.follower.chain.head.header.number
    blocks = [chain.block(BlockNumber(number)) for number in range(last + 2)]
    places = [chain.placement(decoded(raw).hash) for raw in RAWS]
    accounts = [chain.account(each.address, pending=False) for each in (ALICE, BOB)]
    return chain.genesis, chain.head, chain.safe_number, blocks, places, accounts, following.world.given


def whole(following: ArchivedFollower, tmp_path: Path) -> ArchivedFollower:
    """A follower of the same L1 without a past."""
    return ArchivedFollower(tmp_path / "whole", following.l1, archived=False)


def archived(following: ArchivedFollower) -> int:
    return following.reader.new_order().archived


def test_a_start_from_an_archive_knows_what_one_without_knows(
    following: ArchivedFollower, tmp_path: Path
) -> None:
    told = list(following.world.told)
    following.start()
    assert archived(following) == 4
    assert known(following) == known(whole(following, tmp_path))
    assert following.world.told == told


@pytest.mark.parametrize(("depth", "kept"), [(1, 4), (3, 4), (8, 1), (9, 0)])
def test_after_a_reorg_it_knows_what_one_without_an_archive_knows(
    following: ArchivedFollower, tmp_path: Path, depth: int, kept: int
) -> None:
    following.start()
    following.l1.reorg(depth)
    following.l1.mine(depth)
    following.follower.follow_l1()
    assert archived(following) == kept
    assert known(following) == known(whole(following, tmp_path))
    following.start()
    assert known(following) == known(whole(following, tmp_path))


def test_an_archive_of_blocks_that_the_world_lost_is_replaced(
    following: ArchivedFollower, tmp_path: Path
) -> None:
    del following.world.given[3:]
    following.start()
    assert archived(following) == 0
    assert known(following) == known(whole(following, tmp_path))


def test_an_archive_with_another_deposit_than_the_worlds_is_replaced(
    following: ArchivedFollower, tmp_path: Path
) -> None:
    archive = archive_in(tmp_path)
    archive._database.execute("UPDATE block SET mark = ? WHERE number = 1", (bytes(32),))
    archive.close()
    following.start()
    assert archived(following) == 0
    assert known(following) == known(whole(following, tmp_path))
