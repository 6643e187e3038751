"""The standard methods: what sending and following a transaction takes, and nothing that needs execution."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from anh_rollup import __version__
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.transactions import SignedTransaction
from anh_rollup.primitives import BlockNumber
from anh_rollup.protocol.admission import RejectedError, RejectReason
from anh_rollup.protocol.derivation import Placement
from anh_rollup.protocol.fees import TRANSFER_GAS, call_gas
from anh_rollup.protocol.ledger import DNN, Charged, Effect, is_order
from anh_rollup.rpc.backend import Backend
from anh_rollup.rpc.errors import Code, NotServedError, RpcError, invalid_params
from anh_rollup.rpc.not_served import POSITION_REMEDY
from anh_rollup.rpc.parameters import block_count, block_number, exactly, flag, percentile_list
from anh_rollup.rpc.wire import (
    block_object,
    data,
    quantity,
    read_address,
    read_data,
    read_digest,
    read_quantity,
    receipt_object,
    transaction_object,
)

Handler = Callable[[Backend, Sequence[Any]], Any]

MOST_FEE_HISTORY: Final = 1_024
"""Blocks of one eth_feeHistory (as in Ethereum's clients)."""

OWN_LIMITS: Final = (
    RejectReason.BACKLOG_FULL,
    RejectReason.BLOCK_FULL,
    RejectReason.POOL_FULL,
    RejectReason.SENDER_RATE,
    RejectReason.TOO_LARGE,
)
"""Rejections by a limit of this node rather than by Ethereum's rules; their code is EIP-1474's -32003."""

SUGGESTED_PRIORITY_FEE: Final = 0
"""Ordering is first come, first served: a tip buys nothing."""


def chain_id(backend: Backend, parameters: Sequence[Any]) -> str:
    """eth_chainId."""
    exactly(parameters, 0)
    return quantity(backend.deployment.l2_chain_id)


def net_version(backend: Backend, parameters: Sequence[Any]) -> str:
    """net_version: the chain id in decimal."""
    exactly(parameters, 0)
    return str(backend.deployment.l2_chain_id)


def net_listening(_backend: Backend, parameters: Sequence[Any]) -> bool:
    """net_listening."""
    exactly(parameters, 0)
    return True


def client_version(_backend: Backend, parameters: Sequence[Any]) -> str:
    """web3_clientVersion."""
    exactly(parameters, 0)
    return f"anh_rollup/{__version__}"


def sha3(_backend: Backend, parameters: Sequence[Any]) -> str:
    """web3_sha3."""
    (text,) = exactly(parameters, 1)
    return data(keccak256(read_data(text, "the data")))


def syncing(_backend: Backend, parameters: Sequence[Any]) -> bool:
    """eth_syncing: the sequencer is where the chain is made."""
    exactly(parameters, 0)
    return False


def accounts(_backend: Backend, parameters: Sequence[Any]) -> list[str]:
    """eth_accounts: no keys are kept here."""
    exactly(parameters, 0)
    return []


def head_number(backend: Backend, parameters: Sequence[Any]) -> str:
    """eth_blockNumber."""
    exactly(parameters, 0)
    return quantity(backend.chain.head.header.number)


def block_by_number(backend: Backend, parameters: Sequence[Any]) -> dict[str, Any] | None:
    """eth_getBlockByNumber."""
    name, full = exactly(parameters, 1, 2)
    return _block(backend, block_number(backend, name), full=flag(full, "the second parameter"))


def block_by_hash(backend: Backend, parameters: Sequence[Any]) -> dict[str, Any] | None:
    """eth_getBlockByHash."""
    digest, full = exactly(parameters, 1, 2)
    number = backend.chain.number_of(read_digest(digest, "the block hash"))
    return None if number is None else _block(backend, number, full=flag(full, "the second parameter"))


def count_by_number(backend: Backend, parameters: Sequence[Any]) -> str | None:
    """eth_getBlockTransactionCountByNumber."""
    (name,) = exactly(parameters, 1)
    return _count(_block(backend, block_number(backend, name), full=False))


def count_by_hash(backend: Backend, parameters: Sequence[Any]) -> str | None:
    """eth_getBlockTransactionCountByHash."""
    return _count(block_by_hash(backend, exactly(parameters, 1)))


def transaction_count(backend: Backend, parameters: Sequence[Any]) -> str:
    """eth_getTransactionCount, from the ledger: `pending` counts what is accepted, `latest` what has a block.

    Older blocks are not served.
    """
    address, name = exactly(parameters, 1, 2)
    account = read_address(address, "the address")
    if name not in (None, "latest", "pending") and block_number(backend, name) != block_number(backend, None):
        raise RpcError(
            Code.NOT_SERVED,
            "eth_getTransactionCount is served for `latest` and `pending`",
            remedy="Ask for one of these.",
        )
    return quantity(backend.chain.account(account, pending=name == "pending").nonce)


def peer_count(_backend: Backend, parameters: Sequence[Any]) -> str:
    """net_peerCount: a sequencer has none."""
    exactly(parameters, 0)
    return quantity(0)


def uncle_count(_backend: Backend, parameters: Sequence[Any]) -> str:
    """eth_getUncleCountByBlockNumber and ...ByBlockHash: blocks have no uncles."""
    exactly(parameters, 1)
    return quantity(0)


def gas_price(backend: Backend, parameters: Sequence[Any]) -> str:
    """eth_gasPrice: the next block's base fee."""
    exactly(parameters, 0)
    return quantity(backend.chain.next_base_fee + SUGGESTED_PRIORITY_FEE)


def priority_fee(_backend: Backend, parameters: Sequence[Any]) -> str:
    """eth_maxPriorityFeePerGas."""
    exactly(parameters, 0)
    return quantity(SUGGESTED_PRIORITY_FEE)


def fee_history(backend: Backend, parameters: Sequence[Any]) -> dict[str, Any]:
    """eth_feeHistory; ratios are of ordered gas limits, which are what the base fee follows."""
    wanted, newest, percentiles = exactly(parameters, 2, 3)
    count, listed = block_count(wanted, MOST_FEE_HISTORY), percentile_list(percentiles)
    last = block_number(backend, newest)
    if last > backend.chain.head.header.number:
        raise invalid_params(f"block {last} is beyond the head")
    first = BlockNumber(max(last - count + 1, 0))
    fees, ratios = backend.chain.fee_history(first, last)
    answer: dict[str, Any] = {
        "oldestBlock": quantity(first),
        "baseFeePerGas": [quantity(fee) for fee in fees],
        "gasUsedRatio": ratios,
    }
    if percentiles is not None:
        answer["reward"] = [[quantity(SUGGESTED_PRIORITY_FEE) for _ in listed] for _ in ratios]
    return answer


def send_raw(backend: Backend, parameters: Sequence[Any]) -> str:
    """eth_sendRawTransaction: when it answers, the transaction is on the disk."""
    (text,) = exactly(parameters, 1)
    (result,) = backend.submit([read_data(text, "the transaction")])
    return sent(result)


def sent(result: SignedTransaction | RejectedError) -> str:
    """The answer to a submission.

    Raises:
        RpcError: It was rejected.
    """
    if isinstance(result, RejectedError):
        code = Code.REJECTED if result.reason in OWN_LIMITS else Code.SERVER
        raise RpcError(code, result.message, remedy=result.remedy)
    return data(result.hash)


def transaction_by_hash(backend: Backend, parameters: Sequence[Any]) -> dict[str, Any] | None:
    """eth_getTransactionByHash."""
    (digest,) = exactly(parameters, 1)
    placed = backend.chain.placement(read_digest(digest, "the transaction hash"))
    return None if placed is None else transaction_object(placed.transaction, placed.block, placed.index)


def raw_transaction(backend: Backend, parameters: Sequence[Any]) -> str | None:
    """eth_getRawTransactionByHash."""
    (digest,) = exactly(parameters, 1)
    placed = backend.chain.placement(read_digest(digest, "the transaction hash"))
    return None if placed is None else data(placed.raw)


def transaction_by_number(backend: Backend, parameters: Sequence[Any]) -> dict[str, Any] | None:
    """eth_getTransactionByBlockNumberAndIndex."""
    name, index = exactly(parameters, 2)
    return _transaction_in(backend, block_number(backend, name), read_quantity(index, "the index"))


def transaction_by_block(backend: Backend, parameters: Sequence[Any]) -> dict[str, Any] | None:
    """eth_getTransactionByBlockHashAndIndex."""
    digest, index = exactly(parameters, 2)
    number = backend.chain.number_of(read_digest(digest, "the block hash"))
    return None if number is None else _transaction_in(backend, number, read_quantity(index, "the index"))


def receipt(backend: Backend, parameters: Sequence[Any]) -> dict[str, Any] | None:
    """eth_getTransactionReceipt, for transactions whose whole effect the ledger knows.

    A plain transfer and a direct order run no code: they succeed, use their intrinsic gas and log nothing. A
    transaction that was skipped has status 0. For any other the receipt needs execution. The cumulative gas
    is what the ledger charged up to here: a transaction that prepays counts with its gas limit.
    """
    (digest,) = exactly(parameters, 1)
    placed = backend.chain.placement(read_digest(digest, "the transaction hash"))
    if placed is None or placed.block is None or placed.outcome is None:
        return None
    if isinstance(placed.outcome, Charged) and placed.outcome.effect is Effect.PREPAID:
        raise NotServedError("eth_getTransactionReceipt of a contract call", POSITION_REMEDY)
    before = backend.chain.outcomes(placed.block.number)[: placed.index + 1]
    used = sum(outcome.gas for outcome in before if isinstance(outcome, Charged))
    return receipt_object(placed.transaction, (placed.block, placed.index), placed.outcome, used)


def estimate_gas(_backend: Backend, parameters: Sequence[Any]) -> str:
    """eth_estimateGas, for plain transfers and orders, whose gas follows from their bytes."""
    call, _block_name, _overrides = exactly(parameters, 1, 3)
    if not isinstance(call, Mapping):
        raise invalid_params("the call is an object")
    to, given = call.get("to"), call.get("input")
    given = call.get("data") if given is None else given
    payload = b"" if given is None else read_data(given, "the data")
    target = None if to is None else read_address(to, "to")
    if not call.get("accessList") and target is not None:
        if target == DNN and is_order(payload):
            return quantity(call_gas(payload))
        if target != DNN and not payload:
            return quantity(TRANSFER_GAS)
    raise NotServedError("eth_estimateGas of a contract call", "Set the gas limit yourself.")


def _block(backend: Backend, number: BlockNumber, *, full: bool) -> dict[str, Any] | None:
    chain = backend.chain
    if number == 0:
        return block_object(chain.genesis, None, 0, full=full)
    block = chain.block(number)
    if block is None:
        return None
    return block_object(block.header, block, chain.ordered_gas(number), full=full)


def _count(block: Mapping[str, Any] | None) -> str | None:
    return None if block is None else quantity(len(block["transactions"]))


def _transaction_in(backend: Backend, number: BlockNumber, index: int) -> dict[str, Any] | None:
    block = backend.chain.block(number)
    if block is None or index >= len(block.transactions):
        return None
    transaction = block.transactions[index][1]
    return None if transaction is None else transaction_object(transaction, block, index)


def describe(placed: Placement) -> dict[str, Any]:
    """A placement's block and place, for the `anh_` methods."""
    block = placed.block
    return {
        "blockNumber": None if block is None else quantity(block.number),
        "blockHash": None if block is None else data(block.hash),
        "index": None if block is None else quantity(placed.index),
    }


METHODS: Final[Mapping[str, Handler]] = {
    "web3_clientVersion": client_version,
    "web3_sha3": sha3,
    "net_version": net_version,
    "net_listening": net_listening,
    "net_peerCount": peer_count,
    "eth_chainId": chain_id,
    "eth_syncing": syncing,
    "eth_accounts": accounts,
    "eth_blockNumber": head_number,
    "eth_getBlockByNumber": block_by_number,
    "eth_getBlockByHash": block_by_hash,
    "eth_getBlockTransactionCountByNumber": count_by_number,
    "eth_getBlockTransactionCountByHash": count_by_hash,
    "eth_getUncleCountByBlockNumber": uncle_count,
    "eth_getUncleCountByBlockHash": uncle_count,
    "eth_getTransactionCount": transaction_count,
    "eth_gasPrice": gas_price,
    "eth_maxPriorityFeePerGas": priority_fee,
    "eth_feeHistory": fee_history,
    "eth_sendRawTransaction": send_raw,
    "eth_getTransactionByHash": transaction_by_hash,
    "eth_getRawTransactionByHash": raw_transaction,
    "eth_getTransactionByBlockNumberAndIndex": transaction_by_number,
    "eth_getTransactionByBlockHashAndIndex": transaction_by_block,
    "eth_getTransactionReceipt": receipt,
    "eth_estimateGas": estimate_gas,
}
"""The standard methods that are answered."""
