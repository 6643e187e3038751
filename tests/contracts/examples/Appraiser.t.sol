// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Short literals and small numbers: nothing is cut off.
// forge-lint: disable-start(unsafe-typecast)

import { IERC721Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import { Appraiser } from "contracts/examples/Appraiser.sol";
import { Drawings } from "contracts/examples/Drawings.sol";
import { DNN, Model } from "contracts/sdk/DNN.sol";
import { IDNN } from "contracts/sdk/IDNN.sol";
import { Tensors } from "contracts/sdk/Tensors.sol";
import { ExampleTest } from "tests/contracts/examples/ExampleTest.sol";

/// @title A collection of two drawings, and a network that reads a 7 in the first one
abstract contract AppraiserStage is ExampleTest {
    uint256 internal constant CLEAR = 4096;
    uint256 internal constant PRICE_OF_7 = 7 ether;
    bytes32 internal constant MODEL = keccak256("model");

    address internal immutable ARTIST = makeAddress("artist");
    address internal immutable BACKER = makeAddress("backer");

    Drawings internal drawings;
    Appraiser internal appraiser;
    bytes internal pixels;
    bytes32[] internal proof;

    function makeAddress(string memory name) internal pure returns (address) {
        return vm.addr(uint256(keccak256(bytes(name))));
    }

    function _stage() internal {
        _installDnn();
        pixels = new bytes(64);
        for (uint256 i; i < 64; ++i) {
            pixels[i] = bytes1(uint8(i % 17));
        }
        (bytes32 root, bytes32[] memory path) = _tree(_entry(1, pixels), _entry(2, pixels));
        proof = path;
        drawings = new Drawings(root);
        uint256[10] memory prices;
        prices[7] = PRICE_OF_7;
        appraiser = new Appraiser(drawings, Model(keccak256("program"), MODEL), CLEAR, prices);
        _read(7, 5000, 904);
    }

    /// @dev The network reads a digit, by these two outputs; all others are the least there is.
    function _read(uint256 digit, int32 first, int32 second) internal {
        int32[] memory outputs = new int32[](10);
        for (uint256 i; i < 10; ++i) {
            outputs[i] = type(int32).min;
        }
        (outputs[digit], outputs[(digit + 1) % 10]) = (first, second);
        DNN_SYSTEM.answer(MODEL, Tensors.fromBytes(pixels), outputs);
    }

    function _entry(uint256 token, bytes memory content) internal view returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(token, ARTIST, content))));
    }

    function _mint() internal {
        drawings.mint(1, ARTIST, pixels, proof);
        vm.prank(ARTIST);
        drawings.setApprovalForAll(address(appraiser), true);
    }

    function _offer(uint256 funds, uint16 bps) internal {
        vm.deal(BACKER, funds);
        vm.prank(BACKER);
        appraiser.offer{ value: funds }(bps);
    }

    function _funds(address backer) internal view returns (uint256 funds) {
        (funds,) = appraiser.offers(backer);
    }
}

/// forge-config: default.evm_version = "cancun"
/// forge-config: all.evm_version = "cancun"
contract AppraiserTest is AppraiserStage {
    function setUp() public {
        _stage();
    }

    function test_OnlyTheCatalogueCanBeMinted() public {
        bytes memory other = new bytes(64);
        vm.expectRevert(abi.encodeWithSelector(Drawings.NotInCatalogue.selector, 1, ARTIST));
        drawings.mint(1, ARTIST, other, proof);
        vm.expectRevert(abi.encodeWithSelector(Drawings.NotInCatalogue.selector, 1, BACKER));
        drawings.mint(1, BACKER, pixels, proof);
        vm.expectRevert(abi.encodeWithSelector(Drawings.NotADrawing.selector, 63, 64));
        drawings.mint(1, ARTIST, new bytes(63), proof);
        drawings.mint(1, ARTIST, pixels, proof);
        assertEq(drawings.ownerOf(1), ARTIST);
        assertEq(drawings.traits(1), pixels);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InvalidSender.selector, address(0)));
        drawings.mint(1, ARTIST, pixels, proof);
    }

    function test_AClearDrawingIsWorthThePriceOfItsDigit() public {
        _mint();
        (uint256 digit, uint256 price) = appraiser.appraise(1);
        assertEq(digit, 7);
        assertEq(price, PRICE_OF_7);
        _read(7, 1024, 0);
        (digit, price) = appraiser.appraise(1);
        assertEq(price, PRICE_OF_7 / 4, "a quarter as clear");
        _read(3, 9000, 0);
        (digit, price) = appraiser.appraise(1);
        assertEq(digit, 3);
        assertEq(price, 0);
    }

    function test_NothingIsReadInWhatIsNotMinted() public {
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 1));
        appraiser.appraise(1);
    }

    function test_ANetworkOfOtherOutputsIsRefused() public {
        _mint();
        DNN_SYSTEM.answer(MODEL, Tensors.fromBytes(pixels), _pair(1, 2));
        vm.expectRevert(abi.encodeWithSelector(Appraiser.NotOneOutputPerDigit.selector, 2, 10));
        appraiser.appraise(1);
    }

    function test_WhatTheSystemContractRevertsWithPassesThrough() public {
        uint256[10] memory prices;
        Appraiser other = new Appraiser(drawings, Model(0, "unknown"), CLEAR, prices);
        _mint();
        assertFalse(DNN.published(Model(0, "unknown")));
        vm.expectRevert(abi.encodeWithSelector(IDNN.NotPublished.selector, bytes32("unknown")));
        other.appraise(1);
        other = new Appraiser(drawings, Model("program", 0), CLEAR, prices);
        vm.expectRevert(abi.encodeWithSelector(DNN.NoModel.selector, bytes32("program")));
        other.appraise(1);
        vm.expectRevert(Appraiser.NothingIsClear.selector);
        new Appraiser(drawings, Model(0, 0), 0, prices);
    }

    function test_ADrawingIsSoldAtTheBackersPart() public {
        _mint();
        _offer(10 ether, 8000);
        vm.expectEmit(address(appraiser));
        emit Appraiser.Sold(1, ARTIST, BACKER, 7, 5.6 ether);
        vm.prank(ARTIST);
        assertEq(appraiser.sell(1, BACKER, 5.6 ether), 5.6 ether);
        assertEq(drawings.ownerOf(1), BACKER);
        assertEq(_funds(BACKER), 4.4 ether);
        vm.prank(ARTIST);
        assertEq(appraiser.withdraw(payable(ARTIST)), 5.6 ether);
        assertEq(ARTIST.balance, 5.6 ether);
        vm.expectRevert(abi.encodeWithSelector(Appraiser.NothingToWithdraw.selector, ARTIST));
        vm.prank(ARTIST);
        appraiser.withdraw(payable(ARTIST));
    }

    function test_ASaleThatDoesNotFitChangesNothing() public {
        _mint();
        _offer(5 ether, 8000);
        vm.startPrank(ARTIST);
        vm.expectRevert(abi.encodeWithSelector(Appraiser.PriceTooLow.selector, 5.6 ether, 5.7 ether));
        appraiser.sell(1, BACKER, 5.7 ether);
        vm.expectRevert(abi.encodeWithSelector(Appraiser.OfferTooSmall.selector, BACKER, 5.6 ether, 5 ether));
        appraiser.sell(1, BACKER, 0);
        vm.expectRevert(abi.encodeWithSelector(Appraiser.PriceTooLow.selector, 0, 0));
        appraiser.sell(1, ARTIST, 0);
        vm.stopPrank();
        _offer(5 ether, 8000);
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721IncorrectOwner.selector, address(this), 1, ARTIST)
        );
        appraiser.sell(1, BACKER, 0);
        assertEq(drawings.ownerOf(1), ARTIST);
        assertEq(_funds(BACKER), 10 ether);
    }

    function testFuzz_AnOfferComesBackWhole(uint96 funds, uint96 taken, uint16 bps) public {
        if (bps == 0 || bps > 10_000) {
            vm.expectRevert(abi.encodeWithSelector(Appraiser.PartOutside.selector, bps, 10_000));
            appraiser.offer(bps);
            return;
        }
        _offer(funds, bps);
        vm.startPrank(BACKER);
        if (taken > funds) {
            vm.expectRevert(abi.encodeWithSelector(Appraiser.OfferTooSmall.selector, BACKER, taken, funds));
            appraiser.revoke(taken);
            taken = 0;
        } else {
            appraiser.revoke(taken);
        }
        assertEq(_funds(BACKER), funds - taken);
        assertEq(appraiser.credits(BACKER), taken);
        if (taken != 0) appraiser.withdraw(payable(BACKER));
        assertEq(BACKER.balance, taken);
        vm.stopPrank();
    }

    function testFuzz_ThePriceNeverPassesThatOfTheDigit(int32 first, int32 second) public {
        _mint();
        _read(7, first, second);
        (uint256 digit, uint256 price) = appraiser.appraise(1);
        assertEq(price <= appraiser.prices(digit), true);
        if (first > second) assertEq(digit, 7);
    }
}

/// @title Backers and an owner who do all that they can with one drawing
contract Market is AppraiserStage {
    uint256 public received;
    uint256 public paidOut;

    address[2] public traders;

    constructor() {
        _stage();
        _mint();
        traders = [ARTIST, BACKER];
        vm.prank(BACKER);
        drawings.setApprovalForAll(address(appraiser), true);
    }

    function offer(uint256 who, uint256 amount, uint256 bps) external {
        amount = bound(amount, 0, 20 ether);
        address trader = traders[who % 2];
        vm.deal(trader, trader.balance + amount);
        vm.prank(trader);
        appraiser.offer{ value: amount }(uint16(bound(bps, 1, 10_000)));
        received += amount;
    }

    function revoke(uint256 who, uint256 amount) external {
        address trader = traders[who % 2];
        amount = bound(amount, 0, _funds(trader));
        vm.prank(trader);
        appraiser.revoke(uint128(amount));
    }

    function sell(int16 lead, uint256 to) external {
        _read(7, lead, 0);
        address backer = traders[to % 2];
        (uint256 funds, uint256 bps) = appraiser.offers(backer);
        uint256 clear = lead < 0 ? 0 : lead > int256(CLEAR) ? CLEAR : uint256(int256(lead));
        uint256 due = PRICE_OF_7 * clear / CLEAR * bps / 10_000;
        (bool sold,) = _try(drawings.ownerOf(1), abi.encodeCall(Appraiser.sell, (1, backer, 0)));
        assertEq(sold, due != 0 && due <= funds);
        if (sold) assertEq(drawings.ownerOf(1), backer);
    }

    function withdraw(uint256 who) external {
        address trader = traders[who % 2];
        uint256 credit = appraiser.credits(trader);
        (bool drawn,) = _try(trader, abi.encodeCall(Appraiser.withdraw, (payable(trader))));
        assertEq(drawn, credit != 0);
        paidOut += credit;
    }

    function held() external view returns (uint256) {
        return address(appraiser).balance;
    }

    function owedToTraders() external view returns (uint256 total) {
        for (uint256 i; i < 2; ++i) {
            total += _funds(traders[i]) + appraiser.credits(traders[i]);
        }
    }

    function _try(address trader, bytes memory call) private returns (bool done, bytes memory answer) {
        vm.prank(trader);
        return address(appraiser).call(call);
    }
}

/// forge-config: default.evm_version = "cancun"
/// forge-config: all.evm_version = "cancun"
contract AppraiserInvariantTest is ExampleTest {
    Market private market;

    function setUp() public {
        market = new Market();
        bytes4[] memory selectors = new bytes4[](4);
        selectors[0] = Market.offer.selector;
        selectors[1] = Market.revoke.selector;
        selectors[2] = Market.sell.selector;
        selectors[3] = Market.withdraw.selector;
        targetContract(address(market));
        targetSelector(address(market), selectors);
    }

    function invariant_EtherHeldIsOffersAndCredits() public view {
        assertEq(market.held(), market.owedToTraders());
        assertEq(market.held(), market.received() - market.paidOut());
    }
}
