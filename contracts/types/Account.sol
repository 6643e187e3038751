// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice An account as the ledger sees it; zeros where nothing ever happened to it.
struct Account {
    uint256 nonce; // the next transaction's
    uint256 cleared; // wei whose validity needs no execution
    uint256 withdrawn; // wei that it sent to the exit address in all
}
