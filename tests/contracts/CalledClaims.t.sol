// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Short literals and small numbers: nothing is cut off.
// forge-lint: disable-start(unsafe-typecast)

import { IClaimArbiter } from "contracts/interfaces/IClaimArbiter.sol";
import { IClaims } from "contracts/interfaces/IClaims.sol";
import { IGame } from "contracts/interfaces/IGame.sol";
import { IInbox } from "contracts/interfaces/IInbox.sol";
import { Players } from "tests/contracts/handlers/Players.sol";
import { SmallJob } from "tests/contracts/handlers/SmallJob.sol";

/// @title Claims about jobs that contracts on L2 have called, without an order
contract CalledClaimsTest is Players {
    IClaims.Claim internal claim;

    function setUp() public {
        _deploy();
        _store(claim, _called(alice, _honest()));
    }

    function _called(address claimant, SmallJob.Lie memory lie)
        private
        view
        returns (IClaims.Claim memory made)
    {
        made = _claim(claimant, lie);
        (made.batch, made.batchCommitment, made.index) = (0, bytes32(0), 0);
        made.transaction = made.terms;
    }

    function standExternally() external {
        _stand(claim);
    }

    function sealedExternally(bytes calldata call) external {
        _sealed(carol, address(claimArbiter), call);
    }

    function _isNoCall() private {
        vm.expectPartialRevert(IClaims.NotACall.selector);
        this.standExternally();
    }

    // --- standing ---

    function test_AClaimAboutACalledJobBecomesFinalWithoutAnOrder() public {
        bytes32 id = _stand(claim);
        assertEq(claims.status(id).transaction, keccak256(abi.encode(_job())));
        vm.warp(_now() + WINDOW);
        claims.finalize(claim);
        assertTrue(_state(id) == IClaims.State.Final);
        assertEq(bonds.credits(alice), CLAIM_BOND);
    }

    function testFuzz_ItStandsUntilItsDeadlineWhateverThatIs(uint64 wanted) public {
        deadline = uint64(bound(wanted, _now(), type(uint64).max));
        _store(claim, _called(alice, _honest()));
        bytes32 id = _stand(claim);
        assertEq(claims.status(id).deadline, deadline);
        vm.warp(_now() + WINDOW);
        claims.finalize(claim);
        assertTrue(_state(id) == IClaims.State.Final);
    }

    function test_ItIsTooLateBehindTheDeadline() public {
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IClaims.DeadlinePassed.selector, deadline));
        this.standExternally();
    }

    function test_AnyOtherPlaceOrTransactionIsRefused() public {
        claim.index = 1;
        _isNoCall();
        claim.index = 0;
        claim.batchCommitment = inbox.commitments(0);
        _isNoCall();
        claim.batchCommitment = 0;
        claim.transaction = keccak256(orderRecord);
        _isNoCall();
    }

    /// @dev It would settle the queue of the called job, and no claim without a batch could become final.
    function test_AClaimWithABatchCanNotTakeTheQueueOfACalledJob() public {
        (claim.batch, claim.batchCommitment) = (1, inbox.commitments(1));
        vm.expectRevert(abi.encodeWithSelector(IClaims.NotAnOrder.selector, claim.terms));
        this.standExternally();
    }

    function test_OneClaimOfACalledJobIsFinalAndTheFirstGoesBefore() public {
        bytes32 first = _stand(claim);
        IClaims.Claim memory second = _called(carl, _honest());
        bytes32 behind = _stand(second);
        vm.warp(_now() + WINDOW);
        vm.expectPartialRevert(IClaims.EarlierClaimStands.selector);
        claims.finalize(second);
        claims.finalize(claim);
        claims.release(second);
        assertTrue(_state(first) == IClaims.State.Final);
        assertTrue(_state(behind) == IClaims.State.Released);
        claim.uri = "again";
        vm.expectRevert(abi.encodeWithSelector(IClaims.AlreadySettled.selector, claim.transaction));
        this.standExternally();
    }

    // --- the end without a result ---

    function _end() private view returns (uint256) {
        return uint256(deadline) + _rules().settlement;
    }

    function _lapseIsRefused(bytes4 why) private {
        IClaims.Job memory job = _job();
        vm.expectPartialRevert(why);
        claims.lapseCalled(job);
    }

    function test_ItLapsesFromTheEndOfItsSettlementOnAndOnce() public {
        IClaims.Job memory job = _job();
        vm.warp(_end() - 1);
        vm.expectRevert(abi.encodeWithSelector(IClaims.TooEarly.selector, _end()));
        claims.lapseCalled(job);
        vm.warp(_end());
        vm.expectEmit(address(claims));
        emit IClaims.Lapsed(claim.terms, carl);
        vm.prank(carl);
        claims.lapseCalled(job);
        (,, bool settled) = claims.queue(claim.terms);
        assertTrue(settled);
        assertEq(inbox.noticeCount(), 0);
        vm.expectRevert(abi.encodeWithSelector(IClaims.AlreadySettled.selector, claim.terms));
        claims.lapseCalled(job);
    }

    function testFuzz_ItLapsesAtNoOtherTime(uint64 wanted, uint256 time) public {
        deadline = wanted;
        time = bound(time, 0, type(uint128).max);
        vm.warp(time);
        IClaims.Job memory job = _job();
        if (time < _end()) vm.expectRevert(abi.encodeWithSelector(IClaims.TooEarly.selector, _end()));
        claims.lapseCalled(job);
        (,, bool settled) = claims.queue(keccak256(abi.encode(job)));
        assertTrue(settled == (time >= _end()));
    }

    function test_AFinalClaimNeverLapses() public {
        bytes32 id = _stand(claim);
        vm.warp(_now() + WINDOW);
        claims.finalize(claim);
        vm.warp(_end());
        _lapseIsRefused(IClaims.AlreadySettled.selector);
        assertTrue(_state(id) == IClaims.State.Final);
    }

    /// @dev Revealed in time, and nobody has made it final: then nobody can any more, before the lapse and behind it.
    function test_AClaimThatNobodyMadeFinalInTimeIsReleasedInEitherOrder() public {
        bytes32 first = _stand(claim);
        IClaims.Claim memory second = _called(carl, _honest());
        bytes32 behind = _stand(second);
        vm.warp(_end());
        claims.release(claim);
        claims.lapseCalled(_job());
        vm.expectPartialRevert(IClaims.TooLate.selector);
        claims.finalize(second);
        claims.release(second);
        assertTrue(_state(first) == IClaims.State.Released);
        assertTrue(_state(behind) == IClaims.State.Released);
        assertEq(bonds.credits(alice) + bonds.credits(carl), 2 * CLAIM_BOND);
    }

    /// @dev The game may still refute the claim, and nothing can make it final.
    function test_ItLapsesWhileAGameIsOpenAndTheGameGoesOn() public {
        _store(claim, _called(alice, _lie()));
        vm.warp(deadline);
        bytes32 id = _stand(claim);
        (bytes32 game, IGame.Position memory position) = _open(claim, carol, 1, _lie());
        vm.warp(_end());
        claims.lapseCalled(_job());
        vm.expectPartialRevert(IClaims.StillContested.selector);
        claims.finalize(claim);
        vm.expectPartialRevert(IClaims.StillContested.selector);
        claims.release(claim);
        games.timeout(game, position);
        assertTrue(_state(id) == IClaims.State.Refuted);
    }

    /// @dev The order of the same job has its record as transaction, and another queue.
    function test_AnOrderOfTheSameJobIsNotTouched() public {
        IClaims.Claim memory ordered = _claim(alice, _honest());
        assertTrue(ordered.transaction != ordered.terms && ordered.terms == claim.terms);
        bytes32 id = _stand(ordered);
        vm.warp(_end());
        claims.lapseCalled(_job());
        (,, bool settled) = claims.queue(ordered.transaction);
        assertTrue(!settled);
        claims.release(ordered);
        assertTrue(_state(id) == IClaims.State.Released);
        assertEq(inbox.noticeCount(), 0);
    }

    /// @dev And the lapse of that order does not end the called job.
    function test_TheLapseOfAnOrderEndsNoCalledJob() public {
        vm.warp(_end());
        claims.lapse(orderRecord, _job());
        (,, bool settled) = claims.queue(claim.terms);
        assertTrue(!settled);
        bytes memory encoded = abi.encode(_job());
        IClaims.Job memory job = _job();
        vm.expectPartialRevert(IClaims.WrongOrder.selector);
        claims.lapse(encoded, job);
    }

    // --- refuting ---

    /// @dev The preimage of its transaction is the encoded job, which is no order of that job.
    function test_TheEncodedJobIsNoRecordThatRefutesIt() public {
        bytes32 id = _stand(claim);
        vm.expectRevert(IClaimArbiter.NothingWrong.selector);
        this.sealedExternally(abi.encodeCall(IClaimArbiter.refuteRecord, (claim, abi.encode(_job()))));
        assertTrue(_state(id) == IClaims.State.Standing);
    }

    /// @dev No batch has the commitment 0.
    function testFuzz_NoBatchRefutesItsPlace(IInbox.Batch memory any, bytes32 leaf) public {
        bytes32 id = _stand(claim);
        vm.expectPartialRevert(IClaimArbiter.WrongPreimage.selector);
        this.sealedExternally(abi.encodeCall(IClaimArbiter.refuteIndex, (claim, any, any)));
        bytes32[] memory none;
        vm.expectPartialRevert(IClaimArbiter.WrongPreimage.selector);
        this.sealedExternally(abi.encodeCall(IClaimArbiter.refutePlace, (claim, any, leaf, none)));
        assertTrue(_state(id) == IClaims.State.Standing);
    }

    function test_AMissedThresholdRefutesIt() public {
        claim.scores[0].sum = -1_000_001;
        bytes32 id = _stand(claim);
        _sealed(
            carol, address(claimArbiter), abi.encodeCall(IClaimArbiter.refuteThreshold, (claim, _job(), 0))
        );
        assertTrue(_state(id) == IClaims.State.Refuted);
        assertEq(bonds.credits(carol), PRIZE);
    }

    function test_AGameRefutesALieAndTheNextClaimIsFinal() public {
        _store(claim, _called(alice, _lie()));
        bytes32 id = _stand(claim);
        IClaims.Claim memory honest = _called(carl, _honest());
        _stand(honest);
        (bytes32 game, IGame.Position memory position) = _open(claim, carol, 1, _lie());
        _playOut(game, position, _lie());
        assertTrue(_state(id) == IClaims.State.Refuted);
        vm.warp(_now() + WINDOW);
        claims.finalize(honest);
        assertTrue(_state(_id(honest)) == IClaims.State.Final);
    }

    function test_AGameOverAnHonestClaimIsLost() public {
        bytes32 id = _stand(claim);
        (bytes32 game, IGame.Position memory position) = _openScores(claim, carol);
        assertEq(position.accountant, alice);
        while (_isAccountants(position.phase)) {
            position = _accountantMoves(game, position, _honest());
        }
        vm.warp(_now() + CLOCK + 1);
        games.timeout(game, position);
        vm.warp(_now() + WINDOW);
        claims.finalize(claim);
        assertTrue(_state(id) == IClaims.State.Final);
    }
}
