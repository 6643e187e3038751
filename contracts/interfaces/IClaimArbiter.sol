// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IClaims } from "contracts/interfaces/IClaims.sol";
import { IGame } from "contracts/interfaces/IGame.sol";
import { IInbox } from "contracts/interfaces/IInbox.sol";
import { Opening } from "contracts/types/Opening.sol";

/// @title Refutations in one transaction
/// @notice What makes a claim false without any game: its place in the order, its threshold, its counts, and sources whose
/// shape or range is not the one that the score program declares. Anyone may call, after sealing the call in Claims; the
/// caller gets the prize.
///
/// Safety:
/// - nothing here refutes a claim that an honest accountant makes: it has checked the order, the counts, every shape and
///   every range before it claims.
///
/// Liveness:
/// - every refutation fits one transaction whatever the size of the job: it opens one path.
interface IClaimArbiter {
    /// @notice A record of a property's program, opened from the program's root.
    struct ProgramRecord {
        IGame.ProgramHeader header;
        uint32 value;
        bytes record;
        bytes32[] proof; // from the record's hash to `header.treeRoot`
    }

    /// @notice Why a claim was refuted.
    enum Fault {
        Index,
        Place,
        Record,
        Threshold,
        Count,
        Result,
        Shape,
        Range
    }

    /// @notice A claim was refuted here.
    event Faulted(bytes32 indexed claimId, address indexed challenger, Fault fault);

    /// @notice The evidence shows the claim right.
    error NothingWrong();

    /// @notice A batch, job, program or record given is not the one that the claim commits to.
    error WrongPreimage(bytes32 given, bytes32 needed);

    /// @notice The job has no such property.
    error NoSuchProperty(uint8 property, uint256 count);

    /// @notice The proof does not lead to the root.
    error WrongProof(bytes32 computed, bytes32 root);

    /// @notice The claim names a place behind its batch's own transactions, where the batch does not take the
    /// claimed transaction from the queue of forced ones.
    /// @param batch The claim's batch; its place `count + k` is the k-th entry of the queue that it consumes.
    /// @param previous The batch before it; anything for the first batch.
    function refuteIndex(
        IClaims.Claim calldata claim,
        IInbox.Batch calldata batch,
        IInbox.Batch calldata previous
    ) external;

    /// @notice Another transaction stands at the claimed place.
    /// @param leaf keccak256 of the record that stands there.
    /// @param proof From it to the batch's transaction root.
    function refutePlace(
        IClaims.Claim calldata claim,
        IInbox.Batch calldata batch,
        bytes32 leaf,
        bytes32[] calldata proof
    ) external;

    /// @notice The transaction is not an order with the claimed terms.
    function refuteRecord(IClaims.Claim calldata claim, bytes calldata record) external;

    /// @notice A sum of scores is below its threshold.
    function refuteThreshold(IClaims.Claim calldata claim, IClaims.Job calldata job, uint8 property) external;

    /// @notice A score list is not as long as its data set.
    /// @param count The data set's number of samples.
    /// @param tree Root over its samples.
    function refuteCount(
        IClaims.Claim calldata claim,
        IClaims.Job calldata job,
        uint8 property,
        uint32 count,
        bytes32 tree
    ) external;

    /// @notice A result has another number of tensors (training), of samples or of answers a sample (inference) than the
    /// property's program and scores ask for.
    /// @param path From the result's root; `tensors` and `proof` may be empty where `count` alone is wrong.
    /// @param sample Whose answers `path` opens (inference).
    function refuteResult(
        IClaims.Claim calldata claim,
        IClaims.Job calldata job,
        uint8 property,
        IGame.ProgramHeader calldata header,
        uint32 sample,
        IClaims.TensorPath calldata path
    ) external;

    /// @notice The tensor that a source reads has another shape than the source declares.
    /// @param source The source's record: a field, answer, parameter or constant.
    /// @param sample The sample (for fields and answers).
    /// @param path The way to the tensor's header (for a constant: shape and chunksRoot only).
    function refuteShape(
        IClaims.Claim calldata claim,
        IClaims.Job calldata job,
        uint8 property,
        ProgramRecord calldata source,
        uint32 sample,
        IClaims.TensorPath calldata path
    ) external;

    /// @notice An element that a source reads is outside the range that the source declares.
    /// @param source The source's record: a field, answer, parameter or constant.
    /// @param sample The sample (for fields and answers).
    /// @param path The way to the tensor (shape and chunks empty; for a constant all empty). Where the tensor's shape is not
    /// the declared one, `refuteShape` is the way.
    /// @param element Index of the element.
    /// @param opening A chunk that holds it.
    function refuteRange(
        IClaims.Claim calldata claim,
        IClaims.Job calldata job,
        uint8 property,
        ProgramRecord calldata source,
        uint32 sample,
        IClaims.TensorPath calldata path,
        uint32 element,
        Opening calldata opening
    ) external;

    /// @notice The tensor root that a source stands for: what Game compares with an accountant's trace.
    /// @param job The job that the claim names; reverts where it is another one.
    /// @param property Index among the job's properties.
    /// @param record The source's record.
    /// @param sample The sample (for fields and answers).
    /// @param path The way to the tensor (shape and chunks empty); all empty for a constant.
    function sourceTensor(
        IClaims.Claim calldata claim,
        IClaims.Job calldata job,
        uint8 property,
        bytes calldata record,
        uint32 sample,
        IClaims.TensorPath calldata path
    ) external pure returns (bytes32);
}
