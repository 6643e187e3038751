// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ByteCursor } from "contracts/libraries/ByteCursor.sol";
import { PackedRecords } from "contracts/libraries/PackedRecords.sol";
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

    uint256 private constant BLOCK_COUNTS_BYTES = 13;
    uint256 private constant ORIGIN_BYTES = 40;
    uint256 private constant GROUP_SIZE = 16;
    uint256 private constant LENGTH_BYTES = 3;
    uint256 private constant MOST_PACKED_BYTES = (1 << 16) + 32;

    /// @notice The head of a batch.
    /// @return fits Whether the payload has so many bytes.
    function head(PayloadReader.Opened memory payload, PayloadReader.Register storage register, uint256 end)
        internal
        view
        returns (bool fits, Head memory found)
    {
        if (end < PackedRecords.TABLE_AT) return (false, found);
        ByteCursor memory cursor = payload.read(register, 0, PackedRecords.TABLE_AT);
        found.version = cursor.take(1);
        found.firstNumber = cursor.take(8);
        found.parent = bytes32(cursor.take(32));
        found.blocks = cursor.take(2);
        found.own = cursor.take(4);
        uint256 table = cursor.take(2) * PackedRecords.TABLE_NUMBER_BYTES;
        found.bodiesAt = PackedRecords.TABLE_AT + table + _indexSize(found.own);
        found.bodiesEnd = found.bodiesAt + cursor.take(3);
        fits = found.bodiesEnd <= end;
    }

    /// @notice The next block's head.
    /// @param machine In phase Block; its origin stays where the head says so.
    /// @param first Whether it is the batch's first, which has to name its origin.
    /// @return fits Whether it fits the payload, and its flag is one.
    function blockHead(
        PayloadReader.Opened memory payload,
        PayloadReader.Register storage register,
        Machine memory machine,
        bool first
    ) internal view returns (bool fits, BlockHead memory found) {
        found.end = machine.blockAt + BLOCK_COUNTS_BYTES;
        if (found.end > machine.payloadEnd) return (false, found);
        ByteCursor memory cursor = payload.read(register, machine.blockAt, BLOCK_COUNTS_BYTES);
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
        cursor = payload.read(register, found.end, ORIGIN_BYTES);
        (found.origin, found.originHash) = (cursor.take(8), bytes32(cursor.take(32)));
        found.end += ORIGIN_BYTES;
    }

    /// @notice The next record.
    /// @param machine In phase Read, with own transactions left.
    /// @param count The batch's own transactions.
    /// @return sound Whether there is one.
    /// @return record The record.
    /// @return end Where the one behind it begins.
    function nextRecord(
        PayloadReader.Opened memory payload,
        PayloadReader.Register storage register,
        Machine memory machine,
        uint256 count
    ) internal view returns (bool sound, bytes memory record, uint256 end) {
        uint256 indexAt = machine.bodiesAt - _indexSize(count);
        uint256 length;
        (sound, length) = _indexed(payload, register, machine, count - machine.recordsLeft, indexAt);
        if (!sound) return (false, record, 0);
        uint256 start = machine.recordAt;
        if (length == 0) {
            start += LENGTH_BYTES;
            if (start > machine.recordsEnd) return (false, record, 0);
            length = payload.take(register, machine.recordAt, LENGTH_BYTES);
        }
        end = start + length;
        if (length == 0 || length > MOST_PACKED_BYTES || end > machine.recordsEnd) return (false, record, 0);
        ByteCursor memory packed = payload.read(register, start, length);
        uint256 numbers = (indexAt - PackedRecords.TABLE_AT) / PackedRecords.TABLE_NUMBER_BYTES;
        (sound, record) = PackedRecords.unpack(packed, PackedRecords.Table(payload, numbers), register);
    }

    /// @dev What the index says of a record's length; not sound where a group does not begin where the record does.
    function _indexed(
        PayloadReader.Opened memory payload,
        PayloadReader.Register storage register,
        Machine memory machine,
        uint256 index,
        uint256 indexAt
    ) private view returns (bool sound, uint256 length) {
        uint256 within = index % GROUP_SIZE;
        uint256 row = indexAt + index / GROUP_SIZE * (LENGTH_BYTES + GROUP_SIZE);
        if (within == 0) {
            uint256 begin = payload.take(register, row, LENGTH_BYTES);
            if (begin != machine.recordAt - machine.bodiesAt) return (false, 0);
        }
        return (true, payload.take(register, row + LENGTH_BYTES + within, 1));
    }

    function _indexSize(uint256 count) private pure returns (uint256) {
        return count + LENGTH_BYTES * ((count + GROUP_SIZE - 1) / GROUP_SIZE);
    }
}
