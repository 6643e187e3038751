// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IClaims } from "contracts/interfaces/IClaims.sol";
import { IGame } from "contracts/interfaces/IGame.sol";
import { Artifacts } from "contracts/libraries/Artifacts.sol";
import { Merkle } from "contracts/libraries/Merkle.sol";
import { ProgramRecords } from "contracts/libraries/ProgramRecords.sol";
import { Kind, Record } from "contracts/types/Record.sol";

/// @title The way from an artifact's root to one tensor
library Sources {
    /// @notice Checks the head of a model.
    function requireModel(bytes32 root, IClaims.TensorPath calldata path) internal pure {
        bytes32 computed = Artifacts.modelRoot(path.count, path.treeRoot);
        require(computed == root, IGame.WrongProof(computed, root));
    }

    /// @notice Checks the head of a data set.
    function requireDataset(bytes32 root, IClaims.TensorPath calldata path) internal pure {
        bytes32 computed = Artifacts.datasetRoot(path.count, path.treeRoot);
        require(computed == root, IGame.WrongProof(computed, root));
    }

    /// @notice Checks that the path's tensors are a model's tensor (one), or a sample's fields, at an index.
    function requireLeaf(IClaims.TensorPath calldata path, bool model, uint32 index) internal pure {
        require(index < path.count, IGame.OutOfRange(index, path.count));
        bytes32 leaf = leafOf(path, model);
        bytes32 computed = Merkle.rootFromProof(leaf, index, Merkle.depth(path.count), path.proof);
        require(computed == path.treeRoot, IGame.WrongProof(computed, path.treeRoot));
    }

    /// @notice The leaf that the path's tensors make up.
    function leafOf(IClaims.TensorPath calldata path, bool model) internal pure returns (bytes32) {
        if (!model) return Artifacts.sampleRoot(path.tensors);
        require(path.tensors.length == 1, IGame.WrongCount(path.tensors.length, 1));
        return path.tensors[0];
    }

    /// @notice The root of a model's tensor.
    function tensorOfModel(bytes32 root, uint32 index, IClaims.TensorPath calldata path)
        internal
        pure
        returns (bytes32)
    {
        requireModel(root, path);
        requireLeaf(path, true, index);
        return path.tensors[0];
    }

    /// @notice The root of a field's tensor in a sample of a data set.
    function tensorOfDataset(bytes32 root, uint32 sample, uint256 field, IClaims.TensorPath calldata path)
        internal
        pure
        returns (bytes32)
    {
        requireDataset(root, path);
        requireLeaf(path, false, sample);
        require(field < path.tensors.length, IGame.OutOfRange(field, path.tensors.length));
        return path.tensors[field];
    }

    /// @notice The tensor root that a source's record stands for.
    /// @param record Of a field (of `dataset`), answer (of `result`), parameter (of `model`, or of `result` where the job
    /// has none) or constant.
    function tensorOf(
        bytes calldata record,
        bytes32 dataset,
        bytes32 result,
        bytes32 model,
        uint32 sample,
        IClaims.TensorPath calldata path
    ) internal pure returns (bytes32) {
        Record memory source = ProgramRecords.decode(record);
        require(source.kind != Kind.Instruction, IGame.WrongKind(source.kind));
        if (source.kind == Kind.Constant) return source.constantRoot;
        if (source.kind == Kind.Field) return tensorOfDataset(dataset, sample, source.index, path);
        if (source.kind == Kind.Answer) return tensorOfDataset(result, sample, source.index, path);
        return tensorOfModel(model == bytes32(0) ? result : model, source.index, path);
    }

    /// @notice Checks that the path's shape and chunks are those of a tensor.
    function requireHead(IClaims.TensorPath calldata path, bytes32 tensor) internal pure {
        bytes32 computed = Artifacts.tensorRoot(path.shape, path.chunksRoot);
        require(computed == tensor, IGame.WrongProof(computed, tensor));
    }
}
