// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ISeals } from "contracts/interfaces/ISeals.sol";

/// @title The order of the rollup
/// @notice Records batches of L2 blocks by hash, takes deposits, logs what L1 tells the ledger, queues transactions that
/// the sequencer may not leave out, and keeps the sequencer's stake. It knows nothing about what transactions do.
///
/// Safety:
/// - batch numbers rise by one and a commitment, once written, never changes: the order is append-only;
/// - a batch names the commitment of the one before it, so that a post that is sent twice, or that lands on another
///   history after a reorg, reverts;
/// - a post that leaves out a due entry of the queue reverts; entries are consumed in order and once;
/// - a notice, once written, never changes: what L1 tells the ledger is append-only, too;
/// - deposits stay here until LedgerClaims pays them out; deposits = held + paid, at all times;
/// - stake lies in Bonds; two signatures for one height are the only way to lose it.
///
/// Liveness:
/// - after `forceTimeout` anyone can put the queue into the order, whatever the sequencer does.
interface IInbox is ISeals {
    /// @notice What is fixed at deployment.
    struct Rules {
        uint256 chainId; // the L2's
        address sequencer; // who may post, and whose signatures are soft confirmations
        uint64 forceDelay; // seconds after which a post must consume an entry of the queue
        uint64 forceTimeout; // seconds after which anyone may consume it; at least forceDelay
        uint256 forceFee; // wei, burnt, for one entry
        uint16 prizeShareBps; // part of a slashed stake that the reporter gets, in 1/10,000; the rest is burnt
    }

    /// @notice A batch; its commitment is keccak256(abi.encode(batch)).
    struct Batch {
        uint64 number; // from 1
        bytes32 previous; // commitment of the batch before
        bytes32 transactionsRoot; // Merkle root over keccak256(record) of its own transactions; 0 where count is 0
        uint32 count; // its own transactions
        bytes32 data; // keccak256 of the concatenated blob versioned hashes, or of the bytes; 0 for a forced batch
        uint64 forcedEnd; // entries of the queue consumed by this and all earlier batches
    }

    /// @notice An entry of the queue.
    struct Entry {
        bytes32 digest; // keccak256 of the record
        uint64 time; // when it was queued
    }

    /// @notice What L1 tells the ledger; the hash kept of it is keccak256(abi.encode(notice)).
    struct Notice {
        uint8 kind; // 1 deposit, 2 payout of a job's reward, 3 lapse of a job
        address account; // who gets the deposit or the reward; 0 for a lapse
        uint256 amount; // wei deposited; 0 otherwise
        bytes32 transaction; // keccak256 of the job's record; 0 for a deposit
        uint64 blockNumber; // L1 block of the notice
    }

    /// @notice L1 tells the ledger something.
    event Noted(uint64 indexed number, Notice notice);

    /// @notice Ether was paid out to who withdrew it from the L2.
    event Paid(address indexed to, uint256 amount);

    /// @notice Ether was deposited for an L2 account.
    event Deposited(address indexed to, uint256 amount);

    /// @notice A batch was appended.
    /// @param number Its number.
    /// @param commitment keccak256(abi.encode(batch)).
    /// @param batch The batch.
    /// @param blobs Versioned hashes of the transaction's blobs; empty where the bytes came as calldata or not at all.
    /// @param data The bytes, where they came as calldata; empty otherwise.
    event Posted(uint64 indexed number, bytes32 commitment, Batch batch, bytes32[] blobs, bytes data);

    /// @notice A transaction was queued.
    /// @param index Its place in the queue, from 0.
    /// @param digest keccak256 of the record.
    /// @param time When.
    /// @param record The transaction's record.
    event Forced(uint64 indexed index, bytes32 indexed digest, uint64 time, bytes record);

    /// @notice The sequencer's stake grew.
    event Staked(address indexed from, uint256 amount, uint256 stake);

    /// @notice The sequencer lost its stake: it signed two blocks of one height.
    event Slashed(
        uint64 indexed number,
        address indexed reporter,
        bytes32 hashA,
        bytes32 hashB,
        uint256 prize,
        uint256 burnt
    );

    /// @notice The rules given to the constructor contradict themselves.
    error RulesImpossible();

    /// @notice Nothing was sent along.
    error NothingSent();

    /// @notice Other wei than the due fee were sent along.
    error WrongFee(uint256 sent, uint256 due);

    /// @notice Only the sequencer may do this.
    error NotTheSequencer(address caller, address sequencer);

    /// @notice Only one other contract may do this.
    error WrongCaller(address caller, address needed);

    /// @notice More would be paid out than is held.
    error MoreThanHeld(uint256 asked, uint256 held);

    /// @notice The receiver of a payment refused the ether.
    error PaymentRefused(address to, uint256 amount);

    /// @notice The batch does not continue the latest one.
    error WrongPrevious(bytes32 given, bytes32 latest);

    /// @notice A root stands without transactions, or transactions without a root.
    error RootAndCountDisagree(bytes32 transactionsRoot, uint32 count);

    /// @notice `forcedEnd` is below what is already consumed, or above the queue's length.
    error WrongForcedEnd(uint64 given, uint64 consumed, uint64 length);

    /// @notice An entry that is due would be left out.
    error ForcedEntryLeftOut(uint64 index, uint64 queuedAt, uint64 dueAt);

    /// @notice The queue's oldest entry is not yet free for everybody, or there is none.
    error NothingOverdue(uint64 index, uint64 freeAt);

    /// @notice The transaction carries no blobs.
    error NoBlobs();

    /// @notice A batch without bytes was posted as calldata.
    error NoBytes();

    /// @notice A batch was posted as calldata with more bytes than a dispute could show.
    error TooManyBytes(uint256 given, uint256 most);

    /// @notice Bytes begin as a blob's versioned hash does, so that their hash could pass for one of blobs.
    error BeginsLikeBlobs();

    /// @notice A record is empty or longer than `MOST_RECORD_BYTES`.
    error WrongRecordLength(uint256 length, uint256 most);

    /// @notice The two hashes are one.
    error SameBlock(bytes32 blockHash);

    /// @notice A signature is not the sequencer's.
    error NotSignedBySequencer(bytes32 blockHash, address signer);

    /// @notice There is no stake left.
    error NothingStaked();

    /// @notice Deposits ether for an L2 account; the L2's ledger clears it.
    /// @param to The account on L2.
    function deposit(address to) external payable;

    /// @notice Tells the ledger something about a job. Only for Claims.
    /// @param kind See `Notice`.
    /// @param account See `Notice`.
    /// @param transaction See `Notice`.
    function note(uint8 kind, address account, bytes32 transaction) external;

    /// @notice Pays deposits out. Only for LedgerClaims, which knows who withdrew them.
    /// @param to The receiver; reverts where it refuses.
    /// @param amount Wei.
    function pay(address to, uint256 amount) external;

    /// @notice Appends a batch whose bytes are the blobs of this transaction. Only for the sequencer.
    /// @param previous Commitment of the latest batch.
    /// @param transactionsRoot See `Batch`.
    /// @param count See `Batch`.
    /// @param forcedEnd See `Batch`.
    /// @return commitment The new commitment.
    function post(bytes32 previous, bytes32 transactionsRoot, uint32 count, uint64 forcedEnd)
        external
        returns (bytes32 commitment);

    /// @notice Appends a batch whose bytes are given here. Only for the sequencer.
    /// @param previous Commitment of the latest batch.
    /// @param transactionsRoot See `Batch`.
    /// @param count See `Batch`.
    /// @param forcedEnd See `Batch`.
    /// @param data The batch's bytes, 1 to 56,000; the first is not 0x01.
    /// @return commitment The new commitment.
    function postCalldata(
        bytes32 previous,
        bytes32 transactionsRoot,
        uint32 count,
        uint64 forcedEnd,
        bytes calldata data
    ) external returns (bytes32 commitment);

    /// @notice Queues a signed transaction that batches have to take in.
    /// @param record The transaction's record.
    /// @return index Its place in the queue.
    function force(bytes calldata record) external payable returns (uint64 index);

    /// @notice Appends a batch without bytes that consumes the whole queue, where its oldest entry waited for
    /// `forceTimeout`.
    /// @return commitment The new commitment.
    function postForced() external returns (bytes32 commitment);

    /// @notice Adds to the sequencer's stake.
    function stake() external payable;

    /// @notice Takes the sequencer's stake, by its signatures over two blocks of one height. The call is sealed.
    /// @param number The height.
    /// @param hashA One block hash.
    /// @param signatureA Its signature (65 bytes: r, s, v) over `confirmation(number, hashA)`.
    /// @param hashB Another block hash.
    /// @param signatureB Its signature.
    function slash(
        uint64 number,
        bytes32 hashA,
        bytes calldata signatureA,
        bytes32 hashB,
        bytes calldata signatureB
    ) external;

    /// @notice What the sequencer signs to confirm a block: keccak256(abi.encodePacked("ANH soft confirmation",
    /// chain id, this contract, number, block hash)).
    function confirmation(uint64 number, bytes32 blockHash) external view returns (bytes32);

    /// @notice What was fixed at deployment.
    function rules() external view returns (Rules memory);

    /// @notice The commitment of a batch, 0 where there is none; that of batch 0 is keccak256(abi.encode(chainId)).
    function commitments(uint64 number) external view returns (bytes32);

    /// @notice L1 block and time in which a batch was appended; zeros where there is none.
    function posted(uint64 number) external view returns (uint64 blockNumber, uint64 time);

    /// @notice keccak256(abi.encode(notice)) of what L1 told the ledger under a number, from 0; 0 where there is nothing.
    function notices(uint64 number) external view returns (bytes32);

    /// @notice How much L1 told the ledger so far.
    function noticeCount() external view returns (uint64);

    /// @notice Number of the latest batch.
    function latest() external view returns (uint64);

    /// @notice Entries of the queue that batches have consumed.
    function consumed() external view returns (uint64);

    /// @notice Entries that were ever queued.
    function queueLength() external view returns (uint64);

    /// @notice An entry of the queue; zeros where there is none.
    function entry(uint64 index) external view returns (Entry memory);

    /// @notice Wei that the sequencer has at stake.
    function staked() external view returns (uint256);

    /// @notice A contract that answers any call with the versioned hashes of the transaction's blobs, one after the
    /// other; calls to it fail on a chain without blobs.
    function blobReader() external view returns (address);
}
