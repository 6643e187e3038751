// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A packed record that takes several steps to read, as far as it was read: what a machine's `pending` is the hash
/// of in phases Gather and Unpack, keccak256(abi.encode(draft)). Twin: anh_rollup/protocol/machine/drafts.py.
struct Draft {
    uint32 end; // where in the payload the record ends
    uint32 count; // numbers of the table that were read
    bytes32 parts; // chain over the packed bytes that were read, 256 at a time: keccak256(chain || part), from 0
    bytes32 numbers; // chain over those numbers: keccak256(chain || number), from 0
}
