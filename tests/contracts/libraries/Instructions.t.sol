// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Folds } from "contracts/libraries/Folds.sol";
import { Instructions } from "contracts/libraries/Instructions.sol";
import { VectorTest } from "tests/contracts/libraries/VectorTest.sol";

contract InstructionsTest is VectorTest {
    function test_halvesAreRoundedUp() external pure {
        assertEq(Instructions.roundShift(1, 1), 1);
        assertEq(Instructions.roundShift(-1, 1), 0);
        assertEq(Instructions.roundShift(3, 1), 2);
        assertEq(Instructions.roundShift(-3, 1), -1);
        assertEq(Instructions.roundShift(-5, 2), -1);
        assertEq(Instructions.roundShift(-6, 2), -1);
        assertEq(Instructions.roundShift(-7, 2), -2);
    }

    function testFuzz_tiesGoTowardPlusInfinity(int256 whole, int256 shift) external pure {
        whole = boundInt(whole, -2 ** 100, 2 ** 100);
        shift = boundInt(shift, 1, 62);
        int256 step = _power(shift);
        assertEq(Instructions.roundShift(whole * step + step / 2, shift), whole + 1);
        assertEq(Instructions.roundShift(whole * step + step / 2 - 1, shift), whole);
        assertEq(Instructions.roundShift(whole * step, shift), whole);
    }

    function testFuzz_aShiftThatIsNotPositiveIsAnExactProduct(int256 value, int256 shift) external pure {
        value = boundInt(value, -2 ** 100, 2 ** 100);
        shift = boundInt(shift, -31, 0);
        assertEq(Instructions.roundShift(value, shift), value * _power(-shift));
    }

    function testFuzz_blocksCoverAllTermsAndAreAtMost64(uint256 terms) external pure {
        terms = bound(terms, 1, 262_144);
        uint256 size = Folds.blockSize(terms);
        uint256 blocks = Folds.blocks(terms);
        assertGe(size, 512);
        assertEq(size % 32, 0);
        assertLe(blocks, 64);
        assertGe(size * blocks, terms);
        assertLt(size * (blocks - 1), terms);
    }

    function test_blocksHaveTheSizesOfTheDefinition() external pure {
        assertEq(Folds.blockSize(1), 512);
        assertEq(Folds.blockSize(32_768), 512);
        assertEq(Folds.blockSize(32_769), 544);
        assertEq(Folds.blockSize(262_144), 4096);
    }

    function _power(int256 exponent) private pure returns (int256 power) {
        power = 1;
        for (int256 i; i < exponent; ++i) {
            power *= 2;
        }
    }
}
