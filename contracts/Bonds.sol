// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IBonds } from "contracts/interfaces/IBonds.sol";

/// @title The vault of bonds, stakes and fees
contract Bonds is IBonds {
    /// @dev Where burnt ether goes: an address whose key nobody knows, used for this on every chain.
    address private constant GRAVE = 0x000000000000000000000000000000000000dEaD;

    address private immutable INBOX;
    address private immutable CLAIMS;
    address private immutable GAME;
    address private immutable LEDGER_CLAIMS;

    /// @inheritdoc IBonds
    mapping(address account => uint256) public credits;

    /// @inheritdoc IBonds
    mapping(address court => uint256) public locked;

    modifier onlyCourt() {
        _requireCourt();
        _;
    }

    /// @notice The courts may be addresses at which contracts are deployed later.
    constructor(address inbox, address claims, address game, address ledgerClaims) {
        INBOX = inbox;
        CLAIMS = claims;
        GAME = game;
        LEDGER_CLAIMS = ledgerClaims;
    }

    // --- for courts ---

    /// @inheritdoc IBonds
    function lock() external payable onlyCourt {
        locked[msg.sender] += msg.value;
        emit Locked(msg.sender, msg.value);
    }

    /// @inheritdoc IBonds
    function credit(address account, uint256 amount) external onlyCourt {
        _unlock(amount);
        credits[account] += amount;
        emit Credited(msg.sender, account, amount);
    }

    /// @inheritdoc IBonds
    function burn(uint256 amount) external onlyCourt {
        _unlock(amount);
        emit Burnt(msg.sender, amount);
        _send(GRAVE, amount);
    }

    // --- for everybody ---

    /// @inheritdoc IBonds
    function withdraw(address to) external returns (uint256 amount) {
        amount = credits[msg.sender];
        require(amount != 0, NothingToWithdraw(msg.sender));
        credits[msg.sender] = 0;
        emit Withdrawn(msg.sender, to, amount);
        _send(to, amount);
    }

    // --- internal ---

    function _requireCourt() private view {
        bool results = msg.sender == CLAIMS || msg.sender == GAME;
        require(results || msg.sender == INBOX || msg.sender == LEDGER_CLAIMS, NotACourt(msg.sender));
    }

    function _unlock(uint256 amount) private {
        uint256 held = locked[msg.sender];
        require(amount <= held, MoreThanLocked(msg.sender, amount, held));
        locked[msg.sender] = held - amount;
    }

    function _send(address to, uint256 amount) private {
        (bool taken,) = to.call{ value: amount }("");
        require(taken, WithdrawalRefused(to, amount));
    }
}
