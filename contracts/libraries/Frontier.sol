// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Hashes } from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import { Merkle } from "contracts/libraries/Merkle.sol";

/// @title Merkle trees that grow by a leaf at a time
/// @notice A frontier of n leaves is the hash of the roots of the complete subtrees that the binary digits of n name,
/// lowest first. The tree is that of libraries/Merkle.sol. Twin: anh_rollup/protocol/machine/frontier.py.
library Frontier {
    /// @notice The frontier of no leaves.
    bytes32 internal constant EMPTY = keccak256("");

    /// @notice The roots are not those of the frontier.
    error WrongFrontier(bytes32 given, bytes32 needed);

    /// @notice The frontier with one more leaf.
    /// @param frontier The frontier.
    /// @param count Its leaves.
    /// @param roots Its roots, lowest first.
    /// @param leaf The next leaf.
    function append(bytes32 frontier, uint256 count, bytes32[] calldata roots, bytes32 leaf)
        internal
        pure
        returns (bytes32)
    {
        _requireRoots(frontier, roots);
        uint256 merged;
        for (; count & 1 != 0; count >>= 1) {
            leaf = Hashes.efficientKeccak256(roots[merged], leaf);
            ++merged;
        }
        return keccak256(abi.encodePacked(leaf, roots[merged:]));
    }

    /// @notice The root of the tree; zero without leaves.
    function root(bytes32 frontier, uint256 count, bytes32[] calldata roots)
        internal
        pure
        returns (bytes32 node)
    {
        _requireRoots(frontier, roots);
        if (count == 0) return 0;
        uint256 depth = Merkle.depth(count);
        if (count == uint256(1) << depth) return roots[0];
        bytes32 zero;
        uint256 used;
        for (uint256 level; level < depth; ++level) {
            if (count >> level & 1 != 0) {
                node = Hashes.efficientKeccak256(roots[used], used == 0 ? zero : node);
                ++used;
            } else if (used != 0) {
                node = Hashes.efficientKeccak256(node, zero);
            }
            zero = Hashes.efficientKeccak256(zero, zero);
        }
    }

    function _requireRoots(bytes32 frontier, bytes32[] calldata roots) private pure {
        bytes32 given = keccak256(abi.encodePacked(roots));
        require(given == frontier, WrongFrontier(given, frontier));
    }
}
