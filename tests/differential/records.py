"""Random records, sound ones and broken ones."""

from random import Random
from typing import Final

from anh_rollup.encoding.recovery import CURVE_ORDER
from anh_rollup.encoding.rlp import encode_bytes, encode_list
from anh_rollup.encoding.zero_runs import compress
from anh_rollup.primitives import Seconds
from anh_rollup.protocol.jobs import Job, JobKind, Property, order_calldata
from anh_rollup.protocol.ledger import DNN, EXIT

_EDGES: Final = (0, 1, 0x7F, 0x80, 0xFF, 0x100, 2**64 - 2, 2**64 - 1, 2**64, 2**255, 2**256 - 1)
_PIECES: Final = (b"\0", b"\xff", b"\0" * 127, b"\0" * 128, b"\0" * 129, b"\xff" * 32, b"\xff" * 33, b"\x01")


def random_record(random: Random) -> bytes:
    """A record, mostly a sound one; with a random signature any change of a field changes the sender."""
    record = _record(random)
    for _ in range(random.choice((0, 0, 0, 1, 1, 2))):
        record = _changed(random, record) if record else record
    return record


def random_data(random: Random) -> bytes:
    """Calldata: runs, random bytes, orders and nearly orders."""
    kind = random.randrange(5)
    if kind == 0:
        return b""
    if kind == 1:
        return random.randbytes(random.randrange(1, 200))
    if kind == 2:
        return b"".join(random.choices(_PIECES, k=random.randrange(1, 9)))
    if kind == 3:
        return b"".join([random.choice((random.choice(_PIECES), random.randbytes(3))) for _ in range(20)])
    data = bytearray(_order(random))
    if random.random() < 0.6:
        at = random.choice((random.randrange(len(data)), 4 + 32 * random.randrange(len(data) // 32) + 31))
        data[at] = random.choice((0, 1, 2, 3, 0x20, 0x7F, data[at] ^ 1, random.randrange(256)))
    if random.random() < 0.1:
        data += bytes(random.choice((1, 32)))
    return bytes(data)


def _order(random: Random) -> bytes:
    kind = random.choice(list(JobKind))
    listed = [
        Property(random.randbytes(32), random.randbytes(32), random.randrange(-(2**63), 2**63))
        for _ in range(random.randint(1, 4))
    ]
    model = bytes(32) if kind is JobKind.TRAINING else random.randbytes(32)
    uri = "".join(random.choices(" ~az/", k=random.choice((0, 1, 31, 32, 33, 511, 512))))
    deadline = Seconds(random.randrange(2**64))
    return order_calldata(Job(kind, random.randbytes(32), model, tuple(listed), deadline, uri))


def _record(random: Random) -> bytes:
    kind = random.randrange(3)
    to = random.choice((None, DNN, DNN, EXIT, random.randbytes(20)))
    listed = kind > 0 and random.random() < 0.4
    head = kind | 4 * random.randrange(2) | 8 * (to is not None) | 16 * listed
    fee = _number(random)
    priority = [min(fee, _number(random)) if random.random() < 0.9 else _number(random)] if kind == 2 else []
    numbers = [_number(random) & 2**64 - 1, _number(random) & 2**64 - 1, fee, *priority, _number(random)]
    parts = [bytes([head]), _signature(random), to or b"", *[_sized(each) for each in numbers]]
    if listed:
        encoded = _access_list(random)
        parts.append(len(encoded).to_bytes(3, "big") + encoded)
    return b"".join([*parts, compress(random_data(random))])


def _signature(random: Random) -> bytes:
    r, s = random.randrange(1, CURVE_ORDER), random.randrange(1, CURVE_ORDER // 2 + 1)
    if random.random() < 0.1:
        r = random.choice((0, 1, 2, CURVE_ORDER, r >> 200, 2**256 - 1))
    if random.random() < 0.1:
        s = random.choice((0, 1, CURVE_ORDER // 2, CURVE_ORDER // 2 + 1, s >> 200, 2**256 - 1))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _access_list(random: Random) -> bytes:
    """A list of addresses and keys; now and then with something of another size or shape."""
    entries = []
    for _ in range(random.choice((1, 1, 2, 5, 0))):
        sizes = [
            32 if random.random() < 0.97 else random.choice((1, 31, 33)) for _ in range(random.randrange(4))
        ]
        keys = encode_list([encode_bytes(random.randbytes(size)) for size in sizes])
        address = encode_bytes(random.randbytes(20 if random.random() < 0.97 else 21))
        entries.append(encode_list([address, keys] if random.random() < 0.97 else [keys, address]))
    return encode_list(entries)


def _changed(random: Random, record: bytes) -> bytes:
    """A byte changed, added, taken away, or what follows cut off."""
    at, byte = (
        random.randrange(len(record)),
        bytes([random.choice((0, 1, 0x80, 0xFF, random.randrange(256)))]),
    )
    if random.random() < 0.2:
        at = random.choice((0, len(record) - 1))
    kind = random.randrange(6)
    if kind == 0:
        return record[:at]
    if kind == 1:
        return record[:at] + byte + record[at:]
    if kind == 2:
        return record[:at] + record[at + 1 :]
    if kind == 3:
        return record + byte
    return record[:at] + byte + record[at + 1 :]


def _number(random: Random) -> int:
    if random.random() < 0.3:
        return random.choice(_EDGES)
    return random.randrange(1 << 8 * random.randrange(1, 33))


def _sized(value: int) -> bytes:
    size = (value.bit_length() + 7) // 8
    return (size << 8 * size | value).to_bytes(1 + size, "big")
