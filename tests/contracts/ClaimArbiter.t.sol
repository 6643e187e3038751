// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Short literals and small numbers: nothing is cut off.
// forge-lint: disable-start(unsafe-typecast)

import { LibZip } from "solady/utils/LibZip.sol";
import { IClaimArbiter } from "contracts/interfaces/IClaimArbiter.sol";
import { IClaims } from "contracts/interfaces/IClaims.sol";
import { IGame } from "contracts/interfaces/IGame.sol";
import { IInbox } from "contracts/interfaces/IInbox.sol";
import { ISeals } from "contracts/interfaces/ISeals.sol";
import { TransactionRecords } from "contracts/libraries/TransactionRecords.sol";
import { Opening } from "contracts/types/Opening.sol";
import { Arena } from "tests/contracts/handlers/Arena.sol";
import { SmallJob } from "tests/contracts/handlers/SmallJob.sol";
import { Trees } from "tests/contracts/handlers/Trees.sol";

contract ClaimArbiterTest is Arena {
    IClaims.Claim internal claim;
    IClaims.Job internal job;

    function setUp() public {
        _deploy();
        _store(claim, _claim(alice, _honest()));
        _store(job, _job());
    }

    function _refuted(bytes memory call) private {
        bytes32 id = _stand(claim);
        _sealed(carol, address(claimArbiter), call);
        assertTrue(_state(id) == IClaims.State.Refuted);
        assertEq(bonds.credits(carol), PRIZE);
    }

    function _stands(bytes memory call) private {
        bytes32 id = _id(claim);
        if (_state(id) == IClaims.State.None) _stand(claim);
        vm.expectRevert(IClaimArbiter.NothingWrong.selector);
        this.sealedExternally(call);
    }

    function sealedExternally(bytes calldata call) external {
        _sealed(carol, address(claimArbiter), call);
    }

    // --- the order ---

    function test_AnIndexBehindTheBatchIsRefuted() public {
        claim.index = 2;
        _refuted(abi.encodeCall(IClaimArbiter.refuteIndex, (claim, batch, batch)));
    }

    /// @dev The queue's entries 0, 1 and 2; the first batch that takes some has one, the next has the others.
    function _forced() private returns (IInbox.Batch memory first, IInbox.Batch memory second) {
        bytes[3] memory records = [bytes("a"), orderRecord, "b"];
        for (uint256 i; i < 3; ++i) {
            inbox.force{ value: FORCE_FEE }(records[i]);
        }
        vm.startPrank(sequencer);
        first = IInbox.Batch(2, inbox.commitments(1), keccak256("own"), 1, keccak256("x"), 1);
        inbox.postCalldata(first.previous, first.transactionsRoot, 1, 1, "x");
        second = IInbox.Batch(3, inbox.commitments(2), keccak256("own"), 1, keccak256("y"), 3);
        inbox.postCalldata(second.previous, second.transactionsRoot, 1, 3, "y");
        vm.stopPrank();
    }

    function _claimForced(uint32 index) private returns (bytes memory refutation) {
        (IInbox.Batch memory first, IInbox.Batch memory second) = _forced();
        (claim.batch, claim.batchCommitment, claim.index) = (3, inbox.commitments(3), index);
        return abi.encodeCall(IClaimArbiter.refuteIndex, (claim, second, first));
    }

    function test_AForcedOrderStandsBehindTheBatchsOwn() public {
        _stands(_claimForced(1));
    }

    function test_AnotherForcedTransactionAtThePlaceIsRefuted() public {
        _refuted(_claimForced(2));
    }

    function test_AnIndexBehindTheForcedIsRefuted() public {
        _refuted(_claimForced(3));
    }

    function test_TheBatchBeforeMustBeTheOneBefore() public {
        _claimForced(2);
        _stand(claim);
        IInbox.Batch memory second =
            IInbox.Batch(3, inbox.commitments(2), keccak256("own"), 1, keccak256("y"), 3);
        vm.expectPartialRevert(IClaimArbiter.WrongPreimage.selector);
        this.sealedExternally(abi.encodeCall(IClaimArbiter.refuteIndex, (claim, second, batch)));
    }

    function test_AnotherTransactionAtThePlaceIsRefuted() public {
        claim.index = 0;
        _refuted(
            abi.encodeCall(
                IClaimArbiter.refutePlace, (claim, batch, keccak256("some other record"), _proof(0))
            )
        );
    }

    function test_ARecordThatIsNoOrderIsRefuted() public {
        claim.index = 0;
        claim.transaction = keccak256("some other record");
        _refuted(abi.encodeCall(IClaimArbiter.refuteRecord, (claim, "some other record")));
    }

    function test_AnOrderOfAnotherJobIsRefuted() public {
        job.uri = "another";
        claim.terms = keccak256(abi.encode(job));
        _commit(claim, "salt");
        _nextBlock();
        vm.prank(alice);
        claims.reveal(claim, job, "salt");
        _sealed(
            carol, address(claimArbiter), abi.encodeCall(IClaimArbiter.refuteRecord, (claim, orderRecord))
        );
        assertTrue(_state(_id(claim)) == IClaims.State.Refuted);
    }

    function test_AnHonestPlaceCanNotBeRefuted() public {
        _stands(abi.encodeCall(IClaimArbiter.refuteIndex, (claim, batch, batch)));
        _stands(abi.encodeCall(IClaimArbiter.refutePlace, (claim, batch, keccak256(orderRecord), _proof(1))));
        _stands(abi.encodeCall(IClaimArbiter.refuteRecord, (claim, orderRecord)));
    }

    function test_OtherPreimagesAreRefused() public {
        _stand(claim);
        IInbox.Batch memory other = batch;
        other.count = 1;
        vm.expectPartialRevert(IClaimArbiter.WrongPreimage.selector);
        this.sealedExternally(abi.encodeCall(IClaimArbiter.refuteIndex, (claim, other, batch)));
        vm.expectPartialRevert(IClaimArbiter.WrongPreimage.selector);
        this.sealedExternally(abi.encodeCall(IClaimArbiter.refuteRecord, (claim, "other")));
        vm.expectPartialRevert(IClaimArbiter.WrongProof.selector);
        this.sealedExternally(
            abi.encodeCall(IClaimArbiter.refutePlace, (claim, batch, bytes32("leaf"), _proof(1)))
        );
    }

    function test_AnUnsealedRefutationReverts() public {
        claim.index = 2;
        _stand(claim);
        vm.expectPartialRevert(ISeals.NotSealed.selector);
        claimArbiter.refuteIndex(claim, batch, batch);
    }

    function _proof(uint256 index) private view returns (bytes32[] memory) {
        bytes32[] memory leaves = new bytes32[](2);
        (leaves[0], leaves[1]) = (keccak256("some other record"), keccak256(orderRecord));
        return Trees.leafProof(leaves, index);
    }

    // --- records ---

    function isOrder(bytes calldata record, bytes32 terms) external pure returns (bool) {
        return TransactionRecords.isOrder(record, terms);
    }

    function test_EveryOrderIsReadAsOne() public view {
        bytes32 terms = keccak256(abi.encode(job));
        assertTrue(this.isOrder(orderRecord, terms));
        assertFalse(this.isOrder(orderRecord, bytes32("other")));
        bytes memory data = bytes.concat(TransactionRecords.ORDER, abi.encode(job));
        bytes memory legacy =
            abi.encodePacked(uint8(8), bytes32("r"), bytes32("s"), address(0xA4e), hex"00000000");
        assertTrue(this.isOrder(bytes.concat(legacy, LibZip.cdCompress(data)), terms));
        bytes memory listed =
            abi.encodePacked(uint8(0x19), bytes32("r"), bytes32("s"), address(0xA4e), hex"00000000");
        bytes memory list = hex"000003c0c0c0";
        assertTrue(this.isOrder(bytes.concat(listed, list, LibZip.cdCompress(data)), terms));
    }

    function testFuzz_NoRecordMakesTheReaderRevert(bytes calldata record) public view {
        this.isOrder(record, bytes32(0));
    }

    function testFuzz_NoDamagedOrderMakesTheReaderRevert(uint256 place, uint8 byte_, uint256 end)
        public
        view
    {
        bytes memory record = orderRecord;
        record[bound(place, 0, record.length - 1)] = bytes1(byte_);
        uint256 length = bound(end, 0, record.length);
        assembly ("memory-safe") {
            mstore(record, length)
        }
        this.isOrder(record, keccak256(abi.encode(job)));
    }

    function test_ARecordThatUnpacksToMegabytesIsNoOrder() public view {
        bytes memory bomb =
            abi.encodePacked(uint8(8), bytes32("r"), bytes32("s"), address(0xA4e), hex"00000000");
        bytes memory runs = new bytes(100_000);
        for (uint256 i = 1; i < runs.length; i += 2) {
            runs[i] = 0x7f;
        }
        assertFalse(this.isOrder(bytes.concat(bomb, runs), bytes32(0)));
    }

    // --- the numbers ---

    function test_AMissedThresholdIsRefuted() public {
        job.properties[0].threshold = claim.scores[0].sum + 1;
        claim.terms = keccak256(abi.encode(job));
        _commit(claim, "salt");
        _nextBlock();
        vm.prank(alice);
        claims.reveal(claim, job, "salt");
        _sealed(carol, address(claimArbiter), abi.encodeCall(IClaimArbiter.refuteThreshold, (claim, job, 0)));
        assertTrue(_state(_id(claim)) == IClaims.State.Refuted);
    }

    function test_AReachedThresholdStands() public {
        _stands(abi.encodeCall(IClaimArbiter.refuteThreshold, (claim, job, 0)));
        vm.expectRevert(abi.encodeWithSelector(IClaimArbiter.NoSuchProperty.selector, 1, 1));
        this.sealedExternally(abi.encodeCall(IClaimArbiter.refuteThreshold, (claim, job, 1)));
    }

    function test_AnotherCountThanTheDataSetsIsRefuted() public {
        claim.scores[0].count = 4;
        bytes32 tree = Trees.root(SmallJob.sampleLeaves());
        _refuted(abi.encodeCall(IClaimArbiter.refuteCount, (claim, job, 0, 3, tree)));
    }

    function test_TheRightCountStands() public {
        bytes32 tree = Trees.root(SmallJob.sampleLeaves());
        _stands(abi.encodeCall(IClaimArbiter.refuteCount, (claim, job, 0, 3, tree)));
    }

    // --- the result ---

    function test_AModelWithTooManyTensorsIsRefuted() public {
        IClaims.TensorPath memory path;
        (path.count, path.treeRoot) = (2, bytes32("tree"));
        claim.result = keccak256(abi.encodePacked(hex"02", uint32(2), bytes32("tree")));
        _refuted(abi.encodeCall(IClaimArbiter.refuteResult, (claim, job, 0, SmallJob.header(), 0, path)));
    }

    function test_AModelOfAnotherShapeIsRefuted() public {
        IClaims.TensorPath memory path = _modelOf(hex"0100000500", hex"0100000001", new int32[](1));
        _refuted(abi.encodeCall(IClaimArbiter.refuteShape, (claim, job, 0, _source(1), 0, path)));
    }

    function test_AnElementOutsideTheDeclaredRangeIsRefuted() public {
        int32[] memory model = SmallJob.model();
        model[100] = 128;
        IClaims.TensorPath memory path = _modelOf("", SmallJob.shapeOf(1), model);
        Opening memory opening = Trees.openChunk(model, 3);
        _refuted(
            abi.encodeCall(IClaimArbiter.refuteRange, (claim, job, 0, _source(1), 0, path, 100, opening))
        );
    }

    function test_AnHonestResultStands() public {
        IClaims.TensorPath memory path = SmallJob.modelPath();
        _stands(abi.encodeCall(IClaimArbiter.refuteResult, (claim, job, 0, SmallJob.header(), 0, path)));
        _stands(abi.encodeCall(IClaimArbiter.refuteShape, (claim, job, 0, _source(1), 0, path)));
        Opening memory opening = Trees.openChunk(SmallJob.model(), 3);
        _stands(abi.encodeCall(IClaimArbiter.refuteRange, (claim, job, 0, _source(1), 0, path, 100, opening)));
        path = SmallJob.samplePath(2);
        _stands(abi.encodeCall(IClaimArbiter.refuteShape, (claim, job, 0, _source(0), 2, path)));
        opening = Trees.openChunk(SmallJob.field(2), 0);
        _stands(abi.encodeCall(IClaimArbiter.refuteRange, (claim, job, 0, _source(0), 2, path, 3, opening)));
    }

    function test_AnInstructionIsNoSource() public {
        IClaims.TensorPath memory path;
        vm.expectPartialRevert(IGame.WrongKind.selector);
        claimArbiter.sourceTensor(claim, job, 0, SmallJob.record(3), 0, path);
    }

    function _source(uint32 value) private pure returns (IClaimArbiter.ProgramRecord memory) {
        IGame.RecordProof memory record = SmallJob.recordProof(value);
        return IClaimArbiter.ProgramRecord(SmallJob.header(), value, record.record, record.proof);
    }

    function _modelOf(bytes memory, bytes memory shape, int32[] memory model)
        private
        returns (IClaims.TensorPath memory path)
    {
        path = SmallJob.modelPath();
        (path.shape, path.chunksRoot) = (shape, Trees.root(Trees.chunkLeaves(model)));
        path.treeRoot = Trees.tensorRoot(shape, model);
        path.tensors[0] = path.treeRoot;
        claim.result = keccak256(abi.encodePacked(hex"02", uint32(1), path.treeRoot));
    }
}
