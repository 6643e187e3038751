// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IInbox } from "contracts/interfaces/IInbox.sol";
import { ILedgerArbiter } from "contracts/interfaces/ILedgerArbiter.sol";
import { Machine } from "contracts/types/Machine.sol";
import { Witness } from "contracts/types/Witness.sol";
import { Deploy } from "tests/contracts/Deploy.sol";
import { VectorTest } from "tests/contracts/libraries/VectorTest.sol";

/// @title The shipped LedgerArbiter beside an Inbox that says what tests/vectors/ledger_machine.json has
abstract contract LedgerSteps is VectorTest {
    struct Step {
        string name;
        bytes input;
        bytes expected;
        bytes32 commitment;
        uint256 postedNumber;
        uint256 postedTime;
        bytes32 notice;
        bytes32 entry;
    }

    IInbox internal inbox = IInbox(address(0xb0));
    ILedgerArbiter internal arbiter;
    Step[] internal steps;

    function setUp() public virtual {
        string memory json = vectors("ledger_machine");
        IInbox.Rules memory rules;
        rules.chainId = vm.parseJsonUintArray(json, ".rules.chain_id")[0];
        rules.sequencer = vm.parseJsonAddressArray(json, ".rules.sequencer")[0];
        _say(IInbox.rules.selector, abi.encode(rules));
        arbiter = Deploy.ledgerArbiter(inbox, Deploy.transactionArbiter());
        _load(json);
    }

    function _load(string memory json) private {
        string[] memory names = vm.parseJsonStringArray(json, ".steps.name");
        bytes[] memory inputs = vm.parseJsonBytesArray(json, ".steps.input");
        bytes[] memory afters = vm.parseJsonBytesArray(json, ".steps.after");
        bytes32[] memory commitments = vm.parseJsonBytes32Array(json, ".steps.commitment");
        uint256[] memory numbers = vm.parseJsonUintArray(json, ".steps.posted_number");
        uint256[] memory times = vm.parseJsonUintArray(json, ".steps.posted_time");
        bytes32[] memory notices = vm.parseJsonBytes32Array(json, ".steps.notice");
        bytes32[] memory entries = vm.parseJsonBytes32Array(json, ".steps.entry");
        for (uint256 i; i < names.length; ++i) {
            Step storage step = steps.push();
            (step.name, step.input, step.expected) = (names[i], inputs[i], afters[i]);
            (step.commitment, step.notice, step.entry) = (commitments[i], notices[i], entries[i]);
            (step.postedNumber, step.postedTime) = (numbers[i], times[i]);
        }
        assertGt(steps.length, 50);
    }

    /// @dev Lets the Inbox hold what a step asks for; what it takes.
    function _prepare(Step storage step)
        internal
        returns (Machine memory machine, uint64 last, Witness memory witness)
    {
        // Openings of blobs are checked by a precompile of Cancun's.
        vm.setEvmVersion("prague");
        _say(IInbox.commitments.selector, abi.encode(step.commitment));
        _say(IInbox.posted.selector, abi.encode(step.postedNumber, step.postedTime));
        _say(IInbox.notices.selector, abi.encode(step.notice));
        _say(IInbox.entry.selector, abi.encode(step.entry, uint256(0)));
        return abi.decode(step.input, (Machine, uint64, Witness));
    }

    /// @dev The first step whose name begins so.
    function _find(string memory name) internal view returns (Step storage) {
        bytes memory wanted = bytes(name);
        for (uint256 i; i < steps.length; ++i) {
            bytes memory begun = slice(bytes.concat(bytes(steps[i].name), wanted), 0, wanted.length);
            if (keccak256(begun) == keccak256(wanted)) return steps[i];
        }
        revert(name);
    }

    function _say(bytes4 selector, bytes memory answer) private {
        vm.mockCall(address(inbox), abi.encodePacked(selector), answer);
    }

    /// @dev What the latest call took as a transaction of its own: calldata included, or the floor of EIP-7623.
    function _transactionGas(bytes memory call_) internal view returns (uint256 gas) {
        gas = vm.lastCallGas().gasTotalUsed;
        uint256 tokens;
        for (uint256 i; i < call_.length; ++i) {
            tokens += call_[i] == 0 ? 1 : 4;
        }
        uint256 floor = 21_000 + 10 * tokens;
        if (floor > gas) gas = floor;
    }
}
