"""Packing bytes into EIP-4844 blobs.

A field element carries 31 bytes behind a zero byte, so that it is below the field's modulus.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from anh_rollup.encoding.errors import EncodingError, EncodingReason

BLOB_ELEMENTS: Final = 4096
"""Field elements of a blob (EIP-4844, FIELD_ELEMENTS_PER_BLOB)."""

FIELD_ELEMENT_SIZE: Final = 32
"""Bytes of a field element."""

CARRIED_SIZE: Final = FIELD_ELEMENT_SIZE - 1
"""Bytes that a field element carries, behind a zero byte."""

BLOB_SIZE: Final = BLOB_ELEMENTS * FIELD_ELEMENT_SIZE
"""Bytes of a blob."""

BLOB_CAPACITY: Final = BLOB_ELEMENTS * CARRIED_SIZE
"""Bytes that a blob carries, the length among them."""

MOST_BLOBS: Final = 6
"""Blobs of one transaction (Cancun's MAX_BLOBS_PER_BLOCK)."""

LENGTH_SIZE: Final = 4
"""Bytes of the length that stands before the payload."""

MOST_PAYLOAD: Final = MOST_BLOBS * BLOB_CAPACITY - LENGTH_SIZE
"""Bytes that one transaction's blobs carry."""


def pack(payload: bytes) -> list[bytes]:
    """The blobs that carry `payload`: as few as can.

    Raises:
        EncodingError: It takes more than six (TOO_LARGE).
    """
    if len(payload) > MOST_PAYLOAD:
        message = f"{len(payload)} bytes do not fit {MOST_BLOBS} blobs, which carry {MOST_PAYLOAD}"
        raise EncodingError(EncodingReason.TOO_LARGE, message)
    prefixed = len(payload).to_bytes(LENGTH_SIZE, "big") + payload
    blobs = -(-len(prefixed) // BLOB_CAPACITY)
    rows = np.zeros((blobs * BLOB_ELEMENTS, FIELD_ELEMENT_SIZE), np.uint8)
    padded = prefixed.ljust(blobs * BLOB_CAPACITY, b"\0")
    rows[:, 1:] = np.frombuffer(padded, np.uint8).reshape(-1, CARRIED_SIZE)
    packed = rows.tobytes()
    return [packed[first : first + BLOB_SIZE] for first in range(0, len(packed), BLOB_SIZE)]


def unpack(blobs: Sequence[bytes]) -> bytes:
    """The payload of blobs; what `pack` fills up with zeros is not looked at.

    Raises:
        EncodingError: No blobs (OUT_OF_RANGE), one of another size (WRONG_LENGTH), or a length beyond them
            (TRUNCATED).
    """
    if not blobs:
        raise EncodingError(EncodingReason.OUT_OF_RANGE, "a batch has at least one blob")
    if any(len(blob) != BLOB_SIZE for blob in blobs):
        raise EncodingError(EncodingReason.WRONG_LENGTH, f"a blob does not have {BLOB_SIZE} bytes")
    rows = np.frombuffer(b"".join(blobs), np.uint8).reshape(-1, FIELD_ELEMENT_SIZE)
    carried = rows[:, 1:].tobytes()
    end = LENGTH_SIZE + int.from_bytes(carried[:LENGTH_SIZE], "big")
    if end > len(carried):
        raise EncodingError(
            EncodingReason.TRUNCATED, f"the blobs carry {len(carried)} bytes and promise {end}"
        )
    return carried[LENGTH_SIZE:end]
