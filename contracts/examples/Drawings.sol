// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ERC721 } from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import { MerkleProof } from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

/// @title Example: a collection of small drawings whose pixels are on chain
/// @notice Each token is 8 x 8 pixels of 0 to 16. The catalogue - which drawing has which number and belongs to whom -
/// is fixed at deployment by one root; anybody may bring an entry on chain. Nothing else can ever be minted, so a price
/// that a network gives to a drawing is no invitation to draw for the network.
contract Drawings is ERC721 {
    /// @notice Pixels of a drawing, one byte each.
    uint256 public constant PIXELS = 64;

    /// @notice Root of the OpenZeppelin Merkle tree over (token, owner, pixels).
    bytes32 public immutable CATALOGUE;

    mapping(uint256 token => bytes) private _pixels;

    /// @notice A drawing came on chain.
    event Drawn(uint256 indexed token, address indexed owner, bytes pixels);

    /// @notice The catalogue has no such entry.
    error NotInCatalogue(uint256 token, address owner);

    /// @notice Another number of pixels than a drawing has.
    error NotADrawing(uint256 pixels, uint256 expected);

    /// @notice A collection with this catalogue.
    constructor(bytes32 catalogue) ERC721("Handwritten digits", "DIGIT") {
        CATALOGUE = catalogue;
    }

    /// @notice Mints a drawing of the catalogue to the owner that it names.
    /// @param token The drawing's number.
    /// @param owner Whose it is.
    /// @param pixels One byte each, row by row.
    /// @param proof Siblings of the entry.
    function mint(uint256 token, address owner, bytes calldata pixels, bytes32[] calldata proof) external {
        require(pixels.length == PIXELS, NotADrawing(pixels.length, PIXELS));
        bytes32 entry = keccak256(bytes.concat(keccak256(abi.encode(token, owner, pixels))));
        require(MerkleProof.verifyCalldata(proof, CATALOGUE, entry), NotInCatalogue(token, owner));
        _pixels[token] = pixels;
        emit Drawn(token, owner, pixels);
        _mint(owner, token);
    }

    /// @notice The pixels of a drawing: all traits that it has.
    function traits(uint256 token) external view returns (bytes memory) {
        _requireOwned(token);
        return _pixels[token];
    }
}
