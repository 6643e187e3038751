// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The point evaluation precompile (EIP-4844)
/// @notice What is needed to show L1 a value of a blob's polynomial.
library PointEvaluation {
    /// @dev Field elements of a blob.
    uint256 internal constant BLOB_ELEMENTS = 4096;

    /// @dev Bytes of the payload in each, its low ones.
    uint256 internal constant ELEMENT_BYTES = 31;

    /// @dev Order of the field (BLS_MODULUS).
    uint256 internal constant MODULUS = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;

    uint256 private constant KZG_BYTES = 48;
    address private constant PRECOMPILE = address(0x0a);

    /// @notice Whether a blob's polynomial has a value at a point.
    /// @param blob The versioned hash.
    /// @param point Below MODULUS.
    /// @param value The same.
    /// @param commitment 48 bytes; where it has others the answer is no.
    /// @param proof The same.
    function holds(
        bytes32 blob,
        uint256 point,
        uint256 value,
        bytes calldata commitment,
        bytes calldata proof
    ) internal view returns (bool) {
        if (commitment.length != KZG_BYTES || proof.length != KZG_BYTES) return false;
        (bool done, bytes memory answer) =
            PRECOMPILE.staticcall(abi.encodePacked(blob, point, value, commitment, proof));
        // A chain without the precompile answers nothing.
        return done && answer.length == 64;
    }
}
