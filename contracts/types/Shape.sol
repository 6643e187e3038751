// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A tensor's shape.
struct Shape {
    bytes encoded; // rank (1 byte) and dims (4 bytes each), as tensor roots hash them
    uint256[] dims; // each at least 1; at most 8 of them
    uint256 count; // their product, at most 2^31 - 1
}
