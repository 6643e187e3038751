// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { DNN } from "contracts/sdk/DNN.sol";
import { ScriptedDnn } from "tests/contracts/examples/ScriptedDnn.sol";
import { Test } from "tests/contracts/Vm.sol";

/// @title The base of the examples' tests: a DNN system contract that answers as it is told
abstract contract ExampleTest is Test {
    /// @notice The system contract.
    ScriptedDnn internal constant DNN_SYSTEM = ScriptedDnn(address(DNN.SYSTEM));

    function _installDnn() internal {
        vm.etch(address(DNN_SYSTEM), type(ScriptedDnn).runtimeCode);
    }

    /// @notice Two numbers as a tensor.
    function _pair(int32 first, int32 second) internal pure returns (int32[] memory elements) {
        elements = new int32[](2);
        (elements[0], elements[1]) = (first, second);
    }

    /// @notice The root and proof of an OpenZeppelin Merkle tree over two leaves, for the first of them.
    function _tree(bytes32 leaf, bytes32 other) internal pure returns (bytes32 root, bytes32[] memory proof) {
        proof = new bytes32[](1);
        proof[0] = other;
        root = leaf < other ? keccak256(abi.encode(leaf, other)) : keccak256(abi.encode(other, leaf));
    }
}
