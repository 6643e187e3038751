// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IGame } from "contracts/interfaces/IGame.sol";
import { ISeals } from "contracts/interfaces/ISeals.sol";
import { Machine } from "contracts/types/Machine.sol";
import { Leaf, Witness } from "contracts/types/Witness.sol";

/// @title Claims about the ledger, the game about them, and withdrawals
/// @notice Anyone bonds "folding the order from there to batch n, step by step, gives these machines". Claims build on
/// each other, the first ones on the genesis machine. Whoever disagrees with one descends its tree of machines, 64 nodes
/// a move, to the first machine that it would not have said, and has LedgerArbiter take the step before it. A claim that
/// nobody refutes is final after its window, and accounts withdraw against it. docs/ledger-claims.md has the rules.
///
/// Safety:
/// - a claim is final only after its window, without open games, on the genesis machine or a final claim; a refuted one
///   stays refuted;
/// - an honest claim is refuted by no proof; it can lose by silence only, and anyone can answer for its claimant;
/// - no claim begins before one that is final, so nobody can claim something of batches whose bytes are long gone;
/// - a false claim on a true one cannot be defended: the descent ends in a step that LedgerArbiter contradicts;
/// - who built on a claim that fell has its bond back, unless a game refutes its own: nobody gains by losing on purpose;
/// - clocks only run down, each during its owner's turns; the evidence for a prize is announced in an earlier block;
/// - an account is paid what its leaf says that it withdrew, once; no more is paid than was deposited.
///
/// Liveness:
/// - a claim is final or refuted at most window + two clocks after it was made and its base is final or refuted;
/// - games over one claim run side by side and none delays any claim but that one and those that build on it;
/// - a withdrawal depends on no other account: a receiver that refuses ether stops its own only.
interface ILedgerClaims is ISeals {
    /// @notice What is fixed at deployment; times in seconds, ether in wei.
    struct Rules {
        uint64 window; // in which games may be opened
        uint64 clock; // that each side of a game has in all
        uint256 claimBond;
        uint256 challengeBond;
        uint16 prizeShareBps; // part of a refuted claim's bond that its challenger gets, in 1/10,000; the rest is burnt
    }

    /// @notice A claim; its id is keccak256(abi.encode(claim)). Its trace is the Merkle tree over the hashes of the
    /// machines from `start` (leaf 0) to `end` (leaf `steps`).
    struct Claim {
        address claimant;
        bytes32 base; // id of the claim whose end is `start`; 0: `start` is the genesis machine
        uint64 batch; // at which `end` stands; above the base's
        bytes32 batchCommitment; // the Inbox's
        uint32 steps; // 1 to 2^32 - 2
        bytes32 trace; // root of the tree
        bytes32 start; // hash of the first machine
        bytes32 end; // hash of the last machine
    }

    /// @notice What a claim has come to.
    enum State {
        None,
        Standing,
        Refuted,
        Final
    }

    /// @notice What is stored of a claim.
    struct Status {
        uint64 claimedAt; // slot 0
        uint64 batch; // slot 0
        uint32 games; // slot 0; open ones
        State state; // slot 0
        bytes32 end; // slot 1
    }

    /// @notice What the side to move has to do. A: claimant, C: challenger.
    enum Phase {
        None,
        Reveal, // A reveal
        Choose, // C choose
        Prove // C prove
    }

    /// @notice The state of a game; keccak256(abi.encode(position)) is stored.
    struct Position {
        bytes32 claim; // its id
        address claimant;
        address challenger;
        uint64 batch; // the claim's
        bytes32 trace; // the claim's
        uint32 leaves; // of the trace: steps + 1
        Phase phase;
        bytes32 node; // under descent; in Prove the hash of the disputed machine
        uint8 level; // of `node`; machines are level 0
        uint32 index; // of `node` in its level
    }

    /// @notice How a game ended.
    enum Outcome {
        Refuted, // the challenger proved the claim false
        ClaimantLate, // the claimant's clock ran out: the claim is refuted
        ChallengerLate, // the challenger's clock ran out: the claimant has its bond
        Void // the claim was refuted in another game: the challenger has its bond back
    }

    /// @notice A claim was made and stands.
    /// @param machine Preimage of its end.
    event Claimed(
        bytes32 indexed claimId, address indexed claimant, uint64 indexed batch, Claim claim, Machine machine
    );

    /// @notice A claim lost a game.
    event Refuted(bytes32 indexed claimId, address indexed challenger, uint256 prize);

    /// @notice A claim fell because the one that it builds on did; its bond went back.
    event Orphaned(bytes32 indexed claimId, bytes32 indexed base);

    /// @notice A claim became final.
    event Finalized(bytes32 indexed claimId, address indexed claimant, uint64 indexed batch, bytes32 end);

    /// @notice An account was paid.
    /// @param amount Wei.
    /// @param total Wei that it was paid so far.
    event Withdrawn(bytes32 indexed claimId, address indexed account, uint256 amount, uint256 total);

    /// @notice A game began.
    event Opened(
        bytes32 indexed game,
        bytes32 indexed claim,
        address indexed challenger,
        Position position,
        IGame.Clock clock
    );

    /// @notice The nodes below the disputed one were revealed.
    event Revealed(bytes32 indexed game, Position position, IGame.Clock clock, bytes32[] nodes);

    /// @notice The challenger chose what to go into.
    event Chosen(bytes32 indexed game, Position position, IGame.Clock clock);

    /// @notice A game ended.
    event Closed(bytes32 indexed game, bytes32 indexed claim, Outcome outcome);

    /// @notice The rules given to the constructor contradict themselves.
    error RulesImpossible();

    /// @notice Other wei than due were sent along.
    error WrongValue(uint256 sent, uint256 due);

    /// @notice The claim is somebody else's.
    error NotTheClaimant(address caller, address claimant);

    /// @notice The Inbox holds another batch under that number.
    error WrongBatch(uint64 number, bytes32 given, bytes32 held);

    /// @notice The base ends before a claim that is final: nobody needs to keep batches from before that, to judge what
    /// is claimed of them.
    error BaseBehind(uint64 base, uint64 finalBatch);

    /// @notice The claim's batch is not behind the one at which its base ends.
    error BatchNotAhead(uint64 batch, uint64 base);

    /// @notice The number of steps has no tree: it is 0 or above 2^32 - 2.
    error WrongSteps(uint32 steps);

    /// @notice The claim does not begin where its base ends.
    error WrongStart(bytes32 given, bytes32 needed);

    /// @notice The claim does not end in the machine given.
    error WrongEnd(bytes32 given, bytes32 needed);

    /// @notice The claim's last machine is at work, or stands at another batch.
    error EndNotIdle(uint8 phase, uint64 batch);

    /// @notice The claim is not in the state that this needs.
    error WrongState(bytes32 claimId, State state, State needed);

    /// @notice The window in which this is allowed is over.
    error TooLate(uint256 end);

    /// @notice This is allowed only later.
    error TooEarly(uint256 start);

    /// @notice Games over the claim are open.
    error StillContested(uint32 games);

    /// @notice The challenger used this salt for a game over this claim before.
    error GameExists(bytes32 game);

    /// @notice The position given is not the game's.
    error WrongPosition(bytes32 game, bytes32 given, bytes32 held);

    /// @notice The move does not belong to this phase.
    error WrongPhase(Phase phase);

    /// @notice Somebody else is to move.
    error NotYourTurn(address caller, address mover);

    /// @notice The mover's clock has run out.
    error ClockRanOut(uint64 end);

    /// @notice The mover still has time.
    error ClockStillRuns(uint64 end);

    /// @notice The index lies outside the subtree under descent, or is the first machine.
    error OutOfRange(uint256 index, uint256 end);

    /// @notice Nodes or a leaf do not hash to the root that they must belong to.
    error WrongProof(bytes32 computed, bytes32 root);

    /// @notice A number of nodes is not the one that the tree has.
    error WrongCount(uint256 given, uint256 needed);

    /// @notice The step gives the claimed machine.
    error NothingWrong();

    /// @notice No leaf of the account was given.
    error NoLeaf(address account);

    /// @notice The account was paid all that this claim says it withdrew.
    error NothingToWithdraw(address account, uint256 withdrawn, uint256 paid);

    // --- claims ---

    /// @notice Makes a claim; the caller is its claimant. Send `claimBond`.
    /// @param made The claim.
    /// @param end Preimage of its end: Idle at the claim's batch.
    /// @param startProof From leaf 0 to the trace.
    /// @param endProof From leaf `steps` to the trace.
    /// @return claimId Its id.
    function claim(
        Claim calldata made,
        Machine calldata end,
        bytes32[] calldata startProof,
        bytes32[] calldata endProof
    ) external payable returns (bytes32 claimId);

    /// @notice Makes a claim final; its bond goes back. Anyone may call.
    function finalize(Claim calldata made) external;

    /// @notice Ends a claim that builds on a refuted one, when no games over it are open; its bond goes back. Anyone may
    /// call.
    function refuteBase(Claim calldata made) external;

    // --- the game ---

    /// @notice Opens a game over a standing claim, in its window. Send `challengeBond`.
    /// @param salt Any number not used before by this challenger for this claim.
    /// @return game keccak256(abi.encode(claimId, challenger, salt)).
    function open(Claim calldata made, bytes32 salt) external payable returns (bytes32 game);

    /// @notice A: the nodes up to 6 levels below the disputed one, those that cover machines. There is one right answer,
    /// and anyone may give it for the claimant.
    function reveal(bytes32 game, Position calldata position, bytes32[] calldata nodes) external;

    /// @notice C: the first of the revealed nodes that it would not have said. The first machine of all cannot be chosen.
    /// @param index Of the node in its level.
    /// @param node The node.
    /// @param proof Its siblings up to the disputed node.
    function choose(
        bytes32 game,
        Position calldata position,
        uint32 index,
        bytes32 node,
        bytes32[] calldata proof
    ) external;

    /// @notice C: a step that does not lead to the chosen machine. The call is sealed.
    /// @param before The machine before it.
    /// @param proof From that machine's hash to the trace.
    /// @param witness What the step reads.
    function prove(
        bytes32 game,
        Position calldata position,
        Machine calldata before,
        bytes32[] calldata proof,
        Witness calldata witness
    ) external;

    /// @notice Ends a game whose mover's clock has run out, while the claim stands. Anyone may call.
    function timeout(bytes32 game, Position calldata position) external;

    /// @notice Ends a game over a claim that another game refuted; the challenger's bond returns. Anyone may call.
    function voidGame(bytes32 game, Position calldata position) external;

    // --- withdrawals ---

    /// @notice Pays an account what it withdrew on L2 and was not paid yet. Anyone may call.
    /// @param made A final claim.
    /// @param end Preimage of its end.
    /// @param account The account.
    /// @param leaf The account's leaf in the ledger that the claim ends with.
    /// @return amount Wei paid.
    function withdraw(Claim calldata made, Machine calldata end, address account, Leaf calldata leaf)
        external
        returns (uint256 amount);

    // --- views ---

    /// @notice What was fixed at deployment.
    function rules() external view returns (Rules memory);

    /// @notice Hash of the machine that the first claims start from.
    function genesis() external view returns (bytes32);

    /// @notice What a claim has come to.
    function status(bytes32 claimId) external view returns (Status memory);

    /// @notice Hash of a game's position; 0 before it is opened and after it ended.
    function positions(bytes32 game) external view returns (bytes32);

    /// @notice A game's clocks; the accountant's is the claimant's.
    function clocks(bytes32 game) external view returns (IGame.Clock memory);

    /// @notice Id of a game.
    function gameId(bytes32 claimId, address challenger, bytes32 salt) external pure returns (bytes32);

    /// @notice The highest batch at which a final claim ends; 0 before the first. No new claim's base ends before it.
    function finalBatch() external view returns (uint64);

    /// @notice Wei that an account was paid so far.
    function paid(address account) external view returns (uint256);
}
