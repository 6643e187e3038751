// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IDNN } from "contracts/sdk/IDNN.sol";

/// @notice A trained network.
struct Model {
    /// @dev Root of the tensor program.
    bytes32 architecture;
    /// @dev Root of its parameters; zero where it is not trained yet.
    bytes32 root;
}

/// @title Deep networks as library calls
/// @notice `DNN.infer(model, x)` and `DNN.train(...)`: thin fronts of the system contract.
library DNN {
    /// @notice The system contract.
    IDNN internal constant SYSTEM = IDNN(0x0000000000000000000000000000000000000A4e);

    /// @notice Most seconds from the block to the deadline of a training.
    uint64 internal constant MOST_SECONDS = 3600;

    /// @notice A network was trained inside of a transaction of the emitting contract.
    event Trained(bytes32 indexed architecture, bytes32 indexed model, int64[] scores, uint256 reward);

    /// @notice A model is asked that nobody has trained yet.
    error NoModel(bytes32 architecture);

    /// @notice A reward for which nobody works: the transaction would wait for nothing.
    error RewardTooSmall(uint256 reward, uint256 least);

    /// @notice Whether a model can be asked: both its roots are published.
    function published(Model memory model) internal view returns (bool) {
        return SYSTEM.published(model.architecture) && SYSTEM.published(model.root);
    }

    /// @notice What a model answers to one sample. Reverts with `IDNN.NotPublished` until it is published. Programs without parameters are asked through `SYSTEM` itself.
    /// @param model The network.
    /// @param x The elements of the sample's fields, one field after the other.
    /// @return y The elements of the output.
    function infer(Model memory model, int32[] memory x) internal view returns (int32[] memory y) {
        require(model.root != 0, NoModel(model.architecture));
        y = SYSTEM.infer(model.architecture, model.root, x);
    }

    /// @notice Has a network trained that has one property; the transaction waits for it. It can be asked once
    /// somebody has published it. Reverts with `IDNN.NotTrained` if nobody trains it in time.
    /// @param architecture Root of the tensor program.
    /// @param property What the network must have.
    /// @param deadline The second until which a result has to be shown on L1, at most `MOST_SECONDS` away.
    /// @param uri Where the artifacts can be had.
    /// @param reward Wei for the accountant, out of the calling contract's balance.
    /// @return model The network.
    /// @return score The sum of its scores, at least the property's threshold.
    function train(
        bytes32 architecture,
        IDNN.Property memory property,
        uint64 deadline,
        string memory uri,
        uint256 reward
    ) internal returns (Model memory model, int64 score) {
        int64[] memory scores;
        (model, scores) = trainAll(architecture, _one(property), deadline, uri, reward);
        score = scores[0];
    }

    /// @notice The same, but goes on where nobody has done it in time: then the reward stays. All else that is wrong
    /// reverts.
    /// @return done Whether there is a network.
    /// @return model The network.
    /// @return score The sum of its scores.
    function tryTrain(
        bytes32 architecture,
        IDNN.Property memory property,
        uint64 deadline,
        string memory uri,
        uint256 reward
    ) internal returns (bool done, Model memory model, int64 score) {
        try SYSTEM.train{ value: reward }(architecture, _one(property), deadline, uri) returns (
            IDNN.Training memory result
        ) {
            emit Trained(architecture, result.model, result.scores, reward);
            return (true, Model(architecture, result.model), result.scores[0]);
        } catch (bytes memory why) {
            // Not the error of a call that ran out of gas: who sends a transaction chooses its gas.
            // forge-lint: disable-next-line(unsafe-typecast)
            if (bytes4(why) != IDNN.NotTrained.selector) _revertWith(why);
        }
    }

    /// @notice Has a network trained that has all of one to four properties; the transaction waits for it. Reverts with
    /// `IDNN.NotTrained` if nobody does it in time.
    /// @param architecture Root of the tensor program.
    /// @param properties What the network must have.
    /// @param deadline The second until which a result has to be shown on L1, at most `MOST_SECONDS` away.
    /// @param uri Where the artifacts can be had.
    /// @param reward Wei for the accountant, out of the calling contract's balance.
    /// @return model The network.
    /// @return scores The sum of its scores over each property's data set.
    function trainAll(
        bytes32 architecture,
        IDNN.Property[] memory properties,
        uint64 deadline,
        string memory uri,
        uint256 reward
    ) internal returns (Model memory model, int64[] memory scores) {
        IDNN.Training memory result = SYSTEM.train{ value: reward }(architecture, properties, deadline, uri);
        emit Trained(architecture, result.model, result.scores, reward);
        return (Model(architecture, result.model), result.scores);
    }

    function _one(IDNN.Property memory property) private pure returns (IDNN.Property[] memory properties) {
        properties = new IDNN.Property[](1);
        properties[0] = property;
    }

    function _revertWith(bytes memory why) private pure {
        assembly ("memory-safe") {
            revert(add(why, 0x20), mload(why))
        }
    }
}
