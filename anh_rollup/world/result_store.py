"""What executions have found out, in the world's tables: outcomes, accounts, storage, code, logs."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import DIGEST_SIZE, Address, Gas
from anh_rollup.storage.database import Database, Row
from anh_rollup.world.answers import PlacedLog
from anh_rollup.world.engine import Log, Slot
from anh_rollup.world.position import Position
from anh_rollup.world.schema import pack, unpack

_WORD: Final = 32


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an executed transaction, but its logs.

    Attributes:
        succeeded: False where it reverted or halted.
        gas_used: Gas.
        created: The contract that it created, if any.
    """

    succeeded: bool
    gas_used: Gas
    created: Address | None


@dataclass(frozen=True, slots=True)
class Holding:
    """An account as executions have left it; the ledger's part is not in it.

    Attributes:
        nonce: 0 where only the ledger counts.
        uncleared: Wei that executed transactions have added or, below zero, taken.
        code: Its code.
    """

    nonce: int = 0
    uncleared: int = 0
    code: bytes = b""


@dataclass(frozen=True, slots=True)
class Findings:
    """All that one execution has found out.

    Attributes:
        result: What came of it.
        holdings: The accounts that are different behind it.
        slots: The elements of storage that are different behind it.
        logs: In order.
    """

    result: Result
    holdings: dict[Address, Holding]
    slots: dict[tuple[Address, Slot], int]
    logs: tuple[Log, ...]


class ResultStore:
    """The tables that executions fill.

    Args:
        database: The world's, migrated.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- writing ---

    def keep(self, key: int, findings: Findings) -> None:
        """Keeps what the execution of a transaction has found out: all of it, or nothing."""
        result = findings.result
        with self._database.transaction() as database:
            database.execute("DELETE FROM unexecuted WHERE position = ?", (key,))
            database.execute(
                "INSERT INTO result VALUES (?, ?, ?, ?)",
                (key, result.succeeded, result.gas_used, result.created),
            )
            for address, holding in findings.holdings.items():
                self._keep_holding(key, address, holding)
            for (address, slot), value in findings.slots.items():
                database.execute(
                    "INSERT INTO slot VALUES (?, ?, ?, ?)",
                    (address, slot.to_bytes(_WORD, "big"), key, pack(value)),
                )
            for place, log in enumerate(findings.logs):
                database.execute(
                    "INSERT INTO log VALUES (?, ?, ?, ?, ?)",
                    (key, place, log.address, b"".join(log.topics), log.data),
                )

    def wait(self, key: int, request: bytes) -> None:
        """Notes what a transaction waits for."""
        self._database.execute("UPDATE unexecuted SET request = ? WHERE position = ?", (request, key))

    def request(self, key: int) -> bytes | None:
        """What a transaction was noted to wait for; None where it was not, or is executed."""
        rows = self._database.query("SELECT request FROM unexecuted WHERE position = ?", (key,))
        return rows[0][0] if rows else None

    # --- what is executed ---

    def is_executed(self, key: int) -> bool:
        """Whether a transaction that runs code was executed."""
        return not self._database.query("SELECT 1 FROM unexecuted WHERE position = ?", (key,))

    def unexecuted_until(self, key: int) -> list[int]:
        """The transactions up to a key that run code and were not executed, in order."""
        query = "SELECT position FROM unexecuted WHERE position <= ? ORDER BY position"
        return [row[0] for row in self._database.query(query, (key,))]

    def waiting(self) -> dict[Position, bytes]:
        """The transactions that wait for a system contract's result, and what each asked for."""
        query = "SELECT position, request FROM unexecuted WHERE request IS NOT NULL ORDER BY position"
        return {Position.of_key(key): request for key, request in self._database.query(query)}

    def result(self, key: int) -> Result | None:
        """What came of a transaction; None before it is executed."""
        rows = self._database.query(
            "SELECT succeeded, gas_used, created FROM result WHERE position = ?", (key,)
        )
        return _result(rows[0]) if rows else None

    def gas_between(self, first: int, last: int) -> int:
        """Gas used by the executed transactions from one key to another."""
        query = "SELECT COALESCE(SUM(gas_used), 0) FROM result WHERE position BETWEEN ? AND ?"
        return int(self._database.query(query, (first, last))[0][0])

    # --- state ---

    def holding(self, address: Address, key: int) -> Holding:
        """An account behind a key, as far as it was executed."""
        rows = self._database.query(
            "SELECT nonce, uncleared, code FROM account WHERE address = ? AND position <= ?"
            " ORDER BY position DESC LIMIT 1",
            (address, key),
        )
        if not rows:
            return Holding()
        nonce, uncleared, digest = rows[0]
        return Holding(nonce, unpack(uncleared), self._code(digest))

    def slot(self, address: Address, slot: Slot, key: int) -> int:
        """An element of storage behind a key, as far as it was executed."""
        rows = self._database.query(
            "SELECT value FROM slot WHERE address = ? AND key = ? AND position <= ?"
            " ORDER BY position DESC LIMIT 1",
            (address, slot.to_bytes(_WORD, "big"), key),
        )
        return unpack(rows[0][0]) if rows else 0

    def logs(self, first: int, last: int, addresses: Iterable[Address] = ()) -> list[PlacedLog]:
        """The logs from one key to another, of some contracts or, without any, of all."""
        wanted = sorted(addresses)
        only = f" AND address IN ({','.join('?' * len(wanted))})" if wanted else ""
        rows = self._database.query(
            "SELECT position, place, address, topics, data FROM log"  # noqa: S608
            f" WHERE position BETWEEN ? AND ?{only} ORDER BY position, place",
            (first, last, *wanted),
        )
        return [_log(row) for row in rows]

    # --- inside ---

    def _keep_holding(self, key: int, address: Address, holding: Holding) -> None:
        digest = b""
        if holding.code:
            digest = keccak256(holding.code)
            self._database.execute("INSERT OR IGNORE INTO code VALUES (?, ?)", (digest, holding.code))
        self._database.execute(
            "INSERT INTO account VALUES (?, ?, ?, ?, ?)",
            (address, key, holding.nonce, pack(holding.uncleared), digest),
        )

    def _code(self, digest: bytes) -> bytes:
        if not digest:
            return b""
        ((code,),) = self._database.query("SELECT code FROM code WHERE hash = ?", (digest,))
        return bytes(code)


def _result(row: Row) -> Result:
    succeeded, gas_used, created = row
    return Result(bool(succeeded), Gas(gas_used), None if created is None else Address(created))


def _log(row: Row) -> PlacedLog:
    key, place, address, topics, data = row
    return PlacedLog(Position.of_key(key), place, Log(Address(address), _split(topics), data))


def _split(topics: bytes) -> tuple[bytes, ...]:
    return tuple([topics[at : at + DIGEST_SIZE] for at in range(0, len(topics), DIGEST_SIZE)])
