// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ITransactionArbiter } from "contracts/interfaces/ITransactionArbiter.sol";
import { SignedTransactions } from "contracts/libraries/SignedTransactions.sol";
import { Transaction } from "contracts/types/Transaction.sol";

/// @title The judge of records
contract TransactionArbiter is ITransactionArbiter {
    /// @inheritdoc ITransactionArbiter
    function decode(bytes calldata record, uint256 chainId)
        external
        pure
        returns (bool sound, Transaction memory transaction)
    {
        return SignedTransactions.decode(record, chainId);
    }
}
