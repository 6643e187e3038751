"""Whole blobs with what shows them to L1.

`python -m scripts.generate_vectors` writes them; forge registers each through LedgerArbiter.
"""

from typing import Final

from anh_rollup.encoding.blob_chunks import LOW_BYTES
from anh_rollup.encoding.blobs import BLOB_ELEMENTS, CARRIED_SIZE
from anh_rollup.l1.blobs import BLS_MODULUS, open_blob
from anh_rollup.primitives import BatchNumber
from anh_rollup.protocol.machine.witnesses import BlobOpening
from scripts.generate_vectors.cases import Row, Vectors, some_bytes, table
from scripts.generate_vectors.ledger_cases import ordinary

SEED: Final = "whole blob"
"""Makes the low 31 bytes of the elements of the blobs in table `random`."""


def vectors() -> Vectors:
    """Table `random`: blobs whose low bytes `SEED` makes, with first bytes of 0, and as high as can be.

    Table `history`: the first blob of the history in blobs of `ledger_machine`, without the zeros at the
    end of its contents; `chunk` and `siblings` are its first chunk and that one's proof.
    """
    return {
        "random": table([_row("no first bytes", False), _row("first bytes", True)]),
        "history": table([_first()]),
    }


def _row(name: str, with_first: bool) -> Row:
    low = some_bytes(SEED, LOW_BYTES)
    opening = open_blob(b"".join([_element(low, index, with_first) for index in range(BLOB_ELEMENTS)]))
    return {"name": name, "seed": SEED, "first": opening.contents[LOW_BYTES:], **_opened(opening)}


def _element(low: bytes, index: int, with_first: bool) -> bytes:
    """An element with the highest first byte that leaves it below the modulus, or with 0."""
    carried = low[CARRIED_SIZE * index : CARRIED_SIZE * (index + 1)]
    most, rest = divmod(BLS_MODULUS - 1, 1 << 8 * CARRIED_SIZE)
    first = most - (int.from_bytes(carried, "big") > rest)
    return bytes([first * with_first]) + carried


def _first() -> Row:
    history = ordinary(blobs=True)
    opening, chunk = history.whole(BatchNumber(1), 0), history.chunk(BatchNumber(1), 0)
    return {
        "contents": opening.contents.rstrip(b"\0"),
        **_opened(opening),
        "chunk": chunk.data,
        "siblings": b"".join(chunk.proof),
    }


def _opened(opening: BlobOpening) -> Row:
    return {"blob": opening.blob, "commitment": opening.commitment, "proof": opening.proof}
