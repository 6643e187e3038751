"""The tables of a world: what the order says, and what executions have found out.

Every row of a versioned table counts from its position on. Whatever an execution writes is committed together
with its result, so a crash loses results and never half of one.
"""

from typing import Final

_EMPTIED: Final = """
    DELETE FROM world;
    DELETE FROM block;
    DELETE FROM ordered;
    DELETE FROM ledger;
    DELETE FROM escrow;
    DELETE FROM writer;
    DELETE FROM unexecuted;
    DELETE FROM result;
    DELETE FROM account;
    DELETE FROM slot;
    DELETE FROM log;
    DELETE FROM used;
    DELETE FROM part;
    DELETE FROM publication;
    """
"""What a world has of the order and of executions: its follower gives it the order again."""

MIGRATIONS: Final = (
    """
    CREATE TABLE world (genesis BLOB NOT NULL, final INTEGER NOT NULL);
    CREATE TABLE block (
        number INTEGER PRIMARY KEY,
        hash BLOB NOT NULL,
        time INTEGER NOT NULL,
        base_fee BLOB NOT NULL,
        gas_limit INTEGER NOT NULL,
        randomness BLOB NOT NULL,
        transactions INTEGER NOT NULL,
        deposited BLOB NOT NULL,
        prepaid BLOB NOT NULL
    );
    CREATE TABLE ordered (
        position INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        gas INTEGER NOT NULL,
        price BLOB NOT NULL,
        covered BLOB NOT NULL,
        strict INTEGER,
        record BLOB NOT NULL
    );
    CREATE INDEX ordered_open ON ordered (position) WHERE strict = 0;
    CREATE INDEX ordered_prepaid ON ordered (position) WHERE strict IS NOT NULL;
    CREATE TABLE ledger (
        address BLOB NOT NULL,
        position INTEGER NOT NULL,
        nonce INTEGER NOT NULL,
        cleared BLOB NOT NULL,
        PRIMARY KEY (address, position)
    ) WITHOUT ROWID;
    CREATE INDEX ledger_position ON ledger (position);
    CREATE TABLE escrow (
        job BLOB PRIMARY KEY,
        reward BLOB NOT NULL,
        payer BLOB NOT NULL,
        deadline BLOB NOT NULL,
        opened INTEGER NOT NULL,
        closed INTEGER
    );
    CREATE TABLE writer (
        item BLOB NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY (item, position)
    ) WITHOUT ROWID;
    CREATE INDEX writer_position ON writer (position);
    CREATE TABLE unexecuted (position INTEGER PRIMARY KEY, request BLOB);
    CREATE INDEX unexecuted_waiting ON unexecuted (position) WHERE request IS NOT NULL;
    CREATE TABLE result (
        position INTEGER PRIMARY KEY,
        succeeded INTEGER NOT NULL,
        gas_used INTEGER NOT NULL,
        created BLOB
    );
    CREATE TABLE account (
        address BLOB NOT NULL,
        position INTEGER NOT NULL,
        nonce INTEGER NOT NULL,
        uncleared BLOB NOT NULL,
        code BLOB NOT NULL,
        PRIMARY KEY (address, position)
    ) WITHOUT ROWID;
    CREATE INDEX account_position ON account (position);
    CREATE TABLE slot (
        address BLOB NOT NULL,
        key BLOB NOT NULL,
        position INTEGER NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (address, key, position)
    ) WITHOUT ROWID;
    CREATE INDEX slot_position ON slot (position);
    CREATE TABLE code (hash BLOB PRIMARY KEY, code BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE log (
        position INTEGER NOT NULL,
        place INTEGER NOT NULL,
        address BLOB NOT NULL,
        topics BLOB NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (position, place)
    ) WITHOUT ROWID;
    CREATE INDEX log_address ON log (address, position);
    """,
    """
    CREATE TABLE cell (
        terms BLOB PRIMARY KEY,
        model BLOB NOT NULL,
        scores BLOB NOT NULL,
        claimant BLOB NOT NULL,
        uri BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX cell_model ON cell (model);
    CREATE TABLE used (
        terms BLOB NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY (terms, position)
    ) WITHOUT ROWID;
    CREATE INDEX used_position ON used (position);
    """,
    """
    ALTER TABLE ledger ADD COLUMN withdrawn BLOB NOT NULL DEFAULT x'00';
    ALTER TABLE escrow DROP COLUMN deadline;
    """,
    """
    CREATE TABLE part (
        hash BLOB PRIMARY KEY,
        position INTEGER NOT NULL,
        size INTEGER NOT NULL,
        content BLOB NOT NULL
    );
    CREATE INDEX part_position ON part (position);
    CREATE TABLE publication (
        position INTEGER PRIMARY KEY,
        kind INTEGER NOT NULL,
        root BLOB NOT NULL,
        digest BLOB NOT NULL,
        size INTEGER NOT NULL,
        sound INTEGER,
        parts BLOB NOT NULL
    );
    CREATE INDEX publication_sound ON publication (root, kind, position) WHERE sound = 1;
    CREATE INDEX publication_unknown ON publication (root, kind, position) WHERE sound IS NULL;
    CREATE INDEX publication_digest ON publication (digest, sound);
    DROP INDEX cell_model;
    ALTER TABLE cell DROP COLUMN uri;
    """
    + _EMPTIED,
    """
    ALTER TABLE publication ADD COLUMN gas INTEGER NOT NULL DEFAULT 0;
    DROP INDEX publication_sound;
    DROP INDEX publication_unknown;
    CREATE INDEX publication_sound ON publication (root, kind, gas, position) WHERE sound = 1;
    CREATE INDEX publication_unknown ON publication (root, kind, gas, position) WHERE sound IS NULL;
    """
    + _EMPTIED,
    _EMPTIED,
)
"""What the order says: `block`, `ordered` with what the ledger answered, versions of `ledger` accounts, each
`escrow`, and for each item its strict `writer`s. What executions found out: `result`, `log`, and versions of
`account` and `slot`. A prepaid transaction is `unexecuted` until then, with what it waits for. What L1
says: the `cell` of each called job that has ended, empty but for its terms where nobody has done it, and
which transactions have `used` it. What the order publishes: each `part` by its hash where it stands first,
and each `publication` that has paid for being looked at, with what that takes and what was found then. Older
worlds know no publications, or not their gas, or counted long sums as short ones: the last three steps
empty them."""

FOUND: Final = ("result", "account", "slot", "log", "used")
"""The tables that an execution fills from its position on."""

VERSIONED: Final = ("ordered", "ledger", "writer", "unexecuted", "part", "publication", *FOUND)
"""The tables whose rows are forgotten with the order from their position on."""


def pack(number: int) -> bytes:
    """A number of any size and sign as a column holds it."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True)


def unpack(data: bytes) -> int:
    """The number of a column."""
    return int.from_bytes(data, "big", signed=True)
