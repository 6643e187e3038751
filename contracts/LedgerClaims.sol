// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Rules are in seconds of L1 blocks; whoever proposes one can shift it by less than any of them.
// forge-lint: disable-start(block-timestamp)

import { Seals } from "contracts/Seals.sol";
import { IBonds } from "contracts/interfaces/IBonds.sol";
import { IGame } from "contracts/interfaces/IGame.sol";
import { IInbox } from "contracts/interfaces/IInbox.sol";
import { ILedgerArbiter } from "contracts/interfaces/ILedgerArbiter.sol";
import { ILedgerClaims } from "contracts/interfaces/ILedgerClaims.sol";
import { ChessClock } from "contracts/libraries/ChessClock.sol";
import { LedgerTree } from "contracts/libraries/LedgerTree.sol";
import { TraceDescent } from "contracts/libraries/TraceDescent.sol";
import { Machine } from "contracts/types/Machine.sol";
import { Leaf, Witness } from "contracts/types/Witness.sol";

/// @title Claims about the ledger, the game about them, and withdrawals
contract LedgerClaims is ILedgerClaims, Seals {
    using ChessClock for IGame.Clock;
    using TraceDescent for Position;

    /// @dev Longest rule, so that no instant computed from it leaves uint64.
    uint64 private constant MOST_SECONDS = type(uint32).max;

    uint256 private constant BPS = 10_000;

    /// @dev The phase of a machine that stands between batches.
    uint8 private constant IDLE = 0;

    IBonds private immutable BONDS;
    IInbox private immutable INBOX;
    ILedgerArbiter private immutable ARBITER;
    uint64 private immutable WINDOW;
    uint64 private immutable CLOCK;
    uint256 private immutable CLAIM_BOND;
    uint256 private immutable CHALLENGE_BOND;
    uint16 private immutable PRIZE_SHARE_BPS;

    /// @inheritdoc ILedgerClaims
    bytes32 public immutable genesis;

    mapping(bytes32 claimId => Status) private _claims;
    mapping(bytes32 game => IGame.Clock) private _clocks;

    /// @inheritdoc ILedgerClaims
    mapping(bytes32 game => bytes32) public positions;

    /// @inheritdoc ILedgerClaims
    mapping(address account => uint256) public paid;

    /// @inheritdoc ILedgerClaims
    uint64 public finalBatch;

    /// @notice The vault and the arbiter may be addresses at which they are deployed later.
    /// @param genesis_ Hash of the machine that the first claims start from.
    constructor(Rules memory fixed_, IBonds bonds, IInbox inbox, ILedgerArbiter arbiter, bytes32 genesis_) {
        bool window = fixed_.window != 0 && fixed_.window <= MOST_SECONDS;
        bool clock = fixed_.clock != 0 && fixed_.clock <= MOST_SECONDS;
        bool bonded = fixed_.claimBond != 0 && fixed_.prizeShareBps <= BPS;
        require(window && clock && bonded, RulesImpossible());
        BONDS = bonds;
        INBOX = inbox;
        ARBITER = arbiter;
        WINDOW = fixed_.window;
        CLOCK = fixed_.clock;
        CLAIM_BOND = fixed_.claimBond;
        CHALLENGE_BOND = fixed_.challengeBond;
        PRIZE_SHARE_BPS = fixed_.prizeShareBps;
        genesis = genesis_;
    }

    // --- claims ---

    /// @inheritdoc ILedgerClaims
    function claim(
        Claim calldata made,
        Machine calldata end,
        bytes32[] calldata startProof,
        bytes32[] calldata endProof
    ) external payable returns (bytes32 claimId) {
        require(msg.value == CLAIM_BOND, WrongValue(msg.value, CLAIM_BOND));
        require(msg.sender == made.claimant, NotTheClaimant(msg.sender, made.claimant));
        claimId = keccak256(abi.encode(made));
        _requireState(claimId, State.None);
        _requirePosted(made);
        _requireFollows(made);
        _requireEnd(made, end);
        bool idle = end.phase == IDLE && end.batch == made.batch;
        require(idle, EndNotIdle(end.phase, end.batch));
        TraceDescent.requireEnds(made, startProof, endProof);
        _claims[claimId] = Status(uint64(block.timestamp), made.batch, 0, State.Standing, made.end);
        emit Claimed(claimId, msg.sender, made.batch, made, end);
        BONDS.lock{ value: msg.value }();
    }

    /// @inheritdoc ILedgerClaims
    function finalize(Claim calldata made) external {
        bytes32 claimId = keccak256(abi.encode(made));
        Status storage known = _requireState(claimId, State.Standing);
        uint64 end = known.claimedAt + WINDOW;
        require(block.timestamp >= end, TooEarly(end));
        require(known.games == 0, StillContested(known.games));
        if (made.base != bytes32(0)) _requireState(made.base, State.Final);
        _requirePosted(made);
        known.state = State.Final;
        if (made.batch > finalBatch) finalBatch = made.batch;
        emit Finalized(claimId, made.claimant, made.batch, made.end);
        BONDS.credit(made.claimant, CLAIM_BOND);
    }

    /// @inheritdoc ILedgerClaims
    function refuteBase(Claim calldata made) external {
        bytes32 claimId = keccak256(abi.encode(made));
        Status storage known = _requireState(claimId, State.Standing);
        _requireState(made.base, State.Refuted);
        // Whoever is about to show that this claim is false itself does not lose the prize.
        require(known.games == 0, StillContested(known.games));
        known.state = State.Refuted;
        emit Orphaned(claimId, made.base);
        BONDS.credit(made.claimant, CLAIM_BOND);
    }

    // --- the game ---

    /// @inheritdoc ILedgerClaims
    function open(Claim calldata made, bytes32 salt) external payable returns (bytes32 game) {
        require(msg.value == CHALLENGE_BOND, WrongValue(msg.value, CHALLENGE_BOND));
        bytes32 claimId = keccak256(abi.encode(made));
        Status storage known = _requireState(claimId, State.Standing);
        uint64 end = known.claimedAt + WINDOW;
        require(block.timestamp < end, TooLate(end));
        game = gameId(claimId, msg.sender, salt);
        require(_clocks[game].turn == IGame.Side.None, GameExists(game));
        Position memory position = TraceDescent.first(made, claimId, msg.sender);
        positions[game] = keccak256(abi.encode(position));
        _clocks[game].start(CLOCK);
        known.games += 1;
        emit Opened(game, claimId, msg.sender, position, _clocks[game]);
        if (msg.value != 0) BONDS.lock{ value: msg.value }();
    }

    /// @inheritdoc ILedgerClaims
    function reveal(bytes32 game, Position calldata position, bytes32[] calldata nodes) external {
        _requireTurn(game, position, Phase.Reveal);
        Position memory next = position;
        next.requireChildren(nodes);
        next.phase = Phase.Choose;
        positions[game] = keccak256(abi.encode(next));
        _clocks[game].pass();
        emit Revealed(game, next, _clocks[game], nodes);
    }

    /// @inheritdoc ILedgerClaims
    function choose(
        bytes32 game,
        Position calldata position,
        uint32 index,
        bytes32 node,
        bytes32[] calldata proof
    ) external {
        _requireChallenger(position);
        _requireTurn(game, position, Phase.Choose);
        Position memory next = position;
        next.choose(index, node, proof);
        next.phase = next.level == 0 ? Phase.Prove : Phase.Reveal;
        positions[game] = keccak256(abi.encode(next));
        // Behind the choice of a machine it is still the challenger's turn, and its clock runs on.
        if (next.phase == Phase.Reveal) _clocks[game].pass();
        emit Chosen(game, next, _clocks[game]);
    }

    /// @inheritdoc ILedgerClaims
    function prove(
        bytes32 game,
        Position calldata position,
        Machine calldata before,
        bytes32[] calldata proof,
        Witness calldata witness
    ) external {
        _requireSealed(msg.sender, keccak256(msg.data));
        _requireChallenger(position);
        _requireTurn(game, position, Phase.Prove);
        TraceDescent.requireBefore(position, keccak256(abi.encode(before)), proof);
        Machine memory computed = ARBITER.step(before, position.batch, witness);
        require(keccak256(abi.encode(computed)) != position.node, NothingWrong());
        _refute(game, position, Outcome.Refuted);
    }

    /// @inheritdoc ILedgerClaims
    function timeout(bytes32 game, Position calldata position) external {
        _requirePosition(game, position);
        IGame.Clock memory clocks_ = _clocks[game];
        uint64 end = clocks_.end();
        require(block.timestamp >= end, ClockStillRuns(end));
        if (clocks_.turn == IGame.Side.Accountant) return _refute(game, position, Outcome.ClaimantLate);
        _requireState(position.claim, State.Standing);
        _close(game, position, Outcome.ChallengerLate);
    }

    /// @inheritdoc ILedgerClaims
    function voidGame(bytes32 game, Position calldata position) external {
        _requirePosition(game, position);
        _requireState(position.claim, State.Refuted);
        _close(game, position, Outcome.Void);
    }

    // --- withdrawals ---

    /// @inheritdoc ILedgerClaims
    function withdraw(Claim calldata made, Machine calldata end, address account, Leaf calldata leaf)
        external
        returns (uint256 amount)
    {
        bytes32 claimId = keccak256(abi.encode(made));
        _requireState(claimId, State.Final);
        _requireEnd(made, end);
        require(leaf.found == LedgerTree.ITSELF, NoLeaf(account));
        bytes32 root =
            LedgerTree.root(LedgerTree.accountKey(account), keccak256(abi.encode(leaf.fields)), leaf);
        require(root == end.ledger, WrongProof(root, end.ledger));
        uint256 withdrawn = leaf.fields[2];
        uint256 before = paid[account];
        require(withdrawn > before, NothingToWithdraw(account, withdrawn, before));
        amount = withdrawn - before;
        paid[account] = withdrawn;
        emit Withdrawn(claimId, account, amount, withdrawn);
        INBOX.pay(account, amount);
    }

    // --- views ---

    /// @inheritdoc ILedgerClaims
    function rules() external view returns (Rules memory) {
        return Rules(WINDOW, CLOCK, CLAIM_BOND, CHALLENGE_BOND, PRIZE_SHARE_BPS);
    }

    /// @inheritdoc ILedgerClaims
    function status(bytes32 claimId) external view returns (Status memory) {
        return _claims[claimId];
    }

    /// @inheritdoc ILedgerClaims
    function clocks(bytes32 game) external view returns (IGame.Clock memory) {
        return _clocks[game];
    }

    /// @inheritdoc ILedgerClaims
    function gameId(bytes32 claimId, address challenger, bytes32 salt) public pure returns (bytes32) {
        return keccak256(abi.encode(claimId, challenger, salt));
    }

    // --- internal: claims ---

    function _requireState(bytes32 claimId, State needed) private view returns (Status storage known) {
        known = _claims[claimId];
        require(known.state == needed, WrongState(claimId, known.state, needed));
    }

    function _requirePosted(Claim calldata made) private view {
        bytes32 held = INBOX.commitments(made.batch);
        bool posted = held != bytes32(0) && held == made.batchCommitment;
        require(posted, WrongBatch(made.batch, made.batchCommitment, held));
    }

    /// @dev A claim begins where its base ends, no earlier than what is final, and goes on to a later batch.
    function _requireFollows(Claim calldata made) private view {
        bytes32 start = genesis;
        uint64 batch;
        if (made.base != bytes32(0)) {
            Status storage base = _claims[made.base];
            bool alive = base.state == State.Standing || base.state == State.Final;
            require(alive, WrongState(made.base, base.state, State.Standing));
            (start, batch) = (base.end, base.batch);
        }
        require(made.start == start, WrongStart(made.start, start));
        require(batch >= finalBatch, BaseBehind(batch, finalBatch));
        require(made.batch > batch, BatchNotAhead(made.batch, batch));
    }

    function _requireEnd(Claim calldata made, Machine calldata end) private pure {
        bytes32 given = keccak256(abi.encode(end));
        require(given == made.end, WrongEnd(given, made.end));
    }

    // --- internal: turns ---

    function _requireChallenger(Position calldata position) private view {
        require(msg.sender == position.challenger, NotYourTurn(msg.sender, position.challenger));
    }

    /// @dev A move in its phase, before its side's clock has run out.
    function _requireTurn(bytes32 game, Position calldata position, Phase phase) private view {
        require(position.phase == phase, WrongPhase(position.phase));
        _requirePosition(game, position);
        uint64 end = _clocks[game].end();
        require(block.timestamp < end, ClockRanOut(end));
    }

    function _requirePosition(bytes32 game, Position calldata position) private view {
        bytes32 given = keccak256(abi.encode(position));
        bytes32 held = positions[game];
        require(given == held, WrongPosition(game, given, held));
    }

    // --- internal: ends ---

    /// @dev The claim falls, unless it has fallen already: then this reverts and `voidGame` is the way.
    function _refute(bytes32 game, Position calldata position, Outcome outcome) private {
        Status storage known = _requireState(position.claim, State.Standing);
        known.state = State.Refuted;
        uint256 prize = CLAIM_BOND * PRIZE_SHARE_BPS / BPS;
        emit Refuted(position.claim, position.challenger, prize);
        _close(game, position, outcome);
        BONDS.credit(position.challenger, prize);
        BONDS.burn(CLAIM_BOND - prize);
    }

    function _close(bytes32 game, Position calldata position, Outcome outcome) private {
        delete positions[game];
        _clocks[game].stop();
        _claims[position.claim].games -= 1;
        emit Closed(game, position.claim, outcome);
        bool late = outcome == Outcome.ChallengerLate;
        BONDS.credit(late ? position.claimant : position.challenger, CHALLENGE_BOND);
    }
}
