// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The system contract that runs and trains deep networks
/// @notice Lies at 0x0000000000000000000000000000000000000A4e of the L2 and is carried out by the node. Networks, data
/// sets and score programs are named by their roots, so a root always means the same numbers. Networks that contracts ask
/// are published first, by transactions of anybody to this address.
///
/// Safety:
/// - `infer` is the exact reading of a tensor program: every node computes the same integers, for ever;
/// - what `infer` needs is in the order: whether a root is published, and what its bytes are, is the same for all;
/// - `train` answers from a claim that is final on L1: whoever doubted its scores could have it refuted there;
/// - the same request, with the same deadline, gives the same answer again, in every transaction;
/// - neither calls anybody: no code of others runs between a call and its answer.
///
/// Liveness:
/// - `infer` waits for nothing: where a root is not published before it, it reverts with `NotPublished`;
/// - `train` ends once somebody has done what it asks for, and the whole transaction waits until then, with all that
///   depend on it. If nobody has shown a result by the deadline, or none is final when L1's `settlement` is over, it
///   reverts with `NotTrained`: ask for what is in reach, with a reward for which somebody works;
/// - a transaction that reverts after `train` pays nobody: check all that can be checked before the call.
///
/// Gas:
/// - `infer` costs a function of the bytes of program and model, and of the work that the program declares, whatever
///   the input, and reverts above a bound of that work;
/// - `publish` and `assemble` cost their calldata, and what it takes to decode an artifact of that size;
/// - `train` costs a constant and 5,000 for each second until its deadline, besides its calldata: while it waits others
///   wait, too. The work is paid with the value.
interface IDNN {
    /// @notice What a trained network must have: its scores over a data set sum up to a threshold or more.
    struct Property {
        /// @dev Root of the score program: one integer for each sample.
        bytes32 program;
        /// @dev Root of the data set.
        bytes32 dataset;
        /// @dev Least sum of the scores.
        int64 threshold;
    }

    /// @notice A training's result.
    struct Training {
        /// @dev Root of the model.
        bytes32 model;
        /// @dev The sum of the scores over each property's data set; none is below its threshold.
        int64[] scores;
    }

    /// @notice The calldata begins with no function of this interface.
    error UnknownFunction(bytes4 selector);

    /// @notice The calldata is no encoding of the function's arguments.
    error MalformedCall();

    /// @notice `infer` takes no ether.
    error ValueRefused(uint256 value);

    /// @notice There are no properties, or more than four.
    error WrongPropertyCount(uint256 count);

    /// @notice The URI has more than 512 bytes.
    error UriTooLong(uint256 length);

    /// @notice The program takes answers, or more work or memory than one call may.
    error ProgramUnfit(bytes32 architecture);

    /// @notice The model's tensors are not the parameters that the program declares.
    error ModelUnfit(bytes32 architecture, bytes32 model);

    /// @notice The fields of a sample have another number of elements together.
    error WrongInputCount(uint256 given, uint256 declared);

    /// @notice An element lies outside of what the program declares for its field.
    error InputOutOfRange(uint256 place, int32 element, int32 low, int32 high);

    /// @notice The deadline of a training is not in the future, or too far in it.
    error DeadlineOutside(uint64 deadline, uint64 earliest, uint64 latest);

    /// @notice Nobody has trained the network in time, and nobody can any more. The same request never has a result; one
    /// with another deadline is another request.
    /// @param terms keccak256 of the ABI encoding of the job on L1.
    error NotTrained(bytes32 terms);

    /// @notice Nobody has published a program or model with this root, or a part with this hash, before this place.
    error NotPublished(bytes32 root);

    /// @notice Only a transaction publishes, no call of a contract: the order itself has to say what is published.
    error NotDirect();

    /// @notice The bytes are no program or model, or have another root.
    error WrongBytes(bytes32 root);

    /// @notice The parts make an artifact with more bytes than one may have.
    error ArtifactTooLarge(uint256 size, uint256 most);

    /// @notice Publishes bytes of a program or model under their keccak256, for `assemble`. Only as a transaction.
    /// @param part The bytes.
    function publish(bytes calldata part) external;

    /// @notice Publishes a whole program or model, and its bytes as a part. Only as a transaction.
    /// @param kind 1 for a program, 2 for a model.
    /// @param root Its root.
    /// @param content Its bytes, as docs/encoding.md has them.
    function publish(uint8 kind, bytes32 root, bytes calldata content) external;

    /// @notice Publishes a program or model whose bytes are parts that were published before, one after the other. Only
    /// as a transaction.
    /// @param kind 1 for a program, 2 for a model.
    /// @param root Its root.
    /// @param parts The keccak256 of each part: up to 2,000, up to 64 MiB together.
    function assemble(uint8 kind, bytes32 root, bytes32[] calldata parts) external;

    /// @notice Whether a program or model is published before this place.
    /// @param root Its root.
    function published(bytes32 root) external view returns (bool);

    /// @notice What a network answers to one sample. Reverts where a root is not published, where the shapes do not fit,
    /// and where an element lies outside of the range that the program declares.
    /// @param architecture Root of the tensor program.
    /// @param model Root of its parameters; zero where the program has none.
    /// @param x The elements of the sample's fields, one field after the other, each in row-major order.
    /// @return y The elements of the output, in row-major order.
    function infer(bytes32 architecture, bytes32 model, int32[] calldata x)
        external
        view
        returns (int32[] memory y);

    /// @notice Has a network trained. The value is the reward of the accountant whose claim becomes final.
    /// @param architecture Root of the tensor program whose parameters are wanted.
    /// @param properties What they must have: one to four.
    /// @param deadline The second until which a result has to be shown on L1: at most an hour from the block on.
    /// @param uri Where programs, data sets and hints for the training can be had.
    /// @return The model and its scores.
    function train(bytes32 architecture, Property[] calldata properties, uint64 deadline, string calldata uri)
        external
        payable
        returns (Training memory);
}
