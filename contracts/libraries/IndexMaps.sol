// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Instructions } from "contracts/libraries/Instructions.sol";
import { Openings } from "contracts/libraries/Openings.sol";
import { Signs } from "contracts/libraries/Signs.sol";
import { Record } from "contracts/types/Record.sol";

/// @title Instructions that move elements: VIEW, PAD, CONCAT, GATHER
library IndexMaps {
    using Instructions for Record;
    using Openings for Openings.Opened;
    using Signs for int256;
    using Signs for uint256;

    /// @dev Dimensions that a VIEW unravels over at most.
    int256 private constant MOST_DIMENSIONS = 16;

    /// @notice The element before the clamp.
    function compute(Record memory record, Openings.Opened[] memory inputs, uint256 index)
        internal
        pure
        returns (int256)
    {
        if (record.opcode == Instructions.VIEW) return _view(record, inputs[0], index);
        if (record.opcode == Instructions.PAD) return _pad(record, inputs[0], index);
        if (record.opcode == Instructions.CONCAT) return _concat(record, inputs, index);
        return _gather(record, inputs, index);
    }

    /// @dev Unravels the index over the attributes' dims and moves by their strides.
    function _view(Record memory record, Openings.Opened memory x, uint256 index)
        private
        pure
        returns (int256)
    {
        int256[] memory given = record.attributes;
        uint256 count = given.length < 2 ? 0 : record.natural(1, 0, MOST_DIMENSIONS);
        require(given.length == 2 + 2 * count, Instructions.WrongArity(record.opcode, 1, given.length));
        int256 place = given[0];
        uint256 size = 1;
        for (uint256 i = 1 + count; i > 1; --i) {
            uint256 dim = record.natural(i, 1, type(int32).max);
            place += (index % dim).signed() * given[i + count];
            index /= dim;
            size *= dim;
            // Stops the product before it grows out of bounds.
            record.requireShapes(size <= record.shape.count);
        }
        record.requireShapes(size == record.shape.count && place >= 0);
        return x.read(place.unsigned());
    }

    /// @dev Copies with margins of a constant; a negative margin cuts.
    function _pad(Record memory record, Openings.Opened memory x, uint256 index)
        private
        pure
        returns (int256)
    {
        uint256[] memory dims = record.inputs[0].dims;
        uint256[] memory out = record.shape.dims;
        record.requireShapes(out.length == dims.length && record.attributes.length == 1 + dims.length);
        uint256 place;
        uint256 stride = 1;
        bool outside;
        for (uint256 i = dims.length; i > 0; --i) {
            int256 coordinate = (index % out[i - 1]).signed() - record.attributes[i];
            if (coordinate < 0 || coordinate >= dims[i - 1].signed()) outside = true;
            else place += coordinate.unsigned() * stride;
            index /= out[i - 1];
            stride *= dims[i - 1];
        }
        return outside ? record.attributes[0] : x.read(place);
    }

    function _concat(Record memory record, Openings.Opened[] memory inputs, uint256 index)
        private
        pure
        returns (int256)
    {
        uint256[] memory out = record.shape.dims;
        uint256 axis = _axis(record, out);
        _requireConcatenable(record, axis);
        uint256 inner = Instructions.product(out, axis + 1, out.length);
        uint256 outer = index / inner / out[axis];
        uint256 place = index / inner % out[axis];
        uint256 i;
        uint256 dim = record.inputs[0].dims[axis];
        // Ends: the inputs' dimensions add up to the output's.
        while (place >= dim) {
            place -= dim;
            dim = record.inputs[++i].dims[axis];
        }
        return inputs[i].read((outer * dim + place) * inner + index % inner);
    }

    function _requireConcatenable(Record memory record, uint256 axis) private pure {
        uint256[] memory out = record.shape.dims;
        uint256 total;
        for (uint256 i; i < record.inputs.length; ++i) {
            uint256[] memory dims = record.inputs[i].dims;
            record.requireShapes(dims.length == out.length);
            record.requireSame(dims, 0, out, 0, axis);
            record.requireSame(dims, axis + 1, out, axis + 1, out.length - axis - 1);
            total += dims[axis];
        }
        record.requireShapes(total == out[axis]);
    }

    /// @dev Takes slices along an axis by number; numbers outside are moved to the nearest slice.
    function _gather(Record memory record, Openings.Opened[] memory inputs, uint256 index)
        private
        pure
        returns (int256)
    {
        uint256[] memory x = record.inputs[0].dims;
        uint256 axis = _axis(record, x);
        _requireGathered(record, axis);
        uint256 inner = Instructions.product(x, axis + 1, x.length);
        uint256 picks = record.inputs[1].count;
        int256 pick = inputs[1].read(index / inner % picks);
        uint256 slice = pick < 0 ? 0 : pick.unsigned();
        if (slice >= x[axis]) slice = x[axis] - 1;
        uint256 outer = index / inner / picks;
        return inputs[0].read((outer * x[axis] + slice) * inner + index % inner);
    }

    function _requireGathered(Record memory record, uint256 axis) private pure {
        uint256[] memory x = record.inputs[0].dims;
        uint256[] memory picks = record.inputs[1].dims;
        uint256[] memory out = record.shape.dims;
        record.requireShapes(out.length == x.length + picks.length - 1);
        record.requireSame(x, 0, out, 0, axis);
        record.requireSame(picks, 0, out, axis, picks.length);
        record.requireSame(x, axis + 1, out, axis + picks.length, x.length - axis - 1);
    }

    function _axis(Record memory record, uint256[] memory dims) private pure returns (uint256 axis) {
        axis = record.natural(0, 0, 7);
        record.requireShapes(axis < dims.length);
    }
}
