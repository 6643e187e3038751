// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IDNN } from "contracts/sdk/IDNN.sol";

/// @title The DNN system contract as a test writes it
/// @notice Lies where the node carries the real one out. It answers what it is told to; a training whose thresholds the
/// next result does not reach is one that nobody does.
contract ScriptedDnn is IDNN {
    /// @inheritdoc IDNN
    mapping(bytes32 root => bool) public override published;

    mapping(bytes32 request => int32[]) private _answers;
    mapping(bytes32 request => bool) private _known;
    bytes32 private _nextModel;
    int64 private _nextScore;

    /// @notice Nobody has said what to answer.
    error Unscripted(bytes32 model);

    /// @notice What `infer` answers from now on to an input: the model is published then.
    function answer(bytes32 model, int32[] calldata x, int32[] calldata y) external {
        bytes32 request = keccak256(abi.encode(model, x));
        (_answers[request], _known[request], published[model]) = (y, true, true);
    }

    /// @notice What the next training comes to.
    function result(bytes32 model, int64 score) external {
        (_nextModel, _nextScore) = (model, score);
    }

    /// @inheritdoc IDNN
    function publish(bytes calldata) external pure {
        revert NotDirect();
    }

    /// @inheritdoc IDNN
    function publish(uint8, bytes32, bytes calldata) external pure {
        revert NotDirect();
    }

    /// @inheritdoc IDNN
    function assemble(uint8, bytes32, bytes32[] calldata) external pure {
        revert NotDirect();
    }

    /// @inheritdoc IDNN
    function infer(bytes32, bytes32 model, int32[] calldata x) external view returns (int32[] memory) {
        bytes32 request = keccak256(abi.encode(model, x));
        require(published[model], NotPublished(model));
        require(_known[request], Unscripted(model));
        return _answers[request];
    }

    /// @inheritdoc IDNN
    function train(bytes32 architecture, Property[] calldata properties, uint64 deadline, string calldata uri)
        external
        payable
        returns (Training memory trained)
    {
        (uint64 earliest, uint64 latest) = (uint64(block.timestamp) + 1, uint64(block.timestamp) + 3600);
        require(deadline >= earliest && deadline <= latest, DeadlineOutside(deadline, earliest, latest));
        trained.model = _nextModel;
        trained.scores = new int64[](properties.length);
        for (uint256 i; i < properties.length; ++i) {
            bytes32 terms = keccak256(abi.encode(architecture, properties, deadline, uri));
            require(_nextScore >= properties[i].threshold, NotTrained(terms));
            trained.scores[i] = _nextScore;
        }
    }
}
