// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Hashes } from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

/// @title Merkle trees of fixed depth whose proofs bind a leaf to its index
/// @notice n leaves are padded with zero words to 2^d, d = ceil(log2 n). A node is keccak256(left || right); level 0 are
/// the leaves. OpenZeppelin's MerkleProof sorts the two children, so it shows that a leaf is in a tree but not
/// where, and takes proofs of any length; disputes need the place, hence this library. Twin: anh_rollup/encoding/merkle.py.
library Merkle {
    /// @notice The index has no place in a tree of this depth.
    error IndexOutsideTree(uint256 index, uint256 depth);

    /// @notice The proof has too few or too many hashes.
    error WrongProofLength(uint256 given, uint256 needed);

    /// @notice The number of nodes or leaves is not one that fits.
    error WrongNodeCount(uint256 given, uint256 most);

    /// @notice Indices must be strictly ascending.
    error IndicesNotAscending(uint256 previous, uint256 next);

    /// @notice Levels between the leaves and the root of a tree of `count` leaves (at least 1).
    function depth(uint256 count) internal pure returns (uint8 levels) {
        require(count != 0, WrongNodeCount(0, type(uint32).max));
        unchecked {
            for (uint256 rest = count - 1; rest != 0; rest >>= 1) {
                ++levels;
            }
        }
    }

    /// @notice The root of a subtree of zero leaves, `level` levels high.
    function zeroHash(uint256 level) internal pure returns (bytes32 node) {
        for (uint256 i; i < level; ++i) {
            node = Hashes.efficientKeccak256(node, node);
        }
    }

    /// @notice The root that a node and its siblings lead to.
    /// @param node A leaf, or an inner node of a tree `height` levels higher.
    /// @param index Its place in its level.
    /// @param height Levels between the node and the root.
    /// @param proof Siblings from the bottom, exactly `height` of them.
    function rootFromProof(bytes32 node, uint256 index, uint256 height, bytes32[] calldata proof)
        internal
        pure
        returns (bytes32)
    {
        require(proof.length == height, WrongProofLength(proof.length, height));
        require(index >> height == 0, IndexOutsideTree(index, height));
        for (uint256 i; i < height; ++i) {
            node = (index >> i) & 1 == 0
                ? Hashes.efficientKeccak256(node, proof[i])
                : Hashes.efficientKeccak256(proof[i], node);
        }
        return node;
    }

    /// @notice The node at `top` that the leftmost nodes of a level make up; the others of that level are padding.
    /// @param nodes At least one, at most 2^(top - level).
    /// @param level Their level.
    /// @param top Level of the result.
    function rootFromNodes(bytes32[] memory nodes, uint256 level, uint256 top)
        internal
        pure
        returns (bytes32)
    {
        _requireNodeCount(nodes.length, level, top);
        bytes32 zero = zeroHash(level);
        uint256 count = nodes.length;
        bytes32[] memory row = new bytes32[]((count + 1) / 2);
        bytes32[] memory below = nodes;
        for (; level < top; ++level) {
            for (uint256 i; i < count; i += 2) {
                bytes32 right = i + 1 < count ? below[i + 1] : zero;
                row[i / 2] = Hashes.efficientKeccak256(below[i], right);
            }
            (below, count) = (row, (count + 1) / 2);
            zero = Hashes.efficientKeccak256(zero, zero);
        }
        return below[0];
    }

    /// @notice The root that several leaves and the nodes beside their paths lead to.
    /// @param indices Places of the leaves, strictly ascending, at least one.
    /// @param leaves As many leaves. Their memory is used up.
    /// @param height Depth of the tree.
    /// @param proof Level by level from the bottom, left to right, the siblings that are not known yet.
    function rootFromMultiproof(
        uint32[] memory indices,
        bytes32[] memory leaves,
        uint256 height,
        bytes32[] calldata proof
    ) internal pure returns (bytes32) {
        uint256[] memory places = _checkedPlaces(indices, leaves.length, height);
        uint256 used;
        for (uint256 level; level < height; ++level) {
            used = _climb(places, leaves, proof, used);
        }
        require(used == proof.length, WrongProofLength(proof.length, used));
        return leaves[0];
    }

    /// @dev Turns one level's known nodes and their places into the next one's, in place.
    /// @param used Hashes of the proof that lower levels took; the result counts this level's too.
    function _climb(uint256[] memory places, bytes32[] memory nodes, bytes32[] calldata proof, uint256 used)
        private
        pure
        returns (uint256 taken)
    {
        taken = used;
        // An inner loop of openings: docs/adr/0002-assembly-in-the-inner-loops.md.
        assembly ("memory-safe") {
            let place := add(places, 0x20)
            let end := add(place, shl(5, mload(places)))
            let toNodes := sub(nodes, places)
            let written := place
            for { } lt(place, end) { } {
                let index := mload(place)
                let side := shl(5, and(index, 1))
                // The node goes to its own side of the scratch space, its sibling to the other.
                mstore(side, mload(add(place, toNodes)))
                place := add(place, 0x20)
                switch and(lt(place, end), eq(mload(place), add(index, iszero(side))))
                case 1 {
                    mstore(0x20, mload(add(place, toNodes)))
                    place := add(place, 0x20)
                }
                default {
                    if lt(taken, proof.length) {
                        mstore(xor(side, 0x20), calldataload(add(proof.offset, shl(5, taken))))
                    }
                    taken := add(taken, 1)
                }
                mstore(written, shr(1, index))
                mstore(add(written, toNodes), keccak256(0, 0x40))
                written := add(written, 0x20)
            }
            let count := shr(5, sub(written, add(places, 0x20)))
            mstore(places, count)
            mstore(nodes, count)
        }
    }

    function _checkedPlaces(uint32[] memory indices, uint256 leaves, uint256 height)
        private
        pure
        returns (uint256[] memory places)
    {
        uint256 count = indices.length;
        require(count != 0 && leaves == count, WrongNodeCount(count, leaves));
        places = new uint256[](count);
        uint256 ascending = 1;
        assembly ("memory-safe") {
            let from := add(indices, 0x20)
            let to := add(places, 0x20)
            let last := mload(from)
            mstore(to, last)
            for { } lt(ascending, count) { ascending := add(ascending, 1) } {
                from := add(from, 0x20)
                to := add(to, 0x20)
                let next := mload(from)
                if iszero(lt(last, next)) { break }
                mstore(to, next)
                last := next
            }
        }
        if (ascending < count) revert IndicesNotAscending(indices[ascending - 1], indices[ascending]);
        uint256 last = indices[count - 1];
        require(last >> height == 0, IndexOutsideTree(last, height));
    }

    function _requireNodeCount(uint256 count, uint256 level, uint256 top) private pure {
        require(level <= top, IndexOutsideTree(level, top));
        uint256 most = uint256(1) << (top - level);
        require(count != 0 && count <= most, WrongNodeCount(count, most));
    }
}
