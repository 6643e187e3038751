// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// The numbers of these tests are small.
// forge-lint: disable-start(unsafe-typecast)

import { IGame } from "contracts/interfaces/IGame.sol";
import { ILedgerClaims } from "contracts/interfaces/ILedgerClaims.sol";
import { Leaf } from "contracts/types/Witness.sol";
import { AccountTrees } from "tests/contracts/handlers/AccountTrees.sol";
import { LedgerArena } from "tests/contracts/handlers/LedgerArena.sol";

/// @title Actors that claim, play and withdraw in any order, with time going by between them
/// @notice alice claims the truth, on any true claim, and answers in time. carol challenges every claim with a false step,
/// honestly and in time. carl claims lies and truths on anything, plays against everybody and himself, chooses at
/// random and lets true claims of his own fall.
contract LedgerActors is LedgerArena {
    using AccountTrees for AccountTrees.Account[];

    struct Kept {
        address claimant;
        bytes32 base;
        bytes32 id;
        uint64 from;
        uint64 to;
        Lie lie;
        bool isTrue; // its steps are right, and so are those of all that it builds on
        bool watched; // carol plays against it
        ILedgerClaims.State state;
    }

    struct Match {
        uint256 claim; // in `kept`
        bytes32 id;
        ILedgerClaims.Position position;
        IGame.Clock clock;
        bool open;
    }

    uint256 private constant MOST_CLAIMS = 10;
    uint256 private constant MOST_MATCHES = 16;

    Kept[] private kept;
    Match[] private matches;
    uint256 private salts;

    // --- ghosts ---

    mapping(address actor => uint256) public paidIn; // bonds that an actor has put down
    mapping(address actor => uint256) public drawn; // wei that it got back
    mapping(address actor => uint256) public due; // bonds of an honest actor that have to be back
    mapping(address account => uint256) public most; // that an account has withdrawn by true final claims
    uint256 public finals;
    uint256 public refuted; // by games
    uint256 public orphaned;
    uint256 public withdrawals;
    bool public lieFinal;
    bool public truthRefuted; // a claim of alice fell, and not with its base
    bool public jumped; // a state changed in a forbidden way
    bool public clockGrew;
    bool public overpaid;

    constructor() {
        _deploy();
    }

    // --- claiming ---

    /// @notice alice goes on from a true claim, whoever made it.
    function claimTruth(uint256 which, uint256 length) external {
        _claimOn(alice, which, length, Lie(0, false, 0));
    }

    /// @notice carl goes on from any claim, with right steps; on a lie they do not help him.
    function claimTruthAsCarl(uint256 which, uint256 length) external {
        _claimOn(carl, which, length, Lie(0, false, 0));
    }

    /// @notice carl goes on from any claim, with a lie.
    function claimLie(uint256 which, uint256 length, uint256 step, bool once) external {
        _claimOn(carl, which, length, Lie(uint32(bound(step, 1, BATCHES * STEPS)), once, 0));
    }

    function _claimOn(address claimant, uint256 which, uint256 length, Lie memory lie) private {
        which = bound(which, 0, kept.length);
        Kept memory base;
        base.isTrue = true;
        if (which != 0) base = kept[which - 1];
        bool refused = base.state == ILedgerClaims.State.Refuted || (claimant == alice && !base.isTrue);
        refused = refused || base.to < ledger.finalBatch();
        if (refused || kept.length == MOST_CLAIMS || base.to == BATCHES) return;
        uint64 to = uint64(bound(length, base.to + 1, BATCHES));
        uint32 steps = uint32((to - base.to) * STEPS);
        if (lie.step > steps) lie.step = steps;
        lie.inherited = _liesAtEnd(base);
        _add(claimant, base.id, base.to, to, lie, base.isTrue && lie.step == 0);
    }

    function _liesAtEnd(Kept memory k) private pure returns (uint32) {
        bool ends = k.lie.step != 0 && (!k.lie.once || k.lie.step == (k.to - k.from) * STEPS);
        return k.lie.inherited + (ends ? 1 : 0);
    }

    function _add(address claimant, bytes32 base, uint64 from, uint64 to, Lie memory lie, bool isTrue)
        private
    {
        Claimed memory c = _claim(claimant, base, from, to, lie);
        if (_state(c.id) != ILedgerClaims.State.None) return;
        _stand(c);
        paidIn[claimant] += CLAIM_BOND;
        ILedgerClaims.State standing = ILedgerClaims.State.Standing;
        kept.push(Kept(claimant, base, c.id, from, to, lie, isTrue, false, standing));
    }

    function _claimed(Kept memory k) private view returns (Claimed memory) {
        return _claim(k.claimant, k.base, k.from, k.to, k.lie);
    }

    // --- hostile moves ---

    /// @notice carl opens a game over any claim, his own too.
    function openAgainst(uint256 which) external {
        if (kept.length == 0 || matches.length >= MOST_MATCHES) return;
        which = bound(which, 0, kept.length - 1);
        Kept memory k = kept[which];
        bool standing = k.state == ILedgerClaims.State.Standing;
        if (standing && _now() < ledger.status(k.id).claimedAt + WINDOW) _begin(which, carl);
    }

    function _begin(uint256 which, address challenger) private {
        Claimed memory c = _claimed(kept[which]);
        Play memory g = _open(c, challenger, bytes32(++salts));
        paidIn[challenger] += CHALLENGE_BOND;
        matches.push(Match(which, g.id, g.position, ledger.clocks(g.id), true));
    }

    /// @notice carl moves in a game: he reveals what he claimed, chooses at random, tries to prove something.
    function carlMoves(uint256 which, uint256 machine) external {
        if (matches.length == 0) return;
        Match storage m = matches[bound(which, 0, matches.length - 1)];
        if (!m.open || _now() >= _end(m.id)) return;
        Claimed memory c = _claimed(kept[m.claim]);
        bool reveals = m.position.phase == ILedgerClaims.Phase.Reveal;
        if (reveals && c.claim.claimant == carl) _moveOf(m, carl, _revealCall(_playOf(m), c.leaves));
        if (reveals || m.position.challenger != carl) return;
        if (m.position.phase == ILedgerClaims.Phase.Prove) return _tryToProve(m, c);
        ILedgerClaims.Position memory p = m.position;
        uint256 first = uint256(p.index) << p.level;
        uint256 end = first + (uint256(1) << p.level);
        if (end > c.leaves.length) end = c.leaves.length;
        machine = bound(machine, first == 0 ? 1 : first, end - 1);
        _moveOf(m, carl, _chooseCall(_playOf(m), c.leaves, machine));
    }

    function _tryToProve(Match storage m, Claimed memory c) private {
        bytes memory call = _proveCall(_playOf(m), c.leaves, kept[m.claim].from);
        _seal(carl, call);
        vm.prank(carl);
        (bool done,) = address(ledger).call(call);
        if (done && kept[m.claim].isTrue) truthRefuted = true;
        _look();
    }

    /// @notice Anybody tries to end anything, in any order.
    function meddle(uint256 which, uint256 what) external {
        if (kept.length == 0) return;
        ILedgerClaims.Claim memory claim = _claimed(kept[bound(which, 0, kept.length - 1)]).claim;
        bytes memory call = what % 2 == 0
            ? abi.encodeCall(ILedgerClaims.refuteBase, (claim))
            : abi.encodeCall(ILedgerClaims.finalize, (claim));
        _tryAs(carl, call);
        if (matches.length == 0) return;
        Match memory m = matches[bound(what, 0, matches.length - 1)];
        _tryAs(carl, abi.encodeCall(ILedgerClaims.timeout, (m.id, m.position)));
        _tryAs(carl, abi.encodeCall(ILedgerClaims.voidGame, (m.id, m.position)));
        _look();
    }

    /// @notice Anybody withdraws for an account against any claim, with the account's true leaf or a forged one.
    function withdraw(uint256 which, uint256 account, uint256 more) external {
        if (kept.length == 0) return;
        Kept memory k = kept[bound(which, 0, kept.length - 1)];
        account = bound(account, 0, accounts.length - 1);
        address to = accounts[account].account;
        uint256 before = to.balance;
        Claimed memory c = _claimed(k);
        bool done = _tryAs(carl, more % 3 == 0 ? _forgedCall(c, account, more) : _withdrawCall(c, account));
        if (!done) return;
        ++withdrawals;
        uint256 right = _accountsAt(k.to)[account].withdrawn;
        if (right > most[to]) most[to] = right;
        if (!k.isTrue || more % 3 == 0 || to.balance <= before || to.balance != right) overpaid = true;
    }

    /// @dev The account's way to the root with another sum.
    function _forgedCall(Claimed memory c, uint256 account, uint256 more)
        private
        view
        returns (bytes memory)
    {
        AccountTrees.Account[] memory held = _accountsAt(c.claim.batch);
        Leaf memory leaf = held.leafOf(account);
        leaf.fields[2] += 1 + more % DEPOSITED;
        leaf.found = uint8(more % 4);
        return abi.encodeCall(ILedgerClaims.withdraw, (c.claim, c.end, held[account].account, leaf));
    }

    /// @notice Anybody draws what the vault credits to it.
    function draw(uint256 who) external {
        address actor = [alice, carol, carl][who % 3];
        if (bonds.credits(actor) == 0) return;
        vm.prank(actor);
        drawn[actor] += bonds.withdraw(actor);
    }

    // --- time ---

    /// @notice Time goes by; the honest sides act before, and whoever likes ends what is over behind.
    function wait(uint256 time) external {
        _watch();
        _honestMoves();
        _wait(uint64(bound(time, 1, gamesOpen() == 0 ? WINDOW : CLOCK / 3)));
        vm.roll(vm.getBlockNumber() + 1);
        _endGames();
        _look();
        _endClaims();
        _look();
    }

    /// @dev carol opens a game over each claim that begins rightly and has a false step. Others fall with their base.
    function _watch() private {
        for (uint256 i; i < kept.length; ++i) {
            Kept storage k = kept[i];
            bool wrong = k.lie.step != 0 && k.lie.inherited == 0;
            if (!wrong || k.watched || k.state != ILedgerClaims.State.Standing) continue;
            k.watched = true;
            _begin(i, carol);
        }
    }

    function _honestMoves() private {
        for (uint256 i; i < matches.length; ++i) {
            Match storage m = matches[i];
            if (!m.open || _now() >= _end(m.id)) continue;
            Kept memory k = kept[m.claim];
            bool reveals = m.position.phase == ILedgerClaims.Phase.Reveal;
            if (reveals && k.claimant == alice) {
                _moveOf(m, alice, _revealCall(_playOf(m), _claimed(k).leaves));
            }
            if (!reveals && m.position.challenger == carol) _carolMoves(m, k);
        }
    }

    function _carolMoves(Match storage m, Kept memory k) private {
        Claimed memory c = _claimed(k);
        Play memory g = _playOf(m);
        if (g.position.phase == ILedgerClaims.Phase.Choose) {
            uint256 wrong = _firstDifference(c.leaves, _trace(k.from, k.to, _honest()));
            _play(g, carol, _chooseCall(g, c.leaves, wrong));
            m.position = g.position;
        }
        if (g.position.phase != ILedgerClaims.Phase.Prove) return;
        bool standing = _state(k.id) == ILedgerClaims.State.Standing;
        if (standing) _sealed(carol, _proveCall(g, c.leaves, k.from));
        else _callAs(carol, 0, abi.encodeCall(ILedgerClaims.voidGame, (g.id, g.position)));
        _look();
    }

    function _endGames() private {
        for (uint256 i; i < matches.length; ++i) {
            Match memory m = matches[i];
            if (!m.open) continue;
            _tryAs(alice, abi.encodeCall(ILedgerClaims.timeout, (m.id, m.position)));
            _tryAs(alice, abi.encodeCall(ILedgerClaims.voidGame, (m.id, m.position)));
        }
    }

    function _endClaims() private {
        for (uint256 i; i < kept.length; ++i) {
            if (kept[i].state != ILedgerClaims.State.Standing) continue;
            ILedgerClaims.Claim memory claim = _claimed(kept[i]).claim;
            _tryAs(alice, abi.encodeCall(ILedgerClaims.refuteBase, (claim)));
            _tryAs(alice, abi.encodeCall(ILedgerClaims.finalize, (claim)));
        }
    }

    // --- moving ---

    function _playOf(Match storage m) private view returns (Play memory) {
        return Play(m.id, m.position);
    }

    function _moveOf(Match storage m, address mover, bytes memory call) private {
        Play memory g = _playOf(m);
        _play(g, mover, call);
        m.position = g.position;
        _look();
    }

    function _tryAs(address sender, bytes memory call) private returns (bool done) {
        vm.prank(sender);
        (done,) = address(ledger).call(call);
    }

    // --- looking ---

    /// @dev Compares all states and clocks with those seen last.
    function _look() private {
        for (uint256 i; i < kept.length; ++i) {
            Kept storage k = kept[i];
            ILedgerClaims.State state = _state(k.id);
            if (state == k.state) continue;
            if (k.state != ILedgerClaims.State.Standing) jumped = true;
            k.state = state;
            if (k.claimant == alice) due[alice] += CLAIM_BOND;
            if (state == ILedgerClaims.State.Final) _lookAtFinal(k);
            else _lookAtRefuted(k);
        }
        for (uint256 i; i < matches.length; ++i) {
            _lookAt(matches[i]);
        }
    }

    function _lookAtFinal(Kept storage k) private {
        ++finals;
        if (!k.isTrue) lieFinal = true;
        bool based = k.base == bytes32(0) || _state(k.base) == ILedgerClaims.State.Final;
        if (!based || _now() < ledger.status(k.id).claimedAt + WINDOW) jumped = true;
    }

    function _lookAtRefuted(Kept storage k) private {
        bool fell = k.base != bytes32(0) && _state(k.base) == ILedgerClaims.State.Refuted;
        if (fell) ++orphaned;
        else ++refuted;
        if (k.claimant == alice && !fell) truthRefuted = true;
    }

    function _lookAt(Match storage m) private {
        if (!m.open) return;
        IGame.Clock memory clock = ledger.clocks(m.id);
        bool grew = clock.accountant > m.clock.accountant || clock.challenger > m.clock.challenger;
        if (grew || clock.since < m.clock.since) clockGrew = true;
        m.clock = clock;
        if (clock.turn != IGame.Side.Over) return;
        m.open = false;
        if (m.position.challenger == carol) due[carol] += CHALLENGE_BOND;
    }

    // --- sums ---

    function gamesOpen() public view returns (uint256 count) {
        for (uint256 i; i < matches.length; ++i) {
            if (matches[i].open) ++count;
        }
    }

    function gamesCounted() external view returns (uint256 count) {
        for (uint256 i; i < kept.length; ++i) {
            count += ledger.status(kept[i].id).games;
        }
    }

    /// @notice What the open games and standing claims have at stake.
    function staked() external view returns (uint256 sum) {
        sum = gamesOpen() * CHALLENGE_BOND;
        for (uint256 i; i < kept.length; ++i) {
            if (kept[i].state == ILedgerClaims.State.Standing) sum += CLAIM_BOND;
        }
    }

    function locked() external view returns (uint256) {
        return bonds.locked(address(ledger));
    }

    /// @notice What an actor got back, drawn or not.
    function back(address actor) public view returns (uint256) {
        return bonds.credits(actor) + drawn[actor];
    }

    function actors() external view returns (address, address, address) {
        return (alice, carol, carl);
    }

    function bondsIn() external view returns (uint256) {
        return paidIn[alice] + paidIn[carol] + paidIn[carl];
    }

    function bondsOut() external view returns (uint256) {
        return drawn[alice] + drawn[carol] + drawn[carl] + GRAVE.balance;
    }

    function bondsHeld() external view returns (uint256) {
        return address(bonds).balance;
    }

    /// @notice Deposits that are still there, and what accounts were paid; `mismatched` if one got more than it withdrew.
    function deposits() external view returns (uint256 held, uint256 paid, bool mismatched) {
        held = address(inbox).balance;
        for (uint256 i; i < accounts.length; ++i) {
            address account = accounts[i].account;
            paid += account.balance;
            if (account.balance != ledger.paid(account) || account.balance != most[account]) {
                mismatched = true;
            }
        }
    }

    function deposited() external pure returns (uint256) {
        return DEPOSITED;
    }
}
