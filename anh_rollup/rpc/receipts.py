"""Receipts of every transaction, and events as JSON has them."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.protocol.derivation import L2Block
from anh_rollup.protocol.ledger import Charged, Outcome
from anh_rollup.rpc import wire
from anh_rollup.rpc.block_names import known_block
from anh_rollup.rpc.errors import Code, RpcError
from anh_rollup.rpc.parameters import exactly
from anh_rollup.rpc.service import WorldService
from anh_rollup.rpc.wire import BLOOM_SIZE, address, data, quantity, read_digest
from anh_rollup.world.answers import Receipt
from anh_rollup.world.engine import Log
from anh_rollup.world.errors import ResultMissingError, UnknownPositionError

LOG_INDEX_BITS: Final = 20
"""An event's index is its transaction's times 2^20, and its place there: so it needs no execution of the
transactions before it. A block's gas pays for fewer than 2^20 events (375 gas each)."""

BLOOM_BITS: Final = (0, 2, 4)
"""Where the three 11-bit numbers of a hash begin that set bits of a bloom (yellow paper, M3:2048)."""


def receipt(service: WorldService, parameters: Sequence[Any]) -> dict[str, Any] | None:
    """eth_getTransactionReceipt; null while the transaction waits for a block or for a network's result.

    It is null, too, if its block is replaced at this moment: then it waits for another one.
    """
    (digest,) = exactly(parameters, 1)
    placed = service.backend.chain.placement(read_digest(digest, "the transaction hash"))
    if placed is None or placed.block is None or placed.outcome is None:
        return None
    try:
        found = service.world.receipt(placed.block.number, placed.index)
    except (ResultMissingError, UnknownPositionError):
        return None
    if found is None:
        return None
    before = service.backend.chain.outcomes(placed.block.number)[: placed.index]
    cumulative = _charged([*before, placed.outcome])
    shown = wire.receipt_object(placed.transaction, (placed.block, placed.index), placed.outcome, cumulative)
    return _executed(shown, found, (placed.block, placed.index))


def block_receipts(service: WorldService, parameters: Sequence[Any]) -> list[dict[str, Any]] | None:
    """eth_getBlockReceipts; null for a block that there is not."""
    (name,) = exactly(parameters, 1)
    try:
        block = service.backend.chain.block(known_block(service.backend, name))
    except RpcError as error:
        if error.code is Code.SERVER:
            return None
        raise
    if block is None:
        return []
    cumulative, answers = 0, []
    outcomes = service.backend.chain.outcomes(block.number)
    for index, ((_, transaction), outcome) in enumerate(zip(block.transactions, outcomes, strict=True)):
        cumulative += _charged([outcome])
        found = None if transaction is None else service.world.receipt(block.number, index)
        if transaction is not None and found is not None:
            shown = wire.receipt_object(transaction, (block, index), outcome, cumulative)
            answers.append(_executed(shown, found, (block, index)))
    return answers


def log_object(log: Log, place: int, block: L2Block, index: int) -> dict[str, Any]:
    """An event.

    Args:
        log: The event.
        place: Its place among its transaction's.
        block: Its block.
        index: Its transaction's place in the block.
    """
    transaction = block.transactions[index][1]
    return {
        "address": address(log.address),
        "topics": [data(topic) for topic in log.topics],
        "data": data(log.data),
        "blockNumber": quantity(block.number),
        "blockHash": data(block.hash),
        "transactionHash": None if transaction is None else data(transaction.hash),
        "transactionIndex": quantity(index),
        "logIndex": quantity((index << LOG_INDEX_BITS) + place),
        "removed": False,
    }


def bloom(logs: Iterable[Log]) -> bytes:
    """The bloom of some events: their addresses and topics (yellow paper, 4.3.1)."""
    bits = 0
    for log in logs:
        for part in (log.address, *log.topics):
            digest = keccak256(part)
            for start in BLOOM_BITS:
                bits |= 1 << (int.from_bytes(digest[start : start + 2], "big") % (8 * BLOOM_SIZE))
    return bits.to_bytes(BLOOM_SIZE, "big")


def _executed(shown: dict[str, Any], found: Receipt, place: tuple[L2Block, int]) -> dict[str, Any]:
    """A receipt with what the world knows in place of what the ledger charged."""
    block, index = place
    return {
        **shown,
        "gasUsed": quantity(found.gas_used),
        "effectiveGasPrice": quantity(found.effective_price),
        "contractAddress": None if found.created is None else address(found.created),
        "logs": [log_object(log, number, block, index) for number, log in enumerate(found.logs)],
        "logsBloom": data(bloom(found.logs)),
        "status": quantity(int(found.status)),
    }


def _charged(outcomes: Iterable[Outcome]) -> int:
    """Gas that the ledger charged."""
    return sum(outcome.gas for outcome in outcomes if isinstance(outcome, Charged))
