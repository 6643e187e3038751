"""Signed Ethereum transactions of types 0, 1 and 2, as clients send them and as batches record them.

A record is everything that cannot be computed again: no chain id, no public key, no type prefix. One
transaction has one record. docs/encoding.md draws the layout; tests/vectors/records.json binds it to
Solidity.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from anh_rollup.encoding.checks import UINT64_MOST, UINT256_MOST
from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.reader import Reader
from anh_rollup.encoding.recovery import Signature, recover
from anh_rollup.encoding.rlp import Item, decode, encode_bytes, encode_list, encode_uint, minimal
from anh_rollup.encoding.zero_runs import compress, decompress
from anh_rollup.primitives import ADDRESS_SIZE, DIGEST_SIZE, L2_CHAIN_ID, Address, ChainId, Digest, Gas, Wei

AccessList = tuple[tuple[Address, tuple[Digest, ...]], ...]
"""Addresses and storage keys, in the order in which they were signed (EIP-2930)."""

MOST_TRANSACTION_BYTES: Final = 1 << 17
"""Longest signed transaction, 128 KiB: what Ethereum's own clients relay (go-ethereum's txMaxSize)."""

MOST_RECORD_BYTES: Final = 1 << 16
"""Longest record, 64 KiB: in a dispute one L1 transaction shows and unpacks it (choice)."""

MOST_NONCE: Final = UINT64_MOST - 1
"""Highest nonce of a transaction (EIP-2681)."""

LEGACY, ACCESS_LIST, DYNAMIC_FEE = range(3)

EIP155_BASE: Final = 35
"""What v is above twice the chain id in a legacy signature of y parity 0 (EIP-155)."""

_FIRST_LIST: Final = 0xC0
_SINGLE_BYTES: Final = 0x80
_ITEM_COUNTS: Final = {LEGACY: 9, ACCESS_LIST: 11, DYNAMIC_FEE: 12}
_WORD: Final = 32

TYPE_BITS: Final = 0b11
"""Where a record's head holds the type."""

TO_BIT: Final = 1 << 3
"""In a record's head: there is a recipient."""

ACCESS_LIST_BIT: Final = 1 << 4
"""In a record's head: the access list is not empty."""

UNUSED_BITS: Final = 0b11100000
"""Zeros in a record's head."""

_PARITY_BIT: Final = 1 << 2


class SignedTransaction(NamedTuple):
    """A transaction whose signature is sound; nothing is said about nonce or funds.

    It is no dataclass because each one that is decoded makes one: a tuple takes a third of the time.

    Attributes:
        kind: Type 0, 1 or 2.
        chain_id: What it is signed for.
        nonce: 0 to 2**64 - 2.
        gas_limit: Gas.
        max_fee: Wei a gas at most; the gas price of types 0 and 1.
        priority_fee: Wei a gas above the base fee at most; the gas price of types 0 and 1.
        to: Whom it calls; None creates a contract.
        value: Wei.
        data: Calldata or init code.
        access_list: Empty for type 0.
        y_parity: 0 or 1.
        r: Of the signature.
        s: Of the signature, at most half the curve's order.
        sender: Who signed it.
        hash: keccak-256 of its bytes: the transaction hash that clients know.
    """

    kind: int
    chain_id: ChainId
    nonce: int
    gas_limit: Gas
    max_fee: Wei
    priority_fee: Wei
    to: Address | None
    value: Wei
    data: bytes
    access_list: AccessList
    y_parity: int
    r: int
    s: int
    sender: Address
    hash: Digest


def decode_signed(raw: bytes, chain_id: ChainId = L2_CHAIN_ID) -> SignedTransaction:
    """The transaction in `raw`, as eth_sendRawTransaction takes it, with its sender recovered.

    Raises:
        EncodingError: It or its record too long (TOO_LARGE), of another type (UNSUPPORTED), not strict RLP
            of the type's fields (TRUNCATED, TRAILING, NOT_CANONICAL, WRONG_LENGTH, WRONG_SHAPE), a number
            too high or a priority fee above the fee (OUT_OF_RANGE), for another chain or none (WRONG_CHAIN),
            or not signed (BAD_SIGNATURE).
    """
    if len(raw) > MOST_TRANSACTION_BYTES:
        message = f"the transaction has {len(raw)} bytes; {MOST_TRANSACTION_BYTES} are allowed"
        raise EncodingError(EncodingReason.TOO_LARGE, message)
    kind = _kind(raw)
    items = decode(raw[1:] if kind else raw)
    if not isinstance(items, list) or len(items) != _ITEM_COUNTS[kind]:
        message = f"a transaction of type {kind} is a list of {_ITEM_COUNTS[kind]} fields"
        raise EncodingError(EncodingReason.WRONG_SHAPE, message)
    if kind == LEGACY:
        items = _legacy_in_order(items, chain_id)
    elif kind == ACCESS_LIST:
        items.insert(2, items[2])
    transaction = _transaction(kind, items, raw, chain_id)
    if 2 * len(raw) > MOST_RECORD_BYTES:
        encode_record(transaction)  # a shorter one has a record: packing never doubles bytes
    return transaction


def encode_signed(transaction: SignedTransaction) -> bytes:
    """The bytes whose hash is the transaction's: what clients send."""
    return _signed_bytes(transaction, _access_list_bytes(transaction.access_list))


def encode_record(transaction: SignedTransaction) -> bytes:
    """The one record of a transaction.

    Raises:
        EncodingError: It is longer than 64 KiB (TOO_LARGE), which that of no decoded transaction is.
    """
    head = transaction.kind | _PARITY_BIT * transaction.y_parity
    head |= TO_BIT * (transaction.to is not None) | ACCESS_LIST_BIT * bool(transaction.access_list)
    parts = [bytes([head]), transaction.r.to_bytes(_WORD, "big"), transaction.s.to_bytes(_WORD, "big")]
    parts.append(transaction.to or b"")
    parts += map(_sized, _numbers(transaction))
    if transaction.access_list:
        encoded = _access_list_bytes(transaction.access_list)
        parts += [len(encoded).to_bytes(3, "big"), encoded]
    if transaction.data:
        parts.append(compress(transaction.data))
    record = b"".join(parts)
    if len(record) > MOST_RECORD_BYTES:
        message = f"the record has {len(record)} bytes; {MOST_RECORD_BYTES} are allowed"
        raise EncodingError(EncodingReason.TOO_LARGE, message)
    return record


def record_to_raw(record: bytes, chain_id: ChainId = L2_CHAIN_ID) -> bytes:
    """The signed transaction that a record stands for; only `decode_record` checks that it is one.

    Raises:
        EncodingError: Too few bytes (TRUNCATED), unused bits or types (UNSUPPORTED), a number longer than 32
            bytes (OUT_OF_RANGE), or data that unfolds to more than 128 KiB (TOO_LARGE).
    """
    reader = Reader(record, "the record")
    head = reader.uint(1)
    kind = head & TYPE_BITS
    if head & UNUSED_BITS or kind not in _ITEM_COUNTS:
        raise EncodingError(EncodingReason.UNSUPPORTED, f"a record cannot start with {head:#04x}")
    r, s = reader.uint(_WORD), reader.uint(_WORD)
    to = reader.take(ADDRESS_SIZE) if head & TO_BIT else b""
    nonce, gas_limit, max_fee = (_read_number(reader) for _ in range(3))
    priority_fee = _read_number(reader) if kind == DYNAMIC_FEE else max_fee
    value = _read_number(reader)
    access_list = reader.take(reader.uint(3)) if head & ACCESS_LIST_BIT else encode_list([])
    data = decompress(reader.rest(), MOST_TRANSACTION_BYTES)
    prices = [priority_fee, max_fee] if kind == DYNAMIC_FEE else [max_fee]
    body = [encode_uint(number) for number in (nonce, *prices, gas_limit)]
    body += [encode_bytes(to), encode_uint(value), encode_bytes(data)]
    parity = head // _PARITY_BIT & 1
    return _enveloped(kind, chain_id, body, access_list, (parity, r, s))


def decode_record(record: bytes, chain_id: ChainId = L2_CHAIN_ID) -> SignedTransaction:
    """The transaction in a record, with its sender recovered.

    Raises:
        EncodingError: Whatever `record_to_raw` and `decode_signed` refuse, or a record other than the one
            that `encode_record` writes for its transaction (NOT_CANONICAL).
    """
    transaction = decode_signed(record_to_raw(record, chain_id), chain_id)
    if encode_record(transaction) != record:
        raise EncodingError(EncodingReason.NOT_CANONICAL, "the transaction has another record")
    return transaction


def _kind(raw: bytes) -> int:
    if not raw:
        raise EncodingError(EncodingReason.TRUNCATED, "the transaction is empty")
    if raw[0] >= _FIRST_LIST:
        return LEGACY
    if raw[0] in (ACCESS_LIST, DYNAMIC_FEE):
        return raw[0]
    raise EncodingError(EncodingReason.UNSUPPORTED, f"a transaction cannot start with {raw[0]:#04x}")


def _legacy_in_order(items: list[Item], chain_id: ChainId) -> list[Item]:
    """The items of a legacy transaction in the order of type 2, its v split into chain id and parity."""
    nonce, price, gas_limit, to, value, data, v, r, s = items
    parity = _number(v, UINT64_MOST, "v") - 2 * chain_id - EIP155_BASE
    if parity not in (0, 1):
        message = f"the legacy transaction is not signed for chain {chain_id} as EIP-155 says"
        raise EncodingError(EncodingReason.WRONG_CHAIN, message)
    head: list[Item] = [minimal(chain_id), nonce, price, price, gas_limit]
    return [*head, to, value, data, [], minimal(parity), r, s]


def _transaction(kind: int, items: Sequence[Item], raw: bytes, chain_id: ChainId) -> SignedTransaction:
    """The transaction of `items`, which stand in the order of type 2."""
    chain, nonce, priority_fee, max_fee, gas_limit, to, value, data, access_list, parity, r, s = items
    signed_for = _number(chain, UINT64_MOST, "the chain id")
    if signed_for != chain_id:
        message = f"the transaction is signed for chain {signed_for}, not {chain_id}"
        raise EncodingError(EncodingReason.WRONG_CHAIN, message)
    signature = (
        _number(parity, 1, "the parity"),
        _number(r, UINT256_MOST, "r"),
        _number(s, UINT256_MOST, "s"),
    )
    fees = (
        Wei(_number(max_fee, UINT256_MOST, "the fee")),
        Wei(_number(priority_fee, UINT256_MOST, "the priority fee")),
    )
    if fees[1] > fees[0]:
        raise EncodingError(EncodingReason.OUT_OF_RANGE, "the priority fee is above the fee")
    return SignedTransaction(
        kind=kind,
        chain_id=chain_id,
        nonce=_number(nonce, MOST_NONCE, "the nonce"),
        gas_limit=Gas(_number(gas_limit, UINT64_MOST, "the gas limit")),
        max_fee=fees[0],
        priority_fee=fees[1],
        to=_recipient(to),
        value=Wei(_number(value, UINT256_MOST, "the value")),
        data=_string(data, "the data"),
        access_list=_access_list(access_list),
        y_parity=signature[0],
        r=signature[1],
        s=signature[2],
        sender=recover(_signing_hash(kind, raw, chain_id, signature), signature),
        hash=keccak256(raw),
    )


def _signing_hash(kind: int, raw: bytes, chain_id: ChainId, signature: Signature) -> Digest:
    """What was signed: the payload without the signature; for type 0 with the chain id in its place."""
    at = 1 if kind else 0
    head = raw[at] - _FIRST_LIST
    start = at + (1 if head <= 55 else head - 54)
    parity, r, s = signature
    v = 1 if kind else len(encode_uint(2 * chain_id + EIP155_BASE + parity))
    fields = raw[start : len(raw) - v - _encoded_size(r) - _encoded_size(s)]
    if kind:
        return keccak256(bytes([kind]) + encode_list([fields]))
    return keccak256(encode_list([fields, encode_uint(chain_id), encode_uint(0), encode_uint(0)]))


def _encoded_size(word: int) -> int:
    """Bytes of a number of at most 256 bits in RLP."""
    return 1 if word < _SINGLE_BYTES else 1 + (word.bit_length() + 7) // 8


def _string(item: Item, name: str) -> bytes:
    if isinstance(item, bytes):
        return item
    raise EncodingError(EncodingReason.WRONG_SHAPE, f"{name} is a list")


def _list(item: Item, name: str) -> list[Item]:
    if isinstance(item, list):
        return item
    raise EncodingError(EncodingReason.WRONG_SHAPE, f"{name} is no list")


def _number(item: Item, most: int, name: str) -> int:
    data = item if isinstance(item, bytes) else _string(item, name)
    if data[:1] == b"\0":
        raise EncodingError(EncodingReason.NOT_CANONICAL, f"{name} starts with a zero byte")
    value = int.from_bytes(data, "big")
    if value > most:
        raise EncodingError(EncodingReason.OUT_OF_RANGE, f"{name} is above {most:#x}")
    return value


def _recipient(item: Item) -> Address | None:
    data = _string(item, "the recipient")
    if data and len(data) != ADDRESS_SIZE:
        raise EncodingError(EncodingReason.WRONG_LENGTH, f"the recipient has {len(data)} bytes")
    return Address(data) if data else None


def _access_list(item: Item) -> AccessList:
    return tuple([_access(entry) for entry in _list(item, "the access list")])


def _access(item: Item) -> tuple[Address, tuple[Digest, ...]]:
    entry = _list(item, "an entry of the access list")
    if len(entry) != 2:
        raise EncodingError(
            EncodingReason.WRONG_SHAPE, "an entry of the access list is an address and its keys"
        )
    target = _string(entry[0], "an address of the access list")
    keys = [
        _string(key, "a key of the access list") for key in _list(entry[1], "the keys of the access list")
    ]
    if len(target) != ADDRESS_SIZE or any(len(key) != DIGEST_SIZE for key in keys):
        raise EncodingError(
            EncodingReason.WRONG_LENGTH, "the access list holds 20-byte addresses and 32-byte keys"
        )
    return Address(target), tuple([Digest(key) for key in keys])


def _access_list_bytes(access_list: AccessList) -> bytes:
    return encode_list(
        [
            encode_list([encode_bytes(target), encode_list([encode_bytes(key) for key in keys])])
            for target, keys in access_list
        ]
    )


def _numbers(transaction: SignedTransaction) -> list[int]:
    """The numbers of a record, in order."""
    priority_fee = [transaction.priority_fee] if transaction.kind == DYNAMIC_FEE else []
    return [
        transaction.nonce,
        transaction.gas_limit,
        transaction.max_fee,
        *priority_fee,
        transaction.value,
    ]


def _sized(value: int) -> bytes:
    size = (value.bit_length() + 7) // 8
    return (size << 8 * size | value).to_bytes(1 + size, "big")


def _read_number(reader: Reader) -> int:
    size = reader.uint(1)
    if size > _WORD:
        raise EncodingError(EncodingReason.OUT_OF_RANGE, f"a number of {size} bytes; {_WORD} are the most")
    return reader.uint(size)


def _signed_bytes(transaction: SignedTransaction, access_list: bytes) -> bytes:
    prices = [transaction.priority_fee] if transaction.kind == DYNAMIC_FEE else []
    numbers = [transaction.nonce, *prices, transaction.max_fee, transaction.gas_limit]
    body = [encode_uint(number) for number in numbers]
    body += [
        encode_bytes(transaction.to or b""),
        encode_uint(transaction.value),
        encode_bytes(transaction.data),
    ]
    signature = (transaction.y_parity, transaction.r, transaction.s)
    return _enveloped(transaction.kind, transaction.chain_id, body, access_list, signature)


def _enveloped(
    kind: int, chain_id: ChainId, body: list[bytes], access_list: bytes, signature: Signature
) -> bytes:
    """The signed transaction of an encoded body: nonce to data."""
    parity, r, s = signature
    tail = [encode_uint(r), encode_uint(s)]
    if kind == LEGACY:
        return encode_list([*body, encode_uint(2 * chain_id + EIP155_BASE + parity), *tail])
    return bytes([kind]) + encode_list(
        [encode_uint(chain_id), *body, access_list, encode_uint(parity), *tail]
    )
