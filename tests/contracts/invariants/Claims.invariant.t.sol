// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ClaimActors } from "tests/contracts/handlers/ClaimActors.sol";
import { Test } from "tests/contracts/Vm.sol";

contract ClaimsInvariantTest is Test {
    ClaimActors private actors;

    function setUp() public {
        actors = new ClaimActors();
        bytes4[] memory selectors = new bytes4[](6);
        selectors[0] = ClaimActors.openAgainstTruth.selector;
        selectors[1] = ClaimActors.chooseAgainstTruth.selector;
        selectors[2] = ClaimActors.wait.selector;
        selectors[3] = ClaimActors.liarMoves.selector;
        selectors[4] = ClaimActors.withdraw.selector;
        selectors[5] = ClaimActors.demandOfTruth.selector;
        targetContract(address(actors));
        targetSelector(address(actors), selectors);
    }

    /// forge-config: default.invariant.runs = 8
    /// forge-config: default.invariant.depth = 48
    /// forge-config: all.invariant.runs = 16
    /// forge-config: all.invariant.depth = 256
    function invariant_TruthStandsAndLiesFall() public view {
        assertFalse(actors.truthRefuted(), "an honest accountant lost");
        assertFalse(actors.lieFinal(), "a false claim became final");
        assertFalse(actors.liarsGain(), "the liar was paid");
        assertFalse(actors.jumped(), "a state changed after the end");
        assertFalse(actors.clockGrew(), "a clock grew");
        assertEq(actors.gamesOpen(), actors.gamesCounted(), "open games are counted");
        assertEq(actors.sent(), actors.held() + actors.burnt(), "ether in = out + held + burnt");
        assertEq(actors.held(), actors.accounted(), "held ether is somebody's");
    }
}
