"""What ordering costs: the base fee, and the gas that a transaction owes before it does anything."""

from collections.abc import Sequence
from typing import Final

from anh_rollup.encoding.transactions import SignedTransaction
from anh_rollup.primitives import GWEI, Gas, Wei

BLOCK_GAS_LIMIT: Final = Gas(120_000_000)
"""Gas that the transactions of one L2 block may order together (choice: four times Ethereum's of 2024)."""

ELASTICITY: Final = 2
"""A block's limit over its target (EIP-1559)."""

BASE_FEE_CHANGE_DENOMINATOR: Final = 8
"""A full block raises the base fee by an eighth (EIP-1559)."""

FIRST_BASE_FEE: Final = GWEI
"""Base fee of the first blocks in wei a gas (EIP-1559's INITIAL_BASE_FEE)."""

LEAST_BASE_FEE: Final = Wei(10**6)
"""The base fee never falls below this many wei a gas, so that ordering is never free (choice)."""

MOST_BASE_FEE: Final = Wei((1 << 128) - 1)
"""The base fee never rises above this, so that it stays a number that L1 can count with (choice)."""

TRANSFER_GAS: Final = Gas(21_000)
"""Gas of a transaction that only moves ether (yellow paper, G_transaction)."""

CREATION_GAS: Final = 32_000
"""Added for a creation (yellow paper, G_txcreate)."""

INIT_WORD_GAS: Final = 2
"""For each 32 bytes of init code (EIP-3860)."""

ACCESS_ADDRESS_GAS: Final = 2_400
"""For each address of an access list (EIP-2930)."""

ACCESS_KEY_GAS: Final = 1_900
"""For each storage key of an access list (EIP-2930)."""

TOKEN_GAS: Final = 4
"""For each token of calldata: a zero byte is one, another four (EIP-2028, EIP-7623)."""

FLOOR_TOKEN_GAS: Final = 10
"""The least for each token of calldata (EIP-7623)."""

TOKENS_OF_NONZERO: Final = 4
"""Tokens of a byte that is not zero (EIP-7623)."""


def next_base_fee(base_fee: Wei, ordered_gas: Gas) -> Wei:
    """The base fee of the next block, by EIP-1559's formula over ordered gas limits.

    Args:
        base_fee: Of the block before, wei a gas.
        ordered_gas: Sum of the gas limits of its own transactions; above the block's limit it counts as a
            full block.
    """
    target = BLOCK_GAS_LIMIT // ELASTICITY
    above = min(ordered_gas, BLOCK_GAS_LIMIT) - target
    if above == 0:
        return base_fee
    change = base_fee * abs(above) // target // BASE_FEE_CHANGE_DENOMINATOR
    moved = base_fee + max(change, 1) if above > 0 else base_fee - change
    return Wei(min(max(moved, LEAST_BASE_FEE), MOST_BASE_FEE))


def intrinsic_gas(transaction: SignedTransaction) -> Gas:
    """The gas that a transaction owes before its first instruction, EIP-7623's floor included."""
    data, creates = transaction.data, transaction.to is None
    if not (creates or transaction.access_list):
        return call_gas(data) if data else TRANSFER_GAS
    base = base_gas(data, creates, [len(keys) for _, keys in transaction.access_list])
    return Gas(max(base, floor_gas(data)))


def base_gas(data: bytes, creates: bool, listed_keys: Sequence[int]) -> Gas:
    """The gas that is gone when the first instruction runs.

    Args:
        data: Calldata or init code.
        creates: Whether it is init code.
        listed_keys: For each address of the access list the number of its storage keys.
    """
    gas = TRANSFER_GAS + TOKEN_GAS * calldata_tokens(data)
    if creates:
        gas += CREATION_GAS + INIT_WORD_GAS * -(-len(data) // 32)
    return Gas(gas + ACCESS_ADDRESS_GAS * len(listed_keys) + ACCESS_KEY_GAS * sum(listed_keys))


def floor_gas(data: bytes) -> Gas:
    """The least that a transaction with this data uses (EIP-7623)."""
    return Gas(TRANSFER_GAS + FLOOR_TOKEN_GAS * calldata_tokens(data))


def call_gas(data: bytes) -> Gas:
    """The intrinsic gas of a call without an access list."""
    return floor_gas(data)  # a token of the floor costs more than one of calldata


def calldata_tokens(data: bytes) -> int:
    """Tokens of calldata (EIP-7623)."""
    zeros = data.count(0)
    return zeros + TOKENS_OF_NONZERO * (len(data) - zeros)


def effective_gas_price(transaction: SignedTransaction, base_fee: Wei) -> Wei:
    """What a transaction pays for a gas: base fee and priority fee, within its maximum (EIP-1559)."""
    return Wei(min(transaction.max_fee, base_fee + transaction.priority_fee))
