// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IGame } from "contracts/interfaces/IGame.sol";
import { ILedgerClaims } from "contracts/interfaces/ILedgerClaims.sol";
import { LedgerGames } from "tests/contracts/handlers/LedgerGames.sol";

/// @title The clocks of a game about a ledger claim
contract LedgerClocksTest is LedgerGames {
    function test_EachSidesClockRunsInItsTurns() public {
        (Claimed memory c, Play memory g) = _lied();
        _wait(30);
        _reveal(g, carl, c.leaves);
        _wait(50);
        _choose(g, c.leaves, WRONG);
        // It is still the challenger's turn: its clock runs on from where the turn began.
        IGame.Clock memory clock = IGame.Clock(CLOCK - 30, CLOCK, _now() - 50, IGame.Side.Challenger);
        assertEq(abi.encode(ledger.clocks(g.id)), abi.encode(clock));
        assertEq(_end(g.id), _now() + CLOCK - 50);
    }

    function test_ClocksPassBetweenReveals() public {
        Claimed memory c = _standLie(BATCHES, Lie(70, false, 0));
        Play memory g = _open(c, carol, "salt");
        _wait(30);
        _reveal(g, carl, c.leaves);
        _wait(50);
        _choose(g, c.leaves, 70);
        IGame.Clock memory clock = IGame.Clock(CLOCK - 30, CLOCK - 50, _now(), IGame.Side.Accountant);
        assertEq(abi.encode(ledger.clocks(g.id)), abi.encode(clock));
    }

    function test_NoMoveIsMadeWhenTheClockHasRunOut() public {
        (Claimed memory c, Play memory g) = _lied();
        uint64 end = _end(g.id);
        _wait(CLOCK);
        bytes4 out = ILedgerClaims.ClockRanOut.selector;
        _expect(carl, _revealCall(g, c.leaves), abi.encodeWithSelector(out, end));
        vm.warp(end - 1);
        _reveal(g, carl, c.leaves);
        vm.warp(_end(g.id));
        bytes memory why = abi.encodeWithSelector(out, _now());
        _expect(carol, _chooseCall(g, c.leaves, WRONG), why);
        vm.warp(_now() - 1);
        _choose(g, c.leaves, WRONG);
        _wait(1);
        bytes memory call = _proveCall(g, c.leaves, 0);
        _seal(carol, call);
        _expect(carol, call, why);
    }

    function test_ALateClaimantLosesTheClaim() public {
        (Claimed memory c, Play memory g) = _lied();
        bytes memory call = abi.encodeCall(ILedgerClaims.timeout, (g.id, g.position));
        uint64 end = _end(g.id);
        vm.warp(end - 1);
        _expect(carol, call, abi.encodeWithSelector(ILedgerClaims.ClockStillRuns.selector, end));
        vm.warp(end);
        vm.expectEmit(address(ledger));
        emit ILedgerClaims.Refuted(c.id, carol, PRIZE);
        vm.expectEmit(address(ledger));
        emit ILedgerClaims.Closed(g.id, c.id, ILedgerClaims.Outcome.ClaimantLate);
        _callAs(alice, 0, call);
        assertTrue(_state(c.id) == ILedgerClaims.State.Refuted);
        assertEq(bonds.credits(carol), PRIZE + CHALLENGE_BOND);
        bytes32 given = keccak256(abi.encode(g.position));
        _expect(alice, call, abi.encodeWithSelector(ILedgerClaims.WrongPosition.selector, g.id, given, 0));
    }

    function test_ALateChallengerLosesItsBondInEitherOfItsTurns() public {
        (Claimed memory c, Play memory g) = _told();
        Play memory other = _open(c, carl, "other");
        _reveal(g, alice, c.leaves);
        _reveal(other, alice, c.leaves);
        _choose(other, c.leaves, 9);
        _wait(CLOCK);
        vm.expectEmit(address(ledger));
        emit ILedgerClaims.Closed(g.id, c.id, ILedgerClaims.Outcome.ChallengerLate);
        ledger.timeout(g.id, g.position);
        ledger.timeout(other.id, other.position);
        assertEq(bonds.credits(alice), 2 * CHALLENGE_BOND);
        assertEq(ledger.status(c.id).games, 0);
        assertTrue(_state(c.id) == ILedgerClaims.State.Standing);
    }

    function test_AGameOverAStandingClaimIsNotVoid() public {
        (Claimed memory c, Play memory g) = _told();
        bytes4 wrong = ILedgerClaims.WrongState.selector;
        ILedgerClaims.State standing = ILedgerClaims.State.Standing;
        bytes memory why = abi.encodeWithSelector(wrong, c.id, standing, ILedgerClaims.State.Refuted);
        _expect(carl, abi.encodeCall(ILedgerClaims.voidGame, (g.id, g.position)), why);
    }

    function test_AGameThatNeverWasHasNoMoves() public {
        (Claimed memory c, Play memory g) = _lied();
        g.id = "never";
        bytes32 given = keccak256(abi.encode(g.position));
        bytes memory why = abi.encodeWithSelector(ILedgerClaims.WrongPosition.selector, g.id, given, 0);
        _expect(carl, _revealCall(g, c.leaves), why);
    }
}
