// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Opening } from "contracts/types/Opening.sol";

/// @title The roots of artifacts
/// @notice What programs, models, data sets and scores are committed by. Each root hashes a tag, the counts and the root
/// of a Merkle tree, so that no artifact's bytes can be read as another kind's. Twins: anh_rollup/encoding/.
library Artifacts {
    bytes1 private constant TENSOR = 0x01;
    bytes1 private constant MODEL = 0x02;
    bytes1 private constant SAMPLE = 0x03;
    bytes1 private constant DATASET = 0x04;
    bytes1 private constant PROGRAM = 0x05;
    bytes1 private constant SCORES = 0x06;

    /// @notice Root of a tensor.
    /// @param shape Its rank (1 byte) and dims (4 bytes each).
    /// @param treeRoot Over the hashes of its chunks.
    function tensorRoot(bytes memory shape, bytes32 treeRoot) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(TENSOR, shape, treeRoot));
    }

    /// @notice Root of a model.
    /// @param count Its number of tensors.
    /// @param treeRoot Over the tensors' roots, in parameter order.
    function modelRoot(uint32 count, bytes32 treeRoot) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(MODEL, count, treeRoot));
    }

    /// @notice Root of a sample: its fields' (or answers') tensor roots in order, at most 255.
    function sampleRoot(bytes32[] memory tensors) internal pure returns (bytes32) {
        // A longer list cannot be mistaken for a shorter one: its bytes are in the hash too.
        // forge-lint: disable-next-line(unsafe-typecast)
        return keccak256(abi.encodePacked(SAMPLE, uint8(tensors.length), tensors));
    }

    /// @notice Root of a data set, or of the answers to one.
    /// @param count Its number of samples.
    /// @param treeRoot Over the samples' roots.
    function datasetRoot(uint32 count, bytes32 treeRoot) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(DATASET, count, treeRoot));
    }

    /// @notice Root of a program.
    /// @param treeRoot Over the hashes of its values' records.
    function programRoot(
        uint32 valueCount,
        uint8 fieldCount,
        uint8 answerCount,
        uint32 parameterCount,
        bytes32 treeRoot
    ) internal pure returns (bytes32) {
        return keccak256(
            abi.encodePacked(PROGRAM, valueCount, fieldCount, answerCount, parameterCount, treeRoot)
        );
    }

    /// @notice Root of a list of scores.
    /// @param count Its length.
    /// @param sum Of all scores.
    /// @param top Hash of the tree's root node.
    function scoresRoot(uint32 count, int64 sum, bytes32 top) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(SCORES, count, sum, top));
    }
}
