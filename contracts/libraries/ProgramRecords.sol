// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Kind, Record } from "contracts/types/Record.sol";
import { Shape } from "contracts/types/Shape.sol";

/// @title The byte records of a program's values
/// @notice All integers big-endian: kind u8, opcode u8, scale i8, shape, low i32, high i32; then index u16 (field, answer,
/// parameter), tensor root (constant), or for an instruction the number of inputs u8, each with id u32 and shape,
/// the number of attributes u16 and each attribute i32. A shape is rank u8 and dims u32 each. Twin:
/// anh_rollup/tensor/records.py.
library ProgramRecords {
    /// @notice Dimensions that a shape has at most.
    uint256 internal constant MOST_RANK = 8;

    /// @notice Elements that a tensor has at most.
    uint256 internal constant MOST_ELEMENTS = 2 ** 31 - 1;

    /// @notice Instructions are numbered from 1 to this.
    uint8 internal constant LAST_OPCODE = 19;

    /// @notice The record ends before it is complete.
    error RecordTooShort(uint256 length, uint256 needed);

    /// @notice Bytes are left behind the record's end.
    error RecordTooLong(uint256 length, uint256 end);

    /// @notice No such kind of value.
    error UnknownKind(uint8 kind);

    /// @notice No such instruction, or an instruction's number on a value that is none.
    error UnknownOpcode(uint8 opcode);

    /// @notice More dimensions than a tensor has.
    error RankTooLarge(uint256 rank);

    /// @notice A dimension of 0, or more elements than a tensor has.
    error ElementsOutOfBounds(uint256 count);

    /// @notice The least element is above the greatest.
    error RangeReversed(int32 low, int32 high);

    /// @notice Parses a record.
    function decode(bytes calldata record) internal pure returns (Record memory value) {
        uint8 kind = uint8(_unsigned(record, 0, 1));
        require(kind <= uint8(type(Kind).max), UnknownKind(kind));
        value.kind = Kind(kind);
        value.opcode = uint8(_unsigned(record, 1, 1));
        bool known = value.kind == Kind.Instruction
            ? value.opcode != 0 && value.opcode <= LAST_OPCODE
            : value.opcode == 0;
        require(known, UnknownOpcode(value.opcode));
        uint256 end;
        (value.shape, end) = _shape(record, 3);
        value.low = int32(uint32(_unsigned(record, end, 4)));
        value.high = int32(uint32(_unsigned(record, end + 4, 4)));
        require(value.low <= value.high, RangeReversed(value.low, value.high));
        end = _decodeRest(record, end + 8, value);
        require(end == record.length, RecordTooLong(record.length, end));
    }

    /// @notice Parses a shape that is not part of a record.
    function decodeShape(bytes calldata encoded) internal pure returns (Shape memory shape) {
        uint256 end;
        (shape, end) = _shape(encoded, 0);
        require(end == encoded.length, RecordTooLong(encoded.length, end));
    }

    function _decodeRest(bytes calldata record, uint256 start, Record memory value)
        private
        pure
        returns (uint256 end)
    {
        if (value.kind == Kind.Instruction) return _decodeInstruction(record, start, value);
        if (value.kind == Kind.Constant) {
            value.constantRoot = bytes32(_unsigned(record, start, 32));
            return start + 32;
        }
        value.index = uint16(_unsigned(record, start, 2));
        return start + 2;
    }

    function _decodeInstruction(bytes calldata record, uint256 start, Record memory value)
        private
        pure
        returns (uint256 end)
    {
        uint256 count = _unsigned(record, start, 1);
        value.ids = new uint32[](count);
        value.inputs = new Shape[](count);
        end = start + 1;
        for (uint256 i; i < count; ++i) {
            value.ids[i] = uint32(_unsigned(record, end, 4));
            (value.inputs[i], end) = _shape(record, end + 4);
        }
        count = _unsigned(record, end, 2);
        end += 2;
        // Before memory is taken for them.
        require(record.length >= end + 4 * count, RecordTooShort(record.length, end + 4 * count));
        value.attributes = new int256[](count);
        for (uint256 i; i < count; ++i) {
            value.attributes[i] = int32(uint32(_unsigned(record, end, 4)));
            end += 4;
        }
    }

    function _shape(bytes calldata source, uint256 start)
        private
        pure
        returns (Shape memory shape, uint256 end)
    {
        uint256 rank = _unsigned(source, start, 1);
        require(rank <= MOST_RANK, RankTooLarge(rank));
        shape.dims = new uint256[](rank);
        shape.count = 1;
        end = start + 1;
        for (uint256 i; i < rank; ++i) {
            uint256 dim = _unsigned(source, end, 4);
            shape.dims[i] = dim;
            // Eight factors below 2^32 each stay below 2^256.
            shape.count *= dim;
            end += 4;
        }
        bool inBounds = shape.count != 0 && shape.count <= MOST_ELEMENTS;
        require(inBounds, ElementsOutOfBounds(shape.count));
        shape.encoded = source[start:end];
    }

    function _unsigned(bytes calldata source, uint256 start, uint256 width) private pure returns (uint256) {
        uint256 end = start + width;
        require(end <= source.length, RecordTooShort(source.length, end));
        return uint256(bytes32(source[start:])) >> (256 - 8 * width);
    }
}
