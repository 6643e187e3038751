// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Opening } from "contracts/types/Opening.sol";
import { Test } from "tests/contracts/Vm.sol";

/// @title Reads tests/vectors
/// @notice A table is an object of equally long arrays; a list inside a case is one hex string of packed elements
/// (scripts/generate_vectors/cases.py).
abstract contract VectorTest is Test {
    function vectors(string memory family) internal view returns (string memory json) {
        return vm.readFile(string.concat("tests/vectors/", family, ".json"));
    }

    function uint32s(bytes memory packed) internal pure returns (uint32[] memory values) {
        values = new uint32[](packed.length / 4);
        for (uint256 i; i < values.length; ++i) {
            values[i] = uint32(uint256(word(packed, 4 * i)) >> 224);
        }
    }

    function int64s(bytes memory packed) internal pure returns (int64[] memory values) {
        values = new int64[](packed.length / 8);
        for (uint256 i; i < values.length; ++i) {
            values[i] = int64(uint64(uint256(word(packed, 8 * i)) >> 192));
        }
    }

    /// @notice Opens a whole tensor at full width.
    /// @param elements 4 bytes each, without padding.
    function openAll(bytes memory elements) internal pure returns (Opening memory opening) {
        uint256 count = (elements.length + 127) / 128;
        opening.width = 4;
        opening.chunks = new uint32[](count);
        opening.data = new bytes(128 * count);
        for (uint32 i; i < count; ++i) {
            opening.chunks[i] = i;
        }
        for (uint256 i; i < elements.length; ++i) {
            opening.data[i] = elements[i];
        }
        opening.proof = _paddingProof(count);
    }

    /// @dev What completes a tree of which all leaves are known: a padding node at every level of odd length.
    function _paddingProof(uint256 count) private pure returns (bytes32[] memory proof) {
        bytes32[] memory most = new bytes32[](32);
        bytes32 zero;
        uint256 needed;
        for (; count > 1; count = (count + 1) / 2) {
            if (count % 2 == 1) most[needed++] = zero;
            zero = keccak256(bytes.concat(zero, zero));
        }
        proof = new bytes32[](needed);
        for (uint256 i; i < needed; ++i) {
            proof[i] = most[i];
        }
    }

    function digests(bytes memory packed) internal pure returns (bytes32[] memory values) {
        values = new bytes32[](packed.length / 32);
        for (uint256 i; i < values.length; ++i) {
            values[i] = word(packed, 32 * i);
        }
    }

    /// @notice The 32 bytes from `start` on, with zeros behind the end.
    function word(bytes memory source, uint256 start) internal pure returns (bytes32 found) {
        for (uint256 i; i < 32 && start + i < source.length; ++i) {
            found |= bytes32(source[start + i]) >> (8 * i);
        }
    }

    function slice(bytes memory source, uint256 start, uint256 length)
        internal
        pure
        returns (bytes memory part)
    {
        part = new bytes(length);
        for (uint256 i; i < length; ++i) {
            part[i] = source[start + i];
        }
    }
}
