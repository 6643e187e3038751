// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ScoreNode } from "contracts/types/ScoreNode.sol";

/// @title Merkle-sum trees of scores
/// @notice A leaf is (0, score), padding is (0, 0); a node's hash is keccak256(left.hash || left.sum || right.hash ||
/// right.sum), its sum the sum of both. Twin: anh_rollup/encoding/scores.py.
library Scores {
    /// @notice Two sums that together leave int64. 2^32 scores of int32 never do.
    error SumOutsideInt64(int256 sum);

    /// @notice The index has no place in a tree of this depth.
    error ScoreOutsideTree(uint256 index, uint256 depth);

    /// @notice The proof, or the list of nodes, is too short or too long.
    error WrongScoreCount(uint256 given, uint256 needed);

    /// @notice The node above two nodes.
    function parent(ScoreNode memory left, ScoreNode memory right) internal pure returns (ScoreNode memory) {
        (bytes32 hash, int64 sum) = _join(left.hash, left.sum, right.hash, right.sum);
        return ScoreNode(hash, sum);
    }

    /// @notice The root that a node and its siblings lead to.
    /// @param node A leaf, or an inner node.
    /// @param index Its place in its level.
    /// @param height Levels between the node and the root.
    /// @param proof Siblings from the bottom, exactly `height` of them.
    function rootFromProof(ScoreNode memory node, uint256 index, uint256 height, ScoreNode[] calldata proof)
        internal
        pure
        returns (ScoreNode memory)
    {
        require(proof.length == height, WrongScoreCount(proof.length, height));
        require(index >> height == 0, ScoreOutsideTree(index, height));
        (bytes32 hash, int64 sum) = (node.hash, node.sum);
        for (uint256 i; i < height; ++i) {
            (bytes32 otherHash, int64 otherSum) = (proof[i].hash, proof[i].sum);
            (hash, sum) = (index >> i) & 1 == 0
                ? _join(hash, sum, otherHash, otherSum)
                : _join(otherHash, otherSum, hash, sum);
        }
        return ScoreNode(hash, sum);
    }

    /// @notice The node at `top` that the leftmost nodes of a level make up; the others of that level are padding.
    /// @param nodes At least one, at most 2^(top - level).
    /// @param level Their level.
    /// @param top Level of the result.
    function rootFromNodes(ScoreNode[] memory nodes, uint256 level, uint256 top)
        internal
        pure
        returns (ScoreNode memory)
    {
        uint256 count = nodes.length;
        require(level <= top, ScoreOutsideTree(level, top));
        uint256 most = uint256(1) << (top - level);
        require(count != 0 && count <= most, WrongScoreCount(count, most));
        ScoreNode memory zero = _padding(level);
        ScoreNode[] memory row = new ScoreNode[]((count + 1) / 2);
        ScoreNode[] memory below = nodes;
        for (; level < top; ++level) {
            for (uint256 i; i < count; i += 2) {
                row[i / 2] = parent(below[i], i + 1 < count ? below[i + 1] : zero);
            }
            (below, count) = (row, (count + 1) / 2);
            zero = parent(zero, zero);
        }
        return below[0];
    }

    /// @dev keccak256(abi.encodePacked(leftHash, leftSum, rightHash, rightSum)) in memory that is free again afterwards:
    /// a move computes dozens.
    function _join(bytes32 leftHash, int64 leftSum, bytes32 rightHash, int64 rightSum)
        private
        pure
        returns (bytes32 hash, int64)
    {
        int256 sum = int256(leftSum) + rightSum;
        require(sum >= type(int64).min && sum <= type(int64).max, SumOutsideInt64(sum));
        assembly ("memory-safe") {
            let packed := mload(0x40)
            mstore(packed, leftHash)
            mstore(add(packed, 0x20), shl(192, leftSum))
            mstore(add(packed, 0x28), rightHash)
            mstore(add(packed, 0x48), shl(192, rightSum))
            hash := keccak256(packed, 0x50)
        }
        // Checked above.
        // forge-lint: disable-next-line(unsafe-typecast)
        return (hash, int64(sum));
    }

    function _padding(uint256 level) private pure returns (ScoreNode memory node) {
        for (uint256 i; i < level; ++i) {
            node = parent(node, node);
        }
    }
}
