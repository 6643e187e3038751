// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Loops over packed 32-bit integers
/// @notice Eight int32 in a word, the first one in the highest bits, as big-endian bytes lie in memory. The inner loops
/// of TensorArbiter; where else assembly stands: docs/adr/0002-assembly-in-the-inner-loops.md. Nothing here checks
/// bounds: Openings does.
library PackedIntegers {
    /// @dev The lowest bit of each of eight lanes of 32 bits.
    uint256 private constant ONES = 0x0000000100000001000000010000000100000001000000010000000100000001;

    /// @notice Two's complement integers of `width` bytes, sign-extended to 4 bytes each.
    /// @param data A multiple of eight integers.
    /// @param width 1 to 4.
    function widen(bytes calldata data, uint256 width) internal pure returns (bytes memory elements) {
        uint256 step = 8 * width;
        elements = new bytes(data.length / width * 4);
        // One word of eight lanes at a time: the lanes are moved apart in three steps (halves, quarters, eighths), then
        // every lane's sign bit fills the bits above it.
        uint256 one = 1;
        uint256 halves = (one << (4 * step)) - 1;
        uint256 quarters = ((one << (2 * step)) - 1) * (1 + (one << 128));
        uint256 eighths = ((one << step) - 1) * (1 + (one << 64) + (one << 128) + (one << 192));
        uint256 extension = (one << 32) - (one << step);
        assembly ("memory-safe") {
            let source := data.offset
            let end := add(source, data.length)
            let target := add(elements, 0x20)
            let gap := sub(32, step)
            for { } lt(source, end) { source := add(source, step) } {
                let word := shr(shl(3, gap), calldataload(source))
                let low := and(word, halves)
                word := or(low, shl(shl(2, gap), xor(word, low)))
                low := and(word, quarters)
                word := or(low, shl(shl(1, gap), xor(word, low)))
                low := and(word, eighths)
                word := or(low, shl(gap, xor(word, low)))
                let signs := and(shr(sub(step, 1), word), ONES)
                mstore(target, or(word, mul(signs, extension)))
                target := add(target, 0x20)
            }
        }
    }

    /// @notice keccak256 of each chunk of 128 bytes.
    /// @param elements A multiple of 128 bytes.
    function chunkHashes(bytes memory elements) internal pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](elements.length / 128);
        assembly ("memory-safe") {
            let source := add(elements, 0x20)
            let end := add(source, mload(elements))
            let target := add(hashes, 0x20)
            for { } lt(source, end) { source := add(source, 0x80) } {
                mstore(target, keccak256(source, 0x80))
                target := add(target, 0x20)
            }
        }
    }

    /// @notice The integer at a place in memory.
    function load(uint256 pointer) internal pure returns (int256 value) {
        assembly ("memory-safe") {
            value := sar(224, mload(pointer))
        }
    }

    /// @notice The exact sum of the products of two runs of integers in memory.
    /// @param left Pointer to the first run.
    /// @param right Pointer to the second one.
    /// @param count Integers in each; the sum stays below 2^255 for any count that fits memory.
    function dot(uint256 left, uint256 right, uint256 count) internal pure returns (int256 sum) {
        assembly ("memory-safe") {
            for { let end := add(left, shl(5, shr(3, count))) } lt(left, end) { left := add(left, 0x20) } {
                let x := mload(left)
                let y := mload(right)
                sum := add(sum, mul(sar(224, x), sar(224, y)))
                sum := add(sum, mul(sar(224, shl(32, x)), sar(224, shl(32, y))))
                sum := add(sum, mul(sar(224, shl(64, x)), sar(224, shl(64, y))))
                sum := add(sum, mul(sar(224, shl(96, x)), sar(224, shl(96, y))))
                sum := add(sum, mul(sar(224, shl(128, x)), sar(224, shl(128, y))))
                sum := add(sum, mul(sar(224, shl(160, x)), sar(224, shl(160, y))))
                sum := add(sum, mul(sar(224, shl(192, x)), sar(224, shl(192, y))))
                sum := add(sum, mul(sar(224, shl(224, x)), sar(224, shl(224, y))))
                right := add(right, 0x20)
            }
            let x := mload(left)
            let y := mload(right)
            for { let rest := and(count, 7) } rest { rest := sub(rest, 1) } {
                sum := add(sum, mul(sar(224, x), sar(224, y)))
                x := shl(32, x)
                y := shl(32, y)
            }
        }
    }
}
