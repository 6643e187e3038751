// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IGame } from "contracts/interfaces/IGame.sol";
import { ITensorArbiter } from "contracts/interfaces/ITensorArbiter.sol";
import { Merkle } from "contracts/libraries/Merkle.sol";
import { RecordHeads } from "contracts/libraries/RecordHeads.sol";
import { Kind } from "contracts/types/Record.sol";

/// @title What a side opens against a game's roots
library Evidence {
    /// @notice Checks that a record is a value's in the score program.
    function requireRecord(IGame.Position memory position, uint32 value, IGame.RecordProof calldata record)
        internal
        pure
    {
        require(value < position.valueCount, IGame.OutOfRange(value, position.valueCount));
        bytes32 leaf = keccak256(record.record);
        bytes32 root = Merkle.rootFromProof(leaf, value, Merkle.depth(position.valueCount), record.proof);
        require(root == position.program, IGame.WrongProof(root, position.program));
    }

    /// @notice Checks that a tensor root is a value's in the accountant's trace.
    function requireTraced(
        IGame.Position memory position,
        uint32 value,
        bytes32 tensor,
        bytes32[] calldata proof
    ) internal pure {
        require(value < position.valueCount, IGame.OutOfRange(value, position.valueCount));
        bytes32 root = Merkle.rootFromProof(tensor, value, Merkle.depth(position.valueCount), proof);
        require(root == position.traceRoot, IGame.WrongProof(root, position.traceRoot));
    }

    /// @notice Checks that every tensor that the arbiter has read is the accountant's.
    /// @param roots Tensor roots by input; 0 where the arbiter did not read the input.
    function requireInputs(
        IGame.Position memory position,
        bytes calldata record,
        IGame.Inputs calldata inputs,
        bytes32[] memory roots
    ) internal pure {
        uint256 cursor = RecordHeads.inputs(record);
        for (uint256 i; i < roots.length; ++i) {
            uint32 id;
            (id, cursor) = RecordHeads.input(record, cursor);
            if (roots[i] != bytes32(0)) requireTraced(position, id, roots[i], inputs.proofs[i]);
        }
    }

    /// @notice The element that the accountant's trace has.
    function outputOf(
        IGame.Position memory position,
        ITensorArbiter arbiter,
        IGame.Output calldata output,
        bytes calldata record
    ) internal pure returns (int256 claimed) {
        bytes32 tensor;
        (claimed, tensor) = arbiter.opened(record, output.element, output.opening);
        requireTraced(position, output.value, tensor, output.proof);
    }

    /// @notice Puts a position at the tensor of the leaf of the trace that it stands at.
    function enterValue(IGame.Position memory position, bytes calldata record) internal pure {
        Kind kind = RecordHeads.kind(record);
        require(kind == Kind.Instruction, IGame.WrongKind(kind));
        position.value = position.index;
        position.tensor = position.node;
        position.shape = keccak256(RecordHeads.shape(record));
        position.elements = RecordHeads.elements(record);
    }
}
