// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ILedgerArbiter } from "contracts/interfaces/ILedgerArbiter.sol";
import { Machine } from "contracts/types/Machine.sol";
import { Witness } from "contracts/types/Witness.sol";

/// @title A ledger arbiter whose machine is a counter
/// @notice A batch takes ten steps, which `height` counts; between batches the machine is Idle and stands still at the
/// last one. From a batch's end on the ledger's root is the one that the test has set for it.
contract CountingArbiter is ILedgerArbiter {
    uint64 public constant STEPS = 10;

    mapping(uint64 batch => bytes32 root) public roots;

    /// @notice Fixes the ledger's root from a batch's end on.
    function setRoot(uint64 batch, bytes32 root) external {
        roots[batch] = root;
    }

    /// @inheritdoc ILedgerArbiter
    function step(Machine calldata before, uint64 last, Witness calldata)
        external
        view
        returns (Machine memory next)
    {
        next = before;
        require(before.phase < 2, NoSuchPhase(before.phase));
        if (before.phase == 0 && before.batch == last) return next;
        next.height = before.height + 1;
        bool ends = next.height % STEPS == 0;
        next.phase = ends ? 0 : 1;
        next.batch = (next.height + STEPS - 1) / STEPS;
        if (ends && roots[next.batch] != bytes32(0)) next.ledger = roots[next.batch];
    }
}
