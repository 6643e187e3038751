// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Counts and places between signed and unsigned
/// @notice Element numbers, dimensions and attributes, and products of two of them, stay below 2^64 in magnitude.
library Signs {
    /// @notice The same number as int256.
    function signed(uint256 value) internal pure returns (int256) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return int256(value);
    }

    /// @notice The same number as uint256; the caller knows that it is not negative.
    function unsigned(int256 value) internal pure returns (uint256) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint256(value);
    }
}
