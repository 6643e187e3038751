// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Votes last for minutes and longer; whoever proposes a block can shift its time by seconds.
// forge-lint: disable-start(block-timestamp)

import { DNN, Model } from "contracts/sdk/DNN.sol";
import { IDNN } from "contracts/sdk/IDNN.sol";

/// @title Example: members who own a network together, and vote on its retraining
/// @notice The members, the tensor program, the score program and the test set are fixed at deployment. A proposal asks for
/// a model that scores more on the test set than the current one does; accepted, it is trained inside of the
/// transaction that executes it, paid from the treasury, and it replaces the current model.
///
/// Safety:
/// - the current model only changes for one whose score on the same test set is higher: that is final on L1;
/// - a proposal is executed at most once, between its end and its expiry, with a quorum and a majority;
/// - ether held = ether received - rewards of executed proposals, at all times (ether that was forced in besides): one
///   whose model nobody has trained pays nothing.
///
/// Liveness:
/// - a member that does nothing stops nothing: a quorum of the others decides;
/// - an execution waits until somebody has trained such a model, and all later calls of this contract with it. If nobody
///   has in time, the proposal has failed, and the model stays: members should accept no threshold above what one of
///   them has reached;
/// - a new model answers once somebody has published it, which anybody can do.
contract ModelDao {
    /// @notice What is fixed at deployment about votes.
    struct Rules {
        /// @dev Seconds in which members can vote.
        uint64 voting;
        /// @dev Seconds from then on in which an accepted proposal can be executed.
        uint64 execution;
        /// @dev Seconds that accountants have from the execution on, to train and to show a model.
        uint64 training;
        /// @dev Least number of votes.
        uint32 quorum;
        /// @dev Least wei for a training.
        uint256 leastReward;
    }

    /// @notice A wish for a better model.
    struct Proposal {
        /// @dev Least sum of the scores over the test set.
        int64 threshold;
        /// @dev Time of the last vote.
        uint64 closes;
        uint32 yes;
        uint32 no;
        /// @dev `Executed` or `Failed`; `Unknown` before.
        State outcome;
        /// @dev Wei for the accountant.
        uint256 reward;
        /// @dev Where artifacts and hints can be had.
        string uri;
    }

    /// @notice What becomes of a proposal.
    enum State {
        Unknown,
        Voting,
        Rejected,
        Accepted,
        Executed,
        Expired,
        Failed
    }

    /// @notice Most bytes of a URI: the system contract takes no longer ones.
    uint256 public constant MOST_URI_BYTES = 512;

    /// @notice Root of the tensor program.
    bytes32 public immutable ARCHITECTURE;

    /// @notice Root of the score program.
    bytes32 public immutable SCORE_PROGRAM;

    /// @notice Root of the data set that decides which model is better.
    bytes32 public immutable TEST_SET;

    /// @notice See `Rules`.
    Rules public rules;

    /// @notice Who votes.
    mapping(address account => bool) public isMember;

    /// @notice How many there are.
    uint32 public memberCount;

    /// @notice The current model; its root is zero before the first one.
    Model public model;

    /// @notice The current model's score on the test set; the least int64 before the first one.
    int64 public score = type(int64).min;

    /// @notice Wei for rewards.
    uint256 public treasury;

    /// @notice How many proposals there are; they are numbered from 1.
    uint256 public proposalCount;

    /// @notice Each proposal.
    mapping(uint256 id => Proposal) public proposals;

    /// @notice Who has voted on what.
    mapping(uint256 id => mapping(address member => bool)) public hasVoted;

    /// @notice An account became a member.
    event Joined(address indexed member);

    /// @notice The treasury got ether.
    /// @param amount Wei.
    event Funded(address indexed from, uint256 amount);

    /// @notice A member asked for a better model.
    /// @param threshold Least sum of the scores over the test set.
    /// @param reward Wei for the accountant.
    /// @param closes Time of the last vote, in seconds since 1970.
    /// @param uri Where artifacts and hints can be had.
    event Proposed(
        uint256 indexed id, address indexed member, int64 threshold, uint256 reward, uint64 closes, string uri
    );

    /// @notice A member voted.
    event Voted(uint256 indexed id, address indexed member, bool yes);

    /// @notice An accepted proposal's model is trained and paid.
    /// @param reward Wei for the accountant.
    event Executed(uint256 indexed id, uint256 reward);

    /// @notice Nobody has trained an accepted proposal's model in time.
    /// @param threshold Least sum of the scores over the test set.
    event Failed(uint256 indexed id, int64 threshold);

    /// @notice The current model is another one.
    /// @param model Its root.
    /// @param score Sum of its scores over the test set.
    event Switched(uint256 indexed id, bytes32 indexed model, int64 score);

    /// @notice The caller is no member.
    error NotAMember(address caller);

    /// @notice Listed twice.
    error MemberTwice(address member);

    /// @notice More votes are needed than there are members, or none.
    error QuorumOutside(uint256 quorum, uint256 members);

    /// @notice Accountants would have no time, or more than they may have.
    error TrainingOutside(uint64 time, uint64 most);

    /// @notice The threshold does not ask for a better model.
    error NotBetter(int64 threshold, int64 score);

    /// @notice The URI is too long.
    error UriTooLong(uint256 length, uint256 most);

    /// @notice The proposal is in another state than the call needs.
    error InState(uint256 id, State found, State needed);

    /// @notice The member has voted.
    error VotedAlready(uint256 id, address member);

    /// @notice The treasury does not cover the reward.
    error TreasuryTooSmall(uint256 reward, uint256 treasury);

    /// @notice For members alone.
    modifier onlyMember() {
        _requireMember();
        _;
    }

    /// @notice A DAO without a model yet; ether sent along is the treasury's.
    constructor(
        Rules memory rules_,
        address[] memory members,
        bytes32 architecture,
        bytes32 scoreProgram,
        bytes32 testSet
    ) payable {
        require(
            rules_.quorum != 0 && rules_.quorum <= members.length,
            QuorumOutside(rules_.quorum, members.length)
        );
        uint64 training = rules_.training;
        require(training != 0 && training <= DNN.MOST_SECONDS, TrainingOutside(training, DNN.MOST_SECONDS));
        (rules, ARCHITECTURE, SCORE_PROGRAM, TEST_SET) = (rules_, architecture, scoreProgram, testSet);
        model.architecture = architecture;
        for (uint256 i; i < members.length; ++i) {
            require(!isMember[members[i]], MemberTwice(members[i]));
            isMember[members[i]] = true;
            emit Joined(members[i]);
        }
        memberCount = uint32(members.length);
        _fund();
    }

    // --- for everybody ---

    /// @notice Adds the ether sent to the treasury.
    receive() external payable {
        _fund();
    }

    /// @notice Has an accepted proposal's model trained, and switches to it. The transaction waits for the model; where
    /// nobody has trained one in time, the proposal has failed.
    function execute(uint256 id) external {
        _requireState(id, State.Accepted);
        Proposal storage proposal = proposals[id];
        (int64 threshold, uint256 reward, string memory uri) =
            (proposal.threshold, proposal.reward, proposal.uri);
        require(threshold > score, NotBetter(threshold, score));
        require(reward <= treasury, TreasuryTooSmall(reward, treasury));
        // The system contract calls nobody, so nothing changes meanwhile.
        (bool done, Model memory trained, int64 reached) = _train(threshold, uri, reward);
        proposal.outcome = done ? State.Executed : State.Failed;
        if (!done) {
            emit Failed(id, threshold);
            return;
        }
        treasury -= reward;
        (model, score) = (trained, reached);
        emit Executed(id, reward);
        emit Switched(id, trained.root, reached);
    }

    /// @notice What the current model answers to one sample.
    function ask(int32[] calldata x) external view returns (int32[] memory) {
        return DNN.infer(model, x);
    }

    // --- for members ---

    /// @notice Proposes to replace the model by one that scores at least `threshold`.
    /// @param threshold Least sum of the scores over the test set: more than the current model has.
    /// @param reward Wei for the accountant, out of the treasury.
    /// @param uri Where artifacts and hints can be had.
    /// @return id The proposal's number.
    function propose(int64 threshold, uint256 reward, string calldata uri)
        external
        onlyMember
        returns (uint256 id)
    {
        require(threshold > score, NotBetter(threshold, score));
        require(reward >= rules.leastReward, DNN.RewardTooSmall(reward, rules.leastReward));
        require(bytes(uri).length <= MOST_URI_BYTES, UriTooLong(bytes(uri).length, MOST_URI_BYTES));
        id = ++proposalCount;
        uint64 closes = uint64(block.timestamp) + rules.voting;
        proposals[id] = Proposal(threshold, closes, 0, 0, State.Unknown, reward, uri);
        emit Proposed(id, msg.sender, threshold, reward, closes, uri);
    }

    /// @notice Votes on a proposal, once.
    function vote(uint256 id, bool yes) external onlyMember {
        _requireState(id, State.Voting);
        require(!hasVoted[id][msg.sender], VotedAlready(id, msg.sender));
        hasVoted[id][msg.sender] = true;
        if (yes) ++proposals[id].yes;
        else ++proposals[id].no;
        emit Voted(id, msg.sender, yes);
    }

    // --- views ---

    /// @notice What becomes of a proposal, by votes and time.
    function stateOf(uint256 id) public view returns (State) {
        Proposal storage proposal = proposals[id];
        if (proposal.closes == 0) return State.Unknown;
        if (proposal.outcome != State.Unknown) return proposal.outcome;
        if (block.timestamp <= proposal.closes) return State.Voting;
        bool quorum = proposal.yes + proposal.no >= rules.quorum;
        if (!quorum || proposal.yes <= proposal.no) return State.Rejected;
        return block.timestamp <= proposal.closes + rules.execution ? State.Accepted : State.Expired;
    }

    // --- internal ---

    /// @dev The deadline is none of the caller's: a short one would make the proposal fail.
    function _train(int64 threshold, string memory uri, uint256 reward)
        private
        returns (bool done, Model memory trained, int64 reached)
    {
        IDNN.Property memory wanted = IDNN.Property(SCORE_PROGRAM, TEST_SET, threshold);
        uint64 deadline = uint64(block.timestamp) + rules.training;
        return DNN.tryTrain(ARCHITECTURE, wanted, deadline, uri, reward);
    }

    function _fund() private {
        if (msg.value == 0) return;
        treasury += msg.value;
        emit Funded(msg.sender, msg.value);
    }

    function _requireMember() private view {
        require(isMember[msg.sender], NotAMember(msg.sender));
    }

    function _requireState(uint256 id, State needed) private view {
        State found = stateOf(id);
        require(found == needed, InState(id, found, needed));
    }
}
