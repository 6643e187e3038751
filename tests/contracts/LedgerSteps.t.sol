// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IInbox } from "contracts/interfaces/IInbox.sol";
import { ILedgerArbiter } from "contracts/interfaces/ILedgerArbiter.sol";
import { ILedgerClaims } from "contracts/interfaces/ILedgerClaims.sol";
import { Machine } from "contracts/types/Machine.sol";
import { Leaf, Witness } from "contracts/types/Witness.sol";
import { Deploy } from "tests/contracts/Deploy.sol";
import { AccountTrees } from "tests/contracts/handlers/AccountTrees.sol";
import { LedgerArena } from "tests/contracts/handlers/LedgerArena.sol";
import { Trees } from "tests/contracts/handlers/Trees.sol";

/// @title A game that the shipped LedgerArbiter decides
/// @notice alice deposits, and a record that is none is forced into the order. The batch is six steps: entering it, the
/// deposit, no further notice, reading the record, skipping it, sealing the block.
contract LedgerStepsTest is LedgerArena {
    using AccountTrees for AccountTrees.Account[];

    bytes private constant RECORD = "no record of a transaction";
    uint32 private constant STEPS_OF_BATCH = 6;

    ILedgerArbiter private judge;
    IInbox.Batch private batch;
    IInbox.Notice private notice;

    function setUp() public {
        vm.warp(1_000_000);
        vm.roll(100);
        uint256 nonce = vm.getNonce(address(this));
        address claims = vm.computeCreateAddress(address(this), nonce + 4);
        bonds = Deploy.bonds(vm.computeCreateAddress(address(this), nonce + 1), claims, claims, claims);
        IInbox.Rules memory order = IInbox.Rules(210_614_763, sequencer, 50, 200, 0, 5000);
        inbox = Deploy.inbox(order, bonds, claims, claims);
        judge = Deploy.ledgerArbiter(inbox, Deploy.transactionArbiter());
        bytes32 start = keccak256(abi.encode(_first()));
        ledger = Deploy.ledgerClaims(_rules(), bonds, inbox, judge, start);
        assertEq(address(ledger), claims);
        _fill();
    }

    function _fill() private {
        vm.deal(alice, 1000 ether);
        vm.deal(carol, 1000 ether);
        vm.deal(carl, 1000 ether);
        vm.prank(alice);
        inbox.deposit{ value: 5 ether }(alice);
        notice = IInbox.Notice(1, alice, 5 ether, 0, 100);
        inbox.force(RECORD);
        _wait(200);
        vm.roll(120);
        bytes32 previous = inbox.commitments(0);
        inbox.postForced();
        batch = IInbox.Batch(1, previous, 0, 0, 0, 1);
    }

    function _first() private pure returns (Machine memory m) {
        (m.head, m.origin, m.originHash, m.baseFee) = ("genesis", 99, "L1 block", 1 gwei);
    }

    /// @dev What the step from a machine reads.
    function _witness(Machine memory m) private view returns (Witness memory w) {
        w = _none();
        if (m.phase == 0) w.batch = batch;
        if (m.phase == 2 && m.notices == 0) {
            w.notice = notice;
            w.leaves = new Leaf[](1);
        }
        if (m.phase == 6) w.record = RECORD;
        if (m.phase == 7) {
            w.blockFrontier = new bytes32[](1);
            w.blockFrontier[0] = keccak256(RECORD);
        }
    }

    /// @dev The machines that the arbiter says; from one on (0: none) carl has withdrawn what nobody gave him.
    function _machines(uint256 wrong) private view returns (Machine[] memory all) {
        all = new Machine[](STEPS_OF_BATCH + 1);
        all[0] = _first();
        for (uint256 i; i < STEPS_OF_BATCH; ++i) {
            all[i + 1] = judge.step(all[i], 1, _witness(all[i]));
        }
        for (uint256 i = wrong; wrong != 0 && i <= STEPS_OF_BATCH; ++i) {
            all[i].ledger = _stolen().root();
        }
    }

    function _stolen() private view returns (AccountTrees.Account[] memory held) {
        held = new AccountTrees.Account[](1);
        held[0] = AccountTrees.Account(carl, 1, 0, 5 ether);
    }

    function _claimOf(address claimant, Machine[] memory all) private view returns (Claimed memory c) {
        c.leaves = new bytes32[](all.length);
        for (uint256 i; i < all.length; ++i) {
            c.leaves[i] = keccak256(abi.encode(all[i]));
        }
        c.end = all[STEPS_OF_BATCH];
        bytes32 trace = Trees.root(c.leaves);
        bytes32 held = inbox.commitments(1);
        bytes32 end = c.leaves[STEPS_OF_BATCH];
        c.claim = ILedgerClaims.Claim(claimant, 0, 1, held, STEPS_OF_BATCH, trace, c.leaves[0], end);
        c.id = keccak256(abi.encode(c.claim));
    }

    function _evidence(Play memory g, Claimed memory c) private view returns (bytes memory) {
        uint256 before = g.position.index - 1;
        Machine memory m = _machines(0)[before];
        bytes32[] memory proof = Trees.leafProof(c.leaves, before);
        return abi.encodeCall(ILedgerClaims.prove, (g.id, g.position, m, proof, _witness(m)));
    }

    function test_TheTruthIsIdleWithTheDepositAndABlock() public view {
        Machine memory end = _machines(0)[STEPS_OF_BATCH];
        AccountTrees.Account[] memory held = new AccountTrees.Account[](1);
        held[0] = AccountTrees.Account(alice, 0, 5 ether, 0);
        assertEq(end.ledger, held.root());
        (uint256 phase, uint256 number, uint256 height) = (end.phase, end.batch, end.height);
        assertEq(phase, 0);
        assertEq(number, 1);
        assertEq(height, 1);
    }

    function testFuzz_ATheftAtAnyStepIsRefuted(uint256 step) public {
        step = bound(step, 1, STEPS_OF_BATCH);
        Claimed memory c = _claimOf(carl, _machines(step));
        _stand(c);
        Play memory g = _open(c, carol, "salt");
        _reveal(g, carl, c.leaves);
        _choose(g, c.leaves, step);
        _sealed(carol, _evidence(g, c));
        assertTrue(_state(c.id) == ILedgerClaims.State.Refuted);
        assertEq(bonds.credits(carol), CHALLENGE_BOND + PRIZE);
    }

    function callExternally(address sender, bytes memory call) external {
        _callAs(sender, 0, call);
    }

    function test_TheTruthStandsAtEveryStep() public {
        Claimed memory c = _claimOf(alice, _machines(0));
        _stand(c);
        for (uint256 step = 1; step <= STEPS_OF_BATCH; ++step) {
            Play memory g = _open(c, carl, bytes32(step));
            _reveal(g, alice, c.leaves);
            _choose(g, c.leaves, step);
            bytes memory call = _evidence(g, c);
            _seal(carl, call);
            vm.expectRevert(ILedgerClaims.NothingWrong.selector);
            this.callExternally(carl, call);
        }
    }

    function test_AStolenLedgerPaysNothing() public {
        Claimed memory told = _claimOf(alice, _machines(0));
        _stand(told);
        _makeFinal(told);
        bytes memory call =
            abi.encodeCall(ILedgerClaims.withdraw, (told.claim, told.end, carl, _stolen().leafOf(0)));
        vm.expectPartialRevert(ILedgerClaims.WrongProof.selector);
        this.callExternally(carl, call);
    }
}
