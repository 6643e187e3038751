// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What a valid record says, as far as the ledger asks. Twin: anh_rollup/encoding/transactions.py.
struct Transaction {
    address sender; // who signed it
    uint256 nonce; // below 2^64 - 1
    uint256 gasLimit; // below 2^64
    uint256 maxFee; // wei a gas; the gas price of types 0 and 1
    uint256 priorityFee; // wei a gas, at most maxFee; the gas price of types 0 and 1
    bool creates; // it has no recipient
    address to;
    uint256 value; // wei
    uint256 dataBytes; // how long its data are
    uint256 zeros; // how many of those bytes are zero
    bool orders; // whether its data are the call that orders a job
    uint256 addresses; // of the access list
    uint256 keys; // of the access list, all addresses together
}
