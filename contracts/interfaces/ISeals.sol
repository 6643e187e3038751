// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Announcements of calls whose evidence is worth copying
/// @notice Whoever finds evidence announces the hash of its call, and makes the call in a later block: who copies it from
/// the pool of pending transactions has announced nothing.
interface ISeals {
    /// @notice A sealed call was announced.
    event Sealed(address indexed sender, bytes32 indexed seal);

    /// @notice The call was not announced by its sender in an earlier block.
    error NotSealed(address sender, bytes32 seal);

    /// @notice Announces a call whose evidence is worth copying.
    /// @param digest keccak256(abi.encode(sender, keccak256(calldata))).
    function seal(bytes32 digest) external;

    /// @notice The block in which a seal was registered, 0 where it was not.
    function sealedAt(bytes32 digest) external view returns (uint64);
}
