// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IClaims } from "contracts/interfaces/IClaims.sol";
import { IInbox } from "contracts/interfaces/IInbox.sol";
import { Players } from "tests/contracts/handlers/Players.sol";

/// @title The two ends of a job of which the ledger is told: its reward is paid, or its time is over
contract LapsesTest is Players {
    IClaims.Claim internal claim;
    IClaims.Job internal job;
    bytes32 internal transaction;
    uint64 internal end;

    function setUp() public {
        _deploy();
        _store(claim, _claim(alice, _honest()));
        _store(job, _job());
        transaction = keccak256(orderRecord);
        end = deadline + _rules().settlement;
    }

    function _noted(uint64 number, uint8 kind, address account, bytes32 about) private view {
        IInbox.Notice memory notice = IInbox.Notice(kind, account, 0, about, uint64(vm.getBlockNumber()));
        assertEq(inbox.notices(number), keccak256(abi.encode(notice)));
        assertEq(inbox.noticeCount(), number + 1);
    }

    // --- payouts ---

    function test_AFinalClaimIsNotedOnce() public {
        _stand(claim);
        vm.warp(_now() + WINDOW);
        claims.finalize(claim);
        _noted(0, 2, alice, transaction);
        vm.expectPartialRevert(IClaims.WrongState.selector);
        claims.finalize(claim);
    }

    function test_ACalledJobIsNotNoted() public {
        IClaims.Claim memory called = _claim(alice, _honest());
        (called.batch, called.batchCommitment, called.index) = (0, bytes32(0), 0);
        called.transaction = called.terms;
        _stand(called);
        vm.warp(_now() + WINDOW);
        claims.finalize(called);
        assertEq(inbox.noticeCount(), 0);
    }

    // --- lapses ---

    function test_AJobLapsesFromTheEndOfItsSettlementOn() public {
        vm.warp(end - 1);
        vm.expectRevert(abi.encodeWithSelector(IClaims.TooEarly.selector, end));
        claims.lapse(orderRecord, job);
        vm.warp(end);
        vm.expectEmit(address(claims));
        emit IClaims.Lapsed(transaction, carl);
        vm.prank(carl);
        claims.lapse(orderRecord, job);
        _noted(0, 3, address(0), transaction);
        (,, bool settled) = claims.queue(transaction);
        assertTrue(settled);
    }

    function test_NoClaimBecomesFinalBehindALapse() public {
        bytes32 id = _stand(claim);
        vm.warp(end);
        claims.lapse(orderRecord, job);
        vm.expectPartialRevert(IClaims.TooLate.selector);
        claims.finalize(claim);
        claims.release(claim);
        assertTrue(_state(id) == IClaims.State.Released);
        assertEq(inbox.noticeCount(), 1);
    }

    function test_ALapseBehindAFinalClaimIsNotedBehindItsPayout() public {
        _stand(claim);
        vm.warp(_now() + WINDOW);
        claims.finalize(claim);
        vm.warp(end);
        claims.lapse(orderRecord, job);
        claims.lapse(orderRecord, job);
        _noted(2, 3, address(0), transaction);
        assertEq(claims.status(_id(claim)).claimant, alice);
        assertTrue(_state(_id(claim)) == IClaims.State.Final);
    }

    function test_OnlyTheOrderOfTheJobLapses() public {
        vm.warp(end);
        IClaims.Job memory other = job;
        other.deadline = 0;
        bytes32 terms = keccak256(abi.encode(other));
        vm.expectRevert(abi.encodeWithSelector(IClaims.WrongOrder.selector, transaction, terms));
        claims.lapse(orderRecord, other);
        bytes memory record = orderRecord;
        record[80] ^= 0x01;
        vm.expectRevert(
            abi.encodeWithSelector(
                IClaims.WrongOrder.selector, keccak256(record), keccak256(abi.encode(_job()))
            )
        );
        claims.lapse(record, job);
    }

    function testFuzz_AnyOtherBytesAreNoOrder(bytes calldata record) public {
        vm.warp(end);
        vm.expectPartialRevert(IClaims.WrongOrder.selector);
        claims.lapse(record, job);
    }

    function test_AJobWithoutEndNeverLapses() public {
        deadline = type(uint64).max;
        bytes memory record = _orderRecord(_job());
        vm.warp(type(uint64).max);
        vm.expectPartialRevert(IClaims.TooEarly.selector);
        claims.lapse(record, _job());
    }
}
