// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ITensorArbiter } from "contracts/interfaces/ITensorArbiter.sol";
import { ElementWise } from "contracts/libraries/ElementWise.sol";
import { Folds } from "contracts/libraries/Folds.sol";
import { IndexMaps } from "contracts/libraries/IndexMaps.sol";
import { Instructions } from "contracts/libraries/Instructions.sol";
import { Openings } from "contracts/libraries/Openings.sol";
import { ProgramRecords } from "contracts/libraries/ProgramRecords.sol";
import { Opening } from "contracts/types/Opening.sol";
import { Kind, Record } from "contracts/types/Record.sol";

/// @title The judge of single elements
contract TensorArbiter is ITensorArbiter {
    using Folds for Record;
    using Instructions for Record;
    using Openings for Opening;
    using Openings for Openings.Opened;

    /// @notice A partial sum outside int64: the program is one that no evaluator accepts.
    error PartialOutsideInt64(int256 partial_);

    /// @inheritdoc ITensorArbiter
    function element(bytes calldata record, uint256 index, Opening[] calldata inputs)
        external
        pure
        returns (int32 value, bytes32[] memory inputRoots)
    {
        Record memory instruction = _instruction(record);
        _requireElement(instruction, index);
        Openings.Opened[] memory tensors;
        (tensors, inputRoots) = _open(instruction, inputs);
        int256 raw;
        if (instruction.folds()) {
            int256 folded = instruction.fold(tensors, index, 0, instruction.terms());
            raw = instruction.complete(tensors, index, folded);
        } else if (instruction.opcode < Instructions.VIEW) {
            raw = ElementWise.compute(instruction, tensors, index);
        } else {
            raw = IndexMaps.compute(instruction, tensors, index);
        }
        value = _clamp(instruction, raw);
    }

    /// @inheritdoc ITensorArbiter
    function partialSum(bytes calldata record, uint256 index, uint256 block_, Opening[] calldata inputs)
        external
        pure
        returns (int64 partial_, bytes32[] memory inputRoots)
    {
        Record memory instruction = _foldable(record);
        _requireElement(instruction, index);
        uint256 count = instruction.terms();
        require(block_ < Folds.blocks(count), NoSuchBlock(block_, Folds.blocks(count)));
        uint256 first = block_ * Folds.blockSize(count);
        uint256 end = first + Folds.blockSize(count);
        Openings.Opened[] memory tensors;
        (tensors, inputRoots) = _open(instruction, inputs);
        int256 folded = instruction.fold(tensors, index, first, end < count ? end : count);
        require(folded >= type(int64).min && folded <= type(int64).max, PartialOutsideInt64(folded));
        // Checked above.
        // forge-lint: disable-next-line(unsafe-typecast)
        partial_ = int64(folded);
    }

    /// @inheritdoc ITensorArbiter
    function finish(
        bytes calldata record,
        uint256 index,
        int64[] calldata partials,
        Opening[] calldata inputs
    ) external pure returns (int32 value, bytes32[] memory inputRoots) {
        Record memory instruction = _foldable(record);
        _requireElement(instruction, index);
        uint256 count = Folds.blocks(instruction.terms());
        require(partials.length == count, WrongCount(partials.length, count));
        int256 folded = partials[0];
        for (uint256 i = 1; i < count; ++i) {
            folded = instruction.combine(folded, partials[i]);
        }
        Openings.Opened[] memory tensors;
        (tensors, inputRoots) = _open(instruction, inputs);
        value = _clamp(instruction, instruction.complete(tensors, index, folded));
    }

    /// @inheritdoc ITensorArbiter
    function opened(bytes calldata record, uint256 index, Opening calldata output)
        external
        pure
        returns (int32 value, bytes32 tensorRoot)
    {
        Record memory source = ProgramRecords.decode(record);
        _requireElement(source, index);
        Openings.Opened memory tensor = output.open(source.shape, 0);
        // Elements are sign-extended from 32 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        return (int32(tensor.read(index)), tensor.root);
    }

    /// @inheritdoc ITensorArbiter
    function terms(bytes calldata record) external pure returns (uint256) {
        return _foldable(record).terms();
    }

    /// @inheritdoc ITensorArbiter
    function blocks(bytes calldata record) external pure returns (uint256) {
        return Folds.blocks(_foldable(record).terms());
    }

    function _instruction(bytes calldata encoded) private pure returns (Record memory instruction) {
        instruction = ProgramRecords.decode(encoded);
        require(instruction.kind == Kind.Instruction, NotAnInstruction(uint8(instruction.kind)));
        instruction.requireArity();
    }

    function _foldable(bytes calldata encoded) private pure returns (Record memory instruction) {
        instruction = _instruction(encoded);
        require(instruction.folds(), NotFoldable(instruction.opcode));
    }

    function _requireElement(Record memory value, uint256 index) private pure {
        require(index < value.shape.count, NoSuchElement(index, value.shape.count));
    }

    function _open(Record memory instruction, Opening[] calldata inputs)
        private
        pure
        returns (Openings.Opened[] memory tensors, bytes32[] memory roots)
    {
        uint256 count = instruction.inputs.length;
        require(inputs.length == count, WrongCount(inputs.length, count));
        tensors = new Openings.Opened[](count);
        roots = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            tensors[i] = inputs[i].open(instruction.inputs[i], i);
            roots[i] = tensors[i].root;
        }
    }

    function _clamp(Record memory instruction, int256 raw) private pure returns (int32) {
        if (raw < instruction.low) return instruction.low;
        if (raw > instruction.high) return instruction.high;
        // Between two int32.
        // forge-lint: disable-next-line(unsafe-typecast)
        return int32(raw);
    }
}
