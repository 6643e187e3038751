// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { LibZip } from "solady/utils/LibZip.sol";
import { IBonds } from "contracts/interfaces/IBonds.sol";
import { IClaimArbiter } from "contracts/interfaces/IClaimArbiter.sol";
import { IClaims } from "contracts/interfaces/IClaims.sol";
import { IGame } from "contracts/interfaces/IGame.sol";
import { IInbox } from "contracts/interfaces/IInbox.sol";
import { ISeals } from "contracts/interfaces/ISeals.sol";
import { ITensorArbiter } from "contracts/interfaces/ITensorArbiter.sol";
import { Deploy } from "tests/contracts/Deploy.sol";
import { SmallJob } from "tests/contracts/handlers/SmallJob.sol";
import { Trees } from "tests/contracts/handlers/Trees.sol";
import { Test } from "tests/contracts/Vm.sol";

/// @title All contracts, deployed as they are on L1, with one posted job
abstract contract Arena is Test {
    using SmallJob for *;

    uint64 internal constant WINDOW = 1000;
    uint64 internal constant CLOCK = 400;
    uint64 internal constant REVEAL_WINDOW = 100;
    uint256 internal constant CLAIM_BOND = 10 ether;
    uint256 internal constant CHALLENGE_BOND = 1 ether;
    uint256 internal constant DEMAND_FEE = 0.1 ether;
    uint256 internal constant PRIZE = 4 ether;
    uint256 internal constant FORCE_FEE = 0.01 ether;
    uint64 internal constant FORCE_DELAY = 50;
    uint64 internal constant FORCE_TIMEOUT = 200;
    uint256 internal constant SEQUENCER_KEY = 0xA11CE;
    address internal constant GRAVE = 0x000000000000000000000000000000000000dEaD;

    IBonds internal bonds;
    IInbox internal inbox;
    IClaims internal claims;
    IGame internal games;
    ITensorArbiter internal tensorArbiter;
    IClaimArbiter internal claimArbiter;

    address internal sequencer = vm.addr(SEQUENCER_KEY);
    address internal ledgerClaims = address(0x1ED6E5);
    address internal alice = address(0xA1); // accountant
    address internal carol = address(0xC1); // challenger
    address internal carl = address(0xC2); // another one

    bytes internal orderRecord;
    IInbox.Batch internal batch;
    uint64 internal deadline;

    function _deploy() internal {
        vm.warp(1_000_000);
        vm.roll(100);
        uint256 nonce = vm.getNonce(address(this));
        address[6] memory addresses;
        for (uint256 i; i < 6; ++i) {
            addresses[i] = vm.computeCreateAddress(address(this), nonce + i);
        }
        IClaims.Rules memory rules = _rules();
        bonds = Deploy.bonds(addresses[1], addresses[2], addresses[3], ledgerClaims);
        inbox = Deploy.inbox(_inboxRules(), IBonds(addresses[0]), addresses[2], ledgerClaims);
        claims = Deploy.claims(rules, IBonds(addresses[0]), IInbox(addresses[1]), addresses[3], addresses[5]);
        games = Deploy.game(
            rules,
            IBonds(addresses[0]),
            IClaims(addresses[2]),
            ITensorArbiter(addresses[4]),
            IClaimArbiter(addresses[5])
        );
        tensorArbiter = Deploy.tensorArbiter();
        claimArbiter = Deploy.claimArbiter(inbox, IClaims(addresses[2]), ITensorArbiter(addresses[4]));
        deadline = _now() + 5000;
        _postJob();
        address[3] memory rich = [alice, carol, carl];
        for (uint256 i; i < 3; ++i) {
            vm.deal(rich[i], 1000 ether);
        }
    }

    function _rules() internal pure returns (IClaims.Rules memory) {
        return IClaims.Rules({
            window: WINDOW,
            clock: CLOCK,
            revealWindow: REVEAL_WINDOW,
            settlement: WINDOW + 2 * CLOCK + REVEAL_WINDOW,
            claimBond: CLAIM_BOND,
            challengeBond: CHALLENGE_BOND,
            demandFee: DEMAND_FEE,
            prizeShareBps: 4000
        });
    }

    function _inboxRules() internal view returns (IInbox.Rules memory) {
        return IInbox.Rules(210_614_763, sequencer, FORCE_DELAY, FORCE_TIMEOUT, FORCE_FEE, 5000);
    }

    // --- the job and claims about it ---

    function _job() internal view returns (IClaims.Job memory job) {
        job.kind = 1;
        job.architecture = keccak256("architecture");
        job.properties = new IClaims.Property[](1);
        job.properties[0] = IClaims.Property(SmallJob.programRoot(), SmallJob.datasetRoot(), -1_000_000);
        job.deadline = deadline;
        job.uri = "https://example.org/job";
    }

    /// @dev The order's record: a type 2 transaction to the DNN address.
    function _orderRecord(IClaims.Job memory job) internal pure returns (bytes memory) {
        bytes4 selector =
            bytes4(keccak256("order((uint8,bytes32,bytes32,(bytes32,bytes32,int64)[],uint64,string))"));
        bytes memory data = bytes.concat(selector, abi.encode(job));
        bytes memory head = abi.encodePacked(uint8(2 | 8), keccak256("r"), keccak256("s"), address(0xA4e));
        bytes memory numbers = hex"0002520803aabbcc0101050102030405";
        return bytes.concat(head, numbers, LibZip.cdCompress(data));
    }

    function _postJob() private {
        orderRecord = _orderRecord(_job());
        bytes32[] memory leaves = new bytes32[](2);
        leaves[0] = keccak256("some other record");
        leaves[1] = keccak256(orderRecord);
        bytes32 root = Trees.root(leaves);
        bytes32 previous = inbox.commitments(0);
        vm.prank(sequencer);
        inbox.postCalldata(previous, root, 2, 0, "bytes");
        batch = IInbox.Batch(1, previous, root, 2, keccak256("bytes"), 0);
    }

    /// @dev A claim about the job; a lie in sample 1 changes its score, and nothing else.
    function _claim(address claimant, SmallJob.Lie memory lie)
        internal
        view
        returns (IClaims.Claim memory claim)
    {
        claim.claimant = claimant;
        claim.batch = 1;
        claim.batchCommitment = inbox.commitments(1);
        claim.index = 1;
        claim.transaction = keccak256(orderRecord);
        claim.terms = keccak256(abi.encode(_job()));
        claim.result = SmallJob.modelRoot();
        claim.scores = new IClaims.Scores[](1);
        int64[] memory scores = _scores(lie);
        int64 sum;
        for (uint256 i; i < scores.length; ++i) {
            sum += scores[i];
        }
        bytes32 top = Trees.scoreNodes(scores, Trees.depthOf(scores.length))[0].hash;
        claim.scores[0] = IClaims.Scores(uint32(scores.length), sum, top);
        claim.uri = "https://example.org/result";
    }

    /// @dev What `kept = claim` means; the compiler writes it over the intermediate representation only.
    function _store(IClaims.Claim storage kept, IClaims.Claim memory claim) internal {
        (kept.claimant, kept.batch, kept.batchCommitment) =
        (claim.claimant, claim.batch, claim.batchCommitment);
        (kept.index, kept.transaction, kept.terms) = (claim.index, claim.transaction, claim.terms);
        (kept.result, kept.uri) = (claim.result, claim.uri);
        delete kept.scores;
        for (uint256 i; i < claim.scores.length; ++i) {
            kept.scores.push(claim.scores[i]);
        }
    }

    /// @dev What `kept = job` means.
    function _store(IClaims.Job storage kept, IClaims.Job memory job) internal {
        (kept.kind, kept.architecture, kept.model) = (job.kind, job.architecture, job.model);
        (kept.deadline, kept.uri) = (job.deadline, job.uri);
        delete kept.properties;
        for (uint256 i; i < job.properties.length; ++i) {
            kept.properties.push(job.properties[i]);
        }
    }

    function _scores(SmallJob.Lie memory lie) internal pure returns (int64[] memory scores) {
        scores = new int64[](SmallJob.SAMPLES);
        for (uint32 i; i < scores.length; ++i) {
            SmallJob.Lie memory none;
            scores[i] = SmallJob.score(i, i == 1 ? lie : none);
        }
    }

    function _commit(IClaims.Claim memory claim, bytes32 salt) internal returns (bytes32 commitment) {
        commitment = keccak256(abi.encode(_id(claim), salt));
        vm.prank(claim.claimant);
        claims.commit{ value: CLAIM_BOND }(commitment);
    }

    function _stand(IClaims.Claim memory claim) internal returns (bytes32 claimId) {
        _commit(claim, "salt");
        _nextBlock();
        vm.prank(claim.claimant);
        claimId = claims.reveal(claim, _job(), "salt");
    }

    function _id(IClaims.Claim memory claim) internal pure returns (bytes32) {
        return keccak256(abi.encode(claim));
    }

    function _state(bytes32 claimId) internal view returns (IClaims.State) {
        return claims.status(claimId).state;
    }

    function _honest() internal pure returns (SmallJob.Lie memory none) { }

    function _lie() internal pure returns (SmallJob.Lie memory) {
        return SmallJob.Lie(SmallJob.ADD, 77, 5);
    }

    // --- sealed calls ---

    function _seal(address sender, bytes memory call) internal {
        _seal(claims, sender, call);
    }

    function _seal(ISeals register, address sender, bytes memory call) internal {
        vm.prank(sender);
        register.seal(keccak256(abi.encode(sender, keccak256(call))));
        _nextBlock();
    }

    function _sealed(address sender, address target, bytes memory call) internal {
        _seal(sender, call);
        vm.prank(sender);
        (bool done, bytes memory why) = target.call(call);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(why, 0x20), mload(why))
            }
        }
    }

    // --- the block ---
    // The optimizer takes TIMESTAMP and NUMBER for constants of a call and reads them once, so tests ask forge.

    function _now() internal view returns (uint64) {
        return uint64(vm.getBlockTimestamp());
    }

    function _nextBlock() internal {
        vm.roll(vm.getBlockNumber() + 1);
    }

    // --- money ---

    function _inGrave() internal view returns (uint256) {
        return GRAVE.balance;
    }
}
