// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { InboxActors } from "tests/contracts/handlers/InboxActors.sol";
import { Test } from "tests/contracts/Vm.sol";

contract InboxInvariantTest is Test {
    InboxActors private actors;

    function setUp() public {
        actors = new InboxActors();
        bytes4[] memory selectors = new bytes4[](5);
        selectors[0] = InboxActors.deposit.selector;
        selectors[1] = InboxActors.force.selector;
        selectors[2] = InboxActors.post.selector;
        selectors[3] = InboxActors.postForced.selector;
        selectors[4] = InboxActors.wait.selector;
        targetContract(address(actors));
        targetSelector(address(actors), selectors);
    }

    function invariant_TheOrderIsAppendOnlyAndEtherIsAccountedFor() public view {
        assertTrue(actors.unchanged(), "a commitment changed");
        assertTrue(actors.solvent(), "ether is missing");
        assertFalse(actors.broken(), "a batch came twice, or a due entry was left out");
    }
}
