// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IGame } from "contracts/interfaces/IGame.sol";
import { ILedgerArbiter } from "contracts/interfaces/ILedgerArbiter.sol";
import { ILedgerClaims } from "contracts/interfaces/ILedgerClaims.sol";
import { ISeals } from "contracts/interfaces/ISeals.sol";
import { Machine } from "contracts/types/Machine.sol";
import { LedgerGames } from "tests/contracts/handlers/LedgerGames.sol";
import { Trees } from "tests/contracts/handlers/Trees.sol";

/// @title The game about a ledger claim
contract LedgerGameTest is LedgerGames {
    // --- false claims fall ---

    function _requireRefuted(Claimed memory c, Play memory g, uint64 from) private {
        uint256 credit = bonds.credits(carol);
        _refute(c, g, from);
        assertTrue(_state(c.id) == ILedgerClaims.State.Refuted);
        assertEq(bonds.credits(carol) - credit, CHALLENGE_BOND + PRIZE);
        assertEq(GRAVE.balance, CLAIM_BOND - PRIZE);
        assertEq(ledger.positions(g.id), 0);
        assertTrue(ledger.clocks(g.id).turn == IGame.Side.Over);
    }

    function test_AFalseClaimFalls() public {
        (Claimed memory c, Play memory g) = _lied();
        _requireRefuted(c, g, 0);
        assertEq(ledger.status(c.id).games, 0);
    }

    function testFuzz_AnyLieFalls(uint256 batches, uint256 step, bool once) public {
        uint64 to = uint64(bound(batches, 1, BATCHES));
        Claimed memory c = _standLie(to, Lie(uint32(bound(step, 1, to * STEPS)), once, 0));
        _requireRefuted(c, _open(c, carol, "salt"), 0);
    }

    function testFuzz_AnyLieOnATrueBaseFalls(uint256 base, uint256 step, bool once) public {
        uint64 from = uint64(bound(base, 1, BATCHES - 1));
        Claimed memory first = _standHonest(alice, 0, 0, from);
        uint32 step_ = uint32(bound(step, 1, (BATCHES - from) * STEPS));
        Claimed memory c = _claim(carl, first.id, from, BATCHES, Lie(step_, once, 0));
        _stand(c);
        _requireRefuted(c, _open(c, carol, "salt"), from);
    }

    /// @dev One step that claims a whole batch.
    function test_ATraceOfOneStepHasAGame() public {
        Claimed memory c = _claim(carl, 0, 0, 1, _honest());
        c.leaves = new bytes32[](2);
        (c.leaves[0], c.leaves[1]) = (c.claim.start, c.claim.end);
        (c.claim.steps, c.claim.trace) = (1, Trees.root(c.leaves));
        c.id = keccak256(abi.encode(c.claim));
        _stand(c);
        Play memory g = _open(c, carol, "salt");
        assertEq(g.position.level, 1);
        _reveal(g, carl, c.leaves);
        _choose(g, c.leaves, 1);
        assertTrue(g.position.phase == ILedgerClaims.Phase.Prove);
        _sealed(carol, _proveCall(g, c.leaves, 0));
        assertTrue(_state(c.id) == ILedgerClaims.State.Refuted);
    }

    /// @dev 4,098 machines: levels 13, 7, 1, 0.
    function test_ALongTraceGoesDownInSixes() public {
        Claimed memory c = _claim(carl, 0, 0, 2, _honest());
        bytes32[] memory leaves = new bytes32[](4098);
        for (uint256 i = 1; i < 4097; ++i) {
            leaves[i] = bytes32(i);
        }
        (leaves[0], leaves[4097]) = (c.claim.start, c.claim.end);
        (c.claim.steps, c.claim.trace, c.leaves) = (4097, Trees.root(leaves), leaves);
        _stand(c);
        Play memory g = _open(c, carol, "salt");
        uint8[4] memory levels = [13, 7, 1, 0];
        for (uint256 i; i < 4; ++i) {
            assertEq(g.position.level, levels[i]);
            if (i == 3) break;
            _reveal(g, carl, leaves);
            _choose(g, leaves, 4097);
        }
        assertTrue(g.position.phase == ILedgerClaims.Phase.Prove);
        assertEq(g.position.node, c.claim.end);
    }

    function test_SeveralGamesRunSideBySideAndOneRefutes() public {
        (Claimed memory c, Play memory g) = _lied();
        Play memory other = _open(c, alice, "salt");
        Play memory third = _open(c, carol, "more salt");
        _reveal(other, carl, c.leaves);
        _wait(7);
        _requireRefuted(c, g, 0);
        ILedgerClaims.State standing = ILedgerClaims.State.Standing;
        ILedgerClaims.State refuted = ILedgerClaims.State.Refuted;
        _wait(CLOCK);
        bytes memory why = abi.encodeWithSelector(ILedgerClaims.WrongState.selector, c.id, refuted, standing);
        _expect(carl, abi.encodeCall(ILedgerClaims.timeout, (other.id, other.position)), why);
        _expect(carl, abi.encodeCall(ILedgerClaims.timeout, (third.id, third.position)), why);
        vm.expectEmit(address(ledger));
        emit ILedgerClaims.Closed(other.id, c.id, ILedgerClaims.Outcome.Void);
        ledger.voidGame(other.id, other.position);
        ledger.voidGame(third.id, third.position);
        assertEq(bonds.credits(alice), CHALLENGE_BOND);
        assertEq(bonds.credits(carol), 2 * CHALLENGE_BOND + PRIZE);
        assertEq(bonds.locked(address(ledger)), 0);
    }

    // --- true claims do not ---

    function testFuzz_NothingCanBeProvedAgainstATrueClaim(uint256 batches, uint256 machine) public {
        uint64 to = uint64(bound(batches, 1, BATCHES));
        Claimed memory c = _standHonest(alice, 0, 0, to);
        Play memory g = _open(c, carl, "salt");
        machine = bound(machine, 1, to * STEPS);
        while (g.position.phase != ILedgerClaims.Phase.Prove) {
            _reveal(g, alice, c.leaves);
            _choose(g, c.leaves, machine);
        }
        bytes memory call = _proveCall(g, c.leaves, 0);
        _seal(carl, call);
        _expect(carl, call, abi.encodeWithSelector(ILedgerClaims.NothingWrong.selector));
        _wait(CLOCK);
        ledger.timeout(g.id, g.position);
        _makeFinalNow(c);
        assertEq(bonds.credits(alice), CLAIM_BOND + CHALLENGE_BOND);
    }

    function _makeFinalNow(Claimed memory c) private {
        _wait(WINDOW);
        _finalize(c);
    }

    function test_AnybodyAnswersForASilentClaimant() public {
        (Claimed memory c, Play memory g) = _told();
        _reveal(g, carol, c.leaves);
        _wait(CLOCK);
        ledger.timeout(g.id, g.position);
        assertTrue(_state(c.id) == ILedgerClaims.State.Standing);
        assertEq(bonds.credits(alice), CHALLENGE_BOND);
    }

    function test_PlayingAgainstOneselfBurns() public {
        Claimed memory c = _standHonest(carl, 0, 0, 2);
        Play memory g = _open(c, carl, "self");
        _wait(CLOCK);
        ledger.timeout(g.id, g.position);
        assertEq(bonds.credits(carl), CHALLENGE_BOND + PRIZE);
        assertEq(GRAVE.balance, CLAIM_BOND - PRIZE);
    }

    // --- opening ---

    function _openCall(Claimed memory c, bytes32 salt) private pure returns (bytes memory) {
        return abi.encodeCall(ILedgerClaims.open, (c.claim, salt));
    }

    function _expectOpen(Claimed memory c, uint256 value, bytes memory why) private {
        vm.expectRevert(why);
        this.callExternally(carol, value, _openCall(c, "salt"));
    }

    function test_AGameBeginsWithTheClaimantsTurn() public {
        (Claimed memory c, Play memory g) = _lied();
        ILedgerClaims.Position memory p = ILedgerClaims.Position({
            claim: c.id,
            claimant: carl,
            challenger: carol,
            batch: 2,
            trace: c.claim.trace,
            leaves: 21,
            phase: ILedgerClaims.Phase.Reveal,
            node: c.claim.trace,
            level: 5,
            index: 0
        });
        assertEq(abi.encode(g.position), abi.encode(p));
        assertEq(g.id, ledger.gameId(c.id, carol, "salt"));
        IGame.Clock memory clock = IGame.Clock(CLOCK, CLOCK, _now(), IGame.Side.Accountant);
        assertEq(abi.encode(ledger.clocks(g.id)), abi.encode(clock));
        assertEq(ledger.status(c.id).games, 1);
        assertEq(bonds.locked(address(ledger)), CLAIM_BOND + CHALLENGE_BOND);
    }

    function test_AnotherChallengeBondIsRefused() public {
        Claimed memory c = _standLie(2, Lie(WRONG, false, 0));
        bytes4 wrong = ILedgerClaims.WrongValue.selector;
        _expectOpen(c, 0, abi.encodeWithSelector(wrong, 0, CHALLENGE_BOND));
        _expectOpen(c, CLAIM_BOND, abi.encodeWithSelector(wrong, CLAIM_BOND, CHALLENGE_BOND));
    }

    function test_AGameNeedsAStandingClaimInItsWindow() public {
        Claimed memory c = _claim(alice, 0, 0, 2, _honest());
        ILedgerClaims.State standing = ILedgerClaims.State.Standing;
        bytes4 wrong = ILedgerClaims.WrongState.selector;
        bytes memory why = abi.encodeWithSelector(wrong, c.id, ILedgerClaims.State.None, standing);
        _expectOpen(c, CHALLENGE_BOND, why);
        _stand(c);
        _wait(WINDOW);
        _expectOpen(c, CHALLENGE_BOND, abi.encodeWithSelector(ILedgerClaims.TooLate.selector, _now()));
        _finalize(c);
        why = abi.encodeWithSelector(wrong, c.id, ILedgerClaims.State.Final, standing);
        _expectOpen(c, CHALLENGE_BOND, why);
    }

    function test_AGameMayBeginInTheWindowsLastSecond() public {
        Claimed memory c = _standLie(2, Lie(WRONG, false, 0));
        _wait(WINDOW - 1);
        _requireRefuted(c, _open(c, carol, "salt"), 0);
    }

    function test_ASaltServesOnceForEverForEachChallenger() public {
        (Claimed memory c, Play memory g) = _told();
        bytes memory why = abi.encodeWithSelector(ILedgerClaims.GameExists.selector, g.id);
        vm.expectRevert(why);
        this.callExternally(carl, CHALLENGE_BOND, _openCall(c, "salt"));
        _reveal(g, alice, c.leaves);
        _wait(CLOCK);
        ledger.timeout(g.id, g.position);
        vm.expectRevert(why);
        this.callExternally(carl, CHALLENGE_BOND, _openCall(c, "salt"));
        _callAs(carol, CHALLENGE_BOND, _openCall(c, "salt"));
    }

    // --- revealing ---

    function test_AWrongRevealIsRefused() public {
        (Claimed memory c, Play memory g) = _lied();
        bytes32[] memory few = Trees.children(_trace(0, 1, _honest()), 0, 0, 4);
        bytes memory call = abi.encodeCall(ILedgerClaims.reveal, (g.id, g.position, few));
        _expect(carl, call, abi.encodeWithSelector(ILedgerClaims.WrongCount.selector, 11, 21));
        bytes32[] memory others = _trace(0, 2, _honest());
        call = abi.encodeCall(ILedgerClaims.reveal, (g.id, g.position, others));
        bytes4 wrong = ILedgerClaims.WrongProof.selector;
        _expect(carl, call, abi.encodeWithSelector(wrong, Trees.root(others), c.claim.trace));
    }

    function test_APositionIsTheOneThatTheGameIsIn() public {
        (Claimed memory c, Play memory g) = _lied();
        ILedgerClaims.Position memory p = g.position;
        bytes32 held = ledger.positions(g.id);
        p.node = Trees.root(_trace(0, 2, _honest()));
        bytes32 given = keccak256(abi.encode(p));
        bytes4 wrong = ILedgerClaims.WrongPosition.selector;
        bytes memory why = abi.encodeWithSelector(wrong, g.id, given, held);
        _expect(carl, _revealCall(g, c.leaves), why);
        _expect(carl, abi.encodeCall(ILedgerClaims.timeout, (g.id, p)), why);
        _expect(carl, abi.encodeCall(ILedgerClaims.voidGame, (g.id, p)), why);
    }

    function test_AMoveBelongsToItsPhase() public {
        (Claimed memory c, Play memory g) = _lied();
        bytes4 wrong = ILedgerClaims.WrongPhase.selector;
        bytes memory why = abi.encodeWithSelector(wrong, ILedgerClaims.Phase.Reveal);
        _expect(carol, _chooseCall(g, c.leaves, WRONG), why);
        _reveal(g, carl, c.leaves);
        why = abi.encodeWithSelector(wrong, ILedgerClaims.Phase.Choose);
        bytes memory again = abi.encodeCall(ILedgerClaims.reveal, (g.id, g.position, c.leaves));
        _expect(carl, again, why);
        bytes memory early = abi.encodeCall(
            ILedgerClaims.prove, (g.id, g.position, _machine(0), Trees.leafProof(c.leaves, 0), _none())
        );
        _seal(carol, early);
        _expect(carol, early, why);
        _choose(g, c.leaves, WRONG);
        bytes memory late = abi.encodeCall(
            ILedgerClaims.choose, (g.id, g.position, WRONG, c.leaves[WRONG], new bytes32[](0))
        );
        _expect(carol, late, abi.encodeWithSelector(wrong, ILedgerClaims.Phase.Prove));
    }

    // --- choosing ---

    function test_OnlyTheChallengerChoosesAndProves() public {
        (Claimed memory c, Play memory g) = _lied();
        _reveal(g, carl, c.leaves);
        bytes memory why = abi.encodeWithSelector(ILedgerClaims.NotYourTurn.selector, carl, carol);
        _expect(carl, _chooseCall(g, c.leaves, WRONG), why);
        _choose(g, c.leaves, WRONG);
        bytes memory call = _proveCall(g, c.leaves, 0);
        _seal(carl, call);
        _expect(carl, call, why);
    }

    function test_TheFirstMachineCannotBeChosen() public {
        (Claimed memory c, Play memory g) = _lied();
        _reveal(g, carl, c.leaves);
        bytes4 wrong = ILedgerClaims.OutOfRange.selector;
        _expect(carol, _chooseCall(g, c.leaves, 0), abi.encodeWithSelector(wrong, 0, 21));
    }

    function test_APartWithTheFirstMachineCanBeChosen() public {
        Claimed memory c = _standLie(BATCHES, Lie(1, false, 0));
        Play memory g = _open(c, carol, "salt");
        _reveal(g, carl, c.leaves);
        _choose(g, c.leaves, 0);
        assertTrue(g.position.phase == ILedgerClaims.Phase.Reveal);
        _requireRefuted(c, g, 0);
    }

    function test_PaddingCannotBeChosen() public {
        (Claimed memory c, Play memory g) = _lied();
        _reveal(g, carl, c.leaves);
        bytes32[] memory proof = Trees.proof(c.leaves, 0, 20, 5);
        for (uint32 i = 21; i < 33; ++i) {
            bytes memory call = abi.encodeCall(ILedgerClaims.choose, (g.id, g.position, i, 0, proof));
            _expect(carol, call, abi.encodeWithSelector(ILedgerClaims.OutOfRange.selector, i, 21));
        }
    }

    function test_OnlyWhatWasRevealedCanBeChosen() public {
        (Claimed memory c, Play memory g) = _lied();
        _reveal(g, carl, c.leaves);
        bytes32[] memory truth = _trace(0, 2, _honest());
        bytes32[] memory proof = Trees.proof(truth, 0, WRONG, 5);
        bytes32 root = Trees.root(truth);
        bytes memory call =
            abi.encodeCall(ILedgerClaims.choose, (g.id, g.position, WRONG, truth[WRONG], proof));
        bytes4 wrong = ILedgerClaims.WrongProof.selector;
        _expect(carol, call, abi.encodeWithSelector(wrong, root, c.claim.trace));
    }

    function test_AChildLiesInTheSubtreeUnderDispute() public {
        Claimed memory c = _standLie(BATCHES, Lie(70, false, 0));
        Play memory g = _open(c, carol, "salt");
        _reveal(g, carl, c.leaves);
        _choose(g, c.leaves, 70);
        _reveal(g, carl, c.leaves);
        bytes32[] memory proof = Trees.proof(c.leaves, 0, 68, 1);
        bytes memory call = abi.encodeCall(ILedgerClaims.choose, (g.id, g.position, 68, c.leaves[68], proof));
        _expect(carol, call, abi.encodeWithSelector(ILedgerClaims.OutOfRange.selector, 68, 72));
    }

    // --- proving ---

    function test_AProofIsSealed() public {
        (Claimed memory c, Play memory g) = _chosen();
        bytes memory call = _proveCall(g, c.leaves, 0);
        bytes32 digest = keccak256(abi.encode(carol, keccak256(call)));
        bytes memory why = abi.encodeWithSelector(ISeals.NotSealed.selector, carol, digest);
        _expect(carol, call, why);
        vm.prank(carol);
        ledger.seal(digest);
        _expect(carol, call, why);
        vm.roll(vm.getBlockNumber() + 1);
        _callAs(carol, 0, call);
    }

    function test_TheMachineBeforeIsTheTracesOwn() public {
        (Claimed memory c, Play memory g) = _chosen();
        bytes32[] memory proof = Trees.leafProof(c.leaves, WRONG - 1);
        Machine memory before = _machine(WRONG - 2);
        bytes memory call = abi.encodeCall(ILedgerClaims.prove, (g.id, g.position, before, proof, _none()));
        _seal(carol, call);
        vm.expectPartialRevert(ILedgerClaims.WrongProof.selector);
        this.callExternally(carol, 0, call);
        // The machine two before, with its own proof, is no neighbour.
        proof = Trees.leafProof(c.leaves, WRONG - 2);
        call = abi.encodeCall(ILedgerClaims.prove, (g.id, g.position, before, proof, _none()));
        _seal(carol, call);
        vm.expectPartialRevert(ILedgerClaims.WrongProof.selector);
        this.callExternally(carol, 0, call);
    }

    function test_WhatTheArbiterRefusesProvesNothing() public {
        (Claimed memory c, Play memory g) = _chosen();
        bytes memory refused = abi.encodeWithSelector(ILedgerArbiter.NoSuchPhase.selector, 9);
        vm.mockCallRevert(address(arbiter), abi.encodePacked(ILedgerArbiter.step.selector), refused);
        bytes memory call = _proveCall(g, c.leaves, 0);
        _seal(carol, call);
        _expect(carol, call, refused);
    }

    function test_TheArbiterLearnsAtWhichBatchTheClaimEnds() public {
        (Claimed memory c, Play memory g) = _chosen();
        bytes memory asked = abi.encodeCall(ILedgerArbiter.step, (_machine(WRONG - 1), 2, _none()));
        vm.expectCall(address(arbiter), asked);
        _sealed(carol, _proveCall(g, c.leaves, 0));
    }
}
