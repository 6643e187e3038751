// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { InboxActors } from "tests/contracts/handlers/InboxActors.sol";
import { Test } from "tests/contracts/Vm.sol";

contract InboxInvariantTest is Test {
    InboxActors private actors;

    function setUp() public {
        actors = new InboxActors();
        bytes4[] memory selectors = new bytes4[](7);
        selectors[0] = InboxActors.deposit.selector;
        selectors[1] = InboxActors.force.selector;
        selectors[2] = InboxActors.post.selector;
        selectors[3] = InboxActors.postForced.selector;
        selectors[4] = InboxActors.wait.selector;
        selectors[5] = InboxActors.note.selector;
        selectors[6] = InboxActors.pay.selector;
        targetContract(address(actors));
        targetSelector(address(actors), selectors);
    }

    function invariant_OrderAndNoticesAreAppendOnlyAndEtherIsAccountedFor() public view {
        assertTrue(actors.unchanged(), "a commitment or a notice changed");
        assertTrue(actors.solvent(), "ether is missing");
        assertFalse(actors.broken(), "a batch came twice, a due entry was left out, or a stranger got in");
    }
}
