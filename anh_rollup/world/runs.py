"""From a transaction of the order to what an engine runs."""

from anh_rollup.encoding.transactions import SignedTransaction
from anh_rollup.primitives import Gas, Wei
from anh_rollup.protocol.fees import effective_gas_price
from anh_rollup.protocol.ledger import LedgerRules
from anh_rollup.world.engine import AccessList, Block, Run
from anh_rollup.world.order_store import KnownBlock, OrderStore
from anh_rollup.world.strict import is_strict


def run_of(transaction: SignedTransaction, base_fee: Wei) -> Run:
    """What an engine runs of a transaction in a block of this base fee (wei a gas)."""
    return Run(
        sender=transaction.sender,
        nonce=transaction.nonce,
        to=transaction.to,
        value=Wei(transaction.value),
        data=transaction.data,
        gas_limit=Gas(transaction.gas_limit),
        gas_price=effective_gas_price(transaction, base_fee),
        access_list=_access_list(transaction),
        is_strict=is_strict(transaction.access_list),
    )


def environment(block: KnownBlock, rules: LedgerRules, order: OrderStore) -> Block:
    """What the EVM can know of a block."""
    return Block(
        chain_id=rules.chain_id,
        number=block.number,
        time=block.time,
        base_fee=block.base_fee,
        gas_limit=block.gas_limit,
        fee_recipient=rules.fee_recipient,
        randomness=block.randomness,
        hash_of=order.block_hash,
    )


def _access_list(transaction: SignedTransaction) -> AccessList:
    return tuple(
        (address, tuple(int.from_bytes(key, "big") for key in keys))
        for address, keys in transaction.access_list
    )
