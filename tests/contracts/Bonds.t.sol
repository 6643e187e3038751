// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IBonds } from "contracts/interfaces/IBonds.sol";
import { Deploy } from "tests/contracts/Deploy.sol";
import { Test } from "tests/contracts/Vm.sol";

/// @dev Refuses ether.
contract Refuser {
    function withdraw(IBonds bonds, address to) external {
        bonds.withdraw(to);
    }
}

/// @dev Tries to withdraw again while it is being paid.
contract Reenterer {
    IBonds private immutable BONDS;

    constructor(IBonds bonds) {
        BONDS = bonds;
    }

    function withdraw() external {
        BONDS.withdraw(address(this));
    }

    receive() external payable {
        BONDS.withdraw(address(this));
    }
}

contract BondsTest is Test {
    address private constant GRAVE = 0x000000000000000000000000000000000000dEaD;
    address private inbox = address(1001);
    address private claims = address(1002);
    address private game = address(1003);
    address private ledgerClaims = address(1004);
    IBonds private bonds = Deploy.bonds(inbox, claims, game, ledgerClaims);

    function setUp() public {
        vm.deal(claims, 100 ether);
        vm.deal(game, 100 ether);
        vm.prank(claims);
        bonds.lock{ value: 10 ether }();
    }

    function test_LockedEtherIsCountedForItsCourt() public {
        vm.expectEmit(address(bonds));
        emit IBonds.Locked(game, 3 ether);
        vm.prank(game);
        bonds.lock{ value: 3 ether }();
        assertEq(bonds.locked(game), 3 ether);
        assertEq(bonds.locked(claims), 10 ether);
        assertEq(bonds.locked(inbox), 0);
    }

    function test_OnlyCourtsLockCreditAndBurn() public {
        bytes memory why = abi.encodeWithSelector(IBonds.NotACourt.selector, address(this));
        vm.expectRevert(why);
        bonds.lock{ value: 1 }();
        vm.expectRevert(why);
        bonds.credit(address(this), 1);
        vm.expectRevert(why);
        bonds.burn(1);
    }

    function test_EachOfTheFourCourtsLocks() public {
        address[4] memory courts = [inbox, claims, game, ledgerClaims];
        for (uint256 i; i < courts.length; ++i) {
            vm.deal(courts[i], 1 ether);
            uint256 before = bonds.locked(courts[i]);
            vm.prank(courts[i]);
            bonds.lock{ value: 1 ether }();
            assertEq(bonds.locked(courts[i]), before + 1 ether);
        }
    }

    function test_ACourtDisposesOfItsOwnEtherOnly() public {
        bytes memory why = abi.encodeWithSelector(IBonds.MoreThanLocked.selector, game, 1, 0);
        vm.prank(game);
        vm.expectRevert(why);
        bonds.credit(address(700), 1);
        vm.prank(game);
        vm.expectRevert(why);
        bonds.burn(1);
        vm.prank(claims);
        vm.expectRevert(
            abi.encodeWithSelector(IBonds.MoreThanLocked.selector, claims, 10 ether + 1, 10 ether)
        );
        bonds.credit(address(700), 10 ether + 1);
    }

    function test_CreditsAddUpAndAreDrawnOnce() public {
        vm.startPrank(claims);
        bonds.credit(address(700), 1 ether);
        bonds.credit(address(700), 2 ether);
        vm.stopPrank();
        assertEq(bonds.credits(address(700)), 3 ether);
        vm.prank(address(700));
        assertEq(bonds.withdraw(address(800)), 3 ether);
        assertEq(address(800).balance, 3 ether);
        vm.expectRevert(abi.encodeWithSelector(IBonds.NothingToWithdraw.selector, address(700)));
        vm.prank(address(700));
        bonds.withdraw(address(800));
    }

    function test_BurntEtherGoesToTheGrave() public {
        vm.expectEmit(address(bonds));
        emit IBonds.Burnt(claims, 4 ether);
        vm.prank(claims);
        bonds.burn(4 ether);
        assertEq(GRAVE.balance, 4 ether);
        assertEq(address(bonds).balance, 6 ether);
    }

    function test_ARefusingReceiverKeepsItsCreditAndMayNameAnother() public {
        Refuser refuser = new Refuser();
        vm.prank(claims);
        bonds.credit(address(refuser), 1 ether);
        vm.expectRevert(abi.encodeWithSelector(IBonds.WithdrawalRefused.selector, address(refuser), 1 ether));
        refuser.withdraw(bonds, address(refuser));
        assertEq(bonds.credits(address(refuser)), 1 ether);
        refuser.withdraw(bonds, address(900));
        assertEq(address(900).balance, 1 ether);
    }

    function test_AReentrantReceiverGetsNothing() public {
        Reenterer reenterer = new Reenterer(bonds);
        vm.prank(claims);
        bonds.credit(address(reenterer), 1 ether);
        vm.expectRevert(
            abi.encodeWithSelector(IBonds.WithdrawalRefused.selector, address(reenterer), 1 ether)
        );
        reenterer.withdraw();
        assertEq(address(bonds).balance, 10 ether);
    }

    function testFuzz_EtherInIsEtherOutPlusEtherHeld(uint96 locked, uint96 credited, uint96 burnt) public {
        uint256 held = bound(locked, 0, 80 ether);
        uint256 given = bound(credited, 0, held);
        uint256 gone = bound(burnt, 0, held - given);
        vm.startPrank(game);
        bonds.lock{ value: held }();
        bonds.credit(address(700), given);
        bonds.burn(gone);
        vm.stopPrank();
        assertEq(address(bonds).balance, 10 ether + held - gone);
        assertEq(bonds.locked(game) + bonds.credits(address(700)) + gone, held);
    }
}
