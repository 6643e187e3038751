// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Instructions } from "contracts/libraries/Instructions.sol";
import { Openings } from "contracts/libraries/Openings.sol";
import { PackedIntegers } from "contracts/libraries/PackedIntegers.sol";
import { Windows } from "contracts/libraries/Windows.sol";
import { Record } from "contracts/types/Record.sol";

/// @title Instructions whose element folds many terms: MATMUL, CONV, REDUCE
/// @notice An element is `complete(fold(all its terms))`; a fold over parts combines to the fold over the whole. Sums are
/// exact: at most 2^18 products of two int32.
library Folds {
    using Instructions for Record;
    using Openings for Openings.Opened;

    /// @dev Terms of one element (docs/tensor-programs.md: 64 blocks of 4,096).
    uint256 private constant MOST_TERMS = 262_144;

    /// @dev Terms of a block at least, and blocks at most.
    uint256 private constant LEAST_BLOCK = 512;
    uint256 private constant MOST_BLOCKS = 64;

    uint256 private constant BIAS = 1;
    uint256 private constant SHIFTS = 2;

    int256 private constant SUM = 0;
    int256 private constant ARGMAX = 2;

    /// @dev Keys of an argmax: value * 2^32 + (2^32 - 1 - place).
    uint256 private constant PLACES = 0xffffffff;

    /// @notice More terms than an element may have.
    error TooManyTerms(uint256 count);

    /// @notice A shift read from a tensor is outside [guard, 62].
    error ShiftOutOfBounds(int256 shift, int256 guard);

    /// @notice Whether the instruction folds.
    function folds(Record memory record) internal pure returns (bool) {
        return record.opcode == Instructions.MATMUL || record.opcode == Instructions.CONV
            || record.opcode == Instructions.REDUCE;
    }

    /// @notice Checks shapes and counts the terms of an element.
    function terms(Record memory record) internal pure returns (uint256 count) {
        if (record.opcode == Instructions.MATMUL) count = _matmulTerms(record);
        else if (record.opcode == Instructions.CONV) count = _convTerms(record);
        else (, count,) = _axes(record);
        require(count <= MOST_TERMS, TooManyTerms(count));
    }

    /// @notice Terms of a block: a multiple of a chunk, so that at most 64 blocks cover all.
    function blockSize(uint256 count) internal pure returns (uint256 size) {
        size = ((count + MOST_BLOCKS - 1) / MOST_BLOCKS + 31) / 32 * 32;
        if (size < LEAST_BLOCK) size = LEAST_BLOCK;
    }

    /// @notice The number of blocks.
    function blocks(uint256 count) internal pure returns (uint256) {
        return (count + blockSize(count) - 1) / blockSize(count);
    }

    /// @notice The fold over an element's terms from `first` up to, not including, `end`.
    function fold(
        Record memory record,
        Openings.Opened[] memory inputs,
        uint256 index,
        uint256 first,
        uint256 end
    ) internal pure returns (int256) {
        if (record.opcode == Instructions.MATMUL) {
            return _matmul(record, inputs, index, first, end);
        }
        if (record.opcode == Instructions.CONV) return Windows.fold(record, inputs, index, first, end);
        return _reduce(record, inputs[0], index, first, end);
    }

    /// @notice The fold over two parts.
    function combine(Record memory record, int256 left, int256 right) internal pure returns (int256) {
        if (record.opcode != Instructions.REDUCE || _reduction(record) == SUM) return left + right;
        return left > right ? left : right;
    }

    /// @notice The element, before the clamp, that the fold over all terms leads to.
    function complete(Record memory record, Openings.Opened[] memory inputs, uint256 index, int256 folded)
        internal
        pure
        returns (int256)
    {
        if (record.opcode != Instructions.REDUCE) return _scale(record, inputs, index, folded);
        int256 kind = _reduction(record);
        if (kind == SUM) {
            return Instructions.roundShift(folded, record.attribute(1, 0, Instructions.MOST_SHIFT));
        }
        record.attribute(1, 0, 0);
        // Two's complement: the lowest 32 bits are the key modulo 2^32.
        // forge-lint: disable-next-line(unsafe-typecast)
        return kind == ARGMAX ? int256(PLACES - (uint256(folded) & PLACES)) : folded;
    }

    /// @dev Adds the bias at its scale, and rounds.
    function _scale(Record memory record, Openings.Opened[] memory inputs, uint256 index, int256 folded)
        private
        pure
        returns (int256)
    {
        uint256 flags = record.natural(2, 0, 3);
        uint256 channel = index % record.shape.dims[record.shape.dims.length - 1];
        int256 shift = flags & SHIFTS == 0
            ? record.attribute(0, 0, Instructions.MOST_SHIFT)
            : inputs[inputs.length - 1].read(channel);
        int256 guard = record.attribute(1, 0, Instructions.MOST_SHIFT);
        require(shift >= guard && shift <= Instructions.MOST_SHIFT, ShiftOutOfBounds(shift, guard));
        if (flags & BIAS != 0) {
            // Between 0 and 62.
            // forge-lint: disable-next-line(unsafe-typecast)
            folded += inputs[2].read(channel) << uint256(shift - guard);
        }
        return Instructions.roundShift(folded, shift);
    }

    function _matmul(
        Record memory record,
        Openings.Opened[] memory inputs,
        uint256 index,
        uint256 first,
        uint256 end
    ) private pure returns (int256) {
        uint256[] memory w = record.inputs[1].dims;
        uint256 width = w[w.length - 1];
        uint256 columns = w[w.length - 2];
        uint256 row = index / columns;
        uint256 column = index % columns;
        if (w.length > 2) column += row / record.shape.dims[w.length - 2] * columns;
        uint256 length = end - first;
        return PackedIntegers.dot(
            inputs[0].run(row * width + first, length), inputs[1].run(column * width + first, length), length
        );
    }

    function _matmulTerms(Record memory record) private pure returns (uint256) {
        uint256[] memory x = record.inputs[0].dims;
        uint256[] memory w = record.inputs[1].dims;
        uint256[] memory out = record.shape.dims;
        bool ranks = x.length != 0 && w.length > 1 && out.length == x.length
            && (w.length == 2 || w.length == x.length);
        record.requireShapes(ranks);
        record.requireSame(x, x.length - 1, w, w.length - 1, 1);
        record.requireSame(out, out.length - 1, w, w.length - 2, 1);
        record.requireSame(x, 0, out, 0, x.length - 1);
        if (w.length > 2) record.requireSame(x, 0, w, 0, x.length - 2);
        _requireChannels(record, w[w.length - 2]);
        return x[x.length - 1];
    }

    function _convTerms(Record memory record) private pure returns (uint256) {
        Windows.check(record);
        uint256[] memory w = record.inputs[1].dims;
        _requireChannels(record, w[0]);
        return Instructions.product(w, 1, w.length);
    }

    /// @dev Bias and shifts are there if the flags say so, with one element a channel.
    function _requireChannels(Record memory record, uint256 channels) private pure {
        uint256 flags = record.natural(2, 0, 3);
        uint256 extra = (flags & BIAS) + (flags >> 1);
        bool right = record.inputs.length == 2 + extra;
        require(right, Instructions.WrongArity(record.opcode, record.inputs.length, record.attributes.length));
        for (uint256 i = 2; i < 2 + extra; ++i) {
            uint256[] memory dims = record.inputs[i].dims;
            record.requireShapes(dims.length == 1 && dims[0] == channels);
        }
    }

    function _reduction(Record memory record) private pure returns (int256) {
        return record.attribute(0, SUM, ARGMAX);
    }

    function _reduce(
        Record memory record,
        Openings.Opened memory x,
        uint256 index,
        uint256 first,
        uint256 end
    ) private pure returns (int256 folded) {
        (, uint256 count, uint256 stride) = _axes(record);
        int256 kind = _reduction(record);
        uint256 start = index / stride * count * stride + index % stride;
        unchecked {
            // Terms side by side are found at once: one by one each costs a search.
            uint256 pointer = stride == 1 ? x.run(start + first, end - first) : 0;
            if (kind != SUM) folded = type(int256).min;
            for (uint256 term = first; term < end; ++term) {
                int256 value = stride == 1
                    ? PackedIntegers.load(pointer + 4 * (term - first))
                    : x.read(start + term * stride);
                // Places are below 2^18.
                // forge-lint: disable-next-line(unsafe-typecast)
                if (kind == ARGMAX) value = (value << 32) + int256(PLACES - term);
                if (kind == SUM) folded += value;
                else if (value > folded) folded = value;
            }
        }
    }

    /// @dev Elements before the reduced axes, along them, and behind them, with the shapes checked.
    function _axes(Record memory record) private pure returns (uint256 outer, uint256 along, uint256 inner) {
        uint256[] memory x = record.inputs[0].dims;
        uint256 first = record.natural(2, 0, 7);
        uint256 behind = first + record.natural(3, 1, 8);
        record.requireShapes(behind <= x.length && record.shape.dims.length == x.length + first - behind);
        record.requireSame(x, 0, record.shape.dims, 0, first);
        record.requireSame(x, behind, record.shape.dims, first, x.length - behind);
        outer = Instructions.product(x, 0, first);
        along = Instructions.product(x, first, behind);
        inner = Instructions.product(x, behind, x.length);
    }
}
