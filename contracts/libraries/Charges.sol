// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Fees } from "contracts/libraries/Fees.sol";
import { TransactionRecords } from "contracts/libraries/TransactionRecords.sol";
import { Account } from "contracts/types/Account.sol";
import { Transaction } from "contracts/types/Transaction.sol";

/// @title When a transaction is valid, and what it pays
/// @notice docs/ledger.md has the rules. Twin: anh_rollup/protocol/ledger.py.
library Charges {
    /// @notice What a transaction is to the ledger.
    enum Effect {
        Transfer,
        Order,
        Prepaid,
        Exit
    }

    /// @notice Why a transaction has no effect.
    enum Refusal {
        None,
        NonceTooLow,
        NonceTooHigh,
        IntrinsicGas,
        BlockGas,
        BaseFee,
        Funds
    }

    /// @notice What is sent to this address leaves the L2.
    address internal constant EXIT = 0x0000000000000000000000000000000000000E17;

    /// @notice What a transaction is to the ledger, by its own bytes alone.
    function effect(Transaction memory self) internal pure returns (Effect) {
        if (!self.creates && self.to == TransactionRecords.DNN) {
            return self.addresses == 0 && self.orders ? Effect.Order : Effect.Prepaid;
        }
        if (!self.creates && self.to == EXIT) return Effect.Exit;
        bool plain = self.gasLimit == Fees.TRANSFER_GAS && self.dataBytes == 0 && !self.creates;
        return plain ? Effect.Transfer : Effect.Prepaid;
    }

    /// @notice The gas that it owes before it does anything.
    function intrinsicGas(Transaction memory self) internal pure returns (uint256) {
        return Fees.intrinsicGas(self.dataBytes, self.zeros, self.creates, self.addresses, self.keys);
    }

    /// @notice Why it would have no effect if it were next.
    /// @param self The transaction.
    /// @param is_ What it is.
    /// @param sender Its sender's account.
    /// @param baseFee Of the block, wei a gas.
    /// @param used Gas limits of the block's valid transactions so far; for one from the queue none count.
    function refusal(
        Transaction memory self,
        Effect is_,
        Account memory sender,
        uint256 baseFee,
        uint256 used
    ) internal pure returns (Refusal) {
        if (self.nonce < sender.nonce) return Refusal.NonceTooLow;
        if (self.nonce > sender.nonce) return Refusal.NonceTooHigh;
        if (self.gasLimit < intrinsicGas(self)) return Refusal.IntrinsicGas;
        if (self.gasLimit + used > Fees.BLOCK_GAS_LIMIT) return Refusal.BlockGas;
        if (self.maxFee < baseFee) return Refusal.BaseFee;
        return _covers(self, is_, sender.cleared) ? Refusal.None : Refusal.Funds;
    }

    /// @notice What a transaction that no rule refuses pays.
    /// @param self The transaction.
    /// @param is_ What it is.
    /// @param cleared Its sender's cleared wei.
    /// @param baseFee Of the block, wei a gas.
    /// @return fee Wei for gas.
    /// @return covered Wei of its value that cleared money pays: all of it, unless it prepays.
    function charge(Transaction memory self, Effect is_, uint256 cleared, uint256 baseFee)
        internal
        pure
        returns (uint256 fee, uint256 covered)
    {
        if (is_ == Effect.Prepaid) {
            fee = self.gasLimit * self.maxFee;
            uint256 rest = cleared - fee;
            return (fee, self.value < rest ? self.value : rest);
        }
        bool whole = self.priorityFee >= self.maxFee - baseFee;
        return (intrinsicGas(self) * (whole ? self.maxFee : baseFee + self.priorityFee), self.value);
    }

    /// @dev Whether cleared wei cover the most that it could pay for gas, and its value where no code runs. Products
    /// above 256 bits are more than there is.
    function _covers(Transaction memory self, Effect is_, uint256 cleared) private pure returns (bool) {
        if (self.maxFee > cleared / self.gasLimit) return false;
        return is_ == Effect.Prepaid || self.value <= cleared - self.gasLimit * self.maxFee;
    }
}
