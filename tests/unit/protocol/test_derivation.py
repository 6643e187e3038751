from dataclasses import replace

import pytest

from anh_rollup.encoding.batches import encode_batch, transactions_root
from anh_rollup.primitives import L2_CHAIN_ID, ZERO_DIGEST, Digest
from anh_rollup.protocol.derivation import (
    MOST_CLOCK_SKEW,
    Head,
    L2Block,
    Posting,
    batch_of,
    blocks_of,
    build_block,
    genesis,
    read_posting,
)
from anh_rollup.protocol.fees import BLOCK_GAS_LIMIT, FIRST_BASE_FEE, next_base_fee
from anh_rollup.protocol.ledger import Account, Deposit, Skipped, SkipReason
from tests.doubles.ordering import ALICE, BOB, ETHER, GENESIS_TIME, FakeL1, pair, record_of

TRANSFER = pair(ALICE.transfer(0, BOB.address, 1))
FORCED = pair(BOB.transfer(0, ALICE.address, 1))
HASH = Digest(b"\x0a" * 32)
HEAD = Head(genesis(L2_CHAIN_ID, 10, HASH))


def block(head: Head = HEAD, time: int = 50, origin: int = 11, forced: int = 0) -> L2Block:
    return build_block(head, (time, origin, HASH), [FORCED] * forced, [TRANSFER])


def posting(*blocks: L2Block, **header: object) -> Posting:
    l1 = FakeL1(number=20)
    l1.post(list(blocks))
    (made,) = l1.postings
    return replace(made, header=replace(made.header, **header), block_time=100)


def test_the_genesis_block_names_the_chain_and_holds_nothing() -> None:
    first = HEAD.header
    assert (first.number, first.parent, first.time) == (0, L2_CHAIN_ID.to_bytes(32, "big"), 0)
    assert (first.gas_limit, first.base_fee) == (BLOCK_GAS_LIMIT, FIRST_BASE_FEE)


def test_a_block_names_its_parent_and_the_next_base_fee() -> None:
    made = block(Head(HEAD.header, ordered_gas=BLOCK_GAS_LIMIT))
    assert (made.number, made.header.parent) == (1, HEAD.header.hash)
    assert made.header.base_fee == next_base_fee(FIRST_BASE_FEE, BLOCK_GAS_LIMIT)


def test_the_gas_of_a_block_follows_from_its_own_transactions_valid_or_not() -> None:
    heavy = pair(ALICE.call(0, b"", gas=10**6))
    made = build_block(HEAD, (50, 11, HASH), [heavy], [TRANSFER, (b"no record", None), TRANSFER])
    assert made.ordered_gas == 42_000


def test_forced_transactions_stand_first_and_are_not_carried_by_the_batch() -> None:
    made = block(forced=1)
    assert made.transactions == (FORCED, TRANSFER)
    assert made.own_records == (TRANSFER[0],)
    assert made.record().forced == 1


def test_what_was_sealed_is_what_is_derived() -> None:
    first = block(forced=1)
    second = block(Head(first.header), time=60, origin=12)
    posted = posting(first, second)
    head, derived = HEAD, []
    for record, forced, own in blocks_of(posted, HEAD, [FORCED[0]], L2_CHAIN_ID):
        made = build_block(head, (record.time, record.origin_number, record.origin_hash), forced, own)
        derived.append(made)
        head = Head(made.header)
    assert derived == [first, second]


def test_an_honest_posting_is_read() -> None:
    made = block()
    assert read_posting(posting(made), HEAD) == batch_of([made])


@pytest.mark.parametrize(
    "header",
    [
        {"count": 2},
        {"transactions_root": transactions_root([b"another"])},
        {"forced_end": 1},
    ],
)
def test_a_batch_that_contradicts_its_header_is_void(header: dict[str, object]) -> None:
    assert read_posting(posting(block(), **header), HEAD) is None


@pytest.mark.parametrize(
    "made",
    [
        block(origin=9),
        block(origin=21),
        block(time=100 + MOST_CLOCK_SKEW + 1),
        block(Head(replace(HEAD.header, time=1))),
        block(Head(replace(HEAD.header, number=5))),
    ],
    ids=["origin goes back", "origin beyond its post", "time ahead", "other parent", "other height"],
)
def test_a_batch_that_does_not_continue_the_order_is_void(made: L2Block) -> None:
    assert read_posting(posting(made), HEAD) is None


def test_a_batch_whose_time_goes_back_is_void() -> None:
    first = block(time=60)
    assert read_posting(posting(first, block(Head(first.header), time=59)), HEAD) is None


def test_the_latest_allowed_time_and_origin_are_allowed() -> None:
    assert read_posting(posting(block(time=100 + MOST_CLOCK_SKEW, origin=20)), HEAD) is not None


@pytest.mark.parametrize("payload", [None, b"", b"\3", b"\2" + encode_batch(batch_of([block()]))[1:]])
def test_bytes_that_are_no_batch_are_void(payload: bytes | None) -> None:
    assert read_posting(replace(posting(block()), payload=payload), HEAD) is None


def test_the_entries_that_a_void_batch_consumed_stand_by_themselves() -> None:
    void = replace(posting(block(), forced_end=2), payload=b"garbage")
    ((record, forced, own),) = blocks_of(void, HEAD, [FORCED[0], b"no record"], L2_CHAIN_ID)
    assert (forced, own) == ((FORCED, (b"no record", None)), ())
    assert (record.time, record.origin_number) == (100, 21)
    assert record.origin_hash == void.header.commitment()


def test_a_void_batch_without_entries_leaves_no_block() -> None:
    void = replace(posting(block()), payload=b"garbage")
    assert list(blocks_of(void, HEAD, [], L2_CHAIN_ID)) == []


def test_an_overdue_queue_becomes_a_block() -> None:
    l1 = FakeL1()
    l1.deposit(BOB.address, ETHER)
    l1.force(FORCED[0])
    l1.force(FORCED[0])
    l1.post_forced()
    l1.refresh()
    (made,) = l1.order.blocks
    assert made.transactions == (FORCED, FORCED)
    assert l1.order.outcomes[0][1] == Skipped(SkipReason.NONCE_TOO_LOW)
    assert l1.order.head.forced_end == 2
    assert l1.order.ledger.account(BOB.address).nonce == 1


def test_each_l1_event_counts_in_the_first_block_whose_origin_reaches_it() -> None:
    l1 = FakeL1()
    l1.deposit(ALICE.address, 1)
    l1.deposit(ALICE.address, 10)
    l1.mine(3)
    first = build_block(Head(l1.order.head.header), (GENESIS_TIME, 1, ZERO_DIGEST), [], [])
    second = build_block(Head(first.header), (GENESIS_TIME, 4, ZERO_DIGEST), [], [])
    l1.post([first])
    l1.refresh()
    assert l1.order.ledger.account(ALICE.address) == Account(0, 1)
    l1.post([second])
    l1.refresh()
    assert l1.order.ledger.account(ALICE.address) == Account(0, 11)
    assert l1.events[2] == [Deposit(ALICE.address, 10)]


def test_a_record_of_another_chain_is_ordered_without_effect() -> None:
    made = build_block(HEAD, (50, 11, HASH), [], [(b"\1", None), (record_of(ALICE.sign()), None)])
    ((_, _, own),) = blocks_of(posting(made), HEAD, [], L2_CHAIN_ID)
    assert own[0] == (b"\1", None)
