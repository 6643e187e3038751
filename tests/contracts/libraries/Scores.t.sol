// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Artifacts } from "contracts/libraries/Artifacts.sol";
import { Merkle } from "contracts/libraries/Merkle.sol";
import { Scores } from "contracts/libraries/Scores.sol";
import { ScoreNode } from "contracts/types/ScoreNode.sol";
import { VectorTest } from "tests/contracts/libraries/VectorTest.sol";

contract ScoresTest is VectorTest {
    // --- calldata and an own call frame for the library ---

    function rootFromProof(ScoreNode calldata node, uint256 index, uint256 height, ScoreNode[] calldata proof)
        external
        pure
        returns (ScoreNode memory)
    {
        return Scores.rootFromProof(node, index, height, proof);
    }

    function rootFromNodes(ScoreNode[] calldata nodes, uint256 level, uint256 top)
        external
        pure
        returns (ScoreNode memory)
    {
        return Scores.rootFromNodes(nodes, level, top);
    }

    // --- vectors ---

    function test_listsOfPythonHaveItsRoots() external view {
        string memory json = vectors("scores");
        bytes[] memory lists = vm.parseJsonBytesArray(json, ".lists.scores");
        uint256[] memory counts = vm.parseJsonUintArray(json, ".lists.count");
        int256[] memory sums = vm.parseJsonIntArray(json, ".lists.sum");
        bytes32[] memory tops = vm.parseJsonBytes32Array(json, ".lists.top");
        bytes32[] memory roots = vm.parseJsonBytes32Array(json, ".lists.root");
        assertGt(lists.length, 0);
        for (uint256 i; i < lists.length; ++i) {
            ScoreNode[] memory leaves = _leaves(lists[i]);
            assertEq(leaves.length, counts[i]);
            ScoreNode memory root = Scores.rootFromNodes(leaves, 0, Merkle.depth(counts[i]));
            _assertNode(root, tops[i], sums[i]);
            assertEq(Artifacts.scoresRoot(uint32(counts[i]), int64(sums[i]), tops[i]), roots[i]);
        }
    }

    function test_proofsOfPythonLeadToItsRoots() external view {
        string memory json = vectors("scores");
        int256[] memory scores = vm.parseJsonIntArray(json, ".proofs.score");
        uint256[] memory indices = vm.parseJsonUintArray(json, ".proofs.index");
        uint256[] memory heights = vm.parseJsonUintArray(json, ".proofs.height");
        bytes[] memory proofs = vm.parseJsonBytesArray(json, ".proofs.proof");
        bytes32[] memory tops = vm.parseJsonBytes32Array(json, ".proofs.top");
        int256[] memory sums = vm.parseJsonIntArray(json, ".proofs.sum");
        assertGt(scores.length, 0);
        for (uint256 i; i < scores.length; ++i) {
            ScoreNode memory leaf = ScoreNode(bytes32(0), int64(scores[i]));
            _assertNode(this.rootFromProof(leaf, indices[i], heights[i], _nodes(proofs[i])), tops[i], sums[i]);
        }
    }

    function test_nodesOfPythonMakeUpItsRoots() external view {
        string memory json = vectors("scores");
        bytes[] memory nodes = vm.parseJsonBytesArray(json, ".nodes.nodes");
        uint256[] memory levels = vm.parseJsonUintArray(json, ".nodes.level");
        uint256[] memory topLevels = vm.parseJsonUintArray(json, ".nodes.top_level");
        bytes32[] memory tops = vm.parseJsonBytes32Array(json, ".nodes.top");
        int256[] memory sums = vm.parseJsonIntArray(json, ".nodes.sum");
        assertGt(nodes.length, 0);
        for (uint256 i; i < nodes.length; ++i) {
            _assertNode(Scores.rootFromNodes(_nodes(nodes[i]), levels[i], topLevels[i]), tops[i], sums[i]);
        }
    }

    function test_sumsThatLeaveInt64AreRefused() external {
        string memory json = vectors("scores");
        bytes[] memory nodes = vm.parseJsonBytesArray(json, ".overflows.nodes");
        uint256[] memory levels = vm.parseJsonUintArray(json, ".overflows.level");
        uint256[] memory topLevels = vm.parseJsonUintArray(json, ".overflows.top_level");
        assertGt(nodes.length, 0);
        for (uint256 i; i < nodes.length; ++i) {
            vm.expectPartialRevert(Scores.SumOutsideInt64.selector);
            this.rootFromNodes(_nodes(nodes[i]), levels[i], topLevels[i]);
        }
    }

    // --- errors ---

    function test_aProofThatIsTooLongIsRefused() external {
        vm.expectRevert(abi.encodeWithSelector(Scores.WrongScoreCount.selector, 3, 2));
        this.rootFromProof(ScoreNode(0, 1), 0, 2, new ScoreNode[](3));
    }

    function test_anIndexWithTheSameLowBitsIsRefused() external {
        vm.expectRevert(abi.encodeWithSelector(Scores.ScoreOutsideTree.selector, 4, 2));
        this.rootFromProof(ScoreNode(0, 1), 4, 2, new ScoreNode[](2));
    }

    function test_moreNodesThanFitAreRefused() external {
        vm.expectRevert(abi.encodeWithSelector(Scores.WrongScoreCount.selector, 3, 2));
        this.rootFromNodes(new ScoreNode[](3), 0, 1);
    }

    // --- random lists ---

    function testFuzz_theRootHasTheSumOfAllScores(int32[] calldata scores) external pure {
        vm.assume(scores.length != 0 && scores.length <= 100);
        int256 sum;
        ScoreNode[] memory leaves = new ScoreNode[](scores.length);
        for (uint256 i; i < scores.length; ++i) {
            leaves[i].sum = scores[i];
            sum += scores[i];
        }
        assertEq(Scores.rootFromNodes(leaves, 0, Merkle.depth(leaves.length)).sum, sum);
    }

    function testFuzz_noSumCanBeMovedBetweenSiblings(int32 left, int32 right, int32 moved) external pure {
        vm.assume(moved != 0);
        ScoreNode memory honest = Scores.parent(ScoreNode(0, left), ScoreNode(0, right));
        ScoreNode memory shifted =
            Scores.parent(ScoreNode(0, int64(left) + moved), ScoreNode(0, int64(right) - moved));
        assertEq(honest.sum, shifted.sum);
        assertNotEq(honest.hash, shifted.hash);
    }

    function _assertNode(ScoreNode memory node, bytes32 hash, int256 sum) private pure {
        assertEq(node.hash, hash);
        assertEq(node.sum, sum);
    }

    function _leaves(bytes memory packed) private pure returns (ScoreNode[] memory leaves) {
        leaves = new ScoreNode[](packed.length / 4);
        for (uint256 i; i < leaves.length; ++i) {
            leaves[i].sum = int32(uint32(uint256(word(packed, 4 * i)) >> 224));
        }
    }

    function _nodes(bytes memory packed) private pure returns (ScoreNode[] memory nodes) {
        nodes = new ScoreNode[](packed.length / 40);
        for (uint256 i; i < nodes.length; ++i) {
            nodes[i].hash = word(packed, 40 * i);
            nodes[i].sum = int64(uint64(uint256(word(packed, 40 * i + 32)) >> 192));
        }
    }
}
