// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Address } from "@openzeppelin/contracts/utils/Address.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { Drawings } from "contracts/examples/Drawings.sol";
import { DNN, Model } from "contracts/sdk/DNN.sol";
import { Tensors } from "contracts/sdk/Tensors.sol";

/// @title Example: a network that prices NFTs, and standing offers at its prices
/// @notice A network reads the pixels of a drawing. The price is the digit's, times how clearly the network reads it.
/// Backers leave ether and say what part of the price they pay; who owns a drawing sells it to one of them at once.
///
/// Safety:
/// - network and prices are fixed at deployment: a backer knows what any drawing of the catalogue costs at most;
/// - ether held = offers + credits, at all times (ether that was forced in besides);
/// - a backer pays only out of its own offer, and gets the drawing in the same transaction.
///
/// Liveness:
/// - an offer can be taken back, and a credit withdrawn, at any time: neither asks the network;
/// - once somebody has published the network, it can be asked for ever.
contract Appraiser {
    /// @notice Digits that the network tells apart.
    uint256 public constant DIGITS = 10;

    uint256 private constant BPS = 10_000;

    /// @notice What a backer pays with (one slot).
    struct Offer {
        uint128 funds;
        uint16 bps;
    }

    /// @notice The collection.
    Drawings public immutable DRAWINGS;

    /// @notice Lead of the network's first choice over its second, in its output's units, that earns the whole price.
    uint256 public immutable CLEAR;

    /// @notice The network: 64 pixels in, ten outputs.
    Model public model;

    /// @notice Wei for a clear drawing of each digit.
    uint256[DIGITS] public prices;

    /// @notice What each backer offers.
    mapping(address backer => Offer) public offers;

    /// @notice Wei that an account may withdraw.
    mapping(address account => uint256) public credits;

    /// @notice A backer's offer is now this.
    event Offered(address indexed backer, uint256 funds, uint256 bps);

    /// @notice A drawing was sold to a backer.
    event Sold(
        uint256 indexed token, address indexed seller, address indexed backer, uint256 digit, uint256 paid
    );

    /// @notice An account drew its credit.
    event Withdrawn(address indexed account, address indexed to, uint256 amount);

    /// @notice Not above 0 and at most all of the price.
    error PartOutside(uint256 bps, uint256 most);

    /// @notice The offer does not cover it.
    error OfferTooSmall(address backer, uint256 needed, uint256 funds);

    /// @notice The network's price is below what the seller wants.
    error PriceTooLow(uint256 price, uint256 least);

    /// @notice The caller has no credit.
    error NothingToWithdraw(address account);

    /// @notice The network answers something else than one number for each digit.
    error NotOneOutputPerDigit(uint256 outputs, uint256 expected);

    /// @notice A lead of 0 would earn the whole price.
    error NothingIsClear();

    /// @notice A desk for a collection.
    /// @param drawings The collection.
    /// @param network What reads it.
    /// @param clear See `CLEAR`.
    /// @param prices_ See `prices`.
    constructor(Drawings drawings, Model memory network, uint256 clear, uint256[DIGITS] memory prices_) {
        require(clear != 0, NothingIsClear());
        (DRAWINGS, CLEAR, model, prices) = (drawings, clear, network, prices_);
    }

    // --- for backers ---

    /// @notice Adds the ether sent to the caller's offer, and sets the part of the price that it pays.
    /// @param bps Hundredths of a percent.
    function offer(uint16 bps) external payable {
        require(bps != 0 && bps <= BPS, PartOutside(bps, BPS));
        Offer storage mine = offers[msg.sender];
        mine.funds += uint128(msg.value);
        mine.bps = bps;
        emit Offered(msg.sender, mine.funds, bps);
    }

    /// @notice Takes ether out of the caller's offer; it becomes a credit.
    function revoke(uint128 amount) external {
        Offer storage mine = offers[msg.sender];
        require(amount <= mine.funds, OfferTooSmall(msg.sender, amount, mine.funds));
        mine.funds -= amount;
        credits[msg.sender] += amount;
        emit Offered(msg.sender, mine.funds, mine.bps);
    }

    // --- for owners of drawings ---

    /// @notice Sells a drawing to a backer at its part of the network's price. The drawing must be approved for this
    /// contract; the money becomes a credit.
    /// @param token The drawing.
    /// @param backer Whose offer is taken.
    /// @param least Least wei that the seller accepts.
    /// @return paid Wei credited.
    function sell(uint256 token, address backer, uint256 least) external returns (uint256 paid) {
        (uint256 digit, uint256 price) = appraise(token);
        Offer storage taken = offers[backer];
        paid = Math.mulDiv(price, taken.bps, BPS);
        require(paid >= least && paid != 0, PriceTooLow(paid, least));
        require(paid <= taken.funds, OfferTooSmall(backer, paid, taken.funds));
        // No larger than the funds.
        // forge-lint: disable-next-line(unsafe-typecast)
        taken.funds -= uint128(paid);
        credits[msg.sender] += paid;
        emit Sold(token, msg.sender, backer, digit, paid);
        DRAWINGS.transferFrom(msg.sender, backer, token);
    }

    // --- for everybody ---

    /// @notice Sends the caller's whole credit.
    function withdraw(address payable to) external returns (uint256 amount) {
        amount = credits[msg.sender];
        require(amount != 0, NothingToWithdraw(msg.sender));
        credits[msg.sender] = 0;
        emit Withdrawn(msg.sender, to, amount);
        Address.sendValue(to, amount);
    }

    /// @notice What the network reads in a drawing, and what that is worth.
    /// @param token The drawing.
    /// @return digit The digit that the network reads.
    /// @return price Wei: the digit's price, or a part of it where the network is not sure.
    function appraise(uint256 token) public view returns (uint256 digit, uint256 price) {
        int32[] memory outputs = DNN.infer(model, Tensors.fromBytes(DRAWINGS.traits(token)));
        require(outputs.length == DIGITS, NotOneOutputPerDigit(outputs.length, DIGITS));
        uint256 lead;
        (digit, lead) = Tensors.choice(outputs);
        price = Math.mulDiv(prices[digit], Math.min(lead, CLEAR), CLEAR);
    }
}
