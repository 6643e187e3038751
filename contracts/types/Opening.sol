// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Some chunks of one tensor with the proof that they belong to its tree. A chunk is 32 int32 elements.
struct Opening {
    uint32[] chunks; // which ones, strictly ascending; none: nothing is opened
    uint8 width; // bytes that an element takes in `data` (1 to 4), two's complement
    bytes data; // chunks.length * 32 * width
    bytes32[] proof; // multiproof of the chunks' hashes
}
