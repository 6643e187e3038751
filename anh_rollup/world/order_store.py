"""What the order says, in the world's tables: blocks, transactions, ledger accounts, who writes what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from anh_rollup.encoding.batches import Header
from anh_rollup.primitives import ZERO_DIGEST, Address, Digest, Gas, Wei
from anh_rollup.protocol.ledger import Account, Escrow, Ledger, LedgerRules
from anh_rollup.protocol.publications import Publication
from anh_rollup.storage.database import Database, Row
from anh_rollup.world.answers import Kind
from anh_rollup.world.position import Item, Position, end_of
from anh_rollup.world.schema import FOUND, VERSIONED, pack, unpack

_KNOWN: Final = "SELECT number, hash, time, base_fee, gas_limit, randomness, transactions FROM block"


@dataclass(frozen=True, slots=True)
class KnownBlock:
    """What executions have to know of a block.

    Attributes:
        number: Its height.
        hash: Its hash.
        time: Seconds.
        base_fee: Wei a gas.
        gas_limit: Gas.
        randomness: The hash of its origin.
        transactions: How many stand in it.
    """

    number: int
    hash: Digest
    time: int
    base_fee: Wei
    gas_limit: int
    randomness: Digest
    transactions: int


@dataclass(frozen=True, slots=True)
class Ordered:
    """A transaction of the order, and what the ledger said of it.

    Attributes:
        kind: What it is.
        gas: Gas that the ledger took.
        price: Wei a gas that the ledger took.
        covered: Wei of its value that the ledger took.
        strict: Whether it is strict; None for one that runs no code.
        record: Its record where it runs code, else empty.
    """

    kind: Kind
    gas: int
    price: int
    covered: int
    strict: bool | None
    record: bytes


@dataclass(slots=True)
class BlockRows:
    """What one block adds to the tables.

    Attributes:
        ordered: Its transactions, by key.
        accounts: The ledger's accounts that are different behind a key.
        opened: Escrows that a transaction opened.
        closed: Jobs whose escrow ended with the block's origin events.
        writers: Strict transactions by what they write.
        published: What transactions publish, by key, and the gas that each has for an assembly.
    """

    ordered: list[tuple[int, Ordered]] = field(default_factory=list)
    accounts: list[tuple[int, Address, Account]] = field(default_factory=list)
    opened: list[tuple[int, Digest, Escrow]] = field(default_factory=list)
    closed: list[Digest] = field(default_factory=list)
    writers: list[tuple[Item, int]] = field(default_factory=list)
    published: list[tuple[int, Publication, Gas]] = field(default_factory=list)


class OrderStore:
    """The tables that follow from the order alone.

    Args:
        database: The world's, migrated.

    Attributes:
        database: The same.
        generation: Grows whenever a part of the order is replaced: what was read before may be wrong since.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.generation = 0

    # --- writing ---

    def begin(self, genesis: Header) -> None:
        """Names the chain, and adds its first block."""
        with self.database.transaction():
            self.database.execute("INSERT INTO world VALUES (?, 0)", (genesis.hash,))
            self._add_block(genesis, 0, 0, 0)

    def add(self, header: Header, rows: BlockRows, ledger: Ledger) -> None:
        """Adds the next block, behind which the ledger is this one."""
        with self.database.transaction() as database:
            self._add_block(header, len(rows.ordered), ledger.deposited, ledger.prepaid)
            database.execute_many(
                "INSERT INTO ordered VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (key, each.kind, each.gas, pack(each.price), pack(each.covered), each.strict, each.record)
                    for key, each in rows.ordered
                ],
            )
            database.execute_many(
                "INSERT INTO unexecuted (position) VALUES (?)",
                [(key,) for key, each in rows.ordered if each.strict is not None],
            )
            database.execute_many(
                "INSERT INTO ledger VALUES (?, ?, ?, ?, ?)",
                [
                    (who, key, each.nonce, pack(each.cleared), pack(each.withdrawn))
                    for key, who, each in rows.accounts
                ],
            )
            self._add_escrows(header.number, rows)
            database.execute_many("INSERT INTO writer VALUES (?, ?)", rows.writers)

    def truncate(self, number: int) -> None:
        """Forgets the blocks from this height on, with all that follows from them."""
        key = Position(number).key
        with self.database.transaction() as database:
            for table in VERSIONED:
                database.execute(f"DELETE FROM {table} WHERE position >= ?", (key,))  # noqa: S608
            database.execute("DELETE FROM escrow WHERE opened >= ?", (key,))
            database.execute("UPDATE escrow SET closed = NULL WHERE closed >= ?", (key,))
            database.execute("DELETE FROM block WHERE number >= ?", (number,))
            database.execute("UPDATE world SET final = MIN(final, ?)", (number - 1,))
            self.generation += 1

    def forget_results(self, key: int) -> None:
        """Forgets what was executed from a key on, and what any run was noted to wait for."""
        with self.database.transaction() as database:
            database.execute("UPDATE unexecuted SET request = NULL WHERE request IS NOT NULL")
            for table in FOUND:
                database.execute(f"DELETE FROM {table} WHERE position >= ?", (key,))  # noqa: S608
            database.execute(
                "INSERT OR IGNORE INTO unexecuted (position)"
                " SELECT position FROM ordered WHERE strict IS NOT NULL AND position >= ?",
                (key,),
            )
            self.generation += 1

    def finalize(self, number: int) -> None:
        """Notes that the blocks up to here are final."""
        self.database.execute("UPDATE world SET final = MAX(final, ?)", (number,))

    # --- blocks and transactions ---

    @property
    def genesis(self) -> Digest | None:
        """The hash of the first block; None where there is none yet."""
        rows = self.database.query("SELECT genesis FROM world")
        return Digest(rows[0][0]) if rows else None

    @property
    def head(self) -> int:
        """The height of the last block."""
        return int(self.database.query("SELECT MAX(number) FROM block")[0][0])

    @property
    def final_end(self) -> int:
        """The highest key that is final."""
        return end_of(int(self.database.query("SELECT final FROM world")[0][0]))

    def block(self, number: int) -> KnownBlock | None:
        """A block, or None."""
        rows = self.database.query(f"{_KNOWN} WHERE number = ?", (number,))
        return _block(rows[0]) if rows else None

    def block_hash(self, number: int) -> Digest:
        """The hash of a block; zero where there is none."""
        rows = self.database.query("SELECT hash FROM block WHERE number = ?", (number,))
        return Digest(rows[0][0]) if rows else ZERO_DIGEST

    def ordered(self, key: int) -> Ordered | None:
        """The transaction of a key, or None."""
        rows = self.database.query(
            "SELECT kind, gas, price, covered, strict, record FROM ordered WHERE position = ?", (key,)
        )
        return _ordered(rows[0]) if rows else None

    def prepaid_between(self, first: int, last: int) -> list[tuple[int, bool]]:
        """The transactions that run code, from one key to another, and whether each is strict."""
        rows = self.database.query(
            "SELECT position, strict FROM ordered WHERE strict IS NOT NULL AND position BETWEEN ? AND ?",
            (first, last),
        )
        return sorted((key, bool(strict)) for key, strict in rows)

    # --- dependencies ---

    def latest_open(self, key: int) -> int:
        """The latest transaction up to a key that is not strict; -1 where there is none."""
        rows = self.database.query(
            "SELECT MAX(position) FROM ordered INDEXED BY ordered_open WHERE strict = 0 AND position <= ?",
            (key,),
        )
        return -1 if rows[0][0] is None else int(rows[0][0])

    def latest_writer(self, item: Item, key: int) -> int:
        """The latest strict transaction up to a key that writes an item; -1 where there is none."""
        rows = self.database.query(
            "SELECT MAX(position) FROM writer WHERE item = ? AND position <= ?", (item, key)
        )
        return -1 if rows[0][0] is None else int(rows[0][0])

    # --- the ledger ---

    def account(self, address: Address, key: int) -> Account:
        """The ledger's account behind a key."""
        rows = self.database.query(
            "SELECT nonce, cleared, withdrawn FROM ledger WHERE address = ? AND position <= ?"
            " ORDER BY position DESC LIMIT 1",
            (address, key),
        )
        return _account(rows[0]) if rows else Account()

    def fill(self, rules: LedgerRules, accounts: dict[Address, Account]) -> Ledger:
        """The ledger behind the last block.

        Args:
            rules: Of the deployment.
            accounts: Where to put its accounts.
        """
        latest = "SELECT nonce, cleared, withdrawn, address, MAX(position) FROM ledger GROUP BY address"
        for row in self.database.query(latest):
            accounts[Address(row[3])] = _account(row)
        held = self.database.query("SELECT job, reward, payer FROM escrow WHERE closed IS NULL")
        escrows = {Digest(job): Escrow(Wei(unpack(reward)), Address(payer)) for job, reward, payer in held}
        ((deposited, prepaid),) = self.database.query(
            "SELECT deposited, prepaid FROM block ORDER BY number DESC LIMIT 1"
        )
        return Ledger(rules, accounts, escrows, Wei(unpack(deposited)), Wei(unpack(prepaid)))

    # --- inside ---

    def _add_block(self, header: Header, transactions: int, deposited: int, prepaid: int) -> None:
        values = (header.number, header.hash, header.time, pack(header.base_fee), header.gas_limit)
        self.database.execute(
            "INSERT INTO block VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, header.origin_hash, transactions, pack(deposited), pack(prepaid)),
        )

    def _add_escrows(self, number: int, rows: BlockRows) -> None:
        origin = Position(number).key
        self.database.execute_many(
            "UPDATE escrow SET closed = ? WHERE job = ?", [(origin, job) for job in rows.closed]
        )
        opened: Iterable[Sequence[object]] = [
            (job, pack(each.reward), each.payer, key) for key, job, each in rows.opened
        ]
        self.database.execute_many("INSERT INTO escrow VALUES (?, ?, ?, ?, NULL)", list(opened))


def _account(row: Row) -> Account:
    """The account of a row that begins with nonce, cleared and withdrawn."""
    return Account(row[0], Wei(unpack(row[1])), Wei(unpack(row[2])))


def _block(row: Row) -> KnownBlock:
    number, digest, time, base_fee, gas_limit, randomness, transactions = row
    return KnownBlock(
        number, Digest(digest), time, Wei(unpack(base_fee)), gas_limit, Digest(randomness), transactions
    )


def _ordered(row: Row) -> Ordered:
    kind, gas, price, covered, strict, record = row
    return Ordered(
        Kind(kind), gas, unpack(price), unpack(covered), None if strict is None else bool(strict), record
    )
