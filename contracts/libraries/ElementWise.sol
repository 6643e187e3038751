// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Instructions } from "contracts/libraries/Instructions.sol";
import { Openings } from "contracts/libraries/Openings.sol";
import { Signs } from "contracts/libraries/Signs.sol";
import { Record } from "contracts/types/Record.sol";
import { FixedPointMathLib } from "solady/utils/FixedPointMathLib.sol";

/// @title Instructions whose element is a function of one element of each input
/// @notice ADD, SUB, MUL, MIN, MAX, COMPARE, SELECT and DIV broadcast: shapes are aligned at the right, and a dimension of
/// 1 stretches. SHIFT, ABS, TABLE and SQRT keep the shape.
library ElementWise {
    using Instructions for Record;
    using Openings for Openings.Opened;
    using Signs for int256;
    using Signs for uint256;

    /// @notice The element before the clamp.
    function compute(Record memory record, Openings.Opened[] memory inputs, uint256 index)
        internal
        pure
        returns (int256)
    {
        uint8 opcode = record.opcode;
        if (opcode == Instructions.SELECT) return _select(record, inputs, index);
        if (
            opcode == Instructions.SHIFT || opcode == Instructions.ABS || opcode == Instructions.SQRT
                || opcode == Instructions.TABLE
        ) return _unary(record, inputs, index);
        _requireBroadcast(record);
        int256 a = inputs[0].read(_stretched(record, 0, index));
        int256 b = inputs[1].read(_stretched(record, 1, index));
        if (opcode == Instructions.MUL) return Instructions.roundShift(a * b, _signedShift(record, 0));
        if (opcode == Instructions.MIN) return a < b ? a : b;
        if (opcode == Instructions.MAX) return a > b ? a : b;
        if (opcode == Instructions.COMPARE) return _compare(record.attribute(0, 0, 5), a, b);
        if (opcode == Instructions.DIV) return _divide(record, a, b);
        a <<= _scaling(record, 0);
        b <<= _scaling(record, 1);
        return Instructions.roundShift(opcode == Instructions.ADD ? a + b : a - b, _signedShift(record, 2));
    }

    function _unary(Record memory record, Openings.Opened[] memory inputs, uint256 index)
        private
        pure
        returns (int256)
    {
        uint256[] memory dims = record.shape.dims;
        record.requireShapes(dims.length == record.inputs[0].dims.length);
        record.requireSame(dims, 0, record.inputs[0].dims, 0, dims.length);
        int256 a = inputs[0].read(index);
        if (record.opcode == Instructions.SHIFT) return Instructions.roundShift(a, _signedShift(record, 0));
        if (record.opcode == Instructions.TABLE) return _lookUp(record, inputs[1], a);
        if (record.opcode == Instructions.ABS) return a < 0 ? -a : a;
        uint256 scaling = _scaling(record, 0);
        return a <= 0 ? int256(0) : FixedPointMathLib.sqrt(a.unsigned() << scaling).signed();
    }

    function _select(Record memory record, Openings.Opened[] memory inputs, uint256 index)
        private
        pure
        returns (int256)
    {
        _requireBroadcast(record);
        uint256 chosen = inputs[0].read(_stretched(record, 0, index)) != 0 ? 1 : 2;
        return inputs[chosen].read(_stretched(record, chosen, index));
    }

    function _compare(int256 relation, int256 a, int256 b) private pure returns (int256) {
        bool holds = relation == 0
            ? a == b
            : relation == 1
                ? a != b
                : relation == 2 ? a < b : relation == 3 ? a <= b : relation == 4 ? a > b : a >= b;
        return holds ? int256(1) : int256(0);
    }

    /// @dev Toward minus infinity; by zero: the end of the range on the side of `a`.
    function _divide(Record memory record, int256 a, int256 b) private pure returns (int256 quotient) {
        a <<= _scaling(record, 0);
        if (b == 0) return a > 0 ? int256(record.high) : a < 0 ? int256(record.low) : int256(0);
        quotient = a / b;
        if (a % b != 0 && (a < 0) != (b < 0)) --quotient;
    }

    /// @dev Linear between entries `step` powers of two apart, the first of which stands for `origin`.
    function _lookUp(Record memory record, Openings.Opened memory table, int256 x)
        private
        pure
        returns (int256)
    {
        uint256[] memory dims = record.inputs[1].dims;
        record.requireShapes(dims.length == 1 && dims[0] > 1);
        uint256 step = _scaling(record, 1);
        int256 distance = x - record.attributes[0];
        if (distance < 0) return table.read(0);
        uint256 entry = distance.unsigned() >> step;
        if (entry >= dims[0] - 1) return table.read(dims[0] - 1);
        int256 start = table.read(entry);
        int256 rest = distance - (entry << step).signed();
        return start + Instructions.roundShift((table.read(entry + 1) - start) * rest, step.signed());
    }

    function _scaling(Record memory record, uint256 which) private pure returns (uint256) {
        return record.natural(which, 0, Instructions.MOST_SCALING);
    }

    function _signedShift(Record memory record, uint256 which) private pure returns (int256) {
        return record.attribute(which, -Instructions.MOST_SCALING, Instructions.MOST_SHIFT);
    }

    /// @dev Each dimension of the output is the widest of the inputs', and each of these is that or 1.
    function _requireBroadcast(Record memory record) private pure {
        uint256[] memory out = record.shape.dims;
        uint256 rank;
        for (uint256 i; i < record.inputs.length; ++i) {
            if (record.inputs[i].dims.length > rank) rank = record.inputs[i].dims.length;
        }
        record.requireShapes(rank == out.length);
        for (uint256 axis = 1; axis <= rank; ++axis) {
            uint256 wide = 1;
            for (uint256 i; i < record.inputs.length; ++i) {
                uint256[] memory dims = record.inputs[i].dims;
                uint256 dim = axis <= dims.length ? dims[dims.length - axis] : 1;
                record.requireShapes(dim == 1 || dim == out[rank - axis]);
                if (dim != 1) wide = dim;
            }
            record.requireShapes(wide == out[rank - axis]);
        }
    }

    /// @dev Which element of an input stands for element `index` of the output.
    function _stretched(Record memory record, uint256 input, uint256 index)
        private
        pure
        returns (uint256 place)
    {
        uint256[] memory out = record.shape.dims;
        uint256[] memory dims = record.inputs[input].dims;
        uint256 stride = 1;
        for (uint256 axis = 1; axis <= dims.length; ++axis) {
            uint256 dim = dims[dims.length - axis];
            uint256 wide = out[out.length - axis];
            if (dim != 1) place += index % wide * stride;
            index /= wide;
            stride *= dim;
        }
    }
}
