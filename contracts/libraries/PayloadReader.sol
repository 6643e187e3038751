// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ByteCursor } from "contracts/libraries/ByteCursor.sol";
import { Merkle } from "contracts/libraries/Merkle.sol";
import { PointEvaluation } from "contracts/libraries/PointEvaluation.sol";
import { BlobChunk, FieldElement, Payload } from "contracts/types/Witness.sol";

/// @title Reading a batch's bytes without having all of them
/// @notice A batch's bytes came as calldata, of which L1 has the hash, or in blobs, of which it has KZG commitments. In
/// blobs each field element carries 31 bytes, and the payload stands behind its length u32 (docs/encoding.md).
library PayloadReader {
    using PayloadReader for Opened;

    /// @notice Registered elements by versioned hash and place in the blob, with REGISTERED, and roots over the chunks
    /// of whole blobs.
    struct Register {
        mapping(bytes32 blob => mapping(uint256 index => uint256)) elements;
        mapping(bytes32 blob => bytes32) roots;
    }

    /// @notice A payload whose openings hold.
    struct Opened {
        bytes data; // of a calldata batch
        bytes32[] blobs; // versioned hashes; none of a calldata batch
        uint256[] indices; // of the given elements, ascending
        uint256[] values; // the elements
        uint256[] chunkIndices; // of the given chunks, ascending
        bytes[] chunks; // what they carry
    }

    /// @notice The bytes or the versioned hashes are not those of the batch.
    error WrongPayload(bytes32 given, bytes32 needed);

    /// @notice A field element that the step reads was neither given nor registered.
    error MissingElement(uint256 index);

    /// @notice A field element's opening does not hold, or it lies in no blob of the batch.
    error WrongElement(uint256 index);

    /// @notice A chunk is not the blob's, or lies in no blob of the batch, or that blob is not registered.
    error WrongChunk(uint256 index);

    /// @notice Field elements have to be given in ascending order, and so have chunks.
    error ElementsNotAscending(uint256 previous, uint256 next);

    /// @dev Bit of a registered element; elements are below it.
    uint256 internal constant REGISTERED = 1 << 255;

    uint256 private constant BLOB_ELEMENTS = PointEvaluation.BLOB_ELEMENTS;
    uint256 private constant BLOB_LEVELS = 12;
    uint256 private constant ELEMENT_BYTES = PointEvaluation.ELEMENT_BYTES;
    uint256 private constant CHUNK_ELEMENTS = 32;
    uint256 private constant CHUNK_LEVELS = 7;
    uint256 private constant CHUNKS = BLOB_ELEMENTS / CHUNK_ELEMENTS;
    uint256 private constant LENGTH_BYTES = 4;
    bytes1 private constant BLOB_VERSION = 0x01;
    uint256 private constant MODULUS = PointEvaluation.MODULUS;

    /// @dev A primitive root of unity of order 4096: 7^((MODULUS - 1) / 4096).
    uint256 private constant ROOT_OF_UNITY =
        0x564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306;

    /// @notice Checks that a payload is a batch's, and all openings that are given.
    /// @param payload What is given.
    /// @param register Where whole blobs' roots are.
    /// @param needed The batch's commitment to its bytes.
    function open(Payload calldata payload, Register storage register, bytes32 needed)
        internal
        view
        returns (Opened memory opened)
    {
        bool inBlobs = payload.data.length == 0;
        bytes32 given = inBlobs ? keccak256(abi.encodePacked(payload.blobs)) : keccak256(payload.data);
        // Calldata batches never begin as versioned hashes do: neither can be taken for the other.
        bool begun = inBlobs
            ? payload.blobs.length != 0 && payload.blobs[0][0] == BLOB_VERSION
            : payload.data[0] != BLOB_VERSION;
        require(given == needed && begun, WrongPayload(given, needed));
        if (!inBlobs) {
            opened.data = payload.data;
            return opened;
        }
        opened.blobs = payload.blobs;
        _openElements(opened, payload.elements);
        _openChunks(opened, register, payload.chunks);
    }

    /// @notice Reverts where an element's opening does not hold.
    /// @param blob The versioned hash.
    /// @param index The element's place in the blob.
    /// @param element Value, commitment and proof.
    function requireElement(bytes32 blob, uint256 index, FieldElement calldata element) internal view {
        require(index < BLOB_ELEMENTS, WrongElement(element.index));
        bool holds = PointEvaluation.holds(
            blob, _point(index), uint256(element.value), element.commitment, element.proof
        );
        require(holds, WrongElement(element.index));
    }

    /// @notice Bytes of the payload: of calldata all, in blobs what the first four bytes say.
    /// @return fits Whether the carrier has so many.
    /// @return length The length.
    function size(Opened memory self, Register storage register)
        internal
        view
        returns (bool fits, uint256 length)
    {
        if (self.blobs.length == 0) return (true, self.data.length);
        length = _carried(self, register, 0, LENGTH_BYTES).take(LENGTH_BYTES);
        fits = LENGTH_BYTES + length <= self.blobs.length * BLOB_ELEMENTS * ELEMENT_BYTES;
    }

    /// @notice Some bytes of the payload; whoever asks has checked that they are there.
    function read(Opened memory self, Register storage register, uint256 start, uint256 count)
        internal
        view
        returns (ByteCursor memory)
    {
        if (self.blobs.length == 0) return ByteCursor(self.data, start, start + count, false);
        return _carried(self, register, LENGTH_BYTES + start, count);
    }

    /// @notice The same as a number of start most 32 bytes.
    function take(Opened memory self, Register storage register, uint256 start, uint256 count)
        internal
        view
        returns (uint256)
    {
        return self.read(register, start, count).take(count);
    }

    /// @dev Bytes of the blobs.
    function _carried(Opened memory self, Register storage register, uint256 start, uint256 count)
        private
        view
        returns (ByteCursor memory)
    {
        uint256 first = start / ELEMENT_BYTES;
        uint256 end = (start + count + ELEMENT_BYTES - 1) / ELEMENT_BYTES;
        // One byte more than they carry: each is written as a whole word.
        bytes memory data = new bytes((end - first) * ELEMENT_BYTES + 1);
        for (uint256 index = first; index < end; ++index) {
            uint256 word = _element(self, register, index) << 8;
            uint256 to = (index - first) * ELEMENT_BYTES;
            assembly ("memory-safe") {
                mstore(add(add(data, 0x20), to), word)
            }
        }
        uint256 skipped = start - first * ELEMENT_BYTES;
        return ByteCursor(data, skipped, skipped + count, false);
    }

    function _element(Opened memory self, Register storage register, uint256 index)
        private
        view
        returns (uint256)
    {
        (bool given, uint256 place) = _find(self.indices, index);
        if (given) return self.values[place];
        (given, place) = _find(self.chunkIndices, index / CHUNK_ELEMENTS);
        if (given) {
            bytes memory chunk = self.chunks[place];
            uint256 within = index % CHUNK_ELEMENTS * ELEMENT_BYTES;
            uint256 word;
            assembly ("memory-safe") {
                word := mload(add(add(chunk, 0x20), within))
            }
            // What is behind the element is shifted out.
            return word >> 8;
        }
        uint256 kept = register.elements[self.blobs[index / BLOB_ELEMENTS]][index % BLOB_ELEMENTS];
        require(kept != 0, MissingElement(index));
        return kept;
    }

    /// @dev Where a number stands in an ascending list, if it does.
    function _find(uint256[] memory numbers, uint256 wanted) private pure returns (bool, uint256) {
        (uint256 low, uint256 high) = (0, numbers.length);
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (numbers[middle] == wanted) return (true, middle);
            if (numbers[middle] < wanted) low = middle + 1;
            else high = middle;
        }
        return (false, 0);
    }

    function _openElements(Opened memory opened, FieldElement[] calldata elements) private view {
        uint256 count = elements.length;
        opened.indices = new uint256[](count);
        opened.values = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            uint256 index = elements[i].index;
            bool ascending = i == 0 || opened.indices[i - 1] < index;
            require(ascending, ElementsNotAscending(i == 0 ? 0 : opened.indices[i - 1], index));
            require(index / BLOB_ELEMENTS < opened.blobs.length, WrongElement(index));
            requireElement(opened.blobs[index / BLOB_ELEMENTS], index % BLOB_ELEMENTS, elements[i]);
            (opened.indices[i], opened.values[i]) = (index, uint256(elements[i].value));
        }
    }

    function _openChunks(Opened memory opened, Register storage register, BlobChunk[] calldata chunks)
        private
        view
    {
        uint256 count = chunks.length;
        opened.chunkIndices = new uint256[](count);
        opened.chunks = new bytes[](count);
        for (uint256 i; i < count; ++i) {
            uint256 index = chunks[i].index;
            bool ascending = i == 0 || opened.chunkIndices[i - 1] < index;
            require(ascending, ElementsNotAscending(i == 0 ? 0 : opened.chunkIndices[i - 1], index));
            require(index / CHUNKS < opened.blobs.length, WrongChunk(index));
            bytes32 needed = register.roots[opened.blobs[index / CHUNKS]];
            // Only chunks of the one length have such a hash: what was registered was cut up by the contract.
            bytes memory data = chunks[i].data;
            bytes32 given =
                Merkle.rootFromProof(keccak256(data), index % CHUNKS, CHUNK_LEVELS, chunks[i].proof);
            require(needed != 0 && given == needed, WrongChunk(index));
            (opened.chunkIndices[i], opened.chunks[i]) = (index, data);
        }
    }

    /// @dev Where an element stands on the polynomial: the root of unity of its bit-reversed place.
    function _point(uint256 index) private pure returns (uint256 point) {
        uint256 power = ROOT_OF_UNITY;
        point = 1;
        for (uint256 level = BLOB_LEVELS; level != 0; --level) {
            if (index >> (level - 1) & 1 != 0) point = mulmod(point, power, MODULUS);
            power = mulmod(power, power, MODULUS);
        }
    }
}
