// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Numbers here are small, and texts short.
// forge-lint: disable-start(unsafe-typecast)

import { ByteCursor, ByteCursors } from "contracts/libraries/ByteCursor.sol";
import { PackedRecords } from "contracts/libraries/PackedRecords.sol";
import { Rlp } from "contracts/libraries/Rlp.sol";
import { LibZip } from "solady/utils/LibZip.sol";
import { Test } from "tests/contracts/Vm.sol";

/// @title Unpacking records, reading bytes and writing RLP
/// @notice tests/differential/test_ledger_arbiter.py compares whole batches with Python.
contract PackedRecordsTest is Test {
    using PackedRecords for PackedRecords.Parts;

    // --- records ---

    function test_bytesThatAreNoRecordStandBehind0x80() external pure {
        (bool sound, bytes memory record) = _unpack(hex"80010203");
        assertTrue(sound);
        assertEq(record, hex"010203");
        (sound,) = _unpack(hex"80");
        assertFalse(sound);
    }

    function testFuzz_allFormsOfNumbersAreRead(bytes32 r, bytes32 s, uint32 mantissa, uint8 power)
        external
        pure
    {
        uint256 exponent = bound(power, 1, 32);
        uint256 size = Rlp.byteLength(mantissa | 1);
        bytes1 decimal = bytes1(uint8(0x80 + 32 * (size - 1) + exponent - 1));
        bytes memory digits = Rlp.shortest(mantissa | 1);
        // Recipient and gas limit from the table, nonce in one byte, fee plain with a zero too much, value in decimals.
        bytes memory packed =
            bytes.concat(hex"08", r, s, hex"6001", hex"3f", hex"6000", hex"420007d0", decimal, digits);
        (bool sound, bytes memory record) = _unpack(packed);
        assertTrue(sound);
        bytes memory value = Rlp.shortest(uint256(mantissa | 1) * 10 ** exponent);
        bytes memory front =
            bytes.concat(hex"08", r, s, bytes20(uint160(0xbb)), hex"013f", hex"01aa", hex"0207d0");
        assertEq(record, bytes.concat(front, bytes1(uint8(value.length)), value));
    }

    function testFuzz_callsArePackedAsRecordsPackThem(bytes4 selector, uint256 word, uint8 count)
        external
        pure
    {
        bytes memory data = bytes.concat(selector);
        bytes memory call_ = bytes.concat(hex"43", selector);
        for (uint256 i; i < count; ++i) {
            bytes memory digits = Rlp.shortest(word >> i | 1);
            data = bytes.concat(data, bytes32(word >> i | 1));
            call_ = bytes.concat(call_, bytes1(uint8(0x40 + digits.length - 1)), digits);
        }
        bytes memory front = bytes.concat(new bytes(64), hex"00000000");
        (bool sound, bytes memory record) = _unpack(bytes.concat(hex"20", front, call_));
        assertTrue(sound);
        assertEq(record, bytes.concat(hex"00", front, LibZip.cdCompress(data)));
    }

    function test_aCallHasAtMost511Arguments() external pure {
        bytes memory front = bytes.concat(hex"20", new bytes(64), hex"00000000", hex"01");
        (bool sound,) = _unpack(bytes.concat(front, new bytes(511)));
        assertTrue(sound);
        (sound,) = _unpack(bytes.concat(front, new bytes(512)));
        assertFalse(sound);
    }

    function test_numbersThatDoNotFitAreNone() external pure {
        bytes memory front = bytes.concat(hex"08", new bytes(64));
        (bool sound,) = _unpack(bytes.concat(front, hex"54", new bytes(20), hex"01", hex"00000000"));
        assertTrue(sound);
        (sound,) = _unpack(bytes.concat(front, hex"5401", new bytes(20), hex"00000000"));
        assertFalse(sound);
        (sound,) = _unpack(bytes.concat(front, hex"6002", hex"00000000"));
        assertFalse(sound);
        (sound,) = _unpack(bytes.concat(hex"20", new bytes(64), hex"00000000", hex"440100000000"));
        assertFalse(sound);
    }

    function testFuzz_noBytesRevert(bytes memory packed, uint8 head) external pure {
        if (packed.length == 0) return;
        packed[0] = bytes1(head & 0x3f);
        (bool sound, bytes memory record) = _unpack(packed);
        assertTrue(!sound || record.length >= 65);
    }

    function testFuzz_theNamesOfARecordAreFoundInTheirOrder(uint16[5] memory named, uint8 first, uint8 most)
        external
        pure
    {
        bytes memory packed = bytes.concat(hex"20", new bytes(64), hex"01", _name(named[0]));
        packed = bytes.concat(packed, hex"02", _name(named[1]), hex"420007d0");
        packed = bytes.concat(packed, _name(named[2]), hex"8005", _name(named[3]), _name(named[4]));
        (bool sound, PackedRecords.Parts memory parts) = PackedRecords.takeApart(ByteCursors.over(packed));
        assertTrue(sound);
        uint256 start = first % 6;
        uint256[] memory found = parts.places(start, most);
        assertEq(found.length, most < 5 - start ? most : 5 - start);
        for (uint256 i; i < found.length; ++i) {
            assertEq(found[i], named[start + i] % 8192);
        }
    }

    function testFuzz_eachCutOfARecordIsNone(uint256 end) external pure {
        bytes memory packed =
            bytes.concat(hex"39", new bytes(64), hex"54", new bytes(21), hex"c0010203", hex"6001");
        packed = bytes.concat(packed, hex"7fff05", hex"000002aabb", hex"43deadbeef");
        (bool sound,) = PackedRecords.takeApart(ByteCursors.over(packed));
        assertTrue(sound);
        end = bound(end, 0, packed.length - 1);
        (sound,) = PackedRecords.takeApart(ByteCursor(packed, 0, end, false));
        assertFalse(sound);
    }

    function _name(uint16 place) private pure returns (bytes2) {
        return bytes2(uint16(0x6000 | place % 8192));
    }

    /// @dev The table holds 0xaa and 0xbb.
    function _unpack(bytes memory packed) private pure returns (bool sound, bytes memory record) {
        PackedRecords.Parts memory parts;
        (sound, parts) = PackedRecords.takeApart(ByteCursors.over(packed));
        if (!sound) return (false, record);
        uint256[] memory found = parts.places(0, type(uint256).max);
        for (uint256 i; i < found.length; ++i) {
            if (found[i] > 1) return (false, record);
            found[i] = found[i] == 0 ? 0xaa : 0xbb;
        }
        return parts.join(found);
    }

    // --- bytes ---

    function testFuzz_aCursorReadsWhatIsThere(bytes memory data, uint8 first, uint8 size) external pure {
        ByteCursor memory cursor = ByteCursors.over(data);
        uint256 count = size % 33;
        bool there = uint256(first) + count <= data.length;
        if (cursor.skip(first)) assertEq(cursor.left(), data.length - first);
        uint256 expected;
        for (uint256 i; there && i < count; ++i) {
            expected = expected << 8 | uint8(data[first + i]);
        }
        assertEq(cursor.take(count), expected);
        assertEq(cursor.failed, !there);
    }

    function testFuzz_aPartIsACopy(bytes memory data, uint256 first, uint256 size) external pure {
        ByteCursor memory cursor = ByteCursors.over(data);
        cursor.skip(first = bound(first, 0, data.length));
        size = bound(size, 0, data.length - first);
        bytes memory part = cursor.part(size);
        assertEq(part.length, size);
        for (uint256 i; i < size; ++i) {
            assertTrue(part[i] == data[first + i]);
        }
        assertEq(cursor.part(cursor.left() + 1).length, 0);
        assertTrue(cursor.failed);
    }

    // --- RLP ---

    function testFuzz_numbersAreTheirShortestBytes(uint256 value, uint8 shift) external pure {
        value >>= shift;
        bytes memory encoded = Rlp.number(value);
        assertEq(encoded.length, Rlp.numberSize(value));
        if (value == 0) {
            assertEq(encoded, hex"80");
        } else if (value < 128) {
            assertEq(encoded, bytes.concat(bytes1(uint8(value))));
        } else {
            uint256 size = encoded.length - 1;
            assertEq(uint256(uint8(encoded[0])), 0x80 + size);
            assertTrue(encoded[1] != 0);
            ByteCursor memory cursor = ByteCursors.over(encoded);
            cursor.skip(1);
            assertEq(cursor.take(size), value);
        }
    }

    function test_headsOfStringsAndLists() external pure {
        assertEq(Rlp.stringHead(hex"7f"), "");
        assertEq(Rlp.stringHead(hex"80"), hex"81");
        assertEq(Rlp.stringHead(""), hex"80");
        assertEq(Rlp.stringHead(new bytes(55)), hex"b7");
        assertEq(Rlp.stringHead(new bytes(56)), hex"b838");
        assertEq(Rlp.stringHead(new bytes(65_536)), hex"ba010000");
        assertEq(Rlp.listHead(55), hex"f7");
        assertEq(Rlp.listHead(256), hex"f90100");
        assertEq(Rlp.listSize(55), 56);
        assertEq(Rlp.listSize(256), 259);
        assertEq(Rlp.recipient(false, address(1)), hex"80");
        assertEq(Rlp.recipient(true, address(1)), bytes.concat(hex"94", bytes20(address(1))));
    }
}
