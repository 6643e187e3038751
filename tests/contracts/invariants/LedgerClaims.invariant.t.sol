// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { LedgerActors } from "tests/contracts/handlers/LedgerActors.sol";
import { Test } from "tests/contracts/Vm.sol";

contract LedgerClaimsInvariantTest is Test {
    LedgerActors private actors;
    address private alice;
    address private carol;
    address private carl;

    function setUp() public {
        actors = new LedgerActors();
        (alice, carol, carl) = actors.actors();
        bytes4[] memory selectors = new bytes4[](10);
        selectors[0] = LedgerActors.claimTruth.selector;
        selectors[1] = LedgerActors.claimTruthAsCarl.selector;
        selectors[2] = LedgerActors.claimLie.selector;
        selectors[3] = LedgerActors.openAgainst.selector;
        selectors[4] = LedgerActors.carlMoves.selector;
        selectors[5] = LedgerActors.meddle.selector;
        selectors[6] = LedgerActors.withdraw.selector;
        selectors[7] = LedgerActors.draw.selector;
        // Twice, so that games and windows end within a run.
        selectors[8] = LedgerActors.wait.selector;
        selectors[9] = LedgerActors.wait.selector;
        targetContract(address(actors));
        targetSelector(address(actors), selectors);
    }

    /// forge-config: default.invariant.runs = 16
    /// forge-config: default.invariant.depth = 64
    /// forge-config: all.invariant.runs = 48
    /// forge-config: all.invariant.depth = 256
    function invariant_TruthStandsLiesFallAndNobodyGains() public view {
        assertFalse(actors.lieFinal(), "a false claim became final");
        assertFalse(actors.truthRefuted(), "a true claim was refuted");
        assertFalse(actors.jumped(), "a state changed in a forbidden way");
        assertFalse(actors.clockGrew(), "a clock grew");
        assertFalse(actors.overpaid(), "more was paid than withdrawn, or against no final true claim");
        assertEq(actors.gamesOpen(), actors.gamesCounted(), "open games are counted");
        assertEq(actors.staked(), actors.locked(), "what is at stake is locked");
        assertEq(actors.bondsIn(), actors.bondsHeld() + actors.bondsOut(), "bonds in = out + held + burnt");
        assertGe(actors.back(alice), actors.due(alice), "an honest claimant lost");
        assertGe(actors.back(carol), actors.due(carol), "an honest challenger lost");
        assertLe(actors.back(carl), actors.paidIn(carl), "a hostile player gained");
        (uint256 held, uint256 paid, bool mismatched) = actors.deposits();
        assertEq(held + paid, actors.deposited(), "deposits = held + paid");
        assertFalse(mismatched, "an account got what it did not withdraw");
    }

    /// @dev That the actors can come to every end, so that the invariant speaks of something.
    function test_TheActorsReachEveryEnd() public {
        for (uint256 seed; seed < 600; ++seed) {
            uint256 random = uint256(keccak256(abi.encode(seed)));
            uint256 other = random >> 128;
            uint256 move = random % 10;
            if (move == 0) actors.claimTruth(random, other);
            else if (move == 1) actors.claimTruthAsCarl(random, other);
            else if (move == 2) actors.claimLie(random, other, random >> 64, other % 2 == 0);
            else if (move == 3) actors.openAgainst(random);
            else if (move == 4) actors.carlMoves(random, other);
            else if (move == 5) actors.meddle(random, other);
            else if (move == 6) actors.withdraw(random, other, random >> 64);
            else if (move == 7) actors.draw(random);
            else actors.wait(random);
        }
        assertGt(actors.finals(), 0);
        assertGt(actors.refuted(), 0);
        assertGt(actors.orphaned(), 0);
        assertGt(actors.withdrawals(), 0);
        assertGt(actors.due(alice), 0);
        assertGt(actors.due(carol), 0);
        invariant_TruthStandsLiesFallAndNobodyGains();
    }
}
