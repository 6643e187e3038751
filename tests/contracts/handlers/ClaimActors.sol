// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Short literals and small numbers: nothing is cut off.
// forge-lint: disable-start(unsafe-typecast)

import { IClaims } from "contracts/interfaces/IClaims.sol";
import { IGame } from "contracts/interfaces/IGame.sol";
import { Opening } from "contracts/types/Opening.sol";
import { Players } from "tests/contracts/handlers/Players.sol";
import { SmallJob } from "tests/contracts/handlers/SmallJob.sol";
import { Trees } from "tests/contracts/handlers/Trees.sol";

/// @title Actors that play any moves in any order, with time going by between them
/// @notice alice claims the truth and answers in time; carl claims a lie, and plays on as far as he can. carol challenges
/// carl honestly and in time. Hostile challengers open games over alice's claim, choose at random, ask for
/// data that is not there, and stall.
contract ClaimActors is Players {
    struct Open {
        bytes32 game;
        IGame.Position position;
        bool againstTruth;
    }

    IClaims.Claim internal told;
    IClaims.Claim internal lied;
    bytes32 public toldId;
    bytes32 public liedId;
    Open[] internal opened;
    IClaims.Demand[] internal demanded;
    uint256 public salts;

    // --- ghosts ---

    uint256 public sent; // wei that actors gave to the contracts
    bool public truthRefuted;
    bool public lieFinal;
    bool public truthFinal;
    bool public jumped; // a state changed in a forbidden way
    bool public clockGrew;
    IClaims.State internal toldState;
    IClaims.State internal liedState;

    constructor() {
        _deploy();
        _store(lied, _claim(carl, _lie()));
        _store(told, _claim(alice, _honest()));
        liedId = _stand(lied);
        toldId = _stand(told);
        (toldState, liedState) = (IClaims.State.Standing, IClaims.State.Standing);
        sent = 2 * CLAIM_BOND;
        // The honest challenger is there from the start.
        (bytes32 game, IGame.Position memory p) = _open(lied, carol, 1, _lie());
        opened.push(Open(game, p, false));
        sent += CHALLENGE_BOND;
    }

    // --- hostile and idle moves ---

    /// @notice Somebody opens a game over the true claim.
    function openAgainstTruth(uint32 sample) external {
        if (opened.length >= 4 || toldState != IClaims.State.Standing) return;
        if (_now() >= claims.status(toldId).revealedAt + WINDOW) return;
        address hostile = address(uint160(0xBAD0 + ++salts));
        vm.deal(hostile, CHALLENGE_BOND);
        (bytes32 game, IGame.Position memory p) =
            _open(told, hostile, uint32(bound(sample, 0, SmallJob.SAMPLES - 1)), _honest());
        opened.push(Open(game, p, true));
        sent += CHALLENGE_BOND;
        _look();
    }

    /// @notice A hostile challenger chooses at random, or tries to prove something.
    function chooseAgainstTruth(uint256 which, uint32 value, uint32 element) external {
        if (opened.length < 2) return;
        Open storage o = opened[bound(which, 1, opened.length - 1)];
        IGame.Position memory p = o.position;
        if (games.positions(o.game) == 0 || _isAccountants(p.phase)) return;
        if (_now() >= _end(o.game)) return;
        SmallJob.Lie memory aim;
        aim.value = uint32(bound(value, SmallJob.MATMUL, SmallJob.VALUES - 1));
        if (p.phase == IGame.Phase.ChooseChunk) aim.value = p.value;
        bool leaf = p.phase == IGame.Phase.ChooseValue && p.level == 1;
        if (leaf) aim.value = 2 * p.index + value % 2;
        aim.element = aim.value < SmallJob.REDUCE ? uint32(bound(element, 0, 319)) : 0;
        if (leaf && aim.value < SmallJob.MATMUL) return _tryToProve(o, SmallJob.Lie(SmallJob.ADD, 5, 0));
        bool last = p.phase == IGame.Phase.Prove || p.phase == IGame.Phase.ChooseBlock;
        if (last && p.phase == IGame.Phase.Prove && element % 2 == 0) return _ask(o);
        if (last) return _tryToProve(o, aim);
        o.position = _challengerMoves(o.game, p, aim);
        _look();
    }

    function _ask(Open storage o) private {
        int32[][] memory values = SmallJob.evaluate(o.position.sample, _honest());
        IGame.Output memory output = _output(values, SmallJob.REDUCE, 0);
        IGame.RecordProof memory record = SmallJob.recordProof(SmallJob.REDUCE);
        bytes memory call = abi.encodeCall(IGame.askSums, (o.game, o.position, output, record));
        o.position = _play(o.position.challenger, o.game, call);
        _look();
    }

    function _tryToProve(Open storage o, SmallJob.Lie memory aim) private {
        int32[][] memory values = SmallJob.evaluate(o.position.sample, _honest());
        bytes memory call = _proof(o.game, o.position, values, aim.value, aim.element);
        _seal(o.position.challenger, call);
        vm.prank(o.position.challenger);
        (bool done,) = address(games).call(call);
        if (done) truthRefuted = true;
        _look();
    }

    /// @notice Somebody asks for any part of the true claim's model, or for what it does not have.
    function demandOfTruth(uint32 leaf, uint16 field, uint32 first) external {
        if (toldState != IClaims.State.Standing) return;
        if (_now() >= claims.status(toldId).revealedAt + WINDOW / 2) return;
        IClaims.Demand memory asked = IClaims.Demand(toldId, leaf % 3, field % 3, first % 50, 1);
        bytes32 id = keccak256(abi.encode(asked));
        if (claims.demandStatus(id).state != IClaims.DemandState.None) return;
        address hostile = address(uint160(0xBAD0 + ++salts));
        vm.deal(hostile, DEMAND_FEE);
        vm.prank(hostile);
        claims.demand{ value: DEMAND_FEE }(asked);
        sent += DEMAND_FEE;
        demanded.push(asked);
    }

    /// @notice Time goes by; the honest sides answer before they sleep, the others do as they like.
    function wait(uint256 time, bool liarAnswers) external {
        _honestMoves();
        _answers();
        if (liarAnswers) _liarMoves();
        vm.warp(_now() + bound(time, 1, this.gamesOpen() == 0 ? WINDOW / 2 : CLOCK / 6));
        _nextBlock();
        _timeouts();
        _settle();
        _look();
    }

    /// @notice The liar moves in its own game.
    function liarMoves() external {
        _liarMoves();
        _look();
    }

    /// @notice Anybody draws what is credited to it.
    function withdraw(uint256 who) external {
        address[3] memory accounts = [alice, carol, carl];
        address account = accounts[who % 3];
        if (bonds.credits(account) == 0) return;
        vm.prank(account);
        sent -= bonds.withdraw(account);
    }

    // --- honest moves ---

    function _honestMoves() private {
        for (uint256 i; i < opened.length; ++i) {
            Open storage o = opened[i];
            if (games.positions(o.game) == 0 || _now() >= _end(o.game)) continue;
            bool accountants = _isAccountants(o.position.phase);
            if (o.againstTruth && accountants) {
                o.position = _accountantMoves(o.game, o.position, _honest());
            } else if (!o.againstTruth && !accountants) {
                o.position = _challengerMoves(o.game, o.position, _lie());
            }
        }
    }

    function _answers() private {
        Opening memory none;
        for (; demanded.length != 0; demanded.pop()) {
            IClaims.Demand memory asked = demanded[demanded.length - 1];
            bool inside = asked.leaf == 0 && asked.field == 0;
            uint256 chunk = asked.firstChunk < 40 ? asked.firstChunk : 39;
            Opening memory opening = inside ? Trees.openChunk(SmallJob.model(), chunk) : none;
            claims.answer(told, _job(), asked, SmallJob.modelPath(), opening);
        }
    }

    function _liarMoves() private {
        Open storage o = opened[0];
        bool over = games.positions(o.game) == 0 || _now() >= _end(o.game);
        if (over || !_isAccountants(o.position.phase)) return;
        o.position = _accountantMoves(o.game, o.position, _lie());
    }

    function _timeouts() private {
        for (uint256 i; i < opened.length; ++i) {
            Open storage o = opened[i];
            if (games.positions(o.game) == 0 || _now() < _end(o.game)) continue;
            games.timeout(o.game, o.position);
        }
    }

    function _settle() private {
        (bool first,) = address(claims).call(abi.encodeCall(IClaims.finalize, (lied)));
        (bool second,) = address(claims).call(abi.encodeCall(IClaims.finalize, (told)));
        if (first) lieFinal = true;
        if (second) truthFinal = true;
    }

    function _end(bytes32 game) private view returns (uint64) {
        IGame.Clock memory c = games.clocks(game);
        return c.since + (c.turn == IGame.Side.Accountant ? c.accountant : c.challenger);
    }

    // --- looking ---

    function _look() private {
        IClaims.State toldNow = _state(toldId);
        IClaims.State liedNow = _state(liedId);
        if (toldNow == IClaims.State.Refuted) truthRefuted = true;
        if (liedNow == IClaims.State.Final) lieFinal = true;
        if (toldNow != toldState && toldState != IClaims.State.Standing) jumped = true;
        if (liedNow != liedState && liedState != IClaims.State.Standing) jumped = true;
        (toldState, liedState) = (toldNow, liedNow);
        for (uint256 i; i < opened.length; ++i) {
            IGame.Clock memory c = games.clocks(opened[i].game);
            if (c.accountant > CLOCK || c.challenger > CLOCK) clockGrew = true;
        }
    }

    function held() external view returns (uint256) {
        return address(bonds).balance;
    }

    function burnt() external view returns (uint256) {
        return GRAVE.balance;
    }

    function accounted() external view returns (uint256) {
        uint256 total = bonds.locked(address(claims)) + bonds.locked(address(games));
        return total + bonds.credits(alice) + bonds.credits(carol) + bonds.credits(carl);
    }

    function liarsGain() external view returns (bool) {
        return bonds.credits(carl) != 0;
    }

    function gamesOpen() external view returns (uint256 count) {
        for (uint256 i; i < opened.length; ++i) {
            if (games.positions(opened[i].game) != 0) ++count;
        }
    }

    function gamesCounted() external view returns (uint256) {
        return claims.status(toldId).games + claims.status(liedId).games;
    }
}
