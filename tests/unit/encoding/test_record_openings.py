"""A record is opened from blobs by itself, as L1 would, field element by field element."""

from collections.abc import Sequence
from typing import Any

import pytest

from anh_rollup.encoding.batches import Batch, BlockRecord, encode_batch
from anh_rollup.encoding.blobs import CARRIED_SIZE, FIELD_ELEMENT_SIZE, LENGTH_SIZE, pack
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.packed_records import unpack_record
from anh_rollup.encoding.transactions import SignedTransaction, encode_record
from anh_rollup.primitives import (
    L2_CHAIN_ID,
    ZERO_DIGEST,
    Address,
    BlockNumber,
    Gas,
    Seconds,
    Wei,
)

HEAD, NUMBER, GROUP = 52, 20, 16


class Blobs:
    """The blobs of a batch, and which of their field elements were opened (EIP-4844's point evaluation)."""

    def __init__(self, payload: bytes) -> None:
        self._elements = b"".join(pack(payload))
        self.opened: set[int] = set()

    def read(self, start: int, size: int) -> bytes:
        """Bytes of the batch."""
        places = [divmod(LENGTH_SIZE + at, CARRIED_SIZE) for at in range(start, start + size)]
        self.opened |= {element for element, _ in places}
        return bytes([self._elements[element * FIELD_ELEMENT_SIZE + 1 + at] for element, at in places])

    def uint(self, start: int, size: int) -> int:
        return int.from_bytes(self.read(start, size), "big")


class Table(Sequence[int]):
    """A batch's table, of which only what a record names is read."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._size = blobs.uint(HEAD - 5, 2)

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, at: Any) -> Any:
        return self._blobs.uint(HEAD + NUMBER * at, NUMBER)


def opened_record(blobs: Blobs, place: int) -> bytes:
    """One record of a batch."""
    table, count = Table(blobs), blobs.uint(HEAD - 9, 4)
    index = HEAD + NUMBER * len(table)
    bodies = index + count + 3 * -(-count // GROUP)
    group, within = divmod(place, GROUP)
    row = index + (3 + GROUP) * group
    start = bodies + blobs.uint(row, 3)
    for length in blobs.read(row + 3, within):
        start += length or 3 + blobs.uint(start, 3)
    length = blobs.uint(row + 3 + within, 1)
    if length == 0:
        start, length = start + 3, blobs.uint(start, 3)
    return unpack_record(blobs.read(start, length), table)


def record(nonce: int) -> bytes:
    """A transfer of one of five tokens; the hundredth has long data instead."""
    words = (bytes(12) + keccak256(b"to %d" % nonce)[:20], (nonce + 1).to_bytes(32, "big"))
    return encode_record(
        SignedTransaction(
            kind=2,
            chain_id=L2_CHAIN_ID,
            nonce=nonce,
            gas_limit=Gas(60_000),
            max_fee=Wei(3_456_789_012 + nonce),
            priority_fee=Wei(10**9),
            to=Address(bytes([1 + nonce % 5]) * 20),
            value=Wei(0),
            data=b"\1" * 700 if nonce == 100 else bytes.fromhex("a9059cbb") + b"".join(words),
            access_list=(),
            y_parity=0,
            r=int.from_bytes(keccak256(b"r %d" % nonce), "big"),
            s=int.from_bytes(keccak256(b"s %d" % nonce), "big"),
            sender=Address(bytes(20)),
            hash=ZERO_DIGEST,
        )
    )


RECORDS = tuple(record(nonce) for nonce in range(600))
BLOCK = BlockRecord(Seconds(1), BlockNumber(1), ZERO_DIGEST, 0, RECORDS)
PAYLOAD = encode_batch(Batch(BlockNumber(1), ZERO_DIGEST, (BLOCK,)))


@pytest.mark.parametrize("place", [0, 15, 16, 333, 599])
def test_a_transfer_is_opened_with_few_field_elements(place: int) -> None:
    blobs = Blobs(PAYLOAD)
    assert opened_record(blobs, place) == RECORDS[place]
    # At most 2 for the counts, 2 for the row of the index, 5 for the record, 2 each for token and selector.
    assert len(blobs.opened) <= 13


@pytest.mark.parametrize("place", [100, 101])
def test_a_long_record_costs_its_own_bytes_and_its_group_one_length(place: int) -> None:
    blobs = Blobs(PAYLOAD)
    assert opened_record(blobs, place) == RECORDS[place]
    assert len(blobs.opened) <= 13 + len(RECORDS[place]) // 31
