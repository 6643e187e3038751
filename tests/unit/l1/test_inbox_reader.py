"""What the ledger's machine asks of L1, over an L1 in memory: the fold must be the order reader's."""

from collections.abc import Sequence

import pytest

from anh_rollup.encoding.batches import encode_batch, transactions_root
from anh_rollup.encoding.blobs import BLOB_SIZE, pack
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.l1.blobs import open_element, versioned_hash
from anh_rollup.l1.errors import BlobsUnavailableError, L1AnswerError
from anh_rollup.l1.inbox_reader import MOST_PAYLOADS, HeldOrder, InboxReader
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.primitives import ZERO_DIGEST, BatchNumber, Digest
from anh_rollup.protocol.derivation import L2Block, batch_of, build_block
from anh_rollup.protocol.ledger import EXIT
from anh_rollup.protocol.machine.book import Book
from anh_rollup.protocol.machine.state import State, first_state
from anh_rollup.protocol.machine.trace import Trace
from anh_rollup.protocol.machine.view import Notice, NoticeKind
from anh_rollup.protocol.machine.witnesses import FieldElement
from tests.doubles.inbox_l1 import InboxL1
from tests.doubles.memory_l1 import DEPLOYMENT
from tests.doubles.ordering import ALICE, BOB, ETHER, pair, record_of


def refreshed(l1: InboxL1) -> InboxReader:
    reader = InboxReader(DEPLOYMENT, l1, l1)  # type: ignore[arg-type]
    reader.refresh()
    return reader


def order_of(l1: InboxL1) -> OrderReader:
    reader = OrderReader(DEPLOYMENT, l1, l1)  # type: ignore[arg-type]
    reader.refresh()
    return reader


def sealed(l1: InboxL1, *own: bytes, forced: Sequence[bytes] = ()) -> L2Block:
    place = (1_000 + 12 * l1.height, l1.height, Digest(l1.hash_of(l1.height)))
    head = order_of(l1).order.head
    return build_block(head, place, [pair(raw) for raw in forced], [pair(raw) for raw in own])


def post_blobs(l1: InboxL1, block: L2Block, blobs: Sequence[bytes]) -> None:
    l1.mine()
    hashes = [versioned_hash(each) for each in blobs]
    batch = batch_of([block])
    where = transactions_root(batch.records), len(batch.records), l1.consumed
    transaction = l1.append(b"", *where, blobs=hashes)
    l1.carried[transaction] = tuple(blobs)


def end_of(held: HeldOrder) -> State:
    return Trace(first_state(held.first), BatchNumber(len(held.batches)), held).end


@pytest.fixture
def l1() -> InboxL1:
    made = InboxL1()
    made.deposit(ALICE)
    return made


def eventful(l1: InboxL1) -> None:
    """Batches as calldata and in a blob, one that is void, and entries of the queue."""
    forced = ALICE.sign(nonce=0, to="0x" + BOB.address.hex(), value=5)
    l1.force(record_of(forced))
    l1.mine()
    l1.post([sealed(l1, ALICE.sign(nonce=1, to="0x" + EXIT.hex(), value=7), forced=[forced])])
    l1.deposit(BOB)
    block = sealed(l1, ALICE.sign(nonce=2, to="0x" + BOB.address.hex(), value=9))
    post_blobs(l1, block, pack(encode_batch(batch_of([block]))))
    l1.post([sealed(l1, ALICE.sign(nonce=3))], payload=b"\x07")
    post_blobs(l1, sealed(l1, ALICE.sign(nonce=3)), [b"\0\xff\xff\xff" + bytes(BLOB_SIZE - 4)])
    l1.note(NoticeKind.LAPSE, job=keccak256(b"no job"))
    l1.mine()
    l1.post([sealed(l1)])


def test_the_machine_folds_to_where_the_order_reader_stands(l1: InboxL1) -> None:
    eventful(l1)

    end, order = end_of(refreshed(l1).held), order_of(l1).order

    machine = end.machine
    assert (machine.batch, machine.forced, machine.notices) == (5, 1, 3)
    assert (machine.height, machine.head) == (order.head.header.number, order.head.header.hash)
    for wallet in (ALICE, BOB):
        assert Book(end.tree).account(wallet.address) == order.ledger.account(wallet.address)
    assert Book(end.tree).account(ALICE.address).withdrawn == 7


def test_each_batch_is_given_as_it_was_posted(l1: InboxL1) -> None:
    eventful(l1)
    held = refreshed(l1).held

    for number, header in enumerate(l1.headers, 1):
        posting = held.posting(BatchNumber(number))
        assert posting.header == header
        assert posting.block_time == 1_000 + 12 * posting.block_number
        blobs = held.hashes(BatchNumber(number))
        carried = b"".join(blobs) if blobs else posting.payload or b""
        assert (keccak256(carried) == header.data) == (number in (1, 3, 5))
    assert [bool(held.hashes(BatchNumber(each))) for each in range(1, 6)] == [False, True, False, True, False]
    assert held.posting(BatchNumber(4)).payload is None
    assert held.notice(0) == Notice(NoticeKind.DEPOSIT, ALICE.address, ETHER, ZERO_DIGEST, 1)
    assert held.notice(3) is None


def test_entries_of_the_queue_wait_until_a_batch_has_them(l1: InboxL1) -> None:
    first, second = (ALICE.sign(nonce=each) for each in range(2))
    l1.force(record_of(first))
    l1.force(record_of(second))
    reader = refreshed(l1)
    assert [each.record for each in reader.held.waiting()] == [record_of(first), record_of(second)]

    l1.post([sealed(l1, forced=[first])])
    reader.refresh()
    assert [each.record for each in reader.held.waiting()] == [record_of(second)]


def test_an_element_of_a_blob_is_opened(l1: InboxL1) -> None:
    eventful(l1)
    held = refreshed(l1).held
    (blob,) = l1.carried[held.batches[1].transaction]

    assert held.open(BatchNumber(2), 1) == FieldElement(1, *open_element(blob, 1))


def test_only_the_latest_bytes_are_kept(l1: InboxL1) -> None:
    for _ in range(MOST_PAYLOADS + 1):
        l1.post([sealed(l1)])
    held = refreshed(l1).held
    for number in range(1, MOST_PAYLOADS + 2):
        held.posting(BatchNumber(number))
    l1.answers_left = 0

    assert held.posting(BatchNumber(2)).header.number == 2
    with pytest.raises(Exception, match="it is away"):
        held.posting(BatchNumber(1))


def test_a_blob_that_nobody_has_is_told(l1: InboxL1) -> None:
    eventful(l1)
    held = refreshed(l1).held
    l1.carried.clear()

    with pytest.raises(BlobsUnavailableError, match="they are gone"):
        end_of(held)


def test_a_reorg_begins_another_view_and_leaves_the_old_one_as_it_was(l1: InboxL1) -> None:
    l1.post([sealed(l1)])
    reader = refreshed(l1)
    before = reader.held
    l1.reorg(1)
    l1.post([sealed(l1, ALICE.sign(nonce=0))])

    assert reader.refresh()
    assert [len(each.batches) for each in (before, reader.held)] == [1, 1]
    assert before is not reader.held
    assert reader.held.posting(BatchNumber(1)).header == l1.headers[0]
    with pytest.raises(L1AnswerError):
        before.posting(BatchNumber(1))


def test_after_a_reorg_the_batches_that_l1_did_not_replace_are_not_asked_for_again(l1: InboxL1) -> None:
    for nonce in range(2):
        block = sealed(l1, ALICE.sign(nonce=nonce))
        post_blobs(l1, block, pack(encode_batch(batch_of([block]))))
    reader = refreshed(l1)
    before = [reader.held.posting(BatchNumber(number)) for number in (1, 2)]
    lost = reader.held
    l1.reorg(1)
    l1.post([sealed(l1, ALICE.sign(nonce=1, to=BOB.address))])
    l1.carried.clear()

    reader.refresh()

    assert reader.held.common(lost) == 1
    assert reader.held.posting(BatchNumber(1)) == before[0]
    assert reader.held.posting(BatchNumber(2)).header == l1.headers[1] != before[1].header


def test_a_batch_that_l1_has_in_another_block_is_not_the_same(l1: InboxL1) -> None:
    l1.post([sealed(l1)])
    reader, header = refreshed(l1), l1.headers[0]
    lost = reader.held
    l1.reorg(1)
    l1.mine()
    l1.post([sealed(l1)])
    reader.refresh()
    assert (len(reader.held.batches), reader.held.common(lost)) == (1, 0)
    assert reader.held.common(reader.held) == 1
    assert header.number == reader.held.batches[0].header.number


def test_nothing_new_is_told_as_such(l1: InboxL1) -> None:
    reader = refreshed(l1)

    assert not reader.refresh()
