// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Openings } from "contracts/libraries/Openings.sol";
import { ProgramRecords } from "contracts/libraries/ProgramRecords.sol";
import { Opening } from "contracts/types/Opening.sol";
import { VectorTest } from "tests/contracts/libraries/VectorTest.sol";

contract OpeningsTest is VectorTest {
    using Openings for Openings.Opened;

    // --- calldata and an own call frame for the library ---

    function rootOf(bytes calldata shape, Opening calldata opening) external pure returns (bytes32) {
        return Openings.open(opening, ProgramRecords.decodeShape(shape), 0).root;
    }

    function canonicalRootOf(bytes calldata shape, Opening calldata opening) external pure returns (bytes32) {
        return Openings.openCanonical(opening, ProgramRecords.decodeShape(shape)).root;
    }

    /// @notice The elements at `indices`, read one after the other.
    function readAll(bytes calldata shape, Opening calldata opening, uint256[] calldata indices)
        external
        pure
        returns (int256[] memory values)
    {
        Openings.Opened memory tensor = Openings.open(opening, ProgramRecords.decodeShape(shape), 7);
        values = new int256[](indices.length);
        for (uint256 i; i < indices.length; ++i) {
            values[i] = tensor.read(indices[i]);
        }
    }

    function run(bytes calldata shape, Opening calldata opening, uint256 index, uint256 length)
        external
        pure
        returns (bytes memory elements)
    {
        Openings.Opened memory tensor = Openings.open(opening, ProgramRecords.decodeShape(shape), 7);
        uint256 pointer = tensor.run(index, length);
        elements = new bytes(4 * length);
        for (uint256 i; i < 4 * length; ++i) {
            bytes1 one;
            assembly ("memory-safe") {
                one := mload(add(pointer, i))
            }
            elements[i] = one;
        }
    }

    // --- vectors ---

    function test_openingsOfPythonLeadToItsRoots() external view {
        string memory json = vectors("artifacts");
        bytes[] memory shapes = vm.parseJsonBytesArray(json, ".openings.shape");
        Opening[] memory openings = _openings(json, ".openings");
        bytes32[] memory roots = vm.parseJsonBytes32Array(json, ".openings.root");
        assertGt(shapes.length, 0);
        for (uint256 i; i < shapes.length; ++i) {
            assertEq(this.rootOf(shapes[i], openings[i]), roots[i]);
            assertEq(this.canonicalRootOf(shapes[i], openings[i]), roots[i]);
        }
    }

    function test_refusesTheOpeningsThatPythonRefuses() external {
        string memory json = vectors("artifacts");
        bytes[] memory shapes = vm.parseJsonBytesArray(json, ".bad_openings.shape");
        Opening[] memory openings = _openings(json, ".bad_openings");
        assertGt(shapes.length, 0);
        for (uint256 i; i < shapes.length; ++i) {
            vm.expectRevert();
            this.canonicalRootOf(shapes[i], openings[i]);
        }
    }

    // --- errors ---

    function test_anOpeningOfNothingHasNoRoot() external view {
        Opening memory nothing;
        assertEq(this.rootOf(hex"0100000046", nothing), bytes32(0));
    }

    function test_dataWithoutChunksAreRefused() external {
        Opening memory opening;
        opening.data = hex"00";
        vm.expectRevert(abi.encodeWithSelector(Openings.WrongDataLength.selector, 1, 0));
        this.rootOf(hex"0100000046", opening);
    }

    function test_aWidthOfZeroIsRefused() external {
        Opening memory opening;
        opening.chunks = new uint32[](1);
        vm.expectRevert(abi.encodeWithSelector(Openings.WidthOutOfBounds.selector, 0));
        this.rootOf(hex"0100000046", opening);
    }

    function test_aWidthOfFiveIsRefused() external {
        Opening memory opening;
        opening.chunks = new uint32[](1);
        opening.width = 5;
        opening.data = new bytes(160);
        vm.expectRevert(abi.encodeWithSelector(Openings.WidthOutOfBounds.selector, 5));
        this.rootOf(hex"0100000046", opening);
    }

    function test_aChunkBehindTheLastOneIsRefused() external {
        Opening memory opening = openAll(new bytes(4 * 70));
        opening.chunks[2] = 3;
        vm.expectRevert(abi.encodeWithSelector(Openings.NoSuchChunk.selector, 3, 3));
        this.rootOf(hex"0100000046", opening);
    }

    function test_paddingThatIsNotZeroIsRefusedWhereBytesMatter() external {
        Opening memory opening = openAll(new bytes(4 * 70));
        opening.data[4 * 80 + 3] = 0x01;
        this.rootOf(hex"0100000046", opening);
        vm.expectRevert(abi.encodeWithSelector(Openings.DirtyPadding.selector, 80));
        this.canonicalRootOf(hex"0100000046", opening);
    }

    function test_anElementInAClosedChunkCannotBeRead() external {
        Opening memory opening = _firstAndLast();
        vm.expectRevert(abi.encodeWithSelector(Openings.ElementNotOpened.selector, 7, 32));
        this.readAll(hex"0100000046", opening, _one(32));
    }

    function test_paddingCannotBeRead() external {
        Opening memory opening = openAll(new bytes(4 * 70));
        vm.expectRevert(abi.encodeWithSelector(Openings.ElementNotOpened.selector, 7, 70));
        this.readAll(hex"0100000046", opening, _one(70));
    }

    function test_aRunOverAClosedChunkCannotBeRead() external {
        Opening memory opening = _firstAndLast();
        vm.expectRevert(abi.encodeWithSelector(Openings.ElementNotOpened.selector, 7, 10));
        this.run(hex"0100000046", opening, 10, 60);
    }

    // --- random tensors ---

    function testFuzz_elementsAreReadInAnyOrder(bytes32 seed, uint256 count, uint256[] calldata indices)
        external
        view
    {
        count = bound(count, 1, 200);
        bytes memory elements = _elements(seed, count);
        uint256[] memory within = new uint256[](indices.length);
        for (uint256 i; i < within.length; ++i) {
            within[i] = indices[i] % count;
        }
        int256[] memory values = this.readAll(_vector(count), openAll(elements), within);
        for (uint256 i; i < within.length; ++i) {
            assertEq(values[i], int32(uint32(uint256(word(elements, 4 * within[i])) >> 224)));
        }
    }

    function testFuzz_runsAreTheElementsInPlace(bytes32 seed, uint256 count, uint256 first, uint256 length)
        external
        view
    {
        count = bound(count, 1, 200);
        first = bound(first, 0, count - 1);
        length = bound(length, 1, count - first);
        bytes memory elements = _elements(seed, count);
        assertEq(
            this.run(_vector(count), openAll(elements), first, length), slice(elements, 4 * first, 4 * length)
        );
    }

    function _openings(string memory json, string memory table)
        private
        pure
        returns (Opening[] memory openings)
    {
        bytes[] memory chunks = vm.parseJsonBytesArray(json, string.concat(table, ".chunks"));
        uint256[] memory widths = vm.parseJsonUintArray(json, string.concat(table, ".width"));
        bytes[] memory data = vm.parseJsonBytesArray(json, string.concat(table, ".data"));
        bytes[] memory proofs = vm.parseJsonBytesArray(json, string.concat(table, ".proof"));
        openings = new Opening[](chunks.length);
        for (uint256 i; i < openings.length; ++i) {
            openings[i] = Opening(uint32s(chunks[i]), uint8(widths[i]), data[i], digests(proofs[i]));
        }
    }

    /// @dev Chunks 0 and 2 of 70 zeros.
    function _firstAndLast() private pure returns (Opening memory opening) {
        opening.chunks = new uint32[](2);
        opening.chunks[1] = 2;
        opening.width = 1;
        opening.data = new bytes(64);
        opening.proof = new bytes32[](2);
        opening.proof[0] = keccak256(new bytes(128));
    }

    function _elements(bytes32 seed, uint256 count) private pure returns (bytes memory elements) {
        while (elements.length < 4 * count) {
            elements = abi.encodePacked(elements, keccak256(abi.encode(seed, elements.length)));
        }
        return slice(elements, 0, 4 * count);
    }

    function _vector(uint256 count) private pure returns (bytes memory) {
        // Callers give small counts.
        // forge-lint: disable-next-line(unsafe-typecast)
        return abi.encodePacked(uint8(1), uint32(count));
    }

    function _one(uint256 index) private pure returns (uint256[] memory indices) {
        indices = new uint256[](1);
        indices[0] = index;
    }
}
