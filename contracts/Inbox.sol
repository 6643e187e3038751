// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Rules are in seconds of L1 blocks; whoever proposes one can shift it by less than any of them.
// forge-lint: disable-start(block-timestamp)

import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import { Seals } from "contracts/Seals.sol";
import { IBonds } from "contracts/interfaces/IBonds.sol";
import { IInbox } from "contracts/interfaces/IInbox.sol";
import { BlobHashes } from "contracts/libraries/BlobHashes.sol";

/// @title The order of the rollup
contract Inbox is IInbox, Seals {
    /// @notice A queued record's greatest length: no transaction has a longer one.
    uint256 public constant MOST_RECORD_BYTES = 65_536;

    /// @notice Most bytes of a batch as calldata: a dispute has to show them, and a record beside them, in one
    /// transaction that L1 nodes relay.
    uint256 public constant MOST_CALLDATA_BYTES = 56_000;

    /// @dev Parts of a whole in which shares are given.
    uint256 private constant BPS = 10_000;

    uint8 private constant DEPOSIT = 1;

    /// @dev A versioned hash of EIP-4844 begins with it.
    bytes1 private constant BLOB_VERSION = 0x01;

    /// @dev A stamp: L1 block and time since the deployment, 32 bits each.
    uint256 private constant STAMP_BITS = 64;
    uint64 private constant STAMPS_A_SLOT = 4;

    IBonds private immutable BONDS;
    address private immutable CLAIMS;
    address private immutable LEDGER_CLAIMS;
    uint64 private immutable FIRST_BLOCK;
    uint64 private immutable FIRST_TIME;
    uint256 private immutable CHAIN_ID;
    address private immutable SEQUENCER;
    uint64 private immutable FORCE_DELAY;
    uint64 private immutable FORCE_TIMEOUT;
    uint256 private immutable FORCE_FEE;
    uint16 private immutable PRIZE_SHARE_BPS;

    /// @inheritdoc IInbox
    address public immutable blobReader;

    /// @inheritdoc IInbox
    mapping(uint64 number => bytes32) public commitments;

    /// @inheritdoc IInbox
    mapping(uint64 number => bytes32) public notices;

    mapping(uint64 word => uint256) private _stamps;

    mapping(uint64 index => Entry) private _queue;

    /// @inheritdoc IInbox
    uint64 public latest;

    /// @inheritdoc IInbox
    uint64 public consumed;

    /// @inheritdoc IInbox
    uint64 public queueLength;

    /// @inheritdoc IInbox
    uint64 public noticeCount;

    /// @inheritdoc IInbox
    uint256 public staked;

    modifier onlySequencer() {
        require(msg.sender == SEQUENCER, NotTheSequencer(msg.sender, SEQUENCER));
        _;
    }

    modifier only(address needed) {
        require(msg.sender == needed, WrongCaller(msg.sender, needed));
        _;
    }

    /// @notice The other contracts may be addresses at which they are deployed later.
    constructor(Rules memory fixed_, IBonds bonds, address claims, address ledgerClaims) {
        bool timely = fixed_.forceTimeout >= fixed_.forceDelay && fixed_.forceTimeout <= type(uint32).max;
        require(timely && fixed_.prizeShareBps <= BPS && fixed_.sequencer != address(0), RulesImpossible());
        BONDS = bonds;
        CLAIMS = claims;
        LEDGER_CLAIMS = ledgerClaims;
        FIRST_BLOCK = uint64(block.number);
        FIRST_TIME = uint64(block.timestamp);
        CHAIN_ID = fixed_.chainId;
        SEQUENCER = fixed_.sequencer;
        FORCE_DELAY = fixed_.forceDelay;
        FORCE_TIMEOUT = fixed_.forceTimeout;
        FORCE_FEE = fixed_.forceFee;
        PRIZE_SHARE_BPS = fixed_.prizeShareBps;
        blobReader = BlobHashes.deploy();
        commitments[0] = keccak256(abi.encode(fixed_.chainId));
    }

    // --- deposits and payments ---

    /// @inheritdoc IInbox
    function deposit(address to) external payable {
        require(msg.value != 0, NothingSent());
        emit Deposited(to, msg.value);
        _note(Notice(DEPOSIT, to, msg.value, bytes32(0), uint64(block.number)));
    }

    /// @inheritdoc IInbox
    function note(uint8 kind, address account, bytes32 transaction) external only(CLAIMS) {
        _note(Notice(kind, account, 0, transaction, uint64(block.number)));
    }

    /// @inheritdoc IInbox
    function pay(address to, uint256 amount) external only(LEDGER_CLAIMS) {
        uint256 held = address(this).balance;
        require(amount <= held, MoreThanHeld(amount, held));
        emit Paid(to, amount);
        (bool taken,) = to.call{ value: amount }("");
        require(taken, PaymentRefused(to, amount));
    }

    // --- batches ---

    /// @inheritdoc IInbox
    function post(bytes32 previous, bytes32 transactionsRoot, uint32 count, uint64 forcedEnd)
        external
        onlySequencer
        returns (bytes32)
    {
        bytes32[] memory blobs = BlobHashes.read(blobReader);
        require(blobs.length != 0, NoBlobs());
        bytes32 data = keccak256(abi.encodePacked(blobs));
        _requireNothingDueLeftOut(forcedEnd);
        return _append(previous, transactionsRoot, count, data, forcedEnd, blobs, "");
    }

    /// @inheritdoc IInbox
    function postCalldata(
        bytes32 previous,
        bytes32 transactionsRoot,
        uint32 count,
        uint64 forcedEnd,
        bytes calldata data
    ) external onlySequencer returns (bytes32) {
        require(data.length != 0, NoBytes());
        require(data.length <= MOST_CALLDATA_BYTES, TooManyBytes(data.length, MOST_CALLDATA_BYTES));
        require(data[0] != BLOB_VERSION, BeginsLikeBlobs());
        _requireNothingDueLeftOut(forcedEnd);
        bytes32[] memory noBlobs;
        return _append(previous, transactionsRoot, count, keccak256(data), forcedEnd, noBlobs, data);
    }

    // --- forced inclusion ---

    /// @inheritdoc IInbox
    function force(bytes calldata record) external payable returns (uint64 index) {
        require(msg.value == FORCE_FEE, WrongFee(msg.value, FORCE_FEE));
        bool fits = record.length != 0 && record.length <= MOST_RECORD_BYTES;
        require(fits, WrongRecordLength(record.length, MOST_RECORD_BYTES));
        index = queueLength;
        queueLength = index + 1;
        Entry memory queued = Entry(keccak256(record), uint64(block.timestamp));
        _queue[index] = queued;
        emit Forced(index, queued.digest, queued.time, record);
        if (FORCE_FEE != 0) {
            BONDS.lock{ value: FORCE_FEE }();
            BONDS.burn(FORCE_FEE);
        }
    }

    /// @inheritdoc IInbox
    function postForced() external returns (bytes32) {
        uint64 oldest = consumed;
        uint64 freeAt = _queue[oldest].time + FORCE_TIMEOUT;
        require(oldest < queueLength && block.timestamp >= freeAt, NothingOverdue(oldest, freeAt));
        bytes32[] memory noBlobs;
        return _append(commitments[latest], bytes32(0), 0, bytes32(0), queueLength, noBlobs, "");
    }

    // --- stake ---

    /// @inheritdoc IInbox
    function stake() external payable {
        require(msg.value != 0, NothingSent());
        staked += msg.value;
        emit Staked(msg.sender, msg.value, staked);
        BONDS.lock{ value: msg.value }();
    }

    /// @inheritdoc IInbox
    function slash(
        uint64 number,
        bytes32 hashA,
        bytes calldata signatureA,
        bytes32 hashB,
        bytes calldata signatureB
    ) external {
        _requireSealed(msg.sender, keccak256(msg.data));
        require(hashA != hashB, SameBlock(hashA));
        _requireConfirmed(number, hashA, signatureA);
        _requireConfirmed(number, hashB, signatureB);
        uint256 taken = staked;
        require(taken != 0, NothingStaked());
        staked = 0;
        uint256 prize = taken * PRIZE_SHARE_BPS / BPS;
        emit Slashed(number, msg.sender, hashA, hashB, prize, taken - prize);
        BONDS.credit(msg.sender, prize);
        BONDS.burn(taken - prize);
    }

    // --- views ---

    /// @inheritdoc IInbox
    function confirmation(uint64 number, bytes32 blockHash) public view returns (bytes32) {
        return
            keccak256(abi.encodePacked("ANH soft confirmation", CHAIN_ID, address(this), number, blockHash));
    }

    /// @inheritdoc IInbox
    function rules() external view returns (Rules memory) {
        return Rules(CHAIN_ID, SEQUENCER, FORCE_DELAY, FORCE_TIMEOUT, FORCE_FEE, PRIZE_SHARE_BPS);
    }

    /// @inheritdoc IInbox
    function posted(uint64 number) external view returns (uint64 blockNumber, uint64 time) {
        if (number == 0 || number > latest) return (0, 0);
        uint256 stamp = _stamps[number / STAMPS_A_SLOT] >> (number % STAMPS_A_SLOT * STAMP_BITS);
        // The lower bits are wanted: those above belong to the slot's other stamps.
        // forge-lint: disable-next-line(unsafe-typecast)
        return (FIRST_BLOCK + uint32(stamp >> 32), FIRST_TIME + uint32(stamp));
    }

    /// @inheritdoc IInbox
    function entry(uint64 index) external view returns (Entry memory) {
        return _queue[index];
    }

    // --- internal ---

    function _append(
        bytes32 previous,
        bytes32 transactionsRoot,
        uint32 count,
        bytes32 data,
        uint64 forcedEnd,
        bytes32[] memory blobs,
        bytes memory bytesOfBatch
    ) private returns (bytes32 commitment) {
        uint64 number = latest + 1;
        bytes32 last = commitments[number - 1];
        require(previous == last, WrongPrevious(previous, last));
        bool agree = (count == 0) == (transactionsRoot == bytes32(0));
        require(agree, RootAndCountDisagree(transactionsRoot, count));
        bool ordered = forcedEnd >= consumed && forcedEnd <= queueLength;
        require(ordered, WrongForcedEnd(forcedEnd, consumed, queueLength));
        Batch memory batch = Batch(number, previous, transactionsRoot, count, data, forcedEnd);
        commitment = keccak256(abi.encode(batch));
        commitments[number] = commitment;
        latest = number;
        consumed = forcedEnd;
        _stamp(number);
        emit Posted(number, commitment, batch, blobs, bytesOfBatch);
    }

    function _stamp(uint64 number) private {
        uint256 since = SafeCast.toUint32(block.timestamp - FIRST_TIME);
        uint256 stamp = uint256(SafeCast.toUint32(block.number - FIRST_BLOCK)) << 32 | since;
        _stamps[number / STAMPS_A_SLOT] |= stamp << (number % STAMPS_A_SLOT * STAMP_BITS);
    }

    function _note(Notice memory notice) private {
        uint64 number = noticeCount;
        noticeCount = number + 1;
        notices[number] = keccak256(abi.encode(notice));
        emit Noted(number, notice);
    }

    function _requireNothingDueLeftOut(uint64 forcedEnd) private view {
        if (forcedEnd >= queueLength) return;
        uint64 queuedAt = _queue[forcedEnd].time;
        uint64 dueAt = queuedAt + FORCE_DELAY;
        require(block.timestamp < dueAt, ForcedEntryLeftOut(forcedEnd, queuedAt, dueAt));
    }

    function _requireConfirmed(uint64 number, bytes32 blockHash, bytes calldata signature) private view {
        (address signer,,) = ECDSA.tryRecoverCalldata(confirmation(number, blockHash), signature);
        require(signer == SEQUENCER, NotSignedBySequencer(blockHash, signer));
    }
}
