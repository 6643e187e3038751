// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Short literals and small numbers: nothing is cut off.
// forge-lint: disable-start(unsafe-typecast)

import { IBonds } from "contracts/interfaces/IBonds.sol";
import { IClaims } from "contracts/interfaces/IClaims.sol";
import { IInbox } from "contracts/interfaces/IInbox.sol";
import { ISeals } from "contracts/interfaces/ISeals.sol";
import { Deploy } from "tests/contracts/Deploy.sol";
import { Players } from "tests/contracts/handlers/Players.sol";
import { SmallJob } from "tests/contracts/handlers/SmallJob.sol";

contract ClaimsTest is Players {
    IClaims.Claim internal claim;
    bytes32 internal claimId;
    IClaims.Job internal job;
    uint64 internal revealedAt;

    function setUp() public {
        _deploy();
        _store(claim, _claim(alice, _honest()));
        _store(job, _job());
        claimId = _id(claim);
    }

    function _standing() private {
        _stand(claim);
        revealedAt = _now();
    }

    // --- committing and revealing ---

    function test_AClaimStandsAfterItsReveal() public {
        _standing();
        IClaims.Status memory status = claims.status(claimId);
        assertEq(status.claimant, alice);
        assertEq(status.revealedAt, _now());
        assertEq(status.transaction, claim.transaction);
        assertEq(status.deadline, deadline);
        assertTrue(status.state == IClaims.State.Standing);
        assertEq(bonds.locked(address(claims)), CLAIM_BOND);
    }

    function test_ACommitmentNeedsExactlyTheBondAndIsMadeOnce() public {
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(IClaims.WrongValue.selector, 1, CLAIM_BOND));
        claims.commit{ value: 1 }("c");
        claims.commit{ value: CLAIM_BOND }("c");
        vm.expectRevert(abi.encodeWithSelector(IClaims.AlreadyCommitted.selector, alice, bytes32("c")));
        claims.commit{ value: CLAIM_BOND }("c");
    }

    function test_ARevealInTheSameBlockReverts() public {
        _commit(claim, "salt");
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IClaims.CommittedInThisBlock.selector, vm.getBlockNumber()));
        claims.reveal(claim, job, "salt");
    }

    function test_ARevealNeedsItsOwnCommitment() public {
        bytes32 commitment = keccak256(abi.encode(claimId, bytes32("salt")));
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IClaims.NotCommitted.selector, alice, commitment));
        claims.reveal(claim, job, "salt");
        _commit(claim, "salt");
        _nextBlock();
        vm.prank(carol);
        vm.expectRevert(abi.encodeWithSelector(IClaims.NotTheClaimant.selector, carol, alice));
        claims.reveal(claim, job, "salt");
    }

    function test_ARevealIsPossibleUntilTheCommitmentExpires() public {
        bytes32 commitment = _commit(claim, "salt");
        uint64 expiresAt = _now() + REVEAL_WINDOW;
        _nextBlock();
        vm.warp(expiresAt);
        vm.expectRevert(abi.encodeWithSelector(IClaims.CommitmentStillOpen.selector, expiresAt));
        claims.expire(alice, commitment);
        vm.warp(expiresAt + 1);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IClaims.CommitmentExpired.selector, expiresAt));
        claims.reveal(claim, job, "salt");
        vm.prank(carol);
        claims.expire(alice, commitment);
        assertEq(bonds.credits(carol), PRIZE);
        assertEq(_inGrave(), CLAIM_BOND - PRIZE);
        vm.expectRevert(abi.encodeWithSelector(IClaims.NotCommitted.selector, alice, commitment));
        claims.expire(alice, commitment);
    }

    function test_ARetractedCommitmentReturnsItsBond() public {
        _commit(claim, "salt");
        _nextBlock();
        vm.prank(alice);
        claims.retract(claim, "salt");
        assertEq(bonds.credits(alice), CLAIM_BOND);
        vm.prank(alice);
        vm.expectRevert();
        claims.reveal(claim, job, "salt");
    }

    function test_ARevealedClaimCanNotBeRevealedAgainButItsCommitmentRetracted() public {
        _standing();
        _commit(claim, "again");
        _nextBlock();
        vm.startPrank(alice);
        vm.expectRevert(
            abi.encodeWithSelector(
                IClaims.WrongState.selector, claimId, IClaims.State.Standing, IClaims.State.None
            )
        );
        claims.reveal(claim, job, "again");
        claims.retract(claim, "again");
        assertEq(bonds.credits(alice), CLAIM_BOND);
    }

    function test_ARevealIsPossibleAtTheDeadlineAndNotAfter() public {
        vm.warp(deadline);
        _standing();
        IClaims.Claim memory late = claim;
        late.uri = "other";
        _commit(late, "salt");
        _nextBlock();
        vm.warp(deadline + 1);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IClaims.DeadlinePassed.selector, deadline));
        claims.reveal(late, job, "salt");
    }

    function test_ARevealNeedsTheJobThatTheClaimNames() public {
        job.deadline += 1;
        bytes32 given = keccak256(abi.encode(job));
        _expectRefusal(abi.encodeWithSelector(IClaims.WrongTerms.selector, given, claim.terms));
    }

    function test_ARevealNeedsTheBatchThatTheInboxHolds() public {
        claim.batchCommitment = bytes32("other");
        _expectRefusal(
            abi.encodeWithSelector(
                IClaims.WrongBatch.selector, 1, bytes32("other"), keccak256(abi.encode(batch))
            )
        );
        (claim.batch, claim.batchCommitment) = (2, bytes32(0));
        vm.expectRevert();
        this.standExternally();
        (claim.batch, claim.batchCommitment) = (0, inbox.commitments(0));
        vm.expectRevert();
        this.standExternally();
    }

    function test_MalformedJobsAreRefused() public {
        job.kind = 3;
        _expectFault(IClaims.JobFault.Kind);
        job.kind = 2;
        _expectFault(IClaims.JobFault.Model);
        job.kind = 1;
        job.model = "model";
        _expectFault(IClaims.JobFault.Model);
        job.model = 0;
        job.uri = string(new bytes(513));
        _expectFault(IClaims.JobFault.UriTooLong);
        job.uri = "";
        claim.uri = string(new bytes(513));
        _expectFault(IClaims.JobFault.UriTooLong);
        claim.uri = "";
        claim.scores.push(claim.scores[0]);
        _expectFault(IClaims.JobFault.ScoreCount);
        job.properties.pop();
        _expectFault(IClaims.JobFault.PropertyCount);
        for (uint256 i; i < 5; ++i) {
            job.properties.push(IClaims.Property("p", "d", 0));
        }
        _expectFault(IClaims.JobFault.PropertyCount);
    }

    function _expectFault(IClaims.JobFault fault) private {
        claim.terms = keccak256(abi.encode(job));
        _expectRefusal(abi.encodeWithSelector(IClaims.JobMalformed.selector, fault));
    }

    function _expectRefusal(bytes memory why) private {
        vm.expectRevert(why);
        this.standExternally();
    }

    /// @dev So that a revert of the reveal can be expected in one piece.
    function standExternally() external {
        _commit(claim, "salt");
        _nextBlock();
        vm.prank(claim.claimant);
        claims.reveal(claim, job, "salt");
    }

    // --- the end of a claim ---

    function test_AClaimIsFinalFromTheEndOfItsWindow() public {
        _standing();
        vm.warp(revealedAt + WINDOW - 1);
        vm.expectRevert(abi.encodeWithSelector(IClaims.TooEarly.selector, revealedAt + WINDOW));
        claims.finalize(claim);
        vm.warp(revealedAt + WINDOW);
        vm.expectEmit(address(claims));
        emit IClaims.Finalized(claim.transaction, alice, claimId, claim.result);
        claims.finalize(claim);
        assertEq(bonds.credits(alice), CLAIM_BOND);
        vm.expectRevert();
        claims.finalize(claim);
    }

    function test_AClaimCanNotBecomeFinalAfterItsSettlementButIsReleased() public {
        _standing();
        uint256 end = uint256(deadline) + WINDOW + 2 * CLOCK + REVEAL_WINDOW;
        vm.warp(end - 1);
        vm.expectRevert(abi.encodeWithSelector(IClaims.NotBehind.selector, claimId));
        claims.release(claim);
        vm.warp(end);
        vm.expectRevert(abi.encodeWithSelector(IClaims.TooLate.selector, end));
        claims.finalize(claim);
        claims.release(claim);
        assertEq(bonds.credits(alice), CLAIM_BOND);
        vm.expectRevert();
        claims.release(claim);
    }

    function test_AHugeDeadlineLocksNobodysBond() public {
        job.deadline = type(uint64).max;
        claim.terms = keccak256(abi.encode(job));
        this.standExternally();
        vm.warp(_now() + WINDOW);
        claims.finalize(claim);
        assertEq(bonds.credits(alice), CLAIM_BOND);
    }

    function test_AClaimReleasedTooLateDoesNotStopOneWithALaterDeadline() public {
        _standing();
        job.deadline += 10_000;
        claim.terms = keccak256(abi.encode(job));
        IClaims.Claim memory first = _claim(alice, _honest());
        vm.warp(deadline + 1);
        this.standExternally();
        vm.warp(uint256(deadline) + WINDOW + 2 * CLOCK + REVEAL_WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IClaims.EarlierClaimStands.selector, claim.transaction, 1));
        claims.finalize(claim);
        claims.release(first);
        claims.finalize(claim);
    }

    function test_AClaimWaitsForEarlierOnesAndIsReleasedBehindAFinalOne() public {
        _standing();
        IClaims.Claim memory second = _claim(carl, _honest());
        bytes32 secondId = _stand(second);
        vm.warp(_now() + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IClaims.EarlierClaimStands.selector, claim.transaction, 1));
        claims.finalize(second);
        claims.finalize(claim);
        vm.expectRevert(abi.encodeWithSelector(IClaims.AlreadySettled.selector, claim.transaction));
        claims.finalize(second);
        claims.release(second);
        assertTrue(_state(secondId) == IClaims.State.Released);
        assertEq(bonds.credits(carl), CLAIM_BOND);
    }

    function test_AfterARefutationTheNextClaimBecomesFinal() public {
        _standing();
        IClaims.Claim memory second = _claim(carl, _honest());
        _stand(second);
        vm.prank(address(claimArbiter));
        claims.refute(claimId, carol);
        vm.warp(_now() + WINDOW);
        claims.finalize(second);
        vm.expectRevert();
        claims.finalize(claim);
        (uint32 count, uint32 words, bool settled) = claims.queue(claim.transaction);
        assertEq(count, 2);
        assertEq(words, 0);
        assertTrue(settled);
    }

    function test_ThreeHundredRefutedClaimsDoNotStopTheNextOne() public {
        IClaims.Claim memory liar = claim;
        vm.deal(alice, 10_000 ether);
        for (uint256 i; i < 300; ++i) {
            liar.result = bytes32(i);
            bytes32 id = _stand(liar);
            vm.prank(address(games));
            claims.refute(id, carol);
        }
        IClaims.Claim memory honest = _claim(carl, _honest());
        _stand(honest);
        vm.warp(_now() + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IClaims.EarlierClaimStands.selector, claim.transaction, 300));
        claims.finalize(honest);
        claims.advance(claim.transaction);
        vm.expectRevert(abi.encodeWithSelector(IClaims.NothingToAdvance.selector, claim.transaction, 1));
        claims.advance(claim.transaction);
        claims.finalize(honest);
    }

    function test_ARevealOfASettledJobReverts() public {
        _standing();
        vm.warp(_now() + WINDOW);
        claims.finalize(claim);
        claim.uri = "other";
        _expectRefusal(abi.encodeWithSelector(IClaims.AlreadySettled.selector, claim.transaction));
    }

    // --- the courts ---

    function test_OnlyCourtsRefuteAndCountGames() public {
        _standing();
        bytes memory why = abi.encodeWithSelector(IClaims.NotACourt.selector, address(this));
        vm.expectRevert(why);
        claims.refute(claimId, carol);
        vm.expectRevert(why);
        claims.gameOpened(claimId);
        vm.expectRevert(why);
        claims.gameClosed(claimId);
    }

    function test_ARefutedClaimPaysOnceAndBurnsTheRest() public {
        _standing();
        vm.startPrank(address(games));
        claims.refute(claimId, carol);
        assertEq(bonds.credits(carol), PRIZE);
        assertEq(_inGrave(), CLAIM_BOND - PRIZE);
        vm.expectRevert(
            abi.encodeWithSelector(
                IClaims.WrongState.selector, claimId, IClaims.State.Refuted, IClaims.State.Standing
            )
        );
        claims.refute(claimId, carol);
    }

    function test_GamesAreOpenedInTheWindowOnly() public {
        _standing();
        vm.startPrank(address(games));
        vm.warp(revealedAt + WINDOW - 1);
        claims.gameOpened(claimId);
        vm.warp(revealedAt + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IClaims.TooLate.selector, revealedAt + WINDOW));
        claims.gameOpened(claimId);
        vm.expectRevert(abi.encodeWithSelector(IClaims.StillContested.selector, 1, 0));
        claims.finalize(claim);
        claims.gameClosed(claimId);
        claims.finalize(claim);
    }

    // --- sealed calls ---

    function test_ASealCountsFromTheNextBlockOn() public {
        bytes32 digest = keccak256(abi.encode(carol, bytes32("data")));
        vm.expectRevert(abi.encodeWithSelector(ISeals.NotSealed.selector, carol, digest));
        claims.requireSealed(carol, "data");
        claims.seal(digest);
        vm.expectRevert(abi.encodeWithSelector(ISeals.NotSealed.selector, carol, digest));
        claims.requireSealed(carol, "data");
        _nextBlock();
        claims.seal(digest);
        claims.requireSealed(carol, "data");
        vm.expectRevert();
        claims.requireSealed(carl, "data");
    }

    // --- rules ---

    function test_TheRulesAreReadBack() public view {
        assertEq(keccak256(abi.encode(claims.rules())), keccak256(abi.encode(_rules())));
    }

    function test_ImpossibleRulesAreRefused() public {
        IClaims.Rules memory rules = _rules();
        rules.settlement -= 1;
        _expectImpossible(rules);
        rules = _rules();
        rules.prizeShareBps = 10_001;
        _expectImpossible(rules);
        rules = _rules();
        rules.claimBond = 0;
        _expectImpossible(rules);
        rules = _rules();
        rules.window = 3;
        _expectImpossible(rules);
        rules = _rules();
        rules.settlement = uint64(type(uint32).max) + 1;
        _expectImpossible(rules);
    }

    function _expectImpossible(IClaims.Rules memory rules) private {
        vm.expectRevert(IClaims.RulesImpossible.selector);
        Deploy.claims(rules, IBonds(address(1)), IInbox(address(2)), address(3), address(4));
    }
}
