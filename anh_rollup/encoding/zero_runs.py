"""Packing of calldata: runs of 0x00 and 0xff in two bytes, as solady's LibZip.cdCompress does it.

A run is 0x00 and a control byte: the high bit says 0xff, the low seven bits the length less one; the first
four bytes of the whole are negated. Source: node_modules/solady/src/utils/LibZip.sol;
tests/vectors/zero_runs.json binds the two.
"""

import re
from typing import Final

from anh_rollup.encoding.errors import EncodingError, EncodingReason

MOST_UNPACKED: Final = 1 << 17
"""Default bound of `decompress`: 128 KiB, the most that a transaction carries."""

# The compressor's own bounds: it never writes a run of more than 128 zeros or 32 bytes 0xff. Where each
# branch begins with one certain byte, `re` finds runs twice as fast.
_RUNS: Final = re.compile(rb"\x00\x00{0,127}|\xff\xff{0,31}")
_PACKED: Final = {
    byte * length: bytes([0, flag | length - 1])
    for byte, flag, longest in ((b"\0", 0x00, 128), (b"\xff", 0x80, 32))
    for length in range(1, longest + 1)
}
_NEGATED: Final = 4
_NEGATE: Final = bytes(range(255, -1, -1))
# cdDecompress stores one word for a run of 0xff, however long: what follows is memory that nobody wrote.
_WORD: Final = 32


def compress(data: bytes) -> bytes:
    """`data` packed as cdCompress packs it; nothing stays nothing."""
    return _negated(_RUNS.sub(lambda run: _PACKED[run[0]], data))


def decompress(data: bytes, most: int = MOST_UNPACKED) -> bytes:
    """What cdDecompress makes of `data`, which may be any bytes.

    Memory that cdDecompress reads behind its argument, or skips in its result, counts as zero, as it is in a
    fresh call. No output of `compress` depends on such memory.

    Raises:
        EncodingError: The result is longer than `most` (TOO_LARGE); it is not built then.
    """
    if not data:
        return b""
    packed = _negated(data.ljust(_NEGATED, b"\0"))
    parts: list[bytes] = []
    size = at = 0
    while at < len(data):
        run = packed.find(b"\0", at)
        end = min(run, len(data)) if run >= 0 else len(data)
        part = packed[at:end]
        at = end
        if at < len(data):
            part += _unpacked_run(packed[at + 1] if at + 1 < len(packed) else 0)
            at += 2
        size += len(part)
        if size > most:
            raise EncodingError(EncodingReason.TOO_LARGE, f"packed data unfolds to more than {most} bytes")
        parts.append(part)
    return b"".join(parts)


def _negated(data: bytes) -> bytes:
    return data[:_NEGATED].translate(_NEGATE) + data[_NEGATED:]


def _unpacked_run(control: int) -> bytes:
    length = (control & 0x7F) + 1
    return bytes(length) if control < 0x80 else (b"\xff" * min(length, _WORD)).ljust(length, b"\0")
