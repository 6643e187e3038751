// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Hashes } from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import { Leaf } from "contracts/types/Witness.sol";

/// @title The tree of accounts and escrows
/// @notice A leaf is keccak256(0x01 || key || value), a node keccak256(left || right), an empty subtree 32 zero bytes, a
/// subtree with one leaf is that leaf. The key's first bit chooses at the root. docs/ledger-claims.md draws it. Twin:
/// anh_rollup/protocol/machine/tree.py.
library LedgerTree {
    /// @dev What stands at the end of a key's path.
    uint8 internal constant NOTHING = 0;
    uint8 internal constant ITSELF = 1;
    uint8 internal constant ANOTHER = 2;

    /// @dev Length of the longest path.
    uint256 private constant KEY_BITS = 256;

    /// @notice Nothing can stand so at the end of this key's path.
    error NotOnThePath(bytes32 key, uint8 found, bytes32 other, uint256 siblings);

    /// @notice Where an account stands.
    function accountKey(address account) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes1(0x00), account));
    }

    /// @notice Where the escrow of a job stands.
    /// @param transaction keccak256 of the job's record.
    function escrowKey(bytes32 transaction) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes1(0x01), transaction));
    }

    /// @notice The root of the tree in which a key has this path.
    /// @param key The key that is asked for.
    /// @param value Its value, where its leaf is there; not looked at otherwise.
    /// @param leaf What stands at the end of its path, and the siblings.
    function root(bytes32 key, bytes32 value, Leaf calldata leaf) internal pure returns (bytes32) {
        _requireOnPath(key, leaf);
        if (leaf.found == NOTHING) return _climb(0, key, leaf.siblings);
        if (leaf.found == ANOTHER) return _climb(_leaf(leaf.key, leaf.value), key, leaf.siblings);
        return _climb(_leaf(key, value), key, leaf.siblings);
    }

    /// @notice The root of that tree once the key has this value.
    function updated(bytes32 key, bytes32 value, Leaf calldata leaf) internal pure returns (bytes32) {
        _requireOnPath(key, leaf);
        bytes32 node = _leaf(key, value);
        if (leaf.found == ANOTHER) node = _parted(key, node, leaf);
        return _climb(node, key, leaf.siblings);
    }

    /// @dev Both leaves below the first bit in which their keys differ, up to the height of the path's end.
    function _parted(bytes32 key, bytes32 node, Leaf calldata leaf) private pure returns (bytes32) {
        uint256 depth = _shared(key, leaf.key);
        node = _joined(key, depth, node, _leaf(leaf.key, leaf.value));
        while (depth > leaf.siblings.length) {
            node = _joined(key, --depth, node, 0);
        }
        return node;
    }

    function _climb(bytes32 node, bytes32 key, bytes32[] calldata siblings) private pure returns (bytes32) {
        uint256 depth = siblings.length;
        for (uint256 i; i < siblings.length; ++i) {
            node = _joined(key, --depth, node, siblings[i]);
        }
        return node;
    }

    /// @dev The branch at a depth of the key's path.
    function _joined(bytes32 key, uint256 depth, bytes32 node, bytes32 sibling)
        private
        pure
        returns (bytes32)
    {
        bool right = uint256(key) >> (KEY_BITS - 1 - depth) & 1 != 0;
        return right ? Hashes.efficientKeccak256(sibling, node) : Hashes.efficientKeccak256(node, sibling);
    }

    function _leaf(bytes32 key, bytes32 value) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes1(0x01), key, value));
    }

    /// @dev Bits before the first in which two different keys differ.
    function _shared(bytes32 one, bytes32 other) private pure returns (uint256 bits) {
        uint256 different = uint256(one ^ other);
        while (different >> (KEY_BITS - 1 - bits) == 0) {
            ++bits;
        }
    }

    function _requireOnPath(bytes32 key, Leaf calldata leaf) private pure {
        uint256 depth = leaf.siblings.length;
        bool placed = depth <= KEY_BITS && leaf.found <= ANOTHER;
        if (placed && leaf.found == ANOTHER) placed = key != leaf.key && depth <= _shared(key, leaf.key);
        require(placed, NotOnThePath(key, leaf.found, leaf.key, depth));
    }
}
