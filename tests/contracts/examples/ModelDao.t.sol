// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Short literals: nothing is cut off.
// forge-lint: disable-start(unsafe-typecast)

import { ModelDao } from "contracts/examples/ModelDao.sol";
import { DNN } from "contracts/sdk/DNN.sol";
import { IDNN } from "contracts/sdk/IDNN.sol";
import { ExampleTest } from "tests/contracts/examples/ExampleTest.sol";

/// @title A DAO of five members, three of whom make a quorum
abstract contract DaoStage is ExampleTest {
    bytes32 internal constant ARCHITECTURE = keccak256("architecture");
    uint64 internal constant VOTING = 3 days;
    uint64 internal constant EXECUTION = 2 days;
    uint64 internal constant TRAINING = 15 minutes;
    uint256 internal constant REWARD = 0.1 ether;
    uint256 internal constant MEMBERS = 5;

    ModelDao internal dao;

    function _stage() internal {
        _installDnn();
        vm.warp(1_700_000_000);
        address[] memory members = new address[](MEMBERS);
        for (uint256 i; i < MEMBERS; ++i) {
            members[i] = _member(i);
        }
        vm.deal(address(this), 1 ether);
        ModelDao.Rules memory rules = ModelDao.Rules(VOTING, EXECUTION, TRAINING, 3, REWARD);
        dao = new ModelDao{ value: 1 ether }(rules, members, ARCHITECTURE, "program", "test set");
    }

    function _member(uint256 index) internal pure returns (address) {
        return vm.addr(index + 1);
    }

    function _propose(int64 threshold) internal returns (uint256) {
        vm.prank(_member(0));
        return dao.propose(threshold, REWARD, "file:///data");
    }

    function _vote(uint256 id, uint256 yes, uint256 no) internal {
        for (uint256 i; i < yes + no; ++i) {
            vm.prank(_member(i));
            dao.vote(id, i < yes);
        }
    }

    function _accepted(int64 threshold) internal returns (uint256 id) {
        id = _propose(threshold);
        _vote(id, 3, 0);
        vm.warp(block.timestamp + VOTING + 1);
    }

    function _inState(uint256 id, ModelDao.State found, ModelDao.State needed)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSelector(ModelDao.InState.selector, id, found, needed);
    }

    function _root() internal view returns (bytes32 root) {
        (, root) = dao.model();
    }
}

/// forge-config: default.evm_version = "cancun"
/// forge-config: all.evm_version = "cancun"
contract ModelDaoTest is DaoStage {
    function setUp() public {
        _stage();
    }

    function test_AnAcceptedModelIsTrainedPaidAndUsed() public {
        uint256 id = _accepted(-100);
        IDNN.Property[] memory wanted = new IDNN.Property[](1);
        wanted[0] = IDNN.Property("program", "test set", -100);
        DNN_SYSTEM.result("first", -90);
        uint64 deadline = uint64(block.timestamp) + TRAINING;
        vm.expectCall(
            address(DNN_SYSTEM),
            REWARD,
            abi.encodeCall(IDNN.train, (ARCHITECTURE, wanted, deadline, "file:///data"))
        );
        vm.expectEmit(address(dao));
        emit ModelDao.Switched(id, "first", -90);
        dao.execute(id);
        assertEq(_root(), bytes32("first"));
        assertEq(dao.score(), int256(-90));
        assertEq(dao.treasury(), 1 ether - REWARD);
        DNN_SYSTEM.answer("first", _pair(1, 2), _pair(3, 4));
        assertEq(int256(dao.ask(_pair(1, 2))[1]), int256(4));
        vm.expectRevert(_inState(id, ModelDao.State.Executed, ModelDao.State.Accepted));
        dao.execute(id);
    }

    function test_OnlyABetterModelReplacesTheCurrentOne() public {
        uint256 slow = _accepted(-95);
        uint256 first = _accepted(-100);
        DNN_SYSTEM.result("first", -95);
        dao.execute(first);
        vm.expectRevert(abi.encodeWithSelector(ModelDao.NotBetter.selector, int64(-95), int64(-95)));
        _propose(-95);
        vm.expectRevert(_inState(slow, ModelDao.State.Expired, ModelDao.State.Accepted));
        dao.execute(slow);
        uint256 second = _accepted(-94);
        DNN_SYSTEM.result("second", -10);
        dao.execute(second);
        assertEq(_root(), bytes32("second"));
        assertEq(dao.score(), int256(-10));
    }

    function test_AProposalWhoseModelNobodyTrainsHasFailed() public {
        uint256 first = _accepted(-100);
        DNN_SYSTEM.result("first", -95);
        dao.execute(first);
        uint256 second = _accepted(-94);
        DNN_SYSTEM.result("worse", -95);
        vm.expectEmit(address(dao));
        emit ModelDao.Failed(second, -94);
        dao.execute(second);
        assertTrue(dao.stateOf(second) == ModelDao.State.Failed);
        assertEq(_root(), bytes32("first"));
        assertEq(dao.treasury(), 1 ether - REWARD);
        assertEq(address(dao).balance, 1 ether - REWARD);
        DNN_SYSTEM.result("second", -10);
        vm.expectRevert(_inState(second, ModelDao.State.Failed, ModelDao.State.Accepted));
        dao.execute(second);
        dao.execute(_accepted(-94));
        assertEq(_root(), bytes32("second"));
    }

    /// @dev Whoever executes chooses the gas: a training that has too little of it must not end the proposal.
    function testFuzz_NoAmountOfGasMakesAProposalFail(uint256 gas) public {
        uint256 id = _accepted(-100);
        DNN_SYSTEM.result("first", -95);
        (bool done,) =
            address(dao).call{ gas: bound(gas, 1000, 300_000) }(abi.encodeCall(ModelDao.execute, (id)));
        assertTrue(dao.stateOf(id) == (done ? ModelDao.State.Executed : ModelDao.State.Accepted));
    }

    function test_AProposalThatAnotherOneHasOvertakenIsNotExecuted() public {
        uint256 late = _propose(-95);
        uint256 early = _propose(-100);
        _vote(late, 3, 0);
        _vote(early, 3, 0);
        vm.warp(block.timestamp + VOTING + 1);
        DNN_SYSTEM.result("early", -50);
        dao.execute(early);
        vm.expectRevert(abi.encodeWithSelector(ModelDao.NotBetter.selector, int64(-95), int64(-50)));
        dao.execute(late);
        assertEq(dao.treasury(), 1 ether - REWARD);
    }

    function test_NobodyVotesTwice() public {
        uint256 id = _propose(1);
        vm.startPrank(_member(2));
        dao.vote(id, true);
        vm.expectRevert(abi.encodeWithSelector(ModelDao.VotedAlready.selector, id, _member(2)));
        dao.vote(id, false);
        vm.stopPrank();
        (,, uint32 yes, uint32 no,,,) = dao.proposals(id);
        assertEq(uint256(yes), 1);
        assertEq(uint256(no), 0);
    }

    function test_OnlyMembersProposeAndVote() public {
        uint256 id = _propose(1);
        vm.expectRevert(abi.encodeWithSelector(ModelDao.NotAMember.selector, address(this)));
        dao.vote(id, true);
        vm.expectRevert(abi.encodeWithSelector(ModelDao.NotAMember.selector, address(this)));
        dao.propose(1, REWARD, "");
    }

    function test_VotesEndAndDecisionsExpire() public {
        uint256 id = _propose(1);
        _vote(id, 3, 0);
        vm.expectRevert(_inState(id, ModelDao.State.Voting, ModelDao.State.Accepted));
        dao.execute(id);
        vm.warp(block.timestamp + VOTING + 1);
        vm.expectRevert(_inState(id, ModelDao.State.Accepted, ModelDao.State.Voting));
        vm.prank(_member(4));
        dao.vote(id, true);
        vm.warp(block.timestamp + EXECUTION);
        vm.expectRevert(_inState(id, ModelDao.State.Expired, ModelDao.State.Accepted));
        dao.execute(id);
        vm.expectRevert(_inState(7, ModelDao.State.Unknown, ModelDao.State.Accepted));
        dao.execute(7);
    }

    function testFuzz_AQuorumAndAMajorityDecide(uint256 yes, uint256 no) public {
        yes = bound(yes, 0, MEMBERS);
        no = bound(no, 0, MEMBERS - yes);
        uint256 id = _propose(1);
        _vote(id, yes, no);
        vm.warp(block.timestamp + VOTING + 1);
        bool accepted = yes + no >= 3 && yes > no;
        ModelDao.State expected = accepted ? ModelDao.State.Accepted : ModelDao.State.Rejected;
        assertEq(uint256(dao.stateOf(id)), uint256(expected));
    }

    function test_AProposalThatCannotWorkIsRefused() public {
        vm.startPrank(_member(0));
        vm.expectRevert(abi.encodeWithSelector(DNN.RewardTooSmall.selector, REWARD - 1, REWARD));
        dao.propose(1, REWARD - 1, "");
        vm.expectRevert(abi.encodeWithSelector(ModelDao.UriTooLong.selector, 513, 512));
        dao.propose(1, REWARD, string(new bytes(513)));
        vm.expectRevert(abi.encodeWithSelector(ModelDao.NotBetter.selector, type(int64).min, type(int64).min));
        dao.propose(type(int64).min, REWARD, "");
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(DNN.NoModel.selector, ARCHITECTURE));
        dao.ask(_pair(1, 2));
    }

    function test_ATreasuryThatIsTooSmallPaysNothing() public {
        vm.prank(_member(0));
        uint256 id = dao.propose(1, 2 ether, "");
        _vote(id, 3, 0);
        vm.warp(block.timestamp + VOTING + 1);
        DNN_SYSTEM.result("model", 1);
        vm.expectRevert(abi.encodeWithSelector(ModelDao.TreasuryTooSmall.selector, 2 ether, 1 ether));
        dao.execute(id);
        vm.deal(address(this), 1 ether);
        (bool funded,) = address(dao).call{ value: 1 ether }("");
        assertTrue(funded);
        dao.execute(id);
        assertEq(dao.treasury(), 0);
        assertEq(address(DNN_SYSTEM).balance, 2 ether);
    }

    function test_ADaoNeedsMembersAndAReachableQuorum() public {
        address[] memory members = new address[](2);
        (members[0], members[1]) = (_member(0), _member(0));
        vm.expectRevert(abi.encodeWithSelector(ModelDao.MemberTwice.selector, _member(0)));
        new ModelDao(ModelDao.Rules(1, 1, 1, 1, 0), members, ARCHITECTURE, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(ModelDao.QuorumOutside.selector, 3, 2));
        new ModelDao(ModelDao.Rules(1, 1, 1, 3, 0), members, ARCHITECTURE, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(ModelDao.QuorumOutside.selector, 0, 2));
        new ModelDao(ModelDao.Rules(1, 1, 1, 0, 0), members, ARCHITECTURE, 0, 0);
        for (uint64 time = 0; time < 7202; time += 3601) {
            vm.expectRevert(abi.encodeWithSelector(ModelDao.TrainingOutside.selector, time, DNN.MOST_SECONDS));
            new ModelDao(ModelDao.Rules(1, 1, time, 1, 0), members, ARCHITECTURE, 0, 0);
        }
    }
}

/// @title Members who do all that they can, while time goes by
contract Assembly is DaoStage {
    uint256 public received = 1 ether;
    uint256 public rewards;
    bool public becameWorse;
    mapping(uint256 id => uint256) public executions;

    constructor() {
        _stage();
    }

    function fund(uint256 amount) external {
        amount = bound(amount, 1, 1 ether);
        vm.deal(address(this), amount);
        (bool funded,) = address(dao).call{ value: amount }("");
        assertTrue(funded);
        received += amount;
    }

    function propose(uint256 who, int64 threshold, uint256 reward) external {
        threshold = int64(boundInt(threshold, -1000, 1000));
        reward = bound(reward, REWARD, 1 ether);
        bool can = threshold > dao.score();
        assertEq(_try(who, abi.encodeCall(ModelDao.propose, (threshold, reward, ""))), can);
    }

    /// @dev Three members vote alike, as a party does.
    function vote(uint256 who, uint256 back, bool yes) external {
        uint256 id = _recent(back);
        bool voting = dao.stateOf(id) == ModelDao.State.Voting;
        for (uint256 i = who % MEMBERS; i < who % MEMBERS + 3; ++i) {
            bool can = voting && !dao.hasVoted(id, _member(i % MEMBERS));
            assertEq(_try(i, abi.encodeCall(ModelDao.vote, (id, yes))), can);
        }
    }

    function execute(uint256 back, uint256 more) external {
        uint256 id = _recent(back);
        (int64 threshold,,,,, uint256 reward,) = dao.proposals(id);
        int64 before = dao.score();
        int64 reached = threshold + int64(uint64(bound(more, 0, 10))) - 3;
        DNN_SYSTEM.result(bytes32(id), reached);
        bool can = dao.stateOf(id) == ModelDao.State.Accepted && threshold > before;
        can = can && reward <= dao.treasury();
        assertEq(_try(0, abi.encodeCall(ModelDao.execute, (id))), can);
        if (!can) return;
        if (reached < threshold) {
            if (dao.score() != before || dao.stateOf(id) != ModelDao.State.Failed) becameWorse = true;
            return;
        }
        rewards += reward;
        ++executions[id];
        if (dao.score() <= before || _root() != bytes32(id)) becameWorse = true;
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1 hours, 2 days));
    }

    function books() external view returns (uint256 held, uint256 treasury, uint256 paid) {
        return (address(dao).balance, dao.treasury(), address(DNN_SYSTEM).balance);
    }

    function executedTwice() external view returns (bool) {
        for (uint256 id; id <= dao.proposalCount(); ++id) {
            if (executions[id] > 1) return true;
        }
        return false;
    }

    function miscounted() external view returns (bool) {
        for (uint256 id = 1; id <= dao.proposalCount(); ++id) {
            uint256 voters;
            for (uint256 i; i < MEMBERS; ++i) {
                if (dao.hasVoted(id, _member(i))) ++voters;
            }
            (,, uint32 yes, uint32 no,,,) = dao.proposals(id);
            if (uint256(yes) + no != voters) return true;
        }
        return false;
    }

    /// @dev One of the latest four proposals; 0 is none.
    function _recent(uint256 back) private view returns (uint256) {
        uint256 latest = dao.proposalCount();
        return latest - bound(back, 0, latest < 3 ? latest : 3);
    }

    function _try(uint256 who, bytes memory call) private returns (bool done) {
        vm.prank(_member(who % MEMBERS));
        (done,) = address(dao).call(call);
    }
}

/// forge-config: default.evm_version = "cancun"
/// forge-config: all.evm_version = "cancun"
contract ModelDaoInvariantTest is ExampleTest {
    Assembly private assembly_;

    function setUp() public {
        assembly_ = new Assembly();
        bytes4[] memory selectors = new bytes4[](5);
        selectors[0] = Assembly.fund.selector;
        selectors[1] = Assembly.propose.selector;
        selectors[2] = Assembly.vote.selector;
        selectors[3] = Assembly.execute.selector;
        selectors[4] = Assembly.wait.selector;
        targetContract(address(assembly_));
        targetSelector(address(assembly_), selectors);
    }

    /// forge-config: all.invariant.runs = 32
    /// forge-config: all.invariant.depth = 64
    function invariant_TheTreasuryPaysForBetterModelsAlone() public view {
        (uint256 held, uint256 treasury, uint256 paid) = assembly_.books();
        assertEq(held, treasury, "ether held is the treasury");
        assertEq(paid, assembly_.rewards(), "what left are rewards");
        assertEq(held, assembly_.received() - assembly_.rewards(), "ether in = out + held");
        assertFalse(assembly_.becameWorse(), "a model was replaced by one that is no better");
        assertFalse(assembly_.executedTwice(), "a proposal was executed twice");
        assertFalse(assembly_.miscounted(), "votes are not members");
    }
}
