"""Result cells of called jobs: what L1 says of them, and which transactions were executed with it."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import orjson

from anh_rollup.primitives import Address
from anh_rollup.protocol.called import (
    UNTRAINED,
    Cell,
    Ending,
    RequestMalformedError,
    TrainingRequest,
    Untrained,
    decode_request,
)
from anh_rollup.protocol.jobs import terms
from anh_rollup.storage.database import Database, Row

_COLUMNS: Final = "model, scores, claimant"


class _Noted(threading.local):
    """The cells that the run of a thread has looked at; None while nobody asks for them."""

    used: set[bytes] | None = None


class CellStore:
    """The cells of a world, by the terms of their jobs.

    Args:
        database: The world's, migrated.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted = _Noted()

    # --- reading ---

    def cell(self, job_terms: bytes) -> Ending | None:
        """A cell; None while it is open. A run that looks is noted to have used it."""
        if self._noted.used is not None:
            self._noted.used.add(job_terms)
        rows = self._database.query(f"SELECT {_COLUMNS} FROM cell WHERE terms = ?", (job_terms,))  # noqa: S608
        return _cell(rows[0]) if rows else None

    def lacks(self, request: bytes) -> bool:
        """Whether a run that was noted to wait for this would certainly wait again."""
        wanted = read_request(request)
        query = "SELECT 1 FROM cell WHERE terms = ?"
        return wanted is not None and not self._database.query(query, (terms(wanted.job),))

    @contextmanager
    def noting(self) -> Iterator[set[bytes]]:
        """While it is open, the cells of this store that this thread looks at are put into what it gives."""
        before, used = self._noted.used, set[bytes]()
        self._noted.used = used
        try:
            yield used
        finally:
            self._noted.used = before

    # --- writing ---

    def keep_used(self, key: int, used: set[bytes]) -> None:
        """Notes which cells a transaction was executed with."""
        self._database.execute_many("INSERT INTO used VALUES (?, ?)", [(each, key) for each in sorted(used)])

    def replace(self, cells: Mapping[bytes, Ending]) -> list[bytes]:
        """Makes these the cells: all of them, as L1 has them now.

        Returns:
            The terms of those that are not there any more, or are others.
        """
        with self._database.transaction() as database:
            known = {row[0]: _cell(row[1:]) for row in self._rows()}
            gone = [each for each, cell in known.items() if cells.get(each) != cell]
            database.execute_many("DELETE FROM cell WHERE terms = ?", [(each,) for each in gone])
            fresh = [(each, *_row(cell)) for each, cell in cells.items() if known.get(each) != cell]
            database.execute_many("INSERT INTO cell VALUES (?, ?, ?, ?)", fresh)
            return gone

    def first_user(self, gone: Iterable[bytes]) -> int | None:
        """The key of the first transaction that was executed with one of these cells; None where none was."""
        return min((key for each in gone for key in self._users(each)), default=None)

    # --- inside ---

    def _rows(self) -> list[Row]:
        return self._database.query(f"SELECT terms, {_COLUMNS} FROM cell")  # noqa: S608

    def _users(self, job_terms: bytes) -> list[int]:
        return [
            key for (key,) in self._database.query("SELECT position FROM used WHERE terms = ?", (job_terms,))
        ]


def read_request(request: bytes) -> TrainingRequest | None:
    """What a waiting run asked for; None where a system contract of another kind noted it."""
    try:
        return decode_request(request)
    except RequestMalformedError:
        return None


def _row(cell: Ending) -> tuple[bytes, bytes, bytes]:
    """The columns of a cell; all are empty where nobody has filled it in time."""
    if isinstance(cell, Untrained):
        return b"", b"", b""
    return cell.model, orjson.dumps(cell.scores), cell.claimant


def _cell(row: Row) -> Ending:
    model, scores, claimant = row
    if not model:
        return UNTRAINED
    return Cell(model, tuple(orjson.loads(scores)), Address(claimant))
