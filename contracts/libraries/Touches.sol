// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { LedgerTree } from "contracts/libraries/LedgerTree.sol";
import { Account } from "contracts/types/Account.sol";
import { Leaf } from "contracts/types/Witness.sol";

/// @title Reading and writing leaves of the ledger's tree, one after the other
/// @notice Leaves are given in the order in which a step touches them, each with its path in the tree after the touches
/// before it.
library Touches {
    /// @notice The tree between two touches.
    struct Tree {
        bytes32 root;
        uint256 place; // of the next leaf
    }

    /// @notice A leaf that the step touches was not given.
    error MissingLeaf(uint256 place);

    /// @notice A leaf that was given does not lead to the ledger's root.
    error WrongLeaf(uint256 place, bytes32 given, bytes32 needed);

    /// @notice The account at the next leaf, which stays the next one.
    function account(Tree memory self, Leaf[] calldata leaves, address owner)
        internal
        pure
        returns (Account memory found)
    {
        Leaf calldata leaf = _next(self, leaves);
        if (leaf.found == LedgerTree.ITSELF) {
            found = Account(leaf.fields[0], leaf.fields[1], leaf.fields[2]);
        }
        _requireRoot(self, LedgerTree.accountKey(owner), _value(found), leaf);
    }

    /// @notice Writes the account at the next leaf, which `account` has checked.
    function write(Tree memory self, Leaf[] calldata leaves, address owner, Account memory changed)
        internal
        pure
    {
        _update(self, leaves, LedgerTree.accountKey(owner), _value(changed));
    }

    /// @notice Adds cleared wei to the account at the next leaf.
    function credit(Tree memory self, Leaf[] calldata leaves, address owner, uint256 amount) internal pure {
        Account memory found = account(self, leaves, owner);
        found.cleared += amount;
        write(self, leaves, owner, found);
    }

    /// @notice Puts a reward into escrow at the next leaf, where nothing stands.
    function escrow(
        Tree memory self,
        Leaf[] calldata leaves,
        bytes32 transaction,
        address payer,
        uint256 reward
    ) internal pure {
        Leaf calldata leaf = _next(self, leaves);
        bytes32 key = LedgerTree.escrowKey(transaction);
        // A record is ordered once: its nonce is used up then. So its own leaf is never found.
        require(leaf.found != LedgerTree.ITSELF, WrongLeaf(self.place, key, 0));
        _requireRoot(self, key, 0, leaf);
        _update(self, leaves, key, _value(payer, reward));
    }

    /// @notice Gives the reward at the next leaf to the account behind it; nothing where it is over or never was.
    /// @param self The tree.
    /// @param leaves The leaves.
    /// @param transaction keccak256 of the job's record.
    /// @param toPayer Whether it goes back to who paid it.
    /// @param claimant Who gets it if not.
    function release(
        Tree memory self,
        Leaf[] calldata leaves,
        bytes32 transaction,
        bool toPayer,
        address claimant
    ) internal pure {
        Leaf calldata leaf = _next(self, leaves);
        bytes32 key = LedgerTree.escrowKey(transaction);
        (uint256 payer, uint256 reward) = (leaf.fields[0], leaf.fields[1]);
        // No account has the address 0, so a released escrow's zeros are no reward's.
        bool there = leaf.found == LedgerTree.ITSELF && payer != 0;
        // A payer has 160 bits: the leaf's value says so.
        // forge-lint: disable-next-line(unsafe-typecast)
        address paid = address(uint160(payer));
        _requireRoot(self, key, there ? _value(paid, reward) : bytes32(0), leaf);
        if (!there) return;
        _update(self, leaves, key, 0);
        credit(self, leaves, toPayer ? paid : claimant, reward);
    }

    function _next(Tree memory self, Leaf[] calldata leaves) private pure returns (Leaf calldata) {
        require(self.place < leaves.length, MissingLeaf(self.place));
        return leaves[self.place];
    }

    function _requireRoot(Tree memory self, bytes32 key, bytes32 value, Leaf calldata leaf) private pure {
        bytes32 given = LedgerTree.root(key, value, leaf);
        require(given == self.root, WrongLeaf(self.place, given, self.root));
    }

    function _update(Tree memory self, Leaf[] calldata leaves, bytes32 key, bytes32 value) private pure {
        self.root = LedgerTree.updated(key, value, leaves[self.place]);
        ++self.place;
    }

    function _value(Account memory self) private pure returns (bytes32) {
        return keccak256(abi.encode(self.nonce, self.cleared, self.withdrawn));
    }

    function _value(address payer, uint256 reward) private pure returns (bytes32) {
        return keccak256(abi.encode(payer, reward));
    }
}
