// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IInbox } from "contracts/interfaces/IInbox.sol";
import { ILedgerClaims } from "contracts/interfaces/ILedgerClaims.sol";
import { Machine } from "contracts/types/Machine.sol";
import { Deploy } from "tests/contracts/Deploy.sol";
import { LedgerArena } from "tests/contracts/handlers/LedgerArena.sol";
import { Trees } from "tests/contracts/handlers/Trees.sol";

/// @title Making claims about the ledger, and what becomes of them
contract LedgerClaimsTest is LedgerArena {
    function setUp() public {
        _deploy();
    }

    /// @dev For `expectRevert`, which wants an external call.
    function standExternally(Claimed memory c) external {
        _stand(c);
    }

    function _expectRefused(Claimed memory c, bytes memory why) private {
        vm.expectRevert(why);
        this.standExternally(c);
    }

    function _true() private view returns (Claimed memory) {
        return _claim(alice, 0, 0, 2, _honest());
    }

    function _wrongState(bytes32 id, ILedgerClaims.State state, ILedgerClaims.State needed)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSelector(ILedgerClaims.WrongState.selector, id, state, needed);
    }

    // --- rules ---

    function deployExternally(ILedgerClaims.Rules memory rules) external {
        Deploy.ledgerClaims(rules, bonds, inbox, arbiter, "genesis");
    }

    function test_RulesAreKept() public view {
        assertEq(abi.encode(ledger.rules()), abi.encode(_rules()));
        assertEq(ledger.genesis(), keccak256(abi.encode(_machine(0))));
    }

    function test_ImpossibleRulesAreRefused() public {
        ILedgerClaims.Rules[6] memory bad = [_rules(), _rules(), _rules(), _rules(), _rules(), _rules()];
        bad[0].window = 0;
        bad[1].window = uint64(type(uint32).max) + 1;
        bad[2].clock = 0;
        bad[3].clock = uint64(type(uint32).max) + 1;
        bad[4].claimBond = 0;
        bad[5].prizeShareBps = 10_001;
        for (uint256 i; i < 6; ++i) {
            vm.expectRevert(ILedgerClaims.RulesImpossible.selector);
            this.deployExternally(bad[i]);
        }
    }

    function test_ExtremeRulesArePossible() public {
        uint64 most = type(uint32).max;
        ILedgerClaims.Rules memory rules = ILedgerClaims.Rules(most, most, 1, 0, 10_000);
        ILedgerClaims made = Deploy.ledgerClaims(rules, bonds, inbox, arbiter, "genesis");
        assertEq(abi.encode(made.rules()), abi.encode(rules));
    }

    // --- claims that stand ---

    function test_AClaimStands() public {
        Claimed memory c = _true();
        vm.expectEmit(address(ledger));
        emit ILedgerClaims.Claimed(c.id, alice, 2, c.claim, c.end);
        _stand(c);
        ILedgerClaims.Status memory known =
            ILedgerClaims.Status(_now(), 2, 0, ILedgerClaims.State.Standing, c.claim.end);
        assertEq(abi.encode(ledger.status(c.id)), abi.encode(known));
        assertEq(bonds.locked(address(ledger)), CLAIM_BOND);
    }

    function test_ClaimsBuildOnStandingAndFinalOnes() public {
        Claimed memory first = _standHonest(alice, 0, 0, 2);
        Claimed memory second = _standHonest(carol, first.id, 2, 3);
        _makeFinal(first);
        Claimed memory third = _standHonest(alice, first.id, 2, 3);
        _makeFinal(second);
        _makeFinal(third);
        assertTrue(_state(third.id) == ILedgerClaims.State.Final);
        assertEq(bonds.credits(alice), 2 * CLAIM_BOND);
    }

    function test_ManyClaimsAboutOneBatchStandSideBySide() public {
        Claimed memory a = _standHonest(alice, 0, 0, 2);
        Claimed memory b = _standHonest(carol, 0, 0, 2);
        Claimed memory c = _standLie(2, Lie(7, false, 0));
        assertNotEq(a.id, b.id);
        Play memory g = _open(c, carol, "salt");
        _refute(c, g, 0);
        _makeFinal(a);
        _makeFinal(b);
    }

    function test_AClaimMayStandStillAtItsEnd() public {
        Claimed memory c = _true();
        bytes32[] memory leaves = new bytes32[](25);
        for (uint256 i; i < 25; ++i) {
            leaves[i] = c.leaves[i < 20 ? i : 20];
        }
        c.leaves = leaves;
        (c.claim.steps, c.claim.trace) = (24, Trees.root(leaves));
        c.id = keccak256(abi.encode(c.claim));
        _stand(c);
        Play memory g = _open(c, carol, "salt");
        _reveal(g, alice, c.leaves);
        _choose(g, c.leaves, 23);
        bytes memory call = abi.encodeCall(
            ILedgerClaims.prove, (g.id, g.position, c.end, Trees.leafProof(leaves, 22), _none())
        );
        _seal(carol, call);
        vm.expectRevert(ILedgerClaims.NothingWrong.selector);
        this.callExternally(carol, call);
    }

    // --- claims that are refused ---

    function callExternally(address sender, bytes memory call) external {
        _callAs(sender, 0, call);
    }

    function test_AnotherBondIsRefused() public {
        Claimed memory c = _true();
        vm.expectRevert(abi.encodeWithSelector(ILedgerClaims.WrongValue.selector, CLAIM_BOND - 1, CLAIM_BOND));
        this.payExternally(alice, CLAIM_BOND - 1, _claimCall(c));
    }

    function payExternally(address sender, uint256 value, bytes memory call) external {
        _callAs(sender, value, call);
    }

    function test_NobodyClaimsForAnother() public {
        bytes memory call = _claimCall(_true());
        vm.expectRevert(abi.encodeWithSelector(ILedgerClaims.NotTheClaimant.selector, carol, alice));
        this.payExternally(carol, CLAIM_BOND, call);
    }

    function test_TheSameClaimIsRefusedAgainWhateverBecameOfIt() public {
        Claimed memory c = _true();
        _stand(c);
        ILedgerClaims.State none = ILedgerClaims.State.None;
        _expectRefused(c, _wrongState(c.id, ILedgerClaims.State.Standing, none));
        Claimed memory d = _standLie(2, Lie(5, false, 0));
        Play memory g = _open(d, carol, "salt");
        _refute(d, g, 0);
        _expectRefused(d, _wrongState(d.id, ILedgerClaims.State.Refuted, none));
        _makeFinal(c);
        _expectRefused(c, _wrongState(c.id, ILedgerClaims.State.Final, none));
    }

    function _expectWrongBatch(Claimed memory c, uint64 batch, bytes32 commitment) private {
        (c.claim.batch, c.claim.batchCommitment) = (batch, commitment);
        bytes32 held = inbox.commitments(batch);
        _expectRefused(c, abi.encodeWithSelector(ILedgerClaims.WrongBatch.selector, batch, commitment, held));
    }

    function test_ABatchThatIsNotTheInboxsIsRefused() public {
        _expectWrongBatch(_true(), 2, "another one");
        _expectWrongBatch(_true(), 2, inbox.commitments(3));
        _expectWrongBatch(_true(), BATCHES + 1, 0);
    }

    function test_AnotherStartIsRefused() public {
        Claimed memory base = _standHonest(alice, 0, 0, 2);
        Claimed memory c = _claim(carl, base.id, 1, 3, _honest());
        bytes memory why =
            abi.encodeWithSelector(ILedgerClaims.WrongStart.selector, c.claim.start, base.claim.end);
        _expectRefused(c, why);
        Claimed memory d = _claim(carl, 0, 1, 3, _honest());
        why = abi.encodeWithSelector(ILedgerClaims.WrongStart.selector, d.claim.start, ledger.genesis());
        _expectRefused(d, why);
    }

    function test_ABaseThatIsUnknownOrRefutedIsRefused() public {
        Claimed memory c = _claim(alice, "unknown", 0, 2, _honest());
        ILedgerClaims.State standing = ILedgerClaims.State.Standing;
        _expectRefused(c, _wrongState("unknown", ILedgerClaims.State.None, standing));
        Claimed memory base = _standLie(2, Lie(5, true, 0));
        _refute(base, _open(base, carol, "salt"), 0);
        c = _claim(alice, base.id, 2, 3, _honest());
        _expectRefused(c, _wrongState(base.id, ILedgerClaims.State.Refuted, standing));
    }

    function test_AClaimThatDoesNotGoOnIsRefused() public {
        Claimed memory base = _standHonest(alice, 0, 0, 2);
        Claimed memory c = _claim(carl, base.id, 2, 3, _honest());
        (c.claim.batch, c.claim.batchCommitment) = (2, inbox.commitments(2));
        _expectRefused(c, abi.encodeWithSelector(ILedgerClaims.BatchNotAhead.selector, 2, 2));
        c = _true();
        (c.claim.batch, c.claim.batchCommitment) = (0, inbox.commitments(0));
        _expectRefused(c, abi.encodeWithSelector(ILedgerClaims.BatchNotAhead.selector, 0, 0));
    }

    function test_NoClaimBeginsBeforeAFinalOne() public {
        Claimed memory early = _standHonest(alice, 0, 0, 2);
        Claimed memory late = _standHonest(carl, 0, 0, 3);
        assertEq(ledger.finalBatch(), 0);
        _makeFinal(late);
        assertEq(ledger.finalBatch(), 3);
        bytes4 behind = ILedgerClaims.BaseBehind.selector;
        _expectRefused(_claim(alice, 0, 0, 4, _honest()), abi.encodeWithSelector(behind, 0, 3));
        _expectRefused(_claim(alice, early.id, 2, 4, _honest()), abi.encodeWithSelector(behind, 2, 3));
        // What stood already may become final, and changes nothing for those to come.
        _finalize(early);
        assertEq(ledger.finalBatch(), 3);
        _standHonest(alice, late.id, 3, 4);
    }

    function test_AnotherEndIsRefused() public {
        Claimed memory c = _true();
        c.end = _machine(10);
        bytes32 given = keccak256(abi.encode(c.end));
        _expectRefused(c, abi.encodeWithSelector(ILedgerClaims.WrongEnd.selector, given, c.claim.end));
    }

    function test_AnEndAtWorkOrAtAnotherBatchIsRefused() public {
        Claimed memory c = _true();
        Machine memory busy = _machine(19);
        (c.end, c.claim.end) = (busy, keccak256(abi.encode(busy)));
        _expectRefused(c, abi.encodeWithSelector(ILedgerClaims.EndNotIdle.selector, 1, 2));
        Machine memory early = _machine(10);
        (c.end, c.claim.end) = (early, keccak256(abi.encode(early)));
        _expectRefused(c, abi.encodeWithSelector(ILedgerClaims.EndNotIdle.selector, 0, 1));
    }

    function test_ATraceThatHasNoTreeIsRefused() public {
        Claimed memory c = _true();
        c.claim.steps = 0;
        _expectRefused(c, abi.encodeWithSelector(ILedgerClaims.WrongSteps.selector, 0));
        c.claim.steps = type(uint32).max;
        _expectRefused(c, abi.encodeWithSelector(ILedgerClaims.WrongSteps.selector, type(uint32).max));
    }

    function test_BothEndsMustStandInTheTrace() public {
        Claimed memory c = _true();
        bytes32 start = c.leaves[0];
        c.leaves[0] = "another start";
        c.claim.trace = Trees.root(c.leaves);
        vm.expectPartialRevert(ILedgerClaims.WrongProof.selector);
        this.standExternally(c);
        (c.leaves[0], c.leaves[20]) = (start, "another end");
        c.claim.trace = Trees.root(c.leaves);
        vm.expectPartialRevert(ILedgerClaims.WrongProof.selector);
        this.standExternally(c);
    }

    // --- becoming final ---

    function finalizeExternally(Claimed memory c) external {
        _finalize(c);
    }

    function test_AClaimIsFinalAfterItsWindow() public {
        Claimed memory c = _standHonest(alice, 0, 0, 2);
        vm.expectRevert(abi.encodeWithSelector(ILedgerClaims.TooEarly.selector, _now() + WINDOW));
        this.finalizeExternally(c);
        _wait(WINDOW - 1);
        vm.expectRevert(abi.encodeWithSelector(ILedgerClaims.TooEarly.selector, _now() + 1));
        this.finalizeExternally(c);
        _wait(1);
        vm.expectEmit(address(ledger));
        emit ILedgerClaims.Finalized(c.id, alice, 2, c.claim.end);
        _finalize(c);
        assertEq(bonds.credits(alice), CLAIM_BOND);
        assertEq(bonds.locked(address(ledger)), 0);
        vm.expectRevert(_wrongState(c.id, ILedgerClaims.State.Final, ILedgerClaims.State.Standing));
        this.finalizeExternally(c);
    }

    function test_AClaimUnderDisputeIsNotFinal() public {
        Claimed memory c = _standHonest(alice, 0, 0, 2);
        Play memory g = _open(c, carl, "salt");
        _reveal(g, alice, c.leaves);
        _wait(WINDOW);
        vm.expectRevert(abi.encodeWithSelector(ILedgerClaims.StillContested.selector, 1));
        this.finalizeExternally(c);
        ledger.timeout(g.id, g.position);
        _finalize(c);
        assertEq(bonds.credits(alice), CLAIM_BOND + CHALLENGE_BOND);
    }

    function test_AClaimIsFinalBehindItsBaseOnly() public {
        Claimed memory base = _standHonest(carl, 0, 0, 2);
        Claimed memory c = _standHonest(alice, base.id, 2, 3);
        _wait(WINDOW);
        ILedgerClaims.State final_ = ILedgerClaims.State.Final;
        vm.expectRevert(_wrongState(base.id, ILedgerClaims.State.Standing, final_));
        this.finalizeExternally(c);
        _finalize(base);
        _finalize(c);
        assertTrue(_state(c.id) == final_);
    }

    function test_AClaimAboutABatchThatTheInboxLostIsNeverFinal() public {
        Claimed memory c = _standHonest(alice, 0, 0, 2);
        _wait(WINDOW);
        bytes memory asked = abi.encodeCall(IInbox.commitments, (2));
        vm.mockCall(address(inbox), asked, abi.encode("another one"));
        vm.expectPartialRevert(ILedgerClaims.WrongBatch.selector);
        this.finalizeExternally(c);
        vm.clearMockedCalls();
        _finalize(c);
    }

    function test_AnUnknownClaimIsNotFinal() public {
        Claimed memory c = _true();
        vm.expectRevert(_wrongState(c.id, ILedgerClaims.State.None, ILedgerClaims.State.Standing));
        this.finalizeExternally(c);
    }

    // --- losing one's base ---

    function orphanExternally(Claimed memory c) external {
        ledger.refuteBase(c.claim);
    }

    function test_ClaimsOnARefutedOneFallAndLoseNothing() public {
        Claimed memory base = _standHonest(carl, 0, 0, 2);
        Claimed memory c = _standHonest(alice, base.id, 2, 3);
        Claimed memory d = _standHonest(alice, c.id, 3, 4);
        // carl plays against himself, and nobody answers for him.
        Play memory g = _open(base, carl, "self");
        _wait(CLOCK);
        ledger.timeout(g.id, g.position);
        ILedgerClaims.State refuted = ILedgerClaims.State.Refuted;
        vm.expectRevert(_wrongState(c.id, ILedgerClaims.State.Standing, refuted));
        this.orphanExternally(d);
        vm.expectEmit(address(ledger));
        emit ILedgerClaims.Orphaned(c.id, base.id);
        ledger.refuteBase(c.claim);
        ledger.refuteBase(d.claim);
        assertTrue(_state(d.id) == refuted);
        assertEq(bonds.credits(alice), 2 * CLAIM_BOND);
        assertEq(bonds.credits(carl), PRIZE + CHALLENGE_BOND);
        vm.expectRevert(_wrongState(c.id, refuted, ILedgerClaims.State.Standing));
        this.orphanExternally(c);
    }

    function test_AClaimOnAStandingOrFinalOneDoesNotFall() public {
        Claimed memory base = _standHonest(alice, 0, 0, 2);
        Claimed memory c = _standHonest(alice, base.id, 2, 3);
        ILedgerClaims.State refuted = ILedgerClaims.State.Refuted;
        vm.expectRevert(_wrongState(base.id, ILedgerClaims.State.Standing, refuted));
        this.orphanExternally(c);
        Claimed memory d = _standHonest(alice, 0, 0, 3);
        vm.expectRevert(_wrongState(0, ILedgerClaims.State.None, refuted));
        this.orphanExternally(d);
        _makeFinal(base);
        vm.expectRevert(_wrongState(base.id, ILedgerClaims.State.Final, refuted));
        this.orphanExternally(c);
    }

    function test_AChallengerKeepsItsPrizeWhenTheBaseFallsFirst() public {
        Claimed memory base = _standHonest(carl, 0, 0, 2);
        Claimed memory c = _claim(carl, base.id, 2, 4, Lie(3, false, 0));
        _stand(c);
        Play memory own = _open(base, carl, "self");
        Play memory g = _open(c, carol, "salt");
        _wait(CLOCK - 1);
        _reveal(g, carl, c.leaves);
        _wait(1);
        ledger.timeout(own.id, own.position);
        vm.expectRevert(abi.encodeWithSelector(ILedgerClaims.StillContested.selector, 1));
        this.orphanExternally(c);
        _choose(g, c.leaves, 3);
        _sealed(carol, _proveCall(g, c.leaves, 2));
        assertEq(bonds.credits(carol), PRIZE + CHALLENGE_BOND);
    }
}
