// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Merkle } from "contracts/libraries/Merkle.sol";
import { VectorTest } from "tests/contracts/libraries/VectorTest.sol";

contract MerkleTest is VectorTest {
    // --- calldata and an own call frame for the library ---

    function rootFromProof(bytes32 node, uint256 index, uint256 height, bytes32[] calldata proof)
        external
        pure
        returns (bytes32)
    {
        return Merkle.rootFromProof(node, index, height, proof);
    }

    function rootFromMultiproof(
        uint32[] calldata indices,
        bytes32[] calldata leaves,
        uint256 height,
        bytes32[] calldata proof
    ) external pure returns (bytes32) {
        return Merkle.rootFromMultiproof(indices, leaves, height, proof);
    }

    function rootFromNodes(bytes32[] calldata nodes, uint256 level, uint256 top)
        external
        pure
        returns (bytes32)
    {
        return Merkle.rootFromNodes(nodes, level, top);
    }

    function depth(uint256 count) external pure returns (uint256) {
        return Merkle.depth(count);
    }

    // --- vectors ---

    function test_zeroHashesAreTheOnesOfPython() external view {
        string memory json = vectors("merkle");
        uint256[] memory levels = vm.parseJsonUintArray(json, ".padding.level");
        bytes32[] memory hashes = vm.parseJsonBytes32Array(json, ".padding.hash");
        assertGt(levels.length, 0);
        for (uint256 i; i < levels.length; ++i) {
            assertEq(Merkle.zeroHash(levels[i]), hashes[i]);
        }
    }

    function test_proofsOfPythonLeadToItsRoots() external view {
        string memory json = vectors("merkle");
        bytes32[] memory nodes = vm.parseJsonBytes32Array(json, ".proofs.node");
        uint256[] memory indices = vm.parseJsonUintArray(json, ".proofs.index");
        uint256[] memory heights = vm.parseJsonUintArray(json, ".proofs.height");
        bytes[] memory proofs = vm.parseJsonBytesArray(json, ".proofs.proof");
        bytes32[] memory roots = vm.parseJsonBytes32Array(json, ".proofs.root");
        assertGt(nodes.length, 0);
        for (uint256 i; i < nodes.length; ++i) {
            assertEq(this.rootFromProof(nodes[i], indices[i], heights[i], digests(proofs[i])), roots[i]);
        }
    }

    function test_multiproofsOfPythonLeadToItsRoots() external view {
        string memory json = vectors("merkle");
        bytes[] memory indices = vm.parseJsonBytesArray(json, ".multiproofs.indices");
        bytes[] memory leaves = vm.parseJsonBytesArray(json, ".multiproofs.leaves");
        uint256[] memory heights = vm.parseJsonUintArray(json, ".multiproofs.height");
        bytes[] memory proofs = vm.parseJsonBytesArray(json, ".multiproofs.proof");
        bytes32[] memory roots = vm.parseJsonBytes32Array(json, ".multiproofs.root");
        assertGt(indices.length, 0);
        for (uint256 i; i < indices.length; ++i) {
            bytes32 root = this.rootFromMultiproof(
                uint32s(indices[i]), digests(leaves[i]), heights[i], digests(proofs[i])
            );
            assertEq(root, roots[i]);
        }
    }

    function test_nodesOfPythonMakeUpItsRoots() external view {
        string memory json = vectors("merkle");
        bytes[] memory nodes = vm.parseJsonBytesArray(json, ".nodes.nodes");
        uint256[] memory levels = vm.parseJsonUintArray(json, ".nodes.level");
        uint256[] memory tops = vm.parseJsonUintArray(json, ".nodes.top");
        bytes32[] memory roots = vm.parseJsonBytes32Array(json, ".nodes.root");
        assertGt(nodes.length, 0);
        for (uint256 i; i < nodes.length; ++i) {
            assertEq(Merkle.rootFromNodes(digests(nodes[i]), levels[i], tops[i]), roots[i]);
        }
    }

    function test_refusesTheProofsThatPythonRefuses() external {
        string memory json = vectors("merkle");
        bytes32[] memory nodes = vm.parseJsonBytes32Array(json, ".bad_proofs.node");
        uint256[] memory indices = vm.parseJsonUintArray(json, ".bad_proofs.index");
        uint256[] memory heights = vm.parseJsonUintArray(json, ".bad_proofs.height");
        bytes[] memory proofs = vm.parseJsonBytesArray(json, ".bad_proofs.proof");
        assertGt(nodes.length, 0);
        for (uint256 i; i < nodes.length; ++i) {
            vm.expectRevert();
            this.rootFromProof(nodes[i], indices[i], heights[i], digests(proofs[i]));
        }
    }

    function test_refusesTheMultiproofsThatPythonRefuses() external {
        string memory json = vectors("merkle");
        bytes[] memory indices = vm.parseJsonBytesArray(json, ".bad_multiproofs.indices");
        bytes[] memory leaves = vm.parseJsonBytesArray(json, ".bad_multiproofs.leaves");
        uint256[] memory heights = vm.parseJsonUintArray(json, ".bad_multiproofs.height");
        bytes[] memory proofs = vm.parseJsonBytesArray(json, ".bad_multiproofs.proof");
        assertGt(indices.length, 0);
        for (uint256 i; i < indices.length; ++i) {
            vm.expectRevert();
            this.rootFromMultiproof(uint32s(indices[i]), digests(leaves[i]), heights[i], digests(proofs[i]));
        }
    }

    // --- errors ---

    function test_aProofThatIsTooShortSaysByHowMuch() external {
        vm.expectRevert(abi.encodeWithSelector(Merkle.WrongProofLength.selector, 2, 3));
        this.rootFromProof(bytes32(0), 0, 3, new bytes32[](2));
    }

    function test_anIndexWithTheSameLowBitsIsRefused() external {
        vm.expectRevert(abi.encodeWithSelector(Merkle.IndexOutsideTree.selector, 8, 3));
        this.rootFromProof(bytes32(0), 8, 3, new bytes32[](3));
    }

    function test_aTreeWithoutLeavesIsRefused() external {
        vm.expectRevert(abi.encodeWithSelector(Merkle.WrongNodeCount.selector, 0, type(uint32).max));
        this.depth(0);
    }

    function test_moreNodesThanFitAreRefused() external {
        vm.expectRevert(abi.encodeWithSelector(Merkle.WrongNodeCount.selector, 5, 4));
        this.rootFromNodes(new bytes32[](5), 1, 3);
    }

    function test_aLevelAboveTheTopIsRefused() external {
        vm.expectRevert(abi.encodeWithSelector(Merkle.IndexOutsideTree.selector, 4, 3));
        this.rootFromNodes(new bytes32[](1), 4, 3);
    }

    function test_equalIndicesAreRefused() external {
        uint32[] memory indices = new uint32[](3);
        (indices[0], indices[1], indices[2]) = (1, 5, 5);
        vm.expectRevert(abi.encodeWithSelector(Merkle.IndicesNotAscending.selector, 5, 5));
        this.rootFromMultiproof(indices, new bytes32[](3), 3, new bytes32[](0));
    }

    function test_aMultiproofThatIsTooShortSaysWhatIsMissing() external {
        vm.expectRevert(abi.encodeWithSelector(Merkle.WrongProofLength.selector, 1, 3));
        this.rootFromMultiproof(new uint32[](1), new bytes32[](1), 3, new bytes32[](1));
    }

    // --- random trees ---

    function testFuzz_depthIsTheLeastThatHoldsAllLeaves(uint256 count) external pure {
        count = bound(count, 1, type(uint32).max);
        uint256 found = Merkle.depth(count);
        assertTrue(uint256(1) << found >= count);
        assertTrue(found == 0 || uint256(1) << (found - 1) < count);
    }

    function testFuzz_everyLeafLeadsToTheRootOfItsNodes(uint256 seed, uint256 count, uint256 index)
        external
        view
    {
        bytes32[] memory leaves = _leaves(seed, bound(count, 1, 40));
        index = bound(index, 0, leaves.length - 1);
        uint256 height = Merkle.depth(leaves.length);
        bytes32 root = Merkle.rootFromNodes(leaves, 0, height);
        assertEq(this.rootFromProof(leaves[index], index, height, _proof(leaves, index, height)), root);
        assertEq(root, _naiveRoot(leaves, height));
    }

    function testFuzz_aLeafProvesItsOwnPlaceOnly(uint256 seed, uint256 count, uint256 index, uint256 other)
        external
        view
    {
        bytes32[] memory leaves = _leaves(seed, bound(count, 2, 40));
        uint256 height = Merkle.depth(leaves.length);
        index = bound(index, 0, leaves.length - 1);
        other = bound(other, 0, (uint256(1) << height) - 1);
        vm.assume(other != index);
        bytes32 root = Merkle.rootFromNodes(leaves, 0, height);
        bytes32 found = this.rootFromProof(leaves[index], other, height, _proof(leaves, index, height));
        assertNotEq(found, root);
    }

    function testFuzz_anySetOfLeavesLeadsToTheRoot(uint256 seed, uint256 count, uint256 chosen)
        external
        view
    {
        bytes32[] memory leaves = _leaves(seed, bound(count, 1, 40));
        uint256 height = Merkle.depth(leaves.length);
        chosen &= (uint256(1) << leaves.length) - 1;
        if (chosen == 0) chosen = 1;
        (uint32[] memory indices, bytes32[] memory known) = _choose(leaves, chosen);
        bytes32[] memory proof = _multiproof(leaves, height, chosen);
        bytes32 root = this.rootFromMultiproof(indices, known, height, proof);
        assertEq(root, _naiveRoot(leaves, height));
    }

    function testFuzz_aMultiproofBindsEveryLeaf(uint256 seed, uint256 count, uint256 chosen, uint256 spoilt)
        external
        view
    {
        bytes32[] memory leaves = _leaves(seed, bound(count, 1, 40));
        uint256 height = Merkle.depth(leaves.length);
        chosen &= (uint256(1) << leaves.length) - 1;
        if (chosen == 0) chosen = 1;
        (uint32[] memory indices, bytes32[] memory known) = _choose(leaves, chosen);
        known[bound(spoilt, 0, known.length - 1)] ^= bytes32(uint256(1));
        bytes32 root = this.rootFromMultiproof(indices, known, height, _multiproof(leaves, height, chosen));
        assertNotEq(root, _naiveRoot(leaves, height));
    }

    function testFuzz_nodesOfAnyLevelMakeUpTheRoot(uint256 seed, uint256 count, uint256 level) external pure {
        bytes32[] memory leaves = _leaves(seed, bound(count, 1, 40));
        uint256 height = Merkle.depth(leaves.length);
        level = bound(level, 0, height);
        bytes32[] memory row = new bytes32[]((leaves.length + (uint256(1) << level) - 1) >> level);
        for (uint256 i; i < row.length; ++i) {
            row[i] = _node(leaves, level, i);
        }
        assertEq(Merkle.rootFromNodes(row, level, height), _naiveRoot(leaves, height));
    }

    // --- the definition, written plainly ---

    function _leaves(uint256 seed, uint256 count) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            leaves[i] = keccak256(abi.encode(seed, i));
        }
    }

    function _node(bytes32[] memory leaves, uint256 level, uint256 index) private pure returns (bytes32) {
        if (level == 0) return index < leaves.length ? leaves[index] : bytes32(0);
        bytes32 left = _node(leaves, level - 1, 2 * index);
        return keccak256(bytes.concat(left, _node(leaves, level - 1, 2 * index + 1)));
    }

    function _naiveRoot(bytes32[] memory leaves, uint256 height) private pure returns (bytes32) {
        return _node(leaves, height, 0);
    }

    function _proof(bytes32[] memory leaves, uint256 index, uint256 height)
        private
        pure
        returns (bytes32[] memory proof)
    {
        proof = new bytes32[](height);
        for (uint256 level; level < height; ++level) {
            proof[level] = _node(leaves, level, (index >> level) ^ 1);
        }
    }

    function _choose(bytes32[] memory leaves, uint256 chosen)
        private
        pure
        returns (uint32[] memory indices, bytes32[] memory known)
    {
        uint256 count;
        for (uint256 i; i < leaves.length; ++i) {
            count += (chosen >> i) & 1;
        }
        (indices, known) = (new uint32[](count), new bytes32[](count));
        count = 0;
        for (uint32 i; i < leaves.length; ++i) {
            if ((chosen >> i) & 1 == 0) continue;
            (indices[count], known[count]) = (i, leaves[i]);
            ++count;
        }
    }

    /// @dev `chosen` has a bit for every known node of a level.
    function _multiproof(bytes32[] memory leaves, uint256 height, uint256 chosen)
        private
        pure
        returns (bytes32[] memory proof)
    {
        bytes32[] memory most = new bytes32[](64 * height);
        uint256 count;
        for (uint256 level; level < height; ++level) {
            uint256 above;
            for (uint256 i; i < uint256(1) << (height - level); ++i) {
                if ((chosen >> i) & 1 == 0) continue;
                above |= uint256(1) << (i >> 1);
                if ((chosen >> (i ^ 1)) & 1 == 0) most[count++] = _node(leaves, level, i ^ 1);
            }
            chosen = above;
        }
        proof = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            proof[i] = most[i];
        }
    }
}
