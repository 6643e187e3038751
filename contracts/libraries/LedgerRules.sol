// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IInbox } from "contracts/interfaces/IInbox.sol";
import { Charges } from "contracts/libraries/Charges.sol";
import { Touches } from "contracts/libraries/Touches.sol";
import { Account } from "contracts/types/Account.sol";
import { Machine } from "contracts/types/Machine.sol";
import { Transaction } from "contracts/types/Transaction.sol";
import { Leaf } from "contracts/types/Witness.sol";

/// @title What notices and transactions do to the ledger
/// @notice docs/ledger.md has the rules. Twin: anh_rollup/protocol/machine/folding.py.
library LedgerRules {
    using Charges for Transaction;
    using Touches for Touches.Tree;

    uint8 private constant DEPOSIT = 1;
    uint8 private constant PAYOUT = 2;
    uint8 private constant LAPSE = 3;

    /// @notice Folds in what L1 tells the ledger; the new root.
    function fold(bytes32 root, IInbox.Notice calldata notice, Leaf[] calldata leaves)
        internal
        pure
        returns (bytes32)
    {
        Touches.Tree memory tree = Touches.Tree(root, 0);
        if (notice.kind == DEPOSIT) tree.credit(leaves, notice.account, notice.amount);
        if (notice.kind == PAYOUT) tree.release(leaves, notice.transaction, false, notice.account);
        if (notice.kind == LAPSE) tree.release(leaves, notice.transaction, true, address(0));
        return tree.root;
    }

    /// @notice Folds in a sound transaction: changes the machine's ledger, gas and room.
    /// @param machine In phase Apply.
    /// @param transaction What is behind its `pending`.
    /// @param feeRecipient Who earns the fees.
    /// @param leaves The leaves that it touches.
    /// @return refusal Why it has no effect, if it has none.
    function apply_(
        Machine memory machine,
        Transaction memory transaction,
        address feeRecipient,
        Leaf[] calldata leaves
    ) internal pure returns (Charges.Refusal refusal) {
        if (!machine.pendingForced) {
            machine.orderedGas = _saturated(machine.orderedGas + transaction.gasLimit);
        }
        Touches.Tree memory tree = Touches.Tree(machine.ledger, 0);
        Account memory sender = tree.account(leaves, transaction.sender);
        Charges.Effect effect = transaction.effect();
        uint256 used = machine.pendingForced ? 0 : machine.room;
        refusal = transaction.refusal(effect, sender, machine.baseFee, used);
        if (refusal != Charges.Refusal.None) return refusal;
        (uint256 fee, uint256 covered) = transaction.charge(effect, sender.cleared, machine.baseFee);
        ++sender.nonce;
        sender.cleared -= fee + covered;
        if (effect == Charges.Effect.Exit) sender.withdrawn += covered;
        tree.write(leaves, transaction.sender, sender);
        if (effect != Charges.Effect.Prepaid) tree.credit(leaves, feeRecipient, fee);
        if (effect == Charges.Effect.Transfer) tree.credit(leaves, transaction.to, covered);
        if (effect == Charges.Effect.Order) {
            tree.escrow(leaves, machine.pending, transaction.sender, covered);
        }
        machine.ledger = tree.root;
        // A valid transaction's gas limit is at most a block's.
        // forge-lint: disable-next-line(unsafe-typecast)
        machine.room += uint64(transaction.gasLimit);
    }

    function _saturated(uint256 gas_) private pure returns (uint64) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return gas_ < type(uint64).max ? uint64(gas_) : type(uint64).max;
    }
}
