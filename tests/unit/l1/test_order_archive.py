"""A fold that goes on from an archive is that of all of L1, whatever L1 holds and whenever it is killed."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.l1 import order_archive
from anh_rollup.l1.errors import L1UnreachableError
from anh_rollup.l1.order_archive import ArchiveCorruptError, OrderArchive
from anh_rollup.l1.order_reader import OrderReader, open_archive
from anh_rollup.primitives import ZERO_DIGEST, BlockNumber, Digest
from anh_rollup.protocol.derivation import Head, build_block
from anh_rollup.protocol.ledger import Origin, decode_or_none
from anh_rollup.protocol.sealed import SealedBlocks, mark_of
from anh_rollup.storage.database import Database
from tests.doubles.inbox_l1 import InboxL1
from tests.doubles.memory_l1 import DEPLOYMENT, topic
from tests.doubles.ordering import ALICE, BOB, ETHER, MALLORY, pair, record_of

DEPTH = 3

FORCED = topic("Inbox", "Forced")


@pytest.fixture(autouse=True, scope="module")
def shallow() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order_archive, "DEPTH", DEPTH)
        yield


class KilledError(Exception):
    """The process is gone."""


@contextmanager
def killed_at(statement: int) -> Iterator[None]:
    """Ends the process before a statement that is written; statements are counted from 1."""
    left, execute = statement, Database.execute

    def guarded(database: Database, sql: str, *given: Any) -> int:
        nonlocal left
        left -= 1
        if left == 0:
            raise KilledError
        return execute(database, sql, *given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "execute", guarded)
        yield


class Life:
    """An L1 with an honest sequencer, and a reader with an archive in a folder."""

    def __init__(self, folder: Path) -> None:
        self.l1, self.path = InboxL1(), folder / "order.sqlite3"
        self.l1.deposit(ALICE)
        self.start()

    def start(self) -> None:
        self.archive = open_archive(self.path, DEPLOYMENT)
        self.reader = OrderReader(DEPLOYMENT, self.l1, self.l1, archive=self.archive)  # type: ignore[arg-type]

    def look(self) -> None:
        self.reader.refresh()
        self.reader.archive_deep()

    def restart(self) -> None:
        self.reader._archive.close()  # type: ignore[union-attr]
        self.start()
        self.look()

    def whole(self) -> OrderReader:
        """A reader that begins at the deployment."""
        reader = OrderReader(DEPLOYMENT, self.l1, self.l1)  # type: ignore[arg-type]
        reader.refresh()
        return reader

    def post(self, *raws: bytes, forced: int = 0, **lie: Any) -> None:
        """A batch of two blocks, the first with entries of the queue."""
        reader, height = self.whole(), self.l1.height
        head, queue = reader.order.head, reader.queue_until(BlockNumber(height))
        entries = [(each, reader._decode(each, 0)) for each in queue[head.forced_end :][:forced]]
        place = (1_000 + 12 * height, height, Digest(self.l1.hash_of(height)))
        first = build_block(head, place, entries, [])
        behind = Head(first.header, first.ordered_gas)
        self.l1.post([first, build_block(behind, place, [], [pair(each) for each in raws])], **lie)


Step = tuple[str, int]


def play(life: Life, kind: str, value: int) -> None:
    """One thing that happens on L1."""
    l1, nonce = life.l1, life.whole().order.ledger.account(ALICE.address).nonce
    if kind == "deposit":
        l1.deposit((ALICE, BOB, MALLORY)[value % 3], ETHER + value)
    elif kind == "force":
        l1.force(record_of(MALLORY.transfer(value, BOB.address, 1)) if value % 2 else b"\xff" * value)
    elif kind == "transfers":
        life.post(*[ALICE.transfer(nonce + at, BOB.address, 5) for at in range(value)], forced=value)
    elif kind == "twice":
        life.post(*[ALICE.transfer(max(nonce - 1, 0), BOB.address, 5)] * 2)
    elif kind == "order":
        life.post(ALICE.order(nonce, 7 + value), forced=1)
    elif kind == "void":
        life.post(ALICE.transfer(nonce, BOB.address, 5), payload=b"garbage")
    elif kind == "forced":
        l1.mine()
        l1.append(b"", ZERO_DIGEST, 0, max(l1.consumed, min(l1.queued, l1.consumed + value)))
    elif kind == "pay":
        for job in list(life.whole().jobs())[:1]:
            l1.pay(Digest(job.transaction), BOB)
    elif kind == "reorg":
        l1.reorg(min(value, l1.height - 1))
        l1.queued = len([each for each in l1.written if each.topics[0] == FORCED])
        l1.mine(value + 1)
    l1.mine(value % 4)


KINDS = (
    "deposit",
    "force",
    "transfers",
    "twice",
    "order",
    "void",
    "forced",
    "pay",
    "reorg",
    "restart",
    "kill",
)


def state(reader: OrderReader, life: Life) -> Any:
    """All that a reader answers."""
    order, head = reader.order, reader.order.head
    beyond = reader.origin(head.header.origin_number, reader.cursor.number)
    jobs = (list(reader.jobs()), reader.unsettled_jobs())
    read = (reader.cursor, reader.queue_until(reader.cursor.number), dict(reader.cells), jobs, beyond)
    return (
        order.ledger,
        head,
        order.first,
        list(order.blocks),
        list(order.outcomes),
        list(reader.batches),
        read,
    )


def indexed(reader: OrderReader, base: SealedBlocks) -> Any:
    """What can be asked of the blocks of a reader, continued from a base."""
    after = base.order.head.header.origin_number
    for block in reader.order.blocks[base.order.archived :]:
        base.append(block, reader.origin(after, block.header.origin_number))
        after = block.header.origin_number
    blocks = list(reader.order.blocks)
    hashes = [each.hash for block in blocks for _, each in block.transactions if each is not None]
    last = BlockNumber(len(blocks))
    fees = base.fee_history(BlockNumber(0), last, 7)  # type: ignore[arg-type]
    return [base.placement(each) for each in hashes], [base.number_of(each.hash) for each in blocks], fees


def require_same(life: Life) -> None:
    expected = life.whole()
    assert state(life.reader, life) == state(expected, life)
    archived = indexed(life.reader, SealedBlocks(life.reader.new_order()))
    assert archived == indexed(expected, SealedBlocks(expected.new_order()))


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 7)), max_size=16), st.integers(1, 60))
def test_an_archive_and_what_is_new_give_what_all_of_l1_gives(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step], statement: int
) -> None:
    life = Life(tmp_path_factory.mktemp("life"))
    for kind, value in steps:
        if kind == "restart":
            life.restart()
        elif kind == "kill":
            try:
                with killed_at(statement):
                    life.look()
            except KilledError:
                life.restart()
        else:
            play(life, kind, value)
            life.look()
        if kind in ("restart", "kill", "reorg"):
            require_same(life)
    life.restart()
    require_same(life)


def long(life: Life) -> None:
    """A history that is archived but for its end."""
    for step in [("transfers", 3), ("force", 3), ("order", 2), ("deposit", 1), ("twice", 0), ("void", 0)]:
        play(life, *step)
        life.look()
    life.l1.mine(DEPTH)
    life.look()
    play(life, "transfers", 2)
    life.look()


@pytest.fixture
def life(tmp_path: Path) -> Life:
    made = Life(tmp_path)
    long(made)
    return made


def counting(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The records that are decoded from now on."""
    decoded: list[bytes] = []
    decode: Callable[..., Any] = order_archive.decode_or_none

    def noted(record: bytes, chain_id: Any) -> Any:
        decoded.append(record)
        return decode(record, chain_id)

    monkeypatch.setattr(order_archive, "decode_or_none", noted)
    return decoded


def test_a_start_decodes_what_is_new_and_nothing_that_is_archived(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = counting(monkeypatch)
    archive = open_archive(life.path, DEPLOYMENT)
    read: list[bytes] = []

    def noted(record: bytes, chain_id: Any) -> Any:
        read.append(record)
        return decode_or_none(record, chain_id)

    fresh = OrderReader(DEPLOYMENT, life.l1, life.l1, noted, archive)  # type: ignore[arg-type]
    fresh.refresh()
    assert (archive.batches, len(fresh.batches)) == (4, 5)
    assert (len(read), decoded) == (2, [])
    assert fresh.order.blocks[0] == life.whole().order.blocks[0]


def test_of_an_old_block_only_what_is_asked_for_is_decoded(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    life.restart()
    decoded, sealed = counting(monkeypatch), SealedBlocks(life.reader.new_order())
    raw = ALICE.transfer(1, BOB.address, 5)
    expected = life.whole().order.blocks[1]
    assert life.reader.order.blocks[1].own_records == expected.own_records
    assert decoded == []
    assert sealed.had_effect(pair(raw)[1].hash)
    assert decoded == []
    placed = sealed.placement(pair(raw)[1].hash)
    assert placed is not None
    assert (placed.block, placed.index, placed.transaction) == (expected, 1, pair(raw)[1])
    assert decoded[0] == record_of(raw)


def test_reading_does_not_wait_for_what_is_written(life: Life) -> None:
    found: list[Any] = []
    digest = life.reader.order.blocks[0].hash
    with life.archive._database.transaction():
        life.archive._database.execute("DELETE FROM block")
        reading = threading.Thread(target=lambda: found.append(life.archive.number_of(digest)))
        reading.start()
        reading.join(timeout=10)
    assert found == [1]


def test_the_marks_are_those_of_all_archived_blocks(life: Life) -> None:
    whole, after, marks = life.whole(), 0, []
    for block in whole.order.blocks[: life.archive.blocks]:
        marks.append(mark_of(block, whole.origin(after, block.header.origin_number)))
        after = block.header.origin_number
    assert life.archive.marks() == marks
    assert len(marks) > 5
    assert mark_of(whole.order.blocks[0], Origin()) != marks[0]


def test_a_reorg_below_the_archive_has_all_of_l1_read_again(life: Life) -> None:
    old = list(life.reader.order.blocks)
    before = life.reader.order
    life.l1.reorg(DEPTH + 6)
    life.l1.mine(DEPTH + 20)
    life.look()
    require_same(life)
    assert life.reader.reorgs == 1
    assert list(before.blocks) == old  # whoever holds the old order can still read it
    life.restart()
    require_same(life)


def test_a_reorg_while_the_role_was_away_has_all_of_l1_read_again(life: Life) -> None:
    life.l1.reorg(DEPTH + 6)
    life.l1.mine(DEPTH + 20)
    life.restart()
    require_same(life)


def test_a_reorg_above_the_archive_keeps_it(life: Life) -> None:
    archived = life.archive.batches
    life.l1.reorg(2)
    life.l1.mine(2)
    life.look()
    assert (life.reader._archive, life.archive.batches) == (life.archive, archived)
    require_same(life)


def test_an_l1_that_fails_in_the_midst_of_a_reorg_leaves_no_trace(life: Life) -> None:
    life.l1.reorg(DEPTH + 6)
    life.l1.mine(DEPTH + 20)
    failed = 0
    for healthy in range(1_000):
        life.l1.answers_left = healthy
        try:
            life.look()
        except L1UnreachableError:
            failed += 1
            continue
        break
    life.l1.answers_left = 10**9
    assert failed > 3
    require_same(life)


def test_an_archive_of_another_rollup_is_replaced(life: Life, caplog: pytest.LogCaptureFixture) -> None:
    other = replace(DEPLOYMENT, sequencer="0x" + "77" * 20)
    life.archive.close()
    assert open_archive(life.path, other).batches == 0
    (told,) = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert (
        told == f"{life.path} is replaced (it is of another rollup); next: the order is derived from L1 anew"
    )


def test_a_damaged_archive_is_replaced(life: Life, caplog: pytest.LogCaptureFixture) -> None:
    life.archive.close()
    life.path.write_bytes(b"no database" * 400)
    life.start()
    life.look()
    assert "is replaced (" in caplog.text
    require_same(life)


def test_an_archive_with_a_damaged_page_is_replaced(life: Life) -> None:
    archive: OrderArchive = life.archive
    ((page,),) = archive._database.query("SELECT rootpage FROM sqlite_schema WHERE name = 'block'")
    archive.close()
    content = bytearray(life.path.read_bytes())
    size = int.from_bytes(content[16:18], "big")
    content[(page - 1) * size : page * size] = b"\x55" * size
    life.path.write_bytes(content)
    life.start()
    life.look()
    require_same(life)


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ("UPDATE ordered SET record = x'00' WHERE block = 2", "blocks"),
        ("DELETE FROM ordered WHERE block = 2 AND place = 1", "blocks"),
        ("UPDATE block SET forced = 7 WHERE number = 2", "blocks"),
        ("UPDATE ordered SET gas = 7 WHERE block = 2", "outcomes"),
        ("UPDATE batch SET l1_block = 1 WHERE number = 2", "batches"),
    ],
)
def test_damage_that_shows_later_ends_the_role_and_the_next_start_replaces_the_archive(
    life: Life, change: str, read: str
) -> None:
    life.archive._database.execute(change)
    life.restart()
    held: Any = life.reader.batches if read == "batches" else getattr(life.reader.order, read)
    with pytest.raises(ArchiveCorruptError) as error:
        held[1]
    assert error.value.remedy == "Start again: the archive is replaced, and the order derived from L1 anew."
    life.reader.refresh()
    with pytest.raises(ArchiveCorruptError):
        life.reader.archive_deep()
    life.restart()
    require_same(life)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE account SET cleared = x'07'",
        "UPDATE account SET nonce = nonce + 1",
        "DELETE FROM account",
        "UPDATE job SET payer = hash",
        "UPDATE checkpoint SET forced_end = forced_end + 1",
        "DELETE FROM job",
        "DELETE FROM block WHERE number = 2",
        "UPDATE block SET time = time + 1",
        "UPDATE event SET block_hash = 'text', topics = 5",
        "DROP TABLE event",
    ],
)
def test_an_archive_that_a_start_cannot_go_on_from_is_replaced(
    life: Life, caplog: pytest.LogCaptureFixture, change: str
) -> None:
    life.archive._database.execute(change)
    life.restart()
    assert "is replaced (" in caplog.text
    require_same(life)


def test_only_jobs_that_are_new_or_have_ended_are_written(life: Life) -> None:
    play(life, "order", 1)
    life.l1.mine(DEPTH)
    life.look()
    before = life.archive._database.query("SELECT rowid, * FROM job")
    play(life, "order", 2)
    life.l1.mine(DEPTH)
    life.look()
    after = life.archive._database.query("SELECT rowid, * FROM job")
    assert before
    assert (after[: len(before)], len(after)) == (before, len(before) + 1)
    play(life, "pay", 1)
    play(life, "transfers", 1)
    life.l1.mine(DEPTH)
    life.look()
    assert life.archive._database.query("SELECT rowid, * FROM job") == after[1:]
    life.restart()
    require_same(life)


def test_archives_that_were_renewed_are_closed(life: Life) -> None:
    def connections() -> int:
        links = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
        return len([each for each in links if each.startswith(f"{life.path} ") or each == str(life.path)])

    first = life.archive
    second = first.renewed()
    assert first.marks()
    last = second.renewed()
    before = connections()
    for _ in range(3):
        last = last.renewed()
    assert connections() == before > 0
    last.close()
    assert connections() == 0


def test_an_empty_archive_knows_nothing(tmp_path: Path) -> None:
    archive = open_archive(tmp_path / "order.sqlite3", DEPLOYMENT)
    assert (archive.cursor, archive.marks(), archive.events(), archive.jobs()) == (None, [], [], [])
    assert archive.number_of(Digest(keccak256(b"no block"))) is None
    assert archive.place_of(Digest(keccak256(b"no transaction"))) is None
