// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { LibZip } from "solady/utils/LibZip.sol";

/// @title Reading an order out of a transaction's record
/// @notice head u8 (type in bits 0-1, yParity bit 2, hasTo bit 3, hasAccessList bit 4); r 32; s 32; [to 20]; nonce, gas
/// limit, max fee, [priority fee for type 2], value: a length byte and so many bytes each; [access list: length u24 and
/// bytes]; the rest is the data, packed as solady's LibZip.cdCompress does.
/// Never reverts on any bytes: what cannot be read is no order. It is laxer than L2's decoder (which also refuses, say,
/// leading zeros): it must never call an order that L2 accepts something else.
library TransactionRecords {
    /// @notice The DNN system contract's address on L2.
    address internal constant DNN = 0x0000000000000000000000000000000000000A4e;

    /// @notice Selector of order((uint8,bytes32,bytes32,(bytes32,bytes32,int64)[],uint64,string)).
    bytes4 internal constant ORDER =
        bytes4(keccak256("order((uint8,bytes32,bytes32,(bytes32,bytes32,int64)[],uint64,string))"));

    /// @notice Longest calldata of an order that Claims lets anybody claim (4 properties, 512 bytes of uri), rounded up.
    uint256 internal constant MOST_ORDER_BYTES = 2048;

    /// @dev Longest packing of that: two bytes for one in the worst case.
    uint256 private constant MOST_PACKED_BYTES = 2 * MOST_ORDER_BYTES;

    uint256 private constant HAS_TO = 8;
    uint256 private constant HAS_ACCESS_LIST = 16;
    uint256 private constant SIGNATURE_END = 65;
    uint256 private constant ADDRESS_BYTES = 20;

    /// @notice Whether a record is a call of `order` on the DNN address whose arguments hash to `terms`.
    function isOrder(bytes calldata record, bytes32 terms) internal pure returns (bool) {
        (address to, uint256 start) = _head(record);
        if (to != DNN || start >= record.length) return false;
        bytes calldata packed = record[start:];
        if (packed.length > MOST_PACKED_BYTES || _unpackedLength(packed) > MOST_ORDER_BYTES) return false;
        bytes memory data = LibZip.cdDecompress(packed);
        // The first four bytes are wanted.
        // forge-lint: disable-next-line(unsafe-typecast)
        return data.length >= 4 && bytes4(data) == ORDER && _hashBehindSelector(data) == terms;
    }

    /// @dev The receiver and where the data start; behind the record's end where it cannot be read.
    function _head(bytes calldata record) private pure returns (address to, uint256 cursor) {
        if (record.length < SIGNATURE_END + ADDRESS_BYTES) return (address(0), type(uint256).max);
        uint256 head = uint8(record[0]);
        if (head & HAS_TO == 0) return (address(0), type(uint256).max);
        to = address(bytes20(record[SIGNATURE_END:SIGNATURE_END + ADDRESS_BYTES]));
        cursor = SIGNATURE_END + ADDRESS_BYTES;
        uint256 numbers = head & 3 == 2 ? 5 : 4;
        for (uint256 i; i < numbers; ++i) {
            if (cursor >= record.length) return (to, type(uint256).max);
            cursor += 1 + uint8(record[cursor]);
        }
        if (head & HAS_ACCESS_LIST != 0) {
            if (cursor + 3 > record.length) return (to, type(uint256).max);
            cursor += 3 + uint24(bytes3(record[cursor:cursor + 3]));
        }
    }

    /// @dev Length that the data unpack to: a 0 byte and a count c stand for (c & 127) + 1 bytes.
    function _unpackedLength(bytes calldata packed) private pure returns (uint256 length) {
        for (uint256 i; i < packed.length; ++i) {
            // The first four bytes are stored negated.
            uint8 item = i < 4 ? ~uint8(packed[i]) : uint8(packed[i]);
            if (item != 0) {
                ++length;
                continue;
            }
            ++i;
            uint8 run = i < packed.length ? uint8(packed[i]) : 0;
            length += ((i < 4 ? ~run : run) & 127) + 1;
        }
    }

    function _hashBehindSelector(bytes memory data) private pure returns (bytes32 hash) {
        // Hashing a part of memory without copying it.
        assembly ("memory-safe") {
            hash := keccak256(add(data, 0x24), sub(mload(data), 4))
        }
    }
}
