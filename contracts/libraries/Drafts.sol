// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Draft } from "contracts/types/Draft.sol";
import { EfficientHashLib } from "solady/utils/EfficientHashLib.sol";

/// @title Packed records that take several steps to read
/// @notice A draft has chains of hashes over what was read, so that each step adds a little, and the last one is given all.
library Drafts {
    /// @notice Bytes of a packed record that a step reads at most.
    uint256 internal constant PART_BYTES = 256;

    /// @notice Numbers of the table that a step reads at most.
    uint256 internal constant MOST_NUMBERS = 5;

    /// @notice What a machine holds of a draft.
    function hash(Draft memory draft) internal pure returns (bytes32) {
        return keccak256(abi.encode(draft));
    }

    /// @notice A chain with one more part.
    function grow(bytes32 chain, bytes memory part) internal pure returns (bytes32) {
        return keccak256(bytes.concat(chain, part));
    }

    /// @notice A chain with more numbers.
    function grow(bytes32 chain, uint256[] memory numbers) internal pure returns (bytes32) {
        for (uint256 i; i < numbers.length; ++i) {
            chain = EfficientHashLib.hash(chain, bytes32(numbers[i]));
        }
        return chain;
    }

    /// @notice The chain over all parts of some bytes.
    function chainOf(bytes calldata packed) internal pure returns (bytes32 chain) {
        for (uint256 start; start < packed.length; start += PART_BYTES) {
            uint256 end = start + PART_BYTES;
            if (end > packed.length) end = packed.length;
            chain = keccak256(abi.encodePacked(chain, packed[start:end]));
        }
    }
}
