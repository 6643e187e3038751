// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// The test sets the time itself.
// forge-lint: disable-start(block-timestamp)

import { IERC20Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import { LendingPool } from "contracts/examples/LendingPool.sol";
import { DNN } from "contracts/sdk/DNN.sol";
import { IDNN } from "contracts/sdk/IDNN.sol";
import { ExampleTest } from "tests/contracts/examples/ExampleTest.sol";
import { ScriptedDnn } from "tests/contracts/examples/ScriptedDnn.sol";

/// @title A pool with two borrowers on the bureau's list
abstract contract LendingStage is ExampleTest {
    bytes32 internal constant ARCHITECTURE = keccak256("architecture");
    bytes32 internal constant MODEL = keccak256("model");
    int256 internal constant LEAST_SCORE = 1000;
    int64 internal constant THRESHOLD = 130;
    uint256 internal constant MOST_LOAN = 5 ether;
    uint64 internal constant DURATION = 30 days;
    uint64 internal constant GRACE = 7 days;
    uint256 internal constant REWARD = 0.1 ether;

    address internal immutable LENDER = vm.addr(1);
    address internal immutable ALICE = vm.addr(2);
    address internal immutable BOB = vm.addr(3);

    LendingPool internal pool;

    function _stage() internal {
        _installDnn();
        vm.warp(1_700_000_000);
        (bytes32 root,) = _tree(_entry(ALICE), _entry(BOB));
        LendingPool.Rules memory rules =
            LendingPool.Rules(MOST_LOAN, 0.2e18, DURATION, GRACE, LEAST_SCORE, REWARD);
        IDNN.Property memory property = IDNN.Property("program", "dataset", THRESHOLD);
        pool = new LendingPool(rules, ARCHITECTURE, property, root);
        _scores(ALICE, 0, 1000);
        _scores(BOB, 0, 5000);
    }

    function _train() internal {
        DNN_SYSTEM.result(MODEL, THRESHOLD + 3);
        vm.deal(address(this), REWARD);
        pool.train{ value: REWARD }(_deadline(), "file:///data");
    }

    function _deadline() internal view returns (uint64) {
        return uint64(block.timestamp) + 600;
    }

    function _scores(address borrower, int32 bad, int32 good) internal {
        DNN_SYSTEM.answer(MODEL, _features(borrower), _pair(bad, good));
    }

    function _features(address borrower) internal view returns (int32[] memory) {
        return borrower == ALICE ? _pair(3, -4) : _pair(100, 7);
    }

    function _entry(address borrower) internal view returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(borrower, _features(borrower)))));
    }

    function _proof(address borrower) internal view returns (bytes32[] memory proof) {
        (, proof) = _tree(_entry(borrower), _entry(borrower == ALICE ? BOB : ALICE));
    }

    function _deposit(address lender, uint256 amount) internal returns (uint256) {
        vm.deal(lender, lender.balance + amount);
        vm.prank(lender);
        return pool.deposit{ value: amount }();
    }

    function _borrow(address borrower, uint256 amount) internal {
        (int32[] memory features, bytes32[] memory proof) = (_features(borrower), _proof(borrower));
        vm.prank(borrower);
        pool.borrow(amount, features, proof);
    }

    function _due(address borrower) internal view returns (uint256) {
        (uint256 principal, uint256 interest) = pool.owed(borrower);
        return principal + interest;
    }
}

/// forge-config: default.evm_version = "cancun"
/// forge-config: all.evm_version = "cancun"
contract LendingPoolTest is LendingStage {
    function setUp() public {
        _stage();
    }

    receive() external payable { }

    function test_TheNetworkIsTrainedOnceAndPaid() public {
        vm.deal(address(this), 1 ether);
        uint64 deadline = _deadline();
        vm.expectRevert(abi.encodeWithSelector(DNN.RewardTooSmall.selector, REWARD - 1, REWARD));
        pool.train{ value: REWARD - 1 }(deadline, "file:///data");
        IDNN.Property[] memory wanted = new IDNN.Property[](1);
        wanted[0] = IDNN.Property("program", "dataset", THRESHOLD);
        vm.expectCall(
            address(DNN_SYSTEM),
            REWARD,
            abi.encodeCall(IDNN.train, (ARCHITECTURE, wanted, deadline, "file:///data"))
        );
        _train();
        vm.deal(address(this), REWARD);
        (bytes32 architecture, bytes32 model) = pool.model();
        assertEq(architecture, ARCHITECTURE);
        assertEq(model, MODEL);
        assertEq(address(DNN_SYSTEM).balance, REWARD);
        vm.expectRevert(abi.encodeWithSelector(LendingPool.AlreadyTrained.selector, MODEL));
        pool.train{ value: REWARD }(deadline, "file:///data");
    }

    function test_WhereNobodyTrainsThePoolStaysAsItWas() public {
        DNN_SYSTEM.result(MODEL, THRESHOLD - 1);
        vm.deal(address(this), REWARD);
        (uint64 deadline, uint64 now_) = (_deadline(), uint64(block.timestamp));
        vm.expectPartialRevert(IDNN.NotTrained.selector);
        pool.train{ value: REWARD }(deadline, "file:///data");
        vm.expectRevert(
            abi.encodeWithSelector(IDNN.DeadlineOutside.selector, now_, now_ + 1, now_ + DNN.MOST_SECONDS)
        );
        pool.train{ value: REWARD }(now_, "file:///data");
        assertEq(address(this).balance, REWARD);
        (, bytes32 model) = pool.model();
        assertEq(model, bytes32(0));
        _train();
        (, model) = pool.model();
        assertEq(model, MODEL);
    }

    function test_NobodyBorrowsBeforeTheNetworkIsThere() public {
        _deposit(LENDER, 10 ether);
        (int32[] memory features, bytes32[] memory proof) = (_features(ALICE), _proof(ALICE));
        vm.expectRevert(abi.encodeWithSelector(DNN.NoModel.selector, ARCHITECTURE));
        vm.prank(ALICE);
        pool.borrow(1 ether, features, proof);
    }

    function test_WhoIsTrustedBorrowsAndPaysBackWithInterest() public {
        _train();
        _deposit(LENDER, 10 ether);
        vm.expectEmit(address(pool));
        emit LendingPool.Borrowed(ALICE, 5 ether, LEAST_SCORE);
        _borrow(ALICE, 5 ether);
        assertEq(ALICE.balance, 5 ether);
        assertEq(pool.cash(), 5 ether);
        vm.warp(block.timestamp + 365 days);
        (uint256 principal, uint256 interest) = pool.owed(ALICE);
        assertEq(principal, 5 ether);
        assertEq(interest, 1 ether);
        assertEq(pool.totalAssets(), 11 ether);
        vm.deal(address(this), 7 ether);
        vm.expectRevert(abi.encodeWithSelector(LendingPool.PaysTooLittle.selector, 6 ether - 1, 6 ether));
        pool.repay{ value: 6 ether - 1 }(ALICE);
        pool.repay{ value: 7 ether }(ALICE);
        assertEq(address(this).balance, 1 ether, "what was too much comes back");
        assertEq(pool.cash(), 11 ether);
        assertEq(pool.totalAssets(), 11 ether);
        vm.expectRevert(abi.encodeWithSelector(LendingPool.OwesNothing.selector, ALICE));
        pool.repay{ value: 1 }(ALICE);
        uint256 shares = pool.balanceOf(LENDER);
        vm.prank(LENDER);
        assertGt(pool.withdraw(shares), 11 ether - 1000);
    }

    function test_WhoIsNotTrustedGetsNothing() public {
        _train();
        _deposit(LENDER, 10 ether);
        _scores(ALICE, 1, 1000);
        (int32[] memory features, bytes32[] memory proof) = (_features(ALICE), _proof(ALICE));
        vm.startPrank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(LendingPool.ScoreTooLow.selector, 999, 1000));
        pool.borrow(1 ether, features, proof);
        vm.expectRevert(abi.encodeWithSelector(LendingPool.NotListed.selector, ALICE));
        pool.borrow(1 ether, _features(BOB), proof);
        vm.expectRevert(abi.encodeWithSelector(LendingPool.LoanTooLarge.selector, 5 ether + 1, 5 ether));
        pool.borrow(5 ether + 1, features, proof);
        vm.expectRevert(abi.encodeWithSelector(LendingPool.TooLittle.selector, 0));
        pool.borrow(0, features, proof);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(LendingPool.NotListed.selector, address(this)));
        pool.borrow(1 ether, features, proof);
        assertEq(pool.cash(), 10 ether);
    }

    function test_ANetworkOfOtherOutputsIsRefused() public {
        _train();
        DNN_SYSTEM.answer(MODEL, _features(ALICE), new int32[](3));
        vm.expectRevert(abi.encodeWithSelector(LendingPool.WrongOutputs.selector, 3, 2));
        pool.scoreOf(_features(ALICE));
    }

    function test_OneLoanAtATime() public {
        _train();
        _deposit(LENDER, 10 ether);
        _borrow(ALICE, 1 ether);
        (int32[] memory features, bytes32[] memory proof) = (_features(ALICE), _proof(ALICE));
        vm.expectRevert(abi.encodeWithSelector(LendingPool.OwesAlready.selector, ALICE, 1 ether));
        vm.prank(ALICE);
        pool.borrow(1 ether, features, proof);
        assertEq(pool.lent(), 1 ether);
    }

    function test_LendersWaitForCashThatIsLent() public {
        _train();
        uint256 shares = _deposit(LENDER, 4 ether);
        _borrow(ALICE, 3 ether);
        uint256 worth = pool.worth(shares);
        vm.expectRevert(abi.encodeWithSelector(LendingPool.NotEnoughCash.selector, worth, 1 ether));
        vm.prank(LENDER);
        pool.withdraw(shares);
        _deposit(BOB, 10 ether);
        vm.prank(LENDER);
        assertEq(pool.withdraw(shares), worth);
    }

    function test_NobodyWithdrawsSharesOfOthers() public {
        uint256 shares = _deposit(LENDER, 4 ether);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, ALICE, 0, shares)
        );
        vm.prank(ALICE);
        pool.withdraw(shares);
        assertEq(pool.cash(), 4 ether);
    }

    function test_AnUnpaidLoanIsWrittenOffAndItsBorrowerBarred() public {
        _train();
        _deposit(LENDER, 10 ether);
        _borrow(ALICE, 5 ether);
        uint256 from = block.timestamp + DURATION + GRACE;
        vm.warp(from);
        vm.expectRevert(abi.encodeWithSelector(LendingPool.NotOverdue.selector, from, from));
        pool.writeOff(ALICE);
        vm.warp(from + 1);
        (uint256 principal, uint256 interest) = pool.owed(ALICE);
        vm.expectEmit(address(pool));
        emit LendingPool.WrittenOff(ALICE, principal, interest);
        pool.writeOff(ALICE);
        assertEq(pool.totalAssets(), 5 ether);
        assertEq(pool.lent(), 0);
        (int32[] memory features, bytes32[] memory proof) = (_features(ALICE), _proof(ALICE));
        vm.expectRevert(abi.encodeWithSelector(LendingPool.HasFailed.selector, ALICE));
        vm.prank(ALICE);
        pool.borrow(1 ether, features, proof);
        vm.expectRevert(abi.encodeWithSelector(LendingPool.OwesNothing.selector, ALICE));
        pool.writeOff(ALICE);
    }

    function testFuzz_DepositAndWithdrawalGainNothing(uint96 first, uint96 second, uint32 waited) public {
        _train();
        _deposit(LENDER, bound(first, 1 ether, 1e27));
        _borrow(BOB, 1 ether);
        vm.warp(block.timestamp + waited);
        uint256 amount = bound(second, 2 ether, 1e27);
        uint256 shares = _deposit(BOB, amount);
        uint256 before = BOB.balance;
        vm.prank(BOB);
        pool.withdraw(shares);
        assertLe(BOB.balance - before, amount);
        assertGe(BOB.balance - before, amount - 1e9);
    }

    function testFuzz_AGiftDoesNotTakeTheNextDepositorsMoney(uint96 gift, uint96 amount) public {
        _deposit(ALICE, 1);
        vm.deal(address(pool), address(pool).balance + gift);
        uint256 deposited = bound(amount, 1, type(uint96).max);
        uint256 shares = _deposit(LENDER, deposited);
        assertGe(pool.worth(shares) + 1, deposited);
    }
}

/// @title Lenders and borrowers who do all that they can
contract Lending is LendingStage {
    uint256 public received;
    uint256 public paidOut;
    uint256 public sharePrice;
    bool public shareFell;

    address[3] public people;

    constructor() {
        _stage();
        _train();
        people = [LENDER, ALICE, BOB];
        sharePrice = pool.worth(1e30);
    }

    function deposit(uint256 who, uint256 amount) external {
        amount = bound(amount, 1e9, 20 ether);
        _deposit(people[who % 3], amount);
        received += amount;
        _compare();
    }

    function withdraw(uint256 who, uint256 shares) external {
        address lender = people[who % 3];
        shares = bound(shares, 0, pool.balanceOf(lender));
        uint256 worth = pool.worth(shares);
        bool can = worth != 0 && worth <= pool.cash();
        (bool done,) = _try(lender, 0, abi.encodeCall(LendingPool.withdraw, (shares)));
        assertEq(done, can);
        if (done) paidOut += worth;
        _compare();
    }

    function borrow(uint256 who, uint256 amount) external {
        address borrower = people[1 + who % 2];
        amount = bound(amount, 1, MOST_LOAN);
        (uint256 principal,) = pool.loans(borrower);
        bool can = amount <= pool.cash() && principal == 0 && !pool.failed(borrower);
        bytes memory call =
            abi.encodeCall(LendingPool.borrow, (amount, _features(borrower), _proof(borrower)));
        (bool done,) = _try(borrower, 0, call);
        assertEq(done, can);
        if (done) paidOut += amount;
        _compare();
    }

    function repay(uint256 who) external {
        address borrower = people[1 + who % 2];
        uint256 due = _due(borrower);
        vm.deal(borrower, borrower.balance + due);
        (bool done,) = _try(borrower, due, abi.encodeCall(LendingPool.repay, (borrower)));
        assertEq(done, due != 0);
        received += due;
        _compare();
    }

    function writeOff(uint256 who) external {
        address borrower = people[1 + who % 2];
        (uint256 principal, uint64 since) = pool.loans(borrower);
        (bool done,) = _try(borrower, 0, abi.encodeCall(LendingPool.writeOff, (borrower)));
        assertEq(done, principal != 0 && block.timestamp > since + DURATION + GRACE);
        sharePrice = pool.worth(1e30);
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 20 days));
        _compare();
    }

    function held() external view returns (uint256) {
        return address(pool).balance;
    }

    function cash() external view returns (uint256) {
        return pool.cash();
    }

    function lent() external view returns (uint256) {
        return pool.lent();
    }

    /// @notice What lenders can count on at most, and what there is.
    function books() external view returns (uint256 worth, uint256 assets, uint256 owedByBorrowers) {
        assets = pool.totalAssets();
        worth = pool.worth(pool.totalSupply());
        owedByBorrowers = _due(ALICE) + _due(BOB);
    }

    function principals() external view returns (uint256) {
        (uint256 first,) = pool.loans(ALICE);
        (uint256 second,) = pool.loans(BOB);
        return first + second;
    }

    function _compare() private {
        uint256 price = pool.worth(1e30);
        if (price < sharePrice) shareFell = true;
        sharePrice = price;
    }

    function _try(address from, uint256 value, bytes memory call)
        private
        returns (bool done, bytes memory answer)
    {
        vm.prank(from);
        return address(pool).call{ value: value }(call);
    }
}

/// forge-config: default.evm_version = "cancun"
/// forge-config: all.evm_version = "cancun"
contract LendingPoolInvariantTest is ExampleTest {
    Lending private lending;

    function setUp() public {
        lending = new Lending();
        bytes4[] memory selectors = new bytes4[](6);
        selectors[0] = Lending.deposit.selector;
        selectors[1] = Lending.withdraw.selector;
        selectors[2] = Lending.borrow.selector;
        selectors[3] = Lending.repay.selector;
        selectors[4] = Lending.writeOff.selector;
        selectors[5] = Lending.wait.selector;
        targetContract(address(lending));
        targetSelector(address(lending), selectors);
    }

    function invariant_ThePoolIsSolvent() public view {
        assertEq(lending.held(), lending.cash(), "ether held is the cash");
        assertEq(lending.held(), lending.received() - lending.paidOut(), "ether in = out + held");
        assertEq(lending.lent(), lending.principals(), "what is lent is what borrowers owe");
        (uint256 worth, uint256 assets, uint256 owed) = lending.books();
        assertLe(worth, assets, "shares stand for what is there");
        assertLe(assets, lending.cash() + owed, "interest in the books is owed");
        assertFalse(lending.shareFell(), "a share lost value");
    }
}
