// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Instructions } from "contracts/libraries/Instructions.sol";
import { Openings } from "contracts/libraries/Openings.sol";
import { PackedIntegers } from "contracts/libraries/PackedIntegers.sol";
import { Signs } from "contracts/libraries/Signs.sol";
import { Record } from "contracts/types/Record.sol";

/// @title Convolutions, channels last
/// @notice Input (H,W,C), kernel (O,kh,kw,C/g), output (Ho,Wo,O); without H and kh in one dimension. Term
/// (dy * kw + dx) * (C/g) + c of an element multiplies kernel and input at tap (dy,dx), channel c of the element's group.
library Windows {
    using Instructions for Record;
    using Openings for Openings.Opened;
    using Signs for int256;
    using Signs for uint256;

    /// @dev One spatial axis.
    struct Axis {
        uint256 size; // of the input
        uint256 kernel;
        uint256 out; // of the output
        uint256 stride;
        uint256 before; // padding in front
        uint256 behind; // padding behind
        uint256 dilation;
    }

    /// @dev A position of the window over the input.
    struct Place {
        int256 top; // of the first tap; negative in the padding
        int256 left;
        uint256 channel; // first one of the group
        uint256 kernel; // first element of the output channel's kernel
        uint256 taps; // that lie side by side in the input, of one row of the kernel
        uint256 unit; // terms of one such stretch
    }

    /// @notice Checks shapes and attributes.
    function check(Record memory record) internal pure {
        uint256[] memory x = record.inputs[0].dims;
        uint256[] memory w = record.inputs[1].dims;
        uint256 rank = x.length;
        uint256[] memory out = record.shape.dims;
        record.requireShapes((rank == 2 || rank == 3) && w.length == rank + 1 && out.length == rank);
        uint256 groups = record.natural(11, 1, type(int32).max);
        record.requireShapes(x[rank - 1] == w[rank] * groups && w[0] % groups == 0 && out[rank - 1] == w[0]);
        _requireFit(record, _horizontal(record));
        _requireFit(record, _vertical(record));
    }

    /// @notice The sum over an element's terms from `first` up to, not including, `end`.
    function fold(
        Record memory record,
        Openings.Opened[] memory inputs,
        uint256 index,
        uint256 first,
        uint256 end
    ) internal pure returns (int256 sum) {
        Axis memory rows = _vertical(record);
        Axis memory columns = _horizontal(record);
        Place memory place = _place(record, index, rows, columns);
        while (first < end) {
            uint256 stop = (first / place.unit + 1) * place.unit;
            if (stop > end) stop = end;
            sum += _stretch(inputs, place, rows, columns, first, stop);
            first = stop;
        }
    }

    /// @dev The sum over terms of one stretch: of those that lie inside the input.
    function _stretch(
        Openings.Opened[] memory inputs,
        Place memory place,
        Axis memory rows,
        Axis memory columns,
        uint256 first,
        uint256 stop
    ) private pure returns (int256) {
        uint256 channels = inputs[0].count / rows.size / columns.size;
        uint256 stretch = first / place.unit;
        uint256 across = columns.kernel / place.taps;
        int256 y = place.top + (stretch / across * rows.dilation).signed();
        int256 x = place.left + (stretch % across * columns.dilation).signed();
        if (y < 0 || y >= rows.size.signed() || x >= columns.size.signed()) return 0;
        uint256 base = stretch * place.unit;
        // Terms of the stretch that lie left of the input, and those up to its right edge.
        uint256 outside = x < 0 ? (-x).unsigned() * channels : 0;
        uint256 inside = (columns.size.signed() - x).unsigned() * channels;
        if (first < base + outside) first = base + outside;
        if (stop > base + inside) stop = base + inside;
        if (first >= stop) return 0;
        int256 start =
            (y * columns.size.signed() + x) * channels.signed() + (place.channel + first - base).signed();
        return PackedIntegers.dot(
            inputs[0].run(start.unsigned(), stop - first),
            inputs[1].run(place.kernel + first, stop - first),
            stop - first
        );
    }

    function _place(Record memory record, uint256 index, Axis memory rows, Axis memory columns)
        private
        pure
        returns (Place memory place)
    {
        uint256[] memory w = record.inputs[1].dims;
        uint256 channels = w[w.length - 1];
        uint256 groups = record.natural(11, 1, type(int32).max);
        uint256 output = index % w[0];
        index /= w[0];
        place.top = (index / columns.out * rows.stride).signed() - rows.before.signed();
        place.left = (index % columns.out * columns.stride).signed() - columns.before.signed();
        uint256 group = output / (w[0] / groups);
        place.channel = group * channels;
        place.kernel = output * Instructions.product(w, 1, w.length);
        place.taps = groups == 1 && columns.dilation == 1 ? columns.kernel : 1;
        place.unit = place.taps * channels;
    }

    function _horizontal(Record memory record) private pure returns (Axis memory axis) {
        uint256 rank = record.inputs[0].dims.length;
        axis.size = record.inputs[0].dims[rank - 2];
        axis.kernel = record.inputs[1].dims[rank - 1];
        axis.out = record.shape.dims[rank - 2];
        _attributes(record, axis, 1);
    }

    function _vertical(Record memory record) private pure returns (Axis memory axis) {
        (axis.size, axis.kernel, axis.out) = (1, 1, 1);
        if (record.inputs[0].dims.length == 3) {
            axis.size = record.inputs[0].dims[0];
            axis.kernel = record.inputs[1].dims[1];
            axis.out = record.shape.dims[0];
        }
        _attributes(record, axis, 0);
        bool plain = axis.stride == 1 && axis.before == 0 && axis.behind == 0 && axis.dilation == 1;
        record.requireShapes(plain || record.inputs[0].dims.length == 3);
    }

    /// @dev Attributes of the vertical axis (0) or the horizontal one (1).
    function _attributes(Record memory record, Axis memory axis, uint256 which) private pure {
        axis.stride = record.natural(3 + which, 1, Instructions.MOST_WINDOW);
        axis.before = record.natural(5 + which, 0, Instructions.MOST_WINDOW);
        axis.behind = record.natural(7 + which, 0, Instructions.MOST_WINDOW);
        axis.dilation = record.natural(9 + which, 1, Instructions.MOST_WINDOW);
    }

    function _requireFit(Record memory record, Axis memory axis) private pure {
        uint256 span = axis.dilation * (axis.kernel - 1) + 1;
        uint256 room = axis.size + axis.before + axis.behind;
        record.requireShapes(room >= span && (room - span) / axis.stride + 1 == axis.out);
    }
}
