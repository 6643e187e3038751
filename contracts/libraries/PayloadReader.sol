// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ByteCursor } from "contracts/libraries/ByteCursor.sol";
import { FieldElement, Payload } from "contracts/types/Witness.sol";

/// @title Reading a batch's bytes without having all of them
/// @notice A batch's bytes came as calldata, of which L1 has the hash, or in blobs, of which it has KZG commitments. In
/// blobs each field element carries 31 bytes, and the payload stands behind its length u32 (docs/encoding.md).
library PayloadReader {
    using PayloadReader for Opened;

    /// @notice Registered elements by versioned hash and place in the blob, with REGISTERED.
    struct Register {
        mapping(bytes32 blob => mapping(uint256 index => uint256)) elements;
    }

    /// @notice A payload whose openings hold.
    struct Opened {
        bytes data; // of a calldata batch
        bytes32[] blobs; // versioned hashes; none of a calldata batch
        uint256[] indices; // of the given elements, ascending
        uint256[] values; // the elements
    }

    /// @notice The bytes or the versioned hashes are not those of the batch.
    error WrongPayload(bytes32 given, bytes32 needed);

    /// @notice A field element that the step reads was neither given nor registered.
    error MissingElement(uint256 index);

    /// @notice A field element's opening does not hold, or it lies in no blob of the batch.
    error WrongElement(uint256 index);

    /// @notice Field elements have to be given in ascending order.
    error ElementsNotAscending(uint256 previous, uint256 next);

    /// @dev Bit of a registered element; elements are below it.
    uint256 internal constant REGISTERED = 1 << 255;

    /// @dev Field elements of a blob (EIP-4844).
    uint256 internal constant BLOB_ELEMENTS = 4096;

    uint256 private constant BLOB_LEVELS = 12;
    uint256 private constant ELEMENT_BYTES = 31;
    uint256 private constant LENGTH_BYTES = 4;
    bytes1 private constant BLOB_VERSION = 0x01;
    uint256 private constant KZG_BYTES = 48;

    /// @dev Order of the field (EIP-4844, BLS_MODULUS).
    uint256 private constant MODULUS = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;

    /// @dev A primitive root of unity of order 4096: 7^((MODULUS - 1) / 4096).
    uint256 private constant ROOT_OF_UNITY =
        0x564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306;

    address private constant POINT_EVALUATION = address(0x0a);

    /// @notice Checks that a payload is a batch's, and all openings that are given.
    /// @param payload What is given.
    /// @param needed The batch's commitment to its bytes.
    function open(Payload calldata payload, bytes32 needed) internal view returns (Opened memory opened) {
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
    }

    /// @notice Reverts where an element's opening does not hold.
    /// @param blob The versioned hash.
    /// @param index The element's place in the blob.
    /// @param element Value, commitment and proof.
    function requireElement(bytes32 blob, uint256 index, FieldElement calldata element) internal view {
        bool formed = index < BLOB_ELEMENTS && element.commitment.length == KZG_BYTES
            && element.proof.length == KZG_BYTES;
        require(formed, WrongElement(element.index));
        bytes memory input =
            abi.encodePacked(blob, _point(index), element.value, element.commitment, element.proof);
        (bool holds, bytes memory answer) = POINT_EVALUATION.staticcall(input);
        // A chain without the precompile answers nothing.
        require(holds && answer.length == 64, WrongElement(element.index));
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
        uint256[] memory indices = self.indices;
        (uint256 low, uint256 high) = (0, indices.length);
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (indices[middle] == index) return self.values[middle];
            if (indices[middle] < index) low = middle + 1;
            else high = middle;
        }
        uint256 kept = register.elements[self.blobs[index / BLOB_ELEMENTS]][index % BLOB_ELEMENTS];
        require(kept != 0, MissingElement(index));
        return kept;
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
