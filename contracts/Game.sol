// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Rules are in seconds of L1 blocks; whoever proposes one can shift it by less than any of them.
// forge-lint: disable-start(block-timestamp)

import { IBonds } from "contracts/interfaces/IBonds.sol";
import { IClaimArbiter } from "contracts/interfaces/IClaimArbiter.sol";
import { IClaims } from "contracts/interfaces/IClaims.sol";
import { IGame } from "contracts/interfaces/IGame.sol";
import { ITensorArbiter } from "contracts/interfaces/ITensorArbiter.sol";
import { ChessClock } from "contracts/libraries/ChessClock.sol";
import { Descent } from "contracts/libraries/Descent.sol";
import { Evidence } from "contracts/libraries/Evidence.sol";
import { Reveals } from "contracts/libraries/Reveals.sol";
import { ScoreNode } from "contracts/types/ScoreNode.sol";

/// @title The game between a claim's accountant and one challenger
contract Game is IGame {
    using ChessClock for Clock;
    using Descent for Position;
    using Evidence for Position;
    using Reveals for Position;

    IBonds private immutable BONDS;
    IClaims private immutable CLAIMS;
    ITensorArbiter private immutable ARBITER;
    IClaimArbiter private immutable SOURCES;

    /// @inheritdoc IGame
    uint256 public immutable challengeBond;

    /// @inheritdoc IGame
    uint64 public immutable clock;

    /// @inheritdoc IGame
    mapping(bytes32 game => bytes32) public positions;

    mapping(bytes32 game => Clock) private _clocks;

    /// @notice All addresses may be ones at which contracts are deployed later.
    /// @param fixed_ The same rules that Claims gets.
    constructor(
        IClaims.Rules memory fixed_,
        IBonds bonds,
        IClaims claims,
        ITensorArbiter arbiter,
        IClaimArbiter sources
    ) {
        require(fixed_.clock != 0 && fixed_.clock <= type(uint32).max, RulesImpossible());
        BONDS = bonds;
        CLAIMS = claims;
        ARBITER = arbiter;
        SOURCES = sources;
        challengeBond = fixed_.challengeBond;
        clock = fixed_.clock;
    }

    // --- opening ---

    /// @inheritdoc IGame
    function open(
        IClaims.Claim calldata claim,
        IClaims.Job calldata job,
        uint8 property,
        bytes32 salt,
        uint32 sample,
        int64 score,
        ScoreNode[] calldata proof
    ) external payable returns (bytes32 game) {
        Position memory position = _firstPosition(claim, job, property);
        position.requireScore(claim.scores[property].sum, sample, score, proof);
        game = _begin(position, salt);
    }

    /// @inheritdoc IGame
    function openScores(IClaims.Claim calldata claim, IClaims.Job calldata job, uint8 property, bytes32 salt)
        external
        payable
        returns (bytes32 game)
    {
        Position memory position = _firstPosition(claim, job, property);
        position.score = claim.scores[property].sum;
        position.phase = Phase.Scores;
        game = _begin(position, salt);
    }

    // --- the way to a sample ---

    /// @inheritdoc IGame
    function revealScores(bytes32 game, Position calldata position, ScoreNode[] calldata nodes) external {
        Position memory next = _answer(game, position, Phase.Scores);
        next.requireScores(nodes);
        next.phase = Phase.ChooseScore;
        _pass(game, next);
        emit ScoresRevealed(game, next, nodes);
    }

    /// @inheritdoc IGame
    function chooseScore(
        bytes32 game,
        Position calldata position,
        uint32 index,
        ScoreNode calldata child,
        ScoreNode[] calldata proof
    ) external {
        Position memory next = _choose(game, position);
        require(next.phase == Phase.ChooseScore, WrongPhase(next.phase));
        next.chooseScore(index, child, proof);
        if (next.level == 0) next.sample = index;
        next.phase = next.level == 0 ? Phase.Trace : Phase.Scores;
        _pass(game, next);
        emit Chosen(game, next);
    }

    // --- the way to a value ---

    /// @inheritdoc IGame
    function revealTrace(
        bytes32 game,
        Position calldata position,
        ProgramHeader calldata header,
        bytes32[] calldata nodes,
        bytes32[] calldata proof
    ) external {
        Position memory next = _answer(game, position, Phase.Trace);
        next.revealTrace(header, nodes, proof);
        next.phase = Phase.ChooseValue;
        _pass(game, next);
        emit NodesRevealed(game, next, nodes);
    }

    /// @inheritdoc IGame
    function chooseNode(
        bytes32 game,
        Position calldata position,
        uint32 index,
        bytes32 child,
        bytes32[] calldata proof
    ) external {
        Position memory next = _choose(game, position);
        bool chunks = next.phase == Phase.ChooseChunk;
        require(chunks || next.phase == Phase.ChooseValue, WrongPhase(next.phase));
        next.choose(index, child, proof);
        require(chunks || next.level != 0, OutOfRange(index, 0));
        if (chunks) next.phase = next.level == 0 ? Phase.Chunk : Phase.TensorNodes;
        else next.phase = Phase.TraceNodes;
        _pass(game, next);
        emit Chosen(game, next);
    }

    /// @inheritdoc IGame
    function revealNodes(bytes32 game, Position calldata position, bytes32[] calldata nodes) external {
        bool chunks = position.phase == Phase.TensorNodes;
        Position memory next = _answer(game, position, chunks ? Phase.TensorNodes : Phase.TraceNodes);
        next.requireChildren(nodes);
        next.phase = chunks ? Phase.ChooseChunk : Phase.ChooseValue;
        _pass(game, next);
        emit NodesRevealed(game, next, nodes);
    }

    /// @inheritdoc IGame
    function chooseValue(
        bytes32 game,
        Position calldata position,
        uint32 index,
        bytes32 tensor,
        bytes32[] calldata proof,
        RecordProof calldata record
    ) external {
        Position memory next = _choose(game, position);
        require(next.phase == Phase.ChooseValue, WrongPhase(next.phase));
        next.choose(index, tensor, proof);
        require(next.level == 0, OutOfRange(index, 0));
        next.requireRecord(index, record);
        next.enterValue(record.record);
        next.phase = Phase.Tensor;
        _pass(game, next);
        emit Chosen(game, next);
    }

    // --- the way to an element ---

    /// @inheritdoc IGame
    function revealTensor(
        bytes32 game,
        Position calldata position,
        bytes calldata shape,
        bytes32[] calldata nodes
    ) external {
        Position memory next = _answer(game, position, Phase.Tensor);
        next.revealTensor(shape, nodes);
        next.phase = Phase.ChooseChunk;
        _pass(game, next);
        emit NodesRevealed(game, next, nodes);
    }

    /// @inheritdoc IGame
    function revealElements(
        bytes32 game,
        Position calldata position,
        bytes calldata shape,
        bytes calldata elements
    ) external {
        Position memory next = _answer(game, position, Phase.Tensor);
        next.revealElements(shape, elements);
        next.phase = Phase.Prove;
        _pass(game, next);
        emit ElementsRevealed(game, next, elements);
    }

    /// @inheritdoc IGame
    function revealChunk(bytes32 game, Position calldata position, bytes calldata chunk) external {
        Position memory next = _answer(game, position, Phase.Chunk);
        next.requireChunk(chunk);
        next.phase = Phase.Prove;
        _pass(game, next);
        emit ElementsRevealed(game, next, chunk);
    }

    // --- the end ---

    /// @inheritdoc IGame
    function prove(
        bytes32 game,
        Position calldata position,
        Output calldata output,
        RecordProof calldata record,
        Inputs calldata inputs
    ) external {
        Position memory next = _prove(game, position);
        next.requireRecord(output.value, record);
        int256 claimed = next.outputOf(ARBITER, output, record.record);
        (int256 computed, bytes32[] memory roots) =
            ARBITER.element(record.record, output.element, inputs.openings);
        next.requireInputs(record.record, inputs, roots);
        require(computed != claimed, NothingWrong());
        _refute(game, next, Outcome.Refuted);
    }

    /// @inheritdoc IGame
    function askSums(
        bytes32 game,
        Position calldata position,
        Output calldata output,
        RecordProof calldata record
    ) external {
        Position memory next = _choose(game, position);
        bool once = next.phase != Phase.ChooseScore && next.phase != Phase.ChooseBlock;
        require(once, WrongPhase(next.phase));
        next.requireRecord(output.value, record);
        ARBITER.blocks(record.record);
        next.score = int64(next.outputOf(ARBITER, output, record.record));
        (next.value, next.element) = (output.value, output.element);
        next.phase = Phase.Sums;
        _pass(game, next);
        emit Chosen(game, next);
    }

    /// @inheritdoc IGame
    function revealSums(
        bytes32 game,
        Position calldata position,
        RecordProof calldata record,
        int64[] calldata partials,
        Inputs calldata inputs
    ) external {
        Position memory next = _answer(game, position, Phase.Sums);
        next.requireRecord(next.value, record);
        (int256 computed, bytes32[] memory roots) =
            ARBITER.finish(record.record, next.element, partials, inputs.openings);
        next.requireInputs(record.record, inputs, roots);
        require(computed == next.score, SumsDisagree(computed, next.score));
        next.partials = keccak256(abi.encode(partials));
        next.phase = Phase.ChooseBlock;
        _pass(game, next);
        emit SumsRevealed(game, next, partials);
    }

    /// @inheritdoc IGame
    function proveBlock(
        bytes32 game,
        Position calldata position,
        RecordProof calldata record,
        int64[] calldata partials,
        uint32 block_,
        Inputs calldata inputs
    ) external {
        Position memory next = _prove(game, position);
        require(next.phase == Phase.ChooseBlock, WrongPhase(next.phase));
        next.requireRecord(next.value, record);
        bytes32 given = keccak256(abi.encode(partials));
        require(given == next.partials, WrongProof(given, next.partials));
        require(block_ < partials.length, OutOfRange(block_, partials.length));
        (int256 computed, bytes32[] memory roots) =
            ARBITER.partialSum(record.record, next.element, block_, inputs.openings);
        next.requireInputs(record.record, inputs, roots);
        require(computed != partials[block_], NothingWrong());
        _refute(game, next, Outcome.Refuted);
    }

    /// @inheritdoc IGame
    function proveSource(
        bytes32 game,
        Position calldata position,
        IClaims.Claim calldata claim,
        IClaims.Job calldata job,
        uint32 value,
        bytes32 tensor,
        bytes32[] calldata proof,
        RecordProof calldata record,
        IClaims.TensorPath calldata path
    ) external {
        Position memory next = _prove(game, position);
        bytes32 given = keccak256(abi.encode(claim));
        require(given == next.claim, WrongClaim(given, next.claim));
        next.requireRecord(value, record);
        next.requireTraced(value, tensor, proof);
        bytes32 committed = SOURCES.sourceTensor(claim, job, next.property, record.record, next.sample, path);
        require(tensor != committed, NothingWrong());
        _refute(game, next, Outcome.Refuted);
    }

    // --- closing ---

    /// @inheritdoc IGame
    function timeout(bytes32 game, Position calldata position) external {
        _requirePosition(game, position);
        Clock memory clocks_ = _clocks[game];
        uint64 end = clocks_.end();
        require(block.timestamp >= end, ClockStillRuns(end));
        if (clocks_.turn == Side.Accountant) return _refute(game, position, Outcome.AccountantLate);
        require(_stands(position.claim), ClaimDoesNotStand(position.claim));
        _close(game, position, Outcome.ChallengerLate);
    }

    /// @inheritdoc IGame
    function voidGame(bytes32 game, Position calldata position) external {
        _requirePosition(game, position);
        require(!_stands(position.claim), ClaimStands(position.claim));
        _close(game, position, Outcome.Void);
    }

    // --- views ---

    /// @inheritdoc IGame
    function clocks(bytes32 game) external view returns (Clock memory) {
        return _clocks[game];
    }

    /// @inheritdoc IGame
    function gameId(bytes32 claimId, address challenger, bytes32 salt) public pure returns (bytes32) {
        return keccak256(abi.encode(claimId, challenger, salt));
    }

    // --- internal: beginning and ending ---

    function _firstPosition(IClaims.Claim calldata claim, IClaims.Job calldata job, uint8 property)
        private
        view
        returns (Position memory position)
    {
        bytes32 terms = keccak256(abi.encode(job));
        require(terms == claim.terms, WrongTerms(terms, claim.terms));
        uint256 count = claim.scores.length;
        require(property < count, NoSuchProperty(property, count));
        position.claim = keccak256(abi.encode(claim));
        position.accountant = claim.claimant;
        position.challenger = msg.sender;
        position.property = property;
        position.program = job.properties[property].program;
        position.enter(claim.scores[property].top, claim.scores[property].count);
    }

    function _begin(Position memory position, bytes32 salt) private returns (bytes32 game) {
        require(msg.value == challengeBond, WrongBond(msg.value, challengeBond));
        game = gameId(position.claim, msg.sender, salt);
        require(_clocks[game].turn == Side.None, GameExists(game));
        positions[game] = keccak256(abi.encode(position));
        _clocks[game].start(clock);
        emit Opened(game, position.claim, msg.sender, position);
        CLAIMS.gameOpened(position.claim);
        if (msg.value != 0) BONDS.lock{ value: msg.value }();
    }

    /// @dev The claim falls, unless it has fallen already: then this reverts and `voidGame` is the way.
    function _refute(bytes32 game, Position memory position, Outcome outcome) private {
        _close(game, position, outcome);
        CLAIMS.refute(position.claim, position.challenger);
    }

    function _close(bytes32 game, Position memory position, Outcome outcome) private {
        delete positions[game];
        _clocks[game].stop();
        emit Closed(game, position.claim, outcome);
        CLAIMS.gameClosed(position.claim);
        bool late = outcome == Outcome.ChallengerLate;
        BONDS.credit(late ? position.accountant : position.challenger, challengeBond);
    }

    function _stands(bytes32 claimId) private view returns (bool) {
        return CLAIMS.status(claimId).state == IClaims.State.Standing;
    }

    // --- internal: turns ---

    /// @dev A move of the accountant in its one possible phase.
    function _answer(bytes32 game, Position calldata position, Phase phase)
        private
        view
        returns (Position memory)
    {
        require(position.phase == phase, WrongPhase(position.phase));
        _requireTurn(game, position, position.accountant);
        return position;
    }

    /// @dev A move of the challenger, in a phase that is its turn.
    function _choose(bytes32 game, Position calldata position) private view returns (Position memory) {
        require(_isChallengers(position.phase), WrongPhase(position.phase));
        _requireTurn(game, position, position.challenger);
        return position;
    }

    /// @dev A sealed call of the challenger, on any of its turns after the trace is revealed.
    function _prove(bytes32 game, Position calldata position) private view returns (Position memory) {
        CLAIMS.requireSealed(msg.sender, keccak256(msg.data));
        require(position.phase != Phase.ChooseScore, WrongPhase(position.phase));
        return _choose(game, position);
    }

    function _isChallengers(Phase phase) private pure returns (bool) {
        return phase == Phase.ChooseScore || phase == Phase.ChooseValue || phase == Phase.ChooseChunk
            || phase == Phase.Prove || phase == Phase.ChooseBlock;
    }

    function _requireTurn(bytes32 game, Position calldata position, address mover) private view {
        _requirePosition(game, position);
        require(msg.sender == mover, NotYourTurn(msg.sender, mover));
        uint64 end = _clocks[game].end();
        require(block.timestamp < end, ClockRanOut(end));
    }

    function _requirePosition(bytes32 game, Position calldata position) private view {
        bytes32 given = keccak256(abi.encode(position));
        bytes32 held = positions[game];
        require(given == held, WrongPosition(game, given, held));
    }

    function _pass(bytes32 game, Position memory next) private {
        positions[game] = keccak256(abi.encode(next));
        _clocks[game].pass();
    }
}
