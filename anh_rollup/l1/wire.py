"""Ethereum's JSON forms to records, checked where they enter."""

from collections.abc import Mapping
from typing import Any, Final

from eth_utils.address import to_checksum_address

from anh_rollup.encoding.checks import HEXADECIMAL
from anh_rollup.l1.errors import L1AnswerError
from anh_rollup.l1.types import Block, Log, Receipt, Transaction
from anh_rollup.primitives import ADDRESS_SIZE, DIGEST_SIZE, BlockNumber, Gas, Seconds, Wei

#: Hexadecimal digits of a uint256: no number of Ethereum is larger.
MOST_DIGITS: Final = 64


#: Hexadecimal digits of a uint64: heights, times, gas and places.
SHORT_DIGITS: Final = 16


def quantity(what: str, value: object, most_digits: int = MOST_DIGITS) -> int:
    """A hexadecimal quantity as an int of at most 256 bits, or of fewer where told.

    Raises:
        L1AnswerError: It is something else.
    """
    digits = _digits(what, value)
    if not 1 <= len(digits) <= MOST_DIGITS or len(digits.lstrip("0")) > most_digits:
        raise L1AnswerError(what, value)
    return int(digits, 16)


def data(what: str, value: object, size: int | None = None) -> bytes:
    """Hexadecimal data as bytes, of a given size if one is named.

    Raises:
        L1AnswerError: It is something else.
    """
    digits = _digits(what, value)
    if len(digits) % 2 or (size is not None and len(digits) != 2 * size):
        raise L1AnswerError(what, value)
    return bytes.fromhex(digits)


def address(what: str, value: object) -> str:
    """An address with its checksum.

    Raises:
        L1AnswerError: It is something else.
    """
    return to_checksum_address(data(what, value, ADDRESS_SIZE))


def members(what: str, value: object) -> Mapping[str, Any]:
    """A JSON object.

    Raises:
        L1AnswerError: It is something else.
    """
    if not isinstance(value, Mapping):
        raise L1AnswerError(what, value)
    return value


def items(what: str, value: object) -> list[Any]:
    """A JSON array.

    Raises:
        L1AnswerError: It is something else.
    """
    if not isinstance(value, list):
        raise L1AnswerError(what, value)
    return value


def block(value: object) -> Block:
    """A block header from its JSON object; optional fields may be missing."""
    fields = members("a block", value)
    base_fee = fields.get("baseFeePerGas")
    excess = fields.get("excessBlobGas")
    root = fields.get("parentBeaconBlockRoot")
    return Block(
        number=BlockNumber(quantity("a block's number", fields.get("number"), SHORT_DIGITS)),
        hash=data("a block's hash", fields.get("hash"), DIGEST_SIZE),
        parent=data("a block's parent", fields.get("parentHash"), DIGEST_SIZE),
        time=Seconds(quantity("a block's time", fields.get("timestamp"), SHORT_DIGITS)),
        gas_limit=Gas(quantity("a block's gas limit", fields.get("gasLimit"), SHORT_DIGITS)),
        base_fee=None if base_fee is None else Wei(quantity("a block's base fee", base_fee)),
        excess_blob_gas=None if excess is None else Gas(quantity("a block's excess blob gas", excess)),
        beacon_root=None if root is None else data("a block's beacon root", root, DIGEST_SIZE),
    )


def log(value: object) -> Log:
    """An event from its JSON object."""
    fields = members("a log", value)
    return Log(
        address=address("a log's address", fields.get("address")),
        topics=tuple(data("a topic", topic, DIGEST_SIZE) for topic in items("topics", fields.get("topics"))),
        data=data("a log's data", fields.get("data")),
        block=BlockNumber(quantity("a log's block", fields.get("blockNumber"), SHORT_DIGITS)),
        block_hash=data("a log's block hash", fields.get("blockHash"), DIGEST_SIZE),
        transaction=data("a log's transaction", fields.get("transactionHash"), DIGEST_SIZE),
        index=quantity("a log's index", fields.get("logIndex"), SHORT_DIGITS),
    )


def transaction(value: object) -> Transaction:
    """A transaction from its JSON object."""
    fields = members("a transaction", value)
    to, number = fields.get("to"), fields.get("blockNumber")
    hashes = items("blob hashes", fields.get("blobVersionedHashes") or [])
    return Transaction(
        hash=data("a transaction's hash", fields.get("hash"), DIGEST_SIZE),
        sender=address("a transaction's sender", fields.get("from")),
        to=None if to is None else address("a transaction's target", to),
        nonce=quantity("a transaction's nonce", fields.get("nonce"), SHORT_DIGITS),
        value=Wei(quantity("a transaction's value", fields.get("value"))),
        data=data("a transaction's input", fields.get("input")),
        block=None
        if number is None
        else BlockNumber(quantity("a transaction's block", number, SHORT_DIGITS)),
        blob_hashes=tuple(data("a blob hash", item, DIGEST_SIZE) for item in hashes),
    )


def receipt(value: object) -> Receipt:
    """A receipt from its JSON object; blob fields and the price may be missing on old chains."""
    fields = members("a receipt", value)
    contract = fields.get("contractAddress")
    return Receipt(
        transaction=data("a receipt's transaction", fields.get("transactionHash"), DIGEST_SIZE),
        block=BlockNumber(quantity("a receipt's block", fields.get("blockNumber"), SHORT_DIGITS)),
        block_hash=data("a receipt's block hash", fields.get("blockHash"), DIGEST_SIZE),
        succeeded=quantity("a receipt's status", fields.get("status")) == 1,
        gas_used=Gas(quantity("a receipt's gas", fields.get("gasUsed"), SHORT_DIGITS)),
        gas_price=Wei(quantity("a receipt's price", fields.get("effectiveGasPrice") or "0x0")),
        blob_gas_used=Gas(quantity("a receipt's blob gas", fields.get("blobGasUsed") or "0x0")),
        blob_gas_price=Wei(quantity("a receipt's blob price", fields.get("blobGasPrice") or "0x0")),
        contract=None if contract is None else address("a receipt's contract", contract),
        logs=tuple(log(item) for item in items("a receipt's logs", fields.get("logs"))),
    )


def _digits(what: str, value: object) -> str:
    """The hexadecimal digits behind 0x."""
    if not isinstance(value, str) or not value.startswith("0x") or not HEXADECIMAL.fullmatch(value, 2):
        raise L1AnswerError(what, value)
    return value[2:]
