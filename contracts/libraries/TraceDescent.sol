// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IGame } from "contracts/interfaces/IGame.sol";
import { ILedgerClaims } from "contracts/interfaces/ILedgerClaims.sol";
import { Descent } from "contracts/libraries/Descent.sol";
import { Merkle } from "contracts/libraries/Merkle.sol";

/// @title The way down a ledger claim's trace, six levels a move
/// @notice The trace is the Merkle tree over the hashes of steps + 1 machines. Nodes are revealed and chosen as `Descent`
/// has it.
library TraceDescent {
    using Descent for IGame.Position;

    /// @notice Checks that a claim's first and last machines stand at both ends of its trace.
    function requireEnds(
        ILedgerClaims.Claim calldata made,
        bytes32[] calldata startProof,
        bytes32[] calldata endProof
    ) internal pure {
        bool fits = made.steps != 0 && made.steps != type(uint32).max;
        require(fits, ILedgerClaims.WrongSteps(made.steps));
        uint8 depth = Merkle.depth(uint256(made.steps) + 1);
        _requireRoot(Merkle.rootFromProof(made.start, 0, depth, startProof), made.trace);
        _requireRoot(Merkle.rootFromProof(made.end, made.steps, depth, endProof), made.trace);
    }

    /// @notice Where a game over a claim begins: the claimant reveals what is below the trace's root.
    function first(ILedgerClaims.Claim calldata made, bytes32 claimId, address challenger)
        internal
        pure
        returns (ILedgerClaims.Position memory position)
    {
        position.claim = claimId;
        position.claimant = made.claimant;
        position.challenger = challenger;
        position.batch = made.batch;
        position.trace = made.trace;
        position.leaves = made.steps + 1;
        position.phase = ILedgerClaims.Phase.Reveal;
        position.node = made.trace;
        position.level = Merkle.depth(position.leaves);
    }

    /// @notice Checks that nodes are all the children of the position's node.
    function requireChildren(ILedgerClaims.Position memory position, bytes32[] calldata nodes) internal pure {
        _subtree(position).requireChildren(nodes);
    }

    /// @notice Goes into one child. The first machine is fixed by the claim's start: it cannot be chosen.
    function choose(
        ILedgerClaims.Position memory position,
        uint32 index,
        bytes32 node,
        bytes32[] calldata proof
    ) internal pure {
        IGame.Position memory tree = _subtree(position);
        tree.choose(index, node, proof);
        require(tree.level != 0 || index != 0, ILedgerClaims.OutOfRange(index, position.leaves));
        (position.node, position.level, position.index) = (tree.node, tree.level, tree.index);
    }

    /// @notice Checks that a machine is the one before the chosen one.
    /// @param machine Its hash.
    /// @param proof From it to the trace.
    function requireBefore(
        ILedgerClaims.Position calldata position,
        bytes32 machine,
        bytes32[] calldata proof
    ) internal pure {
        uint8 depth = Merkle.depth(position.leaves);
        _requireRoot(Merkle.rootFromProof(machine, position.index - 1, depth, proof), position.trace);
    }

    function _requireRoot(bytes32 computed, bytes32 root) private pure {
        require(computed == root, ILedgerClaims.WrongProof(computed, root));
    }

    /// @dev The part of a position that `Descent` reads and moves.
    function _subtree(ILedgerClaims.Position memory position)
        private
        pure
        returns (IGame.Position memory tree)
    {
        (tree.node, tree.level) = (position.node, position.level);
        (tree.index, tree.leaves) = (position.index, position.leaves);
    }
}
