// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ISeals } from "contracts/interfaces/ISeals.sol";

/// @title A register of announced calls
abstract contract Seals is ISeals {
    /// @inheritdoc ISeals
    mapping(bytes32 digest => uint64) public sealedAt;

    /// @inheritdoc ISeals
    function seal(bytes32 digest) external {
        if (sealedAt[digest] != 0) return;
        sealedAt[digest] = uint64(block.number);
        emit Sealed(msg.sender, digest);
    }

    function _requireSealed(address sender, bytes32 calldataHash) internal view {
        bytes32 digest = keccak256(abi.encode(sender, calldataHash));
        uint64 registered = sealedAt[digest];
        require(registered != 0 && registered < block.number, NotSealed(sender, digest));
    }
}
