// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IInbox } from "contracts/interfaces/IInbox.sol";
import { Draft } from "contracts/types/Draft.sol";
import { Machine } from "contracts/types/Machine.sol";

/// @notice What stands at the end of a key's path in the ledger's tree.
struct Leaf {
    uint8 found; // 0 nothing, 1 the leaf itself, 2 another leaf
    bytes32 key; // of another leaf; 0 otherwise
    bytes32 value; // of another leaf; 0 otherwise
    bytes32[] siblings; // from the bottom up
    uint256[3] fields; // of the leaf itself: nonce, cleared, withdrawn; or payer, reward, 0
}

/// @notice A point of a blob with its KZG opening.
struct FieldElement {
    uint32 index; // over all blobs of the batch in a row
    bytes32 value;
    bytes commitment; // 48 bytes
    bytes proof; // 48 bytes
}

/// @notice A batch's bytes: of a calldata batch all of them, of blobs the elements that the step reads.
struct Payload {
    bytes data; // empty where blobs carry the batch
    bytes32[] blobs; // versioned hashes
    FieldElement[] elements; // ascending
}

/// @notice All that a step reads and L1 has only hashes of. What a step does not need is empty.
struct Witness {
    IInbox.Batch batch; // the one that is entered or read
    Machine checkpoint; // preimage of the machine's; in phases Block, Read, Gather, Unpack and Seal of an own batch
    Payload payload;
    IInbox.Notice notice; // the next one, where there is one
    bytes record; // behind the machine's `pending` in phase Apply
    Draft draft; // behind the machine's `pending` in phases Gather and Unpack
    bytes packed; // all bytes of the draft, in phase Unpack
    uint256[] numbers; // all numbers of the draft, in the step that unpacks it
    bytes32[] batchFrontier; // roots of complete subtrees, lowest first
    bytes32[] blockFrontier; // the same
    Leaf[] leaves; // in the order of touches, each against the root after those before
}
