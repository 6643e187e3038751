// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Short literals and small numbers: nothing is cut off.
// forge-lint: disable-start(unsafe-typecast)

import { IBonds } from "contracts/interfaces/IBonds.sol";
import { IClaimArbiter } from "contracts/interfaces/IClaimArbiter.sol";
import { IClaims } from "contracts/interfaces/IClaims.sol";
import { IGame } from "contracts/interfaces/IGame.sol";
import { ITensorArbiter } from "contracts/interfaces/ITensorArbiter.sol";
import { ISeals } from "contracts/interfaces/ISeals.sol";
import { Opening } from "contracts/types/Opening.sol";
import { ScoreNode } from "contracts/types/ScoreNode.sol";
import { Deploy } from "tests/contracts/Deploy.sol";
import { Players } from "tests/contracts/handlers/Players.sol";
import { SmallJob } from "tests/contracts/handlers/SmallJob.sol";
import { Trees } from "tests/contracts/handlers/Trees.sol";

contract GameTest is Players {
    IClaims.Claim internal lied;
    bytes32 internal liedId;
    IClaims.Claim internal told;
    bytes32 internal toldId;

    function setUp() public {
        _deploy();
        _store(lied, _claim(alice, _lie()));
        liedId = _stand(lied);
        _store(told, _claim(alice, _honest()));
        toldId = _stand(told);
    }

    // --- a false claim falls ---

    function _requireRefuted(SmallJob.Lie memory lie) private {
        IClaims.Claim memory claim = _claim(carl, lie);
        bytes32 id = _stand(claim);
        (bytes32 game, IGame.Position memory p) = _open(claim, carol, 1, lie);
        _playOut(game, p, lie);
        assertTrue(_state(id) == IClaims.State.Refuted);
        assertEq(bonds.credits(carol), CHALLENGE_BOND + PRIZE);
        assertEq(_inGrave(), CLAIM_BOND - PRIZE);
        assertTrue(games.clocks(game).turn == IGame.Side.Over);
        assertEq(claims.status(id).games, 0);
    }

    function test_AWrongProductIsRefuted() public {
        _requireRefuted(SmallJob.Lie(SmallJob.MATMUL, 319, -1));
    }

    function test_AWrongSumIsRefuted() public {
        _requireRefuted(SmallJob.Lie(SmallJob.ADD, 0, 1));
    }

    function test_AWrongReductionIsRefuted() public {
        _requireRefuted(SmallJob.Lie(SmallJob.REDUCE, 0, 1000));
    }

    function test_AWrongScoreIsRefuted() public {
        _requireRefuted(SmallJob.Lie(SmallJob.VALUES - 1, 0, 1));
    }

    function testFuzz_AnyWrongElementIsRefuted(uint32 value, uint32 element, int32 delta) public {
        SmallJob.Lie memory lie;
        lie.value = uint32(bound(value, SmallJob.MATMUL, SmallJob.VALUES - 1));
        lie.element = lie.value < SmallJob.REDUCE ? uint32(bound(element, 0, 319)) : 0;
        lie.delta = int32(boundInt(delta, 1, 1_000_000));
        _requireRefuted(lie);
    }

    function test_TheScoreTreeLeadsToTheSameEnd() public {
        (bytes32 game, IGame.Position memory p) = _openScores(lied, carol);
        assertTrue(p.phase == IGame.Phase.Scores);
        _playOut(game, p, _lie());
        assertTrue(_state(liedId) == IClaims.State.Refuted);
    }

    function test_AWrongPartialSumIsRefuted() public {
        SmallJob.Lie memory lie = SmallJob.Lie(SmallJob.REDUCE, 0, 1000);
        IClaims.Claim memory claim = _claim(carl, lie);
        bytes32 id = _stand(claim);
        (bytes32 game, IGame.Position memory p) = _open(claim, carol, 1, lie);
        p = _accountantMoves(game, p, lie);
        int32[][] memory theirs = SmallJob.evaluate(1, lie);
        p = _play(carol, game, _ask(game, p, theirs, SmallJob.REDUCE, 0));
        assertTrue(p.phase == IGame.Phase.Sums);
        p = _accountantMoves(game, p, lie);
        assertTrue(p.phase == IGame.Phase.ChooseBlock);
        vm.expectRevert(abi.encodeWithSelector(IGame.WrongPhase.selector, IGame.Phase.ChooseBlock));
        this.playExternally(carol, game, _ask(game, p, theirs, SmallJob.REDUCE, 0));
        _sealed(carol, address(games), _blockProof(game, p, theirs));
        assertTrue(_state(id) == IClaims.State.Refuted);
    }

    function test_AWrongSourceIsRefuted() public {
        for (uint32 source; source < 3; ++source) {
            SmallJob.Lie memory lie = SmallJob.Lie(source, 1, 3);
            IClaims.Claim memory claim = _claim(carl, lie);
            bytes32 id = _stand(claim);
            (bytes32 game, IGame.Position memory p) = _open(claim, carol, 1, lie);
            p = _accountantMoves(game, p, lie);
            _sealed(carol, address(games), _sourceProof(game, p, claim, SmallJob.evaluate(1, lie), source));
            assertTrue(_state(id) == IClaims.State.Refuted);
        }
    }

    // --- a true claim does not ---

    function test_NothingCanBeProvedAgainstAnHonestAccountant() public {
        (bytes32 game, IGame.Position memory p) = _open(told, carol, 1, _honest());
        p = _accountantMoves(game, p, _honest());
        int32[][] memory values = SmallJob.evaluate(1, _honest());
        uint32[4] memory chosen = [SmallJob.MATMUL, SmallJob.ADD, SmallJob.REDUCE, 40];
        for (uint256 i; i < 4; ++i) {
            bytes memory call = _proof(game, p, values, chosen[i], 0);
            vm.expectRevert(IGame.NothingWrong.selector);
            this.sealedExternally(carol, call);
        }
        for (uint32 source; source < 3; ++source) {
            bytes memory call = _sourceProof(game, p, told, values, source);
            vm.expectRevert(IGame.NothingWrong.selector);
            this.sealedExternally(carol, call);
        }
        p = _play(carol, game, _ask(game, p, values, SmallJob.REDUCE, 0));
        p = _accountantMoves(game, p, _honest());
        vm.expectRevert(IGame.NothingWrong.selector);
        this.sealedExternally(carol, _blockProof(game, p, values));
    }

    function test_AProofFromOtherTensorsReverts() public {
        (bytes32 game, IGame.Position memory p) = _open(told, carol, 1, _honest());
        p = _accountantMoves(game, p, _honest());
        int32[][] memory values = SmallJob.evaluate(1, _lie());
        vm.expectPartialRevert(IGame.WrongProof.selector);
        this.sealedExternally(carol, _proof(game, p, values, SmallJob.ADD, 77));
        values = SmallJob.evaluate(1, _honest());
        values[2][3] += 1;
        vm.expectPartialRevert(IGame.WrongProof.selector);
        this.sealedExternally(carol, _proof(game, p, values, SmallJob.ADD, 3));
    }

    function test_NothingThatDoesNotExistCanBeChosen() public {
        (bytes32 game, IGame.Position memory p) = _openScores(told, carol);
        p = _accountantMoves(game, p, _honest());
        ScoreNode memory padding;
        ScoreNode[] memory scoreProof = Trees.scoreProof(_scores(_honest()), 2);
        scoreProof[0].sum = SmallJob.score(2, _honest());
        vm.expectRevert(abi.encodeWithSelector(IGame.OutOfRange.selector, 3, 3));
        this.playExternally(carol, game, abi.encodeCall(IGame.chooseScore, (game, p, 3, padding, scoreProof)));
        p = _challengerMoves(game, p, _honest());
        p = _accountantMoves(game, p, _honest());
        bytes32[] memory leaves = SmallJob.traceLeaves(SmallJob.evaluate(1, _honest()));
        bytes32[] memory proof = Trees.proof(leaves, 1, 36, 7);
        vm.expectRevert(abi.encodeWithSelector(IGame.OutOfRange.selector, 36, 36));
        this.playExternally(
            carol, game, abi.encodeCall(IGame.chooseNode, (game, p, 36, Trees.zeroHash(1), proof))
        );
    }

    function test_ASourceCanNotBeDescendedInto() public {
        (bytes32 game, IGame.Position memory p) = _open(told, carol, 1, _honest());
        p = _accountantMoves(game, p, _honest());
        int32[][] memory values = SmallJob.evaluate(1, _honest());
        p = _play(carol, game, _chooseInTrace(game, p, values, 1));
        p = _accountantMoves(game, p, _honest());
        vm.expectPartialRevert(IGame.WrongKind.selector);
        this.playExternally(carol, game, _chooseInTrace(game, p, values, 1));
        vm.expectRevert(abi.encodeWithSelector(IGame.OutOfRange.selector, 2, 2));
        this.playExternally(carol, game, _chooseInTrace(game, p, values, 2));
    }

    function test_SumsCanNotBeAskedOfWhatIsNoSum() public {
        (bytes32 game, IGame.Position memory p) = _open(told, carol, 1, _honest());
        p = _accountantMoves(game, p, _honest());
        int32[][] memory values = SmallJob.evaluate(1, _honest());
        vm.expectPartialRevert(ITensorArbiter.NotFoldable.selector);
        this.playExternally(carol, game, _ask(game, p, values, SmallJob.ADD, 0));
        vm.expectPartialRevert(ITensorArbiter.NoSuchElement.selector);
        this.playExternally(carol, game, _ask(game, p, values, SmallJob.MATMUL, 320));
    }

    // --- what the accountant can not reveal ---

    function test_ATraceWhoseLastValueIsNotTheScoreCanNotBeRevealed() public {
        (bytes32 game, IGame.Position memory p) = _open(lied, carol, 1, _lie());
        vm.expectPartialRevert(IGame.WrongProof.selector);
        this.playExternally(alice, game, _answerTo(game, p, _honest(), _lie()));
    }

    function test_DirtyPaddingCanNotBeRevealed() public {
        (bytes32 game, IGame.Position memory p) = _open(told, carol, 1, _honest());
        bytes memory chunk = new bytes(128);
        chunk[120] = 0x01;
        (p.phase, p.node, p.elements, p.index) = (IGame.Phase.Chunk, keccak256(chunk), 60, 1);
        vm.store(address(games), keccak256(abi.encode(game, uint256(0))), keccak256(abi.encode(p)));
        vm.expectRevert(IGame.DirtyPadding.selector);
        this.playExternally(alice, game, abi.encodeCall(IGame.revealChunk, (game, p, chunk)));
    }

    function test_TooManyNodesOrOtherOnesCanNotBeRevealed() public {
        (bytes32 game, IGame.Position memory p) = _openScores(told, carol);
        ScoreNode[] memory nodes = new ScoreNode[](4);
        vm.expectRevert(abi.encodeWithSelector(IGame.WrongCount.selector, 4, 3));
        this.playExternally(alice, game, abi.encodeCall(IGame.revealScores, (game, p, nodes)));
        nodes = new ScoreNode[](3);
        vm.expectPartialRevert(IGame.WrongProof.selector);
        this.playExternally(alice, game, abi.encodeCall(IGame.revealScores, (game, p, nodes)));
        nodes[0].hash = bytes32(uint256(1));
        vm.expectPartialRevert(IGame.WrongProof.selector);
        this.playExternally(alice, game, abi.encodeCall(IGame.revealScores, (game, p, nodes)));
    }

    // --- clocks ---

    function test_ALateAccountantLosesFromTheSecondItsClockEnds() public {
        (bytes32 game, IGame.Position memory p) = _open(told, carol, 1, _honest());
        uint64 end = _now() + CLOCK;
        bytes memory answer = _answerTo(game, p, _honest(), _honest());
        vm.warp(end - 1);
        vm.expectRevert(abi.encodeWithSelector(IGame.ClockStillRuns.selector, end));
        games.timeout(game, p);
        for (uint64 late; late < 2; ++late) {
            vm.warp(end + late);
            vm.expectRevert(abi.encodeWithSelector(IGame.ClockRanOut.selector, end));
            this.playExternally(alice, game, answer);
        }
        vm.warp(end);
        games.timeout(game, p);
        assertTrue(_state(toldId) == IClaims.State.Refuted);
        assertEq(bonds.credits(carol), CHALLENGE_BOND + PRIZE);
    }

    function test_ALateChallengerLosesItsWholeBondToTheAccountant() public {
        (bytes32 game, IGame.Position memory p) = _open(told, carol, 1, _honest());
        vm.warp(_now() + CLOCK - 1);
        p = _accountantMoves(game, p, _honest());
        uint64 end = _now() + CLOCK;
        assertEq(games.clocks(game).accountant, 1);
        assertEq(games.clocks(game).challenger, CLOCK);
        vm.warp(end - 1);
        vm.expectRevert(abi.encodeWithSelector(IGame.ClockStillRuns.selector, end));
        games.timeout(game, p);
        vm.warp(end);
        games.timeout(game, p);
        assertEq(bonds.credits(alice), CHALLENGE_BOND);
        assertTrue(_state(toldId) == IClaims.State.Standing);
        vm.expectPartialRevert(IGame.WrongPosition.selector);
        games.timeout(game, p);
        vm.expectPartialRevert(IGame.WrongPosition.selector);
        games.voidGame(game, p);
    }

    // --- games over a claim that has fallen ---

    function test_TheOtherChallengersOfARefutedClaimLoseNothing() public {
        (bytes32 game, IGame.Position memory p) = _open(lied, carol, 1, _lie());
        (bytes32 other, IGame.Position memory q) = _open(lied, carl, 1, _lie());
        vm.expectRevert(abi.encodeWithSelector(IGame.ClaimStands.selector, liedId));
        games.voidGame(other, q);
        _playOut(game, p, _lie());
        vm.warp(_now() + 3 * CLOCK);
        vm.expectPartialRevert(IClaims.WrongState.selector);
        games.timeout(other, q);
        games.voidGame(other, q);
        assertEq(bonds.credits(carl), CHALLENGE_BOND);
        assertEq(claims.status(liedId).games, 0);
        assertEq(address(bonds).balance, 2 * CHALLENGE_BOND + PRIZE + CLAIM_BOND);
    }

    function test_AChallengersClockDoesNotCountAgainstItOnceTheClaimHasFallen() public {
        (bytes32 game, IGame.Position memory p) = _open(lied, carol, 1, _lie());
        (bytes32 other, IGame.Position memory q) = _open(lied, carl, 1, _lie());
        q = _accountantMoves(other, q, _lie());
        _playOut(game, p, _lie());
        vm.warp(_now() + 3 * CLOCK);
        vm.expectRevert(abi.encodeWithSelector(IGame.ClaimDoesNotStand.selector, liedId));
        games.timeout(other, q);
        games.voidGame(other, q);
        assertEq(bonds.credits(carl), CHALLENGE_BOND);
    }

    function test_AClaimWaitsForItsGames() public {
        _open(told, carol, 1, _honest());
        vm.warp(_now() + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IClaims.StillContested.selector, 1, 0));
        claims.finalize(told);
    }

    // --- opening ---

    function test_AGameIsOpenedOnceForASaltAndNeverAgain() public {
        (bytes32 game, IGame.Position memory p) = _open(lied, carol, 1, _lie());
        assertEq(game, keccak256(abi.encode(liedId, carol, bytes32("game"))));
        vm.expectRevert(abi.encodeWithSelector(IGame.GameExists.selector, game));
        this.openExternally(lied, _lie());
        vm.warp(_now() + CLOCK);
        games.timeout(game, p);
        vm.expectRevert(abi.encodeWithSelector(IGame.GameExists.selector, game));
        this.openExternally(lied, _lie());
    }

    function test_AGameNeedsItsBondItsJobAndAnExistingSample() public {
        IClaims.Job memory job = _job();
        vm.startPrank(carol);
        vm.expectRevert(abi.encodeWithSelector(IGame.WrongBond.selector, 1, CHALLENGE_BOND));
        games.openScores{ value: 1 }(told, job, 0, "s");
        vm.expectRevert(abi.encodeWithSelector(IGame.NoSuchProperty.selector, 1, 1));
        games.openScores{ value: CHALLENGE_BOND }(told, job, 1, "s");
        vm.expectRevert(abi.encodeWithSelector(IGame.OutOfRange.selector, 3, 3));
        games.open{ value: CHALLENGE_BOND }(told, job, 0, "s", 3, 0, new ScoreNode[](2));
        vm.expectPartialRevert(IGame.WrongProof.selector);
        games.open{ value: CHALLENGE_BOND }(told, job, 0, "s", 1, 0, new ScoreNode[](2));
        job.uri = "other";
        bytes32 terms = keccak256(abi.encode(job));
        vm.expectRevert(abi.encodeWithSelector(IGame.WrongTerms.selector, terms, told.terms));
        games.openScores{ value: CHALLENGE_BOND }(told, job, 0, "s");
    }

    function test_AnUnknownClaimCanNotBeChallenged() public {
        told.uri = "unknown";
        vm.expectPartialRevert(IClaims.WrongState.selector);
        this.openExternally(told, _honest());
    }

    // --- turns ---

    function test_AMoveNeedsItsMoverItsPositionAndItsPhase() public {
        (bytes32 game, IGame.Position memory p) = _open(told, carol, 1, _honest());
        bytes memory answer = _answerTo(game, p, _honest(), _honest());
        vm.expectRevert(abi.encodeWithSelector(IGame.NotYourTurn.selector, carol, alice));
        this.playExternally(carol, game, answer);
        bytes memory nodes = abi.encodeCall(IGame.revealNodes, (game, p, new bytes32[](1)));
        vm.expectRevert(abi.encodeWithSelector(IGame.WrongPhase.selector, IGame.Phase.Trace));
        this.playExternally(alice, game, nodes);
        int32[][] memory values = SmallJob.evaluate(1, _honest());
        bytes memory choice = _chooseInTrace(game, p, values, 4);
        vm.expectRevert(abi.encodeWithSelector(IGame.WrongPhase.selector, IGame.Phase.Trace));
        this.playExternally(carol, game, choice);
        p.score += 1;
        vm.expectPartialRevert(IGame.WrongPosition.selector);
        this.playExternally(alice, game, _answerTo(game, p, _honest(), _honest()));
    }

    function test_AProofThatWasNotSealedReverts() public {
        (bytes32 game, IGame.Position memory p) = _open(lied, carol, 1, _lie());
        p = _accountantMoves(game, p, _lie());
        bytes memory call = _proof(game, p, SmallJob.evaluate(1, _lie()), SmallJob.ADD, 77);
        vm.expectPartialRevert(ISeals.NotSealed.selector);
        this.playExternally(carol, game, call);
    }

    function test_ImpossibleRulesAreRefused() public {
        IClaims.Rules memory rules = _rules();
        rules.clock = uint64(type(uint32).max) + 1;
        vm.expectRevert(IGame.RulesImpossible.selector);
        Deploy.game(
            rules,
            IBonds(address(1)),
            IClaims(address(2)),
            ITensorArbiter(address(3)),
            IClaimArbiter(address(4))
        );
        rules.clock = 0;
        vm.expectRevert(IGame.RulesImpossible.selector);
        Deploy.game(
            rules,
            IBonds(address(1)),
            IClaims(address(2)),
            ITensorArbiter(address(3)),
            IClaimArbiter(address(4))
        );
    }

    // --- so that a revert can be expected of a whole move ---

    function playExternally(address mover, bytes32 game, bytes calldata call) external {
        _play(mover, game, call);
    }

    function sealedExternally(address mover, bytes calldata call) external {
        _sealed(mover, address(games), call);
    }

    function openExternally(IClaims.Claim calldata claim, SmallJob.Lie calldata lie) external {
        _open(claim, carol, 1, lie);
    }

    // --- calls ---

    function _ask(
        bytes32 game,
        IGame.Position memory p,
        int32[][] memory values,
        uint32 value,
        uint32 element
    ) private pure returns (bytes memory) {
        IGame.Output memory output = _output(values, value, element >= values[value].length ? 0 : element);
        output.element = element;
        return abi.encodeCall(IGame.askSums, (game, p, output, SmallJob.recordProof(value)));
    }

    function _blockProof(bytes32 game, IGame.Position memory p, int32[][] memory values)
        private
        pure
        returns (bytes memory)
    {
        int64[] memory partials = new int64[](1);
        partials[0] = values[SmallJob.REDUCE][0];
        IGame.RecordProof memory record = SmallJob.recordProof(SmallJob.REDUCE);
        IGame.Inputs memory inputs = _inputs(values, SmallJob.REDUCE, 0);
        return abi.encodeCall(IGame.proveBlock, (game, p, record, partials, 0, inputs));
    }

    function _sourceProof(
        bytes32 game,
        IGame.Position memory p,
        IClaims.Claim memory claim,
        int32[][] memory values,
        uint32 source
    ) private view returns (bytes memory) {
        bytes32[] memory leaves = SmallJob.traceLeaves(values);
        IClaims.TensorPath memory path;
        if (source == 0) path = SmallJob.samplePath(p.sample);
        if (source == 1) path = SmallJob.modelPath();
        bytes32[] memory proof = Trees.leafProof(leaves, source);
        IGame.RecordProof memory record = SmallJob.recordProof(source);
        return abi.encodeCall(
            IGame.proveSource, (game, p, claim, _job(), source, leaves[source], proof, record, path)
        );
    }
}
