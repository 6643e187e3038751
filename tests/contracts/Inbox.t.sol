// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Short literals and small numbers: nothing is cut off.
// forge-lint: disable-start(unsafe-typecast)

import { IBonds } from "contracts/interfaces/IBonds.sol";
import { IInbox } from "contracts/interfaces/IInbox.sol";
import { ISeals } from "contracts/interfaces/ISeals.sol";
import { Deploy } from "tests/contracts/Deploy.sol";
import { Arena } from "tests/contracts/handlers/Arena.sol";
import { Vm } from "tests/contracts/Vm.sol";

contract InboxTest is Arena {
    function setUp() public {
        _deploy();
    }

    // --- deposits ---

    function test_ADepositStaysAndIsLogged() public {
        vm.expectEmit(address(inbox));
        emit IInbox.Deposited(address(9), 2 ether);
        inbox.deposit{ value: 2 ether }(address(9));
        assertEq(address(inbox).balance, 2 ether);
    }

    function test_AnEmptyDepositReverts() public {
        vm.expectRevert(IInbox.NothingSent.selector);
        inbox.deposit(address(9));
    }

    // --- batches ---

    function test_TheFirstCommitmentNamesTheChain() public view {
        assertEq(inbox.commitments(0), keccak256(abi.encode(uint256(210_614_763))));
        assertEq(inbox.commitments(1), keccak256(abi.encode(batch)));
        assertEq(inbox.latest(), 1);
    }

    function test_ABatchCanNotBePostedTwice() public {
        bytes32 previous = inbox.commitments(1);
        vm.startPrank(sequencer);
        bytes32 commitment = inbox.postCalldata(previous, bytes32(0), 0, 0, "b");
        vm.expectRevert(abi.encodeWithSelector(IInbox.WrongPrevious.selector, previous, commitment));
        inbox.postCalldata(previous, bytes32(0), 0, 0, "b");
    }

    function test_APostLogsTheBatchAndItsBytes() public {
        bytes32 previous = inbox.commitments(1);
        IInbox.Batch memory next = IInbox.Batch(2, previous, bytes32("root"), 7, keccak256("bytes!"), 0);
        vm.expectEmit(address(inbox));
        emit IInbox.Posted(2, keccak256(abi.encode(next)), next, new bytes32[](0), "bytes!");
        vm.prank(sequencer);
        assertEq(inbox.postCalldata(previous, bytes32("root"), 7, 0, "bytes!"), keccak256(abi.encode(next)));
    }

    function test_OnlyTheSequencerPosts() public {
        bytes memory why = abi.encodeWithSelector(IInbox.NotTheSequencer.selector, address(this), sequencer);
        bytes32 previous = inbox.commitments(1);
        vm.expectRevert(why);
        inbox.postCalldata(previous, bytes32(0), 0, 0, "b");
        vm.expectRevert(why);
        inbox.post(previous, bytes32(0), 0, 0);
    }

    function test_ABatchOfBlobsIsCommittedByTheirHashes() public {
        bytes32[] memory blobs = new bytes32[](2);
        (blobs[0], blobs[1]) = (bytes32(uint256(1) << 248), bytes32(uint256(1) << 248 | 5));
        bytes32 previous = inbox.commitments(1);
        vm.setEvmVersion("prague");
        vm.blobhashes(blobs);
        vm.prank(sequencer);
        bytes32 commitment = inbox.post(previous, bytes32("root"), 1, 0);
        bytes32 data = keccak256(bytes.concat(blobs[0], blobs[1]));
        assertEq(commitment, keccak256(abi.encode(IInbox.Batch(2, previous, bytes32("root"), 1, data, 0))));
    }

    function test_ABlobPostWithoutBlobsReverts() public {
        bytes32 previous = inbox.commitments(1);
        vm.prank(sequencer);
        vm.expectRevert(IInbox.NoBlobs.selector);
        inbox.post(previous, bytes32("root"), 1, 0);
    }

    function test_ACalldataPostNeedsBytes() public {
        bytes32 previous = inbox.commitments(1);
        vm.prank(sequencer);
        vm.expectRevert(IInbox.NoBytes.selector);
        inbox.postCalldata(previous, bytes32("root"), 1, 0, "");
    }

    function test_ACalldataPostHasAtMost56000Bytes() public {
        bytes32 previous = inbox.commitments(1);
        vm.startPrank(sequencer);
        vm.expectRevert(abi.encodeWithSelector(IInbox.TooManyBytes.selector, 56_001, 56_000));
        inbox.postCalldata(previous, bytes32("root"), 1, 0, new bytes(56_001));
        inbox.postCalldata(previous, bytes32("root"), 1, 0, new bytes(56_000));
    }

    function test_RootAndCountMustAgree() public {
        bytes32 previous = inbox.commitments(1);
        vm.startPrank(sequencer);
        vm.expectRevert(abi.encodeWithSelector(IInbox.RootAndCountDisagree.selector, bytes32("root"), 0));
        inbox.postCalldata(previous, bytes32("root"), 0, 0, "b");
        vm.expectRevert(abi.encodeWithSelector(IInbox.RootAndCountDisagree.selector, bytes32(0), 1));
        inbox.postCalldata(previous, bytes32(0), 1, 0, "b");
    }

    function test_ForcedEndStaysInsideTheQueue() public {
        inbox.force{ value: FORCE_FEE }("record");
        bytes32 previous = inbox.commitments(1);
        vm.startPrank(sequencer);
        vm.expectRevert(abi.encodeWithSelector(IInbox.WrongForcedEnd.selector, 2, 0, 1));
        inbox.postCalldata(previous, bytes32(0), 0, 2, "b");
        vm.expectRevert(abi.encodeWithSelector(IInbox.WrongForcedEnd.selector, type(uint64).max, 0, 1));
        inbox.postCalldata(previous, bytes32(0), 0, type(uint64).max, "b");
        previous = inbox.postCalldata(previous, bytes32(0), 0, 1, "b");
        vm.expectRevert(abi.encodeWithSelector(IInbox.WrongForcedEnd.selector, 0, 1, 1));
        inbox.postCalldata(previous, bytes32(0), 0, 0, "b");
    }

    // --- forced inclusion ---

    function test_AForcedRecordIsQueuedLoggedAndItsFeeBurnt() public {
        vm.expectEmit(address(inbox));
        emit IInbox.Forced(0, keccak256("record"), _now(), "record");
        assertEq(inbox.force{ value: FORCE_FEE }("record"), 0);
        assertEq(inbox.entry(0).digest, keccak256("record"));
        assertEq(inbox.entry(0).time, _now());
        assertEq(_inGrave(), FORCE_FEE);
    }

    function test_ForcingNeedsTheFeeAndARecordThatFits() public {
        vm.expectRevert(abi.encodeWithSelector(IInbox.WrongFee.selector, 0, FORCE_FEE));
        inbox.force("record");
        vm.expectRevert(abi.encodeWithSelector(IInbox.WrongRecordLength.selector, 0, 65_536));
        inbox.force{ value: FORCE_FEE }("");
        bytes memory long = new bytes(65_537);
        vm.expectRevert(abi.encodeWithSelector(IInbox.WrongRecordLength.selector, 65_537, 65_536));
        inbox.force{ value: FORCE_FEE }(long);
    }

    function test_ADueEntryMayBeLeftOutUntilOneSecondBeforeItIsDue() public {
        inbox.force{ value: FORCE_FEE }("record");
        uint64 queuedAt = _now();
        bytes32 previous = inbox.commitments(1);
        vm.startPrank(sequencer);
        vm.warp(queuedAt + FORCE_DELAY - 1);
        previous = inbox.postCalldata(previous, bytes32(0), 0, 0, "b");
        bytes memory why =
            abi.encodeWithSelector(IInbox.ForcedEntryLeftOut.selector, 0, queuedAt, queuedAt + FORCE_DELAY);
        for (uint64 late; late < 2; ++late) {
            vm.warp(queuedAt + FORCE_DELAY + late);
            vm.expectRevert(why);
            inbox.postCalldata(previous, bytes32(0), 0, 0, "b");
        }
        inbox.postCalldata(previous, bytes32(0), 0, 1, "b");
        assertEq(inbox.consumed(), 1);
    }

    function test_AnybodyPostsTheQueueFromTheTimeoutOn() public {
        inbox.force{ value: FORCE_FEE }("record");
        inbox.force{ value: FORCE_FEE }("another");
        uint64 freeAt = _now() + FORCE_TIMEOUT;
        vm.warp(freeAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IInbox.NothingOverdue.selector, 0, freeAt));
        inbox.postForced();
        vm.warp(freeAt);
        bytes32 previous = inbox.commitments(1);
        bytes32 commitment = inbox.postForced();
        IInbox.Batch memory forced = IInbox.Batch(2, previous, bytes32(0), 0, bytes32(0), 2);
        assertEq(commitment, keccak256(abi.encode(forced)));
        vm.expectRevert(abi.encodeWithSelector(IInbox.NothingOverdue.selector, 2, FORCE_TIMEOUT));
        inbox.postForced();
    }

    // --- stake ---

    function test_TwoSignaturesForOneHeightCostTheStake() public {
        inbox.stake{ value: 8 ether }();
        assertEq(bonds.locked(address(inbox)), 8 ether);
        vm.expectEmit(address(inbox));
        emit IInbox.Slashed(5, carol, bytes32("a"), bytes32("b"), 4 ether, 4 ether);
        this.slashExternally(SEQUENCER_KEY, "b");
        assertEq(bonds.credits(carol), 4 ether);
        assertEq(_inGrave(), 4 ether);
        vm.expectRevert(IInbox.NothingStaked.selector);
        this.slashExternally(SEQUENCER_KEY, "b");
    }

    function test_OneBlockOrAStrangersSignatureCostsNothing() public {
        inbox.stake{ value: 8 ether }();
        vm.expectRevert(abi.encodeWithSelector(IInbox.SameBlock.selector, bytes32("a")));
        this.slashExternally(SEQUENCER_KEY, "a");
        bytes memory why =
            abi.encodeWithSelector(IInbox.NotSignedBySequencer.selector, bytes32("a"), vm.addr(7));
        vm.expectRevert(why);
        this.slashExternally(7, "b");
        bytes memory call = abi.encodeCall(IInbox.slash, (5, "a", "short", "b", "short"));
        vm.expectRevert(
            abi.encodeWithSelector(IInbox.NotSignedBySequencer.selector, bytes32("a"), address(0))
        );
        this.sealedExternally(call);
    }

    function test_EvidenceThatIsCopiedFromThePoolEarnsNothing() public {
        inbox.stake{ value: 8 ether }();
        bytes memory call = _evidence(SEQUENCER_KEY, "b");
        _seal(inbox, carol, call);
        vm.prank(carl);
        (bool done, bytes memory why) = address(inbox).call(call);
        bytes32 digest = keccak256(abi.encode(carl, keccak256(call)));
        assertFalse(done);
        assertEq(why, abi.encodeWithSelector(ISeals.NotSealed.selector, carl, digest));
        vm.prank(carol);
        (done,) = address(inbox).call(call);
        assertTrue(done);
        assertEq(bonds.credits(carol), 4 ether);
    }

    function test_AnEmptyStakeReverts() public {
        vm.expectRevert(IInbox.NothingSent.selector);
        inbox.stake();
    }

    function slashExternally(uint256 key, bytes32 hashB) external {
        this.sealedExternally(_evidence(key, hashB));
    }

    function sealedExternally(bytes calldata call) external {
        _seal(inbox, carol, call);
        vm.prank(carol);
        (bool done, bytes memory why) = address(inbox).call(call);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(why, 0x20), mload(why))
            }
        }
    }

    function _evidence(uint256 key, bytes32 hashB) private view returns (bytes memory) {
        bytes memory signatureA = _sign(key, inbox.confirmation(5, "a"));
        bytes memory signatureB = _sign(key, inbox.confirmation(5, hashB));
        return abi.encodeCall(IInbox.slash, (5, "a", signatureA, hashB, signatureB));
    }

    function _sign(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    // --- rules ---

    function test_TheRulesAreReadBack() public view {
        assertEq(keccak256(abi.encode(inbox.rules())), keccak256(abi.encode(_inboxRules())));
    }

    function test_ImpossibleRulesAreRefused() public {
        IInbox.Rules memory rules = _inboxRules();
        rules.forceTimeout = FORCE_DELAY - 1;
        vm.expectRevert(IInbox.RulesImpossible.selector);
        Deploy.inbox(rules, bonds, address(claims), ledgerClaims);
        rules = _inboxRules();
        rules.forceTimeout = uint64(type(uint32).max) + 1;
        vm.expectRevert(IInbox.RulesImpossible.selector);
        Deploy.inbox(rules, bonds, address(claims), ledgerClaims);
        rules = _inboxRules();
        rules.prizeShareBps = 10_001;
        vm.expectRevert(IInbox.RulesImpossible.selector);
        Deploy.inbox(rules, bonds, address(claims), ledgerClaims);
        rules = _inboxRules();
        rules.sequencer = address(0);
        vm.expectRevert(IInbox.RulesImpossible.selector);
        Deploy.inbox(rules, bonds, address(claims), ledgerClaims);
    }
}
