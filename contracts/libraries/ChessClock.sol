// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IGame } from "contracts/interfaces/IGame.sol";

/// @title A chess clock for two
/// @notice A side's time runs during its turns only. At the instant `end` of a turn its mover can no longer move, and from
/// that instant on anybody can say so: there is no second in which both or neither is possible.
library ChessClock {
    /// @notice Starts a game with the accountant's turn.
    function start(IGame.Clock storage clock, uint64 each) internal {
        clock.accountant = each;
        clock.challenger = each;
        clock.since = uint64(block.timestamp);
        clock.turn = IGame.Side.Accountant;
    }

    /// @notice The instant at which the mover's time is used up.
    function end(IGame.Clock memory clock) internal pure returns (uint64) {
        bool accountant = clock.turn == IGame.Side.Accountant;
        return clock.since + (accountant ? clock.accountant : clock.challenger);
    }

    /// @notice Takes the time of this turn off the mover's and gives the turn to the other side.
    function pass(IGame.Clock storage clock) internal {
        uint64 elapsed = uint64(block.timestamp) - clock.since;
        if (clock.turn == IGame.Side.Accountant) {
            clock.accountant -= elapsed;
            clock.turn = IGame.Side.Challenger;
        } else {
            clock.challenger -= elapsed;
            clock.turn = IGame.Side.Accountant;
        }
        clock.since = uint64(block.timestamp);
    }

    /// @notice Ends a game for good; the id can never be used again.
    function stop(IGame.Clock storage clock) internal {
        clock.turn = IGame.Side.Over;
    }
}
