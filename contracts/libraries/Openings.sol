// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Artifacts } from "contracts/libraries/Artifacts.sol";
import { Merkle } from "contracts/libraries/Merkle.sol";
import { PackedIntegers } from "contracts/libraries/PackedIntegers.sol";
import { Opening } from "contracts/types/Opening.sol";
import { Shape } from "contracts/types/Shape.sol";

/// @title Opened tensors
/// @notice Turns an Opening into elements that can be read, and the root that they belong to. An element that was not
/// opened cannot be read.
library Openings {
    /// @notice What is known of a tensor.
    struct Opened {
        uint256 input; // its number, for errors
        uint256 count; // elements of the whole tensor
        uint32[] chunks; // opened ones
        bytes elements; // theirs, 4 bytes each
        uint256 cursor; // index in `chunks` of the latest one read
        bytes32 root; // tensor root; 0 where nothing is opened
    }

    /// @dev Elements in a chunk.
    uint256 private constant CHUNK = 32;

    /// @notice An element takes 1 to 4 bytes.
    error WidthOutOfBounds(uint8 width);

    /// @notice The data are not as long as the chunks and the width say.
    error WrongDataLength(uint256 given, uint256 needed);

    /// @notice The tensor has no such chunk.
    error NoSuchChunk(uint256 chunk, uint256 count);

    /// @notice Behind the last element stands another number than zero.
    error DirtyPadding(uint256 index);

    /// @notice The element, or one of a run that begins there, lies in no opened chunk, or outside the tensor.
    error ElementNotOpened(uint256 input, uint256 index);

    /// @notice Expands an opening and finds the root of its tensor.
    /// @param shape The tensor's shape.
    /// @param input A number for errors.
    function open(Opening calldata opening, Shape memory shape, uint256 input)
        internal
        pure
        returns (Opened memory tensor)
    {
        tensor.input = input;
        tensor.count = shape.count;
        tensor.chunks = opening.chunks;
        tensor.elements = expand(opening);
        if (tensor.chunks.length == 0) return tensor;
        tensor.root = Artifacts.tensorRoot(shape.encoded, _treeRoot(opening, tensor));
    }

    /// @notice Expands an opening as `open` does, and refuses padding that is not zero. Artifacts whose bytes somebody
    /// wants to rebuild need it; the arbiter does not, because elements behind the last one cannot be read.
    function openCanonical(Opening calldata opening, Shape memory shape)
        internal
        pure
        returns (Opened memory tensor)
    {
        tensor = open(opening, shape, 0);
        uint256 used = tensor.count % CHUNK;
        uint256 opened = tensor.chunks.length;
        if (used == 0 || opened == 0 || tensor.chunks[opened - 1] != tensor.count / CHUNK) return tensor;
        // As if the tensor filled its last chunk.
        tensor.count += CHUNK - used;
        for (uint256 i = tensor.count - CHUNK + used; i < tensor.count; ++i) {
            require(read(tensor, i) == 0, DirtyPadding(i));
        }
        tensor.count -= CHUNK - used;
    }

    /// @notice The elements of an opening, 4 bytes each, chunk after chunk.
    function expand(Opening calldata opening) internal pure returns (bytes memory) {
        uint256 width = opening.width;
        uint256 needed = opening.chunks.length * CHUNK * width;
        require(opening.data.length == needed, WrongDataLength(opening.data.length, needed));
        if (opening.chunks.length == 0) return "";
        require(width != 0 && width <= 4, WidthOutOfBounds(opening.width));
        return PackedIntegers.widen(opening.data, width);
    }

    /// @notice An element.
    function read(Opened memory tensor, uint256 index) internal pure returns (int256) {
        return PackedIntegers.load(run(tensor, index, 1));
    }

    /// @notice Pointer to `length` consecutive elements (at least one) from `index`, 4 bytes each.
    function run(Opened memory tensor, uint256 index, uint256 length)
        internal
        pure
        returns (uint256 pointer)
    {
        unchecked {
            uint32[] memory chunks = tensor.chunks;
            uint256 chunk = index / CHUNK;
            uint256 spot = _find(tensor, chunk);
            uint256 further = (index + length - 1) / CHUNK - chunk;
            // Chunks ascend strictly: if the last one of the run stands where it must, so do all between.
            bool known = index + length <= tensor.count && spot + further < chunks.length
                && chunks[spot] == chunk && chunks[spot + further] == chunk + further;
            require(known, ElementNotOpened(tensor.input, index));
            tensor.cursor = spot + further;
            bytes memory elements = tensor.elements;
            assembly ("memory-safe") {
                pointer := add(add(elements, 0x20), shl(2, add(shl(5, spot), and(index, 31))))
            }
        }
    }

    /// @dev Where the chunk stands if it is opened: near the latest one, or by binary search.
    function _find(Opened memory tensor, uint256 chunk) private pure returns (uint256 low) {
        unchecked {
            uint32[] memory chunks = tensor.chunks;
            low = tensor.cursor;
            if (low < chunks.length && chunks[low] == chunk) return low;
            if (low + 1 < chunks.length && chunks[low + 1] == chunk) return low + 1;
            low = 0;
            uint256 high = chunks.length;
            while (low < high) {
                uint256 middle = (low + high) / 2;
                if (chunks[middle] < chunk) low = middle + 1;
                else high = middle;
            }
        }
    }

    function _treeRoot(Opening calldata opening, Opened memory tensor) private pure returns (bytes32) {
        uint256 count = (tensor.count + CHUNK - 1) / CHUNK;
        uint256 last = tensor.chunks[tensor.chunks.length - 1];
        require(last < count, NoSuchChunk(last, count));
        bytes32[] memory leaves = PackedIntegers.chunkHashes(tensor.elements);
        return Merkle.rootFromMultiproof(tensor.chunks, leaves, Merkle.depth(count), opening.proof);
    }
}
