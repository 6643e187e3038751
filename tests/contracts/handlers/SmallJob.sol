// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Short literals and small numbers: nothing is cut off.
// forge-lint: disable-start(unsafe-typecast)

import { IClaims } from "contracts/interfaces/IClaims.sol";
import { IGame } from "contracts/interfaces/IGame.sol";
import { Trees } from "tests/contracts/handlers/Trees.sol";

/// @title A real job small enough to evaluate in a test
/// @notice Score of a sample: sum of (x · wᵀ + b) over 320 outputs, handed through 66 scalars, so that every kind of move
/// occurs: a trace tree of 7 levels, tensors of 1, 10 and 40 chunks, an instruction that folds.
/// value 0 field x (4), 1 parameter w (320, 4), 2 constant b (320), 3 MATMUL, 4 ADD, 5 REDUCE sum, 6 to 71 SHIFT by 0.
library SmallJob {
    using Trees for *;

    uint32 internal constant VALUES = 72;
    uint32 internal constant SAMPLES = 3;
    uint32 internal constant MATMUL = 3;
    uint32 internal constant ADD = 4;
    uint32 internal constant REDUCE = 5;
    uint256 private constant OUTPUTS = 320;
    bytes private constant VECTOR = hex"0100000004";
    bytes private constant MATRIX = hex"020000014000000004";
    bytes private constant LONG = hex"0100000140";
    bytes private constant SCALAR = hex"00";

    /// @notice One wrong element in an evaluation; everything behind it is computed from it. `value` 0 and `delta` 0: none.
    struct Lie {
        uint32 value;
        uint32 element;
        int32 delta;
    }

    // --- the program ---

    function shapeOf(uint32 value) internal pure returns (bytes memory) {
        if (value == 0) return VECTOR;
        if (value == 1) return MATRIX;
        return value < REDUCE ? LONG : SCALAR;
    }

    function record(uint32 value) internal pure returns (bytes memory) {
        if (value == 0) return abi.encodePacked(hex"000000", VECTOR, int32(-100), int32(100), uint16(0));
        if (value == 1) return abi.encodePacked(hex"020000", MATRIX, int32(-128), int32(127), uint16(0));
        if (value == 2) {
            bytes32 root = LONG.tensorRoot(constant_());
            return abi.encodePacked(hex"030000", LONG, int32(-9), int32(9), root);
        }
        bytes memory inputs;
        bytes memory attributes;
        uint8 opcode;
        if (value == MATMUL) {
            (opcode, attributes) = (1, abi.encodePacked(uint16(3), int32(0), int32(0), int32(0)));
            inputs = abi.encodePacked(uint8(2), uint32(0), VECTOR, uint32(1), MATRIX);
        } else if (value == ADD) {
            (opcode, attributes) = (3, abi.encodePacked(uint16(3), int32(0), int32(0), int32(0)));
            inputs = abi.encodePacked(uint8(2), uint32(3), LONG, uint32(2), LONG);
        } else if (value == REDUCE) {
            (opcode, attributes) = (15, abi.encodePacked(uint16(4), int32(0), int32(0), int32(0), int32(1)));
            inputs = abi.encodePacked(uint8(1), uint32(4), LONG);
        } else {
            (opcode, attributes) = (6, abi.encodePacked(uint16(1), int32(0)));
            inputs = abi.encodePacked(uint8(1), value - 1, SCALAR);
        }
        bytes memory range = abi.encodePacked(type(int32).min, type(int32).max);
        return abi.encodePacked(hex"04", opcode, hex"00", shapeOf(value), range, inputs, attributes);
    }

    function recordLeaves() internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](VALUES);
        for (uint32 i; i < VALUES; ++i) {
            leaves[i] = keccak256(record(i));
        }
    }

    function header() internal pure returns (IGame.ProgramHeader memory) {
        return IGame.ProgramHeader(VALUES, 1, 0, 1, recordLeaves().root());
    }

    function programRoot() internal pure returns (bytes32) {
        return
            keccak256(abi.encodePacked(hex"05", VALUES, uint8(1), uint8(0), uint32(1), recordLeaves().root()));
    }

    function recordProof(uint32 value) internal pure returns (IGame.RecordProof memory) {
        return IGame.RecordProof(record(value), recordLeaves().leafProof(value));
    }

    // --- the artifacts ---

    function field(uint32 sample) internal pure returns (int32[] memory x) {
        x = new int32[](4);
        for (uint256 k; k < 4; ++k) {
            x[k] = int32(int256((sample * 7 + k * 3) % 11)) - 5;
        }
    }

    function model() internal pure returns (int32[] memory w) {
        w = new int32[](4 * OUTPUTS);
        for (uint256 i; i < w.length; ++i) {
            w[i] = int32(int256((i * 5) % 23)) - 11;
        }
    }

    function constant_() internal pure returns (int32[] memory b) {
        b = new int32[](OUTPUTS);
        for (uint256 i; i < OUTPUTS; ++i) {
            b[i] = int32(int256(i % 9)) - 4;
        }
    }

    function modelRoot() internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(hex"02", uint32(1), MATRIX.tensorRoot(model())));
    }

    /// @notice The way to the model's only tensor.
    function modelPath() internal pure returns (IClaims.TensorPath memory path) {
        path.count = 1;
        path.treeRoot = MATRIX.tensorRoot(model());
        path.tensors = new bytes32[](1);
        path.tensors[0] = path.treeRoot;
        path.shape = MATRIX;
        path.chunksRoot = model().chunkLeaves().root();
    }

    function sampleLeaves() internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](SAMPLES);
        for (uint32 i; i < SAMPLES; ++i) {
            leaves[i] = keccak256(abi.encodePacked(hex"0301", VECTOR.tensorRoot(field(i))));
        }
    }

    function datasetRoot() internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(hex"04", SAMPLES, sampleLeaves().root()));
    }

    /// @notice The way to a sample's only field.
    function samplePath(uint32 sample) internal pure returns (IClaims.TensorPath memory path) {
        path.count = SAMPLES;
        path.treeRoot = sampleLeaves().root();
        path.tensors = new bytes32[](1);
        path.tensors[0] = VECTOR.tensorRoot(field(sample));
        path.proof = sampleLeaves().leafProof(sample);
        path.shape = VECTOR;
        path.chunksRoot = field(sample).chunkLeaves().root();
    }

    // --- the evaluation ---

    function evaluate(uint32 sample, Lie memory lie) internal pure returns (int32[][] memory values) {
        values = new int32[][](VALUES);
        values[0] = field(sample);
        values[1] = model();
        values[2] = constant_();
        for (uint32 v; v < VALUES; ++v) {
            if (v >= MATMUL) values[v] = _compute(values, v);
            if (v == lie.value) values[v][lie.element] += lie.delta;
        }
    }

    function score(uint32 sample, Lie memory lie) internal pure returns (int64) {
        return evaluate(sample, lie)[VALUES - 1][0];
    }

    function traceLeaves(int32[][] memory values) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](VALUES);
        for (uint32 v; v < VALUES; ++v) {
            leaves[v] = shapeOf(v).tensorRoot(values[v]);
        }
    }

    function _compute(int32[][] memory values, uint32 v) private pure returns (int32[] memory out) {
        if (v > REDUCE) {
            out = new int32[](1);
            out[0] = values[v - 1][0];
        } else if (v == REDUCE) {
            out = new int32[](1);
            for (uint256 i; i < OUTPUTS; ++i) {
                out[0] += values[ADD][i];
            }
        } else {
            out = new int32[](OUTPUTS);
            for (uint256 i; i < OUTPUTS; ++i) {
                out[i] = v == MATMUL ? _dot(values, i) : values[MATMUL][i] + values[2][i];
            }
        }
    }

    function _dot(int32[][] memory values, uint256 row) private pure returns (int32 sum) {
        for (uint256 k; k < 4; ++k) {
            sum += values[0][k] * values[1][4 * row + k];
        }
    }
}
