// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Leaf } from "contracts/types/Witness.sol";

/// @title Building ledger trees of accounts, which the shipped library only verifies
/// @notice Written from docs/ledger-claims.md and not from contracts/, so that both check each other.
library AccountTrees {
    struct Account {
        address account;
        uint64 nonce;
        uint256 cleared;
        uint256 withdrawn;
    }

    function key(address account) internal pure returns (bytes32) {
        return keccak256(bytes.concat(hex"00", bytes20(account)));
    }

    function leaf(Account memory a) internal pure returns (bytes32) {
        bytes32 value = keccak256(abi.encode(a.nonce, a.cleared, a.withdrawn));
        return keccak256(bytes.concat(hex"01", key(a.account), value));
    }

    function root(Account[] memory accounts) internal pure returns (bytes32) {
        return _node(accounts, 0);
    }

    /// @notice An account's leaf with the siblings of its path, from the bottom up.
    function leafOf(Account[] memory accounts, uint256 which) internal pure returns (Leaf memory found) {
        Account memory a = accounts[which];
        bytes32[] memory down = new bytes32[](256);
        uint256 depth;
        for (; accounts.length > 1; ++depth) {
            bool right = _isRight(a.account, depth);
            down[depth] = _node(_half(accounts, depth, !right), depth + 1);
            accounts = _half(accounts, depth, right);
        }
        found.found = 1;
        found.fields = [uint256(a.nonce), a.cleared, a.withdrawn];
        found.siblings = new bytes32[](depth);
        for (uint256 i; i < depth; ++i) {
            found.siblings[i] = down[depth - 1 - i];
        }
    }

    function _node(Account[] memory accounts, uint256 depth) private pure returns (bytes32) {
        if (accounts.length == 0) return bytes32(0);
        if (accounts.length == 1) return leaf(accounts[0]);
        bytes32 left = _node(_half(accounts, depth, false), depth + 1);
        return keccak256(bytes.concat(left, _node(_half(accounts, depth, true), depth + 1)));
    }

    function _half(Account[] memory accounts, uint256 depth, bool right)
        private
        pure
        returns (Account[] memory half)
    {
        half = new Account[](accounts.length);
        uint256 count;
        for (uint256 i; i < accounts.length; ++i) {
            if (_isRight(accounts[i].account, depth) == right) half[count++] = accounts[i];
        }
        assembly ("memory-safe") {
            mstore(half, count)
        }
    }

    function _isRight(address account, uint256 depth) private pure returns (bool) {
        return uint256(key(account)) >> (255 - depth) & 1 == 1;
    }
}
