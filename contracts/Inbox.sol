// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Rules are in seconds of L1 blocks; whoever proposes one can shift it by less than any of them.
// forge-lint: disable-start(block-timestamp)

import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { Seals } from "contracts/Seals.sol";
import { IBonds } from "contracts/interfaces/IBonds.sol";
import { IInbox } from "contracts/interfaces/IInbox.sol";
import { BlobHashes } from "contracts/libraries/BlobHashes.sol";

/// @title The order of the rollup
contract Inbox is IInbox, Seals {
    /// @notice A queued record's greatest length: what L1 nodes relay in one transaction.
    uint256 public constant MOST_RECORD_BYTES = 120_000;

    /// @dev Parts of a whole in which shares are given.
    uint256 private constant BPS = 10_000;

    IBonds private immutable BONDS;
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

    mapping(uint64 index => Entry) private _queue;

    /// @inheritdoc IInbox
    uint64 public latest;

    /// @inheritdoc IInbox
    uint64 public consumed;

    /// @inheritdoc IInbox
    uint64 public queueLength;

    /// @inheritdoc IInbox
    uint256 public staked;

    modifier onlySequencer() {
        require(msg.sender == SEQUENCER, NotTheSequencer(msg.sender, SEQUENCER));
        _;
    }

    /// @notice The vault may be an address at which it is deployed later.
    constructor(Rules memory fixed_, IBonds bonds) {
        bool timely = fixed_.forceTimeout >= fixed_.forceDelay && fixed_.forceTimeout <= type(uint32).max;
        require(timely && fixed_.prizeShareBps <= BPS && fixed_.sequencer != address(0), RulesImpossible());
        BONDS = bonds;
        CHAIN_ID = fixed_.chainId;
        SEQUENCER = fixed_.sequencer;
        FORCE_DELAY = fixed_.forceDelay;
        FORCE_TIMEOUT = fixed_.forceTimeout;
        FORCE_FEE = fixed_.forceFee;
        PRIZE_SHARE_BPS = fixed_.prizeShareBps;
        blobReader = BlobHashes.deploy();
        commitments[0] = keccak256(abi.encode(fixed_.chainId));
    }

    // --- deposits ---

    /// @inheritdoc IInbox
    function deposit(address to) external payable {
        require(msg.value != 0, NothingSent());
        emit Deposited(to, msg.value);
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
        emit Posted(number, commitment, batch, blobs, bytesOfBatch);
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
