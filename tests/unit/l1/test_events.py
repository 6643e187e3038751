"""The event reader over a chain in memory: lags, orphaned events, refused ranges, forgotten blocks."""

from collections.abc import Sequence

import pytest

from anh_rollup.l1.errors import L1AnswerError, L1RejectedError
from anh_rollup.l1.events import EventReader, ReorgDetectedError
from anh_rollup.l1.types import Block, BlockId, Cursor, Log

HERE = "0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB"


def hash_of(number: int, fork: int) -> bytes:
    return bytes([fork]) * 28 + number.to_bytes(4, "big", signed=True)


class MemoryChain:
    """A chain with one event in every block; from `forked` on its blocks are those of another fork."""

    def __init__(self, height: int) -> None:
        self.height = height
        self.forked = 10**9
        self.longest_range = 10**9
        self.keeps_orphans = True
        self.orphaned_logs = False
        self.asked: list[tuple[int, int]] = []

    def fork_at(self, number: int) -> int:
        return 2 if number >= self.forked else 1

    def make(self, number: int, fork: int) -> Block:
        parent = hash_of(number - 1, fork if number - 1 >= self.forked else 1)
        return Block(number, hash_of(number, fork), parent, number, 30_000_000, 1, None, None)

    def block(self, which: BlockId = "latest") -> Block | None:
        number = which if isinstance(which, int) else self.height
        return self.make(number, self.fork_at(number)) if number <= self.height else None

    def block_by_hash(self, digest: bytes) -> Block | None:
        number, fork = int.from_bytes(digest[28:], "big"), digest[0]
        if fork != self.fork_at(number) and not self.keeps_orphans:
            return None
        return self.make(number, fork)

    def logs(self, addresses: Sequence[str], first: int, last: int) -> tuple[Log, ...]:
        self.asked.append((first, last))
        if last - first + 1 > self.longest_range:
            raise L1RejectedError("eth_getLogs", -32602, "range too large")
        return tuple(self.log(number) for number in range(first, last + 1))

    def log(self, number: int) -> Log:
        fork = 3 if self.orphaned_logs else self.fork_at(number)
        return Log(HERE, (), b"", number, hash_of(number, fork), bytes(32), 0)


START = Cursor(0, hash_of(0, 1))


def reader(chain: MemoryChain, span: int = 5) -> EventReader:
    return EventReader(chain, [HERE], START, span=span)  # type: ignore[arg-type]


def test_every_block_is_read_once_and_in_order() -> None:
    chain = MemoryChain(23)
    page = reader(chain).read_all(START)
    assert [log.block for log in page.logs] == list(range(1, 24))
    assert chain.asked == [(1, 5), (6, 10), (11, 15), (16, 20), (21, 23)]
    assert (page.cursor, page.head) == (Cursor(23, hash_of(23, 1)), 23)


def test_a_node_that_lags_gives_an_empty_page_and_no_reorg() -> None:
    chain = MemoryChain(10)
    events = reader(chain)
    cursor = events.read_all(START).cursor
    chain.height = 7
    page = events.read(cursor)
    assert (page.logs, page.cursor) == ((), cursor)
    chain.height = 12
    assert [log.block for log in events.read(cursor).logs] == [11, 12]


def test_a_reorg_leads_to_the_common_block_by_the_parents_of_what_was_lost() -> None:
    chain = MemoryChain(10)
    events = reader(chain, span=100)
    cursor = events.read_all(START).cursor
    chain.forked = 8
    with pytest.raises(ReorgDetectedError) as caught:
        events.read(cursor)
    assert (caught.value.to, caught.value.lost) == (Cursor(7, hash_of(7, 1)), cursor)


def test_where_orphans_are_forgotten_the_trail_leads_back() -> None:
    chain = MemoryChain(10)
    chain.keeps_orphans = False
    events = reader(chain, span=3)
    cursor = events.read_all(START).cursor
    chain.forked = 8
    with pytest.raises(ReorgDetectedError) as caught:
        events.read(cursor)
    assert caught.value.to == Cursor(6, hash_of(6, 1))


def test_where_nothing_is_remembered_the_start_is_what_stands() -> None:
    chain = MemoryChain(10)
    cursor = reader(chain).read_all(START).cursor
    chain.keeps_orphans, chain.forked = False, 8
    with pytest.raises(ReorgDetectedError) as caught:
        reader(chain).read(cursor)
    assert caught.value.to == START


def test_a_shorter_fork_is_a_reorg_when_an_earlier_page_fell_too() -> None:
    chain = MemoryChain(10)
    events = reader(chain, span=2)
    cursor = events.read_all(START).cursor
    chain.forked, chain.height = 7, 9
    with pytest.raises(ReorgDetectedError) as caught:
        events.read(cursor)
    assert caught.value.to == Cursor(6, hash_of(6, 1))


def test_orphaned_events_are_never_given_out() -> None:
    chain = MemoryChain(4)
    chain.orphaned_logs = True
    with pytest.raises(ReorgDetectedError) as caught:
        reader(chain).read(START)
    assert caught.value.to == START


def test_a_refused_range_is_halved_and_stays_so() -> None:
    chain = MemoryChain(12)
    chain.longest_range = 3
    events = reader(chain, span=10)
    page = events.read_all(START)
    assert [log.block for log in page.logs] == list(range(1, 13))
    assert chain.asked[:3] == [(1, 10), (1, 5), (1, 3)]
    assert len([asked for asked in chain.asked if asked[1] - asked[0] >= 3]) == 2


def test_a_node_that_refuses_a_single_block_is_reported() -> None:
    chain = MemoryChain(3)
    chain.longest_range = 0
    with pytest.raises(L1RejectedError, match="range too large"):
        reader(chain).read(START)


def test_an_announced_block_that_is_not_there_is_reported() -> None:
    chain = MemoryChain(3)
    chain.block = lambda which="latest": None if which == 3 else MemoryChain.block(chain, which)  # type: ignore[method-assign]
    with pytest.raises(L1AnswerError, match="which the node has announced"):
        reader(chain).read(START)
