// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Bits are set by shifting a constant, and the numbers of these tests are small.
// forge-lint: disable-start(unsafe-typecast, incorrect-shift)

import { IBlobArbiter } from "contracts/interfaces/IBlobArbiter.sol";
import { ILedgerArbiter } from "contracts/interfaces/ILedgerArbiter.sol";
import { Merkle } from "contracts/libraries/Merkle.sol";
import { PayloadReader } from "contracts/libraries/PayloadReader.sol";
import { Machine } from "contracts/types/Machine.sol";
import { BlobChunk, FieldElement, Witness } from "contracts/types/Witness.sol";
import { LedgerSteps } from "tests/contracts/arbiters/LedgerSteps.sol";

/// @title Blobs that are registered as a whole, and steps that read chunks of them
/// @notice tests/vectors/whole_blobs.json. Gas as a transaction of its own, with the base fee and calldata (or the floor of
/// EIP-7623 where that is more), goes to snapshots/WholeBlobsGasTest.json.
contract WholeBlobsGasTest is LedgerSteps {
    struct Blob {
        bytes32 blob;
        bytes contents;
        bytes commitment;
        bytes proof;
    }

    string private constant IN_BLOBS = "blobs: idle to block";
    uint256 private constant LOW_BYTES = 126_976;

    string private _json;

    function setUp() public override {
        super.setUp();
        _json = vectors("whole_blobs");
        vm.setEvmVersion("prague");
    }

    /// forge-config: default.isolate = true
    function test_RegisteringAWholeBlobTakesLessThan10000000() external {
        string[2] memory names = ["proveBlob", "proveBlob, first bytes"];
        for (uint256 i; i < names.length; ++i) {
            Blob memory blob = _random(i);
            (bool done,) = _prove(blob);
            assertTrue(done);
            uint256 gas = _transactionGas(_call(blob));
            assertLt(gas, 10_000_000, names[i]);
            vm.snapshotValue(names[i], gas);
        }
    }

    /// @dev 128 KiB are what nodes pass on; the rest of a signed transaction takes at most 156 bytes.
    function test_TheLongestCallFitsATransaction() external view {
        assertLe(_call(_random(1)).length + 156, 131_072);
    }

    /// forge-config: default.isolate = true
    /// forge-config: default.fuzz.runs = 8
    function testFuzz_OtherContentsAreRefused(uint256 place, uint256 bit) external {
        Blob memory blob = _random(0);
        blob.contents[place % LOW_BYTES] ^= bytes1(uint8(1 << bit % 8));
        _refuses(blob, IBlobArbiter.WrongContents.selector);
    }

    /// forge-config: default.isolate = true
    function test_OtherFirstBytesAreRefused() external {
        Blob memory blob = _random(1);
        // The lowest bit of the last one, which was 0 or is below the modulus without it.
        bytes1 last = blob.contents[blob.contents.length - 1];
        blob.contents[blob.contents.length - 1] = last & 0x01 == 0 ? last ^ 0x02 : last ^ 0x01;
        _refuses(blob, bytes4(0));
        Blob memory without = _random(1);
        without.contents = slice(without.contents, 0, LOW_BYTES);
        _refuses(without, IBlobArbiter.WrongContents.selector);
    }

    /// forge-config: default.isolate = true
    function test_NumbersBeyondTheFieldAreRefused() external {
        Blob memory blob = _random(1);
        // Each element is as large as its low bytes allow: with the highest bits set it is too large.
        blob.contents[LOW_BYTES] = 0xff;
        _refuses(blob, IBlobArbiter.ElementTooLarge.selector);
    }

    /// forge-config: default.isolate = true
    function test_OtherOpeningsAreRefused() external {
        Blob memory blob = _random(0);
        blob.proof = _random(1).proof;
        _refuses(blob, IBlobArbiter.WrongContents.selector);
        blob = _random(0);
        blob.commitment = _random(1).commitment;
        _refuses(blob, IBlobArbiter.WrongContents.selector);
        blob = _random(0);
        blob.blob = _random(1).blob;
        _refuses(blob, IBlobArbiter.WrongContents.selector);
        blob = _random(0);
        (blob.commitment, blob.proof) = (bytes.concat(blob.commitment, blob.proof), slice(blob.proof, 0, 0));
        _refuses(blob, IBlobArbiter.WrongContents.selector);
    }

    /// forge-config: default.isolate = true
    function testFuzz_OtherLengthsAreRefused(uint256 length) external {
        Blob memory blob = _random(0);
        blob.contents = new bytes(length % LOW_BYTES);
        _refuses(blob, IBlobArbiter.WrongContentsLength.selector);
    }

    /// forge-config: default.isolate = true
    function test_WithoutThePrecompileNoBlobIsRegistered() external {
        vm.setEvmVersion("shanghai");
        _refuses(_random(0), IBlobArbiter.WrongContents.selector);
    }

    /// forge-config: default.isolate = true
    function test_StepsReadChunksOfWhatWasRegistered() external {
        (Machine memory machine, uint64 last, Witness memory witness) = _inChunks();
        bytes4 wrong = PayloadReader.WrongChunk.selector;
        _refusesStep(machine, last, witness, abi.encodeWithSelector(wrong, 0));
        Blob memory blob = _first();
        assertEq(blob.blob, witness.payload.blobs[0]);
        vm.expectEmit(true, true, true, true);
        emit ILedgerArbiter.BlobProved(blob.blob);
        arbiter.proveBlob(blob.blob, blob.contents, blob.commitment, blob.proof);
        (bool taken, bytes memory answer) = _step(machine, last, witness);
        assertTrue(taken);
        assertEq(answer, _find(IN_BLOBS).expected);
    }

    /// forge-config: default.isolate = true
    /// forge-config: default.fuzz.runs = 16
    function testFuzz_OtherChunksAreRefused(uint256 place, uint256 bit) external {
        (Machine memory machine, uint64 last, Witness memory witness) = _inChunks();
        _prove(_first());
        bytes memory data = witness.payload.chunks[0].data;
        data[place % data.length] ^= bytes1(uint8(1 << bit % 8));
        bytes4 wrong = PayloadReader.WrongChunk.selector;
        _refusesStep(machine, last, witness, abi.encodeWithSelector(wrong, 0));
        data[place % data.length] ^= bytes1(uint8(1 << bit % 8));
        witness.payload.chunks[0].proof[place % 7] ^= bytes32(1 << bit % 256);
        _refusesStep(machine, last, witness, abi.encodeWithSelector(wrong, 0));
    }

    /// forge-config: default.isolate = true
    function test_ChunksHaveTheirPlace() external {
        (Machine memory machine, uint64 last, Witness memory witness) = _inChunks();
        _prove(_first());
        BlobChunk memory chunk = witness.payload.chunks[0];
        bytes4 wrong = PayloadReader.WrongChunk.selector;
        chunk.index = 1;
        _refusesStep(machine, last, witness, abi.encodeWithSelector(wrong, 1));
        chunk.index = 128;
        _refusesStep(machine, last, witness, abi.encodeWithSelector(wrong, 128));
        chunk.index = 0;
        witness.payload.chunks = new BlobChunk[](2);
        (witness.payload.chunks[0], witness.payload.chunks[1]) = (chunk, chunk);
        bytes4 ascending = PayloadReader.ElementsNotAscending.selector;
        _refusesStep(machine, last, witness, abi.encodeWithSelector(ascending, 0, 0));
        witness.payload.chunks = new BlobChunk[](1);
        witness.payload.chunks[0] = chunk;
        chunk.proof = new bytes32[](6);
        bytes4 length = Merkle.WrongProofLength.selector;
        _refusesStep(machine, last, witness, abi.encodeWithSelector(length, 6, 7));
    }

    // --- what is played with ---

    /// @dev A blob of table `random`.
    function _random(uint256 row) private view returns (Blob memory blob) {
        string memory seed = vm.parseJsonStringArray(_json, ".random.seed")[row];
        bytes memory first = vm.parseJsonBytesArray(_json, ".random.first")[row];
        bytes32[] memory words = new bytes32[](LOW_BYTES / 32);
        for (uint256 i; i < words.length; ++i) {
            words[i] = keccak256(bytes(string.concat(seed, " ", vm.toString(i))));
        }
        blob = _opened("random", row);
        blob.contents = bytes.concat(abi.encodePacked(words), first);
    }

    /// @dev The blob of table `history`.
    function _first() private view returns (Blob memory blob) {
        bytes memory begun = vm.parseJsonBytesArray(_json, ".history.contents")[0];
        blob = _opened("history", 0);
        blob.contents = bytes.concat(begun, new bytes(LOW_BYTES - begun.length));
    }

    function _opened(string memory name, uint256 row) private view returns (Blob memory blob) {
        string memory path = string.concat(".", name, ".");
        blob.blob = vm.parseJsonBytes32Array(_json, string.concat(path, "blob"))[row];
        blob.commitment = vm.parseJsonBytesArray(_json, string.concat(path, "commitment"))[row];
        blob.proof = vm.parseJsonBytesArray(_json, string.concat(path, "proof"))[row];
    }

    /// @dev A step whose elements are given as the chunk that they are in.
    function _inChunks() private returns (Machine memory machine, uint64 last, Witness memory witness) {
        (machine, last, witness) = _prepare(_find(IN_BLOBS));
        bytes memory data = vm.parseJsonBytesArray(_json, ".history.chunk")[0];
        bytes32[] memory proof = digests(vm.parseJsonBytesArray(_json, ".history.siblings")[0]);
        witness.payload.elements = new FieldElement[](0);
        witness.payload.chunks = new BlobChunk[](1);
        witness.payload.chunks[0] = BlobChunk(0, data, proof);
    }

    // --- calls ---

    function _call(Blob memory blob) private pure returns (bytes memory) {
        return
            abi.encodeCall(ILedgerArbiter.proveBlob, (blob.blob, blob.contents, blob.commitment, blob.proof));
    }

    function _prove(Blob memory blob) private returns (bool, bytes memory) {
        // A proof that fails takes all gas that there is.
        return address(arbiter).call{ gas: 15_000_000 }(_call(blob));
    }

    /// @dev A call and not a static one, which isolation would leave inside the test's own transaction.
    function _step(Machine memory machine, uint64 last, Witness memory witness)
        private
        returns (bool, bytes memory)
    {
        return address(arbiter).call(abi.encodeCall(ILedgerArbiter.step, (machine, last, witness)));
    }

    /// @param selector What it has to revert with; zero for anything.
    function _refuses(Blob memory blob, bytes4 selector) private {
        (bool done, bytes memory reason) = _prove(blob);
        assertFalse(done);
        if (selector != 0) assertEq(bytes32(bytes4(reason)), bytes32(selector));
    }

    function _refusesStep(Machine memory machine, uint64 last, Witness memory witness, bytes memory expected)
        private
    {
        (bool taken, bytes memory reason) = _step(machine, last, witness);
        assertFalse(taken, "the step was taken");
        assertEq(reason, expected);
    }
}
