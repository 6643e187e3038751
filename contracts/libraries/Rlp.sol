// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title RLP of the few shapes that hashes are made of
/// @notice OpenZeppelin's RLP copies memory with MCOPY, which Shanghai lacks. Twin: anh_rollup/encoding/rlp.py.
library Rlp {
    uint256 private constant STRING = 0x80;
    uint256 private constant LIST = 0xc0;
    uint256 private constant LONGEST_SHORT = 55;

    /// @notice A number, as its shortest big-endian bytes.
    function number(uint256 value) internal pure returns (bytes memory) {
        if (value != 0 && value < STRING) return abi.encodePacked(_byte(value));
        return bytes.concat(_head(byteLength(value), STRING), shortest(value));
    }

    /// @notice What stands before a byte string; nothing before a single byte that stands for itself.
    function stringHead(bytes memory data) internal pure returns (bytes memory head) {
        if (data.length == 1 && uint8(data[0]) < STRING) return head;
        return _head(data.length, STRING);
    }

    /// @notice An address; the empty string where there is none.
    function recipient(bool there, address to) internal pure returns (bytes memory) {
        return there ? abi.encodePacked(hex"94", to) : bytes(hex"80");
    }

    /// @notice What stands before the items of a list, which take so many bytes.
    function listHead(uint256 items) internal pure returns (bytes memory) {
        return _head(items, LIST);
    }

    /// @notice Bytes of a number's encoding.
    function numberSize(uint256 value) internal pure returns (uint256) {
        return value < STRING ? 1 : 1 + byteLength(value);
    }

    /// @notice Bytes of a list whose items take so many.
    function listSize(uint256 items) internal pure returns (uint256) {
        return 1 + (items <= LONGEST_SHORT ? 0 : byteLength(items)) + items;
    }

    /// @notice The shortest big-endian bytes of a number; none for zero.
    function shortest(uint256 value) internal pure returns (bytes memory digits) {
        uint256 size = byteLength(value);
        digits = new bytes(size);
        if (size == 0) return digits;
        // The bytes stand at the front of the first word.
        assembly ("memory-safe") {
            mstore(add(digits, 0x20), shl(sub(256, shl(3, size)), value))
        }
    }

    /// @notice How many those are.
    function byteLength(uint256 value) internal pure returns (uint256 size) {
        for (; value != 0; value >>= 8) {
            ++size;
        }
    }

    function _head(uint256 size, uint256 base) private pure returns (bytes memory) {
        if (size <= LONGEST_SHORT) return abi.encodePacked(_byte(base + size));
        bytes memory length = shortest(size);
        return bytes.concat(abi.encodePacked(_byte(base + LONGEST_SHORT + length.length)), length);
    }

    function _byte(uint256 value) private pure returns (uint8) {
        // Single bytes are below 128, and heads below 256: sizes of memory have less than eight bytes.
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint8(value);
    }
}
