// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ILedgerClaims } from "contracts/interfaces/ILedgerClaims.sol";
import { ISeals } from "contracts/interfaces/ISeals.sol";
import { Machine } from "contracts/types/Machine.sol";
import { Leaf } from "contracts/types/Witness.sol";
import { AccountTrees } from "tests/contracts/handlers/AccountTrees.sol";
import { LedgerArena } from "tests/contracts/handlers/LedgerArena.sol";
import { Trees } from "tests/contracts/handlers/Trees.sol";

/// @title What a ledger claim, the moves of its game and a withdrawal cost, whole transactions
/// @notice A claim of 16,777,215 steps, in which the last one is false; a ledger of about a million accounts. Base fee
/// and calldata included (or the floor of EIP-7623 where that is more), storage cold; in `prove` the step itself costs
/// nothing. The figures are committed in snapshots/LedgerGasTest.json.
contract LedgerGasTest is LedgerArena {
    uint32 private constant LAST = (1 << 24) - 1;
    uint256 private constant GROUP = 64;
    uint256 private constant ACCOUNT_DEPTH = 20;

    uint256 private challengers;
    bytes32[][4] private groups; // nodes of levels 18, 12, 6, 0: those that the game reveals

    function setUp() public {
        _deploy();
    }

    /// @dev Under isolation forge plays every call as a transaction of its own and counts all of it, but for the floor.
    function _note(string memory name, bytes memory call) private returns (uint256 gas) {
        gas = vm.lastCallGas().gasTotalUsed;
        uint256 tokens;
        for (uint256 i; i < call.length; ++i) {
            tokens += call[i] == 0 ? 1 : 4;
        }
        uint256 floor = 21_000 + 10 * tokens;
        if (floor > gas) gas = floor;
        vm.snapshotValue(name, gas);
    }

    function _move(string memory name, address mover, uint256 value, bytes memory call)
        private
        returns (uint256 gas)
    {
        vm.recordLogs();
        _callAs(mover, value, call);
        gas = _note(name, call);
        if (mover == carol) challengers += gas;
    }

    // --- a trace of which only the way to its end is known ---

    function _random(uint256 level, uint256 index) private pure returns (bytes32) {
        return keccak256(abi.encode(level, index));
    }

    /// @dev Siblings of the first node of level 18 below level 24, or of leaf 0 below level 18.
    function _startProof() private view returns (bytes32[] memory proof) {
        proof = new bytes32[](24);
        bytes32[] memory top = Trees.proof(groups[0], 0, 0, 6);
        for (uint256 i; i < 24; ++i) {
            proof[i] = i < 18 ? _random(i, 1) : top[i - 18];
        }
    }

    /// @dev Siblings of one of the last 64 leaves.
    function _proofOf(uint256 leaf) private view returns (bytes32[] memory proof) {
        proof = new bytes32[](24);
        for (uint256 g; g < 4; ++g) {
            bytes32[] memory part = Trees.proof(groups[3 - g], 0, g == 0 ? leaf : GROUP - 1, 6);
            for (uint256 i; i < 6; ++i) {
                proof[6 * g + i] = part[i];
            }
        }
    }

    function _build(bytes32 start, bytes32 before, bytes32 end) private returns (bytes32) {
        bytes32 last = end;
        for (uint256 g = 4; g != 0; --g) {
            bytes32[] memory row = new bytes32[](GROUP);
            for (uint256 i; i < GROUP; ++i) {
                row[i] = _random(6 * (4 - g), i);
            }
            if (g == 4) row[GROUP - 2] = before;
            if (g == 1) row[0] = _climb(start);
            row[GROUP - 1] = last;
            groups[g - 1] = row;
            last = Trees.root(row);
        }
        return last;
    }

    function _climb(bytes32 node) private pure returns (bytes32) {
        for (uint256 i; i < 18; ++i) {
            node = keccak256(bytes.concat(node, _random(i, 1)));
        }
        return node;
    }

    function _leaf() private pure returns (Leaf memory leaf) {
        leaf.found = 1;
        leaf.fields = [uint256(7), 8 ether, 3 ether];
        leaf.siblings = new bytes32[](ACCOUNT_DEPTH);
        for (uint256 i; i < ACCOUNT_DEPTH; ++i) {
            leaf.siblings[i] = _random(i, 2);
        }
    }

    function _ledgerRoot(address account, Leaf memory leaf) private pure returns (bytes32 node) {
        AccountTrees.Account memory held =
            AccountTrees.Account(account, uint64(leaf.fields[0]), leaf.fields[1], leaf.fields[2]);
        node = AccountTrees.leaf(held);
        for (uint256 i; i < ACCOUNT_DEPTH; ++i) {
            bool right = uint256(AccountTrees.key(account)) >> (256 - ACCOUNT_DEPTH + i) & 1 == 1;
            bytes32 sibling = leaf.siblings[i];
            node = keccak256(right ? bytes.concat(sibling, node) : bytes.concat(node, sibling));
        }
    }

    function _lied() private returns (Claimed memory c) {
        c.end = _machine(20);
        c.end.ledger = _ledgerRoot(alice, _leaf());
        bytes32 end = keccak256(abi.encode(c.end));
        bytes32 trace = _build(ledger.genesis(), keccak256(abi.encode(_machine(19))), end);
        bytes32 held = inbox.commitments(2);
        c.claim = ILedgerClaims.Claim(carl, 0, 2, held, LAST, trace, ledger.genesis(), end);
        c.id = keccak256(abi.encode(c.claim));
    }

    function _claimCallOf(Claimed memory c) private view returns (bytes memory) {
        return abi.encodeCall(ILedgerClaims.claim, (c.claim, c.end, _startProof(), _proofOf(GROUP - 1)));
    }

    // --- what is measured ---

    /// forge-config: default.isolate = true
    function test_AMoveCostsLessThan150000AndTheChallengersSide750000() public {
        Claimed memory c = _lied();
        _move("claim", carl, CLAIM_BOND, _claimCallOf(c));
        bytes memory call = abi.encodeCall(ILedgerClaims.open, (c.claim, "salt"));
        _move("open", carol, CHALLENGE_BOND, call);
        Play memory g;
        g.id = ledger.gameId(c.id, carol, "salt");
        g.position = _newPosition(g.id);
        for (uint256 i; i < 4; ++i) {
            call = abi.encodeCall(ILedgerClaims.reveal, (g.id, g.position, groups[i]));
            assertLe(_move("reveal (64 nodes)", carl, 0, call), 150_000);
            g.position = _newPosition(g.id);
            bytes32[] memory proof = Trees.proof(groups[i], 0, GROUP - 1, 6);
            uint32 index = LAST >> (18 - 6 * i);
            bytes32 node = groups[i][GROUP - 1];
            call = abi.encodeCall(ILedgerClaims.choose, (g.id, g.position, index, node, proof));
            assertLe(_move("choose", carol, 0, call), 150_000);
            g.position = _newPosition(g.id);
        }
        call = abi.encodeCall(
            ILedgerClaims.prove, (g.id, g.position, _machine(19), _proofOf(GROUP - 2), _none())
        );
        bytes32 digest = keccak256(abi.encode(carol, keccak256(call)));
        _move("seal", carol, 0, abi.encodeCall(ISeals.seal, (digest)));
        vm.roll(vm.getBlockNumber() + 1);
        assertLe(_move("prove (without the step)", carol, 0, call), 250_000);
        assertTrue(_state(c.id) == ILedgerClaims.State.Refuted);
        vm.snapshotValue("challenger's side of a game", challengers);
        assertLe(challengers, 750_000);
    }

    /// forge-config: default.isolate = true
    function test_AClaimCostsLessThan250000AndAWithdrawal150000() public {
        Claimed memory c = _lied();
        uint256 gas = _move("claim", carl, CLAIM_BOND, _claimCallOf(c));
        vm.warp(_now() + WINDOW);
        gas += _move("finalize", carl, 0, abi.encodeCall(ILedgerClaims.finalize, (c.claim)));
        assertLe(gas, 300_000);
        bytes memory call = abi.encodeCall(ILedgerClaims.withdraw, (c.claim, c.end, alice, _leaf()));
        assertLe(_move("withdraw", carol, 0, call), 150_000);
    }

    /// forge-config: default.isolate = true
    function test_EndingAGameOrAClaimWithoutProofCostsLessThan150000() public {
        Claimed memory c = _standHonest(alice, 0, 0, 2);
        Claimed memory above = _standHonest(alice, c.id, 2, 3);
        Play memory g = _open(c, carol, "salt");
        Play memory other = _open(c, carol, "other");
        Play memory third = _open(c, carol, "third");
        _reveal(g, alice, c.leaves);
        vm.warp(_now() + CLOCK);
        bytes memory call = abi.encodeCall(ILedgerClaims.timeout, (g.id, g.position));
        assertLe(_move("timeout (challenger late)", alice, 0, call), 150_000);
        call = abi.encodeCall(ILedgerClaims.timeout, (other.id, other.position));
        assertLe(_move("timeout (claimant late)", alice, 0, call), 150_000);
        call = abi.encodeCall(ILedgerClaims.voidGame, (third.id, third.position));
        assertLe(_move("voidGame", alice, 0, call), 150_000);
        call = abi.encodeCall(ILedgerClaims.refuteBase, (above.claim));
        assertLe(_move("refuteBase", alice, 0, call), 150_000);
    }
}
