// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { LedgerArena } from "tests/contracts/handlers/LedgerArena.sol";

/// @title Games about ledger claims in the stages that tests begin with
abstract contract LedgerGames is LedgerArena {
    uint32 internal constant WRONG = 15;

    function setUp() public {
        _deploy();
    }

    function callExternally(address sender, uint256 value, bytes memory call) external {
        _callAs(sender, value, call);
    }

    function _expect(address sender, bytes memory call, bytes memory why) internal {
        vm.expectRevert(why);
        this.callExternally(sender, 0, call);
    }

    function _lied() internal returns (Claimed memory c, Play memory g) {
        c = _standLie(2, Lie(WRONG, false, 0));
        g = _open(c, carol, "salt");
    }

    function _chosen() internal returns (Claimed memory c, Play memory g) {
        (c, g) = _lied();
        _reveal(g, carl, c.leaves);
        _choose(g, c.leaves, WRONG);
    }

    function _told() internal returns (Claimed memory c, Play memory g) {
        c = _standHonest(alice, 0, 0, 2);
        g = _open(c, carl, "salt");
    }
}
