// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Frontier } from "contracts/libraries/Frontier.sol";
import { Merkle } from "contracts/libraries/Merkle.sol";
import { Test } from "tests/contracts/Vm.sol";

/// @title Frontiers against trees of all leaves
contract FrontierTest is Test {
    function append(bytes32 frontier, uint256 count, bytes32[] calldata roots, bytes32 leaf)
        external
        pure
        returns (bytes32)
    {
        return Frontier.append(frontier, count, roots, leaf);
    }

    function root(bytes32 frontier, uint256 count, bytes32[] calldata roots) external pure returns (bytes32) {
        return Frontier.root(frontier, count, roots);
    }

    function testFuzz_aFrontierGrowsAsTheTreeDoes(uint8 size, bytes32 seed) external view {
        uint256 count = bound(size, 0, 70);
        bytes32[] memory leaves = new bytes32[](count + 1);
        for (uint256 i; i <= count; ++i) {
            leaves[i] = keccak256(abi.encode(seed, i));
        }
        bytes32[] memory roots = _roots(leaves, count);
        bytes32 frontier = keccak256(abi.encodePacked(roots));
        assertEq(this.root(frontier, count, roots), _root(leaves, count));
        bytes32 grown = this.append(frontier, count, roots, leaves[count]);
        assertEq(grown, keccak256(abi.encodePacked(_roots(leaves, count + 1))));
    }

    function test_nothingHasTheRootZero() external view {
        assertEq(this.root(Frontier.EMPTY, 0, new bytes32[](0)), 0);
    }

    function testFuzz_otherRootsAreRefused(uint8 size, bytes32 seed, uint8 which) external {
        uint256 count = bound(size, 1, 70);
        bytes32[] memory leaves = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            leaves[i] = keccak256(abi.encode(seed, i));
        }
        bytes32[] memory roots = _roots(leaves, count);
        bytes32 frontier = keccak256(abi.encodePacked(roots));
        roots[which % roots.length] ^= bytes32(uint256(1));
        bytes32 given = keccak256(abi.encodePacked(roots));
        bytes memory wanted = abi.encodeWithSelector(Frontier.WrongFrontier.selector, given, frontier);
        vm.expectRevert(wanted);
        this.root(frontier, count, roots);
        vm.expectRevert(wanted);
        this.append(frontier, count, roots, seed);
    }

    /// @dev The complete subtrees that the binary digits of a count name, lowest first.
    function _roots(bytes32[] memory leaves, uint256 count) private pure returns (bytes32[] memory roots) {
        bytes32[] memory most = new bytes32[](8);
        uint256 found;
        uint256 end = count;
        for (uint256 level; level < 8; ++level) {
            if (count >> level & 1 == 0) continue;
            uint256 size = uint256(1) << level;
            end -= size;
            bytes32[] memory part = new bytes32[](size);
            for (uint256 i; i < size; ++i) {
                part[i] = leaves[end + i];
            }
            most[found++] = Merkle.rootFromNodes(part, 0, level);
        }
        roots = new bytes32[](found);
        for (uint256 i; i < found; ++i) {
            roots[i] = most[i];
        }
    }

    function _root(bytes32[] memory leaves, uint256 count) private pure returns (bytes32) {
        if (count == 0) return 0;
        bytes32[] memory part = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            part[i] = leaves[i];
        }
        return Merkle.rootFromNodes(part, 0, Merkle.depth(count));
    }
}
