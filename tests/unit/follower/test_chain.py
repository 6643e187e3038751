"""L1 decides; behind it stand the sequencer's signed blocks; the world is told of nothing else."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from anh_rollup.follower.errors import RefusalReason, RefusedBlockError, WrongDataError
from anh_rollup.follower.memory import FollowerMemory
from anh_rollup.follower.signed_blocks import SignedBlock
from anh_rollup.primitives import Digest
from anh_rollup.protocol.called import Cell
from tests.doubles.follower import Following
from tests.doubles.ordering import ALICE, BOB, ETHER, GENESIS_TIME, decoded, record_of


@pytest.fixture
def following(tmp_path: Path) -> Following:
    made = Following(tmp_path)
    made.l1.deposit(ALICE.address, ETHER)
    return made


def pay(nonce: int) -> bytes:
    return ALICE.transfer(nonce, BOB.address, 5)


def same(following: Following) -> bool:
    """Whether sequencer, follower and world have one chain."""
    ours, theirs = following.follower.chain, following.node.chain
    blocks = theirs.blocks_after(0)
    assert following.world.blocks == blocks
    accounts = [chain.account(BOB.address, pending=False) for chain in (ours, theirs)]
    return ours.head == theirs.head and accounts[0] == accounts[1]


def test_what_l1_holds_is_followed_without_a_sequencer(following: Following) -> None:
    following.client.away = True
    following.seal(pay(0))
    following.seal(pay(1))
    following.post()
    following.follower.follow_l1()
    assert same(following)
    assert following.follower.chain.safe_number == 2


def test_signed_blocks_are_followed_before_l1_has_them(following: Following) -> None:
    first = following.seal(pay(0))
    following.follower.follow_l1()
    following.follower.follow_sequencer()
    assert same(following)
    chain = following.follower.chain
    assert (chain.head.header.number, chain.safe_number) == (1, 0)
    assert following.follower.confirm(1, first.hash) == following.node.confirm(1, first.hash) is not None
    assert following.follower.confirm(1, Digest(bytes(32))) is None


def test_posting_followed_blocks_changes_nothing_but_what_is_safe(following: Following) -> None:
    following.seal(pay(0))
    following.follower.follow_l1()
    following.follower.follow_sequencer()
    following.post()
    told = list(following.world.told)
    following.follower.follow_l1()
    assert following.world.told == told == [("append", 1)]
    assert following.follower.chain.safe_number == 1


def test_signatures_of_blocks_that_came_from_l1_first_are_kept_too(following: Following) -> None:
    block = following.seal(pay(0))
    following.post()
    following.follower.follow_l1()
    assert following.follower.confirm(1, block.hash) is None
    following.follower.follow_sequencer()
    assert following.follower.confirm(1, block.hash) == following.node.confirm(1, block.hash)


def test_the_world_learns_what_l1_says_about_called_jobs(following: Following) -> None:
    cell = Cell(b"\1" * 32, (7,), BOB.address)
    following.l1.cells = {b"\2" * 32: cell}
    following.follower.follow_l1()
    assert following.world.cells == {b"\2" * 32: cell}
    following.l1.cells = {}
    following.follower.follow_l1()
    assert following.world.cells == {}


def test_a_block_waits_until_its_origin_is_read(following: Following) -> None:
    following.follower.follow_l1()
    following.l1.deposit(BOB.address, 7)
    read = following.l1.cursor
    following.seal(pay(0))
    following.l1.cursor = read
    following.follower.follow_sequencer()
    assert following.follower.chain.head.header.number == 0
    following.follower.follow_l1()
    following.follower.follow_sequencer()
    assert same(following)
    assert following.follower.chain.account(BOB.address, pending=False).cleared == 12


def test_forced_transactions_come_from_l1s_queue(following: Following) -> None:
    following.l1.force(record_of(pay(0)))
    following.l1.mine(3)
    following.seal()
    following.follower.follow_l1()
    following.follower.follow_sequencer()
    assert following.follower.chain.placement(decoded(pay(0)).hash) is not None
    assert same(following)


def signed(following: Following, number: int) -> SignedBlock:
    (found,) = [each for each in following.client.signed_blocks(number) if each.number == number]
    return found


def test_what_the_sequencer_did_not_sign_is_refused(following: Following) -> None:
    following.seal(pay(0))
    following.follower.follow_l1()
    good = signed(following, 1)
    assert good.signature is not None
    other = following.seal(pay(1))
    wrong = following.node.confirm(2, other.hash)
    for signature in (wrong, bytes(65), good.signature[:64] + b"\x1c\x1c", good.signature[:64]):
        with pytest.raises(RefusedBlockError) as refused:
            following.follower.chain.take(SignedBlock(1, good.batch, good.payload, signature))
        assert refused.value.reason is RefusalReason.SIGNATURE
    assert following.world.told == []


def test_a_block_that_is_not_the_next_one_is_refused(following: Following) -> None:
    following.seal(pay(0))
    following.seal(pay(1))
    following.follower.follow_l1()
    with pytest.raises(RefusedBlockError) as refused:
        following.follower.chain.take(signed(following, 2))
    assert refused.value.reason is RefusalReason.GAP
    assert refused.value.message == "block 1 of the sequencer is not taken: it is not the next block"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"parent": Digest(bytes(32))}, RefusalReason.PARENT),
        ({"time": GENESIS_TIME}, RefusalReason.BACKWARDS),
        ({"origin_number": 0}, RefusalReason.BACKWARDS),
        ({"records": ()}, RefusalReason.SIGNATURE),
    ],
)
def test_a_block_that_does_not_follow_is_refused(
    following: Following, change: dict[str, Any], reason: RefusalReason
) -> None:
    following.seal(pay(0))
    following.seal(pay(1))
    following.follower.follow_l1()
    following.follower.chain.take(signed(following, 1))
    good = signed(following, 2)
    (record,) = good.batch.blocks
    parent = change.pop("parent", good.batch.parent)
    changed = replace(good.batch, parent=parent, blocks=(replace(record, **change),))
    with pytest.raises(RefusedBlockError) as refused:
        following.follower.chain.take(replace(good, batch=changed))
    assert refused.value.reason is reason
    assert following.world.told == [("append", 1)]


def test_blocks_that_never_come_to_l1_are_taken_up_to_a_limit(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anh_rollup.follower.chain.MOST_SOFT", 1)
    following.seal(pay(0))
    following.seal(pay(1))
    following.follower.follow_l1()
    following.follower.chain.take(signed(following, 1))
    with pytest.raises(RefusedBlockError) as refused:
        following.follower.chain.take(signed(following, 2))
    assert refused.value.reason is RefusalReason.TOO_MANY
    following.post()
    following.follower.follow_l1()
    assert same(following)


def test_two_signatures_for_one_height_are_told(
    following: Following, caplog: pytest.LogCaptureFixture
) -> None:
    first = following.seal(pay(0))
    following.follower.follow_l1()
    following.follower.follow_sequencer()
    earlier = following.follower.confirm(1, first.hash)
    following.l1.force(record_of(ALICE.transfer(0, BOB.address, 9)))
    following.l1.post_forced()
    following.follower.follow_l1()
    following.node.chain.follow()
    following.node.chain.signs = lambda *_block: True  # type: ignore[method-assign]
    following.follower.chain.take(signed(following, 1))
    (second,) = following.world.blocks
    later = following.follower.confirm(1, second.hash)
    assert earlier is not None
    assert later is not None
    assert (
        "has signed two blocks of height 1; next: take its stake with `anh slash --height 1 "
        f"--block 0x{first.hash.hex()}:0x{earlier.hex()} --block 0x{second.hash.hex()}:0x{later.hex()}`"
    ) in caplog.text


def test_l1_replaces_what_was_only_signed(following: Following) -> None:
    following.seal(pay(0))
    following.follower.follow_l1()
    following.follower.follow_sequencer()
    following.l1.force(record_of(ALICE.transfer(0, BOB.address, 9)))
    following.l1.post_forced()
    following.follower.follow_l1()
    following.node.chain.follow()
    assert following.world.told == [("append", 1), ("truncate", 1), ("append", 1)]
    assert same(following)
    assert following.follower.chain.account(BOB.address, pending=False).cleared == 9


def test_a_posting_that_a_reorg_took_back_stands_on_as_signed(following: Following) -> None:
    following.seal(pay(0))
    following.follower.follow_l1()
    following.follower.follow_sequencer()
    following.post()
    following.follower.follow_l1()
    following.l1.reorg(1)
    following.l1.mine(2)
    following.follower.follow_l1()
    assert (following.follower.chain.head.header.number, following.follower.chain.safe_number) == (1, 0)
    assert following.world.told == [("append", 1)]


def test_what_nobody_signed_goes_with_the_l1_block_that_held_it(following: Following) -> None:
    following.client.away = True
    following.seal(pay(0))
    following.post()
    following.follower.follow_l1()
    following.l1.reorg(1)
    following.l1.mine(2)
    following.follower.follow_l1()
    assert following.follower.chain.head.header.number == 0
    assert following.world.told == [("append", 1), ("truncate", 1)]


def test_a_deposit_that_a_reorg_took_back_is_gone_from_the_world(following: Following) -> None:
    following.l1.deposit(BOB.address, 100)
    following.seal(pay(0))
    following.follower.follow_l1()
    following.follower.follow_sequencer()
    assert following.follower.chain.account(BOB.address, pending=False).cleared == 105
    following.l1.reorg(1)
    following.l1.mine(3)
    following.follower.follow_l1()
    assert following.follower.chain.account(BOB.address, pending=False).cleared == 5
    assert following.world.told == [("append", 1), ("truncate", 1), ("append", 1)]
    (_, (origin,)) = following.world.given[0]
    assert [event.amount for event in origin.events] == [ETHER]  # type: ignore[union-attr]


def test_a_restart_tells_the_world_nothing_that_it_knows(following: Following) -> None:
    following.seal(pay(0))
    following.post()
    following.seal(pay(1))
    following.follower.follow_l1()
    following.follower.follow_sequencer()
    told = list(following.world.told)
    following.client.away = True
    following.start()
    assert following.world.told == told == [("append", 1), ("append", 2)]
    assert same(following)


def test_a_restart_replaces_what_l1_has_replaced_meanwhile(following: Following) -> None:
    following.seal(pay(0))
    following.follower.follow_l1()
    following.follower.follow_sequencer()
    following.l1.force(record_of(ALICE.transfer(0, BOB.address, 9)))
    following.l1.post_forced()
    following.start()
    following.node.chain.follow()
    assert same(following)


@pytest.mark.parametrize("kept", [0, 1])
def test_a_world_that_lost_its_tail_gets_it_again(following: Following, kept: int) -> None:
    for nonce in range(3):
        following.seal(pay(nonce))
    following.post()
    following.follower.follow_l1()
    del following.world.given[kept:]
    following.start()
    assert same(following)


def test_a_world_without_marks_is_told_everything_again(following: Following, tmp_path: Path) -> None:
    following.seal(pay(0))
    following.post()
    following.follower.follow_l1()
    following.follower._memory.close()
    for path in tmp_path.glob("follower.sqlite3*"):
        path.unlink()
    following.start()
    assert following.world.told == [("append", 1), ("truncate", 1), ("append", 1)]


def test_the_data_of_another_chain_is_refused(following: Following, tmp_path: Path) -> None:
    memory = FollowerMemory(tmp_path / "follower.sqlite3")
    memory._database.execute("UPDATE chain SET genesis = ?", (bytes(32),))
    with pytest.raises(WrongDataError):
        following.start()


def test_it_is_syncing_while_l1_has_more(following: Following) -> None:
    assert following.follower.syncing is None
    following.seal(pay(0))
    following.post()
    following.l1.refresh()
    assert following.follower.syncing == (0, 0, 1)
    following.follower.follow_l1()
    assert following.follower.syncing is None


def test_a_start_writes_no_signature_that_is_kept_already(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = [following.seal(pay(nonce)) for nonce in range(3)]
    following.follower.follow_l1()
    following.follower.follow_sequencer()
    written: list[Any] = []
    monkeypatch.setattr(FollowerMemory, "keep", lambda _self, signed: written.append(signed))
    following.start()
    assert same(following)
    assert following.follower.chain.head.header == blocks[-1].header
    assert written == []
