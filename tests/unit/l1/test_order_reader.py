"""The order reader over an L1 in memory: hostile events, void batches, reorgs, a node that fails midway."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.batches import encode_batch, transactions_root
from anh_rollup.encoding.blobs import BLOB_SIZE, pack
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.l1 import order_reader
from anh_rollup.l1.contracts.claims import Claims
from anh_rollup.l1.errors import BlobsUnavailableError, L1AnswerError, L1Error, L1UnreachableError
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.l1.types import Cursor
from anh_rollup.primitives import ZERO_DIGEST, Digest
from anh_rollup.protocol.derivation import Head, L2Block, OrderedTransaction, batch_of, build_block
from anh_rollup.protocol.ledger import Account, Deposit, Skipped, SkipReason
from anh_rollup.protocol.machine.view import NoticeKind
from anh_rollup.protocol.orders import OrderedBatch, OrderedJob
from tests.doubles.inbox_l1 import InboxL1
from tests.doubles.memory_l1 import ADDRESSES, DEPLOYMENT, topic
from tests.doubles.ordering import ALICE, BOB, ETHER, JOB, MALLORY, pair, record_of


def reader_of(l1: InboxL1) -> OrderReader:
    return OrderReader(DEPLOYMENT, l1, l1)  # type: ignore[arg-type]


def refreshed(l1: InboxL1) -> OrderReader:
    reader = reader_of(l1)
    reader.refresh()
    return reader


def sealed(
    l1: InboxL1,
    *own: bytes,
    head: Head | None = None,
    forced: Sequence[OrderedTransaction] = (),
) -> L2Block:
    """A block of these transactions on the newest L1 block."""
    place = (1_000 + 12 * l1.height, l1.height, Digest(l1.hash_of(l1.height)))
    return build_block(head or refreshed(l1).order.head, place, forced, [pair(raw) for raw in own])


def whole(reader: OrderReader) -> Any:
    order = reader.order
    return order.blocks, order.outcomes, order.head, order.ledger, list(reader.batches), reader.cursor


@pytest.fixture
def l1() -> InboxL1:
    made = InboxL1()
    made.deposit(ALICE)
    return made


def test_a_batch_as_calldata_gives_the_blocks_that_were_sealed(l1: InboxL1) -> None:
    block = sealed(l1, ALICE.transfer(0, BOB.address, 5))
    l1.post([block])
    reader = refreshed(l1)
    assert reader.order.blocks == [block]
    assert reader.order.ledger.account(BOB.address) == Account(0, 5)
    (batch,) = reader.batches
    assert (batch.header, batch.commitment) == (l1.headers[0], l1.headers[0].commitment())
    assert (batch.first_block, batch.end_block, batch.l1_block) == (1, 2, l1.height)


def test_a_batch_as_blobs_gives_the_same(l1: InboxL1) -> None:
    block = sealed(l1, ALICE.transfer(0, BOB.address, 5))
    l1.mine()
    batch = batch_of([block])
    root = transactions_root(batch.records)
    transaction = l1.append(b"", root, 1, 0, blobs=[b"\1" * 32])
    l1.carried[transaction] = tuple(pack(encode_batch(batch)))
    assert refreshed(l1).order.blocks == [block]


def test_blobs_that_hold_no_payload_are_a_void_batch(l1: InboxL1) -> None:
    l1.mine()
    transaction = l1.append(b"", b"\1" * 32, 1, 0, blobs=[b"\1" * 32])
    l1.carried[transaction] = (b"\0" + b"\xff" * 31 + bytes(BLOB_SIZE - 32),)
    reader = refreshed(l1)
    assert (reader.order.blocks, len(reader.batches)) == ([], 1)


def test_blobs_that_cannot_be_had_halt_the_order_and_are_never_skipped(l1: InboxL1) -> None:
    l1.mine()
    transaction = l1.append(b"", b"\1" * 32, 1, 0, blobs=[b"\1" * 32])
    reader = reader_of(l1)
    before = whole(reader)
    with pytest.raises(BlobsUnavailableError):
        reader.refresh()
    assert whole(reader) == before
    l1.carried[transaction] = ()
    assert reader.refresh()


def test_two_batches_of_one_l1_transaction_are_each_read_from_their_own_bytes(l1: InboxL1) -> None:
    first = sealed(l1, ALICE.transfer(0, BOB.address, 5))
    second = sealed(l1, ALICE.transfer(1, BOB.address, 6), head=Head(first.header, first.ordered_gas))
    l1.post([first])
    l1.height -= 1
    l1.post([second])
    l1.written[-1] = replace(l1.written[-1], transaction=l1.written[-2].transaction)
    assert refreshed(l1).order.blocks == [first, second]


# --- hostile events ---


def test_a_malformed_claim_of_a_stranger_does_not_stop_the_order(l1: InboxL1) -> None:
    block = sealed(l1, ALICE.transfer(0, BOB.address, 5))
    revealed = topic("Claims", "Revealed")
    l1.write("Claims", [revealed, ZERO_DIGEST, ZERO_DIGEST, bytes(32)], b"\xff" * 100)
    with pytest.raises(L1Error):
        Claims(l1, ADDRESSES["claims"]).decode(l1.written[-1])  # type: ignore[arg-type]
    l1.post([block])
    assert refreshed(l1).order.blocks == [block]


def test_a_payout_of_a_job_that_nobody_ordered_changes_nothing(l1: InboxL1) -> None:
    l1.pay(keccak256(b"no job"), MALLORY)
    block = sealed(l1, ALICE.transfer(0, BOB.address, 5))
    l1.post([block])
    reader = refreshed(l1)
    assert reader.order.blocks == [block]
    assert reader.order.ledger.account(MALLORY.address) == Account()
    assert reader.order.ledger.held == ETHER


@pytest.mark.parametrize("record", [b"", b"\xff" * 40, record_of(ALICE.sign())[:-1]])
def test_forced_bytes_that_are_no_transaction_are_ordered_without_effect(l1: InboxL1, record: bytes) -> None:
    l1.force(record)
    l1.mine()
    l1.append(b"", ZERO_DIGEST, 0, 1)
    reader = refreshed(l1)
    (outcomes,) = reader.order.outcomes
    assert [each.transactions[0][0] for each in reader.order.blocks] == [record]
    assert all(isinstance(each, Skipped) for each in outcomes)


@pytest.mark.parametrize(
    "lie",
    [
        {"payload": b"garbage"},
        {"payload": b"\1" + bytes(60)},
        {"count": 2},
        {"root": keccak256(b"another")},
        {"end": 2},
    ],
    ids=["no batch", "an empty batch", "another count", "another root", "another queue end"],
)
def test_a_void_batch_drops_its_own_and_keeps_the_forced_transactions(
    l1: InboxL1, lie: dict[str, Any]
) -> None:
    forced = [pair(ALICE.transfer(0, BOB.address, nonce)) for nonce in (7, 8)]
    for record, _ in forced:
        l1.force(record)
    l1.post([sealed(l1, MALLORY.transfer(0, BOB.address, 1), forced=forced[:1])], **lie)
    reader = refreshed(l1)
    consumed = lie.get("end", 1)
    assert [each.transactions for each in reader.order.blocks] == [tuple(forced[:consumed])]
    assert reader.order.head.forced_end == consumed
    assert reader.order.ledger.account(BOB.address) == Account(0, 7)


def test_what_l1_brings_behind_a_forced_batch_in_its_block_counts_in_it(l1: InboxL1) -> None:
    l1.force(record_of(BOB.transfer(0, ALICE.address, 1)))
    l1.mine()
    l1.append(b"", ZERO_DIGEST, 0, 1)
    l1.note(NoticeKind.DEPOSIT, BOB.address, ETHER)
    reader = refreshed(l1)
    assert reader.order.head.header.origin_number == l1.height
    assert reader.order.ledger.account(BOB.address).nonce == 1


HOSTILE = st.one_of(
    st.tuples(st.just("force"), st.binary(max_size=120) | st.just(record_of(ALICE.sign()))),
    st.tuples(st.just("pay"), st.sampled_from([ZERO_DIGEST, keccak256(b"no job")])),
    st.tuples(st.just("claim"), st.binary(max_size=120)),
    st.tuples(st.just("batch"), st.binary(max_size=120)),
    st.tuples(st.just("empty"), st.integers(0, 3)),
    st.tuples(st.just("unknown"), st.binary(max_size=40)),
)


@given(st.lists(HOSTILE, max_size=8))
def test_no_events_stop_the_order(events: list[tuple[str, Any]]) -> None:
    l1 = InboxL1()
    l1.deposit(ALICE)
    for kind, value in events:
        l1.mine()
        if kind == "force":
            l1.force(value)
        elif kind == "pay":
            l1.pay(value, MALLORY)
        elif kind == "claim":
            l1.write("Claims", [topic("Claims", "Revealed")], value)
        elif kind == "unknown":
            l1.write("Inbox", [keccak256(value)], value)
        else:
            l1.append(value if kind == "batch" else b"", b"\1" * 32, 1, l1.queued)
    reader = refreshed(l1)
    assert reader.cursor == Cursor(l1.height, l1.hash_of(l1.height))
    assert reader.order.ledger.held == reader.order.ledger.deposited
    assert reader.order.head.forced_end == l1.consumed
    honest = sealed(l1, BOB.transfer(0, ALICE.address, 1), head=reader.order.head)
    l1.post([honest])
    reader.refresh()
    assert reader.order.blocks[-1] == honest


# --- reorgs and failures ---


def busy() -> InboxL1:
    """Deposits, forced transactions, an honest and a void batch."""
    l1 = InboxL1()
    l1.deposit(ALICE)
    forced = pair(ALICE.transfer(0, BOB.address, 1))
    l1.force(forced[0])
    l1.mine()  # an origin without an event
    l1.post([sealed(l1, ALICE.transfer(1, BOB.address, 2), forced=[forced])])
    l1.deposit(BOB)
    l1.post([sealed(l1, BOB.transfer(0, ALICE.address, 3))], payload=b"garbage")
    l1.post([sealed(l1, BOB.transfer(0, ALICE.address, 3))])
    return l1


def test_a_node_that_fails_at_any_question_leaves_no_trace() -> None:
    l1 = busy()
    expected = whole(refreshed(l1))
    flaky = reader_of(l1)
    untouched, failed = whole(flaky), 0
    for healthy in range(1_000):
        l1.answers_left = healthy
        try:
            flaky.refresh()
        except L1UnreachableError:
            failed += 1
            assert whole(flaky) == untouched
            continue
        break
    assert failed > 3
    assert whole(flaky) == expected


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_after_a_reorg_the_order_is_that_of_a_new_reader(depth: int) -> None:
    l1 = busy()
    reader = refreshed(l1)
    l1.reorg(depth)
    l1.mine(depth + 1)
    assert reader.refresh()
    assert reader.reorgs == 1
    assert whole(reader) == whole(refreshed(l1))


def test_a_forced_batch_that_a_reorg_moves_to_a_fork_has_the_forks_time(l1: InboxL1) -> None:
    l1.force(record_of(ALICE.transfer(0, BOB.address, 1)))
    l1.mine()
    l1.append(b"", ZERO_DIGEST, 0, 1)
    reader = refreshed(l1)
    before = reader.order.head.header
    l1.reorg(1)
    l1.mine()
    l1.append(b"", ZERO_DIGEST, 0, 1)
    reader.refresh()
    assert reader.order.head.header.time == before.time + 1
    assert whole(reader) == whole(refreshed(l1))


def test_nothing_new_is_no_news(l1: InboxL1) -> None:
    reader = reader_of(l1)
    assert [reader.refresh(), reader.refresh()] == [True, False]


# --- jobs and batches ---


def test_an_ordered_job_has_its_place_in_its_batch_the_forced_ones_last(l1: InboxL1) -> None:
    forced = pair(ALICE.order(0, 7))
    l1.force(forced[0])
    raw = ALICE.order(2, 9)
    l1.post([sealed(l1, ALICE.transfer(1, BOB.address, 1), raw, forced=[forced])])
    reader = refreshed(l1)
    key = keccak256(record_of(raw))
    commitment = l1.headers[0].commitment()
    first = OrderedJob(1, commitment, 2, keccak256(forced[0]), JOB, 7)
    job = OrderedJob(1, commitment, 1, key, JOB, 9)
    assert (list(reader.jobs()), reader.all_jobs()) == ([first, job], [first, job])
    l1.pay(key, BOB)
    l1.post([sealed(l1, ALICE.transfer(3, BOB.address, 1))])
    reader.refresh()
    assert (list(reader.jobs()), reader.all_jobs()) == ([first], [first, job])


def test_a_job_is_settled_once_l1_pays_it_whatever_the_next_l2_block_brings(l1: InboxL1) -> None:
    paid, open_one = ALICE.order(0, 7), ALICE.order(1, 9)
    l1.post([sealed(l1, paid, open_one)])
    reader = refreshed(l1)
    assert reader.unsettled_jobs() == list(reader.jobs())
    l1.pay(keccak256(record_of(paid)), BOB)
    reader.refresh()
    assert [each.reward for each in reader.jobs()] == [7, 9]
    assert [each.reward for each in reader.unsettled_jobs()] == [9]


@pytest.mark.parametrize("kind", [0, max(NoticeKind) + 1])
def test_a_notice_of_a_kind_that_the_inbox_does_not_know_is_refused(l1: InboxL1, kind: int) -> None:
    l1.mine()
    l1.note(cast(NoticeKind, kind), BOB.address)
    with pytest.raises(L1AnswerError):
        refreshed(l1)


def test_a_job_is_settled_once_l1_says_that_it_has_lapsed(l1: InboxL1) -> None:
    raw = ALICE.order(0, 7)
    l1.post([sealed(l1, raw)])
    reader = refreshed(l1)
    assert len(reader.unsettled_jobs()) == 1
    before = reader.order.ledger.account(ALICE.address).cleared
    l1.mine()
    l1.note(NoticeKind.LAPSE, job=keccak256(record_of(raw)))
    reader.refresh()
    assert (len(reader.jobs()), reader.unsettled_jobs()) == (1, [])
    l1.post([sealed(l1, ALICE.transfer(1, BOB.address, 0))])
    reader.refresh()
    fee = reader.order.outcomes[-1][0].fee
    assert reader.order.ledger.account(ALICE.address).cleared == before + 7 - fee


@pytest.mark.parametrize("name", ["Deposited", "Finalized", "Lapsed"])
def test_only_notices_tell_the_ledger_anything(l1: InboxL1, name: str) -> None:
    raw = ALICE.order(0, 7)
    l1.post([sealed(l1, raw)])
    job, bob = keccak256(record_of(raw)), "0x" + BOB.address.hex()
    told = {"to": bob, "amount": 5, "transaction": job, "claimant": bob, "caller": bob}
    entry = "Inbox" if name == "Deposited" else "Claims"
    l1.mine()
    l1.emit(entry, name, **told, claimId=ZERO_DIGEST, result=ZERO_DIGEST)
    reader = refreshed(l1)
    assert reader.origin(0, l1.height).events == (Deposit(ALICE.address, ETHER),)
    assert [each.reward for each in reader.unsettled_jobs()] == [7]


def test_a_job_is_read_once_however_often_it_is_asked_for(
    l1: InboxL1, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[bytes] = []
    decode = order_reader.decode_order
    monkeypatch.setattr(order_reader, "decode_order", lambda data: read.append(data) or decode(data))
    reader = reader_of(l1)
    for nonce in range(3):
        l1.post([sealed(l1, ALICE.order(nonce, 7 + nonce))])
        read.clear()
        reader.refresh()
        assert [each.reward for each in reader.jobs()] == list(range(7, 8 + nonce))
        assert list(reader.jobs()) == reader.all_jobs()
        assert len(read) == 1


def test_after_a_reorg_only_the_jobs_of_the_new_chain_are_there(l1: InboxL1) -> None:
    l1.post([sealed(l1, ALICE.order(0, 7))])
    l1.post([sealed(l1, ALICE.order(1, 8))])
    reader = refreshed(l1)
    l1.reorg(1)
    l1.post([sealed(l1, ALICE.order(1, 9))])
    reader.refresh()
    assert [each.reward for each in reader.jobs()] == [7, 9]
    assert reader.all_jobs() == refreshed(l1).all_jobs() == list(reader.jobs())


def test_a_skipped_order_is_no_job(l1: InboxL1) -> None:
    l1.post([sealed(l1, MALLORY.order(0, 7))])
    reader = refreshed(l1)
    assert reader.all_jobs() == []
    assert reader.order.outcomes == [[Skipped(SkipReason.FUNDS)]]


def test_a_batch_is_told_by_its_number(l1: InboxL1) -> None:
    raw = ALICE.transfer(0, BOB.address, 5)
    l1.post([sealed(l1, raw)])
    reader = refreshed(l1)
    found = reader.batch(1)
    assert found is not None
    assert found == OrderedBatch(l1.headers[0], (record_of(raw),))
    assert [reader.batch(number) for number in (-1, 0, 2)] == [None] * 3


def test_a_batch_tells_what_it_takes_from_the_queue_and_what_was_before_it(l1: InboxL1) -> None:
    queued = [pair(ALICE.order(0, 7)), pair(ALICE.order(1, 8)), (b"garbage", None)]
    for record, _ in queued:
        l1.force(record)
    l1.post([sealed(l1, forced=queued[:1])])
    l1.post([sealed(l1, ALICE.transfer(2, BOB.address, 5), forced=queued[1:])])
    reader = refreshed(l1)
    found = reader.batch(2)
    assert found is not None
    assert (found.forced, found.previous) == ((queued[1][0], b"garbage"), l1.headers[0])
    assert [found.forced_at(index) for index in range(4)] == [None, queued[1][0], b"garbage", None]
    assert [(each.batch, each.index, each.reward) for each in reader.all_jobs()] == [(1, 0, 7), (2, 1, 8)]


def test_a_record_is_found_by_its_hash_in_whatever_batch_it_stands_forced_or_not(l1: InboxL1) -> None:
    forced, own = pair(ALICE.transfer(0, BOB.address, 7)), ALICE.transfer(1, BOB.address, 8)
    dropped = record_of(MALLORY.transfer(0, BOB.address, 1))
    l1.force(forced[0])
    l1.post([sealed(l1, MALLORY.transfer(0, BOB.address, 1), forced=[forced])], payload=b"garbage")
    l1.post([sealed(l1, own)])
    reader = refreshed(l1)
    wanted = [forced[0], record_of(own), dropped]
    assert [reader.record(keccak256(each)) for each in wanted] == [forced[0], record_of(own), None]


def test_a_record_that_comes_later_is_found_and_those_before_are_not_hashed_again(
    l1: InboxL1, monkeypatch: pytest.MonkeyPatch
) -> None:
    early, late = ALICE.transfer(0, BOB.address, 7), ALICE.transfer(1, BOB.address, 8)
    l1.post([sealed(l1, early)])
    reader = refreshed(l1)
    wanted = [keccak256(record_of(early)), keccak256(record_of(late))]
    hashed: list[bytes] = []

    def counting(record: bytes) -> bytes:
        hashed.append(record)
        return keccak256(record)

    monkeypatch.setattr("anh_rollup.l1.order_reader.keccak256", counting)
    assert [reader.record(each) for each in wanted] == [record_of(early), None]
    assert hashed == [record_of(early)]
    l1.post([sealed(l1, late)])
    reader.refresh()
    hashed.clear()
    assert [reader.record(each) for each in wanted] == [record_of(early), record_of(late)]
    assert hashed == [record_of(late)]
