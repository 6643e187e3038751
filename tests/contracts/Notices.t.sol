// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IInbox } from "contracts/interfaces/IInbox.sol";
import { Arena } from "tests/contracts/handlers/Arena.sol";

/// @dev Refuses ether.
contract Refuser { }

/// @dev Asks the Inbox for more while it is being paid.
contract GreedyReceiver {
    IInbox private immutable INBOX;
    bool public refused;

    constructor(IInbox inbox) {
        INBOX = inbox;
    }

    receive() external payable {
        (bool paid,) = address(INBOX).call(abi.encodeCall(IInbox.pay, (address(this), 1)));
        refused = !paid;
    }
}

/// @title What the Inbox tells the ledger, when batches came, and what it pays out
contract NoticesTest is Arena {
    function setUp() public {
        _deploy();
    }

    // --- notices ---

    function test_ADepositIsNoted() public {
        vm.roll(777);
        IInbox.Notice memory notice = IInbox.Notice(1, address(9), 2 ether, bytes32(0), 777);
        vm.expectEmit(address(inbox));
        emit IInbox.Noted(0, notice);
        inbox.deposit{ value: 2 ether }(address(9));
        assertEq(inbox.notices(0), keccak256(abi.encode(notice)));
        assertEq(inbox.noticeCount(), 1);
        assertEq(inbox.notices(1), bytes32(0));
    }

    function testFuzz_NoticesOfClaimsStandBehindOneAnother(uint8 kind, address account, bytes32 job) public {
        inbox.deposit{ value: 1 }(account);
        vm.roll(900);
        vm.prank(address(claims));
        inbox.note(kind, account, job);
        assertEq(inbox.notices(1), keccak256(abi.encode(IInbox.Notice(kind, account, 0, job, 900))));
        assertEq(inbox.noticeCount(), 2);
    }

    function testFuzz_NobodyButClaimsNotes(address stranger) public {
        vm.assume(stranger != address(claims));
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IInbox.WrongCaller.selector, stranger, claims));
        inbox.note(2, stranger, "job");
    }

    // --- payments ---

    function test_LedgerClaimsPaysOutWhatWasDeposited() public {
        inbox.deposit{ value: 3 ether }(alice);
        vm.expectEmit(address(inbox));
        emit IInbox.Paid(address(700), 2 ether);
        vm.prank(ledgerClaims);
        inbox.pay(address(700), 2 ether);
        assertEq(address(700).balance, 2 ether);
        assertEq(address(inbox).balance, 1 ether);
    }

    function testFuzz_NobodyButLedgerClaimsPays(address stranger) public {
        vm.assume(stranger != ledgerClaims);
        inbox.deposit{ value: 3 ether }(alice);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IInbox.WrongCaller.selector, stranger, ledgerClaims));
        inbox.pay(stranger, 1);
    }

    function test_NoMoreIsPaidThanIsHeld() public {
        inbox.deposit{ value: 3 ether }(alice);
        vm.startPrank(ledgerClaims);
        vm.expectRevert(abi.encodeWithSelector(IInbox.MoreThanHeld.selector, 3 ether + 1, 3 ether));
        inbox.pay(address(700), 3 ether + 1);
        inbox.pay(address(700), 3 ether);
        vm.expectRevert(abi.encodeWithSelector(IInbox.MoreThanHeld.selector, 1, 0));
        inbox.pay(address(700), 1);
    }

    function test_AReceiverThatRefusesOrAsksForMoreGetsNothingElse() public {
        inbox.deposit{ value: 3 ether }(alice);
        address refuser = address(new Refuser());
        GreedyReceiver greedy = new GreedyReceiver(inbox);
        vm.startPrank(ledgerClaims);
        vm.expectRevert(abi.encodeWithSelector(IInbox.PaymentRefused.selector, refuser, 1));
        inbox.pay(refuser, 1);
        inbox.pay(address(greedy), 1 ether);
        assertTrue(greedy.refused());
        assertEq(address(greedy).balance, 1 ether);
        assertEq(address(inbox).balance, 2 ether);
    }

    // --- stamps ---

    function testFuzz_EachBatchIsStampedWithItsBlockAndTime(uint16[9] memory pauses) public {
        uint64[10] memory numbers;
        uint64[10] memory times;
        (numbers[0], times[0]) = inbox.posted(1);
        assertEq(numbers[0], 100);
        assertEq(times[0], 1_000_000);
        for (uint256 i; i < pauses.length; ++i) {
            vm.roll(vm.getBlockNumber() + pauses[i]);
            vm.warp(_now() + 12 * uint256(pauses[i]));
            bytes32 previous = inbox.commitments(inbox.latest());
            vm.prank(sequencer);
            inbox.postCalldata(previous, bytes32(0), 0, 0, "b");
            (numbers[i + 1], times[i + 1]) = (uint64(vm.getBlockNumber()), _now());
        }
        for (uint64 i; i < numbers.length; ++i) {
            (uint64 blockNumber, uint64 time) = inbox.posted(i + 1);
            assertEq(blockNumber, numbers[i]);
            assertEq(time, times[i]);
        }
    }

    function test_ABatchThatIsNotThereHasNoStamp() public view {
        uint64[3] memory absent = [0, 2, type(uint64).max];
        for (uint256 i; i < absent.length; ++i) {
            (uint64 blockNumber, uint64 time) = inbox.posted(absent[i]);
            assertEq(blockNumber, 0);
            assertEq(time, 0);
        }
    }

    // --- calldata that could be taken for blobs ---

    function testFuzz_CalldataNeverBeginsAsVersionedHashesDo(bytes calldata rest) public {
        bytes32 previous = inbox.commitments(1);
        vm.startPrank(sequencer);
        vm.expectRevert(IInbox.BeginsLikeBlobs.selector);
        inbox.postCalldata(previous, bytes32(0), 0, 0, bytes.concat(hex"01", rest));
        inbox.postCalldata(previous, bytes32(0), 0, 0, bytes.concat(hex"03", rest));
    }
}
