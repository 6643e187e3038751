// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { TransactionRecords } from "contracts/libraries/TransactionRecords.sol";

/// @title Which calldata order a job
/// @notice The canonical ABI encoding of order(Job), and nothing else: one job has one. Twin:
/// anh_rollup/protocol/jobs.py, decode_order.
library Orders {
    uint256 private constant TRAINING = 1;
    uint256 private constant INFERENCE = 2;
    uint256 private constant MOST_PROPERTIES = 4;
    uint256 private constant MOST_URI_BYTES = 512;

    /// @dev Words of a job before its properties: its place, and its head of six with the count of the properties.
    uint256 private constant HEAD_WORDS = 8;
    uint256 private constant PROPERTY_WORDS = 3;

    /// @dev Where the properties stand behind the beginning of a job.
    uint256 private constant PROPERTIES_AT = 6 * 32;

    /// @notice Whether data are such a call.
    function isOrder(bytes memory data) internal pure returns (bool) {
        // The first four bytes are wanted.
        // forge-lint: disable-next-line(unsafe-typecast)
        if (data.length < 4 + 32 * HEAD_WORDS || bytes4(data) != TransactionRecords.ORDER) return false;
        uint256 count = _word(data, 7);
        if (count == 0 || count > MOST_PROPERTIES) return false;
        uint256 uriWord = HEAD_WORDS + PROPERTY_WORDS * count;
        if (data.length < 4 + 32 * (uriWord + 1)) return false;
        uint256 uriBytes = _word(data, uriWord);
        if (uriBytes > MOST_URI_BYTES) return false;
        uint256 words = uriWord + 1 + (uriBytes + 31) / 32;
        return data.length == 4 + 32 * words && _isHead(data, 32 * (uriWord - 1))
            && _areProperties(data, count) && _isPrintable(data, uriWord + 1, uriBytes);
    }

    function _isHead(bytes memory data, uint256 uriAt) private pure returns (bool) {
        uint256 kind = _word(data, 1);
        bool placed = _word(data, 0) == 32 && _word(data, 4) == PROPERTIES_AT && _word(data, 6) == uriAt;
        bool known = kind == TRAINING || kind == INFERENCE;
        bool fitting = (_word(data, 3) == 0) == (kind == TRAINING);
        return placed && known && fitting && _word(data, 5) <= type(uint64).max;
    }

    /// @dev Thresholds are int64.
    function _areProperties(bytes memory data, uint256 count) private pure returns (bool) {
        for (uint256 i; i < count; ++i) {
            // Every bit pattern is wanted.
            // forge-lint: disable-next-line(unsafe-typecast)
            int256 threshold = int256(_word(data, HEAD_WORDS + PROPERTY_WORDS * i + 2));
            if (threshold < type(int64).min || threshold > type(int64).max) return false;
        }
        return true;
    }

    /// @dev Whether text has only the characters from space to tilde, and zeros behind it.
    function _isPrintable(bytes memory data, uint256 word, uint256 length) private pure returns (bool) {
        uint256 first = 4 + 32 * word;
        for (uint256 i = first; i < data.length; ++i) {
            bytes1 character = data[i];
            bool printable = character >= 0x20 && character <= 0x7e;
            if (i < first + length ? !printable : character != 0) return false;
        }
        return true;
    }

    /// @dev A word behind the selector; it is there.
    function _word(bytes memory data, uint256 index) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 0x24), shl(5, index)))
        }
    }
}
