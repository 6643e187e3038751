// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// The numbers of these tests are small.
// forge-lint: disable-start(unsafe-typecast)

import { IInbox } from "contracts/interfaces/IInbox.sol";
import { ILedgerClaims } from "contracts/interfaces/ILedgerClaims.sol";
import { Machine } from "contracts/types/Machine.sol";
import { Leaf } from "contracts/types/Witness.sol";
import { AccountTrees } from "tests/contracts/handlers/AccountTrees.sol";
import { LedgerArena } from "tests/contracts/handlers/LedgerArena.sol";

/// @title An account that tries to be paid again while it is paid
contract Greedy {
    bytes public call;
    bool public refuses;
    bool public entered;
    bytes public answer;

    function aim(bytes calldata call_) external {
        call = call_;
    }

    function refuse(bool refuses_) external {
        refuses = refuses_;
    }

    receive() external payable {
        require(!refuses);
        if (call.length == 0 || entered) return;
        entered = true;
        // The payment comes from the Inbox; whoever asked it for one is in the first bytes.
        (address target, bytes memory data) = abi.decode(call, (address, bytes));
        bool done;
        (done, answer) = target.call(data);
        require(!done);
    }
}

/// @title Withdrawals against final claims
contract LedgerWithdrawalsTest is LedgerArena {
    using AccountTrees for AccountTrees.Account[];

    uint256 private constant FOUR = 4; // withdraws 4 ether in 12 batches

    function setUp() public {
        _deploy();
    }

    function callExternally(bytes memory call) external returns (bytes memory) {
        return _callAs(carol, 0, call);
    }

    function _final(uint64 to) private returns (Claimed memory c) {
        c = _standHonest(alice, 0, 0, to);
        _makeFinal(c);
    }

    function _leaf(Claimed memory c, uint256 which) private view returns (Leaf memory) {
        return _accountsAt(c.claim.batch).leafOf(which);
    }

    function _call(Claimed memory c, address account, Leaf memory leaf) private pure returns (bytes memory) {
        return abi.encodeCall(ILedgerClaims.withdraw, (c.claim, c.end, account, leaf));
    }

    function _expect(bytes memory call, bytes memory why) private {
        vm.expectRevert(why);
        this.callExternally(call);
    }

    function test_AnAccountIsPaidWhatItWithdrew() public {
        Claimed memory c = _final(BATCHES);
        address account = accounts[FOUR].account;
        vm.expectEmit(address(ledger));
        emit ILedgerClaims.Withdrawn(c.id, account, 4 ether, 4 ether);
        vm.expectEmit(address(inbox));
        emit IInbox.Paid(account, 4 ether);
        bytes memory answer = this.callExternally(_withdrawCall(c, FOUR));
        assertEq(abi.decode(answer, (uint256)), 4 ether);
        assertEq(account.balance, 4 ether);
        assertEq(ledger.paid(account), 4 ether);
        assertEq(address(inbox).balance, DEPOSITED - 4 ether);
    }

    function test_AnAccountIsPaidOnce() public {
        Claimed memory c = _final(BATCHES);
        this.callExternally(_withdrawCall(c, FOUR));
        bytes memory why = abi.encodeWithSelector(
            ILedgerClaims.NothingToWithdraw.selector, accounts[FOUR].account, 4 ether, 4 ether
        );
        _expect(_withdrawCall(c, FOUR), why);
    }

    function test_LaterClaimsPayTheRest() public {
        Claimed memory early = _standHonest(alice, 0, 0, 3);
        Claimed memory late = _standHonest(alice, early.id, 3, 6);
        _makeFinal(early);
        _makeFinal(late);
        address account = accounts[FOUR].account;
        this.callExternally(_withdrawCall(early, FOUR));
        assertEq(account.balance, 1 ether);
        this.callExternally(_withdrawCall(late, FOUR));
        assertEq(account.balance, 2 ether);
        bytes memory why =
            abi.encodeWithSelector(ILedgerClaims.NothingToWithdraw.selector, account, 1 ether, 2 ether);
        _expect(_withdrawCall(early, FOUR), why);
    }

    function test_WhoWithdrewNothingIsPaidNothing() public {
        bytes memory why =
            abi.encodeWithSelector(ILedgerClaims.NothingToWithdraw.selector, accounts[0].account, 0, 0);
        Claimed memory c = _final(BATCHES);
        _expect(_withdrawCall(c, 0), why);
    }

    function testFuzz_PaymentsAddUpToWhatWasWithdrawn(uint256[6] memory which, uint256[6] memory batches)
        public
    {
        Claimed[] memory claims = new Claimed[](3);
        for (uint64 i; i < 3; ++i) {
            claims[i] = _standHonest(alice, 0, 0, 4 * (i + 1));
        }
        for (uint256 i; i < 3; ++i) {
            _makeFinal(claims[i]);
        }
        uint256 paid;
        for (uint256 i; i < 6; ++i) {
            uint256 account = bound(which[i], 1, accounts.length - 1);
            Claimed memory c = claims[bound(batches[i], 0, 2)];
            (bool done,) = address(ledger).call(_withdrawCall(c, account));
            address to = accounts[account].account;
            assertTrue(!done || to.balance == _accountsAt(c.claim.batch)[account].withdrawn);
        }
        for (uint256 i; i < accounts.length; ++i) {
            assertEq(accounts[i].account.balance, ledger.paid(accounts[i].account));
            paid += accounts[i].account.balance;
        }
        assertEq(address(inbox).balance, DEPOSITED - paid);
    }

    // --- what is no final claim ---

    function test_StandingAndRefutedClaimsPayNothing() public {
        Claimed memory c = _standHonest(alice, 0, 0, BATCHES);
        ILedgerClaims.State final_ = ILedgerClaims.State.Final;
        bytes4 wrong = ILedgerClaims.WrongState.selector;
        bytes memory why = abi.encodeWithSelector(wrong, c.id, ILedgerClaims.State.Standing, final_);
        _expect(_withdrawCall(c, FOUR), why);
        Claimed memory lied = _standLie(BATCHES, Lie(5, false, 0));
        _refute(lied, _open(lied, carol, "salt"), 0);
        why = abi.encodeWithSelector(wrong, lied.id, ILedgerClaims.State.Refuted, final_);
        _expect(_withdrawCall(lied, FOUR), why);
        Claimed memory none = _claim(carol, 0, 0, BATCHES, _honest());
        why = abi.encodeWithSelector(wrong, none.id, ILedgerClaims.State.None, final_);
        _expect(_withdrawCall(none, FOUR), why);
    }

    // --- what is not in the ledger ---

    function test_TheEndIsTheClaims() public {
        Claimed memory c = _final(6);
        Machine memory other = _machine(uint32(BATCHES * STEPS));
        bytes32 given = keccak256(abi.encode(other));
        c.end = other;
        bytes4 wrong = ILedgerClaims.WrongEnd.selector;
        _expect(_withdrawCall(c, FOUR), abi.encodeWithSelector(wrong, given, c.claim.end));
    }

    function _expectForged(Claimed memory c, address account, Leaf memory leaf) private {
        vm.expectPartialRevert(ILedgerClaims.WrongProof.selector);
        this.callExternally(_call(c, account, leaf));
    }

    function test_NoFieldOfALeafCanBeForged() public {
        Claimed memory c = _final(BATCHES);
        address account = accounts[FOUR].account;
        for (uint256 i; i < 3; ++i) {
            Leaf memory leaf = _leaf(c, FOUR);
            leaf.fields[i] += 1;
            _expectForged(c, account, leaf);
        }
        _expectForged(c, carl, _leaf(c, FOUR));
        _expectForged(c, account, _leaf(c, 3));
    }

    function testFuzz_NoOtherPathLeadsToTheRoot(uint256 place, bytes32 sibling, uint256 more) public {
        Claimed memory c = _final(BATCHES);
        Leaf memory leaf = _leaf(c, FOUR);
        bytes32[] memory right = leaf.siblings;
        place = bound(place, 0, right.length - 1);
        if (right[place] == sibling) return;
        bytes32[] memory longer = new bytes32[](right.length + bound(more, 1, 20));
        for (uint256 i; i < right.length; ++i) {
            longer[i] = right[i];
        }
        leaf.siblings = longer;
        _expectForged(c, accounts[FOUR].account, leaf);
        leaf.siblings = new bytes32[](place);
        _expectForged(c, accounts[FOUR].account, leaf);
        right[place] = sibling;
        leaf.siblings = right;
        _expectForged(c, accounts[FOUR].account, leaf);
    }

    /// @dev What shows that a key is absent would let any fields pass.
    function test_AProofOfAbsenceIsNoLeaf() public {
        Claimed memory c = _final(BATCHES);
        AccountTrees.Account[] memory held = _accountsAt(BATCHES);
        Leaf memory leaf = _leaf(c, FOUR);
        leaf.found = 2;
        leaf.key = AccountTrees.key(held[FOUR].account);
        leaf.value = keccak256(abi.encode(leaf.fields));
        leaf.fields[2] = 40 ether;
        bytes memory why = abi.encodeWithSelector(ILedgerClaims.NoLeaf.selector, carl);
        _expect(_call(c, carl, leaf), why);
        leaf.found = 0;
        _expect(_call(c, carl, leaf), why);
    }

    // --- receivers ---

    function _greedy() private returns (Greedy greedy, Claimed memory c) {
        greedy = new Greedy();
        accounts[FOUR].account = address(greedy);
        for (uint64 i = 1; i <= BATCHES; ++i) {
            arbiter.setRoot(i, _root(i));
        }
        c = _final(BATCHES);
    }

    function test_AReceiverThatComesBackIsNotPaidTwice() public {
        (Greedy greedy, Claimed memory c) = _greedy();
        bytes memory call = _withdrawCall(c, FOUR);
        greedy.aim(abi.encode(address(ledger), call));
        this.callExternally(call);
        assertTrue(greedy.entered());
        bytes memory why = abi.encodeWithSelector(
            ILedgerClaims.NothingToWithdraw.selector, address(greedy), 4 ether, 4 ether
        );
        assertEq(greedy.answer(), why);
        assertEq(address(greedy).balance, 4 ether);
    }

    function test_AReceiverThatRefusesStopsNobodyElse() public {
        (Greedy greedy, Claimed memory c) = _greedy();
        greedy.refuse(true);
        bytes memory why = abi.encodeWithSelector(IInbox.PaymentRefused.selector, address(greedy), 4 ether);
        _expect(_withdrawCall(c, FOUR), why);
        this.callExternally(_withdrawCall(c, 3));
        assertEq(accounts[3].account.balance, 3 ether);
        assertEq(ledger.paid(address(greedy)), 0);
        greedy.refuse(false);
        this.callExternally(_withdrawCall(c, FOUR));
        assertEq(address(greedy).balance, 4 ether);
    }

    function test_NoMoreIsPaidThanWasDeposited() public {
        accounts[FOUR].withdrawn = DEPOSITED + 1;
        for (uint64 i = 1; i <= BATCHES; ++i) {
            arbiter.setRoot(i, _root(i));
        }
        Claimed memory c = _final(BATCHES);
        bytes memory why = abi.encodeWithSelector(IInbox.MoreThanHeld.selector, DEPOSITED + 1, DEPOSITED);
        _expect(_withdrawCall(c, FOUR), why);
    }
}
