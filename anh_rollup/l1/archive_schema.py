"""The tables of an archived order."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

MIGRATIONS: Final = (
    """
    CREATE TABLE checkpoint (
        identity BLOB NOT NULL,
        l1_block INTEGER NOT NULL,
        l1_hash BLOB NOT NULL,
        batches INTEGER NOT NULL,
        blocks INTEGER NOT NULL,
        forced_end INTEGER NOT NULL,
        deposited BLOB NOT NULL,
        prepaid BLOB NOT NULL,
        seal BLOB NOT NULL
    );
    CREATE TABLE block (
        number INTEGER PRIMARY KEY,
        hash BLOB NOT NULL,
        parent BLOB NOT NULL,
        time INTEGER NOT NULL,
        origin_number INTEGER NOT NULL,
        origin_hash BLOB NOT NULL,
        transactions_root BLOB NOT NULL,
        gas_limit INTEGER NOT NULL,
        base_fee BLOB NOT NULL,
        ordered_gas BLOB NOT NULL,
        forced INTEGER NOT NULL,
        mark BLOB NOT NULL,
        seal BLOB NOT NULL
    );
    CREATE INDEX block_hash ON block (hash);
    CREATE TABLE ordered (
        block INTEGER NOT NULL,
        place INTEGER NOT NULL,
        hash BLOB,
        record BLOB NOT NULL,
        effect TEXT,
        reason TEXT,
        gas INTEGER NOT NULL,
        price BLOB NOT NULL,
        covered BLOB NOT NULL,
        seal BLOB NOT NULL,
        PRIMARY KEY (block, place)
    ) WITHOUT ROWID;
    CREATE INDEX ordered_hash ON ordered (hash);
    CREATE TABLE batch (
        number INTEGER PRIMARY KEY,
        previous BLOB NOT NULL,
        transactions_root BLOB NOT NULL,
        count INTEGER NOT NULL,
        data_hash BLOB NOT NULL,
        forced_end INTEGER NOT NULL,
        commitment BLOB NOT NULL,
        first_block INTEGER NOT NULL,
        end_block INTEGER NOT NULL,
        l1_transaction BLOB NOT NULL,
        l1_block INTEGER NOT NULL,
        l1_hash BLOB NOT NULL,
        seal BLOB NOT NULL
    );
    CREATE TABLE account (
        address BLOB PRIMARY KEY,
        nonce INTEGER NOT NULL,
        cleared BLOB NOT NULL,
        withdrawn BLOB NOT NULL,
        seal BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE job (
        hash BLOB NOT NULL,
        batch INTEGER NOT NULL,
        commitment BLOB NOT NULL,
        place INTEGER NOT NULL,
        calldata BLOB NOT NULL,
        reward BLOB NOT NULL,
        payer BLOB NOT NULL,
        seal BLOB NOT NULL
    );
    CREATE INDEX job_hash ON job (hash);
    CREATE TABLE event (
        block INTEGER NOT NULL,
        place INTEGER NOT NULL,
        address TEXT NOT NULL,
        topics BLOB NOT NULL,
        data BLOB NOT NULL,
        block_hash BLOB NOT NULL,
        l1_transaction BLOB NOT NULL,
        notice INTEGER NOT NULL,
        seal BLOB NOT NULL,
        PRIMARY KEY (block, place)
    ) WITHOUT ROWID;
    CREATE INDEX event_notice ON event (block) WHERE notice;
    """,
)
"""Tables: how far the archive goes (one row, or none); what does not change any more, `block`, `ordered` for
their transactions and `batch`; the ledger behind the last batch, `account` and the open `job`s; and the L1
`event`s that a fold goes on from: of `notice`s those that no block has taken in. `seal` is
`seal_of` the columns before it."""


def seal_of(row: Sequence[object]) -> bytes:
    """What the last column of each row says of the others."""
    return blake2b(repr(tuple(row)).encode(), digest_size=16).digest()


def number_of(column: bytes) -> int:
    """The number of a column that `minimal` made."""
    return int.from_bytes(column, "big")
