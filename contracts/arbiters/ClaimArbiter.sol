// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IClaimArbiter } from "contracts/interfaces/IClaimArbiter.sol";
import { IClaims } from "contracts/interfaces/IClaims.sol";
import { IGame } from "contracts/interfaces/IGame.sol";
import { IInbox } from "contracts/interfaces/IInbox.sol";
import { ITensorArbiter } from "contracts/interfaces/ITensorArbiter.sol";
import { Artifacts } from "contracts/libraries/Artifacts.sol";
import { Merkle } from "contracts/libraries/Merkle.sol";
import { ProgramRecords } from "contracts/libraries/ProgramRecords.sol";
import { Sources } from "contracts/libraries/Sources.sol";
import { TransactionRecords } from "contracts/libraries/TransactionRecords.sol";
import { Opening } from "contracts/types/Opening.sol";
import { Record } from "contracts/types/Record.sol";

/// @title Refutations in one transaction
contract ClaimArbiter is IClaimArbiter {
    using Sources for IClaims.TensorPath;

    uint8 private constant TRAINING = 1;

    IClaims private immutable CLAIMS;
    IInbox private immutable INBOX;
    ITensorArbiter private immutable ARBITER;

    modifier onlySealed() {
        CLAIMS.requireSealed(msg.sender, keccak256(msg.data));
        _;
    }

    /// @notice Inbox and Claims may be addresses at which they are deployed later.
    constructor(IInbox inbox, IClaims claims, ITensorArbiter arbiter) {
        INBOX = inbox;
        CLAIMS = claims;
        ARBITER = arbiter;
    }

    // --- the order ---

    /// @inheritdoc IClaimArbiter
    function refuteIndex(
        IClaims.Claim calldata claim,
        IInbox.Batch calldata batch,
        IInbox.Batch calldata previous
    ) external onlySealed {
        _requireBatch(claim, batch);
        require(claim.index >= batch.count, NothingWrong());
        uint64 entry = _forcedStart(batch, previous) + (claim.index - batch.count);
        bool forced = entry < batch.forcedEnd && INBOX.entry(entry).digest == claim.transaction;
        require(!forced, NothingWrong());
        _refute(claim, Fault.Index);
    }

    /// @inheritdoc IClaimArbiter
    function refutePlace(
        IClaims.Claim calldata claim,
        IInbox.Batch calldata batch,
        bytes32 leaf,
        bytes32[] calldata proof
    ) external onlySealed {
        _requireBatch(claim, batch);
        require(claim.index < batch.count, WrongProof(leaf, batch.transactionsRoot));
        bytes32 root = Merkle.rootFromProof(leaf, claim.index, Merkle.depth(batch.count), proof);
        require(root == batch.transactionsRoot, WrongProof(root, batch.transactionsRoot));
        require(leaf != claim.transaction, NothingWrong());
        _refute(claim, Fault.Place);
    }

    /// @inheritdoc IClaimArbiter
    function refuteRecord(IClaims.Claim calldata claim, bytes calldata record) external onlySealed {
        // The transaction of a called job is its terms: the bytes behind them are no record.
        require(claim.batch != 0, NothingWrong());
        _requirePreimage(keccak256(record), claim.transaction);
        require(!TransactionRecords.isOrder(record, claim.terms), NothingWrong());
        _refute(claim, Fault.Record);
    }

    // --- the numbers ---

    /// @inheritdoc IClaimArbiter
    function refuteThreshold(IClaims.Claim calldata claim, IClaims.Job calldata job, uint8 property)
        external
        onlySealed
    {
        _requireProperty(claim, job, property);
        require(claim.scores[property].sum < job.properties[property].threshold, NothingWrong());
        _refute(claim, Fault.Threshold);
    }

    /// @inheritdoc IClaimArbiter
    function refuteCount(
        IClaims.Claim calldata claim,
        IClaims.Job calldata job,
        uint8 property,
        uint32 count,
        bytes32 treeRoot
    ) external onlySealed {
        _requireProperty(claim, job, property);
        _requirePreimage(Artifacts.datasetRoot(count, treeRoot), job.properties[property].dataset);
        require(count != claim.scores[property].count, NothingWrong());
        _refute(claim, Fault.Count);
    }

    /// @inheritdoc IClaimArbiter
    function refuteResult(
        IClaims.Claim calldata claim,
        IClaims.Job calldata job,
        uint8 property,
        IGame.ProgramHeader calldata header,
        uint32 sample,
        IClaims.TensorPath calldata path
    ) external onlySealed {
        _requireProperty(claim, job, property);
        _requireProgram(job, property, header);
        bool training = job.kind == TRAINING;
        if (training) Sources.requireModel(claim.result, path);
        else Sources.requireDataset(claim.result, path);
        if (path.count == (training ? header.parameterCount : claim.scores[property].count)) {
            require(!training, NothingWrong());
            path.requireLeaf(false, sample);
            require(path.tensors.length != header.answerCount, NothingWrong());
        }
        _refute(claim, Fault.Result);
    }

    // --- the sources ---

    /// @inheritdoc IClaimArbiter
    function refuteShape(
        IClaims.Claim calldata claim,
        IClaims.Job calldata job,
        uint8 property,
        ProgramRecord calldata source,
        uint32 sample,
        IClaims.TensorPath calldata path
    ) external onlySealed {
        path.requireHead(_tensorOf(claim, job, property, source, sample, path));
        Record memory declared = ProgramRecords.decode(source.record);
        require(keccak256(path.shape) != keccak256(declared.shape.encoded), NothingWrong());
        _refute(claim, Fault.Shape);
    }

    /// @inheritdoc IClaimArbiter
    function refuteRange(
        IClaims.Claim calldata claim,
        IClaims.Job calldata job,
        uint8 property,
        ProgramRecord calldata source,
        uint32 sample,
        IClaims.TensorPath calldata path,
        uint32 element,
        Opening calldata opening
    ) external onlySealed {
        bytes32 tensor = _tensorOf(claim, job, property, source, sample, path);
        (int32 read, bytes32 root) = ARBITER.opened(source.record, element, opening);
        require(root == tensor, WrongProof(root, tensor));
        Record memory declared = ProgramRecords.decode(source.record);
        require(read < declared.low || read > declared.high, NothingWrong());
        _refute(claim, Fault.Range);
    }

    /// @inheritdoc IClaimArbiter
    function sourceTensor(
        IClaims.Claim calldata claim,
        IClaims.Job calldata job,
        uint8 property,
        bytes calldata record,
        uint32 sample,
        IClaims.TensorPath calldata path
    ) public pure returns (bytes32) {
        _requireProperty(claim, job, property);
        bytes32 dataset = job.properties[property].dataset;
        return Sources.tensorOf(record, dataset, claim.result, job.model, sample, path);
    }

    // --- internal ---

    function _requireBatch(IClaims.Claim calldata claim, IInbox.Batch calldata batch) private pure {
        _requirePreimage(keccak256(abi.encode(batch)), claim.batchCommitment);
    }

    /// @dev The first entry of the queue that a batch consumes.
    function _forcedStart(IInbox.Batch calldata batch, IInbox.Batch calldata previous)
        private
        pure
        returns (uint64)
    {
        if (batch.number == 1) return 0;
        _requirePreimage(keccak256(abi.encode(previous)), batch.previous);
        return previous.forcedEnd;
    }

    function _requireProperty(IClaims.Claim calldata claim, IClaims.Job calldata job, uint8 property)
        private
        pure
    {
        _requirePreimage(keccak256(abi.encode(job)), claim.terms);
        uint256 count = job.properties.length;
        require(property < count, NoSuchProperty(property, count));
    }

    function _requireProgram(IClaims.Job calldata job, uint8 property, IGame.ProgramHeader calldata header)
        private
        pure
    {
        bytes32 root = Artifacts.programRoot(
            header.valueCount, header.fieldCount, header.answerCount, header.parameterCount, header.treeRoot
        );
        _requirePreimage(root, job.properties[property].program);
    }

    /// @dev The root of the tensor that a source of the property's program reads.
    function _tensorOf(
        IClaims.Claim calldata claim,
        IClaims.Job calldata job,
        uint8 property,
        ProgramRecord calldata source,
        uint32 sample,
        IClaims.TensorPath calldata path
    ) private pure returns (bytes32) {
        _requireProperty(claim, job, property);
        _requireProgram(job, property, source.header);
        uint32 values = source.header.valueCount;
        require(source.value < values, IGame.OutOfRange(source.value, values));
        bytes32 leaf = keccak256(source.record);
        bytes32 root = Merkle.rootFromProof(leaf, source.value, Merkle.depth(values), source.proof);
        require(root == source.header.treeRoot, WrongProof(root, source.header.treeRoot));
        return sourceTensor(claim, job, property, source.record, sample, path);
    }

    function _requirePreimage(bytes32 given, bytes32 needed) private pure {
        require(given == needed, WrongPreimage(given, needed));
    }

    function _refute(IClaims.Claim calldata claim, Fault fault) private {
        bytes32 claimId = keccak256(abi.encode(claim));
        emit Faulted(claimId, msg.sender, fault);
        CLAIMS.refute(claimId, msg.sender);
    }
}
