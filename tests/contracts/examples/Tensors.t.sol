// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Positive numbers: nothing is cut off.
// forge-lint: disable-start(unsafe-typecast)

import { Tensors } from "contracts/sdk/Tensors.sol";
import { Test } from "tests/contracts/Vm.sol";

/// @title Makes the library's reverts those of an external call
contract TensorsCaller {
    function checked(int256 value) external pure returns (int32) {
        return Tensors.checked(value);
    }

    function toFixed(int256 quantity, uint256 unit, uint8 scale) external pure returns (int32) {
        return Tensors.toFixed(quantity, unit, scale);
    }

    function toFixed(int256[] calldata quantities, uint256 unit, uint8 scale)
        external
        pure
        returns (int32[] memory)
    {
        return Tensors.toFixed(quantities, unit, scale);
    }

    function fromFixed(int32 element, uint256 unit, uint8 scale) external pure returns (int256) {
        return Tensors.fromFixed(element, unit, scale);
    }

    function choice(int32[] calldata elements) external pure returns (uint256, uint256) {
        return Tensors.choice(elements);
    }
}

/// forge-config: default.evm_version = "cancun"
/// forge-config: all.evm_version = "cancun"
contract TensorsTest is Test {
    int256 private constant LOW = type(int32).min;
    int256 private constant HIGH = type(int32).max;

    TensorsCaller private tensors;

    function setUp() public {
        tensors = new TensorsCaller();
    }

    function test_QuantitiesBecomeTheNearestElement() public view {
        assertEq(tensors.toFixed(1500, 1000, 4), int256(24));
        assertEq(tensors.toFixed(-1.5e18, 1e18, 4), int256(-24));
        assertEq(tensors.toFixed(3, 2, 0), int256(2), "a half goes up");
        assertEq(tensors.toFixed(-3, 2, 0), int256(-1), "a half goes up below zero");
        assertEq(tensors.toFixed(-8, 5, 0), int256(-2));
    }

    function test_WhatNoElementHoldsReverts() public {
        vm.expectRevert(abi.encodeWithSelector(Tensors.NotAnInt32.selector, int256(2 ** 31)));
        tensors.toFixed(2 ** 31, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(Tensors.NotAnInt32.selector, int256(-(2 ** 31) - 1)));
        tensors.toFixed(type(int256).min, 1e18, 31);
        vm.expectRevert(abi.encodeWithSelector(Tensors.ScaleTooLarge.selector, 32, 31));
        tensors.toFixed(1, 1, 32);
        vm.expectRevert(abi.encodeWithSelector(Tensors.UnitOutside.selector, 0, 2 ** 127 - 1));
        tensors.toFixed(1, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(Tensors.UnitOutside.selector, 2 ** 127, 2 ** 127 - 1));
        tensors.fromFixed(1, 2 ** 127, 0);
    }

    function testFuzz_ElementsThatFitComeBack(int32 element, uint8 scale) public view {
        scale = uint8(bound(scale, 0, 31));
        int256 quantity = tensors.fromFixed(element, 2 ** 40, scale);
        assertEq(tensors.toFixed(quantity, 2 ** 40, scale), int256(element));
    }

    function testFuzz_RoundingIsOffByHalfAnElementAtMost(int64 quantity, uint32 unit, uint8 scale)
        public
        pure
    {
        scale = uint8(bound(scale, 0, 31));
        int256 units = int256(bound(unit, 1, type(uint32).max));
        int256 exact = int256(quantity) * int256(2 ** uint256(scale));
        int32 element = Tensors.toFixedSaturated(quantity, uint256(units), scale);
        int256 twiceOff = 2 * exact - 2 * int256(element) * units;
        if (int256(element) < HIGH) assertTrue(twiceOff < units, "too low");
        if (int256(element) > LOW) assertTrue(twiceOff >= -units, "too high");
    }

    function testFuzz_SaturationEndsWhereCheckingReverts(int256 value) public {
        int256 nearest = value < LOW ? LOW : value > HIGH ? HIGH : value;
        assertEq(int256(Tensors.saturated(value)), nearest);
        if (nearest != value) vm.expectRevert(abi.encodeWithSelector(Tensors.NotAnInt32.selector, value));
        assertEq(int256(tensors.checked(value)), nearest == value ? value : int256(0));
    }

    function testFuzz_FieldsLieOneAfterTheOther(int32[] memory a, int32[] memory b) public pure {
        int32[] memory both = Tensors.concat(a, b);
        assertEq(both.length, a.length + b.length);
        for (uint256 i; i < both.length; ++i) {
            assertEq(int256(both[i]), int256(i < a.length ? a[i] : b[i - a.length]));
        }
    }

    function testFuzz_TheChoiceIsTheFirstLargest(int32[] memory elements) public {
        if (elements.length == 0) {
            vm.expectRevert(Tensors.NoElements.selector);
            tensors.choice(elements);
            return;
        }
        (uint256 place, uint256 lead) = tensors.choice(elements);
        assertEq(place, Tensors.argmax(elements));
        int256 nearest = type(int256).max;
        for (uint256 i; i < elements.length; ++i) {
            int256 ahead = int256(elements[place]) - int256(elements[i]);
            assertTrue(i < place ? ahead > 0 : ahead >= 0, "not the first largest");
            if (i != place && ahead < nearest) nearest = ahead;
        }
        assertEq(lead, elements.length == 1 ? 0 : uint256(nearest));
    }

    function testFuzz_BytesAreElements(bytes memory packed) public pure {
        int32[] memory elements = Tensors.fromBytes(packed);
        assertEq(elements.length, packed.length);
        for (uint256 i; i < packed.length; ++i) {
            assertEq(int256(elements[i]), int256(uint256(uint8(packed[i]))));
        }
    }

    function test_EveryQuantityOfAFieldIsConverted() public view {
        int256[] memory quantities = new int256[](2);
        (quantities[0], quantities[1]) = (0.25e18, -2e18);
        int32[] memory elements = tensors.toFixed(quantities, 1e18, 12);
        assertEq(elements.length, 2);
        assertEq(int256(elements[0]), int256(1024));
        assertEq(int256(elements[1]), int256(-8192));
    }
}
