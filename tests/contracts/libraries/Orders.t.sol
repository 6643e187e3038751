// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Numbers here are small, and texts short.
// forge-lint: disable-start(unsafe-typecast)

import { IClaims } from "contracts/interfaces/IClaims.sol";
import { Orders } from "contracts/libraries/Orders.sol";
import { TransactionRecords } from "contracts/libraries/TransactionRecords.sol";
import { Test } from "tests/contracts/Vm.sol";

/// @title Calldata that order a job, against abi.encode
contract OrdersTest is Test {
    function decoded(bytes calldata data) external pure returns (IClaims.Job memory) {
        return abi.decode(data[4:], (IClaims.Job));
    }

    function testFuzz_eachJobIsOrdered(bytes32 seed, bool trains, uint64 deadline) external pure {
        assertTrue(Orders.isOrder(_call(_job(seed, trains, deadline))));
    }

    /// @dev Changed calldata are an order if and only if they are what abi.encode makes of a job that keeps the rules.
    function testFuzz_onlyCanonicalCallsOrder(bytes32 seed, bool trains, uint256 index, bytes1 changed)
        external
        view
    {
        bytes memory data = _call(_job(seed, trains, 1));
        data[index % data.length] = changed;
        bool expected;
        try this.decoded(data) returns (IClaims.Job memory job) {
            expected = _keepsRules(job) && keccak256(_call(job)) == keccak256(data);
        } catch { }
        assertEq(Orders.isOrder(data), expected);
    }

    function testFuzz_cutOrLongerCallsAreNone(bytes32 seed, uint256 end, bytes1 more) external pure {
        bytes memory data = _call(_job(seed, true, 1));
        assertFalse(Orders.isOrder(bytes.concat(data, more)));
        assertFalse(Orders.isOrder(bytes.concat(data, new bytes(32))));
        end %= data.length;
        assembly ("memory-safe") {
            mstore(data, end)
        }
        assertFalse(Orders.isOrder(data));
    }

    function testFuzz_noBytesRevert(bytes memory data, uint256 words) external pure {
        bytes memory begun = bytes.concat(TransactionRecords.ORDER, bytes32(words), data);
        assertFalse(Orders.isOrder(begun) && begun.length < 4 + 12 * 32);
    }

    function test_aUriHasAtMost512Characters() external pure {
        IClaims.Job memory job = _job("seed", true, 1);
        job.uri = string(_text(512));
        assertTrue(Orders.isOrder(_call(job)));
        job.uri = string(_text(513));
        assertFalse(Orders.isOrder(_call(job)));
    }

    function test_aJobHasOneToFourProperties() external pure {
        IClaims.Job memory job = _job("seed", true, 1);
        job.properties = new IClaims.Property[](0);
        assertFalse(Orders.isOrder(_call(job)));
        job.properties = new IClaims.Property[](4);
        assertTrue(Orders.isOrder(_call(job)));
        job.properties = new IClaims.Property[](5);
        assertFalse(Orders.isOrder(_call(job)));
    }

    function _call(IClaims.Job memory job) private pure returns (bytes memory) {
        return bytes.concat(TransactionRecords.ORDER, abi.encode(job));
    }

    function _job(bytes32 seed, bool trains, uint64 deadline) private pure returns (IClaims.Job memory job) {
        job.kind = trains ? 1 : 2;
        job.architecture = seed;
        job.model = trains ? bytes32(0) : keccak256(abi.encode(seed));
        job.properties = new IClaims.Property[](1 + uint256(seed) % 4);
        for (uint256 i; i < job.properties.length; ++i) {
            bytes32 part = keccak256(abi.encode(seed, i));
            job.properties[i] = IClaims.Property(part, seed, int64(uint64(uint256(part))));
        }
        job.deadline = deadline;
        job.uri = string(_text(uint256(seed) % 70));
    }

    function _text(uint256 length) private pure returns (bytes memory text) {
        text = new bytes(length);
        for (uint256 i; i < length; ++i) {
            text[i] = bytes1(uint8(0x20 + i % 95));
        }
    }

    function _keepsRules(IClaims.Job memory job) private pure returns (bool) {
        bool known = job.kind == 1 || job.kind == 2;
        bool fitting = (job.model == 0) == (job.kind == 1);
        bool counted = job.properties.length != 0 && job.properties.length <= 4;
        bytes memory uri = bytes(job.uri);
        if (!known || !fitting || !counted || uri.length > 512) return false;
        for (uint256 i; i < uri.length; ++i) {
            if (uri[i] < 0x20 || uri[i] > 0x7e) return false;
        }
        return true;
    }
}
