// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A node of a tree of scores. A leaf has hash 0 and its sample's score as sum.
struct ScoreNode {
    bytes32 hash;
    int64 sum; // of all scores below
}
