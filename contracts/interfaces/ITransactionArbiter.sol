// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Transaction } from "contracts/types/Transaction.sol";

/// @title The judge of records
/// @notice Says which bytes are the record of a signed transaction. docs/encoding.md, "Transaction records".
///
/// Safety:
/// - a record is sound if and only if it is the one record of a transaction that consensus accepts by itself.
///
/// Liveness:
/// - no bytes make it revert.
interface ITransactionArbiter {
    /// @notice The transaction of a record.
    /// @param record Any bytes.
    /// @param chainId The L2's, at most (2^64 - 37) / 2.
    /// @return sound Whether it is one; nothing else counts if not.
    /// @return transaction What it says.
    function decode(bytes calldata record, uint256 chainId)
        external
        pure
        returns (bool sound, Transaction memory transaction);
}
