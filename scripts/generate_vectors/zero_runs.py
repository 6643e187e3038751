"""Packed calldata, well and badly formed."""

from anh_rollup.encoding.zero_runs import compress, decompress
from scripts.generate_vectors.cases import Vectors, some_bytes, table


def vectors() -> Vectors:
    """Table `pairs`: `packed` is what `data` packs to. Table `unpacked`: what any bytes unfold to.

    Memory behind the bytes has to be zero, as in a fresh call.
    """
    return {
        "pairs": table([{"data": data, "packed": compress(data)} for data in _plain()]),
        "unpacked": table([{"packed": packed, "data": decompress(packed)} for packed in _any()]),
    }


def _plain() -> list[bytes]:
    runs = [
        bytes([byte]) * length
        for byte in (0, 255, 7)
        for length in (1, 2, 4, 31, 32, 33, 64, 127, 128, 129, 300)
    ]
    mixed = [b"\1" + bytes(5) + b"\xff" * 40 + b"\2\3" + bytes(130) + b"\4" * 35 + b"\xff", bytes(31) + b"\1"]
    # A transfer call: four bytes of selector, an address, an amount.
    call = bytes.fromhex("a9059cbb") + bytes(12) + some_bytes("to", 20) + bytes(30) + b"\1\2"
    return [
        b"",
        *runs,
        *mixed,
        call,
        call + b"\xff" * 32,
        *[some_bytes("plain", size) for size in (1, 3, 5, 77)],
    ]


def _any() -> list[bytes]:
    """Among them: cut runs, controls that `compress` never writes, strings shorter than the negated head."""
    short = [bytes([byte]) * length for byte in (0, 1, 0xFE, 0xFF) for length in range(1, 6)]
    head = b"\1\2\3\4\5"
    controls = [
        head + bytes([0, control]) + tail
        for control in (0, 31, 127, 128, 159, 160, 255)
        for tail in (b"", b"\7")
    ]
    cut = [
        head + bytes(1),
        head[:4] + bytes(1),
        head + bytes(3),
        head + b"\xff" * 35 + bytes(1),
        b"\1" * 31 + bytes(1),
    ]
    stale = [head + b"\0\x80" + b"\0\x04" + b"\0\xff" + b"\1", head + b"\x09" * 3 + b"\0\xbf\0\x00\0\xc0"]
    return [b"", *short, *controls, *cut, *stale, *[some_bytes("any", size) for size in (6, 40, 200)]]
