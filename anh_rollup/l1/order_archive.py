"""The deep part of the order on a role's own disk: what was derived once is not derived again at a start.

One SQLite file holds the order up to a batch: its blocks with what came of their transactions, and all else
that a fold goes on from. It grows by whole batches, each stretch in one transaction, and names the L1 block
of the last one: whoever opens it believes it only where L1 still has that block (`OrderReader`).
"""

import logging
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Final

from anh_rollup.encoding.batches import BatchHeader, Header, block_transactions_root
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.rlp import minimal
from anh_rollup.errors import AnhError
from anh_rollup.l1.archive_schema import MIGRATIONS, number_of, seal_of
from anh_rollup.l1.posted_batch import PostedBatch
from anh_rollup.l1.types import Cursor, Log
from anh_rollup.primitives import Address, BatchNumber, BlockNumber, Digest, Gas, Seconds, Wei
from anh_rollup.protocol.continued import Continued
from anh_rollup.protocol.derivation import Head, L2Block, Order, UndecodedTransactions
from anh_rollup.protocol.jobs import decode_order, order_calldata
from anh_rollup.protocol.ledger import (
    Account,
    Charged,
    Effect,
    Escrow,
    Ledger,
    LedgerRules,
    Origin,
    Outcome,
    Skipped,
    SkipReason,
    WatchedAccounts,
    decode_or_none,
    fold_block,
)
from anh_rollup.protocol.orders import OrderedJob
from anh_rollup.protocol.sealed import mark_of
from anh_rollup.storage.database import Database, DatabaseError, Row

LOG = logging.getLogger(__name__)

DEPTH: Final = 4
"""L1 blocks above a batch before it is archived (choice): after a deeper reorg all of L1 is read again."""

FOLD: Final = b"\1"
"""Names the rules by which blocks are derived and folded: another one, and archives are made anew."""

MOST_BLOCKS: Final = 64
"""Archived blocks that are kept in memory once they were asked for (choice)."""


_CHECKPOINT, _ACCOUNTS = "SELECT * FROM checkpoint", "SELECT * FROM account"

_JOBS: Final = "SELECT * FROM job ORDER BY rowid"


class ArchiveCorruptError(DatabaseError):
    """The archive is not a sound database any more; nothing is lost with it but time."""

    def __init__(self, path: Path, cause: str) -> None:
        super().__init__(path, cause)
        self.remedy = "Start again: the archive is replaced, and the order derived from L1 anew."


@dataclass(frozen=True, slots=True)
class Stretch:
    """What follows on an archive's end, up to the last batch of some L1 block.

    Attributes:
        batches: At least one.
        blocks: Their blocks, with what L1 brought to each.
        jobs: The jobs whose reward is in escrow behind them, at least.
        events: The other events up to that L1 block that count, those that are archived not among them, and
            whether each is a notice to the ledger.
    """

    batches: Sequence[PostedBatch]
    blocks: Sequence[tuple[L2Block, Origin]]
    jobs: Mapping[bytes, OrderedJob]
    events: Sequence[tuple[Log, bool]]


class OrderArchive:
    """One SQLite file; may be read from several threads while one lets it grow.

    Args:
        path: The file; made if it is missing. One that is damaged, newer or of another rollup is replaced.
        identity: What tells the rollup from all others.
        genesis: Header of the genesis block.
        rules: Of the ledger.

    Attributes:
        cursor: The L1 block of the last batch; None before the first one.
        batches: How many batches there are.
        blocks: How many blocks there are.
    """

    def __init__(self, path: Path, identity: bytes, genesis: Header, rules: LedgerRules) -> None:
        self._path, self._identity, self._genesis, self._rules = path, identity, genesis, rules
        self.block = lru_cache(MOST_BLOCKS)(self._block)
        self.outcomes = lru_cache(MOST_BLOCKS)(self._outcomes)
        self._before: Database | None = None
        self._database: Database
        self._reading: Database
        self._found: ArchiveCorruptError | None
        self._held: set[Digest]
        self.cursor: Cursor | None
        self.batches: int
        self.blocks: int
        self._forced_end: int
        try:
            self._open()
        except (AnhError, ValueError) as error:
            LOG.warning("%s is replaced (%s); next: the order is derived from L1 anew", path, error)
            self._remove()
            self._open()

    def renewed(self) -> "OrderArchive":
        """An empty archive in the place of this one.

        What was read from this one can be read on until the new one is renewed or closed.
        """
        self._database.close()
        self._close_before()
        self._remove()
        fresh = OrderArchive(self._path, self._identity, self._genesis, self._rules)
        fresh._before = self._reading
        return fresh

    def close(self) -> None:
        """Closes the file."""
        self._database.close()
        self._reading.close()
        self._close_before()

    def require_sound(self) -> None:
        """Tells a role's loop of damage that anybody has found.

        Raises:
            ArchiveCorruptError: The archive is damaged; its file is gone, and the next start makes a new one.
        """
        if self._found is not None:
            raise self._found

    # --- reading ---

    @property
    def end(self) -> Head:
        """The end of the order that is archived."""
        last = self.head(BlockNumber(self.blocks)) if self.blocks else Head(self._genesis)
        return Head(last.header, last.ordered_gas, self._forced_end)

    def order(self) -> Order:
        """The order behind the last batch, to be continued."""
        number = BlockNumber(self.blocks)
        blocks = Continued(number, lambda place: self.block(BlockNumber(place + 1)))
        outcomes = Continued(number, lambda place: self.outcomes(BlockNumber(place + 1)))
        return Order(self._ledger.copy(), self.end, self._genesis, blocks, outcomes, self, number)

    def posted(self) -> Continued[PostedBatch]:
        """The batches, to be continued."""
        return Continued(self.batches, lambda place: self._batch(BatchNumber(place + 1)))

    def events(self) -> list[Log]:
        """The events that a fold goes on from, in order."""
        rows = self._rows("SELECT * FROM event ORDER BY block, place")
        return [_log(row) for row in rows]

    def jobs(self) -> list[OrderedJob]:
        """The jobs whose reward is in escrow behind the last batch, in order."""
        return [
            OrderedJob(batch, commitment, place, digest, decode_order(calldata), Wei(number_of(reward)))
            for digest, batch, commitment, place, calldata, reward, _ in self._rows(_JOBS)
        ]

    def marks(self) -> list[Digest]:
        """What tells each block with what L1 brought to it from every other; see `mark_of`."""
        return [Digest(row[0]) for row in self._read("SELECT mark FROM block ORDER BY number")]

    def head(self, number: BlockNumber) -> Head:
        """See `Archive`."""
        row = self._row(number)
        return Head(_header(row), Gas(number_of(row[9])))

    def number_of(self, digest: Digest) -> BlockNumber | None:
        """See `Archive`."""
        rows = self._read("SELECT number FROM block WHERE hash = ?", (digest,))
        return BlockNumber(rows[0][0]) if rows else None

    def place_of(self, digest: Digest) -> tuple[BlockNumber, int] | None:
        """See `Archive`. One that stands often counts where it had its effect, else where it stands first."""
        found = (
            "SELECT block, place FROM ordered WHERE hash = ? ORDER BY effect IS NULL, block, place LIMIT 1"
        )
        rows = self._read(found, (digest,))
        return (BlockNumber(rows[0][0]), rows[0][1]) if rows else None

    def had_effect(self, digest: Digest) -> bool:
        """See `Archive`."""
        found = "SELECT 1 FROM ordered WHERE hash = ? AND effect IS NOT NULL LIMIT 1"
        return bool(self._read(found, (digest,)))

    # --- writing ---

    def extend(self, stretch: Stretch) -> None:
        """Takes in what follows; all of it is on the disk when this returns, or nothing."""
        last = stretch.batches[-1]
        with self._database.transaction():
            for block, origin in stretch.blocks:
                self._add(block, origin)
            self._insert(
                "account",
                [
                    (address, each.nonce, minimal(each.cleared), minimal(each.withdrawn))
                    for address, each in self._accounts.take()
                ],
            )
            self._add_batches(stretch.batches)
            self._change_jobs(stretch.jobs)
            self._add_events(stretch)
            self._end(last, self.batches + len(stretch.batches), self.blocks + len(stretch.blocks))
        self.batches += len(stretch.batches)
        self.blocks += len(stretch.blocks)
        self._forced_end = last.header.forced_end
        self.cursor = Cursor(last.l1_block, last.l1_hash)

    def _insert(self, table: str, rows: Iterable[Sequence[object]]) -> None:
        """Writes rows, each with its seal."""
        sealed = [(*row, seal_of(row)) for row in rows]
        if sealed:
            places = ", ".join("?" * len(sealed[0]))
            # The table's name is this file's own.
            self._database.execute_many(f"INSERT OR REPLACE INTO {table} VALUES ({places})", sealed)  # noqa: S608

    def _add(self, block: L2Block, origin: Origin) -> None:
        fee, head = block.header.base_fee, block.header
        outcomes, _ = fold_block(self._ledger, block.transactions, fee, [origin], block.forced)
        places = (head.time, head.origin_number, head.origin_hash, head.transactions_root)
        fees = (head.gas_limit, minimal(fee), minimal(block.ordered_gas))
        mark = mark_of(block, origin)
        self._insert("block", [(block.number, block.hash, head.parent, *places, *fees, block.forced, mark)])
        self._insert(
            "ordered",
            [
                (
                    block.number,
                    place,
                    None if transaction is None else transaction.hash,
                    record,
                    *_row(outcome),
                )
                for place, ((record, transaction), outcome) in enumerate(
                    zip(block.transactions, outcomes, strict=True)
                )
            ],
        )

    def _add_batches(self, batches: Sequence[PostedBatch]) -> None:
        self._insert("batch", [_batch_row(each) for each in batches])

    def _change_jobs(self, jobs: Mapping[bytes, OrderedJob]) -> None:
        """Notes the jobs whose reward is in escrow since the last time, and forgets those that have ended."""
        escrows = self._ledger.escrows
        ended = [(digest,) for digest in self._held - escrows.keys()]
        self._database.execute_many("DELETE FROM job WHERE hash = ?", ended)
        held = [(jobs[digest], each.payer) for digest, each in escrows.items() if digest not in self._held]
        self._insert(
            "job",
            [
                (
                    each.transaction, each.batch, each.batch_commitment, each.index, order_calldata(each.job),
                    minimal(each.reward), payer,
                )
                for each, payer in held
            ],
        )  # fmt: skip
        self._held = set(escrows)

    def _add_events(self, stretch: Stretch) -> None:
        """Adds events, and forgets the notices that the blocks have taken in."""
        rows = [(*_event(log), int(is_notice)) for log, is_notice in stretch.events]
        self._insert("event", rows)
        if stretch.blocks:
            seen = stretch.blocks[-1][0].header.origin_number
            self._database.execute("DELETE FROM event WHERE notice AND block <= ?", (seen,))

    def _end(self, last: PostedBatch, batches: int, blocks: int) -> None:
        self._database.execute("DELETE FROM checkpoint")
        ledger = (minimal(self._ledger.deposited), minimal(self._ledger.prepaid))
        values = (last.l1_block, last.l1_hash, batches, blocks, last.header.forced_end)
        self._insert("checkpoint", [(self._identity, *values, *ledger)])

    # --- inside ---

    def _open(self) -> None:
        """Opens the file and reads all that a start goes on from: what else is damaged shows when it is read.

        Raises:
            AnhError: It is damaged, newer or of another rollup.
            ValueError: It is damaged.
        """
        self._found, self._held, self.cursor = None, set(), None
        self._accounts = WatchedAccounts()
        self._ledger = Ledger(self._rules, self._accounts)
        self.batches = self.blocks = self._forced_end = 0
        with ExitStack() as opened:
            self._database = self._connected(opened)
            # Readers do not wait for what is written.
            self._reading = self._connected(opened)
            # What a power failure takes back is derived from L1 again.
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._load()
            opened.pop_all()

    def _connected(self, opened: ExitStack) -> Database:
        """The file, without a look at all of it."""
        return opened.enter_context(closing(Database(self._path, MIGRATIONS, self._damaged, check=False)))

    def _load(self) -> None:
        """Takes over what the file has."""
        self._read("SELECT seal FROM ordered LIMIT 0")  # older files, even empty ones, have none
        rows, accounts, jobs = map(self._rows, (_CHECKPOINT, _ACCOUNTS, _JOBS))
        if not rows:
            return
        identity, block, digest, batches, blocks, forced_end, deposited, prepaid = rows[0]
        if identity != self._identity:
            raise ValueError("it is of another rollup")
        self.batches, self.blocks, self._forced_end = batches, blocks, forced_end
        self.cursor = Cursor(BlockNumber(block), digest)
        for address, nonce, cleared, withdrawn in accounts:
            account = Account(nonce, Wei(number_of(cleared)), Wei(number_of(withdrawn)))
            self._accounts[Address(address)] = account
        self._accounts.take()
        self._ledger.deposited, self._ledger.prepaid = Wei(number_of(deposited)), Wei(number_of(prepaid))
        for job, *_, reward, payer in jobs:
            self._ledger.escrows[Digest(job)] = Escrow(Wei(number_of(reward)), Address(payer))
        self._held = set(self._ledger.escrows)
        self._require_whole()

    def _require_whole(self) -> None:
        """Reads what else a start asks for; what is damaged raises."""
        if self._ledger.held != self._ledger.deposited:
            raise ValueError("its ledger does not hold what was deposited")
        if len(self.marks()) != self.blocks or len(self.jobs()) != len(self._held):
            raise ValueError("blocks or jobs are missing")
        self.events()
        self.order()

    def _damaged(self, path: Path, cause: str) -> ArchiveCorruptError:
        """The error for damage. The file is removed, so that the next start does not come upon it again."""
        self._found = ArchiveCorruptError(path, cause)
        self._remove()
        return self._found

    def _remove(self) -> None:
        """Removes the file; what has it open can read it on."""
        for end in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + end).unlink(missing_ok=True)

    def _close_before(self) -> None:
        if self._before is not None:
            self._before.close()

    def _read(self, question: str, given: Sequence[object] = ()) -> list[Row]:
        return self._reading.query(question, given)

    def _rows(self, question: str, given: Sequence[object] = ()) -> list[Row]:
        """Whole rows, without their seals, which have been checked."""
        rows = self._read(question, given)
        if any(seal_of(row[:-1]) != row[-1] for row in rows):
            raise self._damaged(self._path, "a row is not what was written")
        return [row[:-1] for row in rows]

    def _row(self, number: BlockNumber) -> Row:
        """The row of a block, whose header is checked against its hash."""
        rows = self._rows("SELECT * FROM block WHERE number = ?", (number,))
        if len(rows) != 1 or _header(rows[0]).hash != rows[0][1]:
            raise self._damaged(self._path, f"block {number} is not what was written")
        return rows[0]

    def _block(self, number: BlockNumber) -> L2Block:
        row = self._row(number)
        found = self._read("SELECT record FROM ordered WHERE block = ? ORDER BY place", (number,))
        records = [record for (record,) in found]
        header = _header(row)
        if block_transactions_root(records) != header.transactions_root:
            raise self._damaged(self._path, f"the transactions of block {number} are not what was written")
        decode = partial(decode_or_none, chain_id=self._rules.chain_id)
        return L2Block(header, row[10], UndecodedTransactions(records, decode))

    def _outcomes(self, number: BlockNumber) -> list[Outcome]:
        rows = self._rows("SELECT * FROM ordered WHERE block = ? ORDER BY place", (number,))
        return [_outcome(row[4:]) for row in rows]

    def _batch(self, number: BatchNumber) -> PostedBatch:
        rows = self._rows("SELECT * FROM batch WHERE number = ?", (number,))
        batch = _posted(rows[0]) if len(rows) == 1 else None
        if batch is None or batch.header.commitment() != batch.commitment:
            raise self._damaged(self._path, f"batch {number} is not what was written")
        return batch


def deep_batches(batches: Sequence[PostedBatch], head: BlockNumber) -> int:
    """How many of the first batches lie `DEPTH` below an L1 block; all of one L1 block, or none."""
    return bisect_right(batches, head - DEPTH, key=lambda batch: batch.l1_block)


def identity_of(genesis: Header, *parts: str) -> bytes:
    """What tells a rollup from all others: its genesis, its contracts and its sequencer."""
    return keccak256(b"".join([FOLD, genesis.hash, *[part.encode() for part in parts]]))


def _header(row: Row) -> Header:
    number, _, parent, time, origin, origin_hash, root, gas_limit, base_fee = row[:9]
    place = (Digest(parent), Seconds(time), BlockNumber(origin), Digest(origin_hash), Digest(root))
    return Header(BlockNumber(number), *place, Gas(gas_limit), Wei(number_of(base_fee)))


def _row(outcome: Outcome) -> tuple[str | None, str | None, int, bytes, bytes]:
    """The columns of what came of a transaction."""
    if isinstance(outcome, Skipped):
        return None, outcome.reason.value, 0, b"", b""
    return outcome.effect.value, None, outcome.gas, minimal(outcome.price), minimal(outcome.covered)


def _outcome(row: Row) -> Outcome:
    effect, reason, gas, price, covered = row
    if effect is None:
        return Skipped(SkipReason(reason))
    return Charged(Effect(effect), Gas(gas), Wei(number_of(price)), Wei(number_of(covered)))


def _batch_row(batch: PostedBatch) -> tuple[object, ...]:
    """The columns of a batch."""
    held = batch.header
    header = (held.number, held.previous, held.transactions_root, held.count, held.data, held.forced_end)
    at = (batch.transaction, batch.l1_block, batch.l1_hash)
    return *header, batch.commitment, batch.first_block, batch.end_block, *at


def _posted(row: Row) -> PostedBatch:
    """The batch of a row."""
    *header, commitment, first, end, transaction, block, digest = row
    return PostedBatch(BatchHeader(*header), commitment, first, end, transaction, block, digest)


def _event(log: Log) -> tuple[object, ...]:
    """The columns of an event; its topics in a row."""
    return log.block, log.index, log.address, b"".join(log.topics), log.data, log.block_hash, log.transaction


def _log(row: Row) -> Log:
    block, place, address, topics, data, block_hash, transaction, _ = row
    words = tuple([topics[at : at + 32] for at in range(0, len(topics), 32)])
    return Log(address, words, data, BlockNumber(block), block_hash, transaction, place)
