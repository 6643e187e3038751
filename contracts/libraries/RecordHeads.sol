// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Kind } from "contracts/types/Record.sol";

/// @title Single facts of a program's record
/// @notice For records that are proven to belong to a job's program: whoever claims the job has checked that they are well
/// formed, so what a game needs is read in place, without decoding the rest. `ProgramRecords` says where things stand.
library RecordHeads {
    /// @dev Where the shape begins: behind kind, opcode and scale.
    uint256 private constant SHAPE = 3;

    /// @dev Bytes of the range behind the shape.
    uint256 private constant RANGE_BYTES = 8;

    /// @notice Where the value comes from.
    function kind(bytes calldata record) internal pure returns (Kind) {
        return Kind(uint8(record[0]));
    }

    /// @notice Its shape's bytes, as tensor roots hash them.
    function shape(bytes calldata record) internal pure returns (bytes calldata) {
        return record[SHAPE:_behindShape(record, SHAPE)];
    }

    /// @notice Its number of elements.
    function elements(bytes calldata record) internal pure returns (uint32 count) {
        count = 1;
        uint256 end = _behindShape(record, SHAPE);
        for (uint256 cursor = SHAPE + 1; cursor < end; cursor += 4) {
            count *= uint32(bytes4(record[cursor:cursor + 4]));
        }
    }

    /// @notice Where an instruction's inputs begin.
    function inputs(bytes calldata record) internal pure returns (uint256 cursor) {
        return _behindShape(record, SHAPE) + RANGE_BYTES + 1;
    }

    /// @notice The input that begins at `cursor`, and where the next one does.
    function input(bytes calldata record, uint256 cursor) internal pure returns (uint32 id, uint256 next) {
        return (uint32(bytes4(record[cursor:cursor + 4])), _behindShape(record, cursor + 4));
    }

    function _behindShape(bytes calldata record, uint256 begin) private pure returns (uint256) {
        return begin + 1 + 4 * uint256(uint8(record[begin]));
    }
}
