// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Machine } from "contracts/types/Machine.sol";
import { Witness } from "contracts/types/Witness.sol";

/// @title The judge of single steps of the ledger
/// @notice Computes the machine after a step from the machine before it and from what L1 holds: batches, the queue, the
/// notices. docs/ledger-claims.md has the rules.
///
/// Safety:
/// - whatever the witness says, the answer is the one right machine, or the call reverts;
/// - content of batches and records never makes it revert: faults give void batches and skipped transactions.
///
/// Liveness:
/// - every step has a witness that fits one L1 transaction.
interface ILedgerArbiter {
    /// @notice No transaction can be signed for such a chain.
    error ChainIdTooHigh(uint256 given, uint256 most);

    /// @notice The machine has a phase that there is not.
    error NoSuchPhase(uint8 phase);

    /// @notice The Inbox has no batch of this number, or another one.
    error WrongBatch(uint64 number, bytes32 given, bytes32 held);

    /// @notice The machine in which the batch was entered is another one.
    error WrongCheckpoint(bytes32 given, bytes32 needed);

    /// @notice The Inbox noted something else under this number.
    error WrongNotice(uint64 number, bytes32 given, bytes32 held);

    /// @notice The record is not the one that was read.
    error WrongRecord(bytes32 given, bytes32 needed);

    /// @notice What was read of a packed record is something else.
    error WrongDraft(bytes32 given, bytes32 needed);

    /// @notice The bytes of a packed record are other ones than were read.
    error WrongPacked(bytes32 given, bytes32 needed);

    /// @notice The numbers of the table are other ones than were read.
    error WrongNumbers(bytes32 given, bytes32 needed);

    /// @notice The machine after a step.
    /// @param before The machine before it.
    /// @param last The batch at which it stands still.
    /// @param witness What the step reads.
    function step(Machine calldata before, uint64 last, Witness calldata witness)
        external
        view
        returns (Machine memory);
}
