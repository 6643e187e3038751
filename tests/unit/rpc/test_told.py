"""Events of removed blocks: whoever follows has what the chain has, however it is replaced."""

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.rpc.feed import Feed, NewBlock
from anh_rollup.rpc.filters import new_logs, passing_blocks
from anh_rollup.rpc.logs import read_kept_query
from anh_rollup.rpc.told import EVENT_SIZE, Told
from anh_rollup.world.answers import PlacedLog
from anh_rollup.world.position import Position
from tests.doubles.answering_world import FakeWorld, FollowerDouble
from tests.doubles.ordering import ALICE, BOB, FakeL1, record_of
from tests.unit.rpc.conftest import Ask
from tests.unit.rpc.stories import MINTED, MOVED, block_with_logs, log, text
from tests.unit.rpc.test_feed_properties import CHANGES, ToyChain

EVENT = {"data": "0x01"}


def test_events_are_taken_back_in_reverse_and_marked() -> None:
    told = Told()
    told.note(b"block", "question", [{**EVENT, "logIndex": "0x0"}, {**EVENT, "logIndex": "0x1"}])  # type: ignore[arg-type]
    removed = told.take_back(b"block", "question")  # type: ignore[arg-type]
    assert removed == [{**EVENT, "logIndex": at, "removed": True} for at in ("0x1", "0x0")]
    assert told.take_back(b"block", "another question") == []  # type: ignore[arg-type]
    assert told.take_back(b"another block", "question") == []  # type: ignore[arg-type]


def test_the_oldest_blocks_are_forgotten() -> None:
    told = Told(most=2 * (EVENT_SIZE + 4))
    for number in range(3):
        told.note(bytes([number]) * 32, None, [EVENT])  # type: ignore[arg-type]
    assert [len(told.take_back(bytes([number]) * 32, None)) for number in range(3)] == [0, 1, 1]  # type: ignore[arg-type]


def test_what_came_and_went_between_two_looks_passes_unheard() -> None:
    first, second = (NewBlock(1, digest * 32) for digest in (b"a", b"b"))  # type: ignore[arg-type]
    gone = NewBlock(first.number, first.hash, is_removed=True)
    assert passing_blocks([first, gone, second]) == {0, 1}
    assert passing_blocks([gone, second]) == set()
    assert passing_blocks([gone, first]) == set()
    assert passing_blocks([first, gone, first]) == {0, 1}


def test_a_filter_takes_events_back_before_the_new_ones(
    query: Ask, follower: FollowerDouble, world: FakeWorld, l1: FakeL1
) -> None:
    name = query("eth_newFilter", {})
    other = query("eth_newFilter", {"topics": [text(MINTED)]})
    block_with_logs(follower, world, log((MOVED,)), log((MINTED,)))
    before, minted = query("eth_getFilterChanges", name), query("eth_getFilterChanges", other)
    assert [each["removed"] for each in before] == [False, False]
    l1.force(record_of(ALICE.transfer(0, BOB.address, 5)))
    l1.post_forced()
    follower.chain.follow()
    world.events = {(1, 0): (log((MOVED,), data=b"\2"),)}
    removed = [{**each, "removed": True} for each in reversed(before)]
    new = query("eth_getLogs", {"fromBlock": "0x0"})
    assert query("eth_getFilterChanges", name) == [*removed, *new]
    assert query("eth_getFilterChanges", other) == [{**minted[0], "removed": True}]
    assert query("eth_getFilterChanges", name) == []


class LoggingChain(ToyChain):
    """Each block logs one event, whose data is the block's hash."""

    def block(self, number: int) -> Any:
        found = super().block(number)
        if found is not None:
            found.number = number
        return found

    def logs(self, first: int, last: int, *_wanted: Any) -> list[PlacedLog]:
        placed = ((number, self.block(number)) for number in range(first, last + 1))
        return [PlacedLog(Position(number, 0), 0, log(data=each.hash)) for number, each in placed if each]


@given(changes=st.lists(CHANGES, max_size=20), most=st.integers(1, 5))
def test_whoever_follows_events_has_those_of_the_chain(
    changes: list[tuple[int, int, bool]], most: int
) -> None:
    chain = LoggingChain()
    backend: Any = SimpleNamespace(chain=chain, pending=list)
    feed = Feed(backend)
    limits = SimpleNamespace(logs=most)
    service: Any = SimpleNamespace(backend=backend, world=chain, feed=feed, told=Told(), limits=limits)
    followed: list[str] = []
    mark, _ = feed.marks()
    for depth, grown, looks in [*changes, *[(0, 1, True)] * 100]:
        chain.replace(depth if looks else depth + 1, grown)
        if looks:
            found, mark = new_logs(service, read_kept_query({}), mark)
            for each in found:
                if each["removed"]:
                    assert followed.pop() == each["data"]
                else:
                    followed.append(each["data"])
    while mark < feed.marks()[0]:
        found, mark = new_logs(service, read_kept_query({}), mark)
        followed += [each["data"] for each in found]
    assert followed == [text(each) for each in chain.hashes[1:]]
