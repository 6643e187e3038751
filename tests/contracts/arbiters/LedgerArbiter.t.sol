// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Bits are set by shifting a constant.
// forge-lint: disable-start(unsafe-typecast, incorrect-shift)

import { ILedgerArbiter } from "contracts/interfaces/ILedgerArbiter.sol";
import { Frontier } from "contracts/libraries/Frontier.sol";
import { LedgerTree } from "contracts/libraries/LedgerTree.sol";
import { PayloadReader } from "contracts/libraries/PayloadReader.sol";
import { Touches } from "contracts/libraries/Touches.sol";
import { Machine } from "contracts/types/Machine.sol";
import { FieldElement, Leaf, Payload, Witness } from "contracts/types/Witness.sol";
import { LedgerSteps } from "tests/contracts/arbiters/LedgerSteps.sol";

/// @title Steps of the ledger's machine, as Python takes them, and witnesses that are not right
/// @notice Only calls that are transactions of their own see the precompile of blobs: those tests are isolated.
contract LedgerArbiterTest is LedgerSteps {
    string private constant ENTERED = "calldata: idle to block";
    string private constant IN_BLOBS = "blobs: idle to block";
    string private constant BEGUN = "calldata: block to notices";
    string private constant DEPOSITED = "calldata: notices to notices, deposit";
    string private constant OWN_READ = "calldata: read to apply, short";
    string private constant GATHERED = "calldata, drafts: gather to gather";
    string private constant UNPACKED = "calldata, drafts: unpack to apply, 0 reads, more numbers";
    string private constant PAID = "calldata: apply transfer";
    string private constant SEALED = "calldata: seal to idle of a batch";

    /// forge-config: default.isolate = true
    function test_eachStepOfPythonIsTaken() external {
        for (uint256 i; i < steps.length; ++i) {
            (Machine memory machine, uint64 last, Witness memory witness) = _prepare(steps[i]);
            (, bytes memory answer) = _step(machine, last, witness);
            assertEq(answer, steps[i].expected, steps[i].name);
        }
    }

    function test_aMachineAtItsLastBatchStandsStill() external {
        (Machine memory machine,,) = _prepare(_find(ENTERED));
        Witness memory nothing;
        assertEq(abi.encode(arbiter.step(machine, machine.batch, nothing)), abi.encode(machine));
    }

    function test_aPhaseThatThereIsNotIsRefused() external {
        (Machine memory machine, uint64 last, Witness memory witness) = _prepare(_find(ENTERED));
        machine.phase = 8;
        _refuses(machine, last, witness, abi.encodeWithSelector(ILedgerArbiter.NoSuchPhase.selector, 8));
    }

    function testFuzz_anotherBatchIsRefused(uint8 field) external {
        string[3] memory names = [ENTERED, OWN_READ, SEALED];
        (Machine memory machine, uint64 last, Witness memory witness) = _prepare(_find(names[field % 3]));
        if (field / 3 % 4 == 0) witness.batch.count += 1;
        if (field / 3 % 4 == 1) witness.batch.forcedEnd += 1;
        if (field / 3 % 4 == 2) witness.batch.data ^= bytes32(uint256(1));
        if (field / 3 % 4 == 3) witness.batch.transactionsRoot ^= bytes32(uint256(1));
        _refuses(machine, last, witness, abi.encodePacked(ILedgerArbiter.WrongBatch.selector));
    }

    function test_anotherCheckpointIsRefused() external {
        (Machine memory machine, uint64 last, Witness memory witness) = _prepare(_find(BEGUN));
        witness.checkpoint.ledger = "another";
        _refuses(machine, last, witness, abi.encodePacked(ILedgerArbiter.WrongCheckpoint.selector));
    }

    function testFuzz_otherBytesAreRefused(uint256 index) external {
        (Machine memory machine, uint64 last, Witness memory witness) = _prepare(_find(ENTERED));
        index %= witness.payload.data.length;
        witness.payload.data[index] ^= 0x01;
        _refuses(machine, last, witness, abi.encodePacked(PayloadReader.WrongPayload.selector));
    }

    function test_calldataDoNotPassForBlobs() external {
        (Machine memory machine, uint64 last, Witness memory witness) = _prepare(_find(ENTERED));
        witness.payload = Payload("", new bytes32[](1), new FieldElement[](0));
        _refuses(machine, last, witness, abi.encodePacked(PayloadReader.WrongPayload.selector));
        witness.payload.blobs = new bytes32[](0);
        _refuses(machine, last, witness, abi.encodePacked(PayloadReader.WrongPayload.selector));
    }

    /// forge-config: default.isolate = true
    function testFuzz_otherValuesOfABlobAreRefused(uint256 bit) external {
        (Machine memory machine, uint64 last, Witness memory witness) = _prepare(_find(IN_BLOBS));
        witness.payload.elements[1].value ^= bytes32(uint256(1) << (bit % 256));
        _refuses(machine, last, witness, abi.encodeWithSelector(PayloadReader.WrongElement.selector, 1));
    }

    /// forge-config: default.isolate = true
    function test_elementsHaveToBeThereOnceAndInOrder() external {
        (Machine memory machine, uint64 last, Witness memory witness) = _prepare(_find(IN_BLOBS));
        FieldElement[] memory elements = witness.payload.elements;
        witness.payload.elements = new FieldElement[](1);
        witness.payload.elements[0] = elements[0];
        _refuses(machine, last, witness, abi.encodeWithSelector(PayloadReader.MissingElement.selector, 1));
        witness.payload.elements = new FieldElement[](2);
        (witness.payload.elements[0], witness.payload.elements[1]) = (elements[1], elements[0]);
        bytes4 ascending = PayloadReader.ElementsNotAscending.selector;
        _refuses(machine, last, witness, abi.encodeWithSelector(ascending, 1, 0));
        witness.payload.elements[0].index = 4096;
        _refuses(machine, last, witness, abi.encodeWithSelector(PayloadReader.WrongElement.selector, 4096));
    }

    /// forge-config: default.isolate = true
    function test_withoutThePrecompileNoElementHolds() external {
        (Machine memory machine, uint64 last, Witness memory witness) = _prepare(_find(IN_BLOBS));
        vm.setEvmVersion("shanghai");
        _refuses(machine, last, witness, abi.encodeWithSelector(PayloadReader.WrongElement.selector, 0));
    }

    function testFuzz_anotherDraftIsRefused(uint256 bit) external {
        (Machine memory machine, uint64 last, Witness memory witness) = _prepare(_find(GATHERED));
        if (bit % 4 == 0) witness.draft.end ^= uint32(1 << (bit / 4 % 32));
        if (bit % 4 == 1) witness.draft.count ^= uint32(1 << (bit / 4 % 32));
        if (bit % 4 == 2) witness.draft.parts ^= bytes32(1 << (bit / 4 % 256));
        if (bit % 4 == 3) witness.draft.numbers ^= bytes32(1 << (bit / 4 % 256));
        _refuses(machine, last, witness, abi.encodePacked(ILedgerArbiter.WrongDraft.selector));
    }

    function testFuzz_otherPackedBytesAreRefused(uint256 index, uint8 bit) external {
        (Machine memory machine, uint64 last, Witness memory witness) = _prepare(_find(UNPACKED));
        bytes4 wrong = ILedgerArbiter.WrongPacked.selector;
        bytes memory packed = witness.packed;
        witness.packed = bytes.concat(packed, hex"00");
        _refuses(machine, last, witness, abi.encodePacked(wrong));
        witness.packed = slice(packed, 0, packed.length - 1);
        _refuses(machine, last, witness, abi.encodePacked(wrong));
        packed[index % packed.length] ^= bytes1(uint8(1 << (bit % 8)));
        witness.packed = packed;
        _refuses(machine, last, witness, abi.encodePacked(wrong));
    }

    function testFuzz_otherNumbersAreRefused(uint256 index, uint256 bit) external {
        (Machine memory machine, uint64 last, Witness memory witness) = _prepare(_find(UNPACKED));
        witness.numbers[index % witness.numbers.length] ^= 1 << (bit % 256);
        _refuses(machine, last, witness, abi.encodePacked(ILedgerArbiter.WrongNumbers.selector));
    }

    function test_anotherNoticeIsRefused() external {
        (Machine memory machine, uint64 last, Witness memory witness) = _prepare(_find(DEPOSITED));
        witness.notice.amount += 1;
        _refuses(machine, last, witness, abi.encodePacked(ILedgerArbiter.WrongNotice.selector));
    }

    function test_anotherRecordIsRefused() external {
        (Machine memory machine, uint64 last, Witness memory witness) = _prepare(_find(PAID));
        witness.record[0] ^= 0x01;
        _refuses(machine, last, witness, abi.encodePacked(ILedgerArbiter.WrongRecord.selector));
    }

    function test_anotherFrontierIsRefused() external {
        (Machine memory machine, uint64 last, Witness memory witness) = _prepare(_find(OWN_READ));
        witness.blockFrontier = new bytes32[](3);
        _refuses(machine, last, witness, abi.encodePacked(Frontier.WrongFrontier.selector));
        (machine, last, witness) = _prepare(_find(SEALED));
        witness.batchFrontier[0] ^= bytes32(uint256(1));
        _refuses(machine, last, witness, abi.encodePacked(Frontier.WrongFrontier.selector));
    }

    function testFuzz_otherLeavesAreRefused(uint256 place, uint256 kind) external {
        (Machine memory machine, uint64 last, Witness memory witness) = _prepare(_find(PAID));
        place %= witness.leaves.length;
        Leaf memory leaf = witness.leaves[place];
        if (kind % 5 == 0) leaf.fields[kind / 5 % 3] += 1;
        if (kind % 5 == 1) leaf.found = uint8((leaf.found + 1 + kind / 5 % 2) % 3);
        if (kind % 5 == 2) leaf.siblings = new bytes32[](leaf.siblings.length + 1);
        if (kind % 5 == 3) leaf.key ^= bytes32(uint256(1));
        if (kind % 5 == 4) leaf.value ^= bytes32(uint256(1));
        bool ignored = (leaf.found == LedgerTree.ITSELF) == (kind % 5 > 2);
        if (kind % 5 == 1 || kind % 5 == 2 || !ignored) {
            _refuses(machine, last, witness, "");
        } else {
            assertEq(abi.encode(arbiter.step(machine, last, witness)), _find(PAID).expected);
        }
    }

    function test_aLeafThatIsNotThereIsMissed() external {
        (Machine memory machine, uint64 last, Witness memory witness) = _prepare(_find(PAID));
        Leaf[] memory leaves = new Leaf[](2);
        (leaves[0], leaves[1]) = (witness.leaves[0], witness.leaves[1]);
        witness.leaves = leaves;
        _refuses(machine, last, witness, abi.encodeWithSelector(Touches.MissingLeaf.selector, 2));
    }

    /// @dev A call and not a static one, which isolation would leave inside the test's own transaction.
    function _step(Machine memory machine, uint64 last, Witness memory witness)
        private
        returns (bool taken, bytes memory answer)
    {
        return address(arbiter).call(abi.encodeCall(ILedgerArbiter.step, (machine, last, witness)));
    }

    /// @dev Expects a revert whose data begin so.
    function _refuses(Machine memory machine, uint64 last, Witness memory witness, bytes memory expected)
        private
    {
        (bool taken, bytes memory reason) = _step(machine, last, witness);
        assertFalse(taken, "the step was taken");
        assertEq(slice(reason, 0, expected.length), expected);
    }
}
