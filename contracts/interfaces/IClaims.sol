// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ISeals } from "contracts/interfaces/ISeals.sol";
import { Opening } from "contracts/types/Opening.sol";

/// @title Claims about the results of jobs
/// @notice An accountant puts a bond on "this result of this job has the wanted properties". The claim stands for a
/// window in which the courts (Game, ClaimArbiter) may refute it, or is refuted because data asked for on L1 does not
/// come. The first claim of a job that nobody refutes is final.
///
/// Safety:
/// - a claim is final only after the window, without open games and demands, behind claims that were refuted (or
///   released too late), in time (before `deadline + settlement`), and once for a job;
/// - a job lapses only when none of its claims can become final any more: the ledger hears of a payout first;
/// - a refuted claim stays refuted; its bond pays one challenger and the rest is burnt;
/// - a claim is hidden until its bond is locked, in an earlier block than it is shown;
/// - the evidence for a prize is announced by hash in an earlier block, bound to its sender: nobody can copy it.
///
/// Liveness:
/// - a claim is final, refuted or released after at most window + two clocks (and a transaction that says so);
/// - the bond of an honest claim comes back, whatever other claims do;
/// - whatever is asked of an accountant can be answered: a demand outside an artifact is answered by what shows where
///   it ends.
interface IClaims is ISeals {
    /// @notice What is fixed at deployment; times in seconds, ether in wei.
    struct Rules {
        uint64 window; // in which games may be opened
        uint64 clock; // that each side of a game has in all
        uint64 revealWindow; // after a commitment in which it must be opened
        uint64 settlement; // after a job's deadline in which a claim may become final; at least window + 2 clocks + revealWindow
        uint256 claimBond;
        uint256 challengeBond;
        uint256 demandFee;
        uint16 prizeShareBps; // part of a refuted claim's bond that its challenger gets, in 1/10,000; the rest is burnt
    }

    /// @notice A property that a result shall have: the sum of a score program over a data set reaches a threshold.
    struct Property {
        bytes32 program;
        bytes32 dataset;
        int64 threshold;
    }

    /// @notice A job, as ordered on L2: the one argument of `order(Job)`.
    struct Job {
        uint8 kind; // 1 training, 2 inference
        bytes32 architecture;
        bytes32 model; // 0 for training
        Property[] properties; // 1 to 4
        uint64 deadline; // last L1 time at which a claim can be revealed
        string uri; // at most 512 bytes
    }

    /// @notice The score list of one property: a Merkle-sum tree.
    struct Scores {
        uint32 count;
        int64 sum;
        bytes32 top;
    }

    /// @notice A claim; its id is keccak256(abi.encode(claim)).
    /// @dev One about a *called* job, which contracts on L2 ask for, needs no order: batch, batchCommitment and index are
    /// 0, `transaction` is `terms`, and the job's deadline is the greatest uint64.
    struct Claim {
        address claimant;
        uint64 batch;
        bytes32 batchCommitment;
        uint32 index; // of the order among the batch's own transactions, and the forced ones behind them
        bytes32 transaction; // keccak256 of the order's record
        bytes32 terms; // keccak256(abi.encode(job))
        bytes32 result; // model root (training) or answers' data set root (inference)
        Scores[] scores; // one per property
        string uri; // at most 512 bytes
    }

    /// @notice What a claim has come to.
    enum State {
        None,
        Standing,
        Refuted,
        Final,
        Released
    }

    /// @notice What is stored of a claim.
    struct Status {
        address claimant; // slot 0
        uint64 revealedAt; // slot 0
        uint32 place; // slot 0; among the claims of its job, from 0
        bytes32 transaction; // slot 1
        uint64 deadline; // slot 2; the job's
        uint32 games; // slot 2; open ones
        uint32 demands; // slot 2; open ones
        State state; // slot 2
    }

    /// @notice A question for up to 32 chunks of one tensor of a claim's result; its id is keccak256(abi.encode(demand)).
    struct Demand {
        bytes32 claim;
        uint32 leaf; // parameter (training) or sample (inference)
        uint16 field; // 0 (training) or answer (inference)
        uint32 firstChunk;
        uint8 count; // 1 to 32
    }

    /// @notice What a demand has come to.
    enum DemandState {
        None,
        Open,
        Answered,
        Closed
    }

    /// @notice What is stored of a demand.
    struct DemandStatus {
        address demander;
        uint64 due;
        DemandState state;
    }

    /// @notice The way from a model's or data set's root to one tensor.
    struct TensorPath {
        uint32 count; // of the artifact's leaves
        bytes32 treeRoot; // over these leaves
        bytes32[] tensors; // of the leaf: one (model) or the sample's fields (data set)
        bytes32[] proof; // from the leaf to `treeRoot`
        bytes shape; // the tensor's: rank and dims, as hashed
        bytes32 chunksRoot; // over the tensor's chunks
    }

    /// @notice A commitment was bonded.
    event Committed(address indexed claimant, bytes32 indexed commitment, uint64 expiresAt);

    /// @notice A claim was revealed and stands.
    /// @param blobs Versioned hashes of the transaction's blobs, where it has any: the result may be in them.
    event Revealed(
        bytes32 indexed transaction,
        bytes32 indexed claimId,
        address indexed claimant,
        uint32 place,
        Claim claim,
        Job job,
        bytes32[] blobs
    );

    /// @notice A commitment was opened and its bond given back.
    event Retracted(address indexed claimant, bytes32 indexed commitment);

    /// @notice A commitment that was not opened in time is forfeit.
    event Expired(
        address indexed claimant, bytes32 indexed commitment, address indexed caller, uint256 prize
    );

    /// @notice A claim was refuted.
    event Refuted(
        bytes32 indexed transaction, bytes32 indexed claimId, address indexed challenger, uint256 prize
    );

    /// @notice A claim became final: the job is done, the claimant has its reward.
    event Finalized(
        bytes32 indexed transaction, address indexed claimant, bytes32 indexed claimId, bytes32 result
    );

    /// @notice The time of a job is over: a reward that no claim has earned goes back to who paid it. A called job has
    /// its terms as transaction: the contracts that asked for it go on without a result.
    event Lapsed(bytes32 indexed transaction, address indexed caller);

    /// @notice A claim that nobody refuted, but that cannot become final any more, has its bond back.
    event Released(bytes32 indexed transaction, bytes32 indexed claimId);

    /// @notice The queue of a job's claims was searched further: the first 256 * `words` ones are out.
    event Advanced(bytes32 indexed transaction, uint32 words);

    /// @notice Data of a claim's result was asked for.
    event Demanded(
        bytes32 indexed claimId, bytes32 indexed demandId, address indexed demander, uint64 due, Demand demand
    );

    /// @notice A demand was answered.
    /// @param path The way to the tensor; parts that the answer does not need (`chunksRoot` always) are not checked.
    /// @param opening The chunks, for a demand behind a tensor's end its last one; not checked where leaf or field lie
    /// outside the artifact.
    event Answered(
        bytes32 indexed claimId, bytes32 indexed demandId, Demand demand, TensorPath path, Opening opening
    );

    /// @notice The fee of a demand that needs no answer any more went back.
    event FeeReturned(bytes32 indexed claimId, bytes32 indexed demandId);

    /// @notice The rules given to the constructor contradict themselves.
    error RulesImpossible();

    /// @notice Other wei than due were sent along.
    error WrongValue(uint256 sent, uint256 due);

    /// @notice The caller is not a court.
    error NotACourt(address caller);

    /// @notice The sender has already bonded this commitment.
    error AlreadyCommitted(address claimant, bytes32 commitment);

    /// @notice There is no such commitment of this account.
    error NotCommitted(address claimant, bytes32 commitment);

    /// @notice The commitment was made in this block.
    error CommittedInThisBlock(uint256 number);

    /// @notice The commitment is forfeit.
    error CommitmentExpired(uint64 expiresAt);

    /// @notice The commitment is not forfeit yet.
    error CommitmentStillOpen(uint64 expiresAt);

    /// @notice The claim is somebody else's.
    error NotTheClaimant(address caller, address claimant);

    /// @notice The job breaks a rule, or the claim does not fit it.
    error JobMalformed(JobFault fault);

    /// @notice What is wrong with a job or with the claim that names it.
    enum JobFault {
        Kind,
        Model,
        PropertyCount,
        ScoreCount,
        UriTooLong
    }

    /// @notice The job given is not the one that the claim names.
    error WrongTerms(bytes32 given, bytes32 claimed);

    /// @notice The job's deadline has passed.
    error DeadlinePassed(uint64 deadline);

    /// @notice The Inbox holds another batch under that number.
    error WrongBatch(uint64 number, bytes32 given, bytes32 held);

    /// @notice A claim without a batch is about a called job: index and batch commitment are 0, and the terms are the
    /// transaction.
    error NotACall(bytes32 transaction, bytes32 terms);

    /// @notice A claim with a batch names the terms of its job in place of a transaction.
    error NotAnOrder(bytes32 transaction);

    /// @notice The claim is not in the state that this needs.
    error WrongState(bytes32 claimId, State state, State needed);

    /// @notice The window in which this is allowed is over.
    error TooLate(uint256 end);

    /// @notice This is allowed only later.
    error TooEarly(uint256 start);

    /// @notice Games or demands are open.
    error StillContested(uint32 games, uint32 demands);

    /// @notice An earlier claim of the job may still become final.
    error EarlierClaimStands(bytes32 transaction, uint32 place);

    /// @notice The record does not order the job of these terms.
    error WrongOrder(bytes32 transaction, bytes32 terms);

    /// @notice A claim of the job is final already, or the job has lapsed.
    error AlreadySettled(bytes32 transaction);

    /// @notice The claim may still become final.
    error NotBehind(bytes32 claimId);

    /// @notice Not all of the next 256 claims are out.
    error NothingToAdvance(bytes32 transaction, uint32 word);

    /// @notice A demand asks for 0 or more than 32 chunks.
    error DemandMalformed(uint8 count);

    /// @notice The demand is not in the state that this needs.
    error WrongDemandState(bytes32 demandId, DemandState state, DemandState needed);

    /// @notice The claim given is not the one that the demand is about.
    error WrongClaim(bytes32 given, bytes32 asked);

    // --- committing and revealing ---

    /// @notice Bonds a hidden claim. Send `claimBond`.
    /// @param commitment keccak256(abi.encode(claimId, salt)).
    function commit(bytes32 commitment) external payable;

    /// @notice Shows a committed claim, in a later block than the commitment.
    /// @param claim The claim; the caller is its claimant.
    /// @param job The job that it names.
    /// @param salt The commitment's salt.
    /// @return claimId The claim's id.
    function reveal(Claim calldata claim, Job calldata job, bytes32 salt) external returns (bytes32 claimId);

    /// @notice Takes back a committed claim (because the job went away, or the claim stands already); its bond returns.
    function retract(Claim calldata claim, bytes32 salt) external;

    /// @notice Ends a commitment that was not opened in `revealWindow`: the caller gets the prize, the rest is burnt.
    function expire(address claimant, bytes32 commitment) external;

    // --- the end of a claim ---

    /// @notice Makes a claim final. Anyone may call.
    function finalize(Claim calldata claim) external;

    /// @notice Ends a job, from `deadline + settlement` on: the ledger gives its reward back, if it was not paid out.
    /// Anyone may call, and again: an order that came onto L2 only after its job had ended is ended by another call.
    /// @param record The order's record.
    /// @param job The job that it orders.
    function lapse(bytes calldata record, Job calldata job) external;

    /// @notice Ends a called job without a result, from `deadline + settlement` on: no claim can become final any more, and
    /// the calls that wait for one fail. Anyone may call, once; never behind a final claim.
    /// @param job The job that was called for.
    function lapseCalled(Job calldata job) external;

    /// @notice Gives the bond of a claim back that can no longer become final: one is already, or it is too late.
    function release(Claim calldata claim) external;

    /// @notice Moves the mark below which no claim of a job can become final by 256. Only for jobs with that many.
    function advance(bytes32 transaction) external;

    // --- data on demand ---

    /// @notice Asks for chunks of a claim's result on L1. Send `demandFee`.
    /// @return demandId The demand's id.
    function demand(Demand calldata asked) external payable returns (bytes32 demandId);

    /// @notice Answers a demand. Anyone may; the claimant gets the fee. Behind the end of the artifact: a
    /// leaf is answered by the way to the last leaf, a chunk by opening the last chunk, and in both cases everything to
    /// the right of the last one must be padding; a field by the way to the leaf. A demand that reaches past the end
    /// of a tensor is answered by the chunks that there are.
    function answer(
        Claim calldata claim,
        Job calldata job,
        Demand calldata asked,
        TensorPath calldata path,
        Opening calldata opening
    ) external;

    /// @notice Refutes a claim over a demand without an answer. Anyone may call; the prize is the demander's.
    function refuteUnanswered(Demand calldata asked) external;

    /// @notice Gives the fee of an open demand back to the demander, after the claim was refuted.
    function reclaim(Demand calldata asked) external;

    // --- sealed calls ---

    /// @notice Reverts unless `sender` announced a call with this calldata hash in an earlier block.
    function requireSealed(address sender, bytes32 calldataHash) external view;

    // --- for the courts ---

    /// @notice Refutes a standing claim; its challenger gets the prize. Only for Game and ClaimArbiter.
    function refute(bytes32 claimId, address challenger) external;

    /// @notice Counts a game that begins, in the window. Only for Game.
    function gameOpened(bytes32 claimId) external;

    /// @notice Counts a game that ends. Only for Game.
    function gameClosed(bytes32 claimId) external;

    // --- views ---

    /// @notice What was fixed at deployment.
    function rules() external view returns (Rules memory);

    /// @notice What a claim has come to.
    function status(bytes32 claimId) external view returns (Status memory);

    /// @notice What a demand has come to.
    function demandStatus(bytes32 demandId) external view returns (DemandStatus memory);

    /// @notice When and in which block an account made a commitment that is open; zeros where there is none.
    function committed(address claimant, bytes32 commitment)
        external
        view
        returns (uint64 expiresAt, uint64 blockNumber);

    /// @notice Claims of a job so far, whole words (256) at its start that are out, and whether one is final or the job
    /// has lapsed.
    function queue(bytes32 transaction) external view returns (uint32 count, uint32 words, bool settled);
}
