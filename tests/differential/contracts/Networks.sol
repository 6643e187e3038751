// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import { IDNN } from "contracts/sdk/IDNN.sol";

/// A contract that uses networks in the middle of its functions.
contract Customer {
    IDNN private constant NETWORKS = IDNN(0x0000000000000000000000000000000000000A4e);

    uint256 public steps;
    bytes32 public model;
    int64 public score;
    int32[] private _last;

    function last() external view returns (int32[] memory) {
        return _last;
    }

    function step() external {
        steps += 1;
    }

    function ask(bytes32 architecture, bytes32 root, int32[] calldata x) external {
        steps += 1;
        _last = NETWORKS.infer(architecture, root, x);
        steps += 10;
    }

    /// The error that an inference reverts with, or nothing.
    function refused(bytes32 architecture, bytes32 root, int32[] calldata x) external view returns (bytes memory) {
        try NETWORKS.infer(architecture, root, x) returns (int32[] memory) {
            return "";
        } catch (bytes memory why) {
            return why;
        }
    }

    /// A call as it is given, with its value.
    function raw(bytes calldata data) external payable returns (bool done, bytes memory answer) {
        (done, answer) = address(NETWORKS).call{ value: msg.value }(data);
    }

    function learn(
        bytes32 architecture,
        IDNN.Property[] calldata wanted,
        uint64 deadline,
        string calldata uri
    ) external payable {
        steps += 100;
        IDNN.Training memory trained = NETWORKS.train{ value: msg.value }(architecture, wanted, deadline, uri);
        (model, score) = (trained.model, trained.scores[0]);
        steps += 1000;
    }

    /// Trains something else then: what it is follows from the first model.
    function learnTwice(
        bytes32 architecture,
        IDNN.Property[] calldata wanted,
        uint64 deadline,
        string calldata uri
    ) external {
        model = NETWORKS.train(architecture, wanted, deadline, uri).model;
        model = NETWORKS.train(model, wanted, deadline, uri).model;
    }

    /// Trains, and asks what came of it, in one transaction.
    function learnAndAsk(
        bytes32 architecture,
        IDNN.Property[] calldata wanted,
        uint64 deadline,
        string calldata uri,
        int32[] calldata x
    ) external payable {
        model = NETWORKS.train{ value: msg.value }(architecture, wanted, deadline, uri).model;
        _last = NETWORKS.infer(architecture, model, x);
    }
}
