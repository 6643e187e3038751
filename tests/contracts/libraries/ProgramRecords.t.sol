// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ProgramRecords } from "contracts/libraries/ProgramRecords.sol";
import { Kind, Record } from "contracts/types/Record.sol";
import { Shape } from "contracts/types/Shape.sol";
import { VectorTest } from "tests/contracts/libraries/VectorTest.sol";

contract ProgramRecordsTest is VectorTest {
    bytes private constant FIELD = hex"00000802000000030000000580000000fffffffe0102";

    function decode(bytes calldata record) external pure returns (Record memory) {
        return ProgramRecords.decode(record);
    }

    function decodeShape(bytes calldata encoded) external pure returns (Shape memory) {
        return ProgramRecords.decodeShape(encoded);
    }

    function test_aFieldIsRead() external view {
        Record memory field = this.decode(FIELD);
        assertEq(uint8(field.kind), uint8(Kind.Field));
        assertEq(field.opcode, 0);
        assertEq(field.low, type(int32).min);
        assertEq(field.high, -2);
        assertEq(field.index, 0x0102);
        assertEq(field.shape.encoded, hex"020000000300000005");
        assertEq(field.shape.count, 15);
        assertEq(field.shape.dims[0], 3);
        assertEq(field.shape.dims[1], 5);
    }

    function test_aConstantIsRead() external view {
        bytes32 root = keccak256("a tensor");
        Record memory constant_ = this.decode(bytes.concat(hex"03000000fffffffb0000000a", root));
        assertEq(uint8(constant_.kind), uint8(Kind.Constant));
        assertEq(constant_.shape.count, 1);
        assertEq(constant_.constantRoot, root);
    }

    function test_anInstructionIsRead() external view {
        Record memory instruction = this.decode(
            hex"0403000100000005ffffffff00000001" hex"020000000901000000050001020300"
            hex"000300000000ffffffff00000007"
        );
        assertEq(uint8(instruction.kind), uint8(Kind.Instruction));
        assertEq(instruction.opcode, 3);
        assertEq(instruction.ids.length, 2);
        assertEq(instruction.ids[0], 9);
        assertEq(instruction.ids[1], 0x010203);
        assertEq(instruction.inputs[0].encoded, hex"0100000005");
        assertEq(instruction.inputs[1].encoded, hex"00");
        assertEq(instruction.inputs[1].count, 1);
        assertEq(instruction.attributes.length, 3);
        assertEq(instruction.attributes[1], -1);
        assertEq(instruction.attributes[2], 7);
    }

    function test_everyRecordOfPythonIsReadToItsEnd() external {
        string memory json = vectors("instructions");
        bytes[] memory records = vm.parseJsonBytesArray(json, ".elements.record");
        uint256[] memory opcodes = vm.parseJsonUintArray(json, ".elements.opcode");
        assertGt(records.length, 0);
        for (uint256 i; i < records.length; ++i) {
            assertEq(this.decode(records[i]).opcode, opcodes[i]);
            vm.expectRevert(
                abi.encodeWithSelector(
                    ProgramRecords.RecordTooLong.selector, records[i].length + 1, records[i].length
                )
            );
            this.decode(bytes.concat(records[i], hex"00"));
        }
    }

    function testFuzz_aRecordThatIsCutIsRefused(uint256 length) external {
        length = bound(length, 0, FIELD.length - 1);
        vm.expectPartialRevert(ProgramRecords.RecordTooShort.selector);
        this.decode(slice(FIELD, 0, length));
    }

    function test_anUnknownKindIsRefused() external {
        vm.expectRevert(abi.encodeWithSelector(ProgramRecords.UnknownKind.selector, 5));
        this.decode(_spoilt(0, 5));
    }

    function test_anOpcodeOfAFieldIsRefused() external {
        vm.expectRevert(abi.encodeWithSelector(ProgramRecords.UnknownOpcode.selector, 1));
        this.decode(_spoilt(1, 1));
    }

    function test_unknownOpcodesAreRefused() external {
        vm.expectRevert(abi.encodeWithSelector(ProgramRecords.UnknownOpcode.selector, 20));
        this.decode(hex"041400000000000000000000000000");
        vm.expectRevert(abi.encodeWithSelector(ProgramRecords.UnknownOpcode.selector, 0));
        this.decode(hex"040000000000000000000000000000");
    }

    function test_nineDimensionsAreRefused() external {
        vm.expectRevert(abi.encodeWithSelector(ProgramRecords.RankTooLarge.selector, 9));
        this.decode(_spoilt(3, 9));
    }

    function test_aDimensionOfZeroIsRefused() external {
        vm.expectRevert(abi.encodeWithSelector(ProgramRecords.ElementsOutOfBounds.selector, 0));
        this.decode(_spoilt(7, 0));
    }

    function test_tooManyElementsAreRefused() external {
        vm.expectRevert(abi.encodeWithSelector(ProgramRecords.ElementsOutOfBounds.selector, 2 ** 31));
        this.decodeShape(hex"020000800000010000");
        assertEq(this.decodeShape(hex"017fffffff").count, 2 ** 31 - 1);
    }

    function test_eightDimensionsOfTheLargestSizeAreRefused() external {
        bytes memory shape = hex"08ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
        vm.expectPartialRevert(ProgramRecords.ElementsOutOfBounds.selector);
        this.decodeShape(shape);
    }

    function test_aReversedRangeIsRefused() external {
        vm.expectRevert(abi.encodeWithSelector(ProgramRecords.RangeReversed.selector, 0, -2));
        this.decode(_spoilt(12, 0));
    }

    function test_moreAttributesThanBytesAreRefusedBeforeMemoryIsTaken() external {
        vm.expectPartialRevert(ProgramRecords.RecordTooShort.selector);
        this.decode(hex"0403000000000000000000000000ffff");
    }

    function test_bytesBehindAShapeAreRefused() external {
        vm.expectRevert(abi.encodeWithSelector(ProgramRecords.RecordTooLong.selector, 2, 1));
        this.decodeShape(hex"0000");
    }

    /// @notice A panic or an empty revert would be a state that the library did not foresee.
    function testFuzz_anyBytesAreReadOrRefusedByName(bytes calldata record) external view {
        try this.decode(record) { }
        catch (bytes memory reason) {
            assertGt(reason.length, 3);
            // The first four bytes are wanted.
            // forge-lint: disable-next-line(unsafe-typecast)
            assertTrue(bytes4(reason) != bytes4(0x4e487b71), "panic");
        }
    }

    function _spoilt(uint256 place, uint8 byte_) private pure returns (bytes memory record) {
        record = FIELD;
        record[place] = bytes1(byte_);
    }
}
