// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IBonds } from "contracts/interfaces/IBonds.sol";
import { IClaimArbiter } from "contracts/interfaces/IClaimArbiter.sol";
import { IClaims } from "contracts/interfaces/IClaims.sol";
import { IGame } from "contracts/interfaces/IGame.sol";
import { IInbox } from "contracts/interfaces/IInbox.sol";
import { ILedgerArbiter } from "contracts/interfaces/ILedgerArbiter.sol";
import { ILedgerClaims } from "contracts/interfaces/ILedgerClaims.sol";
import { ITensorArbiter } from "contracts/interfaces/ITensorArbiter.sol";
import { ITransactionArbiter } from "contracts/interfaces/ITransactionArbiter.sol";
import { Vm } from "tests/contracts/Vm.sol";

/// @title Creates the contracts from the artifacts that are shipped
/// @notice Tests know the interfaces alone, so that they compile in seconds and test the very bytes that are deployed;
/// `make test-contracts` and `make lint` see to it that the artifacts are those of the sources.
library Deploy {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function bonds(address inbox_, address claims_, address game_, address ledgerClaims_)
        internal
        returns (IBonds)
    {
        return IBonds(_create("Bonds", abi.encode(inbox_, claims_, game_, ledgerClaims_)));
    }

    function inbox(IInbox.Rules memory rules, IBonds bonds_, address claims_, address ledgerClaims_)
        internal
        returns (IInbox)
    {
        return IInbox(_create("Inbox", abi.encode(rules, bonds_, claims_, ledgerClaims_)));
    }

    function claims(
        IClaims.Rules memory rules,
        IBonds bonds_,
        IInbox inbox_,
        address game_,
        address claimArbiter_
    ) internal returns (IClaims) {
        bytes memory arguments = abi.encode(rules, bonds_, inbox_, game_, claimArbiter_);
        return IClaims(_create("Claims", arguments));
    }

    function game(
        IClaims.Rules memory rules,
        IBonds bonds_,
        IClaims claims_,
        ITensorArbiter tensorArbiter_,
        IClaimArbiter claimArbiter_
    ) internal returns (IGame) {
        bytes memory arguments = abi.encode(rules, bonds_, claims_, tensorArbiter_, claimArbiter_);
        return IGame(_create("Game", arguments));
    }

    function tensorArbiter() internal returns (ITensorArbiter) {
        return ITensorArbiter(_create("TensorArbiter", ""));
    }

    function claimArbiter(IInbox inbox_, IClaims claims_, ITensorArbiter arbiter)
        internal
        returns (IClaimArbiter)
    {
        bytes memory arguments = abi.encode(inbox_, claims_, arbiter);
        return IClaimArbiter(_create("ClaimArbiter", arguments));
    }

    function transactionArbiter() internal returns (ITransactionArbiter) {
        return ITransactionArbiter(_create("TransactionArbiter", ""));
    }

    function ledgerArbiter(IInbox inbox_, ITransactionArbiter transactions)
        internal
        returns (ILedgerArbiter)
    {
        return ILedgerArbiter(_create("LedgerArbiter", abi.encode(inbox_, transactions)));
    }

    function ledgerClaims(
        ILedgerClaims.Rules memory rules,
        IBonds bonds_,
        IInbox inbox_,
        ILedgerArbiter arbiter,
        bytes32 genesis
    ) internal returns (ILedgerClaims) {
        bytes memory arguments = abi.encode(rules, bonds_, inbox_, arbiter, genesis);
        return ILedgerClaims(_create("LedgerClaims", arguments));
    }

    /// @dev Passes on what a constructor reverts with.
    function _create(string memory name, bytes memory arguments) private returns (address created) {
        bytes memory creation =
            bytes.concat(vm.getCode(string.concat("anh_rollup/l1/artifacts/", name, ".json")), arguments);
        assembly ("memory-safe") {
            created := create(0, add(creation, 0x20), mload(creation))
            if iszero(created) {
                returndatacopy(mload(0x40), 0, returndatasize())
                revert(mload(0x40), returndatasize())
            }
        }
    }
}
