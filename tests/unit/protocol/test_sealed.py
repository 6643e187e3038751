import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.primitives import ZERO_DIGEST
from anh_rollup.protocol.derivation import Head, L2Block, build_block
from anh_rollup.protocol.ledger import Charged, Deposit, Origin, Skipped
from anh_rollup.protocol.sealed import SealedBlocks, first_difference
from tests.doubles.ordering import ALICE, BOB, ETHER, GENESIS_TIME, FakeL1, decoded, pair


def chain_of(times: list[int]) -> list[L2Block]:
    head, blocks = Head(FakeL1().new_order().head.header), []
    for time in times:
        blocks.append(build_block(head, (time, 0, ZERO_DIGEST), [], []))
        head = Head(blocks[-1].header)
    return blocks


@given(
    st.lists(st.integers(1, 3), max_size=9),
    st.lists(st.integers(1, 3), max_size=6),
    st.lists(st.integers(1, 3), max_size=6),
)
def test_the_first_difference_is_where_the_blocks_part(
    shared: list[int], left: list[int], right: list[int]
) -> None:
    ours, theirs = chain_of(shared + left), chain_of(shared + right)
    pairs = zip(shared + left, shared + right, strict=False)
    expected = next((place for place, (one, two) in enumerate(pairs) if one != two), None)
    assert first_difference(ours, theirs) == expected


def sealed_with(*raws: bytes) -> SealedBlocks:
    sealed = SealedBlocks(FakeL1().new_order())
    for place, raw in enumerate(raws):
        deposits = (Deposit(ALICE.address, ETHER),) if place == 1 else ()
        block = build_block(sealed.order.head, (GENESIS_TIME, place, ZERO_DIGEST), [], [pair(raw)])
        sealed.append(block, Origin(deposits))
    return sealed


RAW = ALICE.transfer(0, BOB.address, 1)


@pytest.mark.parametrize(("copies", "number", "outcome"), [(1, 1, Skipped), (2, 2, Charged), (3, 2, Charged)])
def test_a_transaction_that_stands_often_counts_where_it_had_its_effect(
    copies: int, number: int, outcome: type
) -> None:
    sealed = sealed_with(*[RAW] * copies)
    placed = sealed.placed[decoded(RAW).hash]
    assert placed.block is not None
    assert (placed.block.number, type(placed.outcome)) == (number, outcome)
    assert sealed.had_effect(decoded(RAW).hash) == (outcome is Charged)


def test_fullness_follows_from_the_order_alone() -> None:
    sealed = sealed_with(RAW, RAW)
    assert [sealed.ordered_gas(1), sealed.ordered_gas(2)] == [21_000, 21_000]
    assert sealed.fee_history(0, 2, 1)[1] == [0.0] + [21_000 / 120_000_000] * 2
