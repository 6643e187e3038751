// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Loans run for days and longer; whoever proposes a block can shift its time by seconds.
// forge-lint: disable-start(block-timestamp)

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { Address } from "@openzeppelin/contracts/utils/Address.sol";
import { MerkleProof } from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { DNN, Model } from "contracts/sdk/DNN.sol";
import { IDNN } from "contracts/sdk/IDNN.sol";

/// @title Example: ether lent without collateral, to whom a network trusts
/// @notice The network is trained inside of a transaction of this contract, for a property on a test set that is fixed at
/// deployment. A credit bureau's list, fixed at deployment by one root, says the features of each borrower. Lenders hold
/// shares (this ERC-20) of the cash, of what is lent, and of the interest so far.
///
/// Safety:
/// - only who the bureau lists, the network scores high enough, owes nothing and never failed to pay can borrow;
/// - ether held is at least `cash`, and the shares never stand for more than cash + lent + interest;
/// - a share's value never falls but by a loan that is written off.
///
/// Liveness:
/// - deposits, repayments and withdrawals of cash that is there ask no network;
/// - `train` is open to everybody, for at least `leastReward`, until there is a network: see IDNN on what waits for it.
///   If nobody trains one in time, it reverts, the reward goes back, and the pool stays as it was;
/// - nobody borrows before the trained network is published, which anybody can do;
/// - an unpaid loan can be written off by anybody after its time and the grace.
contract LendingPool is ERC20 {
    /// @notice What is fixed at deployment about loans.
    struct Rules {
        /// @dev Most wei of a loan.
        uint256 mostLoan;
        /// @dev Interest of a year, in units of 1e-18.
        uint256 yearlyRate;
        /// @dev Seconds until a loan is due.
        uint64 duration;
        /// @dev Seconds from then on until it can be written off.
        uint64 grace;
        /// @dev Least lead of the output for "pays back" over the other one, in the output's units.
        int256 leastScore;
        /// @dev Least wei for training the network.
        uint256 leastReward;
    }

    /// @notice A loan that is not paid back.
    struct Loan {
        uint256 principal;
        uint64 since;
    }

    /// @notice What the network answers: one number for "does not pay back", one for "pays back".
    uint256 public constant OUTPUTS = 2;

    uint256 private constant ONE = 1e18;
    uint256 private constant YEAR = 365 days;

    /// @dev Shares and wei that the pool starts with in its books, so that nobody can make a share cost a fortune.
    uint256 private constant FIRST_SHARES = 1e3;
    uint256 private constant FIRST_WEI = 1;

    /// @notice Root of the OpenZeppelin Merkle tree over (borrower, features).
    bytes32 public immutable BUREAU;

    /// @notice Root of the network's tensor program.
    bytes32 public immutable ARCHITECTURE;

    /// @notice See `Rules`.
    Rules public rules;

    /// @notice What the network must have.
    IDNN.Property public property;

    /// @notice The network; its root is zero before it is trained.
    Model public model;

    /// @notice Wei that can be borrowed or withdrawn.
    uint256 public cash;

    /// @notice Wei that borrowers owe, without interest.
    uint256 public lent;

    /// @dev The sum of principal x start over all loans: interest so far is rate x (lent x now - weightedStarts).
    uint256 private _weightedStarts;

    /// @notice The loan of each borrower.
    mapping(address borrower => Loan) public loans;

    /// @notice Who has failed to pay a loan back.
    mapping(address borrower => bool) public failed;

    /// @notice A lender paid ether in.
    /// @param amount Wei.
    /// @param shares Units of this ERC-20 that it got for them.
    event Deposited(address indexed lender, uint256 amount, uint256 shares);

    /// @notice A lender took ether out.
    /// @param amount Wei.
    /// @param shares Units of this ERC-20 that it gave for them.
    event Withdrawn(address indexed lender, uint256 amount, uint256 shares);

    /// @notice A loan was paid out.
    /// @param amount Wei.
    /// @param score See `scoreOf`.
    event Borrowed(address indexed borrower, uint256 amount, int256 score);

    /// @notice A loan was paid back.
    /// @param principal Wei of the loan.
    /// @param interest Wei besides.
    event Repaid(address indexed borrower, address indexed payer, uint256 principal, uint256 interest);

    /// @notice A loan that was not paid in time is in the books no more.
    /// @param principal Wei of the loan.
    /// @param interest Wei that were owed besides.
    event WrittenOff(address indexed borrower, uint256 principal, uint256 interest);

    /// @notice The network is trained already.
    error AlreadyTrained(bytes32 model);

    /// @notice The amount is zero, or so small that it buys no share or no wei.
    error TooLittle(uint256 amount);

    /// @notice More than the pool has at hand.
    error NotEnoughCash(uint256 wanted, uint256 cash);

    /// @notice More than a loan may be.
    error LoanTooLarge(uint256 amount, uint256 most);

    /// @notice The bureau's list has no such entry.
    error NotListed(address borrower);

    /// @notice The network does not trust the borrower.
    error ScoreTooLow(int256 score, int256 least);

    /// @notice The network answers something else than two numbers.
    error WrongOutputs(uint256 outputs, uint256 expected);

    /// @notice The borrower has a loan.
    error OwesAlready(address borrower, uint256 principal);

    /// @notice The borrower has failed to pay a loan back.
    error HasFailed(address borrower);

    /// @notice The borrower has no loan.
    error OwesNothing(address borrower);

    /// @notice The payment does not cover principal and interest.
    error PaysTooLittle(uint256 paid, uint256 owed);

    /// @notice The loan cannot be written off yet.
    error NotOverdue(uint256 time, uint256 from);

    /// @notice A pool without a network yet.
    constructor(Rules memory rules_, bytes32 architecture, IDNN.Property memory wanted, bytes32 bureau)
        ERC20("Lending pool share", "LEND")
    {
        (rules, ARCHITECTURE, property, BUREAU) = (rules_, architecture, wanted, bureau);
        model.architecture = architecture;
    }

    // --- the network ---

    /// @notice Has the network trained, once. The value is the accountant's reward.
    /// @param deadline The second until which a network has to be shown on L1.
    /// @param uri Where program, data sets and hints can be had.
    function train(uint64 deadline, string calldata uri) external payable {
        require(model.root == 0, AlreadyTrained(model.root));
        require(msg.value >= rules.leastReward, DNN.RewardTooSmall(msg.value, rules.leastReward));
        (model,) = DNN.train(ARCHITECTURE, property, deadline, uri, msg.value);
    }

    // --- for lenders ---

    /// @notice Adds the ether sent to the pool, for shares of the caller.
    function deposit() external payable returns (uint256 shares) {
        shares = Math.mulDiv(msg.value, totalSupply() + FIRST_SHARES, totalAssets() + FIRST_WEI);
        require(shares != 0, TooLittle(msg.value));
        cash += msg.value;
        emit Deposited(msg.sender, msg.value, shares);
        _mint(msg.sender, shares);
    }

    /// @notice Gives shares of the caller back for what they are worth, out of the cash.
    function withdraw(uint256 shares) external returns (uint256 amount) {
        amount = worth(shares);
        require(amount != 0, TooLittle(shares));
        require(amount <= cash, NotEnoughCash(amount, cash));
        cash -= amount;
        emit Withdrawn(msg.sender, amount, shares);
        _burn(msg.sender, shares);
        Address.sendValue(payable(msg.sender), amount);
    }

    // --- for borrowers ---

    /// @notice Lends to the caller, if the network trusts it.
    /// @param amount Wei.
    /// @param features What the bureau says of the caller: the network's input.
    /// @param proof Siblings of the bureau's entry.
    function borrow(uint256 amount, int32[] calldata features, bytes32[] calldata proof) external {
        require(amount != 0, TooLittle(amount));
        require(amount <= rules.mostLoan, LoanTooLarge(amount, rules.mostLoan));
        require(amount <= cash, NotEnoughCash(amount, cash));
        require(!failed[msg.sender], HasFailed(msg.sender));
        uint256 principal = loans[msg.sender].principal;
        require(principal == 0, OwesAlready(msg.sender, principal));
        bytes32 entry = keccak256(bytes.concat(keccak256(abi.encode(msg.sender, features))));
        require(MerkleProof.verifyCalldata(proof, BUREAU, entry), NotListed(msg.sender));
        int256 score = scoreOf(features);
        require(score >= rules.leastScore, ScoreTooLow(score, rules.leastScore));
        loans[msg.sender] = Loan(amount, uint64(block.timestamp));
        cash -= amount;
        lent += amount;
        _weightedStarts += amount * block.timestamp;
        emit Borrowed(msg.sender, amount, score);
        Address.sendValue(payable(msg.sender), amount);
    }

    /// @notice Pays a loan back with its interest, whoever's it is; what is sent beyond comes back to the caller.
    function repay(address borrower) external payable {
        (uint256 principal, uint256 interest) = owed(borrower);
        require(principal != 0, OwesNothing(borrower));
        uint256 due = principal + interest;
        require(msg.value >= due, PaysTooLittle(msg.value, due));
        _close(borrower, principal);
        cash += due;
        emit Repaid(borrower, msg.sender, principal, interest);
        if (msg.value > due) Address.sendValue(payable(msg.sender), msg.value - due);
    }

    /// @notice Takes a loan that was not paid in time out of the books; the borrower never gets another one.
    function writeOff(address borrower) external {
        (uint256 principal, uint256 interest) = owed(borrower);
        require(principal != 0, OwesNothing(borrower));
        uint256 from = uint256(loans[borrower].since) + rules.duration + rules.grace;
        require(block.timestamp > from, NotOverdue(block.timestamp, from));
        failed[borrower] = true;
        _close(borrower, principal);
        emit WrittenOff(borrower, principal, interest);
    }

    // --- views ---

    /// @notice By how much the network's output for "pays back" leads the other one, in the output's units.
    function scoreOf(int32[] calldata features) public view returns (int256) {
        int32[] memory outputs = DNN.infer(model, features);
        require(outputs.length == OUTPUTS, WrongOutputs(outputs.length, OUTPUTS));
        return int256(outputs[1]) - int256(outputs[0]);
    }

    /// @notice What a borrower owes now; interest is rounded up.
    function owed(address borrower) public view returns (uint256 principal, uint256 interest) {
        Loan memory loan = loans[borrower];
        uint256 weighted = loan.principal * (block.timestamp - loan.since);
        interest = Math.mulDiv(weighted, rules.yearlyRate, YEAR * ONE, Math.Rounding.Ceil);
        principal = loan.principal;
    }

    /// @notice Cash, what is lent, and the interest on it until now, rounded down.
    function totalAssets() public view returns (uint256) {
        uint256 weighted = lent * block.timestamp - _weightedStarts;
        return cash + lent + Math.mulDiv(weighted, rules.yearlyRate, YEAR * ONE);
    }

    /// @notice Wei that so many shares are worth now, rounded down.
    function worth(uint256 shares) public view returns (uint256) {
        return Math.mulDiv(shares, totalAssets() + FIRST_WEI, totalSupply() + FIRST_SHARES);
    }

    // --- internal ---

    /// @dev Takes a borrower's loan out of the sums.
    function _close(address borrower, uint256 principal) private {
        lent -= principal;
        _weightedStarts -= principal * loans[borrower].since;
        delete loans[borrower];
    }
}
