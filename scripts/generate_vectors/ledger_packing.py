"""Batches whose records are packed by hand: as an encoder never would, and a hostile sequencer could."""

from collections.abc import Sequence
from typing import Any

from anh_rollup.encoding.batches import BATCH_HEAD_SIZE, encode_batch
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.indexed_items import encode_items
from anh_rollup.encoding.packed_records import TABLE_NUMBER_SIZE, unpack_record
from anh_rollup.protocol.derivation import batch_of
from anh_rollup.protocol.machine.payload import PayloadReader, read_batch_head
from scripts.generate_vectors.ledger_history import History, Sealed

_TABLE_AT = BATCH_HEAD_SIZE - 5


def repacked(data: bytes, table: Sequence[int], packed: Sequence[bytes]) -> bytes:
    """A batch's bytes with another table and other packed records, as many as before."""
    head = read_batch_head(PayloadReader(data, []))
    if head is None:
        raise ValueError("these bytes are no batch")
    index, bodies = encode_items(packed)
    numbers = b"".join([number.to_bytes(TABLE_NUMBER_SIZE, "big") for number in table])
    sizes = len(table).to_bytes(2, "big") + len(bodies).to_bytes(3, "big")
    return data[:_TABLE_AT] + sizes + numbers + index + bodies + data[head.bodies_end :]


def post_packed(history: History, table: Sequence[int], packed: Sequence[bytes], **how: Any) -> None:
    """Posts a batch of one block with these packed records; what does not unpack makes it void.

    Args:
        history: What L1 holds.
        table: The batch's table.
        packed: Its packed records.
        how: As `History.post` takes it.
    """
    sealed = Sealed(tuple([_record(each, table) for each in packed]), origins=1)
    data = encode_batch(batch_of(history.blocks(sealed)))
    history.post(sealed, payload=repacked(data, table, packed), **how)


def _record(packed: bytes, table: Sequence[int]) -> bytes:
    try:
        return unpack_record(packed, table)
    except EncodingError:
        return b"no record"


def named(place: int) -> bytes:
    """A number of the table, by its place."""
    return (0x6000 | place).to_bytes(2, "big")
