// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The judge of whole blobs
/// @notice Shows with one opening what all of a blob's field elements are, at the point that
/// keccak256(versioned hash || keccak256(contents) || commitment) names: whoever chooses contents cannot choose
/// where they are compared.
interface IBlobArbiter {
    /// @notice The contents have neither 126,976 nor 130,560 bytes.
    error WrongContentsLength(uint256 given);

    /// @notice A field element is not below the field's order.
    error ElementTooLarge(uint256 index);

    /// @notice These are not the blob's contents, or their opening is wrong.
    error WrongContents(bytes32 blob, uint256 point, uint256 value);

    /// @notice Reverts unless a blob has these contents.
    /// @param blob The versioned hash.
    /// @param contents The low 31 bytes of each of the 4,096 elements. Where the first byte of any is not 0, behind them
    /// the 7 bits below the highest of each first byte (the highest is 0 in every element), packed: 3,584 bytes.
    /// @param commitment The blob's KZG commitment, 48 bytes.
    /// @param proof The KZG proof at the named point, 48 bytes.
    /// @return root Merkle root over keccak256 of each 992 bytes (32 elements) of the low ones.
    function prove(bytes32 blob, bytes calldata contents, bytes calldata commitment, bytes calldata proof)
        external
        view
        returns (bytes32 root);
}
