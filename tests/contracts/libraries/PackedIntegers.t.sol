// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { PackedIntegers } from "contracts/libraries/PackedIntegers.sol";
import { VectorTest } from "tests/contracts/libraries/VectorTest.sol";

contract PackedIntegersTest is VectorTest {
    function widen(bytes calldata data, uint256 width) external pure returns (bytes memory) {
        return PackedIntegers.widen(data, width);
    }

    function testFuzz_widenedIntegersKeepTheirValues(bytes32[] calldata words, uint256 width) external view {
        width = bound(width, 1, 4);
        bytes memory data = slice(abi.encodePacked(words), 0, words.length * 32 / (8 * width) * 8 * width);
        bytes memory elements = this.widen(data, width);
        assertEq(elements.length, data.length / width * 4);
        for (uint256 i; i < elements.length / 4; ++i) {
            assertEq(_element(elements, 4, i), _element(data, width, i));
        }
    }

    function test_theEndsOfEveryWidthKeepTheirValues() external view {
        bytes memory oneByte = hex"807f00ff01fe4080";
        assertEq(
            this.widen(oneByte, 1), hex"ffffff800000007f00000000ffffffff00000001fffffffe00000040ffffff80"
        );
        bytes memory threeBytes = hex"8000007fffff000000ffffff000001fffffe400000800000";
        assertEq(
            this.widen(threeBytes, 3), hex"ff800000007fffff00000000ffffffff00000001fffffffe00400000ff800000"
        );
        bytes memory fourBytes = hex"800000007fffffff00000000ffffffff00000001fffffffe4000000080000000";
        assertEq(this.widen(fourBytes, 4), fourBytes);
    }

    function testFuzz_dotIsTheSumOfProducts(int32[] calldata xs, int32[] calldata ys) external pure {
        uint256 count = xs.length < ys.length ? xs.length : ys.length;
        int256 expected;
        bytes memory left;
        bytes memory right;
        for (uint256 i; i < count; ++i) {
            left = abi.encodePacked(left, xs[i]);
            right = abi.encodePacked(right, ys[i]);
            expected += int256(xs[i]) * ys[i];
        }
        // What stands behind the runs must not be counted.
        left = abi.encodePacked(left, type(uint256).max);
        right = abi.encodePacked(right, type(uint256).max);
        assertEq(PackedIntegers.dot(_start(left), _start(right), count), expected);
    }

    function test_dotOfTheLargestProductsDoesNotOverflow() external pure {
        uint256 count = 4096;
        bytes memory least = new bytes(4 * count);
        for (uint256 i; i < count; ++i) {
            least[4 * i] = 0x80;
        }
        // A small constant.
        // forge-lint: disable-next-line(unsafe-typecast)
        assertEq(PackedIntegers.dot(_start(least), _start(least), count), int256(count) * 2 ** 62);
    }

    function testFuzz_hashesOfChunksAreKeccak(bytes32 seed, uint256 count) external pure {
        count = bound(count, 0, 9);
        bytes memory elements;
        for (uint256 i; i < 4 * count; ++i) {
            elements = abi.encodePacked(elements, keccak256(abi.encode(seed, i)));
        }
        bytes32[] memory hashes = PackedIntegers.chunkHashes(elements);
        assertEq(hashes.length, count);
        for (uint256 i; i < count; ++i) {
            assertEq(hashes[i], keccak256(slice(elements, 128 * i, 128)));
        }
    }

    function testFuzz_loadReadsASignedNumber(int32 before, int32 value, int32 behind) external pure {
        bytes memory elements = abi.encodePacked(before, value, behind);
        assertEq(PackedIntegers.load(_start(elements) + 4), value);
    }

    function _element(bytes memory packed, uint256 width, uint256 index) private pure returns (int256 value) {
        for (uint256 i; i < width; ++i) {
            value = value * 256 + int256(uint256(uint8(packed[width * index + i])));
        }
        if (value >= int256(1) << (8 * width - 1)) value -= int256(1) << (8 * width);
    }

    function _start(bytes memory packed) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := add(packed, 0x20)
        }
    }
}
