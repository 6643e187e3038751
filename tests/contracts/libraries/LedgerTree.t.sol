// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Numbers here are small, and texts short.
// forge-lint: disable-start(unsafe-typecast)

import { LedgerTree } from "contracts/libraries/LedgerTree.sol";
import { Leaf } from "contracts/types/Witness.sol";
import { Test } from "tests/contracts/Vm.sol";

/// @title The tree of the ledger against one that is built anew from all its leaves
contract LedgerTreeTest is Test {
    uint256 private constant MOST_LEAVES = 12;

    bytes32[] private keys;
    bytes32[] private values;

    // --- calldata and an own call frame for the library ---

    function root(bytes32 key, bytes32 value, Leaf calldata leaf) external pure returns (bytes32) {
        return LedgerTree.root(key, value, leaf);
    }

    function updated(bytes32 key, bytes32 value, Leaf calldata leaf) external pure returns (bytes32) {
        return LedgerTree.updated(key, value, leaf);
    }

    // --- tests ---

    function test_keysAreThoseOfTheDocs() external pure {
        address account = address(0xabcd);
        assertEq(LedgerTree.accountKey(account), keccak256(bytes.concat(hex"00", bytes20(account))));
        assertEq(LedgerTree.escrowKey("order"), keccak256(bytes.concat(hex"01", bytes32("order"))));
    }

    function test_theFirstLeafIsTheRoot() external view {
        Leaf memory nothing;
        assertEq(this.root("key", "value", nothing), 0);
        assertEq(this.updated("key", "value", nothing), _leafHash("key", "value"));
    }

    /// @dev Keys share their first bits, so that paths are long and leaves move down.
    function testFuzz_updatesGiveTheTreeOfAllLeaves(uint256 seed, uint8 shared) external {
        uint256 mask = type(uint256).max >> bound(shared, 0, 60);
        for (uint256 i; i < MOST_LEAVES; ++i) {
            bytes32 key = bytes32(uint256(keccak256(abi.encode(seed, i % 9))) & mask);
            bytes32 value = bytes32(i);
            (Leaf memory leaf, bytes32 before) = _proof(key);
            assertEq(this.root(key, before, leaf), _rootOf(0, 0));
            bytes32 after_ = this.updated(key, value, leaf);
            _put(key, value);
            assertEq(after_, _rootOf(0, 0));
        }
    }

    function testFuzz_anotherValueOrSiblingLeadsElsewhere(uint256 seed, uint8 which) external {
        for (uint256 i; i < MOST_LEAVES; ++i) {
            _put(keccak256(abi.encode(seed, i)), bytes32(i));
        }
        bytes32 key = keys[which % MOST_LEAVES];
        (Leaf memory leaf, bytes32 value) = _proof(key);
        bytes32 top = _rootOf(0, 0);
        assertNotEq(this.root(key, bytes32(uint256(value) + 1), leaf), top);
        leaf.siblings[which % leaf.siblings.length] ^= bytes32(uint256(1));
        assertNotEq(this.root(key, value, leaf), top);
    }

    function test_anotherLeafHasToStandOnThePath() external {
        Leaf memory leaf = Leaf(2, bytes32(uint256(1) << 255), "value", new bytes32[](1), [uint256(0), 0, 0]);
        _refuses(0, leaf);
        leaf.key = 0;
        _refuses(0, leaf);
        leaf.key = bytes32(uint256(1));
        leaf.siblings = new bytes32[](255);
        assertNotEq(this.root(0, 0, leaf), 0);
        leaf.siblings = new bytes32[](256);
        _refuses(0, leaf);
    }

    function test_pathsHaveAtMost256Siblings() external {
        Leaf memory leaf = Leaf(1, 0, 0, new bytes32[](257), [uint256(0), 0, 0]);
        _refuses("key", leaf);
        (leaf.found, leaf.siblings) = (3, new bytes32[](0));
        _refuses("key", leaf);
    }

    // --- the naive tree ---

    function _refuses(bytes32 key, Leaf memory leaf) private {
        bytes memory wanted = abi.encodeWithSelector(
            LedgerTree.NotOnThePath.selector, key, leaf.found, leaf.key, leaf.siblings.length
        );
        vm.expectRevert(wanted);
        this.root(key, 0, leaf);
        vm.expectRevert(wanted);
        this.updated(key, 0, leaf);
    }

    function _put(bytes32 key, bytes32 value) private {
        for (uint256 i; i < keys.length; ++i) {
            if (keys[i] == key) {
                values[i] = value;
                return;
            }
        }
        keys.push(key);
        values.push(value);
    }

    /// @dev What stands at the end of a key's path, the siblings, and the key's value if it is there.
    function _proof(bytes32 key) private view returns (Leaf memory leaf, bytes32 value) {
        uint256 depth;
        while (_countBelow(uint256(key), depth) > 1) {
            ++depth;
        }
        leaf.siblings = new bytes32[](depth);
        for (uint256 i; i < depth; ++i) {
            uint256 level = depth - i;
            leaf.siblings[i] = _rootOf(uint256(key) ^ (uint256(1) << (256 - level)), level);
        }
        for (uint256 i; i < keys.length; ++i) {
            if (!_isBelow(uint256(keys[i]), uint256(key), depth)) continue;
            if (keys[i] == key) (leaf.found, value) = (1, values[i]);
            else (leaf.found, leaf.key, leaf.value) = (2, keys[i], values[i]);
        }
    }

    /// @dev The subtree of all keys that share the first bits of `path`.
    function _rootOf(uint256 path, uint256 depth) private view returns (bytes32) {
        uint256 count = _countBelow(path, depth);
        if (count == 0) return 0;
        if (count == 1) {
            for (uint256 i; i < keys.length; ++i) {
                if (_isBelow(uint256(keys[i]), path, depth)) return _leafHash(keys[i], values[i]);
            }
        }
        uint256 bit = uint256(1) << (255 - depth);
        return keccak256(bytes.concat(_rootOf(path & ~bit, depth + 1), _rootOf(path | bit, depth + 1)));
    }

    function _countBelow(uint256 path, uint256 depth) private view returns (uint256 count) {
        for (uint256 i; i < keys.length; ++i) {
            if (_isBelow(uint256(keys[i]), path, depth)) ++count;
        }
    }

    function _isBelow(uint256 key, uint256 path, uint256 depth) private pure returns (bool) {
        return depth == 0 || (key ^ path) >> (256 - depth) == 0;
    }

    function _leafHash(bytes32 key, bytes32 value) private pure returns (bytes32) {
        return keccak256(bytes.concat(hex"01", key, value));
    }
}
