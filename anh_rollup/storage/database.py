"""SQLite for what a process must not forget: one writer, every transaction on the disk before it returns.

A database is a file, a list of migrations, and transactions; what the tables mean is its users' business.
"""

import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from anh_rollup.errors import AnhError

#: Milliseconds to wait for another process's lock before saying that the database is in use.
BUSY_MILLISECONDS: Final = 5_000

Row = tuple[Any, ...]


class DatabaseError(AnhError):
    """SQLite could not do what it was asked; nothing of the transaction is kept.

    Attributes:
        path: The database's file.
        cause: SQLite's words.
    """

    def __init__(self, path: Path, cause: str) -> None:
        super().__init__(
            f"the database {path} failed: {cause}",
            remedy="Check disk space, permissions, and that no other process uses it.",
        )
        self.path = path
        self.cause = cause


class DatabaseCorruptError(DatabaseError):
    """The file is not a sound database any more."""

    def __init__(self, path: Path, cause: str) -> None:
        super().__init__(path, cause)
        self.remedy = "Restore the file from a copy."


class DatabaseVersionError(AnhError):
    """The file was written by a newer version of this program.

    Attributes:
        path: The database's file.
        found: Its number of migrations.
        known: How many this program has.
    """

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(
            f"the database {path} has version {found}, and this program knows {known}",
            remedy="Use the newer program, or another data folder.",
        )
        self.path = path
        self.found = found
        self.known = known


class Database:
    """An open SQLite file (WAL, synchronous=FULL); may be used from several threads, which take turns.

    Args:
        path: The file; made, with its folder, if missing.
        migrations: SQL scripts in order; those that the file has not seen run at once, each in a transaction.
        corrupt: The error for a damaged file, from its path and SQLite's words: its user knows what losing it
            costs.
        check: Whether all of the file is looked at first; without it damage shows where it is read.

    Raises:
        DatabaseError: The file cannot be opened.
        DatabaseCorruptError: It is damaged (or the error that `corrupt` makes).
        DatabaseVersionError: It is newer than `migrations`.
    """

    def __init__(
        self,
        path: Path,
        migrations: Sequence[str] = (),
        corrupt: Callable[[Path, str], AnhError] = DatabaseCorruptError,
        *,
        check: bool = True,
    ) -> None:
        self.path = path
        self._corrupt = corrupt
        self._lock = threading.RLock()
        self._depth = 0
        with self._translated():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                path, isolation_level=None, check_same_thread=False, timeout=BUSY_MILLISECONDS / 1000
            )
        try:
            with self._translated():
                self._prepare(check)
            self._migrate(migrations)
        except AnhError:
            self._connection.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator["Database"]:
        """Everything inside is kept together, on the disk when the block ends; nothing of it if it raises.

        A transaction inside a transaction joins the outer one.

        Raises:
            DatabaseError: SQLite refused; all of it is undone.
        """
        with self._lock:
            if self._depth == 0:
                self.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield self
            except BaseException:
                self._depth -= 1
                if self._depth == 0 and self._connection.in_transaction:
                    self._connection.rollback()
                raise
            self._depth -= 1
            if self._depth == 0:
                self._commit()

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Runs one statement; how many rows it changed (-1 where that means nothing).

        Raises:
            DatabaseError: SQLite refused it.
        """
        with self._lock, self._translated():
            return self._connection.execute(sql, parameters).rowcount

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Runs one statement for each row, in one transaction.

        Raises:
            DatabaseError: SQLite refused it; none of the rows is kept.
        """
        with self.transaction(), self._translated():
            self._connection.executemany(sql, rows)

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """All rows of a question.

        Raises:
            DatabaseError: SQLite refused it.
        """
        with self._lock, self._translated():
            return self._connection.execute(sql, parameters).fetchall()

    def close(self) -> None:
        """Closes the file; closing twice does nothing."""
        with self._lock:
            self._connection.close()

    def _prepare(self, check: bool) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        (verdict,) = self._connection.execute("PRAGMA quick_check(1)").fetchone() if check else ("ok",)
        if verdict != "ok":
            raise self._corrupt(self.path, str(verdict))

    def _migrate(self, migrations: Sequence[str]) -> None:
        ((version,),) = self.query("PRAGMA user_version")
        if version > len(migrations):
            raise DatabaseVersionError(self.path, version, len(migrations))
        for number, script in enumerate(migrations[version:], start=version + 1):
            with self.transaction():
                for statement in _statements(script):
                    self.execute(statement)
                self.execute(f"PRAGMA user_version = {number}")

    def _commit(self) -> None:
        try:
            with self._translated():
                self._connection.commit()
        except AnhError:
            if self._connection.in_transaction:
                self._connection.rollback()
            raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turns SQLite's exceptions into ours."""
        try:
            yield
        except (sqlite3.OperationalError, sqlite3.IntegrityError, sqlite3.ProgrammingError, OSError) as error:
            raise DatabaseError(self.path, str(error)) from error
        except OverflowError as error:
            raise DatabaseError(self.path, "a number does not fit 64 bits") from error
        # SQLite's words about a damaged schema are no text where they quote it.
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise self._corrupt(self.path, str(error)[:200]) from error


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one (`executescript` would commit in between)."""
    statement = ""
    for piece in re.split(r"(?<=;)", script):
        statement += piece
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement
