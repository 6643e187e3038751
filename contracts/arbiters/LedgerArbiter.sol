// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IInbox } from "contracts/interfaces/IInbox.sol";
import { ILedgerArbiter } from "contracts/interfaces/ILedgerArbiter.sol";
import { ITransactionArbiter } from "contracts/interfaces/ITransactionArbiter.sol";
import { BatchReader } from "contracts/libraries/BatchReader.sol";
import { BlockHeaders } from "contracts/libraries/BlockHeaders.sol";
import { ByteCursors } from "contracts/libraries/ByteCursor.sol";
import { Drafts } from "contracts/libraries/Drafts.sol";
import { Fees } from "contracts/libraries/Fees.sol";
import { Frontier } from "contracts/libraries/Frontier.sol";
import { LedgerRules } from "contracts/libraries/LedgerRules.sol";
import { PackedRecords } from "contracts/libraries/PackedRecords.sol";
import { PayloadReader } from "contracts/libraries/PayloadReader.sol";
import { Draft } from "contracts/types/Draft.sol";
import { Machine } from "contracts/types/Machine.sol";
import { Transaction } from "contracts/types/Transaction.sol";
import { Witness } from "contracts/types/Witness.sol";

/// @title The judge of single steps of the ledger
contract LedgerArbiter is ILedgerArbiter {
    using BlockHeaders for BlockHeaders.Header;
    using PackedRecords for PackedRecords.Parts;
    using PayloadReader for PayloadReader.Opened;

    uint8 private constant IDLE = 0;
    uint8 private constant BLOCK = 1;
    uint8 private constant NOTICES = 2;
    uint8 private constant READ = 3;
    uint8 private constant GATHER = 4;
    uint8 private constant UNPACK = 5;
    uint8 private constant APPLY = 6;
    uint8 private constant SEAL = 7;

    /// @dev Seconds that a block's time may be ahead of the L1 block that takes its batch in.
    uint256 private constant MOST_CLOCK_SKEW = 900;

    /// @dev Above it the numbers of signatures (EIP-155) leave 64 bits, and no transaction is signed for the chain.
    uint256 private constant MOST_CHAIN_ID = (type(uint64).max - 36) / 2;

    IInbox private immutable INBOX;
    ITransactionArbiter private immutable TRANSACTIONS;
    uint256 private immutable CHAIN_ID;
    address private immutable FEE_RECIPIENT;

    /// @notice The Inbox has to be deployed already; the other one may be an address at which it is deployed later.
    constructor(IInbox inbox, ITransactionArbiter transactions) {
        IInbox.Rules memory fixed_ = inbox.rules();
        require(fixed_.chainId <= MOST_CHAIN_ID, ChainIdTooHigh(fixed_.chainId, MOST_CHAIN_ID));
        (INBOX, TRANSACTIONS) = (inbox, transactions);
        (CHAIN_ID, FEE_RECIPIENT) = (fixed_.chainId, fixed_.sequencer);
    }

    /// @inheritdoc ILedgerArbiter
    function step(Machine calldata before, uint64 last, Witness calldata witness)
        external
        view
        returns (Machine memory)
    {
        Machine memory machine = before;
        if (machine.phase == IDLE) return machine.batch == last ? machine : _enter(machine, witness);
        if (machine.phase == BLOCK) return _readBlock(machine, witness);
        if (machine.phase == NOTICES) return _takeNotice(machine, witness);
        if (machine.phase == READ) return _readTransaction(machine, witness);
        if (machine.phase == GATHER) return _gather(machine, witness);
        if (machine.phase == UNPACK) return _unpack(machine, witness);
        if (machine.phase == APPLY) return _apply(machine, witness);
        require(machine.phase == SEAL, NoSuchPhase(machine.phase));
        return _seal(machine, witness);
    }

    // --- one function a phase ---

    function _enter(Machine memory machine, Witness calldata witness) private view returns (Machine memory) {
        bytes32 commitment = _requireBatch(witness.batch, machine.batch + 1);
        if (witness.batch.data == 0) return _void(machine, witness.batch, commitment);
        PayloadReader.Opened memory payload = PayloadReader.open(witness.payload, witness.batch.data);
        (bool fits, uint256 end) = payload.size();
        BatchReader.Head memory head;
        if (fits) (fits, head) = BatchReader.head(payload, end);
        bool follows = head.version == BatchReader.VERSION && head.firstNumber == uint256(machine.height) + 1
            && head.parent == machine.head;
        if (!fits || !follows || head.blocks == 0 || head.own != witness.batch.count) {
            return _void(machine, witness.batch, commitment);
        }
        machine.checkpoint = _hash(machine);
        machine.phase = BLOCK;
        machine.batch = witness.batch.number;
        // A payload has less than 2^32 bytes: four say so, or the Inbox.
        // forge-lint: disable-next-line(unsafe-typecast)
        machine.payloadEnd = uint32(end);
        machine.blocksLeft = uint32(head.blocks);
        machine.recordsLeft = witness.batch.count;
        machine.bodiesAt = uint32(head.bodiesAt);
        machine.recordAt = machine.bodiesAt;
        machine.recordsEnd = uint32(head.bodiesEnd);
        machine.blockAt = machine.recordsEnd;
        machine.batchFrontier = Frontier.EMPTY;
        return machine;
    }

    function _readBlock(Machine memory machine, Witness calldata witness)
        private
        view
        returns (Machine memory)
    {
        bytes32 commitment = _requireBatch(witness.batch, machine.batch);
        Machine memory entered = _checkpoint(machine, witness);
        PayloadReader.Opened memory payload = PayloadReader.open(witness.payload, witness.batch.data);
        bool first = machine.height == entered.height;
        (bool fits, BatchReader.BlockHead memory head) = BatchReader.blockHead(payload, machine, first);
        if (!fits || !_isAllowed(head, machine, witness.batch)) {
            return _void(entered, witness.batch, commitment);
        }
        _begin(machine, uint64(head.time), uint64(head.origin), head.originHash);
        machine.blocksLeft -= 1;
        machine.blockAt = uint32(head.end);
        machine.ownLeft = uint32(head.own);
        machine.forcedLeft = uint64(head.forced);
        machine.room = 0;
        machine.blockCount = 0;
        return machine;
    }

    function _takeNotice(Machine memory machine, Witness calldata witness)
        private
        view
        returns (Machine memory)
    {
        bytes32 held = INBOX.notices(machine.notices);
        if (held != 0) {
            bytes32 given = keccak256(abi.encode(witness.notice));
            require(given == held, WrongNotice(machine.notices, given, held));
            if (witness.notice.blockNumber <= machine.origin) {
                machine.ledger = LedgerRules.fold(machine.ledger, witness.notice, witness.leaves);
                machine.notices += 1;
                return machine;
            }
        }
        return _next(machine);
    }

    function _readTransaction(Machine memory machine, Witness calldata witness)
        private
        view
        returns (Machine memory)
    {
        if (machine.forcedLeft == 0) return _readOwn(machine, witness);
        machine.pendingForced = true;
        bytes32 digest = INBOX.entry(machine.forced).digest;
        machine.forced += 1;
        machine.forcedLeft -= 1;
        return _await(machine, witness, digest);
    }

    function _gather(Machine memory machine, Witness calldata witness) private view returns (Machine memory) {
        _requireBatch(witness.batch, machine.batch);
        Draft memory draft = _drafted(machine, witness);
        PayloadReader.Opened memory payload = PayloadReader.open(witness.payload, witness.batch.data);
        return _readPart(machine, draft, payload);
    }

    function _unpack(Machine memory machine, Witness calldata witness) private view returns (Machine memory) {
        bytes32 commitment = _requireBatch(witness.batch, machine.batch);
        Draft memory draft = _drafted(machine, witness);
        bytes32 given = Drafts.chainOf(witness.packed);
        require(given == draft.parts, WrongPacked(given, draft.parts));
        (bool sound, PackedRecords.Parts memory parts) =
            PackedRecords.takeApart(ByteCursors.over(witness.packed));
        if (!sound) return _giveUp(machine, witness, commitment);
        uint256[] memory numbers = parts.places(draft.count, Drafts.MOST_NUMBERS);
        if (numbers.length == 0) {
            numbers = witness.numbers;
            given = Drafts.grow(0, numbers);
            require(given == draft.numbers, WrongNumbers(given, draft.numbers));
            return _takeOwn(machine, witness, commitment, parts, numbers);
        }
        PayloadReader.Opened memory payload = PayloadReader.open(witness.payload, witness.batch.data);
        (sound, numbers) = BatchReader.tableNumbers(payload, machine, witness.batch.count, numbers);
        if (!sound) return _giveUp(machine, witness, commitment);
        draft.numbers = Drafts.grow(draft.numbers, numbers);
        // At most five.
        // forge-lint: disable-next-line(unsafe-typecast)
        draft.count += uint32(numbers.length);
        machine.pending = Drafts.hash(draft);
        return machine;
    }

    function _apply(Machine memory machine, Witness calldata witness) private view returns (Machine memory) {
        bytes32 given = keccak256(witness.record);
        require(given == machine.pending, WrongRecord(given, machine.pending));
        (bool sound, Transaction memory transaction) = TRANSACTIONS.decode(witness.record, CHAIN_ID);
        if (sound) LedgerRules.apply_(machine, transaction, FEE_RECIPIENT, witness.leaves);
        (machine.pending, machine.pendingForced) = (0, false);
        return _next(machine);
    }

    function _seal(Machine memory machine, Witness calldata witness) private view returns (Machine memory) {
        bytes32 root = Frontier.root(machine.blockFrontier, machine.blockCount, witness.blockFrontier);
        machine.height += 1;
        machine.head = BlockHeaders.Header({
            parent: machine.head,
            transactionsRoot: root,
            number: machine.height,
            time: machine.time,
            origin: machine.origin,
            originHash: machine.originHash,
            baseFee: machine.baseFee
        }).hash();
        if (machine.isVoid) return _idle(machine);
        if (machine.blocksLeft != 0) {
            machine.phase = BLOCK;
            return machine;
        }
        bytes32 commitment = _requireBatch(witness.batch, machine.batch);
        if (_isComplete(machine, witness)) return _idle(machine);
        return _giveUp(machine, witness, commitment);
    }

    // --- parts of steps ---

    /// @dev Reads an own transaction, or of one that takes more than one step the first part.
    function _readOwn(Machine memory machine, Witness calldata witness)
        private
        view
        returns (Machine memory)
    {
        bytes32 commitment = _requireBatch(witness.batch, machine.batch);
        PayloadReader.Opened memory payload = PayloadReader.open(witness.payload, witness.batch.data);
        uint256 count = witness.batch.count;
        Draft memory draft;
        (bool sound, uint256 start, uint256 end) = BatchReader.nextRecord(payload, machine, count);
        if (!sound) return _giveUp(machine, witness, commitment);
        // Both are at most the payload's end.
        // forge-lint: disable-next-line(unsafe-typecast)
        (machine.recordAt, draft.end) = (uint32(start), uint32(end));
        if (end - start > Drafts.PART_BYTES) return _readPart(machine, draft, payload);
        PackedRecords.Parts memory parts;
        (sound, parts) = PackedRecords.takeApart(payload.read(start, end - start));
        if (!sound) return _giveUp(machine, witness, commitment);
        if (parts.named.length > Drafts.MOST_NUMBERS) return _readPart(machine, draft, payload);
        uint256[] memory numbers = parts.places(0, Drafts.MOST_NUMBERS);
        (sound, numbers) = BatchReader.tableNumbers(payload, machine, count, numbers);
        if (!sound) return _giveUp(machine, witness, commitment);
        machine.recordAt = draft.end;
        return _takeOwn(machine, witness, commitment, parts, numbers);
    }

    /// @dev Reads the next part of a packed record into its draft.
    function _readPart(Machine memory machine, Draft memory draft, PayloadReader.Opened memory payload)
        private
        pure
        returns (Machine memory)
    {
        uint256 start = machine.recordAt;
        uint256 length = draft.end - start;
        if (length > Drafts.PART_BYTES) length = Drafts.PART_BYTES;
        draft.parts = Drafts.grow(draft.parts, payload.read(start, length).part(length));
        // At most the draft's end.
        // forge-lint: disable-next-line(unsafe-typecast)
        machine.recordAt = uint32(start + length);
        machine.phase = machine.recordAt < draft.end ? GATHER : UNPACK;
        machine.pending = Drafts.hash(draft);
        return machine;
    }

    /// @dev An own transaction is there, unless the numbers do not fit it.
    function _takeOwn(
        Machine memory machine,
        Witness calldata witness,
        bytes32 commitment,
        PackedRecords.Parts memory parts,
        uint256[] memory numbers
    ) private view returns (Machine memory) {
        (bool sound, bytes memory record) = parts.join(numbers);
        if (!sound) return _giveUp(machine, witness, commitment);
        bytes32 digest = keccak256(record);
        uint256 place = witness.batch.count - machine.recordsLeft;
        machine.batchFrontier = Frontier.append(machine.batchFrontier, place, witness.batchFrontier, digest);
        machine.recordsLeft -= 1;
        machine.ownLeft -= 1;
        return _await(machine, witness, digest);
    }

    /// @dev A transaction was read, and waits to be applied.
    function _await(Machine memory machine, Witness calldata witness, bytes32 digest)
        private
        pure
        returns (Machine memory)
    {
        machine.blockFrontier =
            Frontier.append(machine.blockFrontier, machine.blockCount, witness.blockFrontier, digest);
        machine.blockCount += 1;
        machine.pending = digest;
        machine.phase = APPLY;
        return machine;
    }

    function _drafted(Machine memory machine, Witness calldata witness)
        private
        pure
        returns (Draft memory draft)
    {
        draft = witness.draft;
        bytes32 given = Drafts.hash(draft);
        require(given == machine.pending, WrongDraft(given, machine.pending));
    }

    /// @dev Whether a block's time and origin lie where they may, and its counts within what is left.
    function _isAllowed(
        BatchReader.BlockHead memory head,
        Machine memory machine,
        IInbox.Batch calldata batch
    ) private view returns (bool) {
        (uint64 postedBlock, uint64 postedTime) = INBOX.posted(batch.number);
        bool timely = head.time >= machine.time && head.time <= uint256(postedTime) + MOST_CLOCK_SKEW;
        bool rooted = head.origin >= machine.origin && head.origin < postedBlock;
        bool counted = head.own <= machine.recordsLeft && machine.forced + head.forced <= batch.forcedEnd;
        return timely && rooted && counted;
    }

    /// @dev Whether all of a batch was read, and its transactions are those of its header.
    function _isComplete(Machine memory machine, Witness calldata witness) private pure returns (bool) {
        bool ended = machine.recordAt == machine.recordsEnd && machine.blockAt == machine.payloadEnd;
        bool consumed = machine.recordsLeft == 0 && machine.forced == witness.batch.forcedEnd;
        if (!ended || !consumed) return false;
        bytes32 root = Frontier.root(machine.batchFrontier, witness.batch.count, witness.batchFrontier);
        return root == witness.batch.transactionsRoot;
    }

    /// @dev The batch that is being read does not count.
    function _giveUp(Machine memory machine, Witness calldata witness, bytes32 commitment)
        private
        view
        returns (Machine memory)
    {
        return _void(_checkpoint(machine, witness), witness.batch, commitment);
    }

    /// @dev What is left of a batch that does not count: as it was entered, but for the entries that it consumed.
    function _void(Machine memory entered, IInbox.Batch calldata batch, bytes32 commitment)
        private
        view
        returns (Machine memory)
    {
        uint64 entries = batch.forcedEnd - entered.forced;
        bytes32 checkpoint = _hash(entered);
        entered.batch = batch.number;
        if (entries == 0) return entered;
        (uint64 postedBlock, uint64 postedTime) = INBOX.posted(batch.number);
        _begin(entered, postedTime > entered.time ? postedTime : entered.time, postedBlock, commitment);
        entered.checkpoint = checkpoint;
        entered.isVoid = true;
        entered.forcedLeft = entries;
        entered.batchFrontier = Frontier.EMPTY;
        return entered;
    }

    /// @dev A block begins: its origin's notices come next.
    function _begin(Machine memory machine, uint64 time, uint64 origin, bytes32 originHash) private pure {
        machine.phase = NOTICES;
        (machine.time, machine.origin, machine.originHash) = (time, origin, originHash);
        machine.baseFee = Fees.nextBaseFee(machine.baseFee, machine.orderedGas);
        machine.orderedGas = 0;
        machine.blockFrontier = Frontier.EMPTY;
    }

    /// @dev The block's next transaction comes, or its end.
    function _next(Machine memory machine) private pure returns (Machine memory) {
        machine.phase = machine.ownLeft == 0 && machine.forcedLeft == 0 ? SEAL : READ;
        return machine;
    }

    /// @dev The machine between two batches.
    function _idle(Machine memory machine) private pure returns (Machine memory idle) {
        idle.ledger = machine.ledger;
        (idle.notices, idle.batch, idle.forced) = (machine.notices, machine.batch, machine.forced);
        (idle.height, idle.head, idle.time) = (machine.height, machine.head, machine.time);
        (idle.origin, idle.originHash) = (machine.origin, machine.originHash);
        (idle.baseFee, idle.orderedGas) = (machine.baseFee, machine.orderedGas);
    }

    function _requireBatch(IInbox.Batch calldata batch, uint64 number)
        private
        view
        returns (bytes32 commitment)
    {
        commitment = keccak256(abi.encode(batch));
        bytes32 held = INBOX.commitments(number);
        require(commitment == held, WrongBatch(number, commitment, held));
    }

    function _checkpoint(Machine memory machine, Witness calldata witness)
        private
        pure
        returns (Machine memory entered)
    {
        entered = witness.checkpoint;
        bytes32 given = _hash(entered);
        require(given == machine.checkpoint, WrongCheckpoint(given, machine.checkpoint));
    }

    function _hash(Machine memory machine) private pure returns (bytes32) {
        return keccak256(abi.encode(machine));
    }
}
