// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ByteCursor } from "contracts/libraries/ByteCursor.sol";
import { PointEvaluation } from "contracts/libraries/PointEvaluation.sol";
import { FieldElement, Payload } from "contracts/types/Witness.sol";

/// @title Reading a batch's bytes without having all of them
/// @notice A batch's bytes came as calldata, of which L1 has the hash, or in blobs, of which it has KZG commitments. In
/// blobs each field element carries 31 bytes, and the payload stands behind its length u32 (docs/encoding.md).
library PayloadReader {
    using PayloadReader for Opened;

    /// @notice A payload whose openings hold.
    struct Opened {
        bytes data; // of a calldata batch
        bytes32[] blobs; // versioned hashes; none of a calldata batch
        uint256[] indices; // of the given elements, ascending
        uint256[] values; // the elements
    }

    /// @notice The bytes or the versioned hashes are not those of the batch.
    error WrongPayload(bytes32 given, bytes32 needed);

    /// @notice A field element that the step reads was not given.
    error MissingElement(uint256 index);

    /// @notice A field element's opening does not hold, or it lies in no blob of the batch.
    error WrongElement(uint256 index);

    /// @notice Field elements have to be given in ascending order.
    error ElementsNotAscending(uint256 previous, uint256 next);

    uint256 private constant BLOB_ELEMENTS = PointEvaluation.BLOB_ELEMENTS;
    uint256 private constant BLOB_LEVELS = 12;
    uint256 private constant ELEMENT_BYTES = PointEvaluation.ELEMENT_BYTES;
    uint256 private constant LENGTH_BYTES = 4;
    bytes1 private constant BLOB_VERSION = 0x01;
    uint256 private constant MODULUS = PointEvaluation.MODULUS;

    /// @dev A primitive root of unity of order 4096: 7^((MODULUS - 1) / 4096).
    uint256 private constant ROOT_OF_UNITY =
        0x564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306;

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

    /// @notice Bytes of the payload: of calldata all, in blobs what the first four bytes say.
    /// @return fits Whether the carrier has so many.
    /// @return length The length.
    function size(Opened memory self) internal pure returns (bool fits, uint256 length) {
        if (self.blobs.length == 0) return (true, self.data.length);
        length = _carried(self, 0, LENGTH_BYTES).take(LENGTH_BYTES);
        fits = LENGTH_BYTES + length <= self.blobs.length * BLOB_ELEMENTS * ELEMENT_BYTES;
    }

    /// @notice Some bytes of the payload; whoever asks has checked that they are there.
    function read(Opened memory self, uint256 start, uint256 count)
        internal
        pure
        returns (ByteCursor memory)
    {
        if (self.blobs.length == 0) {
            return ByteCursor(self.data, start, start + count, false);
        }
        return _carried(self, LENGTH_BYTES + start, count);
    }

    /// @notice The same as a number of start most 32 bytes.
    function take(Opened memory self, uint256 start, uint256 count) internal pure returns (uint256) {
        return self.read(start, count).take(count);
    }

    /// @dev Bytes of the blobs.
    function _carried(Opened memory self, uint256 start, uint256 count)
        private
        pure
        returns (ByteCursor memory)
    {
        uint256 first = start / ELEMENT_BYTES;
        uint256 end = (start + count + ELEMENT_BYTES - 1) / ELEMENT_BYTES;
        // One byte more than they carry: each is written as a whole word.
        bytes memory data = new bytes((end - first) * ELEMENT_BYTES + 1);
        for (uint256 index = first; index < end; ++index) {
            uint256 word = _element(self, index) << 8;
            uint256 to = (index - first) * ELEMENT_BYTES;
            assembly ("memory-safe") {
                mstore(add(add(data, 0x20), to), word)
            }
        }
        uint256 skipped = start - first * ELEMENT_BYTES;
        return ByteCursor(data, skipped, skipped + count, false);
    }

    function _element(Opened memory self, uint256 index) private pure returns (uint256) {
        (bool given, uint256 place) = _find(self.indices, index);
        require(given, MissingElement(index));
        return self.values[place];
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
            _requireElement(opened.blobs[index / BLOB_ELEMENTS], elements[i]);
            (opened.indices[i], opened.values[i]) = (index, uint256(elements[i].value));
        }
    }

    function _requireElement(bytes32 blob, FieldElement calldata element) private view {
        uint256 point = _point(element.index % BLOB_ELEMENTS);
        bool holds =
            PointEvaluation.holds(blob, point, uint256(element.value), element.commitment, element.proof);
        require(holds, WrongElement(element.index));
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
