// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Short literals and small numbers: nothing is cut off.
// forge-lint: disable-start(unsafe-typecast)

import { Opening } from "contracts/types/Opening.sol";
import { ScoreNode } from "contracts/types/ScoreNode.sol";

/// @title Building what the shipped libraries only verify
/// @notice Trees, proofs and openings, written from docs/encoding.md and not from contracts/, so that both check each other.
library Trees {
    function depthOf(uint256 count) internal pure returns (uint8 depth) {
        while (uint256(1) << depth < count) ++depth;
    }

    /// @notice The nodes of a level that cover leaves.
    function nodes(bytes32[] memory leaves, uint256 level) internal pure returns (bytes32[] memory row) {
        row = leaves;
        bytes32 zero;
        for (uint256 l; l < level; ++l) {
            bytes32[] memory above = new bytes32[]((row.length + 1) / 2);
            for (uint256 i; i < above.length; ++i) {
                bytes32 right = 2 * i + 1 < row.length ? row[2 * i + 1] : zero;
                above[i] = keccak256(abi.encodePacked(row[2 * i], right));
            }
            (row, zero) = (above, keccak256(abi.encodePacked(zero, zero)));
        }
    }

    function root(bytes32[] memory leaves) internal pure returns (bytes32) {
        return nodes(leaves, depthOf(leaves.length))[0];
    }

    /// @notice Siblings of the path of a node from its level up to another.
    function proof(bytes32[] memory leaves, uint256 level, uint256 index, uint256 top)
        internal
        pure
        returns (bytes32[] memory siblings)
    {
        siblings = new bytes32[](top - level);
        for (uint256 l = level; l < top; ++l) {
            bytes32[] memory row = nodes(leaves, l);
            uint256 sibling = (index >> (l - level)) ^ 1;
            siblings[l - level] = sibling < row.length ? row[sibling] : zeroHash(l);
        }
    }

    function leafProof(bytes32[] memory leaves, uint256 index) internal pure returns (bytes32[] memory) {
        return proof(leaves, 0, index, depthOf(leaves.length));
    }

    /// @notice The nodes of a level below one node.
    function children(bytes32[] memory leaves, uint256 level, uint256 index, uint256 top)
        internal
        pure
        returns (bytes32[] memory part)
    {
        bytes32[] memory row = nodes(leaves, level);
        uint256 first = index << (top - level);
        uint256 end = (index + 1) << (top - level);
        if (end > row.length) end = row.length;
        part = new bytes32[](end - first);
        for (uint256 i; i < part.length; ++i) {
            part[i] = row[first + i];
        }
    }

    function zeroHash(uint256 level) internal pure returns (bytes32 zero) {
        for (uint256 l; l < level; ++l) {
            zero = keccak256(abi.encodePacked(zero, zero));
        }
    }

    // --- score trees ---

    function scoreNodes(int64[] memory scores, uint256 level) internal pure returns (ScoreNode[] memory row) {
        row = new ScoreNode[](scores.length);
        for (uint256 i; i < row.length; ++i) {
            row[i].sum = scores[i];
        }
        ScoreNode memory zero;
        for (uint256 l; l < level; ++l) {
            ScoreNode[] memory above = new ScoreNode[]((row.length + 1) / 2);
            for (uint256 i; i < above.length; ++i) {
                above[i] = _parent(row[2 * i], 2 * i + 1 < row.length ? row[2 * i + 1] : zero);
            }
            (row, zero) = (above, _parent(zero, zero));
        }
    }

    function scoreProof(int64[] memory scores, uint256 index)
        internal
        pure
        returns (ScoreNode[] memory siblings)
    {
        siblings = new ScoreNode[](depthOf(scores.length));
        ScoreNode memory zero;
        for (uint256 l; l < siblings.length; ++l) {
            ScoreNode[] memory row = scoreNodes(scores, l);
            uint256 sibling = (index >> l) ^ 1;
            siblings[l] = sibling < row.length ? row[sibling] : zero;
            zero = _parent(zero, zero);
        }
    }

    function _parent(ScoreNode memory a, ScoreNode memory b) private pure returns (ScoreNode memory) {
        return ScoreNode(keccak256(abi.encodePacked(a.hash, a.sum, b.hash, b.sum)), a.sum + b.sum);
    }

    // --- tensors ---

    function chunkBytes(int32[] memory tensor, uint256 chunk) internal pure returns (bytes memory packed) {
        packed = new bytes(128);
        for (uint256 i; i < 32 && 32 * chunk + i < tensor.length; ++i) {
            bytes4 element = bytes4(uint32(tensor[32 * chunk + i]));
            for (uint256 j; j < 4; ++j) {
                packed[4 * i + j] = element[j];
            }
        }
    }

    function elementBytes(int32[] memory tensor) internal pure returns (bytes memory packed) {
        for (uint256 i; i < tensor.length; ++i) {
            packed = bytes.concat(packed, bytes4(uint32(tensor[i])));
        }
    }

    function chunkLeaves(int32[] memory tensor) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[]((tensor.length + 31) / 32);
        for (uint256 i; i < leaves.length; ++i) {
            leaves[i] = keccak256(chunkBytes(tensor, i));
        }
    }

    function tensorRoot(bytes memory shape, int32[] memory tensor) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(hex"01", shape, root(chunkLeaves(tensor))));
    }

    /// @notice One chunk, 4 bytes an element.
    function openChunk(int32[] memory tensor, uint256 chunk) internal pure returns (Opening memory opening) {
        opening.chunks = new uint32[](1);
        opening.chunks[0] = uint32(chunk);
        opening.width = 4;
        opening.data = chunkBytes(tensor, chunk);
        opening.proof = leafProof(chunkLeaves(tensor), chunk);
    }

    /// @notice All chunks, 4 bytes an element.
    function openAll(int32[] memory tensor) internal pure returns (Opening memory opening) {
        bytes32[] memory leaves = chunkLeaves(tensor);
        opening.chunks = new uint32[](leaves.length);
        opening.width = 4;
        for (uint256 i; i < leaves.length; ++i) {
            opening.chunks[i] = uint32(i);
            opening.data = bytes.concat(opening.data, chunkBytes(tensor, i));
        }
        uint256 depth = depthOf(leaves.length);
        uint256 count;
        bytes32[] memory siblings = new bytes32[](depth);
        for (uint256 l; l < depth; ++l) {
            if (nodes(leaves, l).length % 2 == 1) siblings[count++] = zeroHash(l);
        }
        opening.proof = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            opening.proof[i] = siblings[i];
        }
    }
}
