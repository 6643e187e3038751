// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ZeroRuns } from "contracts/libraries/ZeroRuns.sol";
import { LibZip } from "solady/utils/LibZip.sol";
import { VectorTest } from "tests/contracts/libraries/VectorTest.sol";

/// @title One pass against packing again
contract ZeroRunsTest is VectorTest {
    uint256 private constant MOST = 5000;

    function test_whatLibZipPacksComesBack() external view {
        string memory json = vectors("zero_runs");
        bytes[] memory data = vm.parseJsonBytesArray(json, ".pairs.data");
        bytes[] memory packed = vm.parseJsonBytesArray(json, ".pairs.packed");
        assertGt(data.length, 0);
        for (uint256 i; i < data.length; ++i) {
            (bool canonical, bytes memory found,) = ZeroRuns.unpack(packed[i], 0, 1 << 17);
            assertTrue(canonical);
            assertEq(found, data[i]);
        }
    }

    function testFuzz_dataComeBackWithTheirZeros(bytes calldata text, uint256 seed, uint8 start)
        external
        pure
    {
        bytes memory data = _withRuns(text, seed);
        bytes memory record = bytes.concat(new bytes(start), LibZip.cdCompress(data));
        bytes32 guard = "untouched";
        bytes memory behind = abi.encode(guard);
        (bool canonical, bytes memory found, uint256 zeros) = ZeroRuns.unpack(record, start, data.length);
        assertTrue(canonical);
        assertEq(found, data);
        assertEq(zeros, _zeros(data));
        assertEq(behind, abi.encode(guard));
    }

    function testFuzz_aByteTooManyIsTooLong(bytes calldata text, uint256 seed) external pure {
        bytes memory data = bytes.concat(_withRuns(text, seed), hex"01");
        (bool canonical, bytes memory found, uint256 zeros) =
            ZeroRuns.unpack(LibZip.cdCompress(data), 0, data.length - 1);
        assertFalse(canonical);
        assertEq(found.length + zeros, 0);
    }

    /// @dev Any bytes: they are well packed if and only if packing them again gives them.
    function testFuzz_onlyTheOnePackingIsTaken(bytes calldata text, uint256 seed) external pure {
        bytes memory packed = _withRuns(text, seed);
        bytes memory data = LibZip.cdDecompress(packed);
        bool expected = data.length <= MOST && keccak256(LibZip.cdCompress(data)) == keccak256(packed);
        (bool canonical, bytes memory found,) = ZeroRuns.unpack(bytes.concat(packed), 0, MOST);
        assertEq(canonical, expected);
        if (expected) assertEq(found, data);
    }

    function testFuzz_aChangedPackingIsTakenIfItIsTheOne(
        bytes calldata text,
        uint256 seed,
        uint256 index,
        bytes1 changed
    ) external pure {
        bytes memory packed = LibZip.cdCompress(_withRuns(text, seed));
        if (packed.length == 0) return;
        packed[index % packed.length] = changed;
        bytes memory data = LibZip.cdDecompress(packed);
        bool expected = keccak256(LibZip.cdCompress(data)) == keccak256(packed);
        (bool canonical, bytes memory found,) = ZeroRuns.unpack(bytes.concat(packed), 0, 1 << 17);
        assertEq(canonical, expected);
        if (expected) assertEq(found, data);
    }

    function test_runsThatUnpackToMuchEndEarly() external view {
        bytes memory packed = new bytes(60_000);
        for (uint256 i = 5; i < packed.length; i += 2) {
            packed[i] = 0x7f;
        }
        (packed[0], packed[1], packed[2], packed[3]) = (0xfe, 0xfe, 0xfe, 0xfe);
        uint256 gas_ = gasleft();
        (bool canonical,,) = ZeroRuns.unpack(packed, 0, 1 << 17);
        assertLt(gas_ - gasleft(), 1_000_000);
        assertFalse(canonical);
    }

    /// @dev Replaces bytes by runs of zeros and of 0xff.
    function _withRuns(bytes calldata text, uint256 seed) private pure returns (bytes memory data) {
        data = text;
        bytes1 run = 0x2a;
        for (uint256 i; i < data.length; ++i) {
            uint256 dice = uint256(keccak256(abi.encode(seed, i))) % 40;
            if (dice < 4) run = dice < 2 ? bytes1(0x00) : bytes1(0xff);
            if (dice == 4) run = 0x2a;
            if (run != 0x2a) data[i] = run;
        }
        if (seed % 3 == 0) data = bytes.concat(data, new bytes(seed % 400));
    }

    function _zeros(bytes memory data) private pure returns (uint256 zeros) {
        for (uint256 i; i < data.length; ++i) {
            if (data[i] == 0) ++zeros;
        }
    }
}
