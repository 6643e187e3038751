// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IClaims } from "contracts/interfaces/IClaims.sol";
import { IGame } from "contracts/interfaces/IGame.sol";
import { Openings } from "contracts/libraries/Openings.sol";
import { ProgramRecords } from "contracts/libraries/ProgramRecords.sol";
import { Sources } from "contracts/libraries/Sources.sol";
import { Opening } from "contracts/types/Opening.sol";
import { Shape } from "contracts/types/Shape.sol";

/// @title Answers to demands for a result's data
/// @notice Whatever is demanded, an honest accountant can answer, and a root that no artifact has cannot be answered for:
/// - a leaf, field or chunk that exists is opened;
/// - for a leaf or chunk behind the end, the last one is opened, and everything to the right of it must be padding.
library Results {
    using Sources for IClaims.TensorPath;

    uint256 private constant CHUNK = 32;

    /// @notice Reverts unless an opening answers a demand.
    /// @param result Root of the result.
    /// @param model Whether it is a model; else it is a data set of answers.
    function requireAnswer(
        bytes32 result,
        bool model,
        IClaims.Demand calldata asked,
        IClaims.TensorPath calldata path,
        Opening calldata opening
    ) internal pure {
        if (model) Sources.requireModel(result, path);
        else Sources.requireDataset(result, path);
        if (asked.leaf >= path.count) {
            uint32 last = path.count - 1;
            path.requireLeaf(model, last);
            return _requirePadded(last, path.proof);
        }
        path.requireLeaf(model, asked.leaf);
        if (asked.field >= path.tensors.length) return;
        _requireChunks(asked, path, opening);
    }

    function _requireChunks(
        IClaims.Demand calldata asked,
        IClaims.TensorPath calldata path,
        Opening calldata opening
    ) private pure {
        Shape memory shape = ProgramRecords.decodeShape(path.shape);
        uint256 chunks = (shape.count + CHUNK - 1) / CHUNK;
        bool behind = asked.firstChunk >= chunks;
        uint256 first = behind ? chunks - 1 : asked.firstChunk;
        uint256 end = behind || first + asked.count > chunks ? chunks : first + asked.count;
        uint256 opened = opening.chunks.length;
        require(opened == end - first, IGame.WrongCount(opened, end - first));
        for (uint256 i; i < opened; ++i) {
            require(opening.chunks[i] == first + i, IGame.OutOfRange(opening.chunks[i], first + i));
        }
        bytes32 root = Openings.open(opening, shape, 0).root;
        bytes32 tensor = path.tensors[asked.field];
        require(root == tensor, IGame.WrongProof(root, tensor));
        if (end == chunks) _requireZeros(opening, opened * CHUNK - (chunks * CHUNK - shape.count));
        if (behind) _requirePadded(chunks - 1, opening.proof);
    }

    /// @dev Elements behind the tensor's last one are zero.
    function _requireZeros(Opening calldata opening, uint256 from) private pure {
        for (uint256 i = from * opening.width; i < opening.data.length; ++i) {
            require(opening.data[i] == 0, IGame.DirtyPadding());
        }
    }

    /// @dev Everything to the right of the last leaf is padding.
    function _requirePadded(uint256 last, bytes32[] calldata proof) private pure {
        bytes32 zero;
        for (uint256 level; level < proof.length; ++level) {
            bool padded = (last >> level) & 1 == 1 || proof[level] == zero;
            require(padded, IGame.DirtyPadding());
            zero = keccak256(abi.encode(zero, zero));
        }
    }
}
