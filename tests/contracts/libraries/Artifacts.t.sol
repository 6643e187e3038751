// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Artifacts } from "contracts/libraries/Artifacts.sol";
import { Merkle } from "contracts/libraries/Merkle.sol";
import { VectorTest } from "tests/contracts/libraries/VectorTest.sol";

contract ArtifactsTest is VectorTest {
    function rootFromProof(bytes32 node, uint256 index, uint256 height, bytes32[] calldata proof)
        external
        pure
        returns (bytes32)
    {
        return Merkle.rootFromProof(node, index, height, proof);
    }

    function test_tensorsOfPythonHaveItsRoots() external view {
        string memory json = vectors("artifacts");
        bytes[] memory shapes = vm.parseJsonBytesArray(json, ".tensors.shape");
        bytes[] memory elements = vm.parseJsonBytesArray(json, ".tensors.elements");
        uint256[] memory counts = vm.parseJsonUintArray(json, ".tensors.chunk_count");
        bytes32[] memory treeRoots = vm.parseJsonBytes32Array(json, ".tensors.tree_root");
        bytes32[] memory roots = vm.parseJsonBytes32Array(json, ".tensors.root");
        assertGt(shapes.length, 0);
        for (uint256 i; i < shapes.length; ++i) {
            bytes32[] memory leaves = _chunks(elements[i]);
            assertEq(leaves.length, counts[i]);
            assertEq(Merkle.rootFromNodes(leaves, 0, Merkle.depth(leaves.length)), treeRoots[i]);
            assertEq(Artifacts.tensorRoot(shapes[i], treeRoots[i]), roots[i]);
        }
    }

    function test_theLargestShapesHaveTheRootsOfPython() external view {
        string memory json = vectors("artifacts");
        bytes[] memory shapes = vm.parseJsonBytesArray(json, ".large_tensors.shape");
        bytes32[] memory treeRoots = vm.parseJsonBytes32Array(json, ".large_tensors.tree_root");
        bytes32[] memory roots = vm.parseJsonBytes32Array(json, ".large_tensors.root");
        assertGt(shapes.length, 0);
        for (uint256 i; i < shapes.length; ++i) {
            assertEq(Artifacts.tensorRoot(shapes[i], treeRoots[i]), roots[i]);
        }
    }

    function test_modelsOfPythonHaveItsRoots() external view {
        string memory json = vectors("artifacts");
        bytes[] memory tensors = vm.parseJsonBytesArray(json, ".models.tensors");
        uint256[] memory counts = vm.parseJsonUintArray(json, ".models.count");
        bytes32[] memory treeRoots = vm.parseJsonBytes32Array(json, ".models.tree_root");
        bytes32[] memory roots = vm.parseJsonBytes32Array(json, ".models.root");
        assertGt(tensors.length, 0);
        for (uint256 i; i < tensors.length; ++i) {
            assertEq(Merkle.rootFromNodes(digests(tensors[i]), 0, Merkle.depth(counts[i])), treeRoots[i]);
            assertEq(Artifacts.modelRoot(uint32(counts[i]), treeRoots[i]), roots[i]);
        }
    }

    function test_parametersOfPythonLeadToTheRootsOfTheirModels() external view {
        string memory json = vectors("artifacts");
        uint256[] memory counts = vm.parseJsonUintArray(json, ".parameters.count");
        uint256[] memory indices = vm.parseJsonUintArray(json, ".parameters.index");
        bytes32[] memory tensors = vm.parseJsonBytes32Array(json, ".parameters.tensor");
        bytes[] memory proofs = vm.parseJsonBytesArray(json, ".parameters.proof");
        bytes32[] memory roots = vm.parseJsonBytes32Array(json, ".parameters.root");
        assertGt(counts.length, 0);
        for (uint256 i; i < counts.length; ++i) {
            bytes32 tree =
                this.rootFromProof(tensors[i], indices[i], Merkle.depth(counts[i]), digests(proofs[i]));
            assertEq(Artifacts.modelRoot(uint32(counts[i]), tree), roots[i]);
        }
    }

    function test_dataSetsOfPythonHaveItsRoots() external view {
        string memory json = vectors("artifacts");
        uint256[] memory counts = vm.parseJsonUintArray(json, ".datasets.count");
        bytes32[] memory treeRoots = vm.parseJsonBytes32Array(json, ".datasets.tree_root");
        bytes32[] memory roots = vm.parseJsonBytes32Array(json, ".datasets.root");
        assertGt(counts.length, 0);
        for (uint256 i; i < counts.length; ++i) {
            assertEq(Artifacts.datasetRoot(uint32(counts[i]), treeRoots[i]), roots[i]);
        }
    }

    function test_samplesOfPythonLeadToTheRootsOfTheirDataSets() external view {
        string memory json = vectors("artifacts");
        bytes[] memory tensors = vm.parseJsonBytesArray(json, ".samples.tensors");
        bytes32[] memory samples = vm.parseJsonBytes32Array(json, ".samples.sample");
        uint256[] memory counts = vm.parseJsonUintArray(json, ".samples.count");
        uint256[] memory indices = vm.parseJsonUintArray(json, ".samples.index");
        bytes[] memory proofs = vm.parseJsonBytesArray(json, ".samples.proof");
        bytes32[] memory roots = vm.parseJsonBytes32Array(json, ".samples.root");
        assertGt(tensors.length, 0);
        for (uint256 i; i < tensors.length; ++i) {
            assertEq(Artifacts.sampleRoot(digests(tensors[i])), samples[i]);
            bytes32 tree =
                this.rootFromProof(samples[i], indices[i], Merkle.depth(counts[i]), digests(proofs[i]));
            assertEq(Artifacts.datasetRoot(uint32(counts[i]), tree), roots[i]);
        }
    }

    function test_programsOfPythonHaveItsRoots() external view {
        string memory json = vectors("artifacts");
        uint256[] memory values = vm.parseJsonUintArray(json, ".programs.values");
        uint256[] memory fields = vm.parseJsonUintArray(json, ".programs.fields");
        uint256[] memory answers = vm.parseJsonUintArray(json, ".programs.answers");
        uint256[] memory parameters = vm.parseJsonUintArray(json, ".programs.parameters");
        bytes32[] memory treeRoots = vm.parseJsonBytes32Array(json, ".programs.tree_root");
        bytes32[] memory roots = vm.parseJsonBytes32Array(json, ".programs.root");
        assertGt(values.length, 0);
        for (uint256 i; i < values.length; ++i) {
            bytes32 root = Artifacts.programRoot(
                uint32(values[i]), uint8(fields[i]), uint8(answers[i]), uint32(parameters[i]), treeRoots[i]
            );
            assertEq(root, roots[i]);
        }
    }

    function testFuzz_kindsOfArtifactsNeverShareARoot(uint32 count, bytes32 tree) external pure {
        assertNotEq(Artifacts.modelRoot(count, tree), Artifacts.datasetRoot(count, tree));
        assertNotEq(Artifacts.tensorRoot(abi.encodePacked(count), tree), Artifacts.modelRoot(count, tree));
    }

    /// @dev Hashes of the chunks of elements of 4 bytes each, the last one padded.
    function _chunks(bytes memory elements) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[]((elements.length + 127) / 128);
        for (uint256 i; i < leaves.length; ++i) {
            bytes32[4] memory chunk;
            for (uint256 j; j < 4; ++j) {
                chunk[j] = word(elements, 128 * i + 32 * j);
            }
            leaves[i] = keccak256(abi.encodePacked(chunk));
        }
    }
}
