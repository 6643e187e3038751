// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ByteCursor } from "contracts/libraries/ByteCursor.sol";
import { PayloadReader } from "contracts/libraries/PayloadReader.sol";
import { Rlp } from "contracts/libraries/Rlp.sol";
import { LibZip } from "solady/utils/LibZip.sol";

/// @title Unpacking one record of a batch
/// @notice Only what the record itself names of the batch's table is read. docs/encoding.md, "Batches", draws the form;
/// whether it was packed in the one best way does not matter. Twin: anh_rollup/encoding/packed_records.py.
library PackedRecords {
    using PayloadReader for PayloadReader.Opened;

    /// @notice Where a batch's table begins: behind the head of the batch.
    uint256 internal constant TABLE_AT = 52;

    /// @notice Bytes of a number in the table.
    uint256 internal constant TABLE_NUMBER_BYTES = 20;

    uint256 private constant VERBATIM = 0x80;
    uint256 private constant CALL_BIT = 0x20;
    uint256 private constant ACCESS_LIST_BIT = 0x10;
    uint256 private constant TO_BIT = 0x08;
    uint256 private constant TYPE_BITS = 0x03;
    uint256 private constant DYNAMIC_FEE = 2;
    uint256 private constant MOST_ARGUMENTS = 511;

    uint256 private constant PLAIN = 0x40;
    uint256 private constant REFERENCE = 0x60;
    uint256 private constant DECIMAL = 0x80;

    /// @notice The numbers that a batch's records share.
    struct Table {
        PayloadReader.Opened payload;
        uint256 count;
    }

    /// @notice The record of a packed one.
    /// @param packed Its bytes, at least one.
    /// @param table The batch's table.
    /// @param register Registered elements.
    /// @return sound Whether it unpacks.
    /// @return record The record.
    function unpack(ByteCursor memory packed, Table memory table, PayloadReader.Register storage register)
        internal
        view
        returns (bool sound, bytes memory record)
    {
        uint256 head = packed.take(1);
        if (head & VERBATIM != 0) {
            record = packed.part(packed.left());
            return (record.length != 0, record);
        }
        record = bytes.concat(_byte(head & ~CALL_BIT), packed.part(64));
        if (head & TO_BIT != 0) {
            uint256 to = _below(packed, table, register, type(uint160).max);
            // `_below` has seen to it.
            // forge-lint: disable-next-line(unsafe-typecast)
            record = bytes.concat(record, bytes20(uint160(to)));
        }
        uint256 numbers = head & TYPE_BITS == DYNAMIC_FEE ? 5 : 4;
        for (uint256 i; i < numbers; ++i) {
            bytes memory digits = Rlp.shortest(_number(packed, table, register));
            record = bytes.concat(record, _byte(digits.length), digits);
        }
        if (head & ACCESS_LIST_BIT != 0) {
            uint256 length = packed.take(3);
            // Three bytes were read.
            // forge-lint: disable-next-line(unsafe-typecast)
            record = bytes.concat(record, bytes3(uint24(length)), packed.part(length));
        }
        record = bytes.concat(record, _data(head, packed, table, register));
        sound = !packed.failed;
    }

    /// @dev The data as the record has them.
    function _data(
        uint256 head,
        ByteCursor memory packed,
        Table memory table,
        PayloadReader.Register storage register
    ) private view returns (bytes memory) {
        if (head & CALL_BIT == 0) return packed.part(packed.left());
        bytes memory call_ = _call(packed, table, register);
        return packed.failed ? call_ : LibZip.cdCompress(call_);
    }

    /// @dev A selector and words, all written as numbers.
    function _call(ByteCursor memory packed, Table memory table, PayloadReader.Register storage register)
        private
        view
        returns (bytes memory data)
    {
        uint256 selector = _below(packed, table, register, type(uint32).max);
        uint256 most = packed.left() < MOST_ARGUMENTS ? packed.left() : MOST_ARGUMENTS;
        // One word more, for the selector in front.
        data = new bytes(32 * most + 32);
        uint256 count;
        for (; count < most && packed.left() != 0; ++count) {
            uint256 argument = _number(packed, table, register);
            assembly ("memory-safe") {
                mstore(add(add(data, 0x24), shl(5, count)), argument)
            }
        }
        if (packed.left() != 0) packed.failed = true;
        assembly ("memory-safe") {
            let first := add(data, 0x20)
            mstore(first, or(shl(224, selector), shr(32, shl(32, mload(first)))))
            mstore(data, add(4, shl(5, count)))
        }
    }

    /// @dev The next number; it has to be at most so high.
    function _below(
        ByteCursor memory packed,
        Table memory table,
        PayloadReader.Register storage register,
        uint256 most
    ) private view returns (uint256 value) {
        value = _number(packed, table, register);
        if (value > most) (packed.failed, value) = (true, 0);
    }

    /// @dev The next short number; zero where it cannot be read.
    function _number(ByteCursor memory packed, Table memory table, PayloadReader.Register storage register)
        private
        view
        returns (uint256)
    {
        uint256 head = packed.take(1);
        if (head < PLAIN) return head;
        if (head < REFERENCE) return packed.take(head - PLAIN + 1);
        if (head < DECIMAL) {
            uint256 place = (head - REFERENCE) << 8 | packed.take(1);
            if (place >= table.count) packed.failed = true;
            if (packed.failed) return 0;
            uint256 start = TABLE_AT + place * TABLE_NUMBER_BYTES;
            return table.payload.take(register, start, TABLE_NUMBER_BYTES);
        }
        // At most four digits of 8 bits, and 10^32: below 2^139.
        uint256 form = head - DECIMAL;
        return packed.take(form / 32 + 1) * 10 ** (form % 32 + 1);
    }

    function _byte(uint256 value) private pure returns (bytes1) {
        // A head without VERBATIM, or a length of at most 32.
        // forge-lint: disable-next-line(unsafe-typecast)
        return bytes1(uint8(value));
    }
}
