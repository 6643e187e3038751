// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Short literals and small numbers: nothing is cut off.
// forge-lint: disable-start(unsafe-typecast)

import { IClaims } from "contracts/interfaces/IClaims.sol";
import { IGame } from "contracts/interfaces/IGame.sol";
import { Opening } from "contracts/types/Opening.sol";
import { Arena } from "tests/contracts/handlers/Arena.sol";
import { SmallJob } from "tests/contracts/handlers/SmallJob.sol";
import { Trees } from "tests/contracts/handlers/Trees.sol";

contract DemandsTest is Arena {
    IClaims.Claim internal claim;
    bytes32 internal claimId;
    IClaims.Job internal job;
    uint64 internal revealedAt;

    function setUp() public {
        _deploy();
        _store(claim, _claim(alice, _honest()));
        _store(job, _job());
        claimId = _id(claim);
    }

    function _standing() private {
        _stand(claim);
        revealedAt = _now();
    }

    // --- demands ---

    function _asked(uint32 leaf, uint16 field, uint32 first, uint8 count)
        private
        view
        returns (IClaims.Demand memory)
    {
        return IClaims.Demand(claimId, leaf, field, first, count);
    }

    function _demand(IClaims.Demand memory asked) private returns (bytes32 id) {
        vm.prank(carol);
        id = claims.demand{ value: DEMAND_FEE }(asked);
    }

    function _opening() private pure returns (Opening memory opening) {
        opening = Trees.openAll(SmallJob.model());
    }

    function test_ADemandIsAnsweredByItsChunks() public {
        _standing();
        IClaims.Demand memory asked = _asked(0, 0, 3, 1);
        bytes32 id = _demand(asked);
        Opening memory opening = Trees.openChunk(SmallJob.model(), 3);
        vm.prank(alice);
        claims.answer(claim, job, asked, SmallJob.modelPath(), opening);
        assertEq(bonds.credits(alice), DEMAND_FEE);
        assertTrue(claims.demandStatus(id).state == IClaims.DemandState.Answered);
        vm.prank(carol);
        vm.expectRevert(
            abi.encodeWithSelector(
                IClaims.WrongDemandState.selector, id, IClaims.DemandState.Answered, IClaims.DemandState.None
            )
        );
        claims.demand{ value: DEMAND_FEE }(asked);
        vm.expectRevert();
        claims.refuteUnanswered(asked);
        vm.warp(revealedAt + WINDOW);
        claims.finalize(claim);
    }

    function test_ADemandBehindTheLastChunkIsAnsweredByTheLastOne() public {
        _standing();
        uint32[3] memory firsts = [uint32(40), 63, type(uint32).max];
        for (uint256 i; i < 3; ++i) {
            IClaims.Demand memory asked = _asked(0, 0, firsts[i], 32);
            _demand(asked);
            claims.answer(claim, job, asked, SmallJob.modelPath(), Trees.openChunk(SmallJob.model(), 39));
        }
        assertEq(bonds.credits(alice), 3 * DEMAND_FEE);
    }

    function test_ADemandBehindTheLastLeafOrFieldIsAnsweredByTheWayToTheLeaf() public {
        _standing();
        Opening memory none;
        IClaims.Demand memory asked = _asked(1, 0, 0, 1);
        _demand(asked);
        claims.answer(claim, job, asked, SmallJob.modelPath(), none);
        asked = _asked(0, 1, 0, 1);
        _demand(asked);
        claims.answer(claim, job, asked, SmallJob.modelPath(), none);
        asked = _asked(type(uint32).max, type(uint16).max, type(uint32).max, 32);
        _demand(asked);
        claims.answer(claim, job, asked, SmallJob.modelPath(), none);
        assertEq(bonds.credits(alice), 3 * DEMAND_FEE);
    }

    function test_ADemandAcrossTheEndIsAnsweredByTheChunksThatThereAre() public {
        _standing();
        IClaims.Demand memory asked = _asked(0, 0, 39, 32);
        _demand(asked);
        claims.answer(claim, job, asked, SmallJob.modelPath(), Trees.openChunk(SmallJob.model(), 39));
    }

    function test_AnotherChunkIsNoAnswer() public {
        _standing();
        IClaims.Demand memory asked = _asked(0, 0, 3, 1);
        _demand(asked);
        vm.expectRevert();
        claims.answer(claim, job, asked, SmallJob.modelPath(), Trees.openChunk(SmallJob.model(), 4));
        Opening memory changed = Trees.openChunk(SmallJob.model(), 3);
        changed.data[0] = 0x01;
        vm.expectRevert();
        claims.answer(claim, job, asked, SmallJob.modelPath(), changed);
    }

    function test_AnUnansweredDemandRefutesAndPaysTheDemander() public {
        _standing();
        IClaims.Demand memory asked = _asked(0, 0, 0, 32);
        _demand(asked);
        uint64 due = _now() + WINDOW / 4;
        vm.warp(due - 1);
        vm.expectRevert(abi.encodeWithSelector(IClaims.TooEarly.selector, due));
        claims.refuteUnanswered(asked);
        vm.warp(due);
        vm.expectRevert(abi.encodeWithSelector(IClaims.TooLate.selector, due));
        claims.answer(claim, job, asked, SmallJob.modelPath(), _opening());
        claims.refuteUnanswered(asked);
        assertEq(bonds.credits(carol), PRIZE + DEMAND_FEE);
        assertEq(address(bonds).balance, PRIZE + DEMAND_FEE);
    }

    function test_TheFeeOfADemandComesBackWhenTheClaimFallsOtherwise() public {
        _standing();
        IClaims.Demand memory asked = _asked(0, 0, 0, 1);
        _demand(asked);
        vm.expectRevert();
        claims.reclaim(asked);
        vm.prank(address(games));
        claims.refute(claimId, carl);
        claims.reclaim(asked);
        assertEq(bonds.credits(carol), DEMAND_FEE);
        vm.expectRevert();
        claims.reclaim(asked);
    }

    function test_DemandsAreBounded() public {
        _standing();
        vm.startPrank(carol);
        vm.expectRevert(abi.encodeWithSelector(IClaims.WrongValue.selector, 0, DEMAND_FEE));
        claims.demand(_asked(0, 0, 0, 1));
        vm.expectRevert(abi.encodeWithSelector(IClaims.DemandMalformed.selector, 0));
        claims.demand{ value: DEMAND_FEE }(_asked(0, 0, 0, 0));
        vm.expectRevert(abi.encodeWithSelector(IClaims.DemandMalformed.selector, 33));
        claims.demand{ value: DEMAND_FEE }(_asked(0, 0, 0, 33));
        vm.warp(revealedAt + WINDOW / 2);
        vm.expectRevert(abi.encodeWithSelector(IClaims.TooLate.selector, revealedAt + WINDOW / 2));
        claims.demand{ value: DEMAND_FEE }(_asked(0, 0, 0, 1));
    }

    function test_AHiddenLeafBehindTheEndCanNotBeCoveredUp() public {
        IClaims.TensorPath memory path = SmallJob.modelPath();
        // A model of three tensors whose fourth leaf is not padding.
        path.count = 3;
        path.proof = new bytes32[](2);
        (path.proof[0], path.proof[1]) = (bytes32("hidden"), bytes32("left"));
        bytes32 right = keccak256(abi.encode(path.tensors[0], path.proof[0]));
        path.treeRoot = keccak256(abi.encode(path.proof[1], right));
        claim.result = keccak256(abi.encodePacked(hex"02", path.count, path.treeRoot));
        claimId = _id(claim);
        _standing();
        IClaims.Demand memory asked = _asked(3, 0, 0, 1);
        _demand(asked);
        Opening memory none;
        vm.expectRevert(IGame.DirtyPadding.selector);
        claims.answer(claim, job, asked, path, none);
    }

    function test_OnlyTheDemandedClaimAndItsJobAnswer() public {
        _standing();
        IClaims.Demand memory asked = _asked(0, 0, 3, 1);
        _demand(asked);
        Opening memory opening = Trees.openChunk(SmallJob.model(), 3);
        IClaims.TensorPath memory path = SmallJob.modelPath();
        IClaims.Claim memory other = claim;
        other.uri = "other";
        vm.expectRevert(abi.encodeWithSelector(IClaims.WrongClaim.selector, _id(other), claimId));
        claims.answer(other, job, asked, path, opening);
        IClaims.Job memory wrong = job;
        wrong.kind = 2;
        vm.expectPartialRevert(IClaims.WrongTerms.selector);
        claims.answer(claim, wrong, asked, path, opening);
    }
}
