"""Whoever follows the feed has the chain, however often and however deep it is replaced between two looks."""

from dataclasses import dataclass, field
from itertools import count
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.rpc.feed import Feed


@dataclass
class ToyChain:
    """Blocks with one transaction each; a hash is a number that no other block has."""

    fresh: Any = field(default_factory=lambda: count(1))
    hashes: list[bytes] = field(default_factory=lambda: [bytes(32)])

    @property
    def head(self) -> Any:
        number = len(self.hashes) - 1
        return SimpleNamespace(header=SimpleNamespace(number=number, hash=self.hashes[number]))

    def block(self, number: int) -> Any:
        if not 1 <= number < len(self.hashes):
            return None
        transaction = SimpleNamespace(hash=b"t" + self.hashes[number])
        return SimpleNamespace(hash=self.hashes[number], transactions=[(b"", transaction), (b"", None)])

    def number_of(self, digest: bytes) -> int | None:
        return self.hashes.index(digest) if digest in self.hashes else None

    def replace(self, depth: int, grown: int) -> None:
        """Takes back the last blocks, and puts more new ones in their place."""
        del self.hashes[max(len(self.hashes) - depth, 1) :]
        self.hashes += [next(self.fresh).to_bytes(32, "big") for _ in range(depth + grown)]


CHANGES = st.tuples(st.integers(0, 5), st.integers(1, 4), st.booleans())


@given(changes=st.lists(CHANGES, max_size=20), begun=st.integers(0, 5))
def test_the_feed_tells_the_chain(changes: list[tuple[int, int, bool]], begun: int) -> None:
    chain = ToyChain()
    chain.replace(0, begun)
    backend: Any = SimpleNamespace(chain=chain, pending=list)
    feed, followed = Feed(backend), dict(enumerate(chain.hashes))
    seen: list[bytes] = []
    blocks, transactions = feed.marks()
    for depth, grown, looks in [*changes, (0, 1, True)]:
        chain.replace(depth, grown)
        if looks:
            news, blocks = feed.blocks(blocks)
            for each in news:
                if each.is_removed:
                    assert followed.pop(each.number) == each.hash
                else:
                    followed[each.number] = each.hash
            hashes, transactions = feed.transactions(transactions)
            seen += hashes
            assert [followed[number] for number in range(len(chain.hashes))] == chain.hashes
            assert {b"t" + each for each in chain.hashes[begun + 1 :]} <= set(seen)
    assert len(seen) == len(set(seen))


@given(waiting=st.lists(st.sets(st.integers(1, 9)), max_size=9))
def test_each_transaction_is_told_once_however_long_it_waits(waiting: list[set[int]]) -> None:
    pool: list[Any] = []
    backend: Any = SimpleNamespace(chain=ToyChain(), pending=lambda: pool)
    feed = Feed(backend)
    _, mark = feed.marks()
    told: list[bytes] = []
    for numbers in waiting:
        pool[:] = [SimpleNamespace(hash=bytes([number]) * 32) for number in sorted(numbers)]
        hashes, mark = feed.transactions(mark)
        told += hashes
    expected = {bytes([number]) * 32 for numbers in waiting for number in numbers}
    assert (len(told), set(told)) == (len(expected), expected)
