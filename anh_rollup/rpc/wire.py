"""Values as Ethereum's JSON-RPC writes and reads them."""

from typing import Any, Final

from eth_utils.address import to_checksum_address

from anh_rollup.encoding.batches import EMPTY_OMMERS_HASH, EMPTY_TRIE_ROOT, Header
from anh_rollup.encoding.checks import HEXADECIMAL
from anh_rollup.encoding.transactions import DYNAMIC_FEE, EIP155_BASE, LEGACY, SignedTransaction
from anh_rollup.primitives import Address, Digest
from anh_rollup.protocol.derivation import L2Block
from anh_rollup.protocol.fees import effective_gas_price
from anh_rollup.protocol.ledger import Charged, Outcome
from anh_rollup.rpc.errors import invalid_params

BLOOM_SIZE: Final = 256
"""Bytes of a logs bloom."""

MOST_QUANTITY_DIGITS: Final = 64
"""Hexadecimal digits of a uint256."""


def quantity(value: int) -> str:
    """A number, without leading zeros."""
    return hex(value)


def data(value: bytes) -> str:
    """Bytes."""
    return "0x" + value.hex()


def address(value: Address) -> str:
    """A checksummed address."""
    return str(to_checksum_address(value))


def read_data(value: Any, name: str, size: int | None = None) -> bytes:
    """Bytes that a client wrote.

    Raises:
        RpcError: They are no hexadecimal text of that size.
    """
    if not isinstance(value, str) or value[:2] not in ("0x", "0X"):
        raise invalid_params(f"{name} is hexadecimal text that starts with 0x")
    digits = value[2:]
    if len(digits) % 2 or not HEXADECIMAL.fullmatch(digits):
        raise invalid_params(f"{name} is not hexadecimal")
    read = bytes.fromhex(digits)
    if size is not None and len(read) != size:
        raise invalid_params(f"{name} has {len(read)} bytes instead of {size}")
    return read


def read_quantity(value: Any, name: str) -> int:
    """A number that a client wrote.

    Raises:
        RpcError: It is no hexadecimal number of at most 256 bits.
    """
    digits = value[2:] if isinstance(value, str) and value.startswith("0x") else ""
    if not 1 <= len(digits) <= MOST_QUANTITY_DIGITS or not HEXADECIMAL.fullmatch(digits):
        raise invalid_params(f"{name} is a hexadecimal number that starts with 0x")
    return int(digits, 16)


def block_object(header: Header, block: L2Block | None, ordered_gas: int, *, full: bool) -> dict[str, Any]:
    """A block; what depends on execution is zero or empty, as the header's hash says."""
    transactions = () if block is None else block.transactions
    listed = [
        transaction_object(each, block, index) if full else data(each.hash)
        for index, (_, each) in enumerate(transactions)
        if each is not None
    ]
    return {
        "number": quantity(header.number),
        "hash": data(header.hash),
        "parentHash": data(header.parent),
        "nonce": data(bytes(8)),
        "mixHash": data(header.origin_hash),
        "sha3Uncles": data(EMPTY_OMMERS_HASH),
        "logsBloom": data(bytes(BLOOM_SIZE)),
        "transactionsRoot": data(header.transactions_root),
        "stateRoot": data(bytes(32)),
        "receiptsRoot": data(EMPTY_TRIE_ROOT),
        "miner": address(Address(bytes(20))),
        "difficulty": quantity(0),
        "totalDifficulty": quantity(0),
        "extraData": data(header.extra_data),
        "size": quantity(len(header.encode()) + sum(len(record) for record, _ in transactions)),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(0),
        "timestamp": quantity(header.time),
        "baseFeePerGas": quantity(header.base_fee),
        "transactions": listed,
        "uncles": [],
        "l1OriginNumber": quantity(header.origin_number),
        "l1OriginHash": data(header.origin_hash),
        "orderedGas": quantity(ordered_gas),
    }


def transaction_object(transaction: SignedTransaction, block: L2Block | None, index: int) -> dict[str, Any]:
    """A transaction, in a block or waiting for one."""
    signed = {
        "hash": data(transaction.hash),
        "type": quantity(transaction.kind),
        "nonce": quantity(transaction.nonce),
        "from": address(transaction.sender),
        "to": None if transaction.to is None else address(transaction.to),
        "value": quantity(transaction.value),
        "gas": quantity(transaction.gas_limit),
        "input": data(transaction.data),
        "chainId": quantity(transaction.chain_id),
        "r": quantity(transaction.r),
        "s": quantity(transaction.s),
        "blockHash": None if block is None else data(block.hash),
        "blockNumber": None if block is None else quantity(block.number),
        "transactionIndex": None if block is None else quantity(index),
    }
    return {**signed, **_prices(transaction, block), **_signature(transaction)}


def receipt_object(
    transaction: SignedTransaction, place: tuple[L2Block, int], outcome: Outcome, cumulative_gas: int
) -> dict[str, Any]:
    """The receipt of a transaction whose effect the ledger knows: it ran no code, so it has no logs."""
    block, index = place
    charged = isinstance(outcome, Charged)
    return {
        "transactionHash": data(transaction.hash),
        "transactionIndex": quantity(index),
        "blockHash": data(block.hash),
        "blockNumber": quantity(block.number),
        "from": address(transaction.sender),
        "to": None if transaction.to is None else address(transaction.to),
        "cumulativeGasUsed": quantity(cumulative_gas),
        "gasUsed": quantity(outcome.gas if isinstance(outcome, Charged) else 0),
        "effectiveGasPrice": quantity(outcome.price if isinstance(outcome, Charged) else 0),
        "contractAddress": None,
        "logs": [],
        "logsBloom": data(bytes(BLOOM_SIZE)),
        "type": quantity(transaction.kind),
        "status": quantity(int(charged)),
    }


def read_digest(value: Any, name: str) -> Digest:
    """A hash that a client wrote."""
    return Digest(read_data(value, name, 32))


def read_address(value: Any, name: str) -> Address:
    """An address that a client wrote."""
    return Address(read_data(value, name, 20))


def _prices(transaction: SignedTransaction, block: L2Block | None) -> dict[str, Any]:
    if transaction.kind != DYNAMIC_FEE:
        return {"gasPrice": quantity(transaction.max_fee)}
    known = None if block is None else effective_gas_price(transaction, block.header.base_fee)
    return {
        "gasPrice": quantity(transaction.max_fee if known is None else known),
        "maxFeePerGas": quantity(transaction.max_fee),
        "maxPriorityFeePerGas": quantity(transaction.priority_fee),
    }


def _signature(transaction: SignedTransaction) -> dict[str, Any]:
    if transaction.kind == LEGACY:
        return {"v": quantity(2 * transaction.chain_id + EIP155_BASE + transaction.y_parity)}
    parity = quantity(transaction.y_parity)
    accesses = [
        {"address": address(target), "storageKeys": [data(key) for key in keys]}
        for target, keys in transaction.access_list
    ]
    return {"v": parity, "yParity": parity, "accessList": accesses}
