// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The versioned hashes of a transaction's blobs, also for code that must run on chains without blobs
/// @notice Shipped code is compiled for Shanghai (Ganache), which has no BLOBHASH. The opcode stands in 27 bytes of its
/// own, in a contract that answers any call with the hashes one after the other. Where the chain does not know the
/// opcode, the call fails, and there are no blobs.
library BlobHashes {
    /// @dev A transaction has at most 9 blobs (EIP-7691); the reader takes about 60 gas for each.
    uint256 private constant READER_GAS = 5000;

    /// @dev PUSH0; loop: JUMPDEST DUP1 BLOBHASH DUP1 ISZERO PUSH1 end JUMPI; DUP2 PUSH1 5 SHL MSTORE; PUSH1 1 ADD;
    /// PUSH1 loop JUMP; end: JUMPDEST POP PUSH1 5 SHL PUSH0 RETURN. In front: code that returns these 27 bytes.
    bytes private constant CREATION = hex"601b8060095f395ff3"
        hex"5f5b804980156014578160051b526001016001565b5060051b5ff3";

    /// @notice The reader could not be deployed.
    error NoReader();

    /// @notice Deploys a reader.
    function deploy() internal returns (address reader) {
        bytes memory creation = CREATION;
        // The only way to deploy given bytes; see docs/adr/0003-sealed-moves-and-passed-positions.md.
        assembly ("memory-safe") {
            reader := create(0, add(creation, 0x20), mload(creation))
        }
        require(reader != address(0), NoReader());
    }

    /// @notice The hashes, one after the other; empty where the transaction has no blobs or the chain knows none.
    function read(address reader) internal view returns (bytes32[] memory hashes) {
        (bool known, bytes memory packed) = reader.staticcall{ gas: READER_GAS }("");
        if (!known) return hashes;
        // The same words under another length: bytes become words.
        assembly ("memory-safe") {
            mstore(packed, shr(5, mload(packed)))
            hashes := packed
        }
    }
}
