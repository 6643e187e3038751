// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Fees } from "contracts/libraries/Fees.sol";
import { Rlp } from "contracts/libraries/Rlp.sol";

/// @title Hashes of L2 blocks
/// @notice keccak256 of the RLP of an Ethereum header as of London, whose execution fields say "nothing"
/// (docs/encoding.md). Twin: anh_rollup/encoding/batches.py, Header.
library BlockHeaders {
    /// @dev keccak256(rlp([])), of a block without ommers.
    bytes32 private constant NO_OMMERS = keccak256(hex"c0");

    /// @dev keccak256(rlp("")): the root of an empty trie, also of a block without transactions.
    bytes32 private constant EMPTY_TRIE = keccak256(hex"80");

    /// @notice What of a header is not the same in all.
    struct Header {
        bytes32 parent;
        bytes32 transactionsRoot; // 0 without transactions
        uint64 number;
        uint64 time;
        uint64 origin;
        bytes32 originHash;
        uint256 baseFee;
    }

    /// @notice The block hash.
    function hash(Header memory self) internal pure returns (bytes32) {
        bytes32 transactions = self.transactionsRoot == 0 ? EMPTY_TRIE : self.transactionsRoot;
        bytes memory roots = abi.encodePacked(
            hex"a0", self.parent, hex"a0", NO_OMMERS, hex"94", address(0), hex"a0", bytes32(0)
        );
        bytes memory bloom =
            abi.encodePacked(hex"a0", transactions, hex"a0", EMPTY_TRIE, hex"b90100", new bytes(256));
        // 0x80 is zero: the difficulty before, the gas used between.
        bytes memory numbers = bytes.concat(
            hex"80", Rlp.number(self.number), Rlp.number(Fees.BLOCK_GAS_LIMIT), hex"80", Rlp.number(self.time)
        );
        bytes memory origin = abi.encodePacked(hex"88", self.origin, hex"a0", self.originHash);
        bytes memory rest = bytes.concat(hex"880000000000000000", Rlp.number(self.baseFee));
        uint256 size = roots.length + bloom.length + numbers.length + origin.length + rest.length;
        return keccak256(bytes.concat(Rlp.listHead(size), roots, bloom, numbers, origin, rest));
    }
}
