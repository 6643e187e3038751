// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IGame } from "contracts/interfaces/IGame.sol";
import { Merkle } from "contracts/libraries/Merkle.sol";
import { Scores } from "contracts/libraries/Scores.sol";
import { ScoreNode } from "contracts/types/ScoreNode.sol";

/// @title The way down a tree, six levels a move; five in a score tree
/// @notice A position names a subtree (`node`, `level`, `index`) of a tree with `leaves` leaves. Its children are the
/// nodes a step below it (or the leaves) that cover leaves: nothing else can be revealed or chosen.
library Descent {
    /// @notice Levels that one reveal goes down: at most 64 nodes.
    uint8 private constant STEP = 6;

    /// @notice Levels that one reveal of scores goes down: at most 32 nodes, each a hash and a sum.
    uint8 private constant SCORE_STEP = 5;

    /// @notice Puts a position at the root of a tree.
    function enter(IGame.Position memory position, bytes32 root, uint32 leaves) internal pure {
        position.node = root;
        position.leaves = leaves;
        position.level = Merkle.depth(leaves);
        position.index = 0;
    }

    /// @notice The level of the children of a node at `level`, in any tree but a score tree.
    function below(uint8 level) internal pure returns (uint8) {
        return level > STEP ? level - STEP : 0;
    }

    /// @notice The level of the children of a node at `level` of a score tree.
    function belowScores(uint8 level) internal pure returns (uint8) {
        return level > SCORE_STEP ? level - SCORE_STEP : 0;
    }

    /// @notice First child of the position at `level`, and the one behind the last.
    function children(IGame.Position memory position, uint8 level)
        internal
        pure
        returns (uint256 first, uint256 end)
    {
        first = uint256(position.index) << (position.level - level);
        end = first + (uint256(1) << (position.level - level));
        uint256 covering = (uint256(position.leaves) + (uint256(1) << level) - 1) >> level;
        if (covering < end) end = covering;
    }

    /// @notice Checks that nodes are all the children of the position.
    function requireChildren(IGame.Position memory position, bytes32[] calldata nodes) internal pure {
        bytes32 root = childrenRoot(position, nodes);
        require(root == position.node, IGame.WrongProof(root, position.node));
    }

    /// @notice The hash of the position's node that its children make up.
    function childrenRoot(IGame.Position memory position, bytes32[] calldata nodes)
        internal
        pure
        returns (bytes32)
    {
        uint8 level = below(position.level);
        _requireCount(position, level, nodes.length);
        return Merkle.rootFromNodes(nodes, level, position.level);
    }

    /// @notice Checks that score nodes are all the children of the position, and that leaves are leaves.
    function requireScores(IGame.Position memory position, ScoreNode[] calldata nodes) internal pure {
        uint8 level = belowScores(position.level);
        _requireCount(position, level, nodes.length);
        for (uint256 i; level == 0 && i < nodes.length; ++i) {
            require(nodes[i].hash == bytes32(0), IGame.WrongProof(nodes[i].hash, bytes32(0)));
        }
        _requireScoreRoot(position, Scores.rootFromNodes(nodes, level, position.level));
    }

    /// @notice Goes into one child; its siblings lead up to the position's node.
    function choose(IGame.Position memory position, uint32 index, bytes32 child, bytes32[] calldata proof)
        internal
        pure
    {
        uint8 level = below(position.level);
        uint256 first = _requireChild(position, level, index);
        bytes32 root = Merkle.rootFromProof(child, index - first, position.level - level, proof);
        require(root == position.node, IGame.WrongProof(root, position.node));
        (position.node, position.level, position.index) = (child, level, index);
    }

    /// @notice Goes into one child of a score tree.
    function chooseScore(
        IGame.Position memory position,
        uint32 index,
        ScoreNode calldata child,
        ScoreNode[] calldata proof
    ) internal pure {
        uint8 level = belowScores(position.level);
        uint256 first = _requireChild(position, level, index);
        _requireScoreRoot(position, Scores.rootFromProof(child, index - first, position.level - level, proof));
        (position.node, position.score) = (child.hash, child.sum);
        (position.level, position.index) = (level, index);
    }

    function _requireCount(IGame.Position memory position, uint8 level, uint256 given) private pure {
        (uint256 first, uint256 end) = children(position, level);
        require(given == end - first, IGame.WrongCount(given, end - first));
    }

    function _requireChild(IGame.Position memory position, uint8 level, uint32 index)
        private
        pure
        returns (uint256 first)
    {
        uint256 end;
        (first, end) = children(position, level);
        require(index >= first && index < end, IGame.OutOfRange(index, end));
    }

    function _requireScoreRoot(IGame.Position memory position, ScoreNode memory root) private pure {
        bool same = root.hash == position.node && root.sum == position.score;
        require(same, IGame.WrongProof(root.hash, position.node));
    }
}
