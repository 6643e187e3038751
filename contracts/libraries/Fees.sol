// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What ordering costs
/// @notice docs/ledger.md has the rules. Twin: anh_rollup/protocol/fees.py.
library Fees {
    /// @notice Gas that the transactions of one block may order together.
    uint256 internal constant BLOCK_GAS_LIMIT = 120_000_000;

    /// @notice Gas of a transaction that only moves ether.
    uint256 internal constant TRANSFER_GAS = 21_000;

    uint256 private constant TARGET = BLOCK_GAS_LIMIT / 2;
    uint256 private constant CHANGE_DENOMINATOR = 8;
    uint256 private constant LEAST_BASE_FEE = 1e6;
    uint256 private constant MOST_BASE_FEE = type(uint128).max;
    uint256 private constant CREATION_GAS = 32_000;
    uint256 private constant INIT_WORD_GAS = 2;
    uint256 private constant ACCESS_ADDRESS_GAS = 2400;
    uint256 private constant ACCESS_KEY_GAS = 1900;
    uint256 private constant TOKEN_GAS = 4;
    uint256 private constant FLOOR_TOKEN_GAS = 10;
    uint256 private constant NONZERO_TOKENS = 4;

    /// @notice The base fee of the next block (EIP-1559 over ordered gas limits).
    /// @param baseFee Of the block before, wei a gas, at most 2^128 - 1.
    /// @param orderedGas Gas limits of its own transactions; above the block's limit it counts as a full block.
    function nextBaseFee(uint256 baseFee, uint256 orderedGas) internal pure returns (uint256 next) {
        uint256 counted = orderedGas < BLOCK_GAS_LIMIT ? orderedGas : BLOCK_GAS_LIMIT;
        if (counted == TARGET) return baseFee;
        if (counted > TARGET) {
            uint256 rise = baseFee * (counted - TARGET) / TARGET / CHANGE_DENOMINATOR;
            next = baseFee + (rise == 0 ? 1 : rise);
        } else {
            next = baseFee - baseFee * (TARGET - counted) / TARGET / CHANGE_DENOMINATOR;
        }
        if (next < LEAST_BASE_FEE) return LEAST_BASE_FEE;
        return next < MOST_BASE_FEE ? next : MOST_BASE_FEE;
    }

    /// @notice The gas that a transaction owes before its first instruction, EIP-7623's floor included.
    /// @param length Bytes of its data.
    /// @param zeros How many of them are zero.
    /// @param creates Whether the data are init code.
    /// @param addresses Addresses of its access list.
    /// @param keys Storage keys of its access list.
    function intrinsicGas(uint256 length, uint256 zeros, bool creates, uint256 addresses, uint256 keys)
        internal
        pure
        returns (uint256)
    {
        uint256 tokens = zeros + NONZERO_TOKENS * (length - zeros);
        uint256 base = TOKEN_GAS * tokens + ACCESS_ADDRESS_GAS * addresses + ACCESS_KEY_GAS * keys;
        if (creates) base += CREATION_GAS + INIT_WORD_GAS * ((length + 31) / 32);
        uint256 floor = FLOOR_TOKEN_GAS * tokens;
        return TRANSFER_GAS + (base > floor ? base : floor);
    }
}
