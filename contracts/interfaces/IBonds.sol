// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The vault of bonds, stakes and fees
/// @notice Holds the ether that the protocol locks. Four courts (Inbox, Claims, Game, LedgerClaims; immutable addresses)
/// lock ether, and say later whose it is; everybody draws what is credited to them.
///
/// Safety:
/// - ether received = ether held + ether withdrawn + ether burnt, at all times;
/// - a court disposes of what it locked itself, and of nothing else;
/// - a credit shrinks only by its owner's withdrawal.
///
/// Liveness:
/// - a withdrawal depends on nobody but its caller: nothing is pushed, no receiver can stop another one's payment.
interface IBonds {
    /// @notice A court locked ether.
    event Locked(address indexed court, uint256 amount);

    /// @notice A court gave locked ether to an account, which may withdraw it.
    event Credited(address indexed court, address indexed account, uint256 amount);

    /// @notice A court destroyed locked ether.
    event Burnt(address indexed court, uint256 amount);

    /// @notice An account drew its credit and had it sent to an address.
    event Withdrawn(address indexed account, address indexed to, uint256 amount);

    /// @notice The caller is none of the courts.
    error NotACourt(address caller);

    /// @notice A court disposes of more than it has locked.
    error MoreThanLocked(address court, uint256 asked, uint256 locked);

    /// @notice The caller has no credit.
    error NothingToWithdraw(address account);

    /// @notice The receiver of a withdrawal refused the ether.
    error WithdrawalRefused(address to, uint256 amount);

    /// @notice Locks the ether sent along. Only for courts.
    function lock() external payable;

    /// @notice Credits locked ether to an account. Only for courts.
    /// @param account Whose credit grows.
    /// @param amount Wei out of what the calling court has locked.
    function credit(address account, uint256 amount) external;

    /// @notice Destroys locked ether by sending it to 0x...dEaD. Only for courts.
    /// @param amount Wei out of what the calling court has locked.
    function burn(uint256 amount) external;

    /// @notice Sends the caller's whole credit.
    /// @param to The receiver; reverts where it refuses.
    /// @return amount Wei sent.
    function withdraw(address to) external returns (uint256 amount);

    /// @notice Wei that an account may withdraw.
    function credits(address account) external view returns (uint256);

    /// @notice Wei that a court has locked and not yet disposed of.
    function locked(address court) external view returns (uint256);
}
