// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Numbers as the int32 elements of tensors, and back
/// @notice An element of a value with scale s stands for element / 2^s. A quantity comes as an integer count of a unit:
/// 1.5 is 1_500 with the unit 1_000, or 1.5e18 with the unit 1e18. Rounding is to the nearest element, halves up, as
/// everywhere in tensor programs.
library Tensors {
    /// @notice Largest scale of an element.
    uint8 internal constant MOST_SCALE = 31;

    int256 private constant LOW = type(int32).min;
    int256 private constant HIGH = type(int32).max;

    /// @notice A number that no int32 holds.
    error NotAnInt32(int256 value);

    /// @notice More fraction bits than an element has.
    error ScaleTooLarge(uint8 scale, uint8 most);

    /// @notice A unit of nothing, or one beyond int128.
    error UnitOutside(uint256 unit, uint256 most);

    /// @notice A tensor without elements has no largest one.
    error NoElements();

    // --- from numbers to elements ---

    /// @notice An integer as an element; reverts where it is none.
    function checked(int256 value) internal pure returns (int32) {
        require(value >= LOW && value <= HIGH, NotAnInt32(value));
        // It was looked at above.
        // forge-lint: disable-next-line(unsafe-typecast)
        return int32(value);
    }

    /// @notice The element nearest to an integer.
    function saturated(int256 value) internal pure returns (int32) {
        if (value < LOW) return type(int32).min;
        if (value > HIGH) return type(int32).max;
        // It was looked at above.
        // forge-lint: disable-next-line(unsafe-typecast)
        return int32(value);
    }

    /// @notice A quantity as a fixed-point element; reverts where none is near enough.
    /// @param quantity How many units.
    /// @param unit Units that make one.
    /// @param scale Fraction bits of the element.
    function toFixed(int256 quantity, uint256 unit, uint8 scale) internal pure returns (int32) {
        return checked(_toFixed(quantity, unit, scale));
    }

    /// @notice The fixed-point element nearest to a quantity; see `toFixed`.
    function toFixedSaturated(int256 quantity, uint256 unit, uint8 scale) internal pure returns (int32) {
        return saturated(_toFixed(quantity, unit, scale));
    }

    /// @notice Quantities as the elements of a field; reverts where one does not fit. See `toFixed`.
    function toFixed(int256[] memory quantities, uint256 unit, uint8 scale)
        internal
        pure
        returns (int32[] memory elements)
    {
        elements = new int32[](quantities.length);
        for (uint256 i; i < quantities.length; ++i) {
            elements[i] = toFixed(quantities[i], unit, scale);
        }
    }

    /// @notice Each byte as an element from 0 to 255: images, and other small counts, packed on chain.
    function fromBytes(bytes memory packed) internal pure returns (int32[] memory elements) {
        elements = new int32[](packed.length);
        for (uint256 i; i < packed.length; ++i) {
            elements[i] = int32(uint32(uint8(packed[i])));
        }
    }

    // --- from elements to numbers ---

    /// @notice A fixed-point element as a quantity, rounded down.
    /// @param element The element.
    /// @param unit Units that make one.
    /// @param scale Fraction bits of the element.
    function fromFixed(int32 element, uint256 unit, uint8 scale) internal pure returns (int256) {
        _check(unit, scale);
        // The unit is below 2^127.
        // forge-lint: disable-next-line(unsafe-typecast)
        return (int256(element) * int256(unit)) >> scale;
    }

    // --- whole tensors ---

    /// @notice The elements of two fields, one field after the other.
    function concat(int32[] memory a, int32[] memory b) internal pure returns (int32[] memory both) {
        int32[][] memory fields = new int32[][](2);
        (fields[0], fields[1]) = (a, b);
        return concat(fields);
    }

    /// @notice The elements of all fields, one field after the other: what `DNN.infer` takes.
    function concat(int32[][] memory fields) internal pure returns (int32[] memory elements) {
        uint256 length;
        for (uint256 i; i < fields.length; ++i) {
            length += fields[i].length;
        }
        elements = new int32[](length);
        uint256 next;
        for (uint256 i; i < fields.length; ++i) {
            for (uint256 j; j < fields[i].length; ++j) {
                elements[next++] = fields[i][j];
            }
        }
    }

    /// @notice The place of the largest element, the lowest of several: the class that a network chooses.
    function argmax(int32[] memory elements) internal pure returns (uint256 place) {
        (place,) = choice(elements);
    }

    /// @notice The place of the largest element, and by how much it beats the next: what a network chooses, and how
    /// clearly. A single element beats nothing, by 0.
    function choice(int32[] memory elements) internal pure returns (uint256 place, uint256 margin) {
        require(elements.length != 0, NoElements());
        int256 first = elements[0];
        int256 second = type(int256).min;
        for (uint256 i = 1; i < elements.length; ++i) {
            int256 element = elements[i];
            if (element > first) {
                (first, second, place) = (element, first, i);
            } else if (element > second) {
                second = element;
            }
        }
        // Not negative, and below 2^32.
        // forge-lint: disable-next-line(unsafe-typecast)
        margin = elements.length == 1 ? 0 : uint256(first - second);
    }

    // --- internal ---

    /// @dev floor(quantity * 2^scale / unit + 1/2); quantities beyond what any element holds come back beyond it.
    function _toFixed(int256 quantity, uint256 unit, uint8 scale) private pure returns (int256) {
        _check(unit, scale);
        // The unit is below 2^127.
        // forge-lint: disable-next-line(unsafe-typecast)
        int256 units = int256(unit);
        if (quantity / units > HIGH) return HIGH + 1;
        if (quantity / units < LOW) return LOW - 1;
        // Each factor is small by now: 160 bits, 32 bits.
        int256 doubled = quantity * int256(uint256(2) << scale) + units;
        int256 quotient = doubled / (2 * units);
        return doubled < 0 && doubled % (2 * units) != 0 ? quotient - 1 : quotient;
    }

    function _check(uint256 unit, uint8 scale) private pure {
        uint256 most = uint256(uint128(type(int128).max));
        require(unit != 0 && unit <= most, UnitOutside(unit, most));
        require(scale <= MOST_SCALE, ScaleTooLarge(scale, MOST_SCALE));
    }
}
