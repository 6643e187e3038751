// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Rules are in seconds of L1 blocks; whoever proposes one can shift it by less than any of them.
// forge-lint: disable-start(block-timestamp)

import { Seals } from "contracts/Seals.sol";
import { IBonds } from "contracts/interfaces/IBonds.sol";
import { IClaims } from "contracts/interfaces/IClaims.sol";
import { IInbox } from "contracts/interfaces/IInbox.sol";
import { Opening } from "contracts/types/Opening.sol";
import { BlobHashes } from "contracts/libraries/BlobHashes.sol";
import { PassedPlaces } from "contracts/libraries/PassedPlaces.sol";
import { Results } from "contracts/libraries/Results.sol";
import { TransactionRecords } from "contracts/libraries/TransactionRecords.sol";

/// @title Claims about the results of jobs
contract Claims is IClaims, Seals {
    using PassedPlaces for mapping(uint32 => uint256);

    /// @dev What is stored of a commitment (one slot).
    struct Commitment {
        uint64 expiresAt;
        uint64 blockNumber;
    }

    /// @dev The claims of one job (one slot, and the bitmap of those that cannot become final).
    struct Queue {
        uint32 count;
        uint32 words;
        bool settled; // final, or lapsed
        mapping(uint32 word => uint256) passed;
    }

    /// @notice Bytes of a claim's or a job's uri: both travel with every game, so a long one would tax challengers.
    uint256 public constant MOST_URI_BYTES = 512;

    /// @notice Properties of a job.
    uint256 public constant MOST_PROPERTIES = 4;

    /// @notice Chunks that a demand may ask for: 4 kB, what one cheap transaction answers.
    uint8 public constant MOST_CHUNKS = 32;

    /// @dev Longest rule, so that no instant computed from it leaves uint64.
    uint64 private constant MOST_SECONDS = type(uint32).max;

    uint256 private constant BPS = 10_000;
    uint8 private constant TRAINING = 1;
    uint8 private constant INFERENCE = 2;

    /// @dev Kinds of notices.
    uint8 private constant PAYOUT = 2;
    uint8 private constant LAPSE = 3;

    IBonds private immutable BONDS;
    IInbox private immutable INBOX;
    address private immutable GAME;
    address private immutable ARBITER;
    uint64 private immutable WINDOW;
    uint64 private immutable CLOCK;
    uint64 private immutable REVEAL_WINDOW;
    uint64 private immutable SETTLEMENT;
    uint256 private immutable CLAIM_BOND;
    uint256 private immutable CHALLENGE_BOND;
    uint256 private immutable DEMAND_FEE;
    uint16 private immutable PRIZE_SHARE_BPS;

    mapping(address claimant => mapping(bytes32 commitment => Commitment)) private _commitments;
    mapping(bytes32 claimId => Status) private _claims;
    mapping(bytes32 transaction => Queue) private _queues;
    mapping(bytes32 demandId => DemandStatus) private _demands;

    /// @notice The courts may be addresses at which contracts are deployed later.
    constructor(Rules memory fixed_, IBonds bonds, IInbox inbox, address game, address arbiter) {
        uint256 longest = uint256(fixed_.window) + 2 * uint256(fixed_.clock) + fixed_.revealWindow;
        bool timely = fixed_.settlement >= longest && fixed_.settlement <= MOST_SECONDS && fixed_.window >= 4;
        require(timely && fixed_.claimBond != 0 && fixed_.prizeShareBps <= BPS, RulesImpossible());
        BONDS = bonds;
        INBOX = inbox;
        GAME = game;
        ARBITER = arbiter;
        WINDOW = fixed_.window;
        CLOCK = fixed_.clock;
        REVEAL_WINDOW = fixed_.revealWindow;
        SETTLEMENT = fixed_.settlement;
        CLAIM_BOND = fixed_.claimBond;
        CHALLENGE_BOND = fixed_.challengeBond;
        DEMAND_FEE = fixed_.demandFee;
        PRIZE_SHARE_BPS = fixed_.prizeShareBps;
    }

    // --- committing and revealing ---

    /// @inheritdoc IClaims
    function commit(bytes32 commitment) external payable {
        require(msg.value == CLAIM_BOND, WrongValue(msg.value, CLAIM_BOND));
        Commitment storage made = _commitments[msg.sender][commitment];
        require(made.expiresAt == 0, AlreadyCommitted(msg.sender, commitment));
        uint64 expiresAt = uint64(block.timestamp) + REVEAL_WINDOW;
        (made.expiresAt, made.blockNumber) = (expiresAt, uint64(block.number));
        emit Committed(msg.sender, commitment, expiresAt);
        BONDS.lock{ value: msg.value }();
    }

    /// @inheritdoc IClaims
    function reveal(Claim calldata claim, Job calldata job, bytes32 salt) external returns (bytes32 claimId) {
        claimId = keccak256(abi.encode(claim));
        _open(claim, claimId, salt);
        _requireFitting(claim, job);
        require(block.timestamp <= job.deadline, DeadlinePassed(job.deadline));
        if (claim.batch == 0) _requireCalled(claim);
        else _requirePosted(claim);
        uint32 place = _stand(claim, claimId, job.deadline);
        bytes32[] memory blobs = BlobHashes.read(INBOX.blobReader());
        emit Revealed(claim.transaction, claimId, msg.sender, place, claim, job, blobs);
    }

    /// @inheritdoc IClaims
    function retract(Claim calldata claim, bytes32 salt) external {
        bytes32 commitment = _open(claim, keccak256(abi.encode(claim)), salt);
        emit Retracted(msg.sender, commitment);
        BONDS.credit(msg.sender, CLAIM_BOND);
    }

    /// @inheritdoc IClaims
    function expire(address claimant, bytes32 commitment) external {
        uint64 expiresAt = _commitments[claimant][commitment].expiresAt;
        require(expiresAt != 0, NotCommitted(claimant, commitment));
        require(block.timestamp > expiresAt, CommitmentStillOpen(expiresAt));
        delete _commitments[claimant][commitment];
        emit Expired(claimant, commitment, msg.sender, _prize());
        _split(msg.sender);
    }

    // --- the end of a claim ---

    /// @inheritdoc IClaims
    function finalize(Claim calldata claim) external {
        bytes32 claimId = keccak256(abi.encode(claim));
        Status storage known = _requireUncontested(claimId);
        uint256 end = uint256(known.deadline) + SETTLEMENT;
        require(block.timestamp < end, TooLate(end));
        Queue storage claims = _queues[claim.transaction];
        require(!claims.settled, AlreadySettled(claim.transaction));
        bool first = claims.passed.allBelow(known.place, claims.words);
        require(first, EarlierClaimStands(claim.transaction, known.place));
        claims.settled = true;
        known.state = State.Final;
        emit Finalized(claim.transaction, claim.claimant, claimId, claim.result);
        BONDS.credit(claim.claimant, CLAIM_BOND);
        // A called job has no reward in escrow.
        if (claim.batch != 0) INBOX.note(PAYOUT, claim.claimant, claim.transaction);
    }

    /// @inheritdoc IClaims
    function lapse(bytes calldata record, Job calldata job) external {
        bytes32 terms = keccak256(abi.encode(job));
        bytes32 transaction = keccak256(record);
        require(TransactionRecords.isOrder(record, terms), WrongOrder(transaction, terms));
        uint256 end = uint256(job.deadline) + SETTLEMENT;
        require(block.timestamp >= end, TooEarly(end));
        // Even behind a final claim: one that became final before its order was on L2 has paid nothing.
        _queues[transaction].settled = true;
        emit Lapsed(transaction, msg.sender);
        INBOX.note(LAPSE, address(0), transaction);
    }

    /// @inheritdoc IClaims
    function lapseCalled(Job calldata job) external {
        bytes32 terms = keccak256(abi.encode(job));
        uint256 end = uint256(job.deadline) + SETTLEMENT;
        require(block.timestamp >= end, TooEarly(end));
        // A result that contracts have seen stays: unlike an order's, this end never comes behind a final claim.
        Queue storage claims = _queues[terms];
        require(!claims.settled, AlreadySettled(terms));
        claims.settled = true;
        emit Lapsed(terms, msg.sender);
    }

    /// @inheritdoc IClaims
    function release(Claim calldata claim) external {
        bytes32 claimId = keccak256(abi.encode(claim));
        Status storage known = _requireUncontested(claimId);
        Queue storage claims = _queues[claim.transaction];
        bool late = block.timestamp >= uint256(known.deadline) + SETTLEMENT;
        require(late || claims.settled, NotBehind(claimId));
        // Out of the way of later claims of the transaction that name a later deadline.
        if (!claims.settled) claims.passed.mark(known.place);
        known.state = State.Released;
        emit Released(claim.transaction, claimId);
        BONDS.credit(claim.claimant, CLAIM_BOND);
    }

    /// @inheritdoc IClaims
    function advance(bytes32 transaction) external {
        Queue storage claims = _queues[transaction];
        uint32 word = claims.words;
        require(claims.passed.isFull(word), NothingToAdvance(transaction, word));
        claims.words = word + 1;
        emit Advanced(transaction, word + 1);
    }

    // --- data on demand ---

    /// @inheritdoc IClaims
    function demand(Demand calldata asked) external payable returns (bytes32 demandId) {
        require(msg.value == DEMAND_FEE, WrongValue(msg.value, DEMAND_FEE));
        require(asked.count != 0 && asked.count <= MOST_CHUNKS, DemandMalformed(asked.count));
        Status storage known = _requireState(asked.claim, State.Standing);
        uint64 end = known.revealedAt + WINDOW / 2;
        require(block.timestamp < end, TooLate(end));
        demandId = keccak256(abi.encode(asked));
        DemandState state = _demands[demandId].state;
        require(state == DemandState.None, WrongDemandState(demandId, state, DemandState.None));
        uint64 due = uint64(block.timestamp) + WINDOW / 4;
        _demands[demandId] = DemandStatus(msg.sender, due, DemandState.Open);
        known.demands += 1;
        emit Demanded(asked.claim, demandId, msg.sender, due, asked);
        BONDS.lock{ value: msg.value }();
    }

    /// @inheritdoc IClaims
    function answer(
        Claim calldata claim,
        Job calldata job,
        Demand calldata asked,
        TensorPath calldata path,
        Opening calldata opening
    ) external {
        bytes32 claimId = keccak256(abi.encode(claim));
        require(claimId == asked.claim, WrongClaim(claimId, asked.claim));
        _requireTerms(claim, job);
        Status storage known = _requireState(claimId, State.Standing);
        (bytes32 demandId, DemandStatus storage made) = _requireOpen(asked);
        require(block.timestamp < made.due, TooLate(made.due));
        Results.requireAnswer(claim.result, job.kind == TRAINING, asked, path, opening);
        made.state = DemandState.Answered;
        known.demands -= 1;
        emit Answered(claimId, demandId, asked, path, opening);
        BONDS.credit(claim.claimant, DEMAND_FEE);
    }

    /// @inheritdoc IClaims
    function refuteUnanswered(Demand calldata asked) external {
        (bytes32 demandId, DemandStatus storage made) = _requireOpen(asked);
        require(block.timestamp >= made.due, TooEarly(made.due));
        _refute(asked.claim, made.demander);
        _returnFee(asked.claim, demandId, made);
    }

    /// @inheritdoc IClaims
    function reclaim(Demand calldata asked) external {
        (bytes32 demandId, DemandStatus storage made) = _requireOpen(asked);
        _requireState(asked.claim, State.Refuted);
        _returnFee(asked.claim, demandId, made);
    }

    // --- sealed calls ---

    /// @inheritdoc IClaims
    function requireSealed(address sender, bytes32 calldataHash) external view {
        _requireSealed(sender, calldataHash);
    }

    // --- for the courts ---

    /// @inheritdoc IClaims
    function refute(bytes32 claimId, address challenger) external {
        require(msg.sender == GAME || msg.sender == ARBITER, NotACourt(msg.sender));
        _refute(claimId, challenger);
    }

    /// @inheritdoc IClaims
    function gameOpened(bytes32 claimId) external {
        require(msg.sender == GAME, NotACourt(msg.sender));
        Status storage known = _requireState(claimId, State.Standing);
        uint64 end = known.revealedAt + WINDOW;
        require(block.timestamp < end, TooLate(end));
        known.games += 1;
    }

    /// @inheritdoc IClaims
    function gameClosed(bytes32 claimId) external {
        require(msg.sender == GAME, NotACourt(msg.sender));
        _claims[claimId].games -= 1;
    }

    // --- views ---

    /// @inheritdoc IClaims
    function rules() external view returns (Rules memory) {
        return Rules({
            window: WINDOW,
            clock: CLOCK,
            revealWindow: REVEAL_WINDOW,
            settlement: SETTLEMENT,
            claimBond: CLAIM_BOND,
            challengeBond: CHALLENGE_BOND,
            demandFee: DEMAND_FEE,
            prizeShareBps: PRIZE_SHARE_BPS
        });
    }

    /// @inheritdoc IClaims
    function status(bytes32 claimId) external view returns (Status memory) {
        return _claims[claimId];
    }

    /// @inheritdoc IClaims
    function demandStatus(bytes32 demandId) external view returns (DemandStatus memory) {
        return _demands[demandId];
    }

    /// @inheritdoc IClaims
    function committed(address claimant, bytes32 commitment)
        external
        view
        returns (uint64 expiresAt, uint64 blockNumber)
    {
        Commitment storage made = _commitments[claimant][commitment];
        return (made.expiresAt, made.blockNumber);
    }

    /// @inheritdoc IClaims
    function queue(bytes32 transaction) external view returns (uint32 count, uint32 words, bool settled) {
        Queue storage claims = _queues[transaction];
        return (claims.count, claims.words, claims.settled);
    }

    // --- internal ---

    /// @dev Takes the caller's commitment to a claim off the books: it can be opened once, from the next block on.
    function _open(Claim calldata claim, bytes32 claimId, bytes32 salt) private returns (bytes32 commitment) {
        require(msg.sender == claim.claimant, NotTheClaimant(msg.sender, claim.claimant));
        commitment = keccak256(abi.encode(claimId, salt));
        Commitment memory made = _commitments[msg.sender][commitment];
        require(made.expiresAt != 0, NotCommitted(msg.sender, commitment));
        require(block.number > made.blockNumber, CommittedInThisBlock(block.number));
        require(block.timestamp <= made.expiresAt, CommitmentExpired(made.expiresAt));
        delete _commitments[msg.sender][commitment];
    }

    /// @dev Checks what can be seen of a claim and its job without opening anything.
    function _requireFitting(Claim calldata claim, Job calldata job) private pure {
        _requireTerms(claim, job);
        require(job.kind == TRAINING || job.kind == INFERENCE, JobMalformed(JobFault.Kind));
        require((job.kind == TRAINING) == (job.model == bytes32(0)), JobMalformed(JobFault.Model));
        uint256 properties = job.properties.length;
        bool few = properties != 0 && properties <= MOST_PROPERTIES;
        require(few, JobMalformed(JobFault.PropertyCount));
        require(claim.scores.length == properties, JobMalformed(JobFault.ScoreCount));
        bool short = bytes(claim.uri).length <= MOST_URI_BYTES && bytes(job.uri).length <= MOST_URI_BYTES;
        require(short, JobMalformed(JobFault.UriTooLong));
    }

    /// @dev A called job has no transaction: its terms stand for one.
    function _requireCalled(Claim calldata claim) private pure {
        bool placeless = claim.index == 0 && claim.batchCommitment == bytes32(0);
        require(placeless && claim.transaction == claim.terms, NotACall(claim.transaction, claim.terms));
    }

    /// @dev No record of an order hashes to terms: such a claim would only stand in the way of called ones.
    function _requirePosted(Claim calldata claim) private view {
        bytes32 held = INBOX.commitments(claim.batch);
        bool posted = held != bytes32(0) && claim.batchCommitment == held;
        require(posted, WrongBatch(claim.batch, claim.batchCommitment, held));
        require(claim.transaction != claim.terms, NotAnOrder(claim.transaction));
    }

    function _requireTerms(Claim calldata claim, Job calldata job) private pure {
        bytes32 terms = keccak256(abi.encode(job));
        require(terms == claim.terms, WrongTerms(terms, claim.terms));
    }

    function _stand(Claim calldata claim, bytes32 claimId, uint64 deadline) private returns (uint32 place) {
        _requireState(claimId, State.None);
        Queue storage claims = _queues[claim.transaction];
        require(!claims.settled, AlreadySettled(claim.transaction));
        place = claims.count;
        claims.count = place + 1;
        _claims[claimId] = Status({
            claimant: claim.claimant,
            revealedAt: uint64(block.timestamp),
            place: place,
            transaction: claim.transaction,
            deadline: deadline,
            games: 0,
            demands: 0,
            state: State.Standing
        });
    }

    function _requireState(bytes32 claimId, State needed) private view returns (Status storage known) {
        known = _claims[claimId];
        require(known.state == needed, WrongState(claimId, known.state, needed));
    }

    /// @dev A standing claim whose window is over and which nobody contests.
    function _requireUncontested(bytes32 claimId) private view returns (Status storage known) {
        known = _requireState(claimId, State.Standing);
        uint64 end = known.revealedAt + WINDOW;
        require(block.timestamp >= end, TooEarly(end));
        require(known.games == 0 && known.demands == 0, StillContested(known.games, known.demands));
    }

    function _requireOpen(Demand calldata asked)
        private
        view
        returns (bytes32 demandId, DemandStatus storage made)
    {
        demandId = keccak256(abi.encode(asked));
        made = _demands[demandId];
        require(made.state == DemandState.Open, WrongDemandState(demandId, made.state, DemandState.Open));
    }

    function _refute(bytes32 claimId, address challenger) private {
        Status storage known = _requireState(claimId, State.Standing);
        known.state = State.Refuted;
        _queues[known.transaction].passed.mark(known.place);
        emit Refuted(known.transaction, claimId, challenger, _prize());
        _split(challenger);
    }

    function _returnFee(bytes32 claimId, bytes32 demandId, DemandStatus storage made) private {
        made.state = DemandState.Closed;
        _claims[claimId].demands -= 1;
        emit FeeReturned(claimId, demandId);
        BONDS.credit(made.demander, DEMAND_FEE);
    }

    function _prize() private view returns (uint256) {
        return CLAIM_BOND * PRIZE_SHARE_BPS / BPS;
    }

    /// @dev Divides a lost claim bond between a winner and the fire.
    function _split(address winner) private {
        uint256 prize = _prize();
        BONDS.credit(winner, prize);
        BONDS.burn(CLAIM_BOND - prize);
    }
}
