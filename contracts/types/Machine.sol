// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice The ledger's fold between two steps, as docs/ledger-claims.md says; its hash is keccak256(abi.encode(machine)).
struct Machine {
    uint8 phase; // 0 Idle, 1 Block, 2 Notices, 3 Read, 4 Gather, 5 Unpack, 6 Apply, 7 Seal
    bytes32 ledger; // root of the tree of accounts and escrows
    uint64 notices; // log entries folded in
    uint64 batch; // the latest batch that was entered
    uint64 forced; // entries of the queue consumed
    uint64 height; // of the last block
    bytes32 head; // its hash
    uint64 time; // of the last block, or the one under construction
    uint64 origin; // the same: number of its L1 block
    bytes32 originHash; // the same: hash of its L1 block
    uint256 baseFee; // the same: wei a gas
    uint64 orderedGas; // the same: gas limits of its own transactions, saturating
    bytes32 checkpoint; // the machine in which the batch was entered; this and all below are 0 while Idle
    bool isVoid; // only entries of the queue are left of the batch
    uint32 payloadEnd; // bytes of the payload
    uint32 blocksLeft; // blocks whose heads were not read yet
    uint32 recordsLeft; // own transactions that were not read yet
    uint32 bodiesAt; // where in the payload the packed records begin
    uint32 recordAt; // where the next one begins, or goes on
    uint32 recordsEnd; // where they end
    uint32 blockAt; // where the next block's head begins
    bytes32 batchFrontier; // of the own transactions read so far
    uint32 ownLeft; // own transactions of this block that were not read yet
    uint64 forcedLeft; // entries of the queue of this block that were not read yet
    uint64 room; // gas limits of its valid transactions so far
    bytes32 blockFrontier; // of all its transactions read so far
    uint64 blockCount; // how many those are
    bytes32 pending; // keccak256 of the record that is to be applied, or of the draft of one that is still read
    bool pendingForced; // whether it came from the queue
}
