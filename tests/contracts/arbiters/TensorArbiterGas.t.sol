// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ITensorArbiter } from "contracts/interfaces/ITensorArbiter.sol";
import { Opening } from "contracts/types/Opening.sol";
import { Deploy } from "tests/contracts/Deploy.sol";
import { VectorTest } from "tests/contracts/libraries/VectorTest.sol";

/// @title What one element of a dot product costs as a transaction of its own
/// @notice 24-bit activations by 16-bit weights, calldata at the prices of EIP-7623. benchmarks/arbiter_gas.py prints a
/// table.
contract TensorArbiterGasTest is VectorTest {
    ITensorArbiter private _arbiter;

    function setUp() external {
        _arbiter = Deploy.tensorArbiter();
    }

    function test_anElementOf4096TermsCostsLessThan1200000Gas() external {
        assertLt(_elementGas(4096), 1_200_000);
    }

    function test_anElementOf1024TermsCostsLessThan350000Gas() external {
        assertLt(_elementGas(1024), 350_000);
    }

    function test_aBlockOf512TermsCostsLessThan200000Gas() external {
        bytes memory call_ = abi.encodeCall(_arbiter.partialSum, (_record(512), 0, 0, _inputs(512)));
        assertLt(_transactionGas(call_), 200_000);
    }

    function test_theContractFitsTheLimitOfCodeSize() external view {
        assertLe(address(_arbiter).code.length, 24_576);
    }

    function _elementGas(uint32 terms) private returns (uint256) {
        return _transactionGas(abi.encodeCall(_arbiter.element, (_record(terms), 0, _inputs(terms))));
    }

    /// @dev 21,000, calldata and execution, or EIP-7623's floor if that is more.
    function _transactionGas(bytes memory data) private returns (uint256) {
        (bool done,) = address(_arbiter).call(data);
        assertTrue(done);
        uint256 execution = vm.lastCallGas().gasTotalUsed;
        uint256 tokens;
        for (uint256 i; i < data.length; ++i) {
            tokens += data[i] == 0 ? 1 : 4;
        }
        uint256 floor = 10 * tokens;
        uint256 standard = 4 * tokens + execution;
        return 21_000 + (standard > floor ? standard : floor);
    }

    function _inputs(uint32 terms) private pure returns (Opening[] memory inputs) {
        inputs = new Opening[](2);
        inputs[0] = _row(terms, 3);
        inputs[1] = _row(terms, 2);
    }

    /// @dev A tensor of `terms` random elements, a power of two of chunks, all of them.
    function _row(uint32 terms, uint8 width) private pure returns (Opening memory opening) {
        opening.width = width;
        opening.chunks = new uint32[](terms / 32);
        opening.data = new bytes(terms * width);
        for (uint32 i; i < opening.chunks.length; ++i) {
            opening.chunks[i] = i;
        }
        for (uint256 i; i < opening.data.length; ++i) {
            opening.data[i] = bytes1(keccak256(abi.encode(i, width)));
        }
    }

    /// @dev MATMUL of (1, terms) by (1, terms).
    function _record(uint32 terms) private pure returns (bytes memory) {
        bytes memory shape = abi.encodePacked(uint8(2), uint32(1), terms);
        bytes memory head = abi.encodePacked(hex"040100020000000100000001", type(int32).min, type(int32).max);
        bytes memory attributes = abi.encodePacked(uint16(3), int32(16), int32(0), int32(0));
        return bytes.concat(head, hex"0200000000", shape, hex"00000001", shape, attributes);
    }
}
