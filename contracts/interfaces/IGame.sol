// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IClaims } from "contracts/interfaces/IClaims.sol";
import { Opening } from "contracts/types/Opening.sol";
import { Kind } from "contracts/types/Record.sol";
import { ScoreNode } from "contracts/types/ScoreNode.sol";

/// @title The game between a claim's accountant and one challenger
/// @notice A strict descent from a claim's score to one element of one tensor, which TensorArbiter computes. Each side has
/// one chess clock; any number of games over one claim run side by side. The state of a game is passed with every move
/// and only its hash is stored: a move is bound to the exact position that its sender saw, also across a reorg of L1.
///
/// Safety:
/// - an honest accountant has a valid move whenever it is its turn: the challenger can choose nothing that does not exist;
/// - a false claim cannot be defended: every way down ends in an element that TensorArbiter contradicts, in a source that
///   the job contradicts, or in a reveal that the accountant cannot make;
/// - a game ends once, and its bond goes to one side: the accountant's if the challenger's clock ran out while the claim
///   stood, else back to the challenger;
/// - clocks only run down, each during its owner's turns.
///
/// Liveness:
/// - a game ends at most two clocks after its opening, by a call that anyone may make;
/// - a challenger whose claim was refuted elsewhere gets its bond back at once.
interface IGame {
    /// @notice What the side to move has to do. A: accountant, C: challenger.
    enum Phase {
        None,
        Scores, // A revealScores
        ChooseScore, // C chooseScore
        Trace, // A revealTrace
        ChooseValue, // C chooseNode, chooseValue
        TraceNodes, // A revealNodes
        Tensor, // A revealTensor, revealElements
        ChooseChunk, // C chooseNode
        TensorNodes, // A revealNodes
        Chunk, // A revealChunk
        Prove, // C prove, askSums
        Sums, // A revealSums
        ChooseBlock // C proveBlock
    }

    /// @notice The state of a game; keccak256(abi.encode(position)) is stored. Fields that a phase does not use yet are 0.
    struct Position {
        bytes32 claim; // id of the claim
        address accountant; // its claimant
        address challenger;
        uint8 property; // index among the job's
        Phase phase;
        uint32 sample; // from Trace on
        int64 score; // Scores, ChooseScore: sum below `node`; then the sample's score; from Sums on the disputed element
        bytes32 program; // root of the score program; after revealTrace the root of its record tree
        bytes32 traceRoot; // root of the accountant's trace, after revealTrace
        uint32 valueCount; // number of the program's values, after revealTrace
        bytes32 node; // subtree under descent: score tree, trace tree or chunk tree
        uint8 level; // of `node`; leaves are level 0
        uint32 index; // of `node` in its level
        uint32 leaves; // of the tree under descent: samples, values or chunks
        uint32 value; // chosen instruction, from Tensor on
        bytes32 tensor; // its tensor root in the accountant's trace
        bytes32 shape; // keccak256 of its shape (rank and dims, as hashed in tensor roots)
        uint32 elements; // its number of elements
        uint32 element; // disputed element, from Sums on
        bytes32 partials; // keccak256(abi.encode(int64[])) of the revealed partial sums, in ChooseBlock
    }

    /// @notice Preimage of a program root.
    struct ProgramHeader {
        uint32 valueCount;
        uint8 fieldCount;
        uint8 answerCount;
        uint32 parameterCount;
        bytes32 treeRoot; // root over the records' hashes
    }

    /// @notice The clocks of a game.
    struct Clock {
        uint64 accountant; // seconds that it has left, as of `since`
        uint64 challenger;
        uint64 since; // when the turn began
        Side turn;
    }

    /// @notice Whose turn it is.
    enum Side {
        None, // no such game
        Accountant,
        Challenger,
        Over
    }

    /// @notice How a game ended.
    enum Outcome {
        Refuted, // the challenger proved the claim false
        AccountantLate, // the accountant's clock ran out: the claim is refuted
        ChallengerLate, // the challenger's clock ran out: the accountant has its bond
        Void // the claim was refuted elsewhere: the challenger has its bond back
    }

    /// @notice A record of the score program with its place.
    struct RecordProof {
        bytes record;
        bytes32[] proof; // from the record's hash to the root of the record tree
    }

    /// @notice Tensors that an instruction reads, opened against the accountant's trace. Entry i belongs to input i; an
    /// input that the arbiter does not read for the element at hand has an empty opening and an empty proof.
    struct Inputs {
        Opening[] openings;
        bytes32[][] proofs; // from the tensor root to the trace root
    }

    /// @notice An element of a value's tensor, opened against the accountant's trace.
    struct Output {
        uint32 value;
        uint32 element;
        Opening opening;
        bytes32[] proof; // from the tensor root to the trace root
    }

    /// @notice A game began.
    event Opened(bytes32 indexed game, bytes32 indexed claim, address indexed challenger, Position position);

    /// @notice The challenger chose what to go into, or asked for partial sums.
    event Chosen(bytes32 indexed game, Position position);

    /// @notice The accountant revealed nodes of the score tree.
    event ScoresRevealed(bytes32 indexed game, Position position, ScoreNode[] nodes);

    /// @notice The accountant revealed nodes of the trace tree or of a tensor's chunk tree.
    event NodesRevealed(bytes32 indexed game, Position position, bytes32[] nodes);

    /// @notice The accountant revealed elements: all of a small tensor, or one chunk (`position.index`).
    event ElementsRevealed(bytes32 indexed game, Position position, bytes elements);

    /// @notice The accountant revealed partial sums.
    event SumsRevealed(bytes32 indexed game, Position position, int64[] partials);

    /// @notice A game ended.
    event Closed(bytes32 indexed game, bytes32 indexed claim, Outcome outcome);

    /// @notice Other wei than the challenger's bond were sent along.
    error WrongBond(uint256 sent, uint256 due);

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

    /// @notice The job given is not the one that the claim names.
    error WrongTerms(bytes32 given, bytes32 claimed);

    /// @notice The claim given is not the one that the game is about.
    error WrongClaim(bytes32 given, bytes32 held);

    /// @notice The job has no such property.
    error NoSuchProperty(uint8 property, uint256 count);

    /// @notice The index lies outside the tree, or outside the subtree under descent.
    error OutOfRange(uint256 index, uint256 end);

    /// @notice Nodes or a leaf do not hash to the root that they must belong to.
    error WrongProof(bytes32 computed, bytes32 root);

    /// @notice A number of nodes, elements or partial sums is not the one that the tree or the record asks for.
    error WrongCount(uint256 given, uint256 needed);

    /// @notice Padding behind the last element is not zero.
    error DirtyPadding();

    /// @notice The program header does not hash to the property's program.
    error WrongProgram(bytes32 given, bytes32 program);

    /// @notice The value is not of the kind that this move is about.
    error WrongKind(Kind kind);

    /// @notice The shape is not the record's.
    error WrongShape(bytes32 given, bytes32 needed);

    /// @notice The evidence shows the accountant right.
    error NothingWrong();

    /// @notice Partial sums do not make up the claimed element.
    error SumsDisagree(int256 computed, int256 claimed);

    /// @notice The claim stands: the game is not void.
    error ClaimStands(bytes32 claim);

    /// @notice The claim does not stand any more: close the game with `voidGame`.
    error ClaimDoesNotStand(bytes32 claim);

    /// @notice The rules given to the constructor contradict themselves.
    error RulesImpossible();

    // --- opening (challenger) ---

    /// @notice Opens a game over one sample's score. Send `challengeBond`.
    /// @param property Index among the job's properties.
    /// @param salt Any number not used before by this challenger for this claim.
    /// @param sample The sample.
    /// @param score Its score in the claim's score tree.
    /// @param proof Siblings from the bottom.
    /// @return game keccak256(abi.encode(claimId, challenger, salt)).
    function open(
        IClaims.Claim calldata claim,
        IClaims.Job calldata job,
        uint8 property,
        bytes32 salt,
        uint32 sample,
        int64 score,
        ScoreNode[] calldata proof
    ) external payable returns (bytes32 game);

    /// @notice Opens a game over a score tree that is not known or does not add up. Send `challengeBond`.
    /// @return game keccak256(abi.encode(claimId, challenger, salt)).
    function openScores(IClaims.Claim calldata claim, IClaims.Job calldata job, uint8 property, bytes32 salt)
        external
        payable
        returns (bytes32 game);

    // --- the way to a sample ---

    /// @notice A: nodes up to 5 levels below the current one, those that cover samples; they must hash and add up to it.
    function revealScores(bytes32 game, Position calldata position, ScoreNode[] calldata nodes) external;

    /// @notice C: one of the revealed nodes (`index` in its level), with its siblings up to the current node.
    function chooseScore(
        bytes32 game,
        Position calldata position,
        uint32 index,
        ScoreNode calldata child,
        ScoreNode[] calldata proof
    ) external;

    // --- the way to a value ---

    /// @notice A: the trace tree's nodes up to 6 levels below the root, those that cover values.
    /// @param header Preimage of the program's root.
    /// @param nodes They fix the trace root.
    /// @param proof From the last value's tensor, which holds the score, to the last of `nodes`.
    function revealTrace(
        bytes32 game,
        Position calldata position,
        ProgramHeader calldata header,
        bytes32[] calldata nodes,
        bytes32[] calldata proof
    ) external;

    /// @notice C: one of the revealed nodes of the trace tree (above its leaves) or of a chunk tree (any level).
    /// @param index Of the child in its level.
    /// @param child The node.
    /// @param proof Its siblings up to the current node.
    function chooseNode(
        bytes32 game,
        Position calldata position,
        uint32 index,
        bytes32 child,
        bytes32[] calldata proof
    ) external;

    /// @notice A: the nodes up to 6 levels below the current one, those that cover leaves.
    function revealNodes(bytes32 game, Position calldata position, bytes32[] calldata nodes) external;

    /// @notice C: a leaf of the trace tree, whose value is an instruction.
    /// @param index The value.
    /// @param tensor Its tensor root in the accountant's trace.
    /// @param proof Its siblings up to the current node.
    /// @param record Its record with proof.
    function chooseValue(
        bytes32 game,
        Position calldata position,
        uint32 index,
        bytes32 tensor,
        bytes32[] calldata proof,
        RecordProof calldata record
    ) external;

    // --- the way to an element ---

    /// @notice A: the chosen value's tensor, by the nodes up to 6 levels below its chunk tree's root. For tensors of more
    /// than 8 chunks.
    /// @param shape Rank and dims, as hashed.
    /// @param nodes Those that cover chunks.
    function revealTensor(
        bytes32 game,
        Position calldata position,
        bytes calldata shape,
        bytes32[] calldata nodes
    ) external;

    /// @notice A: the chosen value's tensor, by all its elements. For tensors of at most 8 chunks.
    /// @param shape Rank and dims, as hashed.
    /// @param elements 4 bytes each, without padding.
    function revealElements(
        bytes32 game,
        Position calldata position,
        bytes calldata shape,
        bytes calldata elements
    ) external;

    /// @notice A: the 128 bytes of the chosen chunk.
    function revealChunk(bytes32 game, Position calldata position, bytes calldata chunk) external;

    // --- the end (challenger; prove, proveBlock and proveSource are sealed) ---

    /// @notice C: an element that the instruction does not have. On any turn of the challenger after the trace is revealed.
    /// @param output The element in the accountant's trace.
    /// @param record The value's record.
    /// @param inputs What the arbiter reads to compute it.
    function prove(
        bytes32 game,
        Position calldata position,
        Output calldata output,
        RecordProof calldata record,
        Inputs calldata inputs
    ) external;

    /// @notice C: asks for the partial sums of an element of an instruction that is a sum. On any turn of the challenger
    /// after the trace is revealed.
    function askSums(
        bytes32 game,
        Position calldata position,
        Output calldata output,
        RecordProof calldata record
    ) external;

    /// @notice A: the exact partial sums of the disputed element.
    /// @param record The value's record.
    /// @param partials One per block.
    /// @param inputs Bias and shifts, where the instruction has them.
    function revealSums(
        bytes32 game,
        Position calldata position,
        RecordProof calldata record,
        int64[] calldata partials,
        Inputs calldata inputs
    ) external;

    /// @notice C: a block whose partial sum is another one.
    function proveBlock(
        bytes32 game,
        Position calldata position,
        RecordProof calldata record,
        int64[] calldata partials,
        uint32 block_,
        Inputs calldata inputs
    ) external;

    /// @notice C: a field, answer, parameter or constant whose tensor in the accountant's trace is not the one that the
    /// job, the claim or the program commits to. On any turn of the challenger after the trace is revealed.
    /// @param value The source value.
    /// @param tensor Its tensor root in the accountant's trace.
    /// @param proof From it to the trace root.
    /// @param record Its record.
    /// @param path The way to the tensor in the model or data set (shape and chunks empty); all empty for a constant.
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
    ) external;

    // --- closing (anyone) ---

    /// @notice Ends a game whose mover's clock has run out, while the claim stands.
    function timeout(bytes32 game, Position calldata position) external;

    /// @notice Ends a game over a claim that was refuted elsewhere; the challenger's bond returns.
    function voidGame(bytes32 game, Position calldata position) external;

    // --- views ---

    /// @notice Hash of a game's position; 0 before it is opened and after it ended.
    function positions(bytes32 game) external view returns (bytes32);

    /// @notice A game's clocks.
    function clocks(bytes32 game) external view returns (Clock memory);

    /// @notice Id of a game.
    function gameId(bytes32 claimId, address challenger, bytes32 salt) external pure returns (bytes32);

    /// @notice Wei that a challenger bonds.
    function challengeBond() external view returns (uint256);

    /// @notice Seconds that each side has in all.
    function clock() external view returns (uint64);
}
