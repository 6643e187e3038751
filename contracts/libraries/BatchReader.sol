// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ByteCursor } from "contracts/libraries/ByteCursor.sol";
import { PayloadReader } from "contracts/libraries/PayloadReader.sol";
import { Machine } from "contracts/types/Machine.sol";

/// @title The parts of a batch's bytes
/// @notice docs/encoding.md, "Batches". Nothing is read that does not fit. Twin: anh_rollup/protocol/machine/payload.py.
library BatchReader {
    using PayloadReader for PayloadReader.Opened;

    /// @notice What stands before a batch's table, as far as it decides anything.
    struct Head {
        uint256 version;
        uint256 firstNumber;
        bytes32 parent;
        uint256 blocks;
        uint256 own; // transactions
        uint256 bodiesAt; // where the packed records begin
        uint256 bodiesEnd; // where they end, and the blocks' heads begin
    }

    /// @notice A block as a batch describes it.
    struct BlockHead {
        uint256 time;
        uint256 own; // transactions
        uint256 forced; // entries of the queue
        uint256 origin;
        bytes32 originHash;
        uint256 end; // where the next block's head begins
    }

    /// @notice Version of the layout.
    uint256 internal constant VERSION = 3;

    /// @dev Where a batch's table begins: behind the head of the batch.
    uint256 private constant TABLE_AT = 52;

    /// @dev Bytes of a number in the table.
    uint256 private constant TABLE_NUMBER_BYTES = 20;

    uint256 private constant BLOCK_COUNTS_BYTES = 13;
    uint256 private constant ORIGIN_BYTES = 40;
    uint256 private constant GROUP_SIZE = 16;
    uint256 private constant LENGTH_BYTES = 3;
    uint256 private constant MOST_PACKED_BYTES = (1 << 16) + 32;

    /// @notice The head of a batch.
    /// @return fits Whether the payload has so many bytes.
    function head(PayloadReader.Opened memory payload, uint256 end)
        internal
        pure
        returns (bool fits, Head memory found)
    {
        if (end < TABLE_AT) return (false, found);
        ByteCursor memory cursor = payload.read(0, TABLE_AT);
        found.version = cursor.take(1);
        found.firstNumber = cursor.take(8);
        found.parent = bytes32(cursor.take(32));
        found.blocks = cursor.take(2);
        found.own = cursor.take(4);
        uint256 table = cursor.take(2) * TABLE_NUMBER_BYTES;
        found.bodiesAt = TABLE_AT + table + _indexSize(found.own);
        found.bodiesEnd = found.bodiesAt + cursor.take(3);
        fits = found.bodiesEnd <= end;
    }

    /// @notice The next block's head.
    /// @param machine In phase Block; its origin stays where the head says so.
    /// @param first Whether it is the batch's first, which has to name its origin.
    /// @return fits Whether it fits the payload, and its flag is one.
    function blockHead(PayloadReader.Opened memory payload, Machine memory machine, bool first)
        internal
        pure
        returns (bool fits, BlockHead memory found)
    {
        found.end = machine.blockAt + BLOCK_COUNTS_BYTES;
        if (found.end > machine.payloadEnd) return (false, found);
        ByteCursor memory cursor = payload.read(machine.blockAt, BLOCK_COUNTS_BYTES);
        found.time = cursor.take(8);
        found.own = cursor.take(2);
        found.forced = cursor.take(2);
        uint256 same = cursor.take(1);
        if (same == 1 && !first) {
            (found.origin, found.originHash) = (machine.origin, machine.originHash);
            return (true, found);
        }
        fits = same == 0 && found.end + ORIGIN_BYTES <= machine.payloadEnd;
        if (!fits) return (false, found);
        cursor = payload.read(found.end, ORIGIN_BYTES);
        (found.origin, found.originHash) = (cursor.take(8), bytes32(cursor.take(32)));
        found.end += ORIGIN_BYTES;
    }

    /// @notice Where the next packed record is.
    /// @param machine In phase Read, with own transactions left.
    /// @param count The batch's own transactions.
    /// @return there Whether there is one.
    /// @return start Where its bytes begin.
    /// @return end Where they end.
    function nextRecord(PayloadReader.Opened memory payload, Machine memory machine, uint256 count)
        internal
        pure
        returns (bool there, uint256 start, uint256 end)
    {
        uint256 length;
        (there, length) = _indexed(payload, machine, count);
        if (!there) return (false, 0, 0);
        start = machine.recordAt;
        if (length == 0) {
            start += LENGTH_BYTES;
            if (start > machine.recordsEnd) return (false, 0, 0);
            length = payload.take(machine.recordAt, LENGTH_BYTES);
        }
        end = start + length;
        there = length != 0 && length <= MOST_PACKED_BYTES && end <= machine.recordsEnd;
    }

    /// @notice Numbers of the table.
    /// @param machine In phase Read or Unpack.
    /// @param count The batch's own transactions.
    /// @param places Where in the table they stand.
    /// @return there Whether it has them all; otherwise nothing is read.
    /// @return numbers The numbers.
    function tableNumbers(
        PayloadReader.Opened memory payload,
        Machine memory machine,
        uint256 count,
        uint256[] memory places
    ) internal pure returns (bool there, uint256[] memory numbers) {
        uint256 known = (_indexAt(machine, count) - TABLE_AT) / TABLE_NUMBER_BYTES;
        for (uint256 i; i < places.length; ++i) {
            if (places[i] >= known) return (false, numbers);
        }
        numbers = new uint256[](places.length);
        for (uint256 i; i < places.length; ++i) {
            numbers[i] = payload.take(TABLE_AT + places[i] * TABLE_NUMBER_BYTES, TABLE_NUMBER_BYTES);
        }
        return (true, numbers);
    }

    /// @dev What the index says of a record's length; not sound where a group does not begin where the record does.
    function _indexed(PayloadReader.Opened memory payload, Machine memory machine, uint256 count)
        private
        pure
        returns (bool sound, uint256 length)
    {
        uint256 index = count - machine.recordsLeft;
        uint256 within = index % GROUP_SIZE;
        uint256 row = _indexAt(machine, count) + index / GROUP_SIZE * (LENGTH_BYTES + GROUP_SIZE);
        if (within == 0) {
            uint256 begin = payload.take(row, LENGTH_BYTES);
            if (begin != machine.recordAt - machine.bodiesAt) return (false, 0);
        }
        return (true, payload.take(row + LENGTH_BYTES + within, 1));
    }

    function _indexAt(Machine memory machine, uint256 count) private pure returns (uint256) {
        return machine.bodiesAt - _indexSize(count);
    }

    function _indexSize(uint256 count) private pure returns (uint256) {
        return count + LENGTH_BYTES * ((count + GROUP_SIZE - 1) / GROUP_SIZE);
    }
}
