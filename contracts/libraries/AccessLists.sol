// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ByteCursor, ByteCursors } from "contracts/libraries/ByteCursor.sol";

/// @title Reading access lists (EIP-2930)
library AccessLists {
    uint256 private constant LIST = 0xc0;
    uint256 private constant LONGEST_SHORT = 55;
    uint256 private constant ADDRESS_HEAD = 0x94;
    uint256 private constant KEY_HEAD = 0xa0;

    /// @dev Any higher length is above all that fits a transaction.
    uint256 private constant MOST_LENGTH_BYTES = 4;

    /// @notice Counts what a list holds.
    /// @param encoded Any bytes.
    /// @return sound Whether they are the strict RLP of a list that is not empty: entries of a 20-byte address and
    /// 32-byte keys.
    /// @return addresses Its entries.
    /// @return keys The keys of all of them.
    function count(bytes memory encoded) internal pure returns (bool sound, uint256 addresses, uint256 keys) {
        ByteCursor memory cursor = ByteCursors.over(encoded);
        uint256 end = _listEnd(cursor);
        if (cursor.place == end || end != encoded.length) return (false, 0, 0);
        while (cursor.place < end && !cursor.failed) {
            uint256 entryEnd = _listEnd(cursor);
            if (cursor.take(1) != ADDRESS_HEAD) return (false, 0, 0);
            cursor.skip(20);
            uint256 keysEnd = _listEnd(cursor);
            if (keysEnd != entryEnd) return (false, 0, 0);
            ++addresses;
            for (; cursor.place < keysEnd; ++keys) {
                if (cursor.take(1) != KEY_HEAD || !cursor.skip(32)) return (false, 0, 0);
            }
            if (cursor.place != entryEnd) return (false, 0, 0);
        }
        sound = !cursor.failed && cursor.place == end;
    }

    /// @dev Reads a list's head; where the list ends. Fails where it has a shorter form or does not fit.
    function _listEnd(ByteCursor memory cursor) private pure returns (uint256) {
        uint256 head = cursor.take(1);
        uint256 size = head < LIST ? type(uint256).max : head - LIST;
        if (size > LONGEST_SHORT && head >= LIST) {
            uint256 lengthBytes = size - LONGEST_SHORT;
            size = lengthBytes > MOST_LENGTH_BYTES ? 0 : cursor.take(lengthBytes);
            bool short = size <= LONGEST_SHORT || size >> (8 * (lengthBytes - 1)) == 0;
            if (short) size = type(uint256).max;
        }
        if (size > cursor.left()) cursor.failed = true;
        return cursor.failed ? type(uint256).max : cursor.place + size;
    }
}
