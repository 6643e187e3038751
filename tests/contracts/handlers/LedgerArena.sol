// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// The numbers of these tests are small.
// forge-lint: disable-start(unsafe-typecast)

import { IBonds } from "contracts/interfaces/IBonds.sol";
import { IGame } from "contracts/interfaces/IGame.sol";
import { IInbox } from "contracts/interfaces/IInbox.sol";
import { ILedgerArbiter } from "contracts/interfaces/ILedgerArbiter.sol";
import { ILedgerClaims } from "contracts/interfaces/ILedgerClaims.sol";
import { Machine } from "contracts/types/Machine.sol";
import { Leaf, Witness } from "contracts/types/Witness.sol";
import { Deploy } from "tests/contracts/Deploy.sol";
import { AccountTrees } from "tests/contracts/handlers/AccountTrees.sol";
import { CountingArbiter } from "tests/contracts/handlers/CountingArbiter.sol";
import { Trees } from "tests/contracts/handlers/Trees.sol";
import { Test, Vm } from "tests/contracts/Vm.sol";

/// @title LedgerClaims over a machine that counts, and the strategies of both sides of its game
/// @notice Some batches are posted. A trace is the list of the hashes of its machines; a lie replaces a part of it. Both
/// sides rebuild positions from events alone.
abstract contract LedgerArena is Test {
    using AccountTrees for AccountTrees.Account[];

    /// @dev How a claim lies.
    struct Lie {
        uint32 step; // the first false machine; 0: none
        bool once; // it is the only one
        uint32 inherited; // lies before the first machine already, which right steps carry on
    }

    struct Claimed {
        ILedgerClaims.Claim claim;
        Machine end;
        bytes32 id;
        bytes32[] leaves;
    }

    struct Play {
        bytes32 id;
        ILedgerClaims.Position position;
    }

    uint64 internal constant WINDOW = 1000;
    uint64 internal constant CLOCK = 400;
    uint256 internal constant CLAIM_BOND = 10 ether;
    uint256 internal constant CHALLENGE_BOND = 1 ether;
    uint256 internal constant PRIZE = 4 ether;
    uint64 internal constant BATCHES = 12;
    uint64 internal constant STEPS = 10;
    uint256 internal constant DEPOSITED = 50 ether;
    address internal constant GRAVE = 0x000000000000000000000000000000000000dEaD;

    IBonds internal bonds;
    IInbox internal inbox;
    ILedgerClaims internal ledger;
    CountingArbiter internal arbiter;

    address internal sequencer = address(0x5E);
    address internal alice = address(0xA1); // an honest claimant
    address internal carol = address(0xC1); // an honest challenger
    address internal carl = address(0xC2); // a liar

    AccountTrees.Account[] internal accounts;

    function _deploy() internal {
        vm.warp(1_000_000);
        vm.roll(100);
        arbiter = new CountingArbiter();
        uint256 nonce = vm.getNonce(address(this));
        address[3] memory next;
        for (uint256 i; i < 3; ++i) {
            next[i] = vm.computeCreateAddress(address(this), nonce + i);
        }
        bonds = Deploy.bonds(next[1], address(0xC1A), address(0x6A3E), next[2]);
        IInbox.Rules memory order = IInbox.Rules(210_614_763, sequencer, 50, 200, 0, 5000);
        inbox = Deploy.inbox(order, bonds, address(0xC1A), next[2]);
        bytes32 genesis = keccak256(abi.encode(_machine(0)));
        ledger = Deploy.ledgerClaims(_rules(), bonds, inbox, arbiter, genesis);
        _fillAccounts();
        for (uint64 i = 1; i <= BATCHES; ++i) {
            arbiter.setRoot(i, _root(i));
            _post();
        }
        address[3] memory rich = [alice, carol, carl];
        for (uint256 i; i < 3; ++i) {
            vm.deal(rich[i], 10_000 ether);
        }
        vm.deal(address(this), DEPOSITED);
        inbox.deposit{ value: DEPOSITED }(alice);
    }

    function _rules() internal pure returns (ILedgerClaims.Rules memory) {
        return ILedgerClaims.Rules(WINDOW, CLOCK, CLAIM_BOND, CHALLENGE_BOND, 4000);
    }

    function _post() internal {
        bytes32 previous = inbox.commitments(inbox.latest());
        vm.prank(sequencer);
        inbox.postCalldata(previous, bytes32(0), 0, 0, "bytes");
    }

    // --- the ledger ---

    function _fillAccounts() private {
        for (uint160 i; i < 5; ++i) {
            accounts.push(AccountTrees.Account(address(0xAC0 + i), uint64(i), 7 * i, 1 ether * i));
        }
    }

    /// @dev The accounts after a batch: each has withdrawn as often as there were batches.
    function _accountsAt(uint64 batch) internal view returns (AccountTrees.Account[] memory held) {
        held = accounts;
        for (uint256 i; i < held.length; ++i) {
            held[i].withdrawn = held[i].withdrawn * batch / BATCHES;
        }
    }

    function _root(uint64 batch) internal view returns (bytes32) {
        return _accountsAt(batch).root();
    }

    // --- machines and traces ---

    /// @dev The true machine after so many steps from genesis.
    function _machine(uint32 step) internal view returns (Machine memory m) {
        m.height = step;
        m.batch = (step + STEPS - 1) / STEPS;
        m.phase = step % STEPS == 0 ? 0 : 1;
        m.ledger = arbiter.roots(uint64(step / STEPS));
    }

    function _said(uint32 step, uint32 first, Lie memory lie) internal view returns (Machine memory m) {
        m = _machine(step);
        m.head = bytes32(uint256(lie.inherited));
        if (lie.step == 0) return m;
        bool lies = lie.once ? step == first + lie.step : step >= first + lie.step;
        if (lies) m.head = bytes32(uint256(lie.inherited) + 1);
    }

    /// @dev What a claimant with a lie says about the batches behind `from` up to `to`.
    function _trace(uint64 from, uint64 to, Lie memory lie) internal view returns (bytes32[] memory leaves) {
        uint32 first = uint32(from * STEPS);
        leaves = new bytes32[]((to - from) * STEPS + 1);
        for (uint32 i; i < leaves.length; ++i) {
            leaves[i] = keccak256(abi.encode(_said(first + i, first, lie)));
        }
    }

    function _claim(address claimant, bytes32 base, uint64 from, uint64 to, Lie memory lie)
        internal
        view
        returns (Claimed memory c)
    {
        c.leaves = _trace(from, to, lie);
        c.end = _said(uint32(to * STEPS), uint32(from * STEPS), lie);
        uint32 steps = uint32(c.leaves.length - 1);
        bytes32 trace = Trees.root(c.leaves);
        bytes32 held = inbox.commitments(to);
        bytes32 start = c.leaves[0];
        c.claim = ILedgerClaims.Claim(claimant, base, to, held, steps, trace, start, c.leaves[steps]);
        c.id = keccak256(abi.encode(c.claim));
    }

    function _honest() internal pure returns (Lie memory none) { }

    function _stand(Claimed memory c) internal returns (bytes32) {
        bytes memory call = _claimCall(c);
        _callAs(c.claim.claimant, CLAIM_BOND, call);
        return c.id;
    }

    function _claimCall(Claimed memory c) internal pure returns (bytes memory) {
        bytes32[] memory start = Trees.leafProof(c.leaves, 0);
        bytes32[] memory end = Trees.leafProof(c.leaves, c.leaves.length - 1);
        return abi.encodeCall(ILedgerClaims.claim, (c.claim, c.end, start, end));
    }

    function _standHonest(address claimant, bytes32 base, uint64 from, uint64 to)
        internal
        returns (Claimed memory c)
    {
        c = _claim(claimant, base, from, to, _honest());
        _stand(c);
    }

    function _standLie(uint64 to, Lie memory lie) internal returns (Claimed memory c) {
        c = _claim(carl, 0, 0, to, lie);
        _stand(c);
    }

    // --- moves ---

    function _callAs(address sender, uint256 value, bytes memory call)
        internal
        returns (bytes memory answer)
    {
        bool done;
        vm.prank(sender);
        (done, answer) = address(ledger).call{ value: value }(call);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(answer, 0x20), mload(answer))
            }
        }
    }

    function _play(Play memory g, address mover, bytes memory call) internal {
        vm.recordLogs();
        _callAs(mover, 0, call);
        g.position = _newPosition(g.id);
    }

    function _newPosition(bytes32 game) internal returns (ILedgerClaims.Position memory position) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = logs.length; i != 0; --i) {
            Vm.Log memory log = logs[i - 1];
            bool own = log.emitter == address(ledger) && log.topics[1] == game && log.data.length >= 448;
            if (!own) continue;
            IGame.Clock memory clock;
            (position, clock) = abi.decode(log.data, (ILedgerClaims.Position, IGame.Clock));
            assertEq(keccak256(abi.encode(position)), ledger.positions(game), "events tell the position");
            assertEq(abi.encode(clock), abi.encode(ledger.clocks(game)), "events tell the clocks");
        }
    }

    function _open(Claimed memory c, address challenger, bytes32 salt) internal returns (Play memory g) {
        vm.recordLogs();
        vm.prank(challenger);
        g.id = ledger.open{ value: CHALLENGE_BOND }(c.claim, salt);
        g.position = _newPosition(g.id);
    }

    function _revealCall(Play memory g, bytes32[] memory leaves) internal pure returns (bytes memory) {
        ILedgerClaims.Position memory p = g.position;
        bytes32[] memory nodes = Trees.children(leaves, _below(p.level), p.index, p.level);
        return abi.encodeCall(ILedgerClaims.reveal, (g.id, p, nodes));
    }

    function _reveal(Play memory g, address mover, bytes32[] memory leaves) internal {
        _play(g, mover, _revealCall(g, leaves));
    }

    /// @dev Goes towards a machine.
    function _chooseCall(Play memory g, bytes32[] memory leaves, uint256 machine)
        internal
        pure
        returns (bytes memory)
    {
        ILedgerClaims.Position memory p = g.position;
        uint8 level = _below(p.level);
        uint32 index = uint32(machine >> level);
        bytes32 node = Trees.nodes(leaves, level)[index];
        bytes32[] memory proof = Trees.proof(leaves, level, index, p.level);
        return abi.encodeCall(ILedgerClaims.choose, (g.id, p, index, node, proof));
    }

    function _choose(Play memory g, bytes32[] memory leaves, uint256 machine) internal {
        _play(g, g.position.challenger, _chooseCall(g, leaves, machine));
    }

    /// @dev The evidence that the step to the chosen machine is another one; `leaves` is the claimant's trace.
    function _proveCall(Play memory g, bytes32[] memory leaves, uint64 from)
        internal
        view
        returns (bytes memory)
    {
        uint32 before = g.position.index - 1;
        bytes32[] memory proof = Trees.leafProof(leaves, before);
        Machine memory m = _machine(uint32(from * STEPS) + before);
        return abi.encodeCall(ILedgerClaims.prove, (g.id, g.position, m, proof, _none()));
    }

    /// @dev The machine that counts reads nothing.
    function _none() internal pure returns (Witness memory none) { }

    function _seal(address sender, bytes memory call) internal {
        vm.prank(sender);
        ledger.seal(keccak256(abi.encode(sender, keccak256(call))));
        vm.roll(vm.getBlockNumber() + 1);
    }

    function _sealed(address sender, bytes memory call) internal {
        _seal(sender, call);
        _callAs(sender, 0, call);
    }

    /// @dev The first machine in which two traces differ.
    function _firstDifference(bytes32[] memory theirs, bytes32[] memory mine)
        internal
        pure
        returns (uint256 i)
    {
        while (theirs[i] == mine[i]) ++i;
    }

    /// @dev Plays an honest challenger against a claimant that reveals what it claimed, to the end.
    function _refute(Claimed memory c, Play memory g, uint64 from) internal {
        uint256 wrong = _firstDifference(c.leaves, _trace(from, c.claim.batch, _honest()));
        while (g.position.phase != ILedgerClaims.Phase.Prove) {
            _reveal(g, c.claim.claimant, c.leaves);
            _choose(g, c.leaves, wrong);
        }
        _sealed(g.position.challenger, _proveCall(g, c.leaves, from));
    }

    function _below(uint8 level) internal pure returns (uint8) {
        return level > 6 ? level - 6 : 0;
    }

    // --- ends ---

    function _finalize(Claimed memory c) internal {
        ledger.finalize(c.claim);
    }

    function _makeFinal(Claimed memory c) internal {
        vm.warp(ledger.status(c.id).claimedAt + WINDOW);
        _finalize(c);
    }

    function _withdrawCall(Claimed memory c, uint256 which) internal view returns (bytes memory) {
        AccountTrees.Account[] memory held = _accountsAt(c.claim.batch);
        address account = held[which].account;
        return abi.encodeCall(ILedgerClaims.withdraw, (c.claim, c.end, account, held.leafOf(which)));
    }

    function _state(bytes32 id) internal view returns (ILedgerClaims.State) {
        return ledger.status(id).state;
    }

    function _end(bytes32 game) internal view returns (uint64) {
        IGame.Clock memory c = ledger.clocks(game);
        return c.since + (c.turn == IGame.Side.Accountant ? c.accountant : c.challenger);
    }

    // The optimizer takes TIMESTAMP for a constant of a call and reads it once, so tests ask forge.

    function _now() internal view returns (uint64) {
        return uint64(vm.getBlockTimestamp());
    }

    function _wait(uint64 time) internal {
        vm.warp(_now() + time);
    }
}
