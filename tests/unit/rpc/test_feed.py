from dataclasses import replace

from anh_rollup.rpc.feed import MOST_TRANSACTIONS, Feed, Kept, NewBlock
from tests.doubles.answering_world import FollowerDouble
from tests.doubles.ordering import ALICE, BOB, FakeL1, decoded, record_of
from tests.unit.rpc.stories import sealed


def test_a_row_keeps_the_newest_and_counts_on() -> None:
    row: Kept[str] = Kept(2)
    for each in "abc":
        row.append(each)
    assert (row.since(0), row.since(1), row.since(2), row.since(3), row.end) == (["b", "c"],) * 2 + (
        ["c"],
        [],
        3,
    )


def test_blocks_are_new_once(follower: FollowerDouble) -> None:
    sealed(follower, ALICE.sign())
    feed = Feed(follower)
    mark, _ = feed.marks()
    assert feed.blocks(mark) == ([], mark)
    sealed(follower, ALICE.sign(nonce=1))
    sealed(follower, ALICE.sign(nonce=2))
    found, end = feed.blocks(mark)
    assert [each.number for each in found] == [2, 3]
    assert feed.blocks(end) == ([], end)
    assert [each.number for each in feed.blocks(end - 1)[0]] == [3]


def test_a_transaction_is_new_when_it_is_first_seen(follower: FollowerDouble) -> None:
    feed = Feed(follower)
    _, mark = feed.marks()
    first, second = ALICE.sign(), ALICE.sign(nonce=1)
    follower.submit([first])
    found, mark = feed.transactions(mark)
    assert found == [decoded(first).hash]
    sealed(follower, second)
    found, mark = feed.transactions(mark)
    assert found == [decoded(second).hash]
    assert feed.transactions(mark) == ([], mark)


def test_a_block_in_the_place_of_another_is_new_behind_the_removal(
    follower: FollowerDouble, l1: FakeL1
) -> None:
    feed = Feed(follower)
    mark, _ = feed.marks()
    sealed(follower, ALICE.sign())
    before, mark = feed.blocks(mark)
    l1.force(record_of(ALICE.transfer(0, BOB.address, 5)))
    l1.post_forced()
    follower.chain.follow()
    found, _ = feed.blocks(mark)
    new = NewBlock(1, follower.chain.head.header.hash)
    assert found == [replace(before[0], is_removed=True), new]
    assert new.hash != before[0].hash


def test_seen_hashes_are_forgotten_one_day(follower: FollowerDouble) -> None:
    feed = Feed(follower)
    feed._see(number.to_bytes(32, "big") for number in range(MOST_TRANSACTIONS + 5))  # type: ignore[misc]
    assert len(feed._seen) == MOST_TRANSACTIONS
    assert feed._transactions.end == MOST_TRANSACTIONS + 5
