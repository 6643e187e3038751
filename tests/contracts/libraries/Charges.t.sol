// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Charges } from "contracts/libraries/Charges.sol";
import { Fees } from "contracts/libraries/Fees.sol";
import { TransactionRecords } from "contracts/libraries/TransactionRecords.sol";
import { Account } from "contracts/types/Account.sol";
import { Transaction } from "contracts/types/Transaction.sol";
import { Test } from "tests/contracts/Vm.sol";

/// @title What transactions pay, and that no numbers overflow
contract ChargesTest is Test {
    using Charges for Transaction;

    uint256 private constant PRICE = 1 gwei;

    function testFuzz_whatIsValidIsCoveredAndNothingReverts(
        Transaction memory transaction,
        Account memory sender,
        uint128 baseFee,
        uint64 used
    ) external pure {
        transaction.gasLimit = uint64(transaction.gasLimit);
        transaction.dataBytes %= 1 << 17;
        transaction.zeros %= transaction.dataBytes + 1;
        transaction.addresses %= 1 << 13;
        transaction.keys %= 1 << 13;
        if (transaction.nonce % 2 == 0) sender.nonce = transaction.nonce;
        if (transaction.value % 2 == 0) {
            (transaction.gasLimit, transaction.dataBytes, transaction.zeros) = (21_000, 0, 0);
            (transaction.addresses, transaction.keys, transaction.creates) = (0, 0, false);
        }
        transaction.maxFee >>= sender.withdrawn % 256;
        baseFee >>= sender.withdrawn % 128;
        used %= 120_000_000;
        transaction.priorityFee = bound(transaction.priorityFee, 0, transaction.maxFee);
        Charges.Effect effect = transaction.effect();
        Charges.Refusal refusal = transaction.refusal(effect, sender, baseFee, used);
        if (refusal != Charges.Refusal.None) return;
        (uint256 fee, uint256 covered) = transaction.charge(effect, sender.cleared, baseFee);
        assertLe(fee, sender.cleared);
        assertLe(covered, sender.cleared - fee);
    }

    function test_aTransferPaysBaseAndPriorityFee() external pure {
        Transaction memory transaction = _transfer();
        (uint256 fee, uint256 covered) = transaction.charge(transaction.effect(), 1 ether, PRICE);
        assertEq(fee, 21_000 * (PRICE + 7));
        assertEq(covered, 5);
        transaction.priorityFee = 2 * PRICE;
        (fee,) = transaction.charge(transaction.effect(), 1 ether, PRICE);
        assertEq(fee, 21_000 * 2 * PRICE);
    }

    function test_whatRunsCodePrepaysAllThatItCouldCost() external pure {
        Transaction memory transaction = _transfer();
        transaction.gasLimit = 30_000;
        uint256 most = 30_000 * 2 * PRICE;
        (uint256 fee, uint256 covered) = transaction.charge(Charges.Effect.Prepaid, most + 3, PRICE);
        assertEq(fee, most);
        assertEq(covered, 3);
        (, covered) = transaction.charge(Charges.Effect.Prepaid, most + 9, PRICE);
        assertEq(covered, 5);
    }

    function test_effectsFollowFromTheTransactionAlone() external pure {
        Transaction memory transaction = _transfer();
        _is(transaction, Charges.Effect.Transfer);
        transaction.dataBytes = 1;
        _is(transaction, Charges.Effect.Prepaid);
        (transaction.dataBytes, transaction.gasLimit) = (0, 21_001);
        _is(transaction, Charges.Effect.Prepaid);
        transaction.to = Charges.EXIT;
        _is(transaction, Charges.Effect.Exit);
        (transaction.dataBytes, transaction.gasLimit) = (1, 21_000);
        _is(transaction, Charges.Effect.Exit);
        (transaction.dataBytes, transaction.creates) = (0, true);
        _is(transaction, Charges.Effect.Prepaid);
        (transaction.creates, transaction.to) = (false, TransactionRecords.DNN);
        _is(transaction, Charges.Effect.Prepaid);
        transaction.orders = true;
        _is(transaction, Charges.Effect.Order);
        transaction.addresses = 1;
        _is(transaction, Charges.Effect.Prepaid);
    }

    function test_theFirstRuleThatFailsIsTheReason() external pure {
        Transaction memory transaction = _transfer();
        Account memory sender = Account(3, 0, 0);
        _refuses(transaction, sender, Charges.Refusal.NonceTooLow);
        sender.nonce = 1;
        _refuses(transaction, sender, Charges.Refusal.NonceTooHigh);
        sender.nonce = 2;
        (transaction.gasLimit, transaction.maxFee) = (20_999, 0);
        _refuses(transaction, sender, Charges.Refusal.IntrinsicGas);
        transaction.gasLimit = Fees.BLOCK_GAS_LIMIT;
        _refuses(transaction, sender, Charges.Refusal.BlockGas);
        transaction.gasLimit = Fees.BLOCK_GAS_LIMIT - 1;
        _refuses(transaction, sender, Charges.Refusal.BaseFee);
        transaction.maxFee = type(uint256).max;
        _refuses(transaction, sender, Charges.Refusal.Funds);
        (transaction.gasLimit, transaction.maxFee, sender.cleared) = (21_000, PRICE, 21_000 * PRICE + 4);
        _refuses(transaction, sender, Charges.Refusal.Funds);
        sender.cleared += 1;
        _refuses(transaction, sender, Charges.Refusal.None);
        transaction.value = type(uint256).max;
        _refuses(transaction, sender, Charges.Refusal.Funds);
    }

    // --- fees ---

    function testFuzz_theBaseFeeMovesByAnEighthAtMost(uint128 baseFee, uint64 ordered) external pure {
        uint256 before = bound(baseFee, 1e6, type(uint128).max);
        uint256 next = Fees.nextBaseFee(before, ordered);
        assertGe(next, before - before / 8 < 1e6 ? 1e6 : before - before / 8);
        assertLe(next, before + (before / 8 == 0 ? 1 : before / 8));
        assertLe(next, type(uint128).max);
        if (ordered == 60_000_000) assertEq(next, before);
        if (ordered > 60_000_000 && before != type(uint128).max) assertGt(next, before);
        if (ordered < 60_000_000) assertLe(next, before);
    }

    function test_theBaseFeeHasThePythonsValues() external pure {
        assertEq(Fees.nextBaseFee(1 gwei, 60_000_000), 1 gwei);
        assertEq(Fees.nextBaseFee(1 gwei, 120_000_000), 1.125 gwei);
        assertEq(Fees.nextBaseFee(1 gwei, type(uint64).max), 1.125 gwei);
        assertEq(Fees.nextBaseFee(1 gwei, 0), 0.875 gwei);
        assertEq(Fees.nextBaseFee(1 gwei, 60_000_001), 1 gwei + 2);
        assertEq(Fees.nextBaseFee(1 gwei, 59_999_999), 1 gwei - 2);
        assertEq(Fees.nextBaseFee(1e6, 0), 1e6);
        assertEq(Fees.nextBaseFee(type(uint128).max, type(uint64).max), type(uint128).max);
    }

    function test_intrinsicGasHasItsParts() external pure {
        assertEq(Fees.intrinsicGas(0, 0, false, 0, 0), 21_000);
        assertEq(Fees.intrinsicGas(10, 4, false, 0, 0), 21_000 + 10 * (4 + 6 * 4));
        assertEq(Fees.intrinsicGas(33, 33, true, 0, 0), 21_000 + 32_000 + 2 * 2 + 4 * 33);
        assertEq(Fees.intrinsicGas(0, 0, false, 2, 3), 21_000 + 2 * 2400 + 3 * 1900);
    }

    function _transfer() private pure returns (Transaction memory transaction) {
        transaction.nonce = 2;
        transaction.gasLimit = 21_000;
        (transaction.maxFee, transaction.priorityFee) = (2 * PRICE, 7);
        transaction.to = address(0xabcd);
        transaction.value = 5;
    }

    function _is(Transaction memory transaction, Charges.Effect effect) private pure {
        assertEq(uint8(transaction.effect()), uint8(effect));
    }

    /// @dev In a block in which one unit of gas is used.
    function _refuses(Transaction memory transaction, Account memory sender, Charges.Refusal refusal)
        private
        pure
    {
        Charges.Effect effect = transaction.effect();
        assertEq(uint8(transaction.refusal(effect, sender, PRICE, 1)), uint8(refusal));
    }
}
