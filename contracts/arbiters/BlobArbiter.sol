// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IBlobArbiter } from "contracts/interfaces/IBlobArbiter.sol";
import { BlobPolynomials } from "contracts/libraries/BlobPolynomials.sol";
import { Merkle } from "contracts/libraries/Merkle.sol";
import { PointEvaluation } from "contracts/libraries/PointEvaluation.sol";

/// @title The judge of whole blobs
contract BlobArbiter is IBlobArbiter {
    uint256 private constant CHUNK_ELEMENTS = 32;
    uint256 private constant CHUNKS = PointEvaluation.BLOB_ELEMENTS / CHUNK_ELEMENTS;
    uint256 private constant CHUNK_LEVELS = 7;
    uint256 private constant CHUNK_BYTES = CHUNK_ELEMENTS * PointEvaluation.ELEMENT_BYTES;

    /// @dev Low bytes of all elements, and the bits of their first bytes: 7 of each element, 28 bytes of each chunk.
    uint256 private constant LOW_BYTES = CHUNKS * CHUNK_BYTES;
    uint256 private constant HIGH_BITS = 7;
    uint256 private constant CHUNK_HIGH_BYTES = 28;

    /// @inheritdoc IBlobArbiter
    function prove(bytes32 blob, bytes calldata contents, bytes calldata commitment, bytes calldata proof)
        external
        view
        returns (bytes32 root)
    {
        uint256 length = contents.length;
        bool formed = length == LOW_BYTES || length == LOW_BYTES + CHUNKS * CHUNK_HIGH_BYTES;
        require(formed, WrongContentsLength(length));
        bytes32 digest = keccak256(abi.encodePacked(blob, keccak256(contents), commitment));
        uint256 point = uint256(digest) % PointEvaluation.MODULUS;
        (uint256[] memory values, bytes32[] memory leaves) = _read(contents);
        uint256 value = BlobPolynomials.evaluate(values, point);
        bool holds = PointEvaluation.holds(blob, point, value, commitment, proof);
        require(holds, WrongContents(blob, point, value));
        return Merkle.rootFromNodes(leaves, 0, CHUNK_LEVELS);
    }

    /// @dev The field elements, and the hash of each chunk.
    function _read(bytes calldata contents)
        private
        pure
        returns (uint256[] memory values, bytes32[] memory leaves)
    {
        values = new uint256[](PointEvaluation.BLOB_ELEMENTS);
        leaves = new bytes32[](CHUNKS);
        for (uint256 chunk; chunk < CHUNKS; ++chunk) {
            bytes calldata low = contents[chunk * CHUNK_BYTES:(chunk + 1) * CHUNK_BYTES];
            leaves[chunk] = keccak256(low);
            _readChunk(values, chunk * CHUNK_ELEMENTS, low, _highBits(contents, chunk));
        }
    }

    /// @dev The bits of a chunk's first bytes, the first element's highest.
    function _highBits(bytes calldata contents, uint256 chunk) private pure returns (uint256) {
        if (contents.length == LOW_BYTES) return 0;
        uint256 start = LOW_BYTES + chunk * CHUNK_HIGH_BYTES;
        return uint224(bytes28(contents[start:start + CHUNK_HIGH_BYTES]));
    }

    function _readChunk(uint256[] memory values, uint256 first, bytes calldata low, uint256 high)
        private
        pure
    {
        unchecked {
            for (uint256 i = CHUNK_ELEMENTS; i != 0; high >>= HIGH_BITS) {
                --i;
                uint256 start = i * PointEvaluation.ELEMENT_BYTES;
                uint256 value = uint248(bytes31(low[start:start + PointEvaluation.ELEMENT_BYTES]));
                value |= (high & 0x7f) << 248;
                // Another number of the same residue would open other bytes.
                require(value < PointEvaluation.MODULUS, ElementTooLarge(first + i));
                values[first + i] = value;
            }
        }
    }
}
