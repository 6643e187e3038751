"""The database keeps what it says it keeps, whatever happens in between."""

import sqlite3
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from anh_rollup.errors import AnhError
from anh_rollup.storage.database import Database, DatabaseCorruptError, DatabaseError, DatabaseVersionError

WORDS = "CREATE TABLE words (word TEXT NOT NULL UNIQUE);"


class PreciousError(AnhError):
    """What a user of a database may say about damage."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause, remedy="Do not lose it.")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "journal.sqlite3"


def test_what_was_committed_is_there_after_reopening(path: Path) -> None:
    database = Database(path, [WORDS])
    with database.transaction() as opened:
        assert opened.execute("INSERT INTO words VALUES (?)", ["a"]) == 1
        opened.execute_many("INSERT INTO words VALUES (?)", [["b"], ["c"]])
    database.close()
    database.close()
    assert Database(path, [WORDS]).query("SELECT word FROM words ORDER BY word") == [("a",), ("b",), ("c",)]


def test_a_transaction_that_raises_leaves_nothing_behind(path: Path) -> None:
    database = Database(path, [WORDS])
    with suppress(ZeroDivisionError), database.transaction():
        database.execute("INSERT INTO words VALUES ('a')")
        raise ZeroDivisionError
    assert database.query("SELECT * FROM words") == []


def test_an_inner_transaction_joins_the_outer_one(path: Path) -> None:
    database = Database(path, [WORDS])
    with suppress(ZeroDivisionError), database.transaction():
        with database.transaction():
            database.execute("INSERT INTO words VALUES ('a')")
        raise ZeroDivisionError
    assert database.query("SELECT * FROM words") == []


def test_a_refused_row_undoes_all_rows(path: Path) -> None:
    database = Database(path, [WORDS])
    with pytest.raises(DatabaseError, match=r"UNIQUE constraint failed: words\.word"):
        database.execute_many("INSERT INTO words VALUES (?)", [["a"], ["a"]])
    assert database.query("SELECT * FROM words") == []


def test_a_kill_in_the_middle_of_a_transaction_keeps_the_earlier_ones(path: Path) -> None:
    database = Database(path, [WORDS])
    database.execute("INSERT INTO words VALUES ('kept')")
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT INTO words VALUES ('lost')")
    # A copy of the files is what a killed process leaves.
    left = path.parent / "left"
    left.mkdir()
    for file in path.parent.glob("journal*"):
        (left / file.name).write_bytes(file.read_bytes())
    assert Database(left / path.name, [WORDS]).query("SELECT word FROM words") == [("kept",)]


def test_it_is_durable_and_has_one_writer(path: Path) -> None:
    database = Database(path)
    assert database.query("PRAGMA journal_mode") == [("wal",)]
    assert database.query("PRAGMA synchronous") == [(2,)]


def test_only_new_migrations_run(path: Path) -> None:
    Database(path, [WORDS]).close()
    more = (
        "CREATE TABLE numbers (n INTEGER);\nINSERT INTO numbers VALUES (1);\nINSERT INTO words VALUES ('x')"
    )
    database = Database(path, [WORDS, more])
    assert database.query("SELECT * FROM numbers, words") == [(1, "x")]


def test_a_migration_that_fails_changes_nothing(path: Path) -> None:
    with pytest.raises(DatabaseError):
        Database(path, [WORDS, "CREATE TABLE one (n); CREATE TABLE words (n);"])
    assert Database(path, [WORDS]).query("SELECT name FROM sqlite_master WHERE name = 'one'") == []


def test_a_newer_file_is_refused(path: Path) -> None:
    Database(path, [WORDS, "CREATE TABLE later (n);"]).close()
    with pytest.raises(DatabaseVersionError) as caught:
        Database(path, [WORDS])
    assert (caught.value.found, caught.value.known) == (2, 1)


def test_a_file_that_is_no_database_is_called_damaged(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"this is not a database, but it is long enough to be taken for one" * 20)
    with pytest.raises(DatabaseCorruptError) as caught:
        Database(path)
    assert caught.value.remedy == "Restore the file from a copy."


def test_a_user_says_itself_what_damage_means(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database" * 200)
    with pytest.raises(PreciousError, match="file is not a database"):
        Database(path, corrupt=lambda _path, cause: PreciousError(cause))


def test_damaged_pages_are_noticed_when_it_is_opened(path: Path) -> None:
    database = Database(path, [WORDS])
    database.execute_many("INSERT INTO words VALUES (?)", [[f"word {number}" * 50] for number in range(200)])
    database.close()
    content = bytearray(path.read_bytes())
    content[8192:40960] = bytes(40960 - 8192)
    path.write_bytes(content)
    with pytest.raises(DatabaseCorruptError):
        Database(path, [WORDS])


def test_another_process_that_holds_the_lock_is_reported(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anh_rollup.storage.database.BUSY_MILLISECONDS", 50)
    database = Database(path, [WORDS])
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseError, match="database is locked"), database.transaction():
        pass
    other.close()
    database.execute("INSERT INTO words VALUES ('later')")


def test_threads_take_turns(path: Path) -> None:
    database = Database(path, ["CREATE TABLE counter (n INTEGER); INSERT INTO counter VALUES (0);"])

    def count() -> None:
        for _ in range(20):
            with database.transaction():
                ((number,),) = database.query("SELECT n FROM counter")
                database.execute("UPDATE counter SET n = ?", [number + 1])

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert database.query("SELECT n FROM counter") == [(80,)]


def test_a_folder_that_cannot_be_made_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseError):
        Database(tmp_path / "file" / "journal.sqlite3")
