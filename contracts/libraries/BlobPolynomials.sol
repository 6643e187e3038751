// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { PointEvaluation } from "contracts/libraries/PointEvaluation.sol";

/// @title The value of a blob's polynomial anywhere
/// @notice A blob has the polynomial's values at the 4,096th roots of unity, in bit-reversed order: x and -x stand beside
/// one another. With f(x) = e(x^2) + x o(x^2) the pair gives e and o at x^2, so e + z o, which is f at z, has half as many
/// values, again in that order, and is to be taken at z^2. Nothing has to be inverted. Twin: ckzg.
library BlobPolynomials {
    uint256 private constant R = PointEvaluation.MODULUS;
    uint256 private constant HALF = PointEvaluation.BLOB_ELEMENTS / 2;

    /// @dev Inverse of the root of unity: 7^-((R - 1) / 4096).
    uint256 private constant INVERSE_ROOT =
        0x391b2856c609b4784ae25ffab9dc59865046d17864183203961a252dd8543362;

    /// @dev Inverse of 4096.
    uint256 private constant INVERSE_COUNT =
        0x73e66878b46ae3705eb6a46a89213de7d3686828bfce5c19400fffff00100001;

    /// @notice The value at a point.
    /// @param values The 4,096 elements, each below the field's order; their memory is used up.
    /// @param point Below the field's order.
    function evaluate(uint256[] memory values, uint256 point) internal pure returns (uint256) {
        uint256[] memory inverses = _inverses();
        unchecked {
            for (uint256 count = HALF; count != 0; count >>= 1) {
                for (uint256 i; i < count; ++i) {
                    (uint256 first, uint256 second) = (values[2 * i], values[2 * i + 1]);
                    uint256 odd = mulmod(mulmod(inverses[i], point, R), first + R - second, R);
                    // Twice the value; the factors are taken out in the end.
                    values[i] = addmod(first + second, odd, R);
                }
                point = mulmod(point, point, R);
            }
        }
        return mulmod(values[0], INVERSE_COUNT, R);
    }

    /// @dev Inverses of the first of each pair of points: those of half as many points are the first half of these.
    function _inverses() private pure returns (uint256[] memory inverses) {
        inverses = new uint256[](HALF);
        inverses[0] = 1;
        unchecked {
            for (uint256 known = 1; known < HALF; known <<= 1) {
                uint256 next = _power(INVERSE_ROOT, HALF / 2 / known);
                for (uint256 i; i < known; ++i) {
                    inverses[known + i] = mulmod(inverses[i], next, R);
                }
            }
        }
    }

    /// @param exponent A power of two.
    function _power(uint256 base, uint256 exponent) private pure returns (uint256) {
        for (; exponent > 1; exponent /= 2) {
            base = mulmod(base, base, R);
        }
        return base;
    }
}
