// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IClaims } from "contracts/interfaces/IClaims.sol";
import { IGame } from "contracts/interfaces/IGame.sol";
import { Opening } from "contracts/types/Opening.sol";
import { ScoreNode } from "contracts/types/ScoreNode.sol";
import { Arena } from "tests/contracts/handlers/Arena.sol";
import { SmallJob } from "tests/contracts/handlers/SmallJob.sol";
import { Trees } from "tests/contracts/handlers/Trees.sol";
import { Vm } from "tests/contracts/Vm.sol";

/// @title The strategies of both sides, playing through the real contracts
/// @notice An accountant evaluates with its lie (or none) and reveals that; a challenger compares with the truth and goes to
/// the first difference. Both rebuild the position from the events alone.
abstract contract Players is Arena {
    using SmallJob for *;

    // --- reading the chain ---

    function _newPosition(bytes32 game) internal returns (IGame.Position memory position) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = logs.length; i != 0; --i) {
            Vm.Log memory log = logs[i - 1];
            bool own = log.emitter == address(games) && log.topics[1] == game;
            if (own && log.data.length >= 640) return abi.decode(log.data, (IGame.Position));
        }
    }

    function _play(address mover, bytes32 game, bytes memory call) internal returns (IGame.Position memory) {
        vm.recordLogs();
        vm.prank(mover);
        (bool done, bytes memory why) = address(games).call(call);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(why, 0x20), mload(why))
            }
        }
        return _newPosition(game);
    }

    // --- opening ---

    function _open(IClaims.Claim memory claim, address challenger, uint32 sample, SmallJob.Lie memory lie)
        internal
        returns (bytes32 game, IGame.Position memory position)
    {
        int64[] memory scores = _scores(lie);
        vm.recordLogs();
        ScoreNode[] memory proof = Trees.scoreProof(scores, sample);
        IClaims.Job memory job = _job();
        vm.prank(challenger);
        game = games.open{ value: CHALLENGE_BOND }(claim, job, 0, "game", sample, scores[sample], proof);
        position = _newPosition(game);
    }

    function _openScores(IClaims.Claim memory claim, address challenger)
        internal
        returns (bytes32 game, IGame.Position memory position)
    {
        vm.recordLogs();
        IClaims.Job memory job = _job();
        vm.prank(challenger);
        game = games.openScores{ value: CHALLENGE_BOND }(claim, job, 0, "game");
        position = _newPosition(game);
    }

    // --- the accountant ---

    function _accountantMoves(bytes32 game, IGame.Position memory p, SmallJob.Lie memory lie)
        internal
        returns (IGame.Position memory)
    {
        return _play(p.accountant, game, _answerTo(game, p, p.sample == 1 ? lie : _honest(), lie));
    }

    function _answerTo(
        bytes32 game,
        IGame.Position memory p,
        SmallJob.Lie memory lie,
        SmallJob.Lie memory inScores
    ) internal pure returns (bytes memory) {
        if (p.phase == IGame.Phase.Scores) {
            ScoreNode[] memory nodes = Trees.scoreNodes(_scores(inScores), 0);
            return abi.encodeCall(IGame.revealScores, (game, p, nodes));
        }
        int32[][] memory values = SmallJob.evaluate(p.sample, lie);
        if (p.phase == IGame.Phase.Trace) return _trace(game, p, values);
        if (p.phase == IGame.Phase.TraceNodes) {
            bytes32[] memory nodes = Trees.children(SmallJob.traceLeaves(values), 0, p.index, p.level);
            return abi.encodeCall(IGame.revealNodes, (game, p, nodes));
        }
        int32[] memory tensor = values[p.value];
        bytes memory shape = SmallJob.shapeOf(p.value);
        if (p.phase == IGame.Phase.Tensor) {
            if (tensor.length <= 256) {
                return abi.encodeCall(IGame.revealElements, (game, p, shape, Trees.elementBytes(tensor)));
            }
            return abi.encodeCall(IGame.revealTensor, (game, p, shape, Trees.chunkLeaves(tensor)));
        }
        if (p.phase == IGame.Phase.Chunk) {
            return abi.encodeCall(IGame.revealChunk, (game, p, Trees.chunkBytes(tensor, p.index)));
        }
        return _sums(game, p, values);
    }

    function _trace(bytes32 game, IGame.Position memory p, int32[][] memory values)
        private
        pure
        returns (bytes memory)
    {
        bytes32[] memory leaves = SmallJob.traceLeaves(values);
        bytes32[] memory proof = Trees.proof(leaves, 0, SmallJob.VALUES - 1, 1);
        bytes32[] memory nodes = Trees.nodes(leaves, 1);
        return abi.encodeCall(IGame.revealTrace, (game, p, SmallJob.header(), nodes, proof));
    }

    function _sums(bytes32 game, IGame.Position memory p, int32[][] memory values)
        private
        pure
        returns (bytes memory)
    {
        int64[] memory partials = new int64[](1);
        partials[0] = values[p.value][p.element];
        IGame.Inputs memory none;
        none.openings = new Opening[](p.value == SmallJob.REDUCE ? 1 : 2);
        none.proofs = new bytes32[][](none.openings.length);
        IGame.RecordProof memory record = SmallJob.recordProof(p.value);
        return abi.encodeCall(IGame.revealSums, (game, p, record, partials, none));
    }

    // --- the challenger ---

    /// @dev The honest challenger's move against an accountant that lies in the way it does.
    function _challengerMoves(bytes32 game, IGame.Position memory p, SmallJob.Lie memory lie)
        internal
        returns (IGame.Position memory)
    {
        if (p.phase == IGame.Phase.ChooseScore) {
            ScoreNode[] memory proof = Trees.scoreProof(_scores(lie), 1);
            ScoreNode memory child = Trees.scoreNodes(_scores(lie), 0)[1];
            return _play(p.challenger, game, abi.encodeCall(IGame.chooseScore, (game, p, 1, child, proof)));
        }
        int32[][] memory theirs = SmallJob.evaluate(p.sample, lie);
        if (p.phase == IGame.Phase.ChooseValue) {
            return _play(p.challenger, game, _chooseInTrace(game, p, theirs, lie.value));
        }
        if (p.phase == IGame.Phase.ChooseChunk) {
            return _play(p.challenger, game, _chooseChunk(game, p, theirs[p.value], lie.element / 32));
        }
        _sealed(p.challenger, address(games), _proof(game, p, theirs, lie.value, lie.element));
        return p;
    }

    function _chooseInTrace(bytes32 game, IGame.Position memory p, int32[][] memory theirs, uint32 value)
        internal
        pure
        returns (bytes memory)
    {
        bytes32[] memory leaves = SmallJob.traceLeaves(theirs);
        uint8 level = p.level > 6 ? p.level - 6 : 0;
        uint32 index = value >> level;
        bytes32[] memory proof = Trees.proof(leaves, level, index, p.level);
        bytes32 child = Trees.nodes(leaves, level)[index];
        if (level != 0) return abi.encodeCall(IGame.chooseNode, (game, p, index, child, proof));
        IGame.RecordProof memory record = SmallJob.recordProof(value);
        return abi.encodeCall(IGame.chooseValue, (game, p, index, child, proof, record));
    }

    function _chooseChunk(bytes32 game, IGame.Position memory p, int32[] memory tensor, uint32 chunk)
        internal
        pure
        returns (bytes memory)
    {
        bytes32[] memory leaves = Trees.chunkLeaves(tensor);
        bytes32[] memory proof = Trees.leafProof(leaves, chunk);
        return abi.encodeCall(IGame.chooseNode, (game, p, chunk, leaves[chunk], proof));
    }

    function _proof(
        bytes32 game,
        IGame.Position memory p,
        int32[][] memory values,
        uint32 value,
        uint32 element
    ) internal pure returns (bytes memory) {
        IGame.Output memory output = _output(values, value, element);
        IGame.Inputs memory inputs = _inputs(values, value, element);
        IGame.RecordProof memory record = SmallJob.recordProof(value);
        return abi.encodeCall(IGame.prove, (game, p, output, record, inputs));
    }

    function _output(int32[][] memory values, uint32 value, uint32 element)
        internal
        pure
        returns (IGame.Output memory)
    {
        bytes32[] memory proof = Trees.leafProof(SmallJob.traceLeaves(values), value);
        return IGame.Output(value, element, Trees.openChunk(values[value], element / 32), proof);
    }

    function _inputs(int32[][] memory values, uint32 value, uint32 element)
        internal
        pure
        returns (IGame.Inputs memory inputs)
    {
        bytes32[] memory leaves = SmallJob.traceLeaves(values);
        bool pair = value == SmallJob.MATMUL || value == SmallJob.ADD;
        inputs.openings = new Opening[](pair ? 2 : 1);
        inputs.proofs = new bytes32[][](pair ? 2 : 1);
        if (value == SmallJob.MATMUL) {
            inputs.openings[0] = Trees.openChunk(values[0], 0);
            inputs.openings[1] = Trees.openChunk(values[1], element / 8);
            (inputs.proofs[0], inputs.proofs[1]) = (Trees.leafProof(leaves, 0), Trees.leafProof(leaves, 1));
        } else if (value == SmallJob.ADD) {
            inputs.openings[0] = Trees.openChunk(values[3], element / 32);
            inputs.openings[1] = Trees.openChunk(values[2], element / 32);
            (inputs.proofs[0], inputs.proofs[1]) = (Trees.leafProof(leaves, 3), Trees.leafProof(leaves, 2));
        } else {
            inputs.openings[0] = Trees.openAll(values[value - 1]);
            inputs.proofs[0] = Trees.leafProof(leaves, value - 1);
        }
    }

    // --- a whole game ---

    function _isAccountants(IGame.Phase phase) internal pure returns (bool) {
        return phase == IGame.Phase.Scores || phase == IGame.Phase.Trace || phase == IGame.Phase.TraceNodes
            || phase == IGame.Phase.Tensor || phase == IGame.Phase.TensorNodes || phase == IGame.Phase.Chunk
            || phase == IGame.Phase.Sums;
    }

    /// @dev Both sides answer until the game is over.
    function _playOut(bytes32 game, IGame.Position memory p, SmallJob.Lie memory lie) internal {
        while (games.positions(game) != 0) {
            p = _isAccountants(p.phase) ? _accountantMoves(game, p, lie) : _challengerMoves(game, p, lie);
        }
    }
}
