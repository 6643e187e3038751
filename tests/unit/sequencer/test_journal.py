from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.primitives import Digest
from anh_rollup.sequencer.errors import JournalCorruptError
from anh_rollup.sequencer.journal import (
    MIGRATIONS,
    Journal,
    JournalledBlock,
    pack_records,
    unpack_records,
)
from anh_rollup.storage.database import Database

ONE, TWO, THREE = (Digest(bytes([each]) * 32) for each in (1, 2, 3))


def block(number: int, digest: Digest = ONE, *records: bytes) -> JournalledBlock:
    return JournalledBlock(number, digest, 5, 6, TWO, 0, records)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.sqlite3")


def reopened(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.sqlite3")


def test_a_new_journal_knows_no_chain(journal: Journal) -> None:
    assert journal.genesis() is None
    journal.begin(ONE)
    assert journal.genesis() == ONE


def test_a_damaged_file_is_never_to_be_thrown_away_lightly(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    path.write_bytes(b"no database" * 200)
    with pytest.raises(JournalCorruptError) as refused:
        Journal(path)
    assert refused.value.message == f"the journal {path} is corrupt: file is not a database"
    assert refused.value.remedy == (
        "Restore the file from a copy; if every block that it signed is on L1, start with --new-journal "
        "and an empty data folder."
    )


def test_accepted_transactions_come_back_in_order(journal: Journal, tmp_path: Path) -> None:
    journal.accept([b"two", b"one"])
    journal.accept([])
    journal.accept([b"three"])
    assert reopened(tmp_path).waiting() == [b"two", b"one", b"three"]


def test_transactions_that_wait_in_a_journal_of_an_earlier_version_come_along(tmp_path: Path) -> None:
    earlier = Database(tmp_path / "journal.sqlite3", MIGRATIONS[:1])
    rows = [(TWO, b"two"), (ONE, b"one")]
    earlier.execute_many("INSERT INTO pending (hash, record) VALUES (?, ?)", rows)
    earlier.close()
    assert reopened(tmp_path).waiting() == [b"two", b"one"]


def test_what_waits_for_its_turn_comes_and_goes(journal: Journal, tmp_path: Path) -> None:
    journal.write([], {ONE: b"one", TWO: b"two"})
    journal.write([b"two"], {TWO: None, THREE: b"three"})
    again = reopened(tmp_path)
    assert (again.pooled(), again.waiting()) == ([b"one", b"three"], [b"two"])
    again.seal(block(1), [], {ONE: None, THREE: b"another one"})
    assert (reopened(tmp_path).pooled(), again.waiting()) == ([b"another one"], [])


def test_a_sealed_block_takes_its_transactions_along(journal: Journal, tmp_path: Path) -> None:
    journal.accept([b"one", b"two"])
    journal.seal(block(1, ONE, b"one"), [b"two"])
    again = reopened(tmp_path)
    assert again.waiting() == [b"two"]
    assert again.blocks() == [block(1, ONE, b"one")]


def test_transactions_that_are_not_kept_are_gone(journal: Journal) -> None:
    journal.accept([b"one", b"two"])
    journal.keep([b"two"])
    assert journal.waiting() == [b"two"]


def test_blocks_of_l1_replace_ours_and_lost_transactions_wait_first(journal: Journal) -> None:
    for number in (1, 2, 3):
        journal.seal(block(number), [])
    journal.accept([b"three"])
    journal.replace_from(2, [block(2, TWO)], [b"one"])
    assert journal.blocks() == [block(1), block(2, TWO)]
    assert journal.waiting() == [b"one", b"three"]


def test_blocks_are_had_from_a_height_on_and_their_hashes_one_by_one(journal: Journal) -> None:
    for number, digest in enumerate((ONE, TWO, THREE), start=1):
        journal.seal(block(number, digest), [])
    assert journal.blocks(1) == [block(2, TWO), block(3, THREE)]
    assert [journal.block_hash(number) for number in (0, 1, 3, 4)] == [None, ONE, THREE, None]


def test_the_first_block_sealed_at_a_height_is_remembered_for_ever(journal: Journal, tmp_path: Path) -> None:
    journal.seal(block(1, ONE), [])
    journal.replace_from(1, [block(1, TWO)], [])
    assert journal.first_sealed(1) == ONE
    journal.replace_from(1, [], [])
    journal.seal(block(1, THREE), [])
    assert reopened(tmp_path).first_sealed(1) == ONE
    assert journal.first_sealed(2) is None


@given(st.lists(st.binary(max_size=300), max_size=8).map(tuple))
def test_packed_records_come_back(records: tuple[bytes, ...]) -> None:
    assert unpack_records(pack_records(records)) == records
