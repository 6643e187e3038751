// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ByteCursor } from "contracts/libraries/ByteCursor.sol";
import { Rlp } from "contracts/libraries/Rlp.sol";
import { LibZip } from "solady/utils/LibZip.sol";

/// @title Unpacking one record of a batch
/// @notice It is taken apart first, which says which places of the batch's table it names, and put together with the numbers
/// that stand there. docs/encoding.md, "Batches", draws the form; whether it was packed in the one best way does not matter.
/// Twin: anh_rollup/encoding/packed_records.py.
library PackedRecords {
    /// @notice A packed record, taken apart.
    struct Parts {
        bytes data; // in which it stands
        uint256 start; // where in there its head is
        uint256[] numbers; // recipient, nonce, gas limit, fee, priority fee, value, selector, arguments: those it has
        uint256[] named; // which of them are places of the table instead
        uint256 restAt; // where its access list and its data begin, as the record has them
        uint256 restEnd; // where they end; behind it a call is
    }

    /// @dev How many numbers were read, and how many of them were places.
    struct Progress {
        uint256 numbers;
        uint256 named;
    }

    uint256 private constant VERBATIM = 0x80;
    uint256 private constant CALL_BIT = 0x20;
    uint256 private constant ACCESS_LIST_BIT = 0x10;
    uint256 private constant TO_BIT = 0x08;
    uint256 private constant TYPE_BITS = 0x03;
    uint256 private constant DYNAMIC_FEE = 2;
    uint256 private constant MOST_ARGUMENTS = 511;

    uint256 private constant SIGNATURE_BYTES = 64;

    uint256 private constant PLAIN = 0x40;
    uint256 private constant REFERENCE = 0x60;
    uint256 private constant DECIMAL = 0x80;

    /// @notice A packed record's parts.
    /// @param packed Its bytes, at least one.
    /// @return sound Whether they are one's, apart from the numbers of the table.
    /// @return parts The parts.
    function takeApart(ByteCursor memory packed) internal pure returns (bool sound, Parts memory parts) {
        (parts.data, parts.start) = (packed.data, packed.place);
        uint256 head = packed.take(1);
        (parts.restAt, parts.restEnd) = (packed.place, packed.end);
        if (head & VERBATIM != 0) return (packed.left() != 0, parts);
        packed.skip(SIGNATURE_BYTES);
        uint256 own = _ownNumbers(head);
        uint256 most = own + (head & CALL_BIT == 0 ? 0 : 1 + MOST_ARGUMENTS);
        (parts.numbers, parts.named) = (new uint256[](most), new uint256[](most));
        Progress memory read = Progress(0, 0);
        _takeNumbers(packed, parts, read, own, own);
        parts.restAt = packed.place;
        if (head & ACCESS_LIST_BIT != 0) packed.skip(packed.take(3));
        if (head & CALL_BIT != 0) {
            parts.restEnd = packed.place;
            _takeNumbers(packed, parts, read, own + 1, most);
            if (packed.left() != 0) packed.failed = true;
        }
        _cut(parts.numbers, read.numbers);
        _cut(parts.named, read.named);
        sound = !packed.failed;
    }

    /// @notice Some of the places of the table that a packed record names, in order.
    /// @param first How many before them.
    /// @param most How many at most.
    function places(Parts memory self, uint256 first, uint256 most)
        internal
        pure
        returns (uint256[] memory found)
    {
        uint256 left = self.named.length - first;
        found = new uint256[](left < most ? left : most);
        for (uint256 i; i < found.length; ++i) {
            found[i] = self.numbers[self.named[first + i]];
        }
    }

    /// @notice The record; the parts' memory is used up.
    /// @param found What stands at the places that it names, all of them.
    /// @return sound Whether the numbers fit.
    /// @return record The record.
    function join(Parts memory self, uint256[] memory found)
        internal
        pure
        returns (bool sound, bytes memory record)
    {
        bytes memory rest = _slice(self, self.restAt, self.restEnd);
        uint256 head = uint8(self.data[self.start]);
        if (head & VERBATIM != 0) return (true, rest);
        for (uint256 i; i < found.length; ++i) {
            self.numbers[self.named[i]] = found[i];
        }
        uint256 signatureAt = self.start + 1;
        record =
            bytes.concat(_byte(head & ~CALL_BIT), _slice(self, signatureAt, signatureAt + SIGNATURE_BYTES));
        uint256 place;
        if (head & TO_BIT != 0) {
            uint256 to = self.numbers[place++];
            if (to > type(uint160).max) return (false, "");
            // It was compared.
            // forge-lint: disable-next-line(unsafe-typecast)
            record = bytes.concat(record, bytes20(uint160(to)));
        }
        for (uint256 end = _ownNumbers(head); place < end; ++place) {
            bytes memory digits = Rlp.shortest(self.numbers[place]);
            record = bytes.concat(record, _byte(digits.length), digits);
        }
        if (head & CALL_BIT == 0) return (true, bytes.concat(record, rest));
        if (self.numbers[place] > type(uint32).max) return (false, "");
        return (true, bytes.concat(record, rest, LibZip.cdCompress(_calldata(self.numbers, place))));
    }

    /// @dev Recipient, nonce, gas limit, fees and value, as far as a record has them.
    function _ownNumbers(uint256 head) private pure returns (uint256) {
        return (head & TO_BIT != 0 ? 1 : 0) + (head & TYPE_BITS == DYNAMIC_FEE ? 5 : 4);
    }

    /// @dev Takes numbers while there are bytes, `least` to `most` in all, for which there is room.
    function _takeNumbers(
        ByteCursor memory packed,
        Parts memory parts,
        Progress memory read,
        uint256 least,
        uint256 most
    ) private pure {
        (bytes memory data, uint256 place, uint256 end) = (packed.data, packed.place, packed.end);
        (uint256[] memory numbers, uint256[] memory named) = (parts.numbers, parts.named);
        (uint256 count, uint256 names) = (read.numbers, read.named);
        // Places are in memory, and what a number is multiplied by is below 2^107.
        unchecked {
            while (count < least || (count < most && place < end)) {
                uint256 word = _word(data, place);
                uint256 value = word >> 248;
                uint256 next = place + 1;
                if (value >= DECIMAL) {
                    next += value / 32 - 3;
                    value = ((word << 8) >> (264 - 8 * (next - place))) * 10 ** (value % 32 + 1);
                } else if (value >= REFERENCE) {
                    next += 1;
                    value = (word >> 240) & 0x1fff;
                    if (next <= end) _put(named, names++, count);
                } else if (value >= PLAIN) {
                    next += value - PLAIN + 1;
                    value = _word(data, place + 1) >> (264 - 8 * (next - place));
                }
                if (next > end) break;
                _put(numbers, count++, value);
                place = next;
            }
        }
        if (count < least) packed.failed = true;
        packed.place = place;
        (read.numbers, read.named) = (count, names);
    }

    /// @dev 32 bytes from a place on; those behind the end are whatever memory has.
    function _word(bytes memory data, uint256 place) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 0x20), place))
        }
    }

    /// @dev Writes where there is room.
    function _put(uint256[] memory list, uint256 place, uint256 value) private pure {
        assembly ("memory-safe") {
            mstore(add(add(list, 0x20), shl(5, place)), value)
        }
    }

    function _slice(Parts memory self, uint256 start, uint256 end) private pure returns (bytes memory) {
        return ByteCursor(self.data, start, end, false).part(end - start);
    }

    /// @dev A selector, which is below 2^32, and the words behind it.
    function _calldata(uint256[] memory numbers, uint256 first) private pure returns (bytes memory data) {
        uint256 words = numbers.length - first;
        // One word more than the arguments, as the selector is written as a whole one first.
        data = new bytes(32 * words);
        for (uint256 i; i < words; ++i) {
            uint256 word = numbers[first + i];
            assembly ("memory-safe") {
                // Of the selector's word only the last four bytes are the data's, so all are moved to the front.
                mstore(add(add(data, 4), shl(5, i)), word)
            }
        }
        assembly ("memory-safe") {
            mstore(data, sub(shl(5, words), 28))
        }
    }

    function _cut(uint256[] memory numbers, uint256 length) private pure {
        assembly ("memory-safe") {
            mstore(numbers, length)
        }
    }

    function _byte(uint256 value) private pure returns (bytes1) {
        // A head without VERBATIM, or a length of at most 32.
        // forge-lint: disable-next-line(unsafe-typecast)
        return bytes1(uint8(value));
    }
}
