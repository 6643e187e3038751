// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Opening } from "contracts/types/Opening.sol";

/// @title The judge of single elements
/// @notice Computes one element of one instruction of a tensor program from openings of the tensors that it reads. It
/// knows no claim and no root: it returns the roots that the openings lead to, and the caller compares them.
///
/// Openings: entry i belongs to input i of the record. An input of which nothing is opened (no chunks) has root 0;
/// reading it reverts, so an element that is returned does not depend on it.
///
/// Safety:
/// - the element returned is the one that the reference evaluator computes from tensors with the returned roots;
/// - no opening, however malformed, makes it return another element: it reverts.
///
/// Liveness:
/// - every element of every instruction of a valid program is returned when all that it reads is opened;
/// - a block of partial sums fits a transaction whatever the number of terms.
interface ITensorArbiter {
    /// @notice The record is not an instruction's.
    error NotAnInstruction(uint8 kind);

    /// @notice The instruction has no partial sums.
    error NotFoldable(uint8 opcode);

    /// @notice The tensor has no such element.
    error NoSuchElement(uint256 index, uint256 count);

    /// @notice The element has no such block of terms.
    error NoSuchBlock(uint256 block_, uint256 blocks);

    /// @notice The openings, or the partial sums, are not as many as the record asks for.
    error WrongCount(uint256 given, uint256 needed);

    /// @notice An element of an instruction.
    /// @param record The instruction's record.
    /// @param index Of the element, row-major.
    /// @param inputs One opening an input.
    /// @return value The element.
    /// @return inputRoots Tensor root of each input.
    function element(bytes calldata record, uint256 index, Opening[] calldata inputs)
        external
        pure
        returns (int32 value, bytes32[] memory inputRoots);

    /// @notice The exact partial sum (MATMUL, CONV, REDUCE sum) or greatest key (REDUCE max, argmax) over one block of
    /// an element's terms. Bias and shifts are not read.
    /// @param block_ Which block; the last one may be shorter.
    function partialSum(bytes calldata record, uint256 index, uint256 block_, Opening[] calldata inputs)
        external
        pure
        returns (int64 partial_, bytes32[] memory inputRoots);

    /// @notice The element that partial sums lead to. Only bias and shifts are read.
    /// @param partials One a block.
    function finish(
        bytes calldata record,
        uint256 index,
        int64[] calldata partials,
        Opening[] calldata inputs
    ) external pure returns (int32 value, bytes32[] memory inputRoots);

    /// @notice An element of a value's own tensor.
    /// @param record The value's record, of any kind: it says the shape.
    /// @param index Of the element, row-major.
    /// @param output Opening of the chunk that holds it (or of more).
    function opened(bytes calldata record, uint256 index, Opening calldata output)
        external
        pure
        returns (int32 value, bytes32 tensorRoot);

    /// @notice How many terms an element of a MATMUL, CONV or REDUCE folds.
    function terms(bytes calldata record) external pure returns (uint256);

    /// @notice How many blocks these terms are split into: 1 to 64.
    function blocks(bytes calldata record) external pure returns (uint256);
}
