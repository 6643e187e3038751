// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IClaims } from "contracts/interfaces/IClaims.sol";
import { IGame } from "contracts/interfaces/IGame.sol";
import { ISeals } from "contracts/interfaces/ISeals.sol";
import { Players } from "tests/contracts/handlers/Players.sol";
import { SmallJob } from "tests/contracts/handlers/SmallJob.sol";

/// @title What a claim and the moves of a game cost, whole transactions
/// @notice Base fee and calldata included (or the floor of EIP-7623 where that is more), storage cold. The figures are
/// committed in snapshots/GasTest.json.
contract GasTest is Players {
    bytes32 private constant SALT = keccak256("salt");
    uint256 private total;

    function setUp() public {
        _deploy();
    }

    /// @dev Under isolation forge plays every call as a transaction of its own and counts all of it, but for the floor.
    function _note(string memory name, bytes memory call) private returns (uint256 gas) {
        gas = vm.lastCallGas().gasTotalUsed;
        uint256 tokens;
        for (uint256 i; i < call.length; ++i) {
            tokens += call[i] == 0 ? 1 : 4;
        }
        uint256 floor = 21_000 + 10 * tokens;
        if (floor > gas) gas = floor;
        vm.snapshotValue(name, gas);
    }

    /// forge-config: default.isolate = true
    function test_CommitAndRevealCostLessThan250000() public {
        IClaims.Claim memory claim = _claim(alice, _honest());
        IClaims.Job memory job = _job();
        bytes32 commitment = keccak256(abi.encode(_id(claim), SALT));
        vm.prank(alice);
        claims.commit{ value: CLAIM_BOND }(commitment);
        uint256 gas = _note("commit", abi.encodeCall(IClaims.commit, (commitment)));
        _nextBlock();
        vm.prank(alice);
        claims.reveal(claim, job, SALT);
        gas += _note("reveal", abi.encodeCall(IClaims.reveal, (claim, job, SALT)));
        assertLe(gas, 250_000);
    }

    /// forge-config: default.isolate = true
    function test_TheEndOfACalledJobCostsLessThan60000() public {
        IClaims.Job memory job = _job();
        vm.warp(uint256(job.deadline) + _rules().settlement);
        claims.lapseCalled(job);
        assertLe(_note("lapseCalled", abi.encodeCall(IClaims.lapseCalled, (job))), 60_000);
    }

    function _move(string memory name, address mover, bytes32 game, bytes memory call)
        private
        returns (IGame.Position memory p)
    {
        vm.recordLogs();
        vm.prank(mover);
        (bool done,) = address(games).call(call);
        uint256 gas = _note(name, call);
        assertTrue(done, name);
        if (mover == carol) total += gas;
        assertLe(gas, 150_000, name);
        p = _newPosition(game);
    }

    /// forge-config: default.isolate = true
    function test_AMoveCostsLessThan150000AndAGame1500000() public {
        IClaims.Claim memory claim = _claim(alice, _lie());
        _stand(claim);
        (bytes32 game, IGame.Position memory p) = _openScores(claim, carol);
        total = _note("openScores", abi.encodeCall(IGame.openScores, (claim, _job(), 0, "game")));
        int32[][] memory theirs = SmallJob.evaluate(1, _lie());
        p = _move("revealScores", alice, game, _answerTo(game, p, _lie(), _lie()));
        p = _challengerMoves(game, p, _lie());
        vm.snapshotValue("chooseScore", vm.lastCallGas().gasTotalUsed);
        total += vm.lastCallGas().gasTotalUsed;
        p = _move("revealTrace (36 nodes)", alice, game, _answerTo(game, p, _lie(), _lie()));
        p = _move("chooseNode (trace)", carol, game, _chooseInTrace(game, p, theirs, 4));
        p = _move("revealNodes", alice, game, _answerTo(game, p, _lie(), _lie()));
        p = _move("chooseValue", carol, game, _chooseInTrace(game, p, theirs, 4));
        p = _move("revealTensor (10 chunks)", alice, game, _answerTo(game, p, _lie(), _lie()));
        p = _move("chooseNode (chunk)", carol, game, _chooseChunk(game, p, theirs[4], 2));
        p = _move("revealChunk", alice, game, _answerTo(game, p, _lie(), _lie()));
        bytes memory proof = _proof(game, p, theirs, 4, 77);
        bytes32 digest = keccak256(abi.encode(carol, keccak256(proof)));
        vm.prank(carol);
        claims.seal(digest);
        total += _note("seal", abi.encodeCall(ISeals.seal, (digest)));
        _nextBlock();
        vm.prank(carol);
        (bool done,) = address(games).call(proof);
        total += _note("prove (ADD)", proof);
        assertTrue(done);
        vm.snapshotValue("challenger's side of a game", total);
        assertLe(total, 1_500_000);
    }
}
