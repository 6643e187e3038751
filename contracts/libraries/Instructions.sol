// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Record } from "contracts/types/Record.sol";

/// @title The nineteen instructions: numbers, arities, bounds of attributes, and the rounding that they share
/// @notice Twin: anh_rollup/tensor/opcodes.py. What each one computes: docs/tensor-programs.md.
library Instructions {
    uint8 internal constant MATMUL = 1;
    uint8 internal constant CONV = 2;
    uint8 internal constant ADD = 3;
    uint8 internal constant SUB = 4;
    uint8 internal constant MUL = 5;
    uint8 internal constant SHIFT = 6;
    uint8 internal constant MIN = 7;
    uint8 internal constant MAX = 8;
    uint8 internal constant ABS = 9;
    uint8 internal constant COMPARE = 10;
    uint8 internal constant SELECT = 11;
    uint8 internal constant TABLE = 12;
    uint8 internal constant DIV = 13;
    uint8 internal constant SQRT = 14;
    uint8 internal constant REDUCE = 15;
    uint8 internal constant VIEW = 16;
    uint8 internal constant PAD = 17;
    uint8 internal constant CONCAT = 18;
    uint8 internal constant GATHER = 19;

    /// @notice Largest right shift of a sum.
    int256 internal constant MOST_SHIFT = 62;

    /// @notice Largest left shift, scaling power and table step.
    int256 internal constant MOST_SCALING = 31;

    /// @notice Largest stride, padding and dilation.
    int256 internal constant MOST_WINDOW = 65_535;

    /// @dev By opcode, from the left: how many inputs and attributes. 0xff: it depends, and is checked elsewhere.
    bytes20 private constant INPUTS = hex"00ffff020202010202010203020201010101ff02";
    bytes20 private constant ATTRIBUTES = hex"00030c03030101000000010002010104ffff0101";

    /// @notice The instruction has too few or too many inputs or attributes.
    error WrongArity(uint8 opcode, uint256 inputs, uint256 attributes);

    /// @notice An attribute is outside the bounds that the instruction sets.
    error AttributeOutOfBounds(uint8 opcode, int256 given, int256 low, int256 high);

    /// @notice The shapes do not fit each other.
    error ShapesDisagree(uint8 opcode);

    /// @notice Checks the number of inputs and attributes, where the opcode alone says it.
    function requireArity(Record memory record) internal pure {
        uint256 inputs = uint8(INPUTS[record.opcode]);
        uint256 attributes = uint8(ATTRIBUTES[record.opcode]);
        bool right = (inputs == 0xff ? record.inputs.length != 0 : record.inputs.length == inputs)
            && (attributes == 0xff || record.attributes.length == attributes);
        require(right, WrongArity(record.opcode, record.inputs.length, record.attributes.length));
    }

    /// @notice An attribute within its bounds.
    function attribute(Record memory record, uint256 which, int256 low, int256 high)
        internal
        pure
        returns (int256 given)
    {
        given = record.attributes[which];
        require(given >= low && given <= high, AttributeOutOfBounds(record.opcode, given, low, high));
    }

    /// @notice An attribute within bounds that are not negative.
    function natural(Record memory record, uint256 which, int256 low, int256 high)
        internal
        pure
        returns (uint256)
    {
        // Callers give bounds of at least 0.
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint256(attribute(record, which, low, high));
    }

    /// @notice Checks a relation between shapes.
    function requireShapes(Record memory record, bool agree) internal pure {
        require(agree, ShapesDisagree(record.opcode));
    }

    /// @notice Checks that `count` dimensions of one shape equal those of another.
    function requireSame(
        Record memory record,
        uint256[] memory left,
        uint256 leftFirst,
        uint256[] memory right,
        uint256 rightFirst,
        uint256 count
    ) internal pure {
        requireShapes(record, leftFirst + count <= left.length && rightFirst + count <= right.length);
        for (uint256 i; i < count; ++i) {
            requireShapes(record, left[leftFirst + i] == right[rightFirst + i]);
        }
    }

    /// @notice Product of the dimensions from `first` up to, not including, `end`.
    function product(uint256[] memory dims, uint256 first, uint256 end)
        internal
        pure
        returns (uint256 count)
    {
        count = 1;
        for (uint256 i = first; i < end; ++i) {
            count *= dims[i];
        }
    }

    /// @notice value / 2^shift rounded half up; value * 2^-shift for a negative shift.
    function roundShift(int256 value, int256 shift) internal pure returns (int256) {
        unchecked {
            // Shifts are bounded attributes, and values far below 2^190.
            // forge-lint: disable-next-line(unsafe-typecast)
            if (shift <= 0) return value << uint256(-shift);
            // forge-lint: disable-next-line(unsafe-typecast)
            return (value + (int256(1) << uint256(shift - 1))) >> uint256(shift);
        }
    }
}
