"""Methods that follow from the order and that every node answers: raw transactions, prices, batches."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from anh_rollup.encoding.transactions import encode_signed
from anh_rollup.primitives import BlockNumber
from anh_rollup.rpc.backend import Backend
from anh_rollup.rpc.ethereum import Handler
from anh_rollup.rpc.parameters import block_number, exactly
from anh_rollup.rpc.rollup import batch_header
from anh_rollup.rpc.wire import data, quantity, read_digest, read_quantity

BLOB_BASE_FEE: Final = 1
"""What BLOBBASEFEE gives (docs/world.md): there are no blob transactions."""


def base_fee(backend: Backend, parameters: Sequence[Any]) -> str:
    """eth_baseFee: the next block's."""
    exactly(parameters, 0)
    return quantity(backend.chain.next_base_fee)


def blob_base_fee(_backend: Backend, parameters: Sequence[Any]) -> str:
    """eth_blobBaseFee."""
    exactly(parameters, 0)
    return quantity(BLOB_BASE_FEE)


def raw_by_number(backend: Backend, parameters: Sequence[Any]) -> str | None:
    """eth_getRawTransactionByBlockNumberAndIndex."""
    name, index = exactly(parameters, 2)
    return _raw(backend, block_number(backend, name), read_quantity(index, "the index"))


def raw_by_hash(backend: Backend, parameters: Sequence[Any]) -> str | None:
    """eth_getRawTransactionByBlockHashAndIndex."""
    digest, index = exactly(parameters, 2)
    number = backend.chain.number_of(read_digest(digest, "the block hash"))
    place = read_quantity(index, "the index")
    return None if number is None else _raw(backend, number, place)


def uncle(_backend: Backend, parameters: Sequence[Any]) -> None:
    """eth_getUncleByBlockNumberAndIndex and ...ByBlockHash: blocks have no uncles."""
    exactly(parameters, 2)


def batch(backend: Backend, parameters: Sequence[Any]) -> dict[str, Any] | None:
    """anh_getBatch: a batch on L1 by its number, from 1; null where there is none."""
    (number,) = exactly(parameters, 1)
    place = read_quantity(number, "the batch number") - 1
    batches = backend.reader.batches
    if not 0 <= place < len(batches):
        return None
    found = batches[place]
    return {
        **batch_header(found.header),
        "commitment": data(found.commitment),
        "firstBlock": quantity(found.first_block),
        "blocks": quantity(found.end_block - found.first_block),
        "l1Block": quantity(found.l1_block),
        "l1Transaction": data(found.transaction),
    }


def _raw(backend: Backend, number: BlockNumber, index: int) -> str | None:
    block = backend.chain.block(number)
    if block is None or index >= len(block.transactions):
        return None
    transaction = block.transactions[index][1]
    return None if transaction is None else data(encode_signed(transaction))


METHODS: Final[Mapping[str, Handler]] = {
    "eth_baseFee": base_fee,
    "eth_blobBaseFee": blob_base_fee,
    "eth_getRawTransactionByBlockNumberAndIndex": raw_by_number,
    "eth_getRawTransactionByBlockHashAndIndex": raw_by_hash,
    "eth_getUncleByBlockNumberAndIndex": uncle,
    "eth_getUncleByBlockHashAndIndex": uncle,
    "anh_getBatch": batch,
}
"""The methods."""
