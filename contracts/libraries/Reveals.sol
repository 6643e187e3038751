// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import { IGame } from "contracts/interfaces/IGame.sol";
import { Artifacts } from "contracts/libraries/Artifacts.sol";
import { Descent } from "contracts/libraries/Descent.sol";
import { Merkle } from "contracts/libraries/Merkle.sol";
import { Scores } from "contracts/libraries/Scores.sol";
import { ScoreNode } from "contracts/types/ScoreNode.sol";

/// @title What the accountant reveals, checked against what it has committed to
library Reveals {
    using Descent for IGame.Position;

    /// @notice Elements of a chunk.
    uint256 internal constant CHUNK = 32;

    /// @notice Bytes of a chunk: 4 an element.
    uint256 internal constant CHUNK_BYTES = 128;

    /// @notice Chunks of the largest tensor that is revealed at once.
    uint256 internal constant MOST_CHUNKS_AT_ONCE = 8;

    /// @notice Puts a position at a sample whose score is opened in the claim's score tree.
    function requireScore(
        IGame.Position memory position,
        int64 sum,
        uint32 sample,
        int64 score,
        ScoreNode[] calldata proof
    ) internal pure {
        require(sample < position.leaves, IGame.OutOfRange(sample, position.leaves));
        ScoreNode memory root =
            Scores.rootFromProof(ScoreNode(bytes32(0), score), sample, position.level, proof);
        require(root.hash == position.node && root.sum == sum, IGame.WrongProof(root.hash, position.node));
        (position.sample, position.score, position.phase) = (sample, score, IGame.Phase.Trace);
        (position.node, position.level, position.index) = (bytes32(0), 0, sample);
    }

    /// @notice Puts a position at the root of a trace whose last value is the sample's score.
    function revealTrace(
        IGame.Position memory position,
        IGame.ProgramHeader calldata header,
        bytes32[] calldata nodes,
        bytes32[] calldata proof
    ) internal pure {
        bytes32 program = Artifacts.programRoot(
            header.valueCount, header.fieldCount, header.answerCount, header.parameterCount, header.treeRoot
        );
        require(program == position.program, IGame.WrongProgram(program, position.program));
        position.program = header.treeRoot;
        position.valueCount = header.valueCount;
        position.enter(bytes32(0), header.valueCount);
        position.node = position.childrenRoot(nodes);
        position.traceRoot = position.node;
        _requireScoreIsLast(position, nodes, proof);
    }

    /// @notice Puts a position at the root of a large tensor's chunk tree.
    function revealTensor(IGame.Position memory position, bytes calldata shape, bytes32[] calldata nodes)
        internal
        pure
    {
        uint256 chunks = _requireShape(position, shape);
        require(chunks > MOST_CHUNKS_AT_ONCE, IGame.WrongCount(chunks, MOST_CHUNKS_AT_ONCE + 1));
        // Fewer than the elements, which are a uint32.
        // forge-lint: disable-next-line(unsafe-typecast)
        position.enter(bytes32(0), uint32(chunks));
        position.node = position.childrenRoot(nodes);
        _requireTensor(position, shape);
    }

    /// @notice Checks all the elements of a small tensor.
    function revealElements(IGame.Position memory position, bytes calldata shape, bytes calldata elements)
        internal
        pure
    {
        uint256 chunks = _requireShape(position, shape);
        require(chunks <= MOST_CHUNKS_AT_ONCE, IGame.WrongCount(chunks, MOST_CHUNKS_AT_ONCE));
        uint256 needed = 4 * uint256(position.elements);
        require(elements.length == needed, IGame.WrongCount(elements.length, needed));
        bytes32[] memory leaves = new bytes32[](chunks);
        for (uint256 i; i < chunks; ++i) {
            leaves[i] = _chunkLeaf(elements, i);
        }
        // Fewer than the elements, which are a uint32.
        // forge-lint: disable-next-line(unsafe-typecast)
        position.enter(bytes32(0), uint32(chunks));
        position.node = Merkle.rootFromNodes(leaves, 0, position.level);
        _requireTensor(position, shape);
    }

    /// @notice Checks the bytes of the chosen chunk; behind the tensor's last element they are zero.
    function requireChunk(IGame.Position memory position, bytes calldata chunk) internal pure {
        require(chunk.length == CHUNK_BYTES, IGame.WrongCount(chunk.length, CHUNK_BYTES));
        bytes32 leaf = keccak256(chunk);
        require(leaf == position.node, IGame.WrongProof(leaf, position.node));
        uint256 rest = uint256(position.elements) - CHUNK * position.index;
        for (uint256 i = rest; i < CHUNK; ++i) {
            require(bytes4(chunk[4 * i:4 * i + 4]) == bytes4(0), IGame.DirtyPadding());
        }
    }

    function _requireScoreIsLast(
        IGame.Position memory position,
        bytes32[] calldata nodes,
        bytes32[] calldata proof
    ) private pure {
        uint8 level = Descent.below(position.level);
        uint256 last = uint256(position.valueCount) - 1;
        bytes32 leaf = _scalarRoot(position.score);
        bytes32 computed = Merkle.rootFromProof(leaf, last & ((uint256(1) << level) - 1), level, proof);
        bytes32 node = nodes[nodes.length - 1];
        require(computed == node, IGame.WrongProof(computed, node));
    }

    /// @dev The tensor of rank 0 that holds a score; no tensor holds one outside int32.
    function _scalarRoot(int64 score) private pure returns (bytes32) {
        int32 element = SafeCast.toInt32(score);
        // Two's complement is wanted.
        // forge-lint: disable-next-line(unsafe-typecast)
        bytes memory chunk = bytes.concat(bytes4(uint32(element)), new bytes(CHUNK_BYTES - 4));
        return Artifacts.tensorRoot(hex"00", keccak256(chunk));
    }

    function _requireShape(IGame.Position memory position, bytes calldata shape)
        private
        pure
        returns (uint256 chunks)
    {
        bytes32 given = keccak256(shape);
        require(given == position.shape, IGame.WrongShape(given, position.shape));
        chunks = (uint256(position.elements) + CHUNK - 1) / CHUNK;
    }

    function _requireTensor(IGame.Position memory position, bytes calldata shape) private pure {
        bytes32 tensor = Artifacts.tensorRoot(shape, position.node);
        require(tensor == position.tensor, IGame.WrongProof(tensor, position.tensor));
    }

    function _chunkLeaf(bytes calldata elements, uint256 chunk) private pure returns (bytes32) {
        uint256 start = CHUNK_BYTES * chunk;
        if (start + CHUNK_BYTES <= elements.length) return keccak256(elements[start:start + CHUNK_BYTES]);
        bytes memory rest = elements[start:];
        return keccak256(bytes.concat(rest, new bytes(CHUNK_BYTES - rest.length)));
    }
}
