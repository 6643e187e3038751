// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ITensorArbiter } from "contracts/interfaces/ITensorArbiter.sol";
import { Artifacts } from "contracts/libraries/Artifacts.sol";
import { Folds } from "contracts/libraries/Folds.sol";
import { Instructions } from "contracts/libraries/Instructions.sol";
import { Openings } from "contracts/libraries/Openings.sol";
import { ProgramRecords } from "contracts/libraries/ProgramRecords.sol";
import { Opening } from "contracts/types/Opening.sol";
import { Record } from "contracts/types/Record.sol";
import { Deploy } from "tests/contracts/Deploy.sol";
import { VectorTest } from "tests/contracts/libraries/VectorTest.sol";

contract TensorArbiterTest is VectorTest {
    /// @dev Columns of tests/vectors/instructions.json.
    struct Cases {
        bytes[] records;
        bytes[] inputs;
        uint256[] elements;
        int256[] expected;
        bytes[] partials;
    }

    ITensorArbiter private _arbiter;
    Cases private _stored;

    function setUp() external {
        _arbiter = Deploy.tensorArbiter();
        string memory json = vectors("instructions");
        _stored.records = vm.parseJsonBytesArray(json, ".elements.record");
        _stored.inputs = vm.parseJsonBytesArray(json, ".elements.inputs");
        _stored.elements = vm.parseJsonUintArray(json, ".elements.element");
        _stored.expected = vm.parseJsonIntArray(json, ".elements.expected");
        _stored.partials = vm.parseJsonBytesArray(json, ".elements.partials");
    }

    function decode(bytes calldata record) external pure returns (Record memory) {
        return ProgramRecords.decode(record);
    }

    // --- vectors ---

    function test_elementsAreTheOnesOfPython() external view {
        Cases storage cases = _stored;
        assertGt(cases.records.length, 0);
        for (uint256 i; i < cases.records.length; ++i) {
            (Opening[] memory inputs, bytes32[] memory roots) = _openInputs(cases.records[i], cases.inputs[i]);
            (int32 value, bytes32[] memory found) =
                _arbiter.element(cases.records[i], cases.elements[i], inputs);
            assertEq(value, cases.expected[i], vm.toString(i));
            assertEq(abi.encode(found), abi.encode(roots));
        }
    }

    function test_partialSumsAreTheOnesOfPython() external view {
        Cases storage cases = _stored;
        uint256 compared;
        for (uint256 i; i < cases.records.length; ++i) {
            int64[] memory partials = int64s(cases.partials[i]);
            if (partials.length == 0) continue;
            assertEq(_arbiter.blocks(cases.records[i]), partials.length);
            (Opening[] memory inputs,) = _openInputs(cases.records[i], cases.inputs[i]);
            for (uint256 j; j < partials.length; ++j) {
                (int64 found,) = _arbiter.partialSum(cases.records[i], cases.elements[i], j, inputs);
                assertEq(found, partials[j], vm.toString(i));
                ++compared;
            }
        }
        assertGt(compared, 90);
    }

    function test_partialSumsOfPythonEndInItsElements() external view {
        Cases storage cases = _stored;
        for (uint256 i; i < cases.records.length; ++i) {
            int64[] memory partials = int64s(cases.partials[i]);
            if (partials.length == 0) continue;
            (Opening[] memory inputs,) = _openInputs(cases.records[i], cases.inputs[i]);
            for (uint256 j; j < 2 && j < inputs.length; ++j) {
                delete inputs[j];
            }
            (int32 value,) = _arbiter.finish(cases.records[i], cases.elements[i], partials, inputs);
            assertEq(value, cases.expected[i], vm.toString(i));
        }
    }

    function test_nothingIsReadThatIsNotOpened() external view {
        Cases storage cases = _stored;
        for (uint256 i; i < cases.records.length; ++i) {
            uint256 count = this.decode(cases.records[i]).inputs.length;
            // A PAD's margin reads nothing; nor does a CONV whose taps all lie outside its input.
            try _arbiter.element(cases.records[i], cases.elements[i], new Opening[](count)) returns (
                int32 value, bytes32[] memory
            ) {
                assertEq(value, cases.expected[i]);
                uint8 opcode = uint8(cases.records[i][1]);
                assertTrue(opcode == Instructions.PAD || opcode == Instructions.CONV);
            } catch (bytes memory reason) {
                // The first four bytes are wanted.
                // forge-lint: disable-next-line(unsafe-typecast)
                assertTrue(bytes4(reason) == Openings.ElementNotOpened.selector);
            }
        }
    }

    function test_anOpenedOutputIsReadWithItsRoot() external view {
        bytes memory record = hex"000000010000000380000000" hex"7fffffff0000";
        bytes memory elements = hex"00000007" hex"fffffffe" hex"80000000";
        (int32 value, bytes32 root) = _arbiter.opened(record, 1, openAll(elements));
        assertEq(value, -2);
        bytes32 chunk = keccak256(bytes.concat(elements, new bytes(116)));
        assertEq(root, Artifacts.tensorRoot(hex"0100000003", chunk));
    }

    // --- random evidence ---

    /// @notice V28: a state without a defined step is a claim that nobody can refute. So no panic, no empty revert.
    function testFuzz_spoiltRecordsAreJudgedOrRefusedByName(uint256 which, uint256 place, uint8 spoilt)
        external
        view
    {
        Cases storage cases = _stored;
        which = bound(which, 0, cases.records.length - 1);
        (Opening[] memory inputs,) = _openInputs(cases.records[which], cases.inputs[which]);
        bytes memory record = cases.records[which];
        record[bound(place, 0, record.length - 1)] = bytes1(spoilt);
        _callAndCheck(abi.encodeCall(_arbiter.element, (record, cases.elements[which], inputs)));
        _callAndCheck(abi.encodeCall(_arbiter.partialSum, (record, cases.elements[which], 0, inputs)));
        _callAndCheck(
            abi.encodeCall(_arbiter.finish, (record, cases.elements[which], new int64[](1), inputs))
        );
    }

    function testFuzz_anyPartialsEndInAnElementInsideTheBounds(int64 partial_, uint256 which) external view {
        Cases storage cases = _stored;
        which = bound(which, 0, cases.records.length - 1);
        if (int64s(cases.partials[which]).length != 1) return;
        (Opening[] memory inputs,) = _openInputs(cases.records[which], cases.inputs[which]);
        int64[] memory partials = new int64[](1);
        partials[0] = partial_;
        (int32 value,) = _arbiter.finish(cases.records[which], cases.elements[which], partials, inputs);
        Record memory instruction = this.decode(cases.records[which]);
        assertTrue(value >= instruction.low && value <= instruction.high);
    }

    // --- errors ---

    function test_aFieldHasNoElementsToCompute() external {
        vm.expectRevert(abi.encodeWithSelector(ITensorArbiter.NotAnInstruction.selector, 0));
        _arbiter.element(hex"0000000000000000000000000000", 0, new Opening[](0));
    }

    function test_anAdditionHasNoBlocks() external {
        bytes memory record = _record(
            Instructions.ADD,
            hex"00",
            hex"0000000000" hex"0000000000",
            2,
            hex"000300000000" hex"00000000" hex"00000000"
        );
        vm.expectRevert(abi.encodeWithSelector(ITensorArbiter.NotFoldable.selector, Instructions.ADD));
        _arbiter.blocks(record);
    }

    function test_anElementBehindTheLastOneIsRefused() external {
        vm.expectRevert(abi.encodeWithSelector(ITensorArbiter.NoSuchElement.selector, 3, 3));
        _arbiter.element(_absolute(), 3, new Opening[](1));
    }

    function test_aMissingOpeningIsRefused() external {
        vm.expectRevert(abi.encodeWithSelector(ITensorArbiter.WrongCount.selector, 0, 1));
        _arbiter.element(_absolute(), 0, new Opening[](0));
    }

    function test_aBlockBehindTheLastOneIsRefused() external {
        vm.expectRevert(abi.encodeWithSelector(ITensorArbiter.NoSuchBlock.selector, 2, 2));
        _arbiter.partialSum(_matmul(1000, 0, 0, 0), 0, 2, new Opening[](2));
    }

    function test_tooFewPartialsAreRefused() external {
        vm.expectRevert(abi.encodeWithSelector(ITensorArbiter.WrongCount.selector, 1, 2));
        _arbiter.finish(_matmul(1000, 0, 0, 0), 0, new int64[](1), new Opening[](2));
    }

    function test_tooManyTermsAreRefused() external {
        assertEq(_arbiter.terms(_matmul(262_144, 0, 0, 0)), 262_144);
        assertEq(_arbiter.blocks(_matmul(262_144, 0, 0, 0)), 64);
        vm.expectRevert(abi.encodeWithSelector(Folds.TooManyTerms.selector, 262_145));
        _arbiter.terms(_matmul(262_145, 0, 0, 0));
    }

    function test_aShiftOfSixtyThreeIsRefused() external {
        bytes memory record = _matmul(1, 63, 0, 0);
        vm.expectRevert(
            abi.encodeWithSelector(Instructions.AttributeOutOfBounds.selector, Instructions.MATMUL, 63, 0, 62)
        );
        _arbiter.finish(record, 0, new int64[](1), new Opening[](2));
    }

    function test_aGuardAboveTheShiftIsRefused() external {
        bytes memory record = _matmul(1, 3, 4, 0);
        vm.expectRevert(abi.encodeWithSelector(Folds.ShiftOutOfBounds.selector, 3, 4));
        _arbiter.finish(record, 0, new int64[](1), new Opening[](2));
    }

    function test_aMissingBiasIsRefused() external {
        bytes memory record = _matmul(1, 0, 0, 1);
        vm.expectRevert(abi.encodeWithSelector(Instructions.WrongArity.selector, Instructions.MATMUL, 2, 3));
        _arbiter.terms(record);
    }

    function test_shapesThatDoNotFitAreRefused() external {
        bytes memory inputs = hex"000000000200000001" hex"00000005" hex"000000010200000001" hex"00000006";
        bytes memory record = _record(
            Instructions.MATMUL, hex"020000000100000001", inputs, 2, hex"0003000000000000000000000000"
        );
        vm.expectRevert(abi.encodeWithSelector(Instructions.ShapesDisagree.selector, Instructions.MATMUL));
        _arbiter.terms(record);
    }

    function _callAndCheck(bytes memory data) private view {
        (bool judged, bytes memory answer) = address(_arbiter).staticcall(data);
        if (judged) return;
        assertGt(answer.length, 3);
        // The first four bytes are wanted.
        // forge-lint: disable-next-line(unsafe-typecast)
        assertTrue(bytes4(answer) != bytes4(0x4e487b71), "panic");
    }

    /// @dev Opens all inputs of a case, which stand one after the other in `elements`.
    function _openInputs(bytes memory record, bytes memory elements)
        private
        view
        returns (Opening[] memory openings, bytes32[] memory roots)
    {
        Record memory instruction = this.decode(record);
        openings = new Opening[](instruction.inputs.length);
        roots = new bytes32[](instruction.inputs.length);
        uint256 start;
        for (uint256 i; i < openings.length; ++i) {
            uint256 length = 4 * instruction.inputs[i].count;
            openings[i] = openAll(slice(elements, start, length));
            roots[i] = Artifacts.tensorRoot(instruction.inputs[i].encoded, _treeRoot(openings[i].data));
            start += length;
        }
        assertEq(start, elements.length);
    }

    /// @dev The definition, written plainly.
    function _treeRoot(bytes memory padded) private pure returns (bytes32) {
        bytes32[] memory row = new bytes32[](padded.length / 128);
        for (uint256 i; i < row.length; ++i) {
            row[i] = keccak256(slice(padded, 128 * i, 128));
        }
        bytes32 zero;
        while (row.length > 1) {
            bytes32[] memory above = new bytes32[]((row.length + 1) / 2);
            for (uint256 i; i < above.length; ++i) {
                above[i] = keccak256(bytes.concat(row[2 * i], 2 * i + 1 < row.length ? row[2 * i + 1] : zero));
            }
            (row, zero) = (above, keccak256(bytes.concat(zero, zero)));
        }
        return row[0];
    }

    function _record(
        uint8 opcode,
        bytes memory shape,
        bytes memory inputs,
        uint8 count,
        bytes memory attributes
    ) private pure returns (bytes memory) {
        bytes memory head =
            abi.encodePacked(uint8(4), opcode, int8(0), shape, type(int32).min, type(int32).max);
        return bytes.concat(head, bytes1(count), inputs, attributes);
    }

    /// @dev ABS of three elements.
    function _absolute() private pure returns (bytes memory) {
        return _record(Instructions.ABS, hex"0100000003", hex"000000000100000003", 1, hex"0000");
    }

    /// @dev (1, terms) by (1, terms).
    function _matmul(uint32 terms, int32 shift, int32 guard, int32 flags)
        private
        pure
        returns (bytes memory)
    {
        bytes memory shape = abi.encodePacked(uint8(2), uint32(1), terms);
        bytes memory inputs = bytes.concat(hex"00000000", shape, hex"00000001", shape);
        bytes memory attributes = abi.encodePacked(uint16(3), shift, guard, flags);
        return _record(Instructions.MATMUL, hex"020000000100000001", inputs, 2, attributes);
    }
}
