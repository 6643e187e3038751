// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ILedgerArbiter } from "contracts/interfaces/ILedgerArbiter.sol";
import { Machine } from "contracts/types/Machine.sol";
import { Witness } from "contracts/types/Witness.sol";
import { LedgerSteps } from "tests/contracts/arbiters/LedgerSteps.sol";

/// @title What the dearest step of each kind costs as a transaction of its own
/// @notice Of those in tests/vectors/ledger_machine.json. Base fee and calldata included (or the floor of EIP-7623 where
/// that is more), storage cold, except that the Inbox answers for nothing; the trees are small. The figures are committed
/// in snapshots/LedgerArbiterGasTest.json.
contract LedgerArbiterGasTest is LedgerSteps {
    string[8] private phases = ["Idle", "Block", "Notices", "Read", "Gather", "Unpack", "Apply", "Seal"];

    /// @dev By whether the batch travels in blobs, and phase.
    uint256[8][2] private most;

    /// forge-config: default.isolate = true
    function test_NoStepCostsMoreThan1000000() public {
        for (uint256 i; i < steps.length; ++i) {
            (Machine memory machine, uint64 last, Witness memory witness) = _prepare(steps[i]);
            bytes memory call_ = abi.encodeCall(ILedgerArbiter.step, (machine, last, witness));
            (bool done,) = address(arbiter).call(call_);
            assertTrue(done);
            uint256 gas = _transactionGas(call_);
            assertLt(gas, 1_000_000, steps[i].name);
            uint256 carrier = witness.payload.blobs.length == 0 ? 0 : 1;
            if (gas > most[carrier][machine.phase]) most[carrier][machine.phase] = gas;
        }
        for (uint256 phase; phase < phases.length; ++phase) {
            vm.snapshotValue(phases[phase], most[0][phase]);
            if (most[1][phase] != 0) {
                vm.snapshotValue(string.concat(phases[phase], ", blobs"), most[1][phase]);
            }
        }
    }

    function test_TheContractsFitTheLimitOfCodeSize() external view {
        assertLe(address(arbiter).code.length, 24_576);
    }
}
