// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Short literals and small numbers: nothing is cut off.
// forge-lint: disable-start(unsafe-typecast)

import { IInbox } from "contracts/interfaces/IInbox.sol";
import { Arena } from "tests/contracts/handlers/Arena.sol";

/// @title A sequencer that leaves out what it may, users that force, and anybody who would like to be paid
contract InboxActors is Arena {
    /// @notice Commitments as they were written; they must stay.
    bytes32[] public written;

    /// @notice Wei deposited.
    uint256 public deposited;

    /// @notice Wei paid out.
    uint256 public paid;

    /// @notice Notices as they were written; they must stay.
    bytes32[] public noted;

    /// @notice Wei paid for forcing.
    uint256 public fees;

    /// @notice Whether a batch was accepted twice, or a due entry left out.
    bool public broken;

    constructor() {
        _deploy();
        written.push(inbox.commitments(0));
        written.push(inbox.commitments(1));
        vm.deal(address(this), 1000 ether);
    }

    function deposit(uint256 amount) external {
        uint256 wei_ = bound(amount, 1, 1 ether);
        inbox.deposit{ value: wei_ }(address(uint160(amount)));
        deposited += wei_;
        noted.push(inbox.notices(uint64(noted.length)));
    }

    function note(address stranger, uint8 kind, bytes32 job, bool honest) external {
        vm.prank(honest ? address(claims) : stranger);
        (bool done,) = address(inbox).call(abi.encodeCall(IInbox.note, (kind, stranger, job)));
        if (done != (honest || stranger == address(claims))) broken = true;
        if (done) noted.push(inbox.notices(uint64(noted.length)));
    }

    function pay(address stranger, uint256 amount, bool honest) external {
        uint256 held = address(inbox).balance;
        uint256 wei_ = bound(amount, 0, held + 1 ether);
        address caller = honest ? ledgerClaims : stranger;
        vm.prank(caller);
        (bool done,) = address(inbox).call(abi.encodeCall(IInbox.pay, (alice, wei_)));
        if (done != (caller == ledgerClaims && wei_ <= held)) broken = true;
        if (done) paid += wei_;
    }

    function force(bytes32 record) external {
        inbox.force{ value: FORCE_FEE }(abi.encode(record));
        fees += FORCE_FEE;
    }

    function post(uint256 end, bool due) external {
        uint64 consumed = inbox.consumed();
        uint64 length = inbox.queueLength();
        uint64 forcedEnd = uint64(bound(end, consumed, length));
        bytes32 previous = inbox.commitments(inbox.latest());
        bool late = forcedEnd < length && _now() >= inbox.entry(forcedEnd).time + FORCE_DELAY;
        if (late && !due) forcedEnd = length;
        bytes memory call = abi.encodeCall(IInbox.postCalldata, (previous, bytes32(0), 0, forcedEnd, "bytes"));
        vm.prank(sequencer);
        (bool done,) = address(inbox).call(call);
        if (done == (late && due)) broken = true;
        if (!done) return;
        written.push(inbox.commitments(inbox.latest()));
        vm.prank(sequencer);
        (done,) = address(inbox).call(call);
        if (done) broken = true;
    }

    function postForced() external {
        uint64 oldest = inbox.consumed();
        bool free = oldest < inbox.queueLength() && _now() >= inbox.entry(oldest).time + FORCE_TIMEOUT;
        (bool done,) = address(inbox).call(abi.encodeCall(IInbox.postForced, ()));
        if (done != free) broken = true;
        if (done) written.push(inbox.commitments(inbox.latest()));
    }

    function wait(uint256 time) external {
        vm.warp(_now() + bound(time, 1, FORCE_DELAY));
    }

    function unchanged() external view returns (bool) {
        for (uint64 i; i < written.length; ++i) {
            if (inbox.commitments(i) != written[i]) return false;
        }
        for (uint64 i; i < noted.length; ++i) {
            if (inbox.notices(i) != noted[i] || noted[i] == bytes32(0)) return false;
        }
        bool counted = inbox.noticeCount() == noted.length && inbox.latest() + 1 == written.length;
        return counted && inbox.consumed() <= inbox.queueLength();
    }

    function solvent() external view returns (bool) {
        bool whole = paid <= deposited && address(inbox).balance == deposited - paid;
        return whole && GRAVE.balance == fees && address(bonds).balance == 0;
    }
}
